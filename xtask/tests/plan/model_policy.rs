//! The model's view of `ci/`: which settings, policy files, tools and waivers a stage reads.
//!
//! Must not use what it is compared with.

use std::collections::BTreeSet;

use toml::{Table, Value};
use xtask::stages::{Closure, Own, Stage};
use xtask::tools::Tool;

use super::model::{Project, Revision};
use super::model_read::{self as read, Scope};

/// Semgrep's rules may be about more than Python.
pub fn own(revision: &Revision, stage: &Stage, own: Own) -> Own {
    let rules = revision.files.iter().filter(|(path, _)| path.starts_with("ci/semgrep/"));
    let beyond = rules.into_iter().any(|(_, (_, bytes))| String::from_utf8_lossy(bytes).contains("generic"));
    if stage.name == "semgrep" && beyond { Own::All } else { own }
}

/// What it reads of `ci/`, its waivers left out.
pub fn lines(revision: &Revision, stage: &Stage) -> Vec<String> {
    let mut lines = Vec::new();
    for name in stage.reads.policy {
        let prefix = format!("ci/{name}");
        let is_meant = |path: &str| path == prefix || (prefix.ends_with('/') && path.starts_with(&prefix));
        for (path, (mode, bytes)) in revision.files.iter().filter(|it| is_meant(it.0)) {
            lines.push(format!("policy {path} {mode:?} {}", String::from_utf8_lossy(bytes)));
        }
    }
    // uv makes the environments, builds and locks; what merely lints is a program of its own.
    let uv = revision.files.get("ci/tools/uv.txt");
    if let Some((_, bytes)) = uv.filter(|_| stage.reads.closure != Closure::Nothing) {
        lines.push(format!("uv {}", String::from_utf8_lossy(bytes)));
    }
    let settings: &Table = &revision.settings;
    if let Some(table) = settings.get(stage.name) {
        lines.push(format!("settings {table}"));
    }
    for by_stage in ["timeout", "not-checked"] {
        if let Some(value) = read::at(settings, &[by_stage, stage.name]) {
            lines.push(format!("{by_stage} {value}"));
        }
    }
    for tool in stage.tools {
        self::tool(revision, settings, *tool, &mut lines);
    }
    lines
}

/// The waivers that may apply to a stage of a project.
pub fn waivers(settings: &Table, project: &Project, stage: &Stage, lines: &mut BTreeSet<String>) {
    for waiver in settings.get("waiver").and_then(Value::as_array).into_iter().flatten() {
        let glob = waiver.get("project").and_then(Value::as_str).unwrap_or("*");
        let is_of_stage = waiver.get("stage").and_then(Value::as_str) == Some(stage.name);
        if is_of_stage && glob::Pattern::new(glob).expect("a glob").matches(&project.name) {
            lines.insert(format!("waiver {waiver}"));
        }
    }
}

fn tool(revision: &Revision, settings: &Table, tool: Tool, lines: &mut Vec<String>) {
    if tool == Tool::Grype {
        lines.push(format!("grype {:?}", settings.get("grype")));
        return;
    }
    let manifest = read::table(revision.files, "ci/tools/pyproject.toml").expect("the tools");
    lines.push(format!("group {:?}", read::at(&manifest, &["dependency-groups", tool.name()])));
    let lock = read::table(revision.files, "ci/tools/uv.lock").expect("the lock of the tools");
    let scope = Scope::Group(tool.name());
    for package in read::reach(&lock, "ci-tools", scope).expect("its entry") {
        if read::local(package).is_none() {
            lines.push(format!("tool {package}"));
        }
    }
}

/// Is this a file of the policy that its stages read?
pub fn knows(path: &str) -> bool {
    let files = ["ruff.toml", "ty.toml", "bandit.yaml", "licenses.toml", "project.Dockerfile", "xtask.toml"];
    let tools = ["tools/uv.lock", "tools/pyproject.toml", "tools/uv.txt"];
    let below = |it: &str| {
        files.contains(&it) || tools.contains(&it) || it.starts_with("semgrep/") || it.starts_with("sphinx/")
    };
    path.strip_prefix("ci/").is_some_and(below)
}
