//! Times and identifiers that follow from the input alone, so that the same input gives the same bytes.

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::context::Context;
use crate::discover::Project;
use crate::{proc, sources, waivers};

/// The time that a document carries: `SOURCE_DATE_EPOCH`, else that of the last commit to the lock, else 1970.
///
/// # Errors
/// When `SOURCE_DATE_EPOCH` is no number.
pub fn time(ctx: &Context, project: &Project) -> Result<u64> {
    if let Ok(text) = std::env::var("SOURCE_DATE_EPOCH") {
        return text.parse().with_context(|| format!("SOURCE_DATE_EPOCH is no number of seconds: {text:?}"));
    }
    let Some(git) = proc::find_on_path("git") else { return Ok(0) };
    let lock = project.lock_dir.join("uv.lock");
    let call = ctx.call(git).cwd(&ctx.repo.root).args(["-c", "safe.directory=*", "log", "-1", "--format=%ct", "--"]);
    let done = ctx.run(&call.arg(format!(":(literal){lock}")))?;
    // No repository, no commit yet, a lock that is not committed: all of them print no number.
    Ok(done.stdout.trim().parse().unwrap_or(0))
}

/// A time as both standards write it.
pub fn rfc3339(seconds: u64) -> String {
    waivers::clock(seconds) + "Z"
}

/// A UUID made of the content.
pub fn uuid(content: &Value) -> String {
    sources::uuid(content.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_identifiers() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_709_251_199), "2024-02-29T23:59:59Z");
        let uuid = uuid(&serde_json::json!({ "b": 1, "a": 2 }));
        assert_eq!(uuid, super::uuid(&serde_json::json!({ "a": 2, "b": 1 })));
        let lengths: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(&uuid[14..15], "8");
        assert!("89ab".contains(&uuid[19..20]), "{uuid}");
    }
}
