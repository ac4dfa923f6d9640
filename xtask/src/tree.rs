//! The files of a revision: path, mode, content id.
//!
//! Values only, built from what others have read. No input or output here, and no opinion on what a change means.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};

mod id;

pub use id::Id;

/// What kind of file a path is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Mode {
    /// A plain file.
    File,
    /// A file that may be executed.
    Executable,
    /// A symbolic link; its content is its target.
    Link,
    /// A commit of another repository.
    Submodule,
}

impl Mode {
    /// From the octal text that git prints; `None` for a directory and for "not there".
    pub fn from_octal(text: &str) -> Option<Mode> {
        match text {
            "100755" => Some(Mode::Executable),
            "120000" => Some(Mode::Link),
            "160000" => Some(Mode::Submodule),
            // Old repositories hold 100664 and the like, which git itself takes for 100644.
            _ if text.starts_with("100") => Some(Mode::File),
            _ => None,
        }
    }
}

/// What is at a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// What kind of file.
    pub mode: Mode,
    /// Its content.
    pub id: Id,
}

/// One path that differs between two trees.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// The path.
    pub path: Utf8PathBuf,
    /// What was there; `None` when the path is new.
    pub before: Option<Entry>,
    /// What is there; `None` when the path is gone.
    pub after: Option<Entry>,
}

/// The files of a revision, sorted by the bytes of their paths, each path once.
///
/// All paths stand in one text, and a patched tree shares the text of the tree it was made from: with 100,000 files a
/// pair of trees costs a few megabytes.
#[derive(Clone, Default)]
pub struct Tree {
    shared: Arc<String>,
    own: Arc<String>,
    rows: Arc<Vec<Row>>,
}

#[derive(Clone, Copy)]
struct Row {
    /// Where the path begins: in `shared`, and beyond its end in `own`.
    start: u32,
    length: u32,
    entry: Entry,
}

impl Tree {
    /// Of paths in any order; of two entries with one path the later one counts.
    pub fn new(entries: impl IntoIterator<Item = (Utf8PathBuf, Entry)>) -> Tree {
        let mut builder = Builder::default();
        for (path, entry) in entries {
            builder.push(path.as_str(), entry);
        }
        builder.finish()
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Is there no file at all?
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What is at a path.
    pub fn get(&self, path: &Utf8Path) -> Option<Entry> {
        let found = self.rows.binary_search_by(|row| self.path(row).cmp(path.as_str()));
        found.ok().map(|index| self.rows[index].entry)
    }

    /// The file with this number, counted from the first in order.
    pub fn at(&self, number: usize) -> (&Utf8Path, Entry) {
        let row = &self.rows[number];
        (Utf8Path::new(self.path(row)), row.entry)
    }

    /// Every file, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&Utf8Path, Entry)> {
        self.rows.iter().map(|row| (Utf8Path::new(self.path(row)), row.entry))
    }

    /// All files below a directory, sorted; an empty path is the root.
    pub fn under(&self, dir: &Utf8Path) -> impl Iterator<Item = (&Utf8Path, Entry)> {
        let dir = dir.as_str().trim_end_matches('/');
        let rows = if dir.is_empty() || dir == "." {
            &self.rows[..]
        } else {
            // `0` is the byte after `/`: between the two stands all that is below the directory and nothing else.
            let (first, end) = (format!("{dir}/"), format!("{dir}0"));
            let from = self.rows.partition_point(|row| self.path(row) < first.as_str());
            let to = self.rows.partition_point(|row| self.path(row) < end.as_str());
            &self.rows[from..to]
        };
        rows.iter().map(|row| (Utf8Path::new(self.path(row)), row.entry))
    }

    /// Does the tree hold files below this path? The root is always a directory.
    pub fn is_dir(&self, dir: &Utf8Path) -> bool {
        matches!(dir.as_str(), "" | ".") || self.under(dir).next().is_some()
    }

    /// The paths that git holds in bytes that are no UTF-8, or that could be mistaken for one of those; see [`text`].
    pub fn odd(&self) -> impl Iterator<Item = &Utf8Path> {
        // Hardly any repository has one, and then one look at all paths together is enough.
        let may = [&self.shared, &self.own].iter().any(|it| it.contains('\\'));
        let rows = if may { &self.rows[..] } else { &[] };
        rows.iter().map(|row| self.path(row)).filter(|path| looks_escaped(path)).map(Utf8Path::new)
    }

    /// The tree with the changes made; with `back`, the tree from which they were made.
    pub fn patched(&self, changes: &[Change], back: bool) -> Tree {
        if changes.is_empty() {
            return self.clone();
        }
        let mut changes: Vec<&Change> = changes.iter().collect();
        changes.sort_by(|a, b| a.path.as_str().cmp(b.path.as_str()));
        let mut rows = Vec::with_capacity(self.rows.len() + changes.len());
        let mut own = String::clone(&self.own);
        let mut rest = &self.rows[..];
        for change in changes {
            let path = change.path.as_str();
            let before = rest.partition_point(|row| self.path(row) < path);
            rows.extend_from_slice(&rest[..before]);
            rest = &rest[before..];
            let old = rest.first().filter(|row| self.path(row) == path);
            rest = &rest[usize::from(old.is_some())..];
            let Some(entry) = (if back { change.before } else { change.after }) else { continue };
            rows.push(old.map_or_else(
                || {
                    let start = offset(self.shared.len() + own.len());
                    own.push_str(path);
                    Row { start, length: offset(path.len()), entry }
                },
                |row| Row { entry, ..*row },
            ));
        }
        rows.extend_from_slice(rest);
        Tree { shared: Arc::clone(&self.shared), own: Arc::new(own), rows: Arc::new(rows) }
    }

    fn path(&self, row: &Row) -> &str {
        let (start, length) = (row.start as usize, row.length as usize);
        match start.checked_sub(self.shared.len()) {
            Some(start) => &self.own[start..start + length],
            None => &self.shared[start..start + length],
        }
    }
}

impl PartialEq for Tree {
    fn eq(&self, other: &Tree) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Tree {}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Collects a tree without a path of its own for each file.
#[derive(Default)]
pub struct Builder {
    text: String,
    rows: Vec<Row>,
}

impl Builder {
    /// One with room for so many files, whose paths have so many bytes in all.
    pub fn sized(files: usize, bytes: usize) -> Builder {
        Builder { text: String::with_capacity(bytes), rows: Vec::with_capacity(files) }
    }

    /// One more file; of two entries with one path the later one counts.
    pub fn push(&mut self, path: &str, entry: Entry) {
        let start = offset(self.text.len());
        self.text.push_str(path);
        self.rows.push(Row { start, length: offset(path.len()), entry });
    }

    /// The tree of them all.
    pub fn finish(mut self) -> Tree {
        let path = |row: &Row| &self.text[row.start as usize..][..row.length as usize];
        self.rows.sort_by(|a, b| path(a).cmp(path(b)));
        self.rows.dedup_by(|later, kept| {
            let same = path(later) == path(kept);
            if same {
                *kept = *later;
            }
            same
        });
        Tree { shared: Arc::new(self.text), own: Arc::default(), rows: Arc::new(self.rows) }
    }
}

/// Four gigabytes of paths are no repository.
fn offset(length: usize) -> u32 {
    u32::try_from(length).expect("all paths of a repository together have less than 4 GiB")
}

/// What differs between two trees, sorted by path.
pub fn changes(base: &Tree, head: &Tree) -> Vec<Change> {
    let mut found = Vec::new();
    let (mut old, mut new) = (base.iter().peekable(), head.iter().peekable());
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return found,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((a, _)), Some((b, _))) => a.as_str().cmp(b.as_str()),
        };
        let before = if order.is_le() { old.next() } else { None };
        let after = if order.is_ge() { new.next() } else { None };
        let path = before.or(after).map(|(path, _)| path).unwrap_or(Utf8Path::new(""));
        let (before, after) = (before.map(|it| it.1), after.map(|it| it.1));
        if before != after {
            found.push(Change { path: path.to_owned(), before, after });
        }
    }
}

/// Is a path among sorted changes?
pub fn is_changed(changes: &[Change], path: &Utf8Path) -> bool {
    changes.binary_search_by(|it| it.path.as_str().cmp(path.as_str())).is_ok()
}

/// Those of sorted changes that are below a directory; all of them below the empty path.
pub fn below<'a>(changes: &'a [Change], dir: &Utf8Path) -> &'a [Change] {
    let prefix = if dir.as_str().is_empty() { String::new() } else { format!("{dir}/") };
    let from = changes.partition_point(|it| it.path.as_str() < prefix.as_str());
    let count = changes[from..].partition_point(|it| it.path.as_str().starts_with(&prefix));
    &changes[from..from + count]
}

/// A directory as an argument or in a report: the root has no name of its own.
pub fn spelled(dir: &Utf8Path) -> &str {
    if dir.as_str().is_empty() { "." } else { dir.as_str() }
}

/// A path as text. One that is no UTF-8 is never dropped: each invalid byte becomes `\xHH` and each backslash two.
///
/// A valid path that already reads like that is written with two backslashes as well, so that no two paths become one
/// text; both are listed by [`Tree::odd`].
pub fn text(path: &[u8]) -> Cow<'_, str> {
    if let Ok(valid) = std::str::from_utf8(path)
        && !looks_escaped(valid)
    {
        return Cow::Borrowed(valid);
    }
    let mut out = String::with_capacity(path.len() + 8);
    for chunk in path.utf8_chunks() {
        out.push_str(&chunk.valid().replace('\\', "\\\\"));
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    Cow::Owned(out)
}

/// The bytes of a path that was written by [`text`].
pub fn bytes(path: &str) -> Vec<u8> {
    if !looks_escaped(path) {
        return path.as_bytes().to_vec();
    }
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match (*first, tail) {
            (b'\\', [b'\\', tail @ ..]) => {
                out.push(b'\\');
                rest = tail;
            }
            (b'\\', [b'x', high, low, tail @ ..]) => {
                let digit = |it: &u8| (*it as char).to_digit(16).unwrap_or(0) as u8;
                out.push(digit(high) << 4 | digit(low));
                rest = tail;
            }
            (byte, _) => out.push(byte),
        }
    }
    out
}

fn looks_escaped(path: &str) -> bool {
    let hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    path.contains('\\')
        && path.as_bytes().windows(4).any(|it| it[0] == b'\\' && it[1] == b'x' && hex(&it[2]) && hex(&it[3]))
}

#[cfg(test)]
mod tests;
