//! What the policy of a revision means to a stage: its settings, its policy files, the versions of its tools.
//!
//! Pure. A setting belongs to the stage whose table it is in; where projects are and who may change what is nobody's.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use glob::Pattern;
use toml::{Table, Value};

use crate::facts::digest;
use crate::locked::{Locked, Scope};
use crate::sources::hex;
use crate::stages::{Closure, Own, Stage};
use crate::tools::Tool;
use crate::tree::Tree;

/// The project in `ci/tools`.
const TOOLS: &str = "ci-tools";

/// What was read of the policy.
#[derive(Debug, Default)]
pub struct Policy {
    /// Repo-relative directory of the policy files; `None` when they are outside the repository.
    pub dir: Option<Utf8PathBuf>,
    /// `ci/xtask.toml`.
    pub settings: Table,
    /// `ci/tools/uv.lock`; the error's text when it cannot be read.
    pub tools: Option<Result<Locked, String>>,
    /// The `[dependency-groups]` of `ci/tools/pyproject.toml`.
    pub groups: Table,
    /// The files of a directory outside the repository: relative path and hash.
    pub outside: BTreeMap<Utf8PathBuf, String>,
    /// Do the semgrep rules look at more than Python?
    pub beyond_python: bool,
    /// Files and directories with further semgrep rules, repo-relative.
    pub further: Vec<Utf8PathBuf>,
}

/// Files of the policy directory that are read by their parts.
pub const IN_PARTS: &[&str] = &["xtask.toml", "tools/uv.lock", "tools/pyproject.toml"];
/// Languages of semgrep rules whose files are Python files.
const PYTHON: &[&str] = &["python", "python2", "python3", "py"];
/// Which uv is used.
pub const UV: &str = "tools/uv.txt";

impl Policy {
    /// What a stage reads of the policy: what it is, and its content.
    pub fn lines(&self, stage: &Stage, tree: &Tree) -> Vec<(String, String)> {
        let mut lines = self.settings_of(stage);
        let uses_uv = stage.reads.closure != Closure::Nothing;
        let uv = uses_uv.then_some(UV);
        for name in stage.reads.policy.iter().copied().chain(uv) {
            lines.extend(self.files(name, tree));
        }
        if stage.name == "semgrep" {
            let below = self.further.iter().flat_map(|it| {
                let whole = tree.get(it).map(|entry| (it.as_path(), entry));
                whole.into_iter().chain(tree.under(it))
            });
            lines.extend(below.map(|(path, entry)| (format!("policy {path}"), entry.id.to_hex())));
        }
        for tool in stage.tools.iter().filter(|it| **it != Tool::Grype) {
            lines.extend(self.tool(*tool));
        }
        lines.sort();
        lines
    }

    /// Does this path belong to the policy, and do its changes reach a stage through [`Policy::lines`]?
    pub fn knows(&self, path: &Utf8Path, stages: &[Stage]) -> bool {
        if self.further.iter().any(|it| path.starts_with(it)) {
            return true;
        }
        let Some(inner) = self.dir.as_deref().and_then(|dir| path.strip_prefix(dir).ok()) else { return false };
        let policy = stages.iter().flat_map(|it| it.reads.policy.iter().copied());
        IN_PARTS.contains(&inner.as_str())
            || policy.chain([UV]).any(|it| it == inner || (it.ends_with('/') && inner.starts_with(it)))
    }

    /// Which own files a stage reads: semgrep's rules may reach beyond Python.
    pub fn own(&self, stage: &Stage) -> Own {
        if stage.name == "semgrep" && self.beyond_python { Own::All } else { stage.reads.own }
    }

    /// Notes what a file with semgrep rules looks at; one that cannot be read may look at anything.
    pub fn add_rules(&mut self, text: &str) {
        let file: Option<serde_yaml::Value> = serde_yaml::from_str(text).ok();
        let rules = file.as_ref().and_then(|it| it.get("rules")?.as_sequence());
        let languages = |rule: &serde_yaml::Value| rule.get("languages")?.as_sequence().cloned();
        let is_python = |it: &serde_yaml::Value| it.as_str().is_some_and(|it| PYTHON.contains(&it));
        let all_python = rules
            .is_some_and(|rules| rules.iter().all(|rule| languages(rule).is_some_and(|it| it.iter().all(is_python))));
        self.beyond_python |= !all_python;
    }

    fn files(&self, name: &str, tree: &Tree) -> Vec<(String, String)> {
        let is_ours = |path: &Utf8Path| match name.strip_suffix('/') {
            Some(dir) => path.starts_with(dir),
            None => path == name,
        };
        let Some(dir) = &self.dir else {
            let found = self.outside.iter().filter(|(path, _)| is_ours(path));
            return found.map(|(path, hash)| (format!("policy {path}"), hash.clone())).collect();
        };
        let found = tree.under(dir).filter(|(path, _)| path.strip_prefix(dir).is_ok_and(is_ours));
        found
            .map(|(path, entry)| (format!("policy {path}"), format!("{:?} {}", entry.mode, entry.id.to_hex())))
            .collect()
    }

    fn tool(&self, tool: Tool) -> Vec<(String, String)> {
        let group = self.groups.get(tool.name()).cloned().unwrap_or(Value::Array(Vec::new()));
        let mut lines = vec![(format!("tools {}", tool.name()), hex(&digest(&group)[..8]))];
        match &self.tools {
            None => lines.push(("tools".to_owned(), "no lock".to_owned())),
            Some(Err(why)) => lines.push(("tools".to_owned(), why.clone())),
            Some(Ok(lock)) => {
                let found = lock.lines(TOOLS, Scope::Group(tool.name()), false).unwrap_or_default();
                let found = found.iter().filter(|(key, _)| **key != *format!("package {TOOLS}"));
                lines.extend(found.map(|(key, value)| (format!("tool {key}"), value.to_string())));
            }
        }
        lines
    }

    /// The part of the settings that is about a stage.
    fn settings_of(&self, stage: &Stage) -> Vec<(String, String)> {
        let mut lines = Vec::new();
        let mut add = |key: &str, value: Option<&Value>| {
            if let Some(value) = value {
                lines.push((format!("setting {key}"), hex(&digest(value)[..8])));
            }
        };
        let of = |table: &str| self.settings.get(table).and_then(|it| it.get(stage.name));
        add(stage.name, self.settings.get(stage.name));
        add("timeout", of("timeout").or_else(|| self.settings.get("timeout").and_then(|it| it.get("default"))));
        add("not-checked", of("not-checked"));
        if !stage.environments.is_empty() {
            add("python", self.settings.get("python"));
        }
        if stage.tools.contains(&Tool::Grype) {
            add("grype", self.settings.get("grype"));
        }
        lines
    }

    /// The waivers of the settings that may apply to a stage of a project.
    pub fn waivers(&self, stage: &Stage, project: &str) -> Vec<(String, String)> {
        let all = self.settings.get("waiver").and_then(Value::as_array).into_iter().flatten();
        let text = |it: &Value, key: &str| it.get(key).and_then(Value::as_str).map(str::to_owned);
        let ours = all.filter(|it| {
            let whose = text(it, "project").is_none_or(|glob| Pattern::new(&glob).is_ok_and(|it| it.matches(project)));
            text(it, "stage").as_deref() == Some(stage.name) && whose
        });
        let line = |it: &Value| {
            let rule = text(it, "rule").unwrap_or_default();
            (format!("waiver {rule}"), hex(&digest(it)[..8]))
        };
        ours.map(line).collect()
    }
}
