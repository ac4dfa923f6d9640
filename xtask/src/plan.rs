//! The plan: which stages of which projects run, in which order, and why.
//!
//! Pure: projects, what is affected and a wish in, a value out. Must not run or read anything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::{Result, bail};
use camino::{Utf8Path, Utf8PathBuf};

use crate::affected::{Affected, Reason};
use crate::manifest::normalise_name;
use crate::stages::{self, Run, STAGES, Stage};
use crate::suggest;

/// What the command line asks for.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Project names or directories; empty for all that count.
    pub projects: Vec<String>,
    /// Stage names; empty for all.
    pub stages: Vec<String>,
}

/// A project that could be in the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub name: String,
    /// Repo-relative.
    pub dir: Utf8PathBuf,
    /// Does it ship as an image?
    pub image: bool,
}

/// One stage of one project.
#[derive(Debug, Clone)]
pub struct Job {
    pub stage: &'static Stage,
    /// The project's name.
    pub project: String,
    /// Why it is in the plan; many have one reason.
    pub because: Arc<str>,
}

/// A project, in the plan or left out of it.
#[derive(Debug, Clone)]
pub struct Planned {
    pub name: String,
    /// Repo-relative.
    pub dir: Utf8PathBuf,
    pub selected: bool,
    /// Why, or why not.
    pub reason: String,
    /// From the change to the project; empty when there is no change to speak of.
    pub chain: Vec<String>,
}

/// What will run.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The commit that was compared with; `None` when nothing was.
    pub base: Option<String>,
    /// The commit, or "work tree".
    pub head: String,
    /// How the base was found.
    pub because: String,
    /// Why everything is in it, when it is.
    pub everything: Option<String>,
    /// Changed paths that are nobody's input, each with the reason of its rule; sorted.
    pub nobody: Vec<(String, String)>,
    /// Every project, sorted by name.
    pub projects: Vec<Planned>,
    /// Sorted by stage and then project.
    pub jobs: Vec<Job>,
}

impl Job {
    /// What names it in plans and reports.
    pub fn id(&self) -> String {
        format!("{}.{}", self.project, self.stage.name)
    }
}

impl Plan {
    /// The plan for projects that are asked for: by name, or all.
    ///
    /// # Errors
    /// When a name does not exist.
    pub fn asked(candidates: &[Candidate], wish: &Wish) -> Result<Plan> {
        let known = candidates.iter().map(|it| (it.name.as_str(), it.dir.as_path()));
        let wanted = find(known, &wish.projects, "there is no project")?;
        let because = if wish.projects.is_empty() { "--all" } else { "--project" };
        let reason = Reason { text: because.into(), chain: Arc::default() };
        let stages: Vec<(&'static Stage, Reason)> = runnable().map(|it| (it, reason.clone())).collect();
        let named = candidates.iter().filter(|it| wish.projects.is_empty() || wanted.contains(&it.name));
        let affected =
            Affected { projects: named.map(|it| (it.name.clone(), stages.clone())).collect(), ..Affected::default() };
        let mut plan = Plan::of(candidates, &affected, &wish.stages)?;
        for project in plan.projects.iter_mut().filter(|it| !it.selected) {
            project.reason = "not named by --project".to_owned();
        }
        plan.everything = wish.projects.is_empty().then(|| because.to_owned());
        Ok(plan)
    }

    /// The plan for what is affected.
    ///
    /// # Errors
    /// When a stage does not exist.
    pub fn of(candidates: &[Candidate], affected: &Affected, stages: &[String]) -> Result<Plan> {
        let mut wanted = BTreeSet::new();
        for name in stages {
            wanted.insert(stages::find(name)?.name);
        }
        let nobody = affected.nobody.iter().map(|(path, reason)| (path.clone(), reason.clone())).collect();
        let mut plan = Plan { everything: affected.everything.clone(), nobody, ..Plan::default() };
        let mut jobs: Vec<(usize, Job)> = Vec::new();
        for candidate in candidates {
            let chosen = affected.projects.get(&candidate.name).map(Vec::as_slice).unwrap_or_default();
            let asked: Vec<&(&'static Stage, Reason)> =
                chosen.iter().filter(|(stage, _)| wanted.is_empty() || wanted.contains(stage.name)).collect();
            plan.projects.push(planned(candidate, chosen, !asked.is_empty()));
            for (position, stage, because) in with_takes(candidate, &asked, wanted.is_empty()) {
                jobs.push((position, Job { stage, project: candidate.name.clone(), because }));
            }
        }
        jobs.sort_by(|a, b| (a.0, &a.1.project).cmp(&(b.0, &b.1.project)));
        plan.jobs = jobs.into_iter().map(|(_, job)| job).collect();
        plan.projects.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(plan)
    }

    /// The ids of the jobs that a job waits for.
    pub fn needs(&self, job: &Job) -> Vec<String> {
        let is_there = |stage: &&&str| self.has(&job.project, stage);
        job.stage.needs.iter().filter(is_there).map(|it| format!("{}.{it}", job.project)).collect()
    }

    fn has(&self, project: &str, stage: &str) -> bool {
        let position = stages::position(stage);
        let found = self
            .jobs
            .binary_search_by(|it| (stages::position(it.stage.name), it.project.as_str()).cmp(&(position, project)));
        found.is_ok()
    }
}

/// Every stage that a run can have.
pub fn runnable() -> impl Iterator<Item = &'static Stage> {
    STAGES.iter().filter(|it| !matches!(it.run, Run::Manual))
}

/// The names of the projects that were asked for, in any spelling, or by directory. `none` begins the message that there is
/// no such project.
///
/// # Errors
/// When a name does not exist, with the nearest one.
pub fn find<'a>(
    known: impl Iterator<Item = (&'a str, &'a Utf8Path)> + Clone,
    wanted: &[String],
    none: &str,
) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for name in wanted {
        let normal = normalise_name(name);
        let it = known.clone().find(|(other, dir)| *other == normal || *dir == name.trim_end_matches('/'));
        let Some((it, _)) = it else {
            let names: Vec<&str> = known.map(|it| it.0).collect();
            bail!("{none} `{name}`{}", suggest::did_you_mean(&normal, &names));
        };
        found.insert(it.to_owned());
    }
    Ok(found)
}

/// The chosen stages and those whose files they read, with their positions in the table.
fn with_takes(
    candidate: &Candidate,
    asked: &[&(&'static Stage, Reason)],
    whole: bool,
) -> Vec<(usize, &'static Stage, Arc<str>)> {
    let mut found: BTreeMap<usize, (&'static Stage, Arc<str>)> = BTreeMap::new();
    for (stage, reason) in asked.iter().copied() {
        found.insert(stages::position(stage.name), (stage, reason.text.clone()));
    }
    for (stage, reason) in asked.iter().copied() {
        // An image that did not change is not built again, but its SBOM is made of it.
        let image = (whole && candidate.image && stage.needs.contains(&"docker-build")).then_some("docker-build");
        for name in stage.takes.iter().copied().chain(image) {
            let position = stages::position(name);
            let because = format!("{}; {} reads what it makes", reason.text, stage.name);
            found.entry(position).or_insert_with(|| (&STAGES[position], because.into()));
        }
    }
    found.into_iter().map(|(position, (stage, because))| (position, stage, because)).collect()
}

fn planned(candidate: &Candidate, chosen: &[(&'static Stage, Reason)], selected: bool) -> Planned {
    let nearest = chosen.iter().map(|(_, reason)| reason).min_by_key(|it| it.chain.len());
    let (reason, chain) = match nearest {
        Some(it) if selected => (it.text.to_string(), it.chain.to_vec()),
        Some(_) => ("none of the stages that were asked for is affected".to_owned(), Vec::new()),
        None => ("everything that its stages read is the same at base and head".to_owned(), Vec::new()),
    };
    Planned { name: candidate.name.clone(), dir: candidate.dir.clone(), selected, reason, chain }
}
