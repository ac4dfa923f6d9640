//! Another verdict than before for the same inputs, in words: a test that is flaky, or an input that no list holds.
//!
//! Pure. Must not decide which of the two it is: `audit --run` runs the stage again to find out.

use camino::Utf8Path;

use super::Kept;

/// How a note on it begins.
pub const UNSTEADY: &str = "UNSTEADY ";

/// The note on two verdicts, with their logs; `None` when they are the same, or say nothing about each other: when
/// one could not do its work, or was given under other circumstances.
pub fn note(before: &Kept, now: &Kept, logs: [&Utf8Path; 2]) -> Option<String> {
    let tells = |it: &Kept| it.outcome != "error";
    if before.same_as(now) || before.with != now.with || !tells(before) || !tells(now) {
        return None;
    }
    let (stage, project, [earlier, log]) = (&now.stage, &now.project, logs);
    let at = |it: &Kept| it.commit.as_deref().map_or(String::new(), |it| format!(" at {}", &it[..it.len().min(12)]));
    Some(format!(
        "{UNSTEADY}{stage} {project}: for the same inputs it has said something else before\n  \
         before: {}{}, log {earlier}\n  \
         now:    {}{}, log {log}\n  \
         a test is flaky, or an input is in no list; `cargo xtask audit --run HEAD --stage {stage}` tells which",
        before.told(),
        at(before),
        now.told(),
        at(now),
    ))
}
