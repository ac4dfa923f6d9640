//! Where plans keep what they have parsed, for the next plan: a file for each repository in the user's cache.
//!
//! A cache: that it is missing, damaged or cannot be written changes no plan and is no error. Must not know what is in it.

use std::time::{Duration, SystemTime};

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};

use crate::survey::Memo;
use crate::{context, sources, tools};

/// Repositories that nobody has planned for so long are forgotten.
const FORGOTTEN: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What earlier plans in a repository have parsed, and a warning when that cannot be read.
pub fn recall(root: &Utf8Path) -> (Memo, Option<String>) {
    // Where there is no place for it, `keep` says so.
    let (Ok(path), Some(program)) = (file(root), program()) else { return Default::default() };
    let Ok(bytes) = std::fs::read(&path) else { return Default::default() };
    let read = String::from_utf8(bytes).map_err(Into::into).and_then(|text| Memo::with(&text, &program));
    match read {
        Ok(memo) => (memo, None),
        Err(error) => {
            // The next plan writes it anew.
            let _ = std::fs::remove_file(&path);
            (Memo::default(), Some(format!("{path} is damaged and was deleted ({error:#}); everything is read again")))
        }
    }
}

/// Keeps what was parsed; a warning when that cannot be written.
pub fn keep(root: &Utf8Path, memo: &Memo) -> Option<String> {
    let text = memo.text(&program()?).ok()??;
    let written = file(root).and_then(|path| {
        forget(&path);
        context::write(&path, text)
    });
    let error = written.err()?;
    Some(format!("what was read is not kept for the next plan, which will be slower: {error:#}"))
}

/// Deletes what is kept for repositories that nobody plans for any more.
fn forget(path: &Utf8Path) {
    let entries = path.parent().and_then(|dir| dir.read_dir_utf8().ok());
    for entry in entries.into_iter().flatten().flatten() {
        let used = entry.metadata().and_then(|it| it.modified());
        if used.is_ok_and(|it| SystemTime::now().duration_since(it).is_ok_and(|it| it > FORGOTTEN)) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn file(root: &Utf8Path) -> Result<Utf8PathBuf> {
    let name = &sources::sha256(root.as_str().as_bytes())[..32];
    Ok(tools::cache_dir()?.join("plans").join(name))
}

/// Tells builds of this program apart.
fn program() -> Option<String> {
    let meta = std::env::current_exe().and_then(std::fs::metadata).ok()?;
    let built = meta.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(format!("{} {} {}", env!("CARGO_PKG_VERSION"), meta.len(), built.as_nanos()))
}
