//! The rule table as it holds for one project: `ci/ty.toml`, and what the project makes stricter.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

use crate::context::{self, Context};
use crate::discover::Project;
use crate::manifest::{least_minor, minor};
use crate::proc;
use crate::tools::Tool;

/// What a rule does, from weak to strict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Ignore,
    Warn,
    Error,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Level::Ignore => "ignore",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }
}

/// The table for one project.
#[derive(Debug)]
pub struct Rules {
    policy: toml::Table,
    levels: BTreeMap<String, Level>,
    python_version: Option<String>,
    /// What of the project's own settings counts and what does not.
    pub notes: Vec<String>,
}

/// The rules that ty knows.
struct Known {
    ty: Utf8PathBuf,
    home: &'static Utf8Path,
    default: BTreeMap<String, Level>,
}

impl Known {
    fn ask(ctx: &Context) -> Result<Known> {
        #[derive(Deserialize)]
        struct Rule {
            name: String,
            default_level: Level,
        }
        let ty = ctx.tools.bin(Tool::Typing, "ty");
        let known = Known { ty, home: Utf8Path::new("/"), default: BTreeMap::new() };
        let json = known.explain(&["--output-format", "json"]).context("ty does not say which rules it knows")?;
        let rules: Vec<Rule> = serde_json::from_str(&json).context("ty does not say which rules it knows")?;
        Ok(Known { default: rules.into_iter().map(|it| (it.name, it.default_level)).collect(), ..known })
    }

    fn explain(&self, args: &[&str]) -> Result<String> {
        proc::read(&self.ty, &[&["explain", "rule"], args].concat(), self.home, &context::clean_env(self.home))
    }

    /// The present name of a rule; ty explains a renamed one under its new name.
    fn resolve(&self, name: &str) -> Result<String, String> {
        if name == "all" || self.default.contains_key(name) {
            return Ok(name.to_owned());
        }
        let text = self.explain(&[name]).map_err(|error| {
            let text = format!("{error:#}");
            text.rsplit_once("Cause: ").map_or(text.clone(), |(_, words)| words.trim().to_owned())
        })?;
        let heading = text.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or_default().trim();
        if self.default.contains_key(heading) { Ok(heading.to_owned()) } else { Err(format!("Unknown rule `{name}`")) }
    }
}

/// The policy with what the project adds.
///
/// # Errors
/// When `ci/ty.toml` cannot be read, or names a rule or level that ty does not know, with the line.
pub fn merge(ctx: &Context, project: &Project) -> Result<Rules> {
    let path = ctx.repo.ci.join("ty.toml");
    let shown = ctx.relative(&path).unwrap_or_else(|| path.clone());
    let text = std::fs::read_to_string(&path).with_context(|| format!("could not read the rule table {shown}"))?;
    let policy: toml::Table = toml::from_str(&text).with_context(|| format!("{shown} is not valid TOML"))?;
    let known = Known::ask(ctx)?;
    let mut notes = Vec::new();

    let mut levels = known.default.clone();
    let mut named = BTreeMap::new();
    for (name, value) in rules_of(&policy) {
        let line = line_of(&text, name);
        let level = level(value).with_context(|| format!("{shown}:{line}: the level of `{name}`"))?;
        match known.resolve(name) {
            Ok(now) => {
                if now != *name {
                    notes.push(format!("{shown}:{line}: `{name}` is now called `{now}`"));
                }
                named.insert(now, level);
            }
            Err(words) => bail!("{shown}:{line}: {words}"),
        }
    }
    if let Some(all) = named.remove("all") {
        levels.values_mut().for_each(|it| *it = all);
    }
    levels.extend(named);

    for (file, table) in project_tables(ctx, project)? {
        tighten(&file, &table, &known, &mut levels, &mut notes);
    }
    let python_version = python_version(&policy, project, &mut notes);
    Ok(Rules { policy, levels, python_version, notes })
}

/// The project's own settings for ty, with the file they are in.
fn project_tables(ctx: &Context, project: &Project) -> Result<Vec<(Utf8PathBuf, toml::Table)>> {
    let mut tables = Vec::new();
    if let Some(table) = project.manifest.at(&["tool", "ty"]).and_then(toml::Value::as_table) {
        tables.push((project.path("pyproject.toml"), table.clone()));
    }
    let path = project.path("ty.toml");
    if ctx.repo.abs(&path).is_file() {
        let text = std::fs::read_to_string(ctx.repo.abs(&path)).with_context(|| format!("could not read {path}"))?;
        tables.push((path.clone(), toml::from_str(&text).with_context(|| format!("{path} is not valid TOML"))?));
    }
    Ok(tables)
}

/// Takes over what is stricter; says what is not and has no effect.
fn tighten(
    file: &Utf8Path,
    table: &toml::Table,
    known: &Known,
    levels: &mut BTreeMap<String, Level>,
    notes: &mut Vec<String>,
) {
    for (name, value) in rules_of(table) {
        let (resolved, level) = match (known.resolve(name), level(value)) {
            (Ok(resolved), Ok(level)) => (resolved, level),
            (Err(words), _) => {
                notes.push(format!("{file}: {words}; it has no effect"));
                continue;
            }
            (_, Err(error)) => {
                notes.push(format!("{file}: {name}: {error:#}; it has no effect"));
                continue;
            }
        };
        let (mut stricter, mut weaker) = (0, 0);
        for (_, now) in levels.iter_mut().filter(|(rule, _)| resolved == "all" || **rule == resolved) {
            match level.cmp(now) {
                std::cmp::Ordering::Greater => {
                    *now = level;
                    stricter += 1;
                }
                std::cmp::Ordering::Less => weaker += 1,
                std::cmp::Ordering::Equal => {}
            }
        }
        if stricter > 0 {
            notes.push(format!("{file}: {name} = \"{}\" is stricter than the policy and holds here", level.word()));
        } else if weaker > 0 {
            notes.push(format!("{file}: {name} = \"{}\" is weaker than the policy and has no effect", level.word()));
        }
    }
    let others: Vec<&str> = table.keys().map(String::as_str).filter(|it| *it != "rules").collect();
    if !others.is_empty() {
        notes.push(format!("{file}: ty's settings under {} have no effect here", others.join(", ")));
    }
}

fn rules_of(table: &toml::Table) -> impl Iterator<Item = (&String, &toml::Value)> {
    table.get("rules").and_then(toml::Value::as_table).into_iter().flatten()
}

fn level(value: &toml::Value) -> Result<Level> {
    value.clone().try_into().with_context(|| format!("{value} is neither \"ignore\" nor \"warn\" nor \"error\""))
}

/// The line on which a key stands; 1 when it is written in some unusual way.
fn line_of(text: &str, key: &str) -> usize {
    let is_it = |line: &str| {
        let line = line.trim_start().trim_start_matches("rules.").trim_start_matches(['"', '\'']);
        line.strip_prefix(key).is_some_and(|rest| rest.trim_start_matches(['"', '\'']).trim_start().starts_with('='))
    };
    text.lines().position(is_it).map_or(1, |index| index + 1)
}

/// The policy's version, or the least one that the project supports where that is newer.
fn python_version(policy: &toml::Table, project: &Project, notes: &mut Vec<String>) -> Option<String> {
    let ours = policy.get("environment").and_then(|it| it.get("python-version")).and_then(toml::Value::as_str);
    let requires = project.manifest.at(&["project", "requires-python"]).and_then(toml::Value::as_str);
    let theirs = requires.and_then(least_minor);
    match (ours.and_then(minor), theirs) {
        (Some(ours), Some(theirs)) if theirs > ours => {
            notes.push(format!("checked as Python 3.{theirs}, the least version that the project supports"));
            Some(format!("3.{theirs}"))
        }
        (None, Some(theirs)) => Some(format!("3.{theirs}")),
        _ => ours.map(str::to_owned),
    }
}

impl Rules {
    /// The whole configuration as ty reads it.
    pub fn config(&self, roots: &[Utf8PathBuf]) -> String {
        let mut table = self.policy.clone();
        // Which files are checked and how the report looks is said on the command line.
        table.remove("src");
        table.remove("terminal");
        // ty puts variables and the home in the place of their names.
        let string = |it: &Utf8PathBuf| toml::Value::String(format!("./{}", it.as_str().replace('$', "$$")));
        let mut environment = table.get("environment").and_then(toml::Value::as_table).cloned().unwrap_or_default();
        environment.insert("root".to_owned(), roots.iter().map(string).collect::<Vec<_>>().into());
        if let Some(version) = &self.python_version {
            environment.insert("python-version".to_owned(), version.clone().into());
        }
        table.insert("environment".to_owned(), environment.into());
        let levels = self.levels.iter().map(|(name, level)| (name.clone(), level.word().into()));
        table.insert("rules".to_owned(), toml::Value::Table(levels.collect()));
        toml::to_string(&table).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_can_only_be_stricter() {
        let default = [("a", Level::Ignore), ("b", Level::Warn), ("c", Level::Error)];
        let default: BTreeMap<String, Level> =
            default.iter().map(|(name, level)| ((*name).to_owned(), *level)).collect();
        let known = Known { ty: "/nowhere".into(), home: "/".into(), default: default.clone() };
        let run = |text: &str| {
            let (mut levels, mut notes) = (default.clone(), Vec::new());
            tighten("p/ty.toml".into(), &toml::from_str(text).expect("TOML"), &known, &mut levels, &mut notes);
            (levels.into_values().collect::<Vec<_>>(), notes.join("; "))
        };
        let (levels, notes) = run("rules = { a = 'error', b = 'ignore', c = 'error' }");
        assert_eq!(levels, [Level::Error, Level::Warn, Level::Error]);
        assert!(notes.contains("a = \"error\" is stricter") && notes.contains("b = \"ignore\" is weaker"), "{notes}");
        assert_eq!(run("rules = { all = 'warn' }").0, [Level::Warn, Level::Warn, Level::Error]);
        assert_eq!(run("rules = { all = 'ignore' }").0, [Level::Ignore, Level::Warn, Level::Error]);
        let (levels, notes) = run("[src]\nexclude = ['*']\n[rules]\nnope = 'ignore'\nb = 'nope'");
        assert_eq!(levels, [Level::Ignore, Level::Warn, Level::Error]);
        assert!(notes.contains("under src") && notes.contains("nope"), "{notes}");
    }

    #[test]
    fn lines() {
        let text = "[rules]\nabc-d = 1\n\"abc\" = 'warn'\n";
        assert_eq!(line_of(text, "abc"), 3);
        assert_eq!(line_of(text, "abc-d"), 2);
    }
}
