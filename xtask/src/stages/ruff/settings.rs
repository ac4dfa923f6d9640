//! The ruff settings a project is checked with: the repository's policy, and what the project may add to it.
//!
//! Pure: texts in, one `ruff.toml` out. A project's own table describes it (line length, target, first party) and adds
//! rules. What would take away from the policy has no effect and is remarked; taking one of the policy's families away
//! as a whole is a finding, because then the project's editor shows something else than CI.

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use toml::{Table, Value};

use super::table::Source;
use crate::verdict::Case;

/// Keys at the top that describe a project.
const DESCRIBES: &[&str] = &["line-length", "indent-width", "target-version", "src"];
/// Keys at the top that say how ruff is called, which is the caller's business.
const HANDLING: &[&str] =
    &["cache-dir", "fix", "fix-only", "show-fixes", "unsafe-fixes", "output-format", "required-version", "extend"];
/// Keys of `[lint]` that describe a project or set rules that the policy does not have.
const LINT_ADDS: &[&str] = &[
    "allowed-confusables",
    "external",
    "future-annotations",
    "isort",
    "logger-objects",
    "mccabe",
    "pep8-naming",
    "pycodestyle",
    "pydoclint",
    "pylint",
    "pyupgrade",
    "ruff",
    "task-tags",
    "typing-extensions",
    "typing-modules",
];
/// Keys of `[lint]` that only matter when ruff changes files.
const LINT_FIXES: &[&str] = &["fixable", "unfixable", "extend-fixable", "extend-unsafe-fixes", "extend-safe-fixes"];
/// Keys of `[lint]` that hold rule selectors, and are merged one by one.
const SELECTORS: &[&str] =
    &["select", "extend-select", "ignore", "extend-ignore", "per-file-ignores", "extend-per-file-ignores"];
/// Keys of `[format]` that would leave something out or change the style with the tool's next version.
const FORMAT_WITHOUT: &[&str] = &["exclude", "preview"];

/// What a project is checked with.
#[derive(Debug)]
pub struct Settings {
    /// The text of its `ruff.toml`.
    pub text: String,
    /// Where it works against the policy.
    pub cases: Vec<Case>,
    /// What has no effect.
    pub notes: Vec<String>,
}

/// What the settings of a project are made of.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// `ci/ruff.toml`.
    pub policy: &'a Table,
    /// The project's own ruff table, where it has one.
    pub own: Option<&'a Source>,
    /// The names of its own importable packages.
    pub first_party: Vec<String>,
    /// `project.requires-python`.
    pub requires_python: Option<&'a str>,
}

/// Builds the settings.
///
/// # Errors
/// When the policy selects no rules.
pub fn of(inputs: &Inputs) -> Result<Settings> {
    let families = families(inputs.policy)?;
    let mut out = inputs.policy.clone();
    let (mut cases, mut notes) = (Vec::new(), Vec::new());
    if let Some(target) = inputs.requires_python.and_then(oldest_python) {
        out.insert("target-version".to_owned(), Value::String(target));
    }
    if let Some(own) = inputs.own {
        cases = dropped(own, &families);
        add(&mut out, own, &families, &mut notes);
    }
    let lint = subtable(&mut out, "lint");
    let isort = subtable(lint, "isort");
    union(isort, "known-first-party", &inputs.first_party);
    // Every file that was staged is checked: what to look at is decided by git, not by ruff.
    out.insert("exclude".to_owned(), Value::Array(Vec::new()));
    let text = toml::to_string(&out).context("could not write the ruff settings")?;
    Ok(Settings { text, cases, notes })
}

/// What a nested configuration file says: it has no effect at all, but must not claim otherwise.
///
/// # Errors
/// When the policy selects no rules.
pub fn nested(policy: &Table, own: &Source) -> Result<(Vec<Case>, String)> {
    let note = format!("{} has no effect: a project has one table of ruff settings", own.file);
    Ok((dropped(own, &families(policy)?), note))
}

/// The letters of the policy's rule families: D, I, F.
fn families(policy: &Table) -> Result<Vec<String>> {
    let select = policy.get("lint").and_then(|lint| lint.get("select")).and_then(Value::as_array);
    let found: Vec<String> =
        select.into_iter().flatten().filter_map(Value::as_str).map(|it| letters(it).to_owned()).collect();
    anyhow::ensure!(!found.is_empty(), "ci/ruff.toml has no `lint.select`: there is no policy to check");
    Ok(found)
}

fn letters(selector: &str) -> &str {
    selector.trim_end_matches(|c: char| c.is_ascii_digit())
}

/// Does this selector touch a rule of the policy's families?
fn touches(selector: &str, families: &[String]) -> bool {
    selector == "ALL" || families.iter().any(|family| letters(selector) == family)
}

/// Does it take a family as a whole?
fn is_whole(selector: &str, families: &[String]) -> bool {
    selector == "ALL" || families.iter().any(|family| selector == family)
}

/// The findings for what takes a family of the policy away.
fn dropped(own: &Source, families: &[String]) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut say = |keys: &[&str], what: String| {
        let message = format!("{what}; ci/ruff.toml holds for every project, so this has no effect here");
        cases.push(Case::fail("policy", message).at(&own.file, own.line(keys)));
    };
    let selected = own.selectors("select");
    if let Some((keys, list)) = &selected {
        let more = own.selectors("extend-select").map(|(_, list)| list).unwrap_or_default();
        let has = |family: &String| list.iter().chain(&more).any(|it| it == "ALL" || it == family);
        let lost: Vec<&str> = families.iter().filter(|family| !has(family)).map(String::as_str).collect();
        if !lost.is_empty() {
            say(keys, format!("`select` leaves out {} of the policy", lost.join(", ")));
        }
    }
    for key in ["ignore", "extend-ignore"] {
        let Some((keys, list)) = own.selectors(key) else { continue };
        let lost: Vec<&str> = list.iter().filter(|it| is_whole(it, families)).map(String::as_str).collect();
        if !lost.is_empty() {
            say(&keys, format!("`{key}` takes {} of the policy away", lost.join(", ")));
        }
    }
    for key in ["per-file-ignores", "extend-per-file-ignores"] {
        for (keys, pattern, list) in own.per_file(key) {
            let lost: Vec<&str> = list.iter().filter(|it| is_whole(it, families)).map(String::as_str).collect();
            if !lost.is_empty() {
                let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                say(&keys, format!("`{key}` takes {} of the policy away for {pattern}", lost.join(", ")));
            }
        }
    }
    cases
}

/// Adds what a project may add, and remarks what it may not.
fn add(out: &mut Table, own: &Source, families: &[String], notes: &mut Vec<String>) {
    let mut without_effect: Vec<String> = Vec::new();
    for (key, value) in own.table.iter() {
        match key.as_str() {
            "lint" | "format" if value.is_table() => {}
            key if DESCRIBES.contains(&key) => drop(out.insert(key.to_owned(), value.clone())),
            key if HANDLING.contains(&key) || SELECTORS.contains(&key) => {}
            // Before there was a table `lint`, its keys stood at the top, and ruff still reads them there.
            key if LINT_FIXES.contains(&key) => {}
            key if is_lint_table(key) => add_lint(subtable(out, "lint"), key, value),
            key => without_effect.push(key.to_owned()),
        }
    }
    for (key, value) in own.table.get("format").and_then(Value::as_table).into_iter().flatten() {
        let format = subtable(out, "format");
        // "preserve" is no style but the wish to be left alone.
        let is_style = !FORMAT_WITHOUT.contains(&key.as_str()) && value.as_str() != Some("preserve");
        if !is_style || format.get(key).is_some_and(|policy| policy != value) {
            without_effect.push(format!("format.{key}"));
        } else {
            format.insert(key.clone(), value.clone());
        }
    }
    let lint = subtable(out, "lint");
    for (key, value) in own.table.get("lint").and_then(Value::as_table).into_iter().flatten() {
        match key.as_str() {
            key if SELECTORS.contains(&key) || LINT_FIXES.contains(&key) => {}
            "pydocstyle" => {
                let policy = lint.get("pydocstyle").and_then(Value::as_table);
                let differs = value.as_table().into_iter().flatten();
                let differs = differs.filter(|(key, value)| policy.and_then(|it| it.get(*key)) != Some(value));
                without_effect.extend(differs.map(|(key, _)| format!("lint.pydocstyle.{key}")));
            }
            key if is_lint_table(key) => add_lint(lint, key, value),
            key => without_effect.push(format!("lint.{key}")),
        }
    }
    merge_selectors(lint, own, families, &mut without_effect);
    if !without_effect.is_empty() {
        notes.push(format!("{}: without effect: {}", own.file, without_effect.join(", ")));
    }
}

fn is_lint_table(key: &str) -> bool {
    LINT_ADDS.contains(&key) || key.starts_with("flake8-")
}

fn add_lint(lint: &mut Table, key: &str, value: &Value) {
    match (lint.get_mut(key), value) {
        (Some(Value::Table(old)), Value::Table(new)) => {
            old.extend(new.iter().map(|(key, value)| (key.clone(), value.clone())));
        }
        _ => drop(lint.insert(key.to_owned(), value.clone())),
    }
}

/// More rules are welcome; fewer only outside the policy's families.
fn merge_selectors(lint: &mut Table, own: &Source, families: &[String], without_effect: &mut Vec<String>) {
    for key in ["select", "extend-select"] {
        if let Some((_, list)) = own.selectors(key) {
            union(lint, "select", &list);
        }
    }
    for key in ["ignore", "extend-ignore"] {
        let Some((_, list)) = own.selectors(key) else { continue };
        let (kept, lost): (Vec<String>, Vec<String>) = list.into_iter().partition(|it| !touches(it, families));
        without_effect.extend(lost.iter().filter(|it| !is_whole(it, families)).map(|it| format!("{key} {it}")));
        if !kept.is_empty() {
            union(lint, "ignore", &kept);
        }
    }
    for key in ["per-file-ignores", "extend-per-file-ignores"] {
        for (_, pattern, list) in own.per_file(key) {
            let (kept, lost): (Vec<String>, Vec<String>) = list.into_iter().partition(|it| !touches(it, families));
            let lost = lost.iter().filter(|it| !is_whole(it, families));
            without_effect.extend(lost.map(|it| format!("{key} {it} for {pattern}")));
            if !kept.is_empty() {
                union(subtable(lint, "per-file-ignores"), &pattern, &kept);
            }
        }
    }
}

fn subtable<'a>(table: &'a mut Table, key: &str) -> &'a mut Table {
    let value = table.entry(key.to_owned()).or_insert_with(|| Value::Table(Table::new()));
    if !value.is_table() {
        *value = Value::Table(Table::new());
    }
    match value {
        Value::Table(it) => it,
        _ => unreachable!("it was made a table just now"),
    }
}

/// Adds texts to a list, each once.
fn union(table: &mut Table, key: &str, more: &[String]) {
    let mut list = table.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    for text in more {
        let value = Value::String(text.clone());
        if !list.contains(&value) {
            list.push(value);
        }
    }
    table.insert(key.to_owned(), Value::Array(list));
}

/// "py311" of ">=3.11,<4": the oldest version a project runs on is the one whose syntax it must keep to.
fn oldest_python(requires: &str) -> Option<String> {
    let clause = requires.split(',').map(str::trim).find_map(|it| {
        [">=", "~=", "==", ">"].iter().find_map(|sign| it.strip_prefix(sign)).map(|rest| rest.trim_start())
    })?;
    let mut parts = clause.split('.').map(|it| it.trim_end_matches('*'));
    let (major, minor) = (parts.next()?.parse::<u8>().ok()?, parts.next()?.trim().parse::<u8>().ok()?);
    (major == 3 && minor >= 7).then(|| format!("py3{minor}"))
}

/// The importable name of a package directory or module.
pub fn module_name(package: &Utf8PathBuf) -> Option<String> {
    let name = package.file_stem()?.trim_end_matches("-stubs");
    (!name.is_empty() && Utf8Path::new(name).components().count() == 1).then(|| name.to_owned())
}

#[cfg(test)]
mod tests;
