//! The plan as a table for people and as JSON for programs.
//!
//! Pure. The JSON is the same bytes for the same plan.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use camino::Utf8Path;
use serde::Serialize;

use crate::plan::{Plan, Planned, runnable};
use crate::report::plain;
use crate::side::shown;
use crate::stages::Stage;
use crate::tree::{Change, spelled};

/// How many lines of a long list are shown.
const SHOWN: usize = 20;

/// The contract of `plan --json`.
#[derive(Debug, Serialize)]
struct Document<'a> {
    schema: u32,
    base: Option<&'a str>,
    head: &'a str,
    base_because: &'a str,
    all_because: Option<&'a str>,
    nobody: BTreeMap<&'a str, &'a str>,
    projects: Vec<Project<'a>>,
    jobs: Vec<Job<'a>>,
}

#[derive(Debug, Serialize)]
struct Project<'a> {
    name: &'a str,
    path: &'a str,
    selected: bool,
    reason: &'a str,
    chain: &'a [String],
}

#[derive(Debug, Serialize)]
struct Job<'a> {
    id: String,
    project: &'a str,
    stage: &'a str,
    needs: Vec<String>,
    reason: &'a str,
}

/// The plan as JSON.
pub fn json(plan: &Plan) -> String {
    let document = Document {
        schema: 1,
        base: plan.base.as_deref(),
        head: &plan.head,
        base_because: &plan.because,
        all_because: plan.everything.as_deref(),
        nobody: plan.nobody.iter().map(|(path, reason)| (path.as_str(), reason.as_str())).collect(),
        projects: plan
            .projects
            .iter()
            .map(|it| Project {
                name: &it.name,
                path: spelled(&it.dir),
                selected: it.selected,
                reason: &it.reason,
                chain: &it.chain,
            })
            .collect(),
        jobs: plan
            .jobs
            .iter()
            .map(|it| Job {
                id: it.id(),
                project: &it.project,
                stage: it.stage.name,
                needs: plan.needs(it),
                reason: &it.because,
            })
            .collect(),
    };
    // A value of our own without maps or floats always becomes JSON.
    let text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text + "\n"
}

/// Where base and head came from, in one line, and why everything runs if it does.
fn heading(plan: &Plan) -> String {
    let because = plain(&plan.because);
    let mut text = match (&plan.base, because.is_empty()) {
        (Some(base), _) => format!("base {} ({because}), head {}\n", short(base), short(&plan.head)),
        (None, false) => format!("no base: {because}; head {}\n", short(&plan.head)),
        (None, true) => String::new(),
    };
    match plan.everything.as_deref() {
        Some(why) if why == plan.because => text += "everything runs\n",
        Some(why) => writeln!(text, "everything runs: {}", plain(why)).expect("a string"),
        None => {}
    }
    text
}

/// A number of things.
fn counted(number: usize, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

/// The plan as a table: project, stages that run, the reason.
pub fn table(plan: &Plan) -> String {
    let mut text = heading(plan);
    let mut stages: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for job in &plan.jobs {
        stages.entry(&job.project).or_default().push(job.stage.name);
    }
    let all = runnable().count();
    let rows: Vec<(&Planned, String)> = plan
        .projects
        .iter()
        .filter_map(|it| {
            let names = stages.get(it.name.as_str())?;
            let words = if names.len() == all { format!("all {all}") } else { names.join(" ") };
            Some((it, words))
        })
        .collect();
    let name_width = rows.iter().map(|(it, _)| it.name.len()).max().unwrap_or(0);
    let words_width = rows.iter().map(|(_, it)| it.len()).max().unwrap_or(0).min(40);
    for (project, words) in &rows {
        let reason = if plan.everything.is_some() { String::new() } else { plain(&project.reason) };
        let lines = wrap(words, words_width);
        let first = format!("{:name_width$}  {:words_width$}  {reason}", project.name, lines[0]);
        writeln!(text, "{}", first.trim_end()).expect("a string");
        for line in &lines[1..] {
            writeln!(text, "{:name_width$}  {line}", "").expect("a string");
        }
    }
    let left_out: Vec<&str> = plan.projects.iter().filter(|it| !it.selected).map(|it| it.name.as_str()).collect();
    text += &nobody(plan);
    writeln!(text, "{}", count(plan, rows.len(), left_out.len())).expect("a string");
    text
}

/// The changed paths that select nothing, by the rule that allows it.
fn nobody(plan: &Plan) -> String {
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (path, reason) in &plan.nobody {
        by_reason.entry(reason).or_default().push(path);
    }
    let mut text = String::new();
    for (reason, paths) in by_reason {
        let more = if paths.len() == 1 { String::new() } else { format!(" and {} more", paths.len() - 1) };
        writeln!(text, "nobody's input: {}{more}: {reason}", plain(paths[0])).expect("a string");
    }
    text
}

/// Why everything runs, unless that is what was said of the base.
pub fn everything(plan: &Plan) -> Option<&str> {
    plan.everything.as_deref().filter(|it| plan.base.is_some() || *it != plan.because)
}

/// What is said before a run: what it is compared with, and why everything runs if it does.
pub fn preamble(plan: &Plan) -> String {
    if plan.base.is_none() && plan.because.is_empty() { String::new() } else { heading(plan) }
}

/// What is said instead of a run.
pub fn nothing(plan: &Plan) -> String {
    count(plan, 0, plan.projects.len()) + "\n"
}

fn count(plan: &Plan, projects: usize, left_out: usize) -> String {
    let jobs = plan.jobs.len();
    if jobs == 0 {
        let projects = counted(left_out, "project");
        return format!("nothing to do: no stage of the {projects} is affected (`--all` takes everything)");
    }
    let rest = match left_out {
        0 => String::new(),
        1 => "; 1 project is left out (`--explain PROJECT` says why)".to_owned(),
        n => format!("; {n} projects are left out (`--explain PROJECT` says why)"),
    };
    format!("{} in {}{rest}", counted(jobs, "job"), counted(projects, "project"))
}

/// Words in lines of at most this width.
pub fn wrap(words: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words.split(' ') {
        let last = lines.last_mut().expect("never empty");
        if !last.is_empty() && last.len() + 1 + word.len() > width {
            lines.push(word.to_owned());
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}

/// A commit as people write it.
pub fn short(commit: &str) -> &str {
    let is_id = matches!(commit.len(), 40 | 64) && commit.chars().all(|c| c.is_ascii_hexdigit());
    if is_id { &commit[..12] } else { commit }
}

/// A chain as one line.
pub fn chain(steps: &[String]) -> String {
    steps.join(" -> ")
}

/// Why a project is in the plan or not, from the plan alone.
pub fn explain(plan: &Plan, name: &str) -> String {
    let Some(project) = plan.projects.iter().find(|it| it.name == name) else { return String::new() };
    let mut text = heading(plan);
    writeln!(text, "{} in {}", project.name, shown(&project.dir)).expect("a string");
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for job in plan.jobs.iter().filter(|it| it.project == name) {
        match groups.iter_mut().find(|(because, _)| **because == *job.because) {
            Some((_, stages)) => stages.push(job.stage.name),
            None => groups.push((&job.because, vec![job.stage.name])),
        }
    }
    for (because, stages) in groups {
        writeln!(text, "  {}\n    {}", stages.join(" "), plain(because)).expect("a string");
    }
    if !project.selected {
        writeln!(text, "  left out: {}", plain(&project.reason)).expect("a string");
    }
    if !project.chain.is_empty() {
        writeln!(text, "  nearest way: {}", plain(&chain(&project.chain))).expect("a string");
    }
    text
}

/// What differs in the list of a stage.
pub fn differences(stage: &Stage, found: &[String]) -> String {
    let mut text = format!("  {}: ", stage.name);
    if found.is_empty() {
        return text + "its list of inputs is equal at both revisions\n";
    }
    let verb = if found.len() == 1 { "differs" } else { "differ" };
    writeln!(text, "{} of its inputs {verb}", found.len()).expect("a string");
    for line in found.iter().take(SHOWN) {
        writeln!(text, "    {}", plain(line)).expect("a string");
    }
    if found.len() > SHOWN {
        writeln!(text, "    and {} more", found.len() - SHOWN).expect("a string");
    }
    text
}

/// What has changed although a project is left out, and whose it is.
pub fn elsewhere(changes: &[Change], whose: &dyn Fn(&Utf8Path) -> String) -> String {
    let mut text = match changes.len() {
        0 => "  nothing has changed\n".to_owned(),
        1 => "  what has changed is elsewhere:\n".to_owned(),
        n => format!("  the {n} paths that have changed are elsewhere:\n"),
    };
    for change in changes.iter().take(SHOWN) {
        writeln!(text, "    {} ({})", plain(change.path.as_str()), whose(&change.path)).expect("a string");
    }
    if changes.len() > SHOWN {
        writeln!(text, "    and {} more", changes.len() - SHOWN).expect("a string");
    }
    text
}
