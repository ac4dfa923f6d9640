//! Projects that no glob takes, and rules of the settings that take nothing or too much.
//!
//! Pure. Must not judge what a rule's reason is worth.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use glob::{MatchOptions, Pattern};

use super::{Check, Finding, Seen, key_line, nth_header, some};
use crate::discover::Project;
use crate::tree::spelled;
use crate::verdict::one_line;

const STRICT: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: false };

/// Which projects there are, and which are left out.
pub fn projects(seen: &Seen) -> Check {
    let config = &seen.repo.config;
    let text = seen.settings_text();
    let mut findings = outside(seen);
    findings.extend(seen.refused.iter().map(refused));
    let at = key_line(text, "", "projects");
    if seen.repo.projects.is_empty() {
        let what = format!("no project is found under {}: a run checks nothing", config.projects.join(", "));
        findings.push(Finding::serious(what, "correct `projects`").at(&seen.settings, at));
    }
    for glob in config.projects.iter().filter(|_| !seen.repo.projects.is_empty()) {
        let pattern = pattern(glob);
        if !seen.repo.projects.iter().any(|it| pattern.matches_with(it.dir.as_str(), STRICT)) {
            let what = format!("`{glob}` in `projects` takes no project");
            findings.push(Finding::note(what, "take it out, or correct it").at(&seen.settings, at));
        }
    }
    let at = key_line(text, "", "exclude");
    for glob in &config.exclude {
        let pattern = pattern(glob);
        if !seen.texts.keys().filter_map(|it| it.parent()).any(|dir| pattern.matches(dir.as_str())) {
            let what = format!("`{glob}` in `exclude` takes no directory with a pyproject.toml");
            findings.push(Finding::note(what, "take it out, or correct it").at(&seen.settings, at));
        }
    }
    Check::new("projects", format!("{} projects", seen.repo.projects.len()), findings)
}

/// A manifest with which no run begins.
fn refused((path, why): &(Utf8PathBuf, String)) -> Finding {
    let why = one_line(why);
    // As the parser says it: "TOML parse error at line 3, column 8".
    let line = why.split_once("at line ").and_then(|it| it.1.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok());
    let fix = format!("correct {path}, or name its directory in `exclude` of ci/xtask.toml");
    Finding::serious(format!("no run begins, for this is refused: {why}"), fix).at(path, line)
}

fn pattern(glob: &str) -> Pattern {
    let text = glob.trim_start_matches("./").trim_end_matches('/');
    // Invalid globs were refused when the settings were read.
    Pattern::new(if text == "." { "" } else { text }).unwrap_or_default()
}

/// Projects that nothing checks: under no glob, and not named in `exclude`.
fn outside(seen: &Seen) -> Vec<Finding> {
    let config = &seen.repo.config;
    let policy = seen.repo.ci.strip_prefix(&seen.repo.root).ok();
    let exclude: Vec<Pattern> = config.exclude.iter().map(|it| pattern(it)).collect();
    let mut by_parent: BTreeMap<&Utf8Path, Vec<&Utf8Path>> = BTreeMap::new();
    for (path, text) in &seen.texts {
        let dir = path.parent().unwrap_or(Utf8Path::new(""));
        let counts = path.file_name() == Some("pyproject.toml")
            && seen.repo.project_in(dir).is_none()
            && !seen.refused.iter().any(|it| it.0 == *path)
            && !policy.is_some_and(|it| !it.as_str().is_empty() && dir.starts_with(it))
            && !exclude.iter().any(|it| it.matches(dir.as_str()))
            && is_project(text);
        if counts {
            by_parent.entry(dir.parent().unwrap_or(Utf8Path::new(""))).or_default().push(dir);
        }
    }
    let at = key_line(seen.settings_text(), "", "projects");
    let finding = |(parent, dirs): (&Utf8Path, Vec<&Utf8Path>)| {
        let names: Vec<String> = dirs.iter().map(|it| spelled(it).to_owned()).collect();
        let glob = match dirs.as_slice() {
            [dir] => spelled(dir).to_owned(),
            _ => parent.join("*").into_string(),
        };
        let users: BTreeSet<&str> = dirs.iter().flat_map(|dir| users(seen, dir)).collect();
        let needed = if users.is_empty() {
            String::new()
        } else {
            format!(" (needed by {})", users.into_iter().collect::<Vec<_>>().join(", "))
        };
        let (noun, verb, it) = if dirs.len() == 1 { ("project", "is", "it") } else { ("projects", "are", "them") };
        let what =
            format!("{} {noun} {verb} under no glob, so nothing checks {it}{needed}: {}", dirs.len(), some(&names));
        let fix = format!("add \"{glob}\" to `projects`; or to `exclude`, when nothing should check {it}");
        Finding::serious(what, fix).at(&seen.settings, at)
    };
    by_parent.into_iter().map(finding).collect()
}

fn is_project(text: &str) -> bool {
    match toml::from_str::<toml::Table>(text) {
        Ok(table) => table.get("project").and_then(|it| it.get("name")).is_some(),
        Err(_) => text.lines().any(|it| it.trim() == "[project]"),
    }
}

fn users<'a>(seen: &'a Seen, dir: &Utf8Path) -> Vec<&'a str> {
    let needs = |it: &&Project| it.locals.iter().any(|local| local.path == dir);
    seen.repo.projects.iter().filter(needs).map(|it| it.name.as_str()).collect()
}

/// `[[no-input]]`, and inputs by hand.
pub fn check(seen: &Seen) -> Check {
    let mut findings = no_input(seen);
    let mut named = 0;
    for project in &seen.repo.projects {
        let path = project.path("pyproject.toml");
        for (named_by, text) in project.named().zip(&project.manifest.typed.tool.xtask.inputs) {
            named += 1;
            if !seen.repo.files.iter().any(|it| named_by.matches(it)) {
                let what = format!("`{text}` in `inputs` of `{}` names no file", project.name);
                let at = key_line(seen.text(&path), "[tool.xtask]", "inputs");
                findings.push(Finding::warning(what, "take it out, or correct it").at(path.clone(), at));
            }
        }
    }
    let says = format!("{} rules of [[no-input]], {named} inputs by hand", seen.repo.config.no_input.len());
    Check::new("rules", says, findings)
}

fn no_input(seen: &Seen) -> Vec<Finding> {
    let mut findings = Vec::new();
    let policy = seen.repo.ci.strip_prefix(&seen.repo.root).unwrap_or(Utf8Path::new("ci"));
    let is_free = |it: &&Utf8PathBuf| seen.repo.owner(it).is_none() && !it.starts_with(policy);
    let free: Vec<&Utf8PathBuf> = seen.repo.files.iter().filter(is_free).collect();
    for (number, rule) in seen.repo.config.no_input.iter().enumerate() {
        let at = nth_header(seen.settings_text(), "[[no-input]]", number);
        let takes = |glob: &String, path: &str| pattern_as_is(glob).matches_with(path, STRICT);
        let idle = |glob: &&String| !free.iter().any(|it| takes(glob, it.as_str()));
        let idle: Vec<String> = rule.paths.iter().filter(idle).cloned().collect();
        if idle.len() == rule.paths.len() {
            let what = format!("no file outside the projects matches this rule: {}", some(&idle));
            findings.push(Finding::note(what, "take the rule out, or correct it").at(&seen.settings, at));
        } else if !idle.is_empty() {
            let what = format!("no file outside the projects matches {}", some(&idle));
            findings.push(Finding::note(what, "").at(&seen.settings, at));
        }
        // Paths that nobody could have meant.
        let probes = ["0f3a/unheard-of.bin", "0f3a"];
        if let Some(glob) = rule.paths.iter().find(|glob| probes.iter().all(|it| takes(glob, it))) {
            let what = format!("`{glob}` takes every path: a file that nobody knows no longer selects everything");
            findings.push(Finding::serious(what, "name the paths that are meant").at(&seen.settings, at));
        }
    }
    findings
}

fn pattern_as_is(glob: &str) -> Pattern {
    Pattern::new(glob).unwrap_or_default()
}
