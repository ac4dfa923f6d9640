//! Where plans keep what they have parsed, and what they have seen of the directories, for the next plan: two files for
//! each repository in the user's cache.
//!
//! A cache: that it is missing, damaged or cannot be written changes no plan and is no error. Must not know what is in it.

use std::time::{Duration, SystemTime};

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};

use crate::git::{self, Listed};
use crate::survey::Memo;
use crate::{context, sources, tools};

/// How the name of the file about directories ends.
const DIRECTORIES: &str = ".directories";

/// Repositories that nobody has planned for so long are forgotten.
const FORGOTTEN: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The directories of these seconds are read again by the next plan: file systems show times that are up to two seconds
/// apart as one.
const SETTLED: Duration = Duration::from_secs(2);

/// What earlier plans have kept, and this one adds to.
#[derive(Debug, Default)]
pub struct Known {
    pub memo: Memo,
    pub listed: Listed,
    /// What was wrong with it.
    pub warnings: Vec<String>,
}

impl Known {
    /// All of it, see [`recall`] and [`directories`].
    pub fn recall(root: &Utf8Path) -> Known {
        Known::new(recall(root), directories(root))
    }

    /// What was parsed and what was seen, each with a warning when it could not be read.
    pub fn new(parsed: (Memo, Option<String>), seen: (Listed, Option<String>)) -> Known {
        Known { memo: parsed.0, listed: seen.0, warnings: parsed.1.into_iter().chain(seen.1).collect() }
    }

    /// Keeps it for the next plan, and tells what was wrong.
    pub fn kept(mut self, root: &Utf8Path) -> Vec<String> {
        self.warnings.extend(keep(root, &self.memo, &self.listed));
        self.warnings
    }
}

/// What earlier plans in a repository have parsed, and a warning when that cannot be read.
pub fn recall(root: &Utf8Path) -> (Memo, Option<String>) {
    read(root, "", |bytes, program| Memo::with(&String::from_utf8(bytes)?, program))
}

/// What earlier plans have seen of the directories of a work tree, and a warning when that cannot be read. What is seen
/// from now on can be remembered.
pub fn directories(root: &Utf8Path) -> (Listed, Option<String>) {
    let Some(trust) = git::trust(root.as_std_path(), SETTLED) else { return Default::default() };
    let (listed, damaged) = read(root, DIRECTORIES, |bytes, program| Listed::with(&bytes, program));
    (listed.trusting(trust), damaged)
}

/// Keeps what was parsed and seen; a warning when that cannot be written.
fn keep(root: &Utf8Path, memo: &Memo, listed: &Listed) -> Option<String> {
    let program = program()?;
    let kept = [("", memo.text(&program).ok()?.map(String::into_bytes)), (DIRECTORIES, listed.bytes(&program))];
    let written = kept.into_iter().filter_map(|(kind, bytes)| Some((kind, bytes?))).try_for_each(|(kind, bytes)| {
        let path = file(root, kind)?;
        forget(&path);
        context::write(&path, bytes)
    });
    let error = written.err()?;
    Some(format!("what was read is not kept for the next plan, which will be slower: {error:#}"))
}

/// What is in a file that was kept; nothing where there is none.
fn read<T: Default>(
    root: &Utf8Path,
    kind: &str,
    parse: impl FnOnce(Vec<u8>, &str) -> Result<T>,
) -> (T, Option<String>) {
    // Where there is no place for it, `keep` says so.
    let (Ok(path), Some(program)) = (file(root, kind), program()) else { return Default::default() };
    let Ok(bytes) = std::fs::read(&path) else { return Default::default() };
    match parse(bytes, &program) {
        Ok(read) => (read, None),
        Err(error) => {
            // The next plan writes it anew.
            let _ = std::fs::remove_file(&path);
            (T::default(), Some(format!("{path} is damaged and was deleted ({error:#}); everything is read again")))
        }
    }
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

fn file(root: &Utf8Path, kind: &str) -> Result<Utf8PathBuf> {
    let name = &sources::sha256(root.as_str().as_bytes())[..32];
    Ok(tools::cache_dir()?.join("plans").join(format!("{name}{kind}")))
}

/// Tells builds of this program apart.
fn program() -> Option<String> {
    let meta = std::env::current_exe().and_then(std::fs::metadata).ok()?;
    let built = meta.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(format!("{} {} {}", env!("CARGO_PKG_VERSION"), meta.len(), built.as_nanos()))
}
