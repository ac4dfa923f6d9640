//! What is wrong with a repository or with this machine, and the line or command that mends it.
//!
//! Pure: what was seen in, findings out. Must not look at anything itself: only `doctor/look.rs` does.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use crate::discover::Repo;
use crate::verdict::Place;
use crate::waivers::Day;

mod exceptions;
mod locks;
mod look;
mod machine;
mod needs;
mod rules;
mod view;

pub use look::look;
pub use needs::local_dirs;
pub use view::{json, table};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; nothing has to be done.
    Note,
    /// More runs than would have to, or will be wrong some day.
    Warning,
    /// A run is wrong, or does not come to its end.
    Serious,
}

impl Severity {
    /// The word for it in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Serious => "serious",
        }
    }
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    /// In one line.
    pub what: String,
    pub place: Option<Place>,
    /// The line to write or the command to run; empty where there is nothing to do.
    pub fix: String,
}

impl Finding {
    fn new(severity: Severity, what: impl Into<String>, fix: impl Into<String>) -> Finding {
        Finding { severity, what: what.into(), place: None, fix: fix.into() }
    }

    fn serious(what: impl Into<String>, fix: impl Into<String>) -> Finding {
        Finding::new(Severity::Serious, what, fix)
    }

    fn warning(what: impl Into<String>, fix: impl Into<String>) -> Finding {
        Finding::new(Severity::Warning, what, fix)
    }

    fn note(what: impl Into<String>, fix: impl Into<String>) -> Finding {
        Finding::new(Severity::Note, what, fix)
    }

    fn at(self, path: impl Into<Utf8PathBuf>, line: Option<u32>) -> Finding {
        Finding { place: Some(Place { path: path.into(), line }), ..self }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub name: &'static str,
    /// What was seen, in one line.
    pub says: String,
    /// The worst first.
    pub findings: Vec<Finding>,
}

impl Check {
    fn new(name: &'static str, says: impl Into<String>, mut findings: Vec<Finding>) -> Check {
        findings.sort_by_key(|it| std::cmp::Reverse(it.severity));
        Check { name, says: says.into(), findings }
    }

    /// The worst of its findings; `None` when all is well.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|it| it.severity).max()
    }
}

/// What was seen of git.
#[derive(Debug, Clone, Default)]
pub struct GitSeen {
    pub is_shallow: bool,
    /// How many commits the history of `HEAD` has here; `None` before the first one.
    pub commits: Option<usize>,
    pub remote: Option<String>,
    /// What the remote's HEAD points to, as last fetched, be it there or not.
    pub remote_head: Option<String>,
    /// The default branch as a plan finds it: the full name of a ref.
    pub default: Option<String>,
    /// The branch that is checked out.
    pub current: Option<String>,
    /// Where `HEAD` has left the default branch.
    pub merge_base: Option<String>,
}

/// What uv says of a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fresh {
    Current,
    Stale(String),
    /// It could not tell, in its own words.
    Unknown(String),
    /// A local package is not where it should be, which is told of the needs.
    Misled,
    /// There was no uv, or no time.
    NotAsked,
}

/// Everything that was seen.
#[derive(Debug)]
pub struct Seen {
    pub repo: Repo,
    /// Manifests that every run refuses, with why; their projects are not in `repo`.
    pub refused: Vec<(Utf8PathBuf, String)>,
    /// The settings file, repo-relative where it is in the repository.
    pub settings: Utf8PathBuf,
    /// The text of the settings and of every `pyproject.toml`, by repo-relative path.
    pub texts: BTreeMap<Utf8PathBuf, String>,
    /// Files and directories that were asked for and are there: locks, and directories of local packages with a manifest.
    pub there: BTreeSet<Utf8PathBuf>,
    /// By the directory of the lock.
    pub fresh: BTreeMap<Utf8PathBuf, Fresh>,
    /// `None` where there is no repository of git.
    pub git: Option<GitSeen>,
    /// Name, pinned version, found version, path; or why there are no tools at all.
    pub tools: Result<Vec<[String; 4]>, String>,
    /// What is wrong with the lock of the tools.
    pub stale_tools: Option<String>,
    /// The container builder, or why there is none.
    pub engine: Result<String, String>,
    /// When the vulnerability database was built, or why there is none that can be used; `None` without a grype to ask.
    pub database: Option<Result<String, String>>,
    /// What is free where a directory is, in MiB.
    pub free: Vec<(Utf8PathBuf, u64)>,
    /// Is this a CI machine?
    pub ci: bool,
    pub today: Day,
    /// Two weeks from today.
    pub soon: Day,
}

impl Seen {
    fn text(&self, path: &Utf8Path) -> &str {
        self.texts.get(path).map_or("", String::as_str)
    }

    fn settings_text(&self) -> &str {
        self.text(&self.settings)
    }
}

/// Looks at everything that was seen.
pub fn judge(seen: &Seen) -> Vec<Check> {
    vec![
        machine::git(seen),
        machine::base(seen),
        rules::projects(seen),
        needs::check(seen),
        locks::check(seen),
        rules::check(seen),
        exceptions::check(seen),
        machine::tools(seen),
        machine::engine(seen),
        machine::database(seen),
        machine::disk(seen),
    ]
}

/// 1 when something is serious, else 0.
pub fn exit_code(checks: &[Check]) -> i32 {
    i32::from(checks.iter().any(|it| it.worst() == Some(Severity::Serious)))
}

/// The number of the first line, counted from 1, that is as wanted.
fn line(text: &str, wanted: impl Fn(&str) -> bool) -> Option<u32> {
    text.lines().position(|line| wanted(line.trim())).map(|at| at as u32 + 1)
}

/// The line of the n-th of several equal headers.
fn nth_header(text: &str, header: &str, n: usize) -> Option<u32> {
    let mut lines = text.lines().enumerate().filter(|(_, line)| line.trim().starts_with(header));
    lines.nth(n).map(|(at, _)| at as u32 + 1)
}

/// The line that sets a key of a table.
fn key_line(text: &str, header: &str, key: &str) -> Option<u32> {
    let mut lines = text.lines().enumerate().skip_while(|(_, line)| !header.is_empty() && line.trim() != header);
    if !header.is_empty() {
        lines.next();
    }
    let inside = lines.take_while(|(_, line)| !line.trim_start().starts_with('['));
    let is_key = |line: &str| {
        let before = line.split('=').next().unwrap_or_default().trim().trim_matches(['"', '\'']);
        before == key || crate::manifest::normalise_name(before) == key
    };
    inside.filter(|(_, line)| line.contains('=')).find(|(_, line)| is_key(line)).map(|(at, _)| at as u32 + 1)
}

/// Several words as one text: the first few, and how many more.
fn some(words: &[String]) -> String {
    const SHOWN: usize = 5;
    let rest = words.len().saturating_sub(SHOWN);
    let more = if rest == 0 { String::new() } else { format!(" and {rest} more") };
    words.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ") + &more
}
