//! The means of reading revisions: git where there is one, the disk, and the reader of contents.
//!
//! The effects of planning are here and in `git`. Must not decide anything.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use anyhow::{Context as _, Result, bail};
use camino::Utf8Path;

use super::{Place, Range, WORK_TREE, outside};
use crate::base::Surroundings;
use crate::config::{self, Config};
use crate::git::{self, Contents, Git, Listed};
use crate::remember::{self, Known};
use crate::side::Side;
use crate::survey::{self, Memo, Settings};
use crate::threads::joined;
use crate::tree::{Change, Entry, Mode, Tree};

/// A base that was found: its commit, how, and its files.
pub(super) type Early = (Option<String>, String, Option<Tree>);

/// What head is called, and its files.
type Head = Result<(String, Tree)>;

/// The means of reading.
pub struct Desk<'a> {
    place: &'a Place,
    pub git: Option<Git>,
    contents: Option<Contents>,
}

impl<'a> Desk<'a> {
    /// Opens git, where there is one.
    ///
    /// # Errors
    /// When there is a repository and git cannot read it.
    pub fn open(place: &'a Place) -> Result<Desk<'a>> {
        Ok(Desk { place, git: Git::open(&place.root)?, contents: None })
    }

    /// What takes time and needs nothing else: head, its base, and what earlier plans have kept.
    pub(super) fn start(&self, range: &Range, vars: &BTreeMap<String, String>) -> (Head, Option<Early>, Known) {
        let root = &self.place.root;
        let Some(git) = &self.git else {
            let mut known = Known::recall(root);
            return (self.head_tree(range.head.as_deref(), &mut known.listed), None, known);
        };
        if let Some(head) = &range.head {
            return std::thread::scope(|scope| {
                let parsed = scope.spawn(|| remember::recall(root));
                let (head, early) = start_commit(git, head, range);
                (head, early, Known::new(joined(parsed), Default::default()))
            });
        }
        let ((disk, seen), base, parsed) = std::thread::scope(|scope| {
            let disk = scope.spawn(|| {
                let mut seen = remember::directories(root);
                (git.disk_with(&mut seen.0), seen)
            });
            let parsed = scope.spawn(|| remember::recall(root));
            let base = self.early_base(range, vars);
            (joined(disk), base, joined(parsed))
        });
        let known = Known::new(parsed, seen);
        let disk = match disk {
            Ok(disk) => disk,
            Err(error) => return (Err(error), None, known),
        };
        // Whatever goes wrong here is met again on the ordinary way, and said there.
        let early = base.and_then(|(commit, because, cached)| {
            let of = |commit: &String| git.beside(&disk, commit, &cached);
            let tree = commit.as_ref().map(of).transpose().ok()?;
            Some((commit, because, tree))
        });
        (Ok((WORK_TREE.to_owned(), disk.files)), early, known)
    }

    pub(super) fn head_tree(&self, head: Option<&str>, listed: &mut Listed) -> Head {
        match (&self.git, head) {
            (Some(git), Some(revision)) => {
                let commit = git.resolve(revision)?;
                let tree = git.tree(&commit)?;
                Ok((commit, tree))
            }
            (Some(git), None) => Ok((WORK_TREE.to_owned(), git.disk_with(listed)?.files)),
            (None, Some(revision)) => {
                bail!("{} is in no git repository, so there is no revision `{revision}`", self.place.root)
            }
            (None, None) => Ok((WORK_TREE.to_owned(), git::work_tree_without_git(&self.place.root)?)),
        }
    }

    pub(super) fn base(
        &self,
        range: &Range,
        head: &str,
        config: &Config,
        vars: BTreeMap<String, String>,
    ) -> Result<(Option<String>, String)> {
        let Some(git) = &self.git else {
            if let Some(revision) = &range.base {
                bail!("{} is in no git repository, so there is no revision `{revision}`", self.place.root);
            }
            return Ok((None, format!("{} is in no git repository", self.place.root)));
        };
        if range.base.is_some() || head != WORK_TREE {
            return commit_base(git, range, head);
        }
        let surroundings = Surroundings { vars, default_branch_setting: config.default_branch.clone() };
        let found = git::find(Some(git), &surroundings);
        Ok((found.base, found.because))
    }

    /// The base of the work tree and what differs between it and the index, as soon as the settings can be read: to list
    /// the work tree takes longer than all of this.
    fn early_base(
        &self,
        range: &Range,
        vars: &BTreeMap<String, String>,
    ) -> Option<(Option<String>, String, Vec<Change>)> {
        let git = self.git.as_ref()?;
        let text = std::fs::read_to_string(&self.place.file).ok()?;
        let config = Config::parse(&self.place.file, &text).ok()?;
        let (commit, because) = self.base(range, WORK_TREE, &config, vars.clone()).ok()?;
        let cached = commit.as_ref().map(|it| git.cached(it)).transpose().ok()?;
        Some((commit, because, cached.unwrap_or_default()))
    }

    pub(super) fn base_tree(&self, commit: &str, head: &str, head_tree: &Tree) -> Result<Tree> {
        let git = self.git.as_ref().context("there is no git repository")?;
        if head == WORK_TREE {
            return git.tree(commit);
        }
        Ok(head_tree.patched(&git.changes(commit, head)?, true))
    }

    /// The settings of a revision.
    ///
    /// # Errors
    /// When there are none.
    pub fn settings(&mut self, tree: &Tree, name: &str) -> Result<Settings> {
        let place = self.place;
        let dir = config::directory(&place.file);
        let inside = dir.strip_prefix(&place.root).ok().map(Utf8Path::to_owned);
        if place.fixed {
            let text =
                std::fs::read_to_string(&place.file).with_context(|| format!("could not read {}", place.file))?;
            let outside = if inside.is_none() { outside::policy(&dir)? } else { BTreeMap::new() };
            return Ok(Settings { text, file: place.file.clone(), dir: inside, outside });
        }
        let path = Utf8Path::new(config::FILE);
        let Some(entry) = tree.get(path) else {
            bail!("there is no {path} in {name}; say --config FILE to take the settings from elsewhere")
        };
        let bytes = self.content(path, entry, name)?;
        let text = String::from_utf8(bytes).with_context(|| format!("{path} is no UTF-8"))?;
        Ok(Settings { text, file: path.to_owned(), dir: inside, outside: BTreeMap::new() })
    }

    /// Reads a revision from its tree. It is compared with another one, which may have been read, by these changes.
    ///
    /// # Errors
    /// On bad input, naming the file.
    pub fn side(
        &mut self,
        tree: Tree,
        settings: &Settings,
        memo: &mut Memo,
        (other, changes): (Option<&Side>, &[Change]),
        name: &str,
    ) -> Result<Side> {
        let tree = self.followed(&tree, name)?.unwrap_or(tree);
        let read = &mut |path: &Utf8Path, entry: Entry| self.content(path, entry, name);
        survey::side(tree, settings, memo, other, Some(changes), read)
    }

    /// The tree with what is read by name at the place of links to it; `None` where there are none. Fails as the reader does.
    pub fn followed(&mut self, tree: &Tree, name: &str) -> Result<Option<Tree>> {
        let dir = config::directory(&self.place.file);
        let policy = dir.strip_prefix(&self.place.root).ok();
        let read = &mut |path: &Utf8Path, entry: Entry| self.content(path, entry, name);
        survey::followed::followed(tree, policy, read)
    }

    pub(super) fn content(&mut self, path: &Utf8Path, entry: Entry, name: &str) -> Result<Vec<u8>> {
        if name == WORK_TREE {
            let full = self.place.root.join(path);
            // What a sparse checkout has left out is in git alone.
            if self.git.is_some() && full.symlink_metadata().is_err_and(|it| it.kind() == ErrorKind::NotFound) {
                return self.stored(path, entry, name);
            }
            if entry.mode == Mode::Link {
                let target = std::fs::read_link(&full).with_context(|| format!("could not read the link {path}"))?;
                return Ok(target.into_os_string().into_encoded_bytes());
            }
            return std::fs::read(&full).with_context(|| format!("could not read {path}"));
        }
        self.stored(path, entry, name)
    }

    /// What git holds for a path.
    fn stored(&mut self, path: &Utf8Path, entry: Entry, name: &str) -> Result<Vec<u8>> {
        if self.contents.is_none() {
            self.contents = Some(self.git.as_ref().context("there is no git repository")?.contents()?);
        }
        let contents = self.contents.as_mut().context("there is no git repository")?;
        contents.read(entry.id).with_context(|| format!("could not read {path} of {name}"))
    }
}

/// A commit, and what it is compared with.
fn start_commit(git: &Git, head: &str, range: &Range) -> (Head, Option<Early>) {
    let commit = match git.resolve(head) {
        Ok(commit) => commit,
        Err(error) => return (Err(error), None),
    };
    std::thread::scope(|scope| {
        let tree = scope.spawn(|| git.tree(&commit));
        // Whatever goes wrong here is met again on the ordinary way, and said there.
        let base = commit_base(git, range, &commit).ok();
        let changes = base.as_ref().and_then(|it| git.changes(it.0.as_ref()?, &commit).ok());
        let tree = joined(tree);
        let early = match (&tree, base, changes) {
            (Ok(_), Some((None, because)), _) => Some((None, because, None)),
            (Ok(tree), Some((base, because)), Some(changes)) => {
                Some((base, because, Some(tree.patched(&changes, true))))
            }
            _ => None,
        };
        (tree.map(|tree| (commit.clone(), tree)), early)
    })
}

/// The base of a commit, and how it was found.
fn commit_base(git: &Git, range: &Range, head: &str) -> Result<(Option<String>, String)> {
    match &range.base {
        Some(revision) => Ok((Some(git.resolve(revision)?), format!("--base {revision}"))),
        None => Ok((git.resolve(&format!("{head}^")).ok(), "the first parent of --head".to_owned())),
    }
}
