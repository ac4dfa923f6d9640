//! What a `pyproject.toml` says, as far as the pipeline asks: names, local sources, workspace, `[tool.xtask]`.
//!
//! Pure: text in, values out. The whole table is kept beside the typed part for stages that read a tool's own section.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

use crate::config::Waiver;
use crate::config::gitlab::{Platform, check_platforms};

/// A parsed `pyproject.toml`.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// The typed part.
    pub typed: PyProject,
    /// Everything.
    pub table: toml::Table,
}

/// The typed part of a `pyproject.toml`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct PyProject {
    pub project: Option<ProjectTable>,
    #[serde(default)]
    pub tool: Tool,
}

/// `[project]`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ProjectTable {
    pub name: String,
    #[serde(default)]
    pub dependencies: Vec<String>,
    #[serde(default)]
    pub optional_dependencies: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub scripts: BTreeMap<String, String>,
}

/// `[tool]`
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Tool {
    #[serde(default)]
    pub uv: Uv,
    #[serde(default)]
    pub xtask: XtaskTable,
}

/// `[tool.uv]`
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Uv {
    #[serde(default)]
    pub sources: BTreeMap<String, toml::Value>,
    pub workspace: Option<Workspace>,
}

/// `[tool.uv.workspace]`
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Workspace {
    #[serde(default)]
    pub members: Vec<String>,
    #[serde(default)]
    pub exclude: Vec<String>,
}

/// `[tool.xtask]`: what a project says to this pipeline, and its exceptions.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct XtaskTable {
    /// Does docker-build make an image of it?
    #[serde(default)]
    pub image: bool,
    /// The directories (or modules) of its own code, relative to the project, where they cannot be found by convention.
    #[serde(default)]
    pub packages: Vec<Utf8PathBuf>,
    /// Extra inputs, as globs relative to the project: files that its stages read beside those they read anyway.
    #[serde(default)]
    pub inputs: Vec<String>,
    /// The platforms that GitLab checks it on, instead of those of `[gitlab]`.
    pub gitlab_platforms: Option<Vec<Platform>>,
    /// Exceptions, each with owner, reason and expiry date.
    #[serde(default)]
    pub waiver: Vec<Waiver>,
    /// Settings of `ci/xtask.toml` that differ here, each with its reason.
    #[serde(default, rename = "override")]
    pub overrides: Vec<Override>,
}

/// One setting that differs in a project.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Override {
    /// "pytest.coverage" and so on: table and key as in `ci/xtask.toml`.
    pub setting: String,
    /// Its value here.
    pub value: toml::Value,
    /// Why.
    pub reason: String,
}

/// The settings that a project may override.
pub const OVERRIDABLE: &[&str] =
    &["pytest.coverage", "radon.maintainability", "radon.complexity", "bandit.severity", "vulnerabilities.severity"];

impl Manifest {
    /// Parses a manifest; `path` is only for the message.
    ///
    /// # Errors
    /// When it is no TOML, or a key the pipeline reads has the wrong shape, with file, line and column.
    pub fn parse(path: &Utf8Path, text: &str) -> Result<Manifest> {
        let table: toml::Table = toml::from_str(text).with_context(|| format!("{path} is not valid TOML"))?;
        let typed: PyProject = toml::from_str(text).with_context(|| format!("{path} is not valid"))?;
        for it in &typed.tool.xtask.overrides {
            if !OVERRIDABLE.contains(&it.setting.as_str()) {
                bail!(
                    "{path}: [[tool.xtask.override]] cannot set `{}`; it may set: {}",
                    it.setting,
                    OVERRIDABLE.join(", ")
                );
            }
            if it.reason.trim().is_empty() {
                bail!("{path}: [[tool.xtask.override]] of `{}` has an empty reason", it.setting);
            }
            crate::config::check_setting(&it.setting, &it.value)
                .with_context(|| format!("{path}: [[tool.xtask.override]]"))?;
        }
        if let Some(platforms) = &typed.tool.xtask.gitlab_platforms {
            check_platforms("`gitlab-platforms` in [tool.xtask]", platforms).with_context(|| format!("{path}"))?;
        }
        for waiver in &typed.tool.xtask.waiver {
            crate::stages::find(&waiver.stage).with_context(|| format!("{path}: [[tool.xtask.waiver]]"))?;
            crate::config::check_waiver(waiver).with_context(|| format!("{path}: [[tool.xtask.waiver]]"))?;
        }
        Ok(Manifest { typed, table })
    }

    /// A value deep in the table: `at(&["tool", "ruff", "lint"])`.
    pub fn at(&self, keys: &[&str]) -> Option<&toml::Value> {
        let (first, rest) = keys.split_first()?;
        rest.iter().try_fold(self.table.get(*first)?, |value, key| value.get(key))
    }

    /// The local sources of a workspace's root that count for a member which says nothing of their names.
    pub fn inherited_sources(&self, root: Option<&Manifest>) -> Vec<(String, Option<Utf8PathBuf>)> {
        let own = self.local_sources();
        let of_root = root.into_iter().flat_map(Manifest::local_sources);
        of_root.filter(|(name, _)| own.iter().all(|it| it.0 != *name)).collect()
    }

    /// The names of local sources with the directory they name, relative to the manifest; `None` for workspace members.
    pub fn local_sources(&self) -> Vec<(String, Option<Utf8PathBuf>)> {
        let mut found = Vec::new();
        for (name, source) in &self.typed.tool.uv.sources {
            let alternatives = source.as_array().map_or_else(|| vec![source], |list| list.iter().collect());
            for source in alternatives {
                if let Some(path) = source.get("path").and_then(toml::Value::as_str).filter(|it| !is_archive(it)) {
                    found.push((normalise_name(name), Some(Utf8PathBuf::from(path))));
                } else if source.get("workspace").and_then(toml::Value::as_bool) == Some(true) {
                    found.push((normalise_name(name), None));
                }
            }
        }
        found
    }
}

/// A path can also name a finished distribution: somebody else's code, however near it lies.
fn is_archive(path: &str) -> bool {
    [".whl", ".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst"].iter().any(|it| path.ends_with(it))
}

/// A distribution name as PEP 503 compares it.
pub fn normalise_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.trim().chars() {
        if matches!(c, '-' | '_' | '.') {
            if !out.ends_with('-') {
                out.push('-');
            }
        } else {
            out.extend(c.to_lowercase());
        }
    }
    out
}

/// The distribution name at the start of a PEP 508 requirement.
pub fn requirement_name(requirement: &str) -> String {
    let end = requirement
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
        .unwrap_or(requirement.len());
    normalise_name(&requirement[..end])
}

/// The normalised extras that a requirement asks for.
pub fn requirement_extras(requirement: &str) -> Vec<String> {
    let before = requirement.find([';', '@', '<', '>', '=', '!', '~', '(']).unwrap_or(requirement.len());
    let inner = requirement[..before].split_once('[').and_then(|it| it.1.split_once(']')).map_or("", |it| it.0);
    inner.split(',').map(str::trim).filter(|it| !it.is_empty()).map(normalise_name).collect()
}

/// `base/path` with `.` and `..` resolved by text; `None` when it leaves the repository.
pub fn resolve(base: &Utf8Path, path: &Utf8Path) -> Option<Utf8PathBuf> {
    let mut out = String::new();
    resolve_into(base, path, &mut out).then(|| out.into())
}

/// The same into a text that is used again and again; whether it stays in the repository.
pub fn resolve_into(base: &Utf8Path, path: &Utf8Path, out: &mut String) -> bool {
    let (base, path) = (if path.is_absolute() { "" } else { base.as_str() }, path.as_str());
    let first = if base.is_empty() { path } else { base };
    let root = if first.starts_with('/') { "/" } else { "" };
    out.clear();
    out.reserve(base.len() + path.len() + 1);
    out.push_str(root);
    for part in base.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if *out == root => return false,
            ".." => out.truncate(out.rfind('/').map_or(0, |it| it.max(root.len()))),
            _ => {
                if *out != root {
                    out.push('/');
                }
                out.push_str(part);
            }
        }
    }
    true
}

/// A glob of `members` or `exclude` of a workspace.
///
/// # Errors
/// When it is none.
pub fn member_glob(text: &str) -> Result<glob::Pattern, glob::PatternError> {
    glob::Pattern::new(text.trim_start_matches("./").trim_end_matches('/'))
}

/// Is a directory, relative to a workspace, a member of it? What is no glob takes none.
pub fn is_member(members: &[String], exclude: &[String], inner: &Utf8Path) -> bool {
    let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::new() };
    let takes = |it: &String| member_glob(it).is_ok_and(|it| it.matches_with(inner.as_str(), options));
    let any = |globs: &[String]| globs.iter().any(takes);
    any(members) && !any(exclude)
}

/// The 3.x that a `requires-python` begins with.
pub fn least_minor(specifiers: &str) -> Option<u32> {
    let lower = |it: &str| [">=", "~=", "===", "=="].iter().find_map(|op| it.trim().strip_prefix(op)).and_then(minor);
    specifiers.split(',').filter_map(lower).max()
}

/// The x of a version 3.x.
pub fn minor(version: &str) -> Option<u32> {
    version.trim().strip_prefix("3.")?.split('.').next()?.trim_end_matches('*').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_resolved_by_text() {
        let cases = [
            ("a/b", "../c", Some("a/c")),
            ("a/b", "../../c/./d//e", Some("c/d/e")),
            ("a", "..", Some("")),
            ("a", "../..", None),
            ("", ".", Some("")),
            ("", "a/../b", Some("b")),
            ("", "../b", None),
            ("a", "/x/../y", Some("/y")),
            ("a", "/x/..", Some("/")),
            ("a", "/..", None),
            ("/r/s", "../t", Some("/r/t")),
        ];
        for (base, path, expected) in cases {
            assert_eq!(resolve(base.into(), path.into()).as_deref().map(Utf8Path::as_str), expected, "{base} {path}");
        }
    }

    #[test]
    fn names_compare_as_pep_503_says() {
        assert_eq!(normalise_name("My__Pkg.core"), "my-pkg-core");
        assert_eq!(requirement_name("Foo_Bar[extra]>=1 ; python_version > '3'"), "foo-bar");
        assert_eq!(requirement_extras("Foo [A_b, c]>=1; extra == 'd[e]'"), ["a-b", "c"]);
        assert_eq!(requirement_extras("foo; x == '[y]'"), [""; 0]);
    }

    #[test]
    fn a_wheel_is_no_local_source() {
        let text = "[tool.uv.sources]\na = { path = '../a' }\nb = { path = 'vendor/b-1-py3-none-any.whl' }\n\
                    c = { workspace = true }\nd = { path = 'd-1.tar.gz' }";
        let manifest = Manifest::parse("p/pyproject.toml".into(), text).expect("a valid manifest");
        assert_eq!(manifest.local_sources(), [("a".to_owned(), Some("../a".into())), ("c".to_owned(), None)]);
    }

    #[test]
    fn a_path_that_leaves_the_repository_is_none() {
        assert_eq!(resolve("projects/a".into(), "../b".into()).as_deref(), Some("projects/b".into()));
        assert_eq!(resolve("a".into(), "../../b".into()), None);
    }

    #[test]
    fn least_versions() {
        assert_eq!(least_minor(">=3.11"), Some(11));
        assert_eq!(least_minor(">=3.12,<4"), Some(12));
        assert_eq!(least_minor("~=3.12.1"), Some(12));
        assert_eq!(least_minor("==3.13.*"), Some(13));
        assert_eq!(least_minor("<4"), None);
    }
}
