//! What lies on the disk beside the tracked files, found by looking at the directories that hold any.
//!
//! Knows nothing of what is ignored: git itself is asked about what is found here. Must not open a file, and must not
//! look into a directory in which nothing is tracked.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::listed::{self, Kind, Listed, MANY, Names, Seen, Stamp};
use crate::threads::in_parts;
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

/// A directory, by the tracked paths below it.
struct Dir {
    tracked: Range<usize>,
    /// How many bytes of each are its own path, without the `/`.
    length: usize,
}

impl Dir {
    fn path<'a>(&self, tracked: &[Tracked<'a>]) -> &'a [u8] {
        tracked.get(self.tracked.start).map_or(&[], |it| &it.path[..self.length])
    }

    /// The number of bytes before the names in it.
    fn skipped(&self) -> usize {
        if self.length == 0 { 0 } else { self.length + 1 }
    }
}

/// What some directories hold.
#[derive(Default)]
struct Found {
    beside: Beside,
    /// The directories in them that hold tracked files.
    further: Vec<Dir>,
    /// What is to be remembered.
    seen: Vec<Seen>,
    /// How much of that was not remembered before.
    read: usize,
}

/// For fewer directories a thread is not worth its start.
const WORTH: usize = 50;

/// Looks at every directory that holds tracked files, and reads those which are not remembered as they are. The paths
/// are sorted by their bytes.
///
/// # Errors
/// When a directory cannot be read.
pub fn beside(root: &Path, tracked: &[Tracked], listed: &mut Listed) -> Result<Beside> {
    let (mut found, mut level) = (Found::default(), vec![Dir { tracked: 0..tracked.len(), length: 0 }]);
    // In so few directories as these paths are in, it takes longer to remember anything.
    let none = Listed::default();
    let known = if tracked.len() < MANY { &none } else { &*listed };
    // One level after the other: what is below a level is shared out evenly again.
    while !level.is_empty() {
        let parts = in_parts(level.len(), WORTH, |part| look(root, tracked, &level[part], known));
        level.clear();
        for part in parts {
            let part = part?;
            found.beside.linked.extend(part.beside.linked);
            found.beside.untracked.extend(part.beside.untracked);
            found.seen.extend(part.seen);
            found.read += part.read;
            level.extend(part.further);
        }
    }
    listed.replace(found.seen, found.read);
    found.beside.linked.sort();
    found.beside.untracked.sort();
    Ok(found.beside)
}

/// What lies in these directories.
fn look(root: &Path, tracked: &[Tracked], dirs: &[Dir], listed: &Listed) -> Result<Found> {
    let (mut found, mut children) = (Found::default(), Vec::new());
    let mut full = [root.as_os_str().as_bytes(), b"/"].concat();
    let before = full.len();
    for dir in dirs {
        let path = dir.path(tracked);
        full.truncate(before);
        full.extend(path);
        split(tracked, dir, &mut children);
        let at = Path::new(OsStr::from_bytes(&full));
        let names = names(at, &mut children, listed, &mut found);
        // Gone in the meantime: there is nothing in it.
        let Some(names) = names.with_context(|| format!("could not read the directory {}/", tree::text(path)))? else {
            continue;
        };
        let full = |name: &[u8]| if path.is_empty() { name.to_vec() } else { [path, b"/", name].concat() };
        for (kind, name) in names.iter().filter(|it| it.0 != Kind::File) {
            if kind == Kind::Linked {
                found.beside.linked.push(full(name));
            }
            found.beside.untracked.push(full(name));
        }
        let others: HashSet<&[u8]> = names.iter().map(|it| it.1).collect();
        // What is not there at all will be gone when it is looked at.
        let are_below = children.iter().filter(|it| !it.below.is_empty() && !others.contains(it.name));
        let of = |it: &Child| Dir { tracked: it.below.clone(), length: dir.skipped() + it.name.len() };
        found.further.extend(are_below.map(of));
    }
    Ok(found)
}

/// The names in a directory that count, remembered or read; `None` where there is no such directory.
fn names(at: &Path, children: &mut [Child], listed: &Listed, found: &mut Found) -> Result<Option<Names>> {
    if !listed.is_used() {
        return read(at, children);
    }
    let Some(before) = stamp(at)? else { return Ok(None) };
    let tracked = children.iter().map(|it| match it.file {
        None => (b'/', it.name),
        Some(file) if file.is_submodule => (b's', it.name),
        Some(_) => (b'f', it.name),
    });
    let sum = listed::sum(&before, tracked);
    let keep = |names: &Names| Seen { ino: before.ino, sum, names: names.clone() };
    if let Some(names) = listed.names(&before, sum) {
        found.seen.push(keep(names));
        return Ok(Some(names.clone()));
    }
    let names = read(at, children)?;
    // Another directory may have come to its place while it was read.
    if let Some(names) = &names
        && listed.is_settled(&before)
        && stamp(at)? == Some(before)
    {
        found.seen.push(keep(names));
        found.read += 1;
    }
    Ok(names)
}

/// Reads the names in a directory that count; `None` where there is none.
fn read(at: &Path, children: &mut [Child]) -> Result<Option<Names>> {
    let entries = match std::fs::read_dir(at) {
        Ok(entries) => entries,
        Err(error) if is_gone(&error) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    // Of one name there is the file before what is below it.
    children.sort_by_key(|it| (it.name, !it.below.is_empty()));
    let mut names = Names::default();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.as_bytes();
        if name == b".git" {
            continue;
        }
        let kind = match entry.file_type() {
            Ok(kind) => kind,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error.into()),
        };
        // In the middle of a merge, one name can be a file and a directory.
        let first = children.partition_point(|it| it.name < name);
        let same = children[first..].iter().take_while(|it| it.name == name);
        let (mut file, mut is_above) = (None, false);
        for child in same {
            file = file.or(child.file);
            is_above |= !child.below.is_empty();
        }
        if kind.is_dir() && is_above {
            continue;
        }
        if file.is_none_or(|it| kind.is_dir() && !it.is_submodule) {
            names.push(if kind.is_symlink() && is_above { Kind::Linked } else { Kind::Untracked }, name);
        } else if is_above {
            names.push(Kind::File, name);
        }
    }
    Ok(Some(names))
}

/// What a directory holds, in the order of its tracked paths.
fn split<'a>(tracked: &[Tracked<'a>], dir: &Dir, children: &mut Vec<Child<'a>>) {
    children.clear();
    let (mut at, end) = (dir.tracked.start, dir.tracked.end);
    while at < end {
        let rest = &tracked[at].path[dir.skipped()..];
        let Some(slash) = memchr::memchr(b'/', rest) else {
            children.push(Child { name: rest, file: Some(tracked[at]), below: 0..0 });
            at += 1;
            continue;
        };
        let is_below = |it: &Tracked| it.path[dir.skipped()..].starts_with(&rest[..=slash]);
        // Most directories hold few files and some of them all: look at the next one, at the one after two, after four...
        let mut step = 1;
        while at + step < end && is_below(&tracked[at + step]) {
            step *= 2;
        }
        let from = at + step / 2;
        let below = at..from + tracked[from..end.min(at + step)].partition_point(is_below);
        at = below.end;
        children.push(Child { name: &rest[..slash], file: None, below });
    }
}

/// What tells a directory from others and from itself before a change; `None` where there is none.
fn stamp(at: &Path) -> Result<Option<Stamp>> {
    match at.symlink_metadata() {
        Ok(meta) => Ok(meta.is_dir().then(|| of(&meta))),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn is_gone(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn of(meta: &Metadata) -> Stamp {
    let (modified, changed) = ((meta.mtime(), meta.mtime_nsec()), (meta.ctime(), meta.ctime_nsec()));
    Stamp { dev: meta.dev(), ino: meta.ino(), modified, changed }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::super::Trust;
    use super::*;

    /// What is beside these tracked paths, read and remembered.
    fn found(root: &Path, paths: &[&str]) -> Beside {
        let mut paths: Vec<String> = paths.iter().map(|it| (*it).to_owned()).collect();
        paths.extend((0..MANY).map(|it| format!("many/{it}")));
        paths.sort();
        let tracked: Vec<Tracked> =
            paths.iter().map(|it| Tracked { path: it.as_bytes(), is_submodule: it == "submodule" }).collect();
        let read = beside(root, &tracked, &mut Listed::default()).expect("read");
        let dev = root.metadata().expect("a directory").dev();
        let mut listed = Listed::default().trusting(Trust { dev, until: (i64::MAX, 0) });
        for _ in 0..2 {
            assert_eq!(beside(root, &tracked, &mut listed).expect("remembered"), read);
        }
        let (all, read_ever) = listed.count();
        assert!(all > 0 && all == read_ever, "{read_ever} of {all} directories were read");
        read
    }

    #[test]
    fn what_is_in_the_place_of_tracked_files() {
        let dir = tempfile::tempdir().expect("a directory");
        let root = dir.path();
        for path in
            ["file-dir/in", "submodule/of-its-own", "both-dir/x", "both-dir/new", "deep/dir/x", "other/new", ".git/x"]
        {
            std::fs::create_dir_all(root.join(path).parent().expect("a parent")).expect("a directory");
            std::fs::write(root.join(path), "").expect("written");
        }
        for path in ["dir-file", "both-file"] {
            std::fs::write(root.join(path), "").expect("written");
        }
        for path in ["dir-link", "both-link", "deep/link"] {
            symlink(root.join("other"), root.join(path)).expect("a link");
        }
        let paths = [
            "both-dir",
            "both-dir/x",
            "both-file",
            "both-file/x",
            "both-gone",
            "both-gone/x",
            "both-link",
            "both-link/x",
            "deep/dir/x",
            "deep/gone/dir/x",
            "deep/link",
            "dir-file/x",
            "dir-link/new",
            "dir-link/x",
            "file-dir",
            "file-gone",
            "submodule",
        ];
        let Beside { linked, untracked } = found(root, &paths);
        assert_eq!(linked, [b"dir-link"]);
        let untracked: Vec<_> = untracked.iter().map(|it| String::from_utf8_lossy(it)).collect();
        assert_eq!(untracked, ["both-dir/new", "dir-file", "dir-link", "file-dir", "other"]);
    }
}
