//! Exceptions in the settings: findings that are known, paths that are nobody's input. Each says why.
//!
//! Must not apply them.

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// An exception: findings that are known, owned and will be looked at again.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Waiver {
    /// The stage whose finding it is.
    pub stage: String,
    /// The finding's rule or advisory; `*` and `?` stand for what they do in a shell.
    pub rule: String,
    /// A glob of project names; all projects without it.
    pub project: Option<String>,
    /// A glob of repo-relative files; everywhere without it.
    pub path: Option<String>,
    /// The package, for licences and vulnerabilities; any without it.
    pub package: Option<String>,
    /// Who answers for it.
    pub owner: String,
    /// Why it is acceptable.
    pub reason: String,
    /// The last day on which it holds, as YYYY-MM-DD.
    pub expires: toml::value::Datetime,
}

/// `[[no-input]]`: paths that no stage reads.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoInput {
    /// Globs relative to the root; `*` stays within a directory, `**` does not.
    pub paths: Vec<String>,
    /// Why nothing can depend on them.
    pub reason: String,
}

/// Owner and reason must say something, and an expiry date must be a date alone.
pub fn check_waiver(waiver: &Waiver) -> Result<()> {
    for (key, text) in [("owner", &waiver.owner), ("reason", &waiver.reason), ("rule", &waiver.rule)] {
        if text.trim().is_empty() {
            bail!("the waiver of {} has an empty `{key}`", waiver.rule);
        }
    }
    if waiver.expires.date.is_none() {
        bail!("`expires` of the waiver of {} is a date, written like 2026-12-31", waiver.rule);
    }
    for glob in [Some(&waiver.rule), waiver.project.as_ref(), waiver.path.as_ref(), waiver.package.as_ref()]
        .into_iter()
        .flatten()
    {
        glob::Pattern::new(glob).with_context(|| format!("`{glob}` is no glob"))?;
    }
    Ok(())
}

/// A rule must say why, and its paths must be globs.
///
/// # Errors
/// When it does not, or one is none.
pub fn check_no_input(rule: &NoInput) -> Result<()> {
    if rule.reason.trim().is_empty() {
        bail!("[[no-input]] of {} has an empty reason", rule.paths.join(", "));
    }
    for path in &rule.paths {
        glob::Pattern::new(path).with_context(|| format!("`{path}` in [[no-input]] is no glob"))?;
    }
    Ok(())
}
