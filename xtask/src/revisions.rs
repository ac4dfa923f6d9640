//! Reads the two revisions that a plan compares: from git's objects, or head from the work tree.
//!
//! The effects of planning are here and in `git`. What cannot be decided selects everything, with the reason; must not
//! decide anything else.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};

use crate::affected::{self, Affected, Comparison};
use crate::base::Surroundings;
use crate::config::{self, Config};
use crate::git::{self, Contents, Git, Listed, joined};
use crate::plan::{Candidate, Plan};
use crate::remember::{self, Known};
use crate::rules::Rules;
use crate::side::Side;
use crate::survey::{self, Memo, Settings};
use crate::tree::{self, Change, Entry, Mode, Tree};
use crate::verdict::one_line;

mod outside;

/// What head is called when it is no commit.
pub const WORK_TREE: &str = "work tree";

/// Which revisions to compare.
#[derive(Debug, Clone, Default)]
pub struct Range {
    /// A revision; found from the surroundings when not given.
    pub base: Option<String>,
    /// A revision; the work tree when not given.
    pub head: Option<String>,
}

/// Where the repository and its settings are.
#[derive(Debug, Clone)]
pub struct Place {
    pub root: Utf8PathBuf,
    /// The settings file, absolute.
    pub file: Utf8PathBuf,
    /// Was it named on the command line? Then it holds for both revisions.
    pub fixed: bool,
}

/// Two revisions, read.
#[derive(Debug)]
pub struct Revisions {
    /// The commit and its side; `None` when everything counts.
    pub base: Option<(String, Side)>,
    /// A commit or [`WORK_TREE`].
    pub head_name: String,
    pub head: Side,
    pub rules: Rules,
    pub changes: Vec<Change>,
    /// How the base was found, or why there is none.
    pub because: String,
    /// What is wrong with what earlier plans have kept.
    pub warnings: Vec<String>,
}

impl Revisions {
    /// What differs between them can affect this.
    pub fn affected(&self) -> Affected {
        match self.comparison() {
            Some(it) => it.affected(),
            None => affected::everything(&self.head, &self.because),
        }
    }

    /// The comparison, when there is a base.
    pub fn comparison(&self) -> Option<Comparison<'_>> {
        let (_, base) = self.base.as_ref()?;
        Some(Comparison::new(base, &self.head, &self.changes, &self.rules))
    }

    /// The projects that could be in a plan.
    pub fn candidates(&self) -> Vec<Candidate> {
        let of =
            |it: &crate::side::Project| Candidate { name: it.name.clone(), dir: it.dir.clone(), image: it.facts.image };
        self.head.projects.iter().map(of).collect()
    }

    /// The plan for what is affected.
    ///
    /// # Errors
    /// When a stage does not exist.
    pub fn plan(&self, stages: &[String]) -> Result<Plan> {
        let mut plan = Plan::of(&self.candidates(), &self.affected(), stages)?;
        plan.base = self.base.as_ref().map(|(commit, _)| commit.clone());
        plan.head = self.head_name.clone();
        plan.because = self.because.clone();
        Ok(plan)
    }
}

/// Reads the two revisions.
///
/// # Errors
/// On bad input at head, on a revision that does not exist, and when head is a commit and there is no git.
pub fn read(place: &Place, range: &Range, vars: BTreeMap<String, String>) -> Result<Revisions> {
    let mut reader = Desk::open(place)?;
    let (head, early, mut known) = reader.start(range, &vars);
    let mut read = compare(&mut reader, head?, early, range, vars, &mut known.memo)?;
    read.warnings = known.kept(&place.root);
    Ok(read)
}

fn compare(
    reader: &mut Desk,
    (head_name, head_tree): (String, Tree),
    early: Option<Early>,
    range: &Range,
    vars: BTreeMap<String, String>,
    memo: &mut Memo,
) -> Result<Revisions> {
    let settings = reader.settings(&head_tree, &head_name)?;
    let config = Config::parse(&settings.file, &settings.text)?;
    let (base, because, tree) = match early {
        Some(found) => found,
        None => {
            let (commit, because) = reader.base(range, &head_name, &config, vars)?;
            (commit, because, None)
        }
    };
    let rules = Rules::new(&config)?;
    let warnings = Vec::new();
    let none = |because: String, head: Side, rules| {
        let (head_name, changes, warnings) = (head_name.clone(), Vec::new(), Vec::new());
        Ok(Revisions { base: None, head_name, head, rules, changes, because, warnings })
    };
    let Some(commit) = base else {
        let head = reader.side(head_tree, &settings, memo, (None, &[]), &head_name)?;
        return none(because, head, rules);
    };
    let read = tree.map_or_else(|| reader.base_tree(&commit, &head_name, &head_tree), Ok);
    let base_tree = match read.and_then(|it| Ok(reader.followed(&it, &commit)?.unwrap_or(it))) {
        Ok(tree) => tree,
        Err(error) => {
            let head = reader.side(head_tree, &settings, memo, (None, &[]), &head_name)?;
            return none(unreadable(&commit, &error), head, rules);
        }
    };
    let head_tree = reader.followed(&head_tree, &head_name)?.unwrap_or(head_tree);
    let changes = tree::changes(&base_tree, &head_tree);
    let file = Utf8Path::new(config::FILE);
    let alike = reader.place.fixed || base_tree.get(file) == head_tree.get(file);
    let head = reader.side(head_tree, &settings, memo, (None, &changes), &head_name)?;
    let settings = if alike { Ok(settings) } else { reader.settings(&base_tree, &commit) };
    // A base that cannot be read says nothing about what is the same.
    let base = settings.and_then(|settings| reader.side(base_tree, &settings, memo, (Some(&head), &changes), &commit));
    match base {
        Ok(base) => Ok(Revisions { base: Some((commit, base)), head_name, head, rules, changes, because, warnings }),
        Err(error) => none(unreadable(&commit, &error), head, rules),
    }
}

fn unreadable(base: &str, error: &anyhow::Error) -> String {
    let words = one_line(&format!("{error:#}"));
    format!("the base {} cannot be read: {words}", &base[..12])
}

/// Reads head alone, for plans that compare nothing.
///
/// # Errors
/// As [`read`].
pub fn read_head(place: &Place, range: &Range) -> Result<Revisions> {
    let mut reader = Desk::open(place)?;
    let mut known = Known::recall(&place.root);
    let (head_name, head_tree) = reader.head_tree(range.head.as_deref(), &mut known.listed)?;
    let settings = reader.settings(&head_tree, &head_name)?;
    let head = reader.side(head_tree, &settings, &mut known.memo, (None, &[]), &head_name)?;
    let warnings = known.kept(&place.root);
    let (rules, changes, because) = (Rules::default(), Vec::new(), String::new());
    Ok(Revisions { base: None, head_name, head, rules, changes, because, warnings })
}

/// The work tree, and the commit that is checked out.
#[derive(Debug)]
pub struct Whole {
    pub side: Side,
    /// `None` without git, and before the first commit.
    pub commit: Option<String>,
    /// Is the work tree just that commit?
    pub is_clean: bool,
}

/// Reads the work tree with every lock as a whole: its lists of inputs are the same, whatever it is compared with. What
/// is in the memo is not parsed again.
///
/// # Errors
/// As [`read`].
pub fn whole(place: &Place, memo: &mut Memo) -> Result<Whole> {
    let mut reader = Desk::open(place)?;
    let (tree, commit, is_clean) = match &reader.git {
        Some(git) => git.checked_out()?,
        None => (git::work_tree_without_git(&place.root)?, None, false),
    };
    let name = WORK_TREE;
    let settings = reader.settings(&tree, name)?;
    let tree = reader.followed(&tree, name)?.unwrap_or(tree);
    let read = &mut |path: &Utf8Path, entry: Entry| reader.content(path, entry, name);
    let side = survey::side(tree, &settings, memo, None, &|_| true, read)?;
    Ok(Whole { side, commit, is_clean })
}

/// A base that was found: its commit, how, and its files.
type Early = (Option<String>, String, Option<Tree>);

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
    fn start(&self, range: &Range, vars: &BTreeMap<String, String>) -> (Head, Option<Early>, Known) {
        let root = &self.place.root;
        let Some(git) = self.git.as_ref().filter(|_| range.head.is_none()) else {
            let mut known = Known::recall(root);
            return (self.head_tree(range.head.as_deref(), &mut known.listed), None, known);
        };
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

    fn head_tree(&self, head: Option<&str>, listed: &mut Listed) -> Head {
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

    fn base(
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
        match &range.base {
            Some(revision) => Ok((Some(git.resolve(revision)?), format!("--base {revision}"))),
            None if head != WORK_TREE => {
                let parent = git.resolve(&format!("{head}^")).ok();
                Ok((parent, "the first parent of --head".to_owned()))
            }
            None => {
                let surroundings = Surroundings { vars, default_branch_setting: config.default_branch.clone() };
                let found = git::find(Some(git), &surroundings);
                Ok((found.base, found.because))
            }
        }
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

    fn base_tree(&self, commit: &str, head: &str, head_tree: &Tree) -> Result<Tree> {
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
        let differs = |path: &Utf8Path| changes.binary_search_by(|it| it.path.as_str().cmp(path.as_str())).is_ok();
        survey::side(tree, settings, memo, other, &differs, &mut |path, entry| self.content(path, entry, name))
    }

    /// The tree with what is read by name at the place of links to it; `None` where there are none. Fails as the reader does.
    pub fn followed(&mut self, tree: &Tree, name: &str) -> Result<Option<Tree>> {
        let dir = config::directory(&self.place.file);
        let policy = dir.strip_prefix(&self.place.root).ok();
        let read = &mut |path: &Utf8Path, entry: Entry| self.content(path, entry, name);
        survey::followed::followed(tree, policy, read)
    }

    fn content(&mut self, path: &Utf8Path, entry: Entry, name: &str) -> Result<Vec<u8>> {
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
