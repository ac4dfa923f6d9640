//! Rules about jobs that start other pipelines. Pure.

use super::Found;
use super::pipeline::{Job, Pipeline};
use super::rules::{
    TRIGGER_FILE, TRIGGER_INCLUDES, TRIGGER_JOB, TRIGGER_KEYWORD, TRIGGER_LEVELS, TRIGGER_PATH, TRIGGER_STRATEGY,
};
use super::tree::Node;

/// What a trigger job may have.
const ALLOWED: &[&str] = &[
    "allow_failure",
    "environment",
    "except",
    "extends",
    "inherit",
    "interruptible",
    "manual_confirmation",
    "needs",
    "only",
    "parallel",
    "resource_group",
    "rules",
    "stage",
    "trigger",
    "variables",
    "when",
];

pub(super) fn check(pipeline: &Pipeline, found: &mut Found) {
    for job in pipeline.jobs.iter().filter(|job| job.is_trigger()) {
        for key in job.node.keys().filter(|key| !ALLOWED.contains(&key.as_str())) {
            let message =
                format!("the trigger job `{}` has `{key}`; move it into the pipeline that it starts", job.name);
            found.add(TRIGGER_KEYWORD, &[&job.name, &key], message);
        }
        if job.node.get("when").is_some_and(|it| it.is("delayed")) {
            let message = format!("the trigger job `{}` is delayed, which only other jobs can be", job.name);
            found.add(TRIGGER_KEYWORD, &[&job.name, "when"], message);
        }
        if let Some(files) = job.node.at(&["trigger", "include"]) {
            child(pipeline, job, files, found);
        }
    }
}

fn child(pipeline: &Pipeline, job: &Job, files: &Node, found: &mut Found) {
    let place = [job.name.as_str(), "trigger"];
    if pipeline.options.level >= 2 {
        let message = format!("`{}` in a child of a child starts a further one; there are two levels", job.name);
        found.add(TRIGGER_LEVELS, &place, message);
    }
    if job.node.at(&["trigger", "strategy"]).is_none() {
        let message = format!("`{}` is green as soon as its child exists; give it a `strategy`", job.name);
        found.add(TRIGGER_STRATEGY, &place, message);
    }
    let files = files.items();
    if files.len() > 3 {
        found.add(
            TRIGGER_INCLUDES,
            &place,
            format!("the child of `{}` is made of {} files; GitLab takes 3", job.name, files.len()),
        );
    }
    for file in files {
        let named = ["artifact", "local", "file"].iter().find_map(|it| file.get(it)).unwrap_or(file);
        for name in named.items().into_iter().filter_map(Node::text) {
            if ![".yml", ".yaml"].iter().any(|it| name.to_lowercase().ends_with(it)) && !name.contains('$') {
                found.add(TRIGGER_FILE, &place, format!("`{name}` does not end in .yml or .yaml"));
            }
        }
        if let Some(artifact) = file.get("artifact").and_then(Node::text) {
            generated(pipeline, job, file, artifact, found);
        }
    }
}

/// The job that makes the child's file is here, is not later, and keeps the file.
fn generated(pipeline: &Pipeline, job: &Job, file: &Node, artifact: &str, found: &mut Found) {
    let place = [job.name.as_str(), "trigger"];
    let Some(maker) = file.get("job").and_then(Node::text) else {
        found.add(TRIGGER_JOB, &place, format!("`{artifact}` without the `job` that makes it"));
        return;
    };
    let Some(other) = pipeline.job(maker).map(|it| &pipeline.jobs[it]) else {
        if !pipeline.open && !maker.contains('$') {
            let near = super::nearest(maker, pipeline.jobs.iter().map(|it| it.name.as_str()));
            let message = format!("`{artifact}` comes from `{maker}`, which is no job of this pipeline{near}");
            found.add(TRIGGER_JOB, &place, message);
        }
        return;
    };
    if matches!((pipeline.order(&job.stage), pipeline.order(&other.stage)), (Some(mine), Some(theirs)) if theirs > mine)
    {
        let message = format!("`{artifact}` comes from `{maker}`, which is in the later stage `{}`", other.stage);
        found.add(TRIGGER_JOB, &place, message);
    }
    let same_time = job.stage == other.stage && !job.needs().iter().any(|(need, _)| *need == maker);
    if same_time || job.node.get("needs").is_some_and(Node::is_empty) {
        let message =
            format!("`{}` does not wait for `{maker}`, which makes `{artifact}`; add it to `needs`", job.name);
        found.add(TRIGGER_JOB, &place, message);
    }
    let artifacts = other.node.get("artifacts").or_else(|| pipeline.root.at(&["default", "artifacts"]));
    let paths = artifacts.and_then(|it| it.get("paths")).map(Node::items).unwrap_or_default();
    let keeps = paths.iter().filter_map(|it| it.text()).any(|path| holds(path, artifact));
    let unseen = pipeline.open && other.node.get("extends").is_some();
    if !keeps && !unseen && !artifact.contains('$') {
        let message = format!("`{maker}` does not keep `{artifact}` in its `artifacts:paths`");
        found.add(TRIGGER_PATH, &[maker, "artifacts"], message);
    }
}

/// Is the file under this path of `artifacts:paths`?
fn holds(path: &str, file: &str) -> bool {
    let bare = |it: &str| it.trim_start_matches("./").trim_end_matches('/').to_owned();
    let (path, file) = (bare(path), bare(file));
    if path == file || path.contains('$') || file.starts_with(&format!("{path}/")) || path == "." || path.is_empty() {
        return true;
    }
    let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::new() };
    path.contains(['*', '?', '[', '{'])
        && glob::Pattern::new(&path).map_or(true, |it| it.matches_with(&file, options) || path.contains('{'))
}
