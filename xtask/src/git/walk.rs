//! What lies on the disk beside the tracked files, found by looking at the directories that hold any.
//!
//! Knows nothing of what is ignored: git itself is asked about what is found here. Must not open a file, and must not
//! look into a directory in which nothing is tracked.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::ops::Range;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use anyhow::{Context as _, Result};

use super::joined;
use crate::tree;

/// What was found, by paths relative to the directory that was walked.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// Links in the place of directories that hold tracked files; sorted.
    pub linked: Vec<Vec<u8>>,
    /// Files, links and whole directories that are not tracked, ignored or not; sorted.
    pub untracked: Vec<Vec<u8>>,
}

/// A tracked path.
#[derive(Debug, Clone, Copy)]
pub struct Tracked<'a> {
    pub path: &'a [u8],
    /// Is it a commit of another repository? What is in its directory is that repository's.
    pub is_submodule: bool,
}

/// What one directory holds of tracked files.
struct Child<'a> {
    name: &'a [u8],
    /// Is there a tracked path of that name itself?
    file: Option<Tracked<'a>>,
    /// The tracked paths below it.
    below: Range<usize>,
}

/// A directory, and the tracked paths below it.
type Dir = (Vec<u8>, Range<usize>);

/// For fewer directories a thread is not worth its start.
const WORTH: usize = 50;

/// Looks at every directory that holds tracked files. They are sorted by the bytes of their paths.
///
/// # Errors
/// When a directory cannot be read.
pub fn beside(root: &Path, tracked: &[Tracked]) -> Result<Beside> {
    let threads = std::thread::available_parallelism().map_or(1, |it| it.get());
    let (mut found, mut level) = (Beside::default(), vec![(Vec::new(), 0..tracked.len())]);
    // One level after the other: what is below a level is shared out evenly again.
    while !level.is_empty() {
        let share = level.len().div_ceil(threads).max(WORTH);
        let parts: Vec<Result<(Beside, Vec<Dir>)>> = std::thread::scope(|scope| {
            let (mine, others) = level.split_at(share.min(level.len()));
            let others: Vec<_> = others.chunks(share).map(|it| scope.spawn(|| look(root, tracked, it))).collect();
            std::iter::once(look(root, tracked, mine)).chain(others.into_iter().map(joined)).collect()
        });
        level.clear();
        for part in parts {
            let (beside, below) = part?;
            found.linked.extend(beside.linked);
            found.untracked.extend(beside.untracked);
            level.extend(below);
        }
    }
    found.linked.sort();
    found.untracked.sort();
    Ok(found)
}

/// What lies in these directories, and the directories in them that hold tracked files.
fn look(root: &Path, tracked: &[Tracked], dirs: &[Dir]) -> Result<(Beside, Vec<Dir>)> {
    let (mut found, mut further) = (Beside::default(), Vec::new());
    for (dir, range) in dirs {
        let what = || format!("could not read the directory {}/", tree::text(dir));
        let entries = match std::fs::read_dir(root.join(OsStr::from_bytes(dir))) {
            Ok(entries) => entries,
            // Gone in the meantime.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => continue,
            Err(error) => return Err(error).with_context(what),
        };
        let children = children(tracked, range.clone(), if dir.is_empty() { 0 } else { dir.len() + 1 });
        for entry in entries {
            let entry = entry.with_context(what)?;
            let name = entry.file_name().into_vec();
            if name == b".git" {
                continue;
            }
            let kind = match entry.file_type() {
                Ok(kind) => kind,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error).with_context(what),
            };
            let child = children.binary_search_by(|it| it.name.cmp(&name)).ok().map(|it| &children[it]);
            let (file, below) = child.map_or((None, &(0..0)), |it| (it.file, &it.below));
            let path = || if dir.is_empty() { name.clone() } else { [dir, &b"/"[..], &name].concat() };
            if kind.is_dir() && !below.is_empty() {
                further.push((path(), below.clone()));
            } else if file.is_none_or(|it| kind.is_dir() && !it.is_submodule) {
                if kind.is_symlink() && !below.is_empty() {
                    found.linked.push(path());
                }
                found.untracked.push(path());
            }
        }
    }
    Ok((found, further))
}

/// What a directory holds, sorted by name; its path, with the `/`, takes up that many bytes of each tracked path.
fn children<'a>(tracked: &[Tracked<'a>], range: Range<usize>, skip: usize) -> Vec<Child<'a>> {
    let mut children: Vec<Child> = Vec::new();
    for index in range {
        let rest = &tracked[index].path[skip..];
        let slash = rest.iter().position(|it| *it == b'/');
        let name = &rest[..slash.unwrap_or(rest.len())];
        match (slash, children.last_mut()) {
            (Some(_), Some(last)) if last.name == name && !last.below.is_empty() => last.below.end = index + 1,
            (Some(_), _) => children.push(Child { name, file: None, below: index..index + 1 }),
            (None, _) => children.push(Child { name, file: Some(tracked[index]), below: 0..0 }),
        }
    }
    children.sort_by_key(|it| it.name);
    // In the middle of a merge, one name can be a file and a directory.
    children.dedup_by(|later, kept| {
        let is_same = later.name == kept.name;
        if is_same {
            kept.file = kept.file.or(later.file);
            if kept.below.is_empty() {
                kept.below = later.below.clone();
            }
        }
        is_same
    });
    children
}
