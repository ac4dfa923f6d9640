//! The files of the work tree as they are now: what a commit of everything would hold.
//!
//! Reads only the files that git says have changed. Must not write to the repository, nor to its index.

use std::collections::HashMap;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use hmac_sha256::Hash;

use super::index::{Row, Stamp, State, rows};
use super::listed::Listed;
use super::{Git, fields, joined, unreadable};
use crate::files;
use crate::tree::{self, Builder, Change, Entry, Id, Mode, Tree};

/// The work tree and what it was read from, all of one moment.
#[derive(Debug, Clone)]
pub struct Disk {
    /// Tracked files as they are now, and untracked files that are not ignored.
    ///
    /// What a sparse checkout has left out is as the index says. A submodule with changes of its own has an id that no
    /// commit has. The files of a repository that lies untracked within this one are listed one by one.
    pub files: Tree,
    /// What the index holds; `None` in the middle of a merge, when a path has several contents there.
    index: Option<Tree>,
    stamp: Stamp,
}

/// The settings that say how far the modes on this disk can be believed.
#[derive(Clone, Copy)]
struct Belief {
    executable: bool,
    links: bool,
}

/// What is not as the index says, and what of it is still to be hashed.
#[derive(Default)]
struct Pending<'a> {
    changes: Vec<Change>,
    files: Vec<(&'a [u8], Mode)>,
    links: Vec<&'a [u8]>,
}

impl Pending<'_> {
    fn push(&mut self, path: &[u8], after: Option<Entry>) {
        self.changes.push(Change { path: tree::text(path).into_owned().into(), before: None, after });
    }
}

impl Git {
    /// The work tree: tracked files as they are now, and untracked files that are not ignored.
    ///
    /// # Errors
    /// As [`Git::disk`].
    pub fn work_tree(&self) -> Result<Tree> {
        Ok(self.disk()?.files)
    }

    /// The work tree and its index.
    ///
    /// # Errors
    /// When git cannot list, when a file cannot be read, and when the index is written all the time.
    pub fn disk(&self) -> Result<Disk> {
        self.disk_with(&mut Listed::default())
    }

    /// The same, reading only those directories that are not remembered as they are; all of them are remembered then.
    ///
    /// # Errors
    /// As [`Git::disk`].
    pub fn disk_with(&self, listed: &mut Listed) -> Result<Disk> {
        for _ in 0..5 {
            let stamp = self.stamp()?;
            let read = self.read_disk(listed);
            if self.stamp()? == stamp {
                let (files, index) = read?;
                return Ok(Disk { files, index, stamp });
            }
        }
        bail!(
            "the index of {} is written again and again while it is read; let the other git command end first",
            self.top
        )
    }

    /// The work tree, the commit that is checked out, and whether the two are the same.
    ///
    /// # Errors
    /// As [`Git::disk`], and when the commit is damaged.
    pub fn checked_out(&self) -> Result<(Tree, Option<String>, bool)> {
        let (disk, commit) = (self.disk()?, self.head()?);
        let is_clean = match &commit {
            Some(commit) => self.beside(&disk, commit, &self.cached(commit)?)? == disk.files,
            None => false,
        };
        Ok((disk.files, commit, is_clean))
    }

    /// The files of a commit, from what differs between it and the index: what [`Git::cached`] gave after the disk was
    /// read, or while it was.
    ///
    /// # Errors
    /// When the commit or one of its directories is not there.
    pub fn beside(&self, disk: &Disk, commit: &str, cached: &[Change]) -> Result<Tree> {
        match &disk.index {
            Some(index) if self.stamp()? == disk.stamp => Ok(index.patched(cached, true)),
            _ => self.tree(commit),
        }
    }

    fn read_disk(&self, listed: &mut Listed) -> Result<(Tree, Option<Tree>)> {
        std::thread::scope(|scope| {
            // To ask every tracked file whether it has changed takes longest, and needs nothing that is found elsewhere.
            let modified = scope.spawn(|| self.list(&["--modified"]));
            let listing = self.list(&["-t", "-v", "--stage"])?;
            let (mut rows, is_merging) = rows(&listing)?;
            let (linked, untracked) = self.around(&rows, listed)?;
            let mut builder = Builder::sized(rows.len(), rows.iter().map(|it| it.path.len()).sum());
            rows.iter().for_each(|it| builder.push(&tree::text(it.path), it.entry));
            let index = builder.finish();
            let modified = joined(modified)?;
            for path in fields(&modified) {
                let Ok(row) = rows.binary_search_by(|it| it.path.cmp(path)) else {
                    bail!(unreadable("ls-files --modified", path))
                };
                rows[row].state = State::Looked;
            }
            let files = index.patched(&self.not_as_indexed(&rows, &linked, &untracked)?, false);
            Ok((files, Some(index).filter(|_| !is_merging)))
        })
    }

    /// What is not as the index says.
    fn not_as_indexed(&self, rows: &[Row], linked: &[Vec<u8>], untracked: &[u8]) -> Result<Vec<Change>> {
        let mut pending = Pending::default();
        let belief = self.belief(!untracked.is_empty() || rows.iter().any(Row::is_looked))?;
        self.tracked(rows, linked, belief, &mut pending)?;
        for path in fields(untracked) {
            if path.ends_with(b"/") {
                self.nested(path, &mut pending)?;
            } else {
                self.look(path, None, belief, &mut pending)?;
            }
        }
        self.hashed(pending)
    }

    /// What is not as the index says of the tracked files.
    fn tracked<'a>(
        &self,
        rows: &[Row<'a>],
        linked: &[Vec<u8>],
        belief: Belief,
        pending: &mut Pending<'a>,
    ) -> Result<()> {
        let mut there = HashMap::new();
        for row in rows {
            // Below a link that has taken the place of a directory, git sees the files of another place.
            if linked.iter().any(|dir| is_below(row.path, dir)) {
                pending.push(row.path, None);
                continue;
            }
            // What a sparse checkout has left out is there all the same: that is what a stage reads.
            let is_looked = row.is_looked() || row.state == State::Skipped && self.is_there(row.path, &mut there);
            if is_looked {
                self.look(row.path, Some(row.entry), belief, pending)?;
            }
        }
        Ok(())
    }

    /// The changes, with those that were still to be hashed.
    fn hashed(&self, pending: Pending) -> Result<Vec<Change>> {
        let Pending { changes, files, links } = pending;
        let mut done = Pending { changes, ..Pending::default() };
        let paths: Vec<&[u8]> = files.iter().map(|it| it.0).collect();
        for ((path, mode), id) in files.iter().zip(self.hash_files(&paths)?) {
            done.push(path, Some(Entry { mode: *mode, id }));
        }
        for (path, id) in links.iter().zip(self.hash_links(&links)?) {
            done.push(path, Some(Entry { mode: Mode::Link, id }));
        }
        Ok(done.changes)
    }
    /// Is anything on the disk at a path? Asks once for each directory: a sparse checkout leaves out whole ones.
    fn is_there<'a>(&self, path: &'a [u8], known: &mut HashMap<&'a [u8], bool>) -> bool {
        let dir = path.iter().rposition(|byte| *byte == b'/').map_or(&path[..0], |slash| &path[..slash]);
        let exists = |path: &[u8]| self.on_disk(path).symlink_metadata().is_ok();
        *known.entry(dir).or_insert_with(|| exists(dir)) && exists(path)
    }

    /// What is on the disk at a path.
    fn look<'a>(
        &self,
        path: &'a [u8],
        indexed: Option<Entry>,
        belief: Belief,
        pending: &mut Pending<'a>,
    ) -> Result<()> {
        let meta = match self.on_disk(path).symlink_metadata() {
            Ok(meta) => meta,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                pending.push(path, None);
                return Ok(());
            }
            Err(error) => return Err(error).with_context(|| format!("could not look at {}", tree::text(path))),
        };
        if meta.is_dir() {
            // A directory in the place of a file is listed by its files, unless it is a repository of its own.
            let entry = self.submodule(path, indexed.filter(|it| it.mode == Mode::Submodule))?;
            pending.push(path, entry);
        } else if meta.is_symlink() {
            pending.links.push(path);
        } else if meta.is_file() {
            match mode(&meta, indexed.map(|it| it.mode), belief) {
                Mode::Link => pending.links.push(path),
                mode => pending.files.push((path, mode)),
            }
        } else {
            // A pipe or a socket is nothing that could be committed.
            pending.push(path, None);
        }
        Ok(())
    }

    /// The commit that is checked out in a submodule; with changes of its own, an id that no commit has.
    fn submodule(&self, path: &[u8], indexed: Option<Entry>) -> Result<Option<Entry>> {
        let Some(dir) = std::str::from_utf8(path).ok().map(|it| self.root.join(it)) else { return Ok(indexed) };
        if !dir.join(".git").exists() {
            return Ok(indexed);
        }
        let what = || format!("could not read the submodule {dir}");
        let git = self.at(&dir).with_context(what)?;
        let head = git.head().with_context(what)?;
        let files = git.work_tree().with_context(what)?;
        let clean = match &head {
            Some(head) => git.tree(head).with_context(what)? == files,
            None => false,
        };
        let id = match head {
            Some(head) if clean => Id::from_hex(&head)?,
            _ => digest(&files)?,
        };
        Ok(Some(Entry { mode: Mode::Submodule, id }))
    }

    /// The files of a repository, or of another work tree of this one, that lies here untracked.
    fn nested(&self, path: &[u8], pending: &mut Pending) -> Result<()> {
        let Ok(prefix) = std::str::from_utf8(path) else {
            // Listed by git as one odd path, and here as well.
            let id = Id::new(&Hash::hash(path))?;
            pending.push(path.strip_suffix(b"/").unwrap_or(path), Some(Entry { mode: Mode::Submodule, id }));
            return Ok(());
        };
        let dir = self.root.join(prefix.trim_end_matches('/'));
        // Its own git leaves out what it ignores; where that is damaged, everything counts.
        let own = self.at(&dir).ok().filter(|it| it.prefix.is_empty());
        let tree = match own.map(|it| it.work_tree()) {
            Some(Ok(tree)) => tree,
            _ => work_tree_without_git(&dir)?,
        };
        for (file, entry) in tree.iter() {
            // Paths of a tree are text already.
            pending.changes.push(Change { path: format!("{prefix}{file}").into(), before: None, after: Some(entry) });
        }
        Ok(())
    }

    /// Asks git only where something is looked at.
    fn belief(&self, looks: bool) -> Result<Belief> {
        if !looks {
            return Ok(Belief { executable: true, links: true });
        }
        let asked = self.ask(&["config", "-z", "--type=bool", "--get-regexp", r"^core\.(filemode|symlinks)$"])?;
        // Exit code 1 says that neither is set.
        if asked.code > 1 {
            bail!("could not read git's settings: {}", super::words(&asked));
        }
        let says = String::from_utf8_lossy(&asked.stdout).into_owned();
        let value = |name: &str| {
            let mut values = says.split('\0').filter_map(|it| it.split_once('\n')).filter(|it| it.0 == name);
            values.next_back().is_none_or(|it| it.1 == "true")
        };
        Ok(Belief { executable: value("core.filemode"), links: value("core.symlinks") })
    }
}

/// Is a path below a directory?
fn is_below(path: &[u8], dir: &[u8]) -> bool {
    path.strip_prefix(dir).is_some_and(|it| it.first() == Some(&b'/'))
}

/// The mode that a commit would record for a file that is no link.
fn mode(meta: &Metadata, indexed: Option<Mode>, belief: Belief) -> Mode {
    let executable = meta.permissions().mode() & 0o100 != 0;
    match indexed {
        Some(Mode::Link) if !belief.links => Mode::Link,
        Some(mode @ (Mode::File | Mode::Executable)) if !belief.executable => mode,
        _ if executable && belief.executable => Mode::Executable,
        _ => Mode::File,
    }
}

/// One id for a whole tree. It has 32 bytes, and is made of text that no commit could be.
fn digest(tree: &Tree) -> Result<Id> {
    let mut hash = Hash::new();
    hash.update(b"files of a work tree\0");
    for (path, entry) in tree.iter() {
        hash.update(format!("{:?} {} {}\0", entry.mode, entry.id, path));
    }
    Id::new(&hash.finalize())
}

/// The files on the disk where there is no git: all that look like source, with ids of their content.
///
/// # Errors
/// When a directory or a file cannot be read.
pub fn work_tree_without_git(root: &Utf8Path) -> Result<Tree> {
    let mut paths: Vec<Utf8PathBuf> = Vec::new();
    files::walk(root, Utf8Path::new(""), &mut paths)?;
    let mut builder = Builder::default();
    for path in paths {
        let full = root.join(&path);
        let meta = full.symlink_metadata().with_context(|| format!("could not look at {path}"))?;
        let (mode, content) = if meta.is_symlink() {
            let target = std::fs::read_link(&full).with_context(|| format!("could not read the link {path}"))?;
            (Mode::Link, target.as_os_str().as_bytes().to_vec())
        } else {
            let content = std::fs::read(&full).with_context(|| format!("could not read {path}"))?;
            (mode(&meta, None, Belief { executable: true, links: true }), content)
        };
        // As git does in a sha256 repository.
        let mut hash = Hash::new();
        hash.update(format!("blob {}\0", content.len()));
        hash.update(&content);
        builder.push(path.as_str(), Entry { mode, id: Id::new(&hash.finalize())? });
    }
    Ok(builder.finish())
}
