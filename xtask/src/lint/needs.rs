//! Rules about stages and needs: who waits for whom. Pure.

use std::collections::BTreeSet;

use super::Found;
use super::pipeline::{Job, Pipeline};
use super::rules::{
    DEPENDENCIES, NEEDS_CYCLE, NEEDS_LATER, NEEDS_MISSING, NEEDS_SELF, NEEDS_TOO_MANY, NEEDS_TWICE, STAGE_UNDECLARED,
};
use super::tree::Node;

pub(super) fn check(pipeline: &Pipeline, found: &mut Found) {
    for job in &pipeline.jobs {
        let unknown = pipeline.open && pipeline.root.get("stages").is_none() || is_foreign(pipeline, job);
        if !unknown && !pipeline.stages.contains(&job.stage) {
            let near = super::nearest(&job.stage, pipeline.stages.iter().map(String::as_str));
            let message = format!("`{}` is in the stage `{}`, which is not in `stages`{near}", job.name, job.stage);
            found.add(STAGE_UNDECLARED, &[&job.name, "stage"], message);
        }
        needs(pipeline, job, found);
        dependencies(pipeline, job, found);
    }
    cycles(pipeline, found);
}

/// May what the job extends, and cannot be seen, say its stage?
fn is_foreign(pipeline: &Pipeline, job: &Job) -> bool {
    pipeline.open && job.node.get("stage").is_none() && job.node.get("extends").is_some()
}

fn needs(pipeline: &Pipeline, job: &Job, found: &mut Found) {
    let place = [job.name.as_str(), "needs"];
    let all = job.node.get("needs").map_or(0, |it| it.items().len());
    if all > pipeline.options.needs {
        let message = format!("`{}` needs {all} jobs; GitLab takes {}", job.name, pipeline.options.needs);
        found.add(NEEDS_TOO_MANY, &place, message);
    }
    let mut seen = BTreeSet::new();
    for (need, optional) in job.needs() {
        if !seen.insert(need) {
            found.add(NEEDS_TWICE, &place, format!("`{}` needs `{need}` twice", job.name));
            continue;
        }
        if need == job.name {
            found.add(NEEDS_SELF, &place, format!("`{need}` needs itself"));
            continue;
        }
        let Some(other) = pipeline.job(need).map(|it| &pipeline.jobs[it]) else {
            if !optional && !pipeline.open {
                // Thousands of such words take longer than anybody looks at.
                let known = pipeline.jobs.iter().map(|it| it.name.as_str()).filter(|_| found.list.len() < 100);
                let near = super::nearest(need, known);
                let hidden = if need.starts_with('.') { " (hidden jobs are no jobs)" } else { "" };
                let message = format!("`{}` needs `{need}`, which is no job here{hidden}{near}", job.name);
                found.add(NEEDS_MISSING, &place, message);
            }
            continue;
        };
        if later(pipeline, job, other) {
            let message = format!(
                "`{}` in stage `{}` needs `{need}`, which is in the later stage `{}`",
                job.name, job.stage, other.stage
            );
            found.add(NEEDS_LATER, &place, message);
        }
    }
}

fn later(pipeline: &Pipeline, job: &Job, other: &Job) -> bool {
    matches!((pipeline.order(&job.stage), pipeline.order(&other.stage)), (Some(mine), Some(theirs)) if theirs > mine)
}

fn dependencies(pipeline: &Pipeline, job: &Job, found: &mut Found) {
    let names = job.node.get("dependencies").map(Node::items).unwrap_or_default();
    let needs: Vec<&str> = job.needs().into_iter().map(|(name, _)| name).collect();
    for name in names.into_iter().filter_map(Node::text) {
        let other = pipeline.job(name).map(|it| &pipeline.jobs[it]);
        let wrong = match other {
            None if pipeline.open => continue,
            None => "which is no job here",
            Some(other) if later(pipeline, job, other) => "which is in a later stage",
            Some(_) if !needs.is_empty() && !needs.contains(&name) => "which is not in its `needs`",
            Some(_) => continue,
        };
        let message = format!("`{}` depends on `{name}`, {wrong}", job.name);
        found.add(DEPENDENCIES, &[&job.name, "dependencies"], message);
    }
}

/// Circles of needs, each once, without recursion: a chain of needs may be as long as the pipeline.
fn cycles(pipeline: &Pipeline, found: &mut Found) {
    let next: Vec<Vec<usize>> = pipeline
        .jobs
        .iter()
        .map(|job| job.needs().into_iter().filter_map(|(name, _)| pipeline.job(name)).collect())
        .collect();
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        No,
        OnPath,
        Done,
    }
    let mut seen = vec![Seen::No; next.len()];
    for start in 0..next.len() {
        if seen[start] != Seen::No {
            continue;
        }
        seen[start] = Seen::OnPath;
        let mut path = vec![(start, 0)];
        while let Some((job, nth)) = path.last_mut() {
            let Some(need) = next[*job].get(*nth).copied() else {
                seen[*job] = Seen::Done;
                path.pop();
                continue;
            };
            *nth += 1;
            match seen[need] {
                Seen::Done => {}
                Seen::No => {
                    seen[need] = Seen::OnPath;
                    path.push((need, 0));
                }
                // A job that needs itself has its own rule.
                Seen::OnPath if path.last().is_some_and(|(job, _)| *job == need) => {}
                Seen::OnPath => {
                    let from = path.iter().position(|(job, _)| *job == need).unwrap_or(0);
                    let names: Vec<&str> =
                        path[from..].iter().map(|(job, _)| pipeline.jobs[*job].name.as_str()).collect();
                    let message = format!("`{}` need each other in a circle", names.join("`, `"));
                    found.add(NEEDS_CYCLE, &[names[0], "needs"], message);
                }
            }
        }
    }
}
