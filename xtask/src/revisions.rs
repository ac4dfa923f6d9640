//! Reads the two revisions that a plan compares: from git's objects, or head from the work tree.
//!
//! The effects of planning are in `desk` and in `git`. What cannot be decided selects everything, with the reason; must not
//! decide anything else.

use std::collections::BTreeMap;

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};

use crate::affected::{self, Affected, Comparison};
use crate::config::{self, Config};
use crate::git;
use crate::plan::{Candidate, Plan};
use crate::remember::Known;
use crate::rules::Rules;
use crate::side::Side;
use crate::survey::{self, Memo};
use crate::tree::{self, Change, Entry, Tree};
use crate::verdict::one_line;

mod desk;
mod outside;

pub use desk::Desk;
use desk::Early;

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
        let of = |it: &crate::side::Project| Candidate {
            name: it.name.clone(),
            dir: it.dir.to_path_buf(),
            image: it.facts.image,
        };
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
    let mut read = compare(place, &mut reader, head?, early, range, vars, &mut known.memo)?;
    read.warnings = known.kept(&place.root);
    Ok(read)
}

fn compare(
    place: &Place,
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
    let alike = place.fixed || base_tree.get(file) == head_tree.get(file);
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
    let side = survey::side(tree, &settings, memo, None, None, read)?;
    Ok(Whole { side, commit, is_clean })
}
