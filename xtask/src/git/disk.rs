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

use super::{Git, fields, split_tab, unreadable};
use crate::files;
use crate::tree::{self, Builder, Entry, Id, Mode, Tree};

/// One path as `git ls-files` tells of it.
struct Row<'a> {
    path: &'a [u8],
    /// What the index has.
    indexed: Option<Entry>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// As the index says.
    Kept,
    /// As the index says where it is not on the disk: left out by a sparse checkout, or marked by hand.
    Skipped,
    /// To be looked at on the disk: it may have changed or be gone.
    Looked,
}

/// The settings that say how far the modes on this disk can be believed.
#[derive(Clone, Copy)]
struct Belief {
    executable: bool,
    links: bool,
}

/// The tree so far, and what is still to be hashed.
#[derive(Default)]
struct Pending<'a> {
    builder: Builder,
    files: Vec<(&'a [u8], Mode)>,
    links: Vec<&'a [u8]>,
}

impl Git {
    /// The work tree: tracked files as they are now, and untracked files that are not ignored.
    ///
    /// # Errors
    /// When git cannot list, or a file cannot be read.
    pub fn work_tree(&self) -> Result<Tree> {
        // Two listings take no longer than the longer of them.
        let (tracked, untracked) = std::thread::scope(|scope| {
            let untracked = scope.spawn(|| self.untracked());
            (self.tracked(), untracked.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        Ok(tracked?.joined(&untracked?))
    }

    /// The tracked files of the work tree as they are now.
    ///
    /// What a sparse checkout has left out is as the index says. A submodule with changes of its own has an id that no
    /// commit has.
    ///
    /// # Errors
    /// When git cannot list, or a file cannot be read.
    pub fn tracked(&self) -> Result<Tree> {
        let listing = self.list(&["--stage", "--modified"])?;
        let (linked, rows) = (self.linked(&listing), rows(&listing)?);
        let is_looked = |it: &Row| it.state != State::Kept || it.indexed.is_some_and(|it| it.mode == Mode::Submodule);
        let belief = self.belief(rows.iter().any(is_looked))?;
        let mut pending = Pending::default();
        let mut there = HashMap::new();
        for row in &rows {
            // Below a link that has taken the place of a directory, git sees the files of another place.
            if linked.iter().any(|dir| is_below(row.path, dir)) {
                continue;
            }
            match row.indexed {
                Some(it) if row.state == State::Kept && it.mode != Mode::Submodule => {
                    pending.builder.push(&tree::text(row.path), it);
                }
                // What is there all the same is what a stage reads.
                Some(it) if row.state == State::Skipped && !self.is_there(row.path, &mut there) => {
                    pending.builder.push(&tree::text(row.path), it);
                }
                indexed => self.look(row.path, indexed, belief, &mut pending)?,
            }
        }
        self.hashed(pending)
    }

    /// The untracked files of the work tree that are not ignored. Those of a repository that lies within this one are
    /// listed one by one.
    ///
    /// # Errors
    /// When git cannot list, or a file cannot be read.
    pub fn untracked(&self) -> Result<Tree> {
        let listing = self.list(&["--others", "--exclude-standard"])?;
        let rows = rows(&listing)?;
        let belief = self.belief(!rows.is_empty())?;
        let mut pending = Pending::default();
        for row in &rows {
            if row.path.ends_with(b"/") {
                self.nested(row.path, &mut pending.builder)?;
            } else {
                self.look(row.path, None, belief, &mut pending)?;
            }
        }
        self.hashed(pending)
    }

    fn list(&self, flags: &[&str]) -> Result<Vec<u8>> {
        self.run(&[&["ls-files", "-z", "-t", "-v"], flags].concat())
    }

    /// The tree, with what was still to be hashed.
    fn hashed(&self, pending: Pending) -> Result<Tree> {
        let Pending { mut builder, files, links } = pending;
        let paths: Vec<&[u8]> = files.iter().map(|it| it.0).collect();
        for ((path, mode), id) in files.iter().zip(self.hash_files(&paths)?) {
            builder.push(&tree::text(path), Entry { mode: *mode, id });
        }
        for (path, id) in links.iter().zip(self.hash_links(&links)?) {
            builder.push(&tree::text(path), Entry { mode: Mode::Link, id });
        }
        Ok(builder.finish())
    }

    /// The directories of tracked files in whose place there is a link now.
    fn linked(&self, listing: &[u8]) -> Vec<Vec<u8>> {
        let mut found: Vec<Vec<u8>> = Vec::new();
        let mut last: &[u8] = b"";
        for row in fields(listing) {
            let path = row.iter().position(|it| *it == b'\t').map_or(row, |tab| &row[tab + 1..]);
            let dir = &path[..path.iter().rposition(|it| *it == b'/').unwrap_or(0)];
            // The listing is sorted, so whatever of a directory was seen before is at its beginning.
            let seen = shared(dir, last);
            let ends = (seen..=dir.len()).filter(|it| *it > seen && (*it == dir.len() || dir[*it] == b'/'));
            for end in ends {
                let dir = &dir[..end];
                let is_new = !found.iter().any(|it| it == dir || is_below(dir, it));
                if is_new && self.on_disk(dir).symlink_metadata().is_ok_and(|it| it.is_symlink()) {
                    found.push(dir.to_vec());
                }
            }
            last = dir;
        }
        found
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
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(()),
            Err(error) => return Err(error).with_context(|| format!("could not look at {}", tree::text(path))),
        };
        if meta.is_dir() {
            // A directory in the place of a file is listed by its files, unless it is a repository of its own.
            if let Some(entry) = self.submodule(path, indexed.filter(|it| it.mode == Mode::Submodule))? {
                pending.builder.push(&tree::text(path), entry);
            }
        } else if meta.is_symlink() {
            pending.links.push(path);
        } else if meta.is_file() {
            match mode(&meta, indexed.map(|it| it.mode), belief) {
                Mode::Link => pending.links.push(path),
                mode => pending.files.push((path, mode)),
            }
        }
        // A pipe or a socket is nothing that could be committed.
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
    fn nested(&self, path: &[u8], builder: &mut Builder) -> Result<()> {
        let Ok(prefix) = std::str::from_utf8(path) else {
            // Listed by git as one odd path, and here as well.
            let id = Id::new(&Hash::hash(path))?;
            builder.push(tree::text(path).trim_end_matches('/'), Entry { mode: Mode::Submodule, id });
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
            builder.push(&format!("{prefix}{file}"), entry);
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

/// The length of the directory that two directories share.
fn shared(a: &[u8], b: &[u8]) -> usize {
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let whole = |it: &[u8]| it.len() == same || it.get(same) == Some(&b'/');
    if whole(a) && whole(b) { same } else { a[..same].iter().rposition(|it| *it == b'/').unwrap_or(0) }
}

/// The listing, with the several lines that git prints for one path made into one row.
fn rows(listing: &[u8]) -> Result<Vec<Row<'_>>> {
    let mut rows: Vec<Row> = Vec::new();
    for field in fields(listing) {
        let (Some(tag), Some(rest)) = (field.first(), field.get(2..)) else { bail!(unreadable("ls-files", field)) };
        if *tag == b'?' {
            rows.push(Row { path: rest, indexed: None, state: State::Looked });
            continue;
        }
        let (meta, path) = split_tab(rest).with_context(|| unreadable("ls-files", field))?;
        let mut words = meta.split(' ');
        let (mode, id) = (words.next().and_then(Mode::from_octal), words.next().map(Id::from_hex));
        let (Some(mode), Some(Ok(id))) = (mode, id) else { bail!(unreadable("ls-files", field)) };
        let state = match tag {
            b'H' => State::Kept,
            b'S' | b's' => State::Skipped,
            // Changed or gone, in conflict, or (in small letters) marked to be taken for unchanged.
            _ => State::Looked,
        };
        match rows.last_mut().filter(|it| it.path == path && it.indexed.is_some()) {
            Some(_) if state != State::Looked => {}
            Some(last) => last.state = state,
            None => rows.push(Row { path, indexed: Some(Entry { mode, id }), state }),
        }
    }
    Ok(rows)
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
