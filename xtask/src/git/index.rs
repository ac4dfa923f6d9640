//! The index of a repository, and the untracked files beside what it holds.
//!
//! Asks git; the one thing that is found without it is where to ask. Must not read the content of a file.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;

use anyhow::{Context as _, Result, bail};

use super::listed::Listed;
use super::walk::{self, Beside, Tracked};
use super::{Git, fields, split_tab, unreadable};
use crate::proc;
use crate::tree::{Entry, Id, Mode};

/// What tells an index file from the one that takes its place: inode, length, time of change. `None` where there is none.
pub type Stamp = Option<(u64, u64, i64, i64)>;

/// More paths than these are not named to git one by one.
const NAMED: usize = 100;

/// A path of the index.
pub struct Row<'a> {
    pub path: &'a [u8],
    pub entry: Entry,
    pub state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// As the index says.
    Kept,
    /// As the index says where it is not on the disk: left out by a sparse checkout, or marked by hand.
    Skipped,
    /// To be looked at on the disk: it may have changed or be gone.
    Looked,
}

impl Row<'_> {
    /// Is it to be looked at, whatever the index says?
    pub fn is_looked(&self) -> bool {
        self.state == State::Looked || self.state == State::Kept && self.entry.mode == Mode::Submodule
    }
}

impl Git {
    /// Which index file there is now.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub(super) fn stamp(&self) -> Result<Stamp> {
        let mut dir = self.top.join(".git");
        if dir.is_file() {
            // That of a submodule or of a second work tree says where git's own files are.
            let text = std::fs::read_to_string(&dir).with_context(|| format!("could not read {dir}"))?;
            dir = self.top.join(text.trim_end_matches('\n').trim_start_matches("gitdir: "));
        }
        match dir.join("index").metadata() {
            Ok(meta) => Ok(Some((meta.ino(), meta.len(), meta.ctime(), meta.ctime_nsec()))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("could not look at {dir}/index")),
        }
    }

    /// What lies around the tracked files: links in the place of their directories, and a listing of the untracked files
    /// that are not ignored.
    ///
    /// # Errors
    /// When git cannot list, or a directory cannot be read.
    pub(super) fn around<'a>(&self, rows: &[Row<'a>], listed: &mut Listed) -> Result<(Vec<Vec<u8>>, Vec<u8>)> {
        let tracked = |it: &Row<'a>| Tracked { path: it.path, is_submodule: it.entry.mode == Mode::Submodule };
        let tracked: Vec<Tracked> = rows.iter().map(tracked).collect();
        let Beside { linked, untracked } = walk::beside(self.root.as_std_path(), &tracked, listed)?;
        Ok((linked, self.untracked(&untracked)?))
    }

    /// A listing of the untracked files that are not ignored, all of them at or below these paths.
    fn untracked(&self, paths: &[Vec<u8>]) -> Result<Vec<u8>> {
        let ignored = self.ignored(paths)?;
        let left: Vec<&Vec<u8>> = paths.iter().filter(|it| ignored.binary_search(it).is_err()).collect();
        if left.is_empty() {
            return Ok(Vec::new());
        }
        let names: Option<Vec<&str>> = left.iter().map(|it| std::str::from_utf8(it).ok()).collect();
        let names = names.filter(|it| it.len() <= NAMED).unwrap_or_default();
        self.list(&[&["--others", "--exclude-standard", "--"], &names[..]].concat())
    }

    /// Those of the paths that git ignores as they are, whatever is in them; sorted.
    fn ignored(&self, paths: &[Vec<u8>]) -> Result<Vec<Vec<u8>>> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let input: Vec<u8> = paths.iter().flat_map(|it| it.iter().chain(b"\0").copied()).collect();
        let answer = proc::output(&self.call(&["check-ignore", "--stdin", "-z", "--verbose"]), &input)?;
        // 1 says that none is. Where it cannot say, the listing has the last word.
        if answer.code > 1 {
            return Ok(Vec::new());
        }
        let fields: Vec<&[u8]> = answer.stdout.split(|byte| *byte == 0).collect();
        // The file, the line, the pattern, the path. A pattern with `!` says that the path is not ignored.
        let is_ignored = |it: &&[&[u8]]| !it[2].starts_with(b"!");
        let mut found: Vec<Vec<u8>> = fields.chunks_exact(4).filter(is_ignored).map(|it| it[3].to_vec()).collect();
        found.sort();
        Ok(found)
    }

    /// What `git ls-files` prints.
    ///
    /// # Errors
    /// With git's own words.
    pub(super) fn list(&self, flags: &[&str]) -> Result<Vec<u8>> {
        self.run(&[&["ls-files", "-z"], flags].concat())
    }
}

/// The paths of the index, each once, and whether one of them has several contents.
///
/// # Errors
/// On a listing that is none.
pub fn rows(listing: &[u8]) -> Result<(Vec<Row<'_>>, bool)> {
    let mut rows: Vec<Row> = Vec::new();
    let mut is_merging = false;
    for field in fields(listing) {
        let (Some(tag), Some(rest)) = (field.first(), field.get(2..)) else { bail!(unreadable("ls-files", field)) };
        let (meta, path) = split_tab(rest).with_context(|| unreadable("ls-files", field))?;
        let mut words = meta.split(' ');
        let (mode, id) = (words.next().and_then(Mode::from_octal), words.next().map(Id::from_hex));
        let (Some(mode), Some(Ok(id))) = (mode, id) else { bail!(unreadable("ls-files", field)) };
        let state = match tag {
            b'H' => State::Kept,
            b'S' | b's' => State::Skipped,
            // In conflict, or (in small letters) marked to be taken for unchanged.
            _ => State::Looked,
        };
        is_merging |= *tag == b'M';
        match rows.last_mut().filter(|it| it.path == path) {
            Some(last) => last.state = State::Looked,
            None => rows.push(Row { path, entry: Entry { mode, id }, state }),
        }
    }
    Ok((rows, is_merging))
}
