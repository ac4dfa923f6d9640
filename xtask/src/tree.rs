//! The files of a revision: path, mode, content id.
//!
//! Pure and compact: two trees of a hundred thousand files are in memory at once. Must not read a file.

use std::collections::BTreeSet;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};

/// The id of a content, as git gives it: 20 bytes, or 32 in a repository with sha256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; 32]);

impl Id {
    /// From hexadecimal; `None` when it is no id.
    pub fn parse(hex: &str) -> Option<Id> {
        if !matches!(hex.len(), 40 | 64) {
            return None;
        }
        let mut bytes = [0; 32];
        for (index, pair) in hex.as_bytes().chunks(2).enumerate() {
            bytes[index] = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Id(bytes))
    }

    /// The id of a content that git has no id for.
    pub fn of(content: &[u8]) -> Id {
        Id(hmac_sha256::Hash::hash(content))
    }

    /// In hexadecimal, as long as git writes it.
    pub fn hex(&self) -> String {
        let long = self.0[20..].iter().any(|it| *it != 0);
        crate::sources::hex(&self.0[..if long { 32 } else { 20 }])
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.hex()[..12])
    }
}

/// What a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    File,
    Executable,
    Link,
    Submodule,
}

impl Mode {
    /// From git's octal number.
    pub fn parse(octal: &str) -> Option<Mode> {
        match octal {
            "100755" => Some(Mode::Executable),
            "120000" => Some(Mode::Link),
            "160000" => Some(Mode::Submodule),
            it if it.starts_with("100") => Some(Mode::File),
            _ => None,
        }
    }
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    pub mode: Mode,
    pub id: Id,
}

/// One path that differs between two trees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub path: Utf8PathBuf,
    pub before: Option<Entry>,
    pub after: Option<Entry>,
}

/// The files of a revision, sorted by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    entries: Vec<(Arc<str>, Entry)>,
    /// Paths that are no UTF-8, as [`path`] writes them.
    odd: BTreeSet<Arc<str>>,
}

impl Tree {
    /// From entries in any order; of two for one path the last counts.
    pub fn new(entries: impl IntoIterator<Item = (Utf8PathBuf, Entry)>) -> Tree {
        let mut entries: Vec<(Arc<str>, Entry)> =
            entries.into_iter().map(|(path, entry)| (Arc::from(path.into_string()), entry)).collect();
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        entries.reverse();
        entries.dedup_by(|a, b| a.0 == b.0);
        entries.reverse();
        Tree { entries, odd: BTreeSet::new() }
    }

    /// The same with a note of which paths are no UTF-8.
    pub fn with_odd(mut self, odd: impl IntoIterator<Item = Utf8PathBuf>) -> Tree {
        self.odd = odd.into_iter().map(|it| Arc::from(it.into_string())).collect();
        self
    }

    /// The paths that are no UTF-8, each invalid byte written as `\xHH`.
    pub fn odd(&self) -> impl Iterator<Item = &Utf8Path> {
        self.odd.iter().map(|it| Utf8Path::new(&**it))
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What is at a path.
    pub fn get(&self, path: &Utf8Path) -> Option<Entry> {
        let at = self.entries.binary_search_by(|it| (*it.0).cmp(path.as_str())).ok()?;
        Some(self.entries[at].1)
    }

    /// All files, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = (&Utf8Path, Entry)> {
        self.entries.iter().map(|(path, entry)| (Utf8Path::new(&**path), *entry))
    }

    /// All files below a directory; everything below the empty path.
    pub fn under(&self, dir: &Utf8Path) -> impl Iterator<Item = (&Utf8Path, Entry)> {
        let prefix = if dir.as_str().is_empty() || dir == "." { String::new() } else { format!("{dir}/") };
        let start = self.entries.partition_point(|it| *it.0 < *prefix);
        let below = self.entries[start..].iter().take_while(move |it| it.0.starts_with(&prefix));
        below.map(|(path, entry)| (Utf8Path::new(&**path), *entry))
    }

    /// Is there a file below this path?
    pub fn is_dir(&self, dir: &Utf8Path) -> bool {
        self.under(dir).next().is_some()
    }

    /// The tree after the changes, or with `back` the one before them.
    pub fn patched(&self, changes: &[Change], back: bool) -> Tree {
        let mut entries = Vec::with_capacity(self.entries.len());
        let mut rest = self.entries.iter().peekable();
        let mut sorted: Vec<&Change> = changes.iter().collect();
        sorted.sort_by(|a, b| a.path.as_str().cmp(b.path.as_str()));
        for change in sorted {
            let path = change.path.as_str();
            while let Some(it) = rest.next_if(|it| &*it.0 < path) {
                entries.push(it.clone());
            }
            let old = rest.next_if(|it| &*it.0 == path);
            if let Some(entry) = if back { change.before } else { change.after } {
                entries.push((old.map_or_else(|| Arc::from(path), |it| it.0.clone()), entry));
            }
        }
        entries.extend(rest.cloned());
        Tree { entries, odd: self.odd.clone() }
    }
}

/// What differs between two trees, sorted by path.
pub fn changes(base: &Tree, head: &Tree) -> Vec<Change> {
    let (mut before, mut after) = (base.iter().peekable(), head.iter().peekable());
    let mut found = Vec::new();
    loop {
        let order = match (before.peek(), after.peek()) {
            (None, None) => return found,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(a), Some(b)) => a.0.as_str().cmp(b.0.as_str()),
        };
        let old = if order.is_le() { before.next() } else { None };
        let new = if order.is_ge() { after.next() } else { None };
        if let Some((path, _)) = old.or(new).filter(|_| old.map(|it| it.1) != new.map(|it| it.1)) {
            let (before, after) = (old.map(|it| it.1), new.map(|it| it.1));
            found.push(Change { path: path.to_owned(), before, after });
        }
    }
}

/// A path as text: each byte that is no UTF-8 becomes `\xHH`, and in such a path each backslash is doubled, so that no
/// two paths become one. The flag says whether that was needed.
pub fn path(bytes: &[u8]) -> (Utf8PathBuf, bool) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return (Utf8PathBuf::from(text), false);
    }
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        out.push_str(&chunk.valid().replace('\\', "\\\\"));
        chunk.invalid().iter().for_each(|byte| out.push_str(&format!("\\x{byte:02X}")));
    }
    (Utf8PathBuf::from(out), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str) -> Entry {
        Entry { mode: Mode::File, id: Id::of(text.as_bytes()) }
    }

    fn tree(files: &[(&str, &str)]) -> Tree {
        Tree::new(files.iter().map(|(path, text)| (Utf8PathBuf::from(*path), entry(text))))
    }

    #[test]
    fn below_a_directory() {
        let tree = tree(&[("a/x", ""), ("a-b/x", ""), ("ab", ""), ("a/b/c", ""), ("z", "")]);
        let under = |dir: &str| tree.under(dir.into()).map(|it| it.0.as_str().to_owned()).collect::<Vec<_>>();
        assert_eq!(under("a"), ["a/b/c", "a/x"]);
        assert_eq!(under("").len(), 5);
        assert!(tree.is_dir("a/b".into()) && !tree.is_dir("ab".into()) && !tree.is_dir("a/x".into()));
        assert_eq!(tree.get("a-b/x".into()), Some(entry("")));
    }

    #[test]
    fn changes_lead_there_and_back() {
        let old = tree(&[("a", "1"), ("b", "1"), ("c/d", "1")]);
        let new = tree(&[("b", "2"), ("c/d", "1"), ("c/e", "1"), ("z", "")]);
        let changes = changes(&old, &new);
        let paths: Vec<&str> = changes.iter().map(|it| it.path.as_str()).collect();
        assert_eq!(paths, ["a", "b", "c/e", "z"]);
        assert_eq!(old.patched(&changes, false), new);
        assert_eq!(new.patched(&changes, true), old);
    }

    #[test]
    fn odd_paths_stay_apart() {
        assert_eq!(path(b"caf\xc3\xa9 \\x"), ("caf\u{e9} \\x".into(), false));
        assert_eq!(path(b"caf\xe9"), ("caf\\xE9".into(), true));
        assert_eq!(path(b"\\xE9\xe9"), ("\\\\xE9\\xE9".into(), true));
        let id = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(Id::parse(id).expect("an id").hex(), id);
        assert!(Id::parse("0123").is_none() && Id::parse(&"g".repeat(40)).is_none());
    }
}
