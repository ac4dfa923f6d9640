//! Replays history: what each commit would have selected, and which paths selected nothing by which rule.
//!
//! Reads git's objects alone; nothing is checked out or run (but by `rerun`). Must not judge a plan by itself: it shows what to judge.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::affected::{Affected, Comparison, everything};
use crate::config::Config;
use crate::git::{First, Git};
use crate::planview::short;
use crate::revisions::{Desk, Place};
use crate::rules::Rules;
use crate::side::{Side, is_scenery};
use crate::survey::Memo;
use crate::threads::in_parts;
use crate::tree::{self, Change, Tree};

pub mod holes;
pub mod rerun;

/// One commit and what it would have selected.
#[derive(Debug, Serialize)]
pub struct Step {
    pub commit: String,
    pub base: Option<String>,
    pub subject: String,
    /// How many projects there were.
    pub projects: usize,
    /// Selected projects with their stages.
    pub selected: BTreeMap<String, Vec<&'static str>>,
    /// Why everything was selected, when it was.
    pub all_because: Option<String>,
    /// Paths that selected nothing, with the rule that allowed it.
    pub nobody: BTreeMap<String, String>,
    /// Why the commit could not be planned at all.
    pub error: Option<String>,
}

/// A thread that replays reads one revision as a whole first: for less than so many commits that takes longer.
const WORTH: usize = 25;

/// Replays the first-parent commits up to a revision, the newest first.
///
/// # Errors
/// When there is no git, or the revision does not exist. A commit that cannot be planned is a step with its error.
pub fn replay(place: &Place, head: &str, count: usize) -> Result<Vec<Step>> {
    let git = Desk::open(place)?.git.with_context(|| format!("{} is in no git repository", place.root))?;
    let commits = git.first_parents(head, count)?;
    let parts = in_parts(commits.len(), WORTH, |part| replay_one_by_one(place, &git, &commits[part]));
    let steps: Vec<Vec<Step>> = parts.into_iter().collect::<Result<_>>()?;
    Ok(steps.into_iter().flatten().collect())
}

fn replay_one_by_one(place: &Place, git: &Git, commits: &[First]) -> Result<Vec<Step>> {
    let mut desk = Desk::open(place)?;
    let pairs: Vec<(&str, &str)> =
        commits.iter().filter_map(|it| Some((it.commit.as_str(), it.parent.as_deref()?))).collect();
    let mut differences = git.steps(&pairs)?;
    let mut memo = Memo::default();
    // The parent of a commit is the next to be replayed.
    let mut next: Option<(&str, Tree, Option<Side>)> = None;
    let mut steps = Vec::new();
    for it in commits {
        let (head_tree, known) = match next.take() {
            Some((commit, tree, side)) if commit == it.commit => (tree, side),
            _ => (git.tree(&it.commit)?, None),
        };
        let mut step = Step {
            commit: it.commit.clone(),
            base: it.parent.clone(),
            subject: it.subject.clone(),
            projects: 0,
            selected: BTreeMap::new(),
            all_because: None,
            nobody: BTreeMap::new(),
            error: None,
        };
        let changes = differences.remove(&it.commit).unwrap_or_default();
        let base_tree = head_tree.patched(&changes, true);
        let base = it.parent.as_ref().map(|parent| (parent.as_str(), base_tree.clone()));
        let decided = decide(&mut desk, &mut memo, (&it.commit, head_tree, known), base, &changes, &mut step);
        let side = decided.unwrap_or_else(|error| {
            step.error = Some(format!("{error:#}"));
            None
        });
        memo.leave(&base_tree);
        next = it.parent.as_deref().map(|parent| (parent, base_tree, side));
        steps.push(step);
    }
    Ok(steps)
}

/// What a commit would have selected goes into the step. `head` is the commit, its files and, where it was read before, its
/// side. Gives the side of its base.
fn decide(
    desk: &mut Desk,
    memo: &mut Memo,
    (name, tree, known): (&str, Tree, Option<Side>),
    base: Option<(&str, Tree)>,
    changes: &[Change],
    step: &mut Step,
) -> Result<Option<Side>> {
    let head = (name, tree);
    let behind = match &base {
        Some((name, tree)) => [desk.followed(&head.1, head.0)?, desk.followed(tree, name)?],
        None => [None, None],
    };
    let is_followed = behind.iter().any(Option::is_some);
    let [new, old] = behind;
    let head = (head.0, new.unwrap_or(head.1));
    let base = base.map(|(name, tree)| (name, old.unwrap_or(tree)));
    // What lies behind a link has changed at its place as well.
    let all = base.as_ref().filter(|_| is_followed).map(|base| tree::changes(&base.1, &head.1));
    let changes = all.as_deref().unwrap_or(changes);
    let mut side = |(name, tree): (&str, Tree), known: Option<Side>, other: Option<&Side>| -> Result<(Side, Rules)> {
        let settings = desk.settings(&tree, name)?;
        let rules = Rules::new(&Config::parse(&settings.file, &settings.text)?)?;
        let read = |_| desk.side(tree, &settings, memo, (other, changes), name);
        Ok((known.ok_or(()).or_else(read)?, rules))
    };
    // What was read of it holds as long as the locks that differ now have been read as a whole.
    let (head, rules) = side(head, known.filter(|_| !changes.iter().any(is_scenery)), None)?;
    step.projects = head.projects.len();
    let base = match base {
        None => Err("the first commit".to_owned()),
        Some(it) => {
            side(it, None, Some(&head)).map(|it| it.0).map_err(|error| format!("the base cannot be read: {error:#}"))
        }
    };
    let affected = match &base {
        Err(why) => everything(&head, why),
        Ok(base) => Comparison::new(base, &head, changes, &rules).affected(),
    };
    let Affected { everything, nobody, projects } = affected;
    step.nobody = nobody;
    step.all_because = everything;
    let names = |stages: Vec<(&'static crate::stages::Stage, _)>| stages.into_iter().map(|it| it.0.name).collect();
    step.selected = projects.into_iter().map(|(name, stages)| (name, names(stages))).collect();
    Ok(base.ok())
}

/// The steps as text.
pub fn table(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        let subject: String = step.subject.chars().filter(|c| !c.is_control()).take(60).collect();
        let jobs: usize = step.selected.values().map(Vec::len).sum();
        let (selected, all) = (step.selected.len(), step.projects);
        writeln!(text, "{}  {selected:>4} of {all} projects {jobs:>5} jobs  {subject}", short(&step.commit))
            .expect("a string");
        for why in step.all_because.iter().map(|it| format!("everything: {it}")).chain(step.error.clone()) {
            writeln!(text, "    {why}").expect("a string");
        }
        for (path, reason) in &step.nobody {
            writeln!(text, "    nobody's: {} ({reason})", path.escape_debug()).expect("a string");
        }
    }
    let selected: usize = steps.iter().map(|it| it.selected.len()).sum();
    let all: usize = steps.iter().map(|it| it.projects).sum();
    let whole = steps.iter().filter(|it| it.all_because.is_some()).count();
    let failed = steps.iter().filter(|it| it.error.is_some()).count();
    writeln!(
        text,
        "{} commits: {selected} of {all} projects selected, everything in {whole}, not to be planned {failed}",
        steps.len()
    )
    .expect("a string");
    text
}
