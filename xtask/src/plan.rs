//! The plan: which stages of which projects run, in which order, and why.
//!
//! Pure: a repository and a wish in, a value out. Must not run or read anything.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::discover::{Project, Repo};
use crate::stages::{self, Run, STAGES, Stage};

/// What the command line asks for.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Project names; empty for all.
    pub projects: Vec<String>,
    /// Stage names; empty for all.
    pub stages: Vec<String>,
}

/// One stage of one project.
#[derive(Debug, Clone)]
pub struct Job<'a> {
    pub stage: &'static Stage,
    pub project: &'a Project,
    /// Why it is in the plan.
    pub because: String,
}

/// What will run, sorted by stage and then project.
#[derive(Debug, Clone, Default)]
pub struct Plan<'a> {
    pub jobs: Vec<Job<'a>>,
}

/// The plan for a wish.
///
/// # Errors
/// When a name does not exist, or a selected project has no lock that can be read.
pub fn plan<'a>(repo: &'a Repo, wish: &Wish) -> Result<Plan<'a>> {
    let mut projects: Vec<&Project> = Vec::new();
    for name in &wish.projects {
        projects.push(repo.project(name)?);
    }
    let mut because = "--project".to_owned();
    if wish.projects.is_empty() {
        projects = repo.projects.iter().collect();
        because = "all projects".to_owned();
    }
    projects.sort_by(|a, b| a.name.cmp(&b.name));
    projects.dedup_by(|a, b| a.name == b.name);
    for project in &projects {
        project.lock()?;
    }

    let mut jobs = Vec::new();
    for (stage, taken_by) in wanted_stages(&wish.stages)? {
        for &project in &projects {
            let because = match taken_by {
                Some(reader) => format!("{because}; {reader} reads what it makes"),
                None => because.clone(),
            };
            jobs.push(Job { stage, project, because });
        }
    }
    Ok(Plan { jobs })
}

/// The stages that were asked for and those whose files they read, in the order of the table.
fn wanted_stages(names: &[String]) -> Result<Vec<(&'static Stage, Option<&'static str>)>> {
    let mut wanted = BTreeSet::new();
    for name in names {
        wanted.insert(stages::find(name)?.name);
    }
    let runs = |stage: &&Stage| !matches!(stage.run, Run::Manual);
    if names.is_empty() {
        return Ok(STAGES.iter().filter(runs).map(|it| (it, None)).collect());
    }
    let mut found = Vec::new();
    for stage in STAGES.iter().filter(runs) {
        let reader = STAGES.iter().find(|it| wanted.contains(it.name) && it.takes.contains(&stage.name));
        if wanted.contains(stage.name) {
            found.push((stage, None));
        } else if let Some(reader) = reader {
            found.push((stage, Some(reader.name)));
        }
    }
    Ok(found)
}
