//! From flags to a plan: which revisions are read, and what is asked of them.
//!
//! Reads, but runs no stage and prints nothing.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use camino::Utf8Path;

use crate::affected::Account;
use crate::discover;
use crate::flags::Selection;
use crate::inputs;
use crate::plan::{Plan, Wish, runnable};
use crate::planview;
use crate::revisions::{self, Place, Range, Revisions};
use crate::tree::Mode;
use crate::{refuse, stages};

/// A plan and what it was made from.
#[derive(Debug)]
pub struct Decision {
    pub plan: Plan,
    pub revisions: Revisions,
}

/// Where the repository is that `start` is in.
///
/// # Errors
/// When there are no settings.
pub fn place(start: &Utf8Path, config: Option<&Utf8Path>) -> Result<Place> {
    let (root, file) = discover::locate(start, config)?;
    Ok(Place { root, file, fixed: config.is_some() })
}

/// The plan that the flags ask for.
///
/// # Errors
/// On bad input, and on names and revisions that do not exist.
pub fn decide(
    place: &Place,
    selection: &Selection,
    stages: &[String],
    vars: BTreeMap<String, String>,
) -> Result<Decision> {
    let range = Range { base: selection.base.clone(), head: selection.head.clone() };
    if !selection.all && selection.projects.is_empty() {
        let revisions = revisions::read(place, &range, vars)?;
        let plan = revisions.plan(stages)?;
        return Ok(Decision { plan, revisions });
    }
    let revisions = revisions::read_head(place, &range)?;
    let wish = Wish { projects: selection.projects.clone(), stages: stages.to_vec() };
    let mut plan = Plan::asked(&revisions.candidates(), &wish)?;
    plan.head.clone_from(&revisions.head_name);
    Ok(Decision { plan, revisions })
}

/// May a run begin with what was decided?
///
/// # Errors
/// When there is no project, with which nothing could be red; and when something is refused, with which no run begins.
pub fn may_begin(place: &Place, Decision { plan, revisions }: &Decision) -> Result<()> {
    if plan.projects.is_empty() {
        bail!(
            "there is no project: nothing that `projects` in {} names has a pyproject.toml with a [project] table",
            place.file
        );
    }
    let head = &revisions.head;
    refuse::root(&place.root)?;
    refuse::revision(head)?;
    if plan.head != revisions::WORK_TREE {
        return Ok(());
    }
    let submodules = head.tree.iter().filter(|it| it.1.mode == Mode::Submodule).map(|it| it.0.to_owned());
    discover::check_submodules(&place.root, &head.globs, &submodules.collect::<Vec<_>>())
}

/// Why a project is in the plan or not, with its stages and the ways to them.
///
/// # Errors
/// When there is no such project or stage.
pub fn explain(decision: &Decision, name: &str, stages: &[String]) -> Result<String> {
    let Decision { plan, revisions } = decision;
    let normal = crate::manifest::normalise_name(name);
    let found = plan.projects.iter().find(|it| it.name == normal || it.dir == name.trim_end_matches('/'));
    let Some(planned) = found else {
        let names: Vec<&str> = plan.projects.iter().map(|it| it.name.as_str()).collect();
        bail!("there is no project `{name}`{}", crate::suggest::did_you_mean(&normal, &names));
    };
    let mut text = planview::explain(plan, &planned.name);
    let Some(comparison) = revisions.comparison().filter(|_| plan.everything.is_none()) else { return Ok(text) };
    for stage in stages {
        let stage = stages::find(stage)?;
        text += &planview::differences(stage, &comparison.differences(&planned.name, stage));
    }
    if !planned.selected {
        let project = revisions.head.project(&planned.name).context("a planned project is one of head's")?;
        for stage in runnable().filter(|_| stages.is_empty()) {
            let count = inputs::list(&revisions.head, project, stage).len();
            text += &format!("    {}: {count} inputs, equal at both\n", stage.name);
        }
        let whose = |path: &Utf8Path| whose(&comparison.account(path));
        text += &planview::elsewhere(&revisions.changes, &whose);
    }
    Ok(text)
}

/// Whose input a path is, in words.
fn whose(account: &Account) -> String {
    match account {
        Account::Project(name) => format!("of {name}"),
        Account::Shared(what) => what.clone(),
        Account::Nobody(_, reason) => format!("nobody's: {reason}"),
        Account::Unknown => "nobody knows it".to_owned(),
    }
}
