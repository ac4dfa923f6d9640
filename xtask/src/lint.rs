//! What GitLab would refuse, or do otherwise than one reads, in a pipeline's YAML: found before it is pushed.
//!
//! Its published schema sees the shape of keywords; this sees what hangs together. Pure: text in, findings out. Says
//! nothing about what an `include` brings, for it cannot be seen from here.

use crate::config::gitlab::{Gitlab, OLDEST, Version};
use crate::suggest::did_you_mean;

mod child;
mod component;
mod extends;
mod lines;
mod names;
mod needs;
mod pipeline;
#[cfg(test)]
mod planted;
pub mod rules;
mod tree;
mod trigger;
mod values;
mod versions;
mod whole;

use lines::Lines;
use pipeline::Pipeline;
use rules::{Rule, Weight};
pub use tree::Node;

/// Where the file will stand, and how much it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The oldest GitLab that must take the file.
    pub minimum: Version,
    /// 0: a project's own pipeline; 1: a child of it; 2: a child of a child.
    pub level: u8,
    /// Most needs of one job.
    pub needs: usize,
    /// Most jobs of the pipeline, where there is a limit.
    pub jobs: Option<usize>,
}

impl Options {
    /// For a file at this level of a project's pipelines, on the server that the settings describe.
    pub fn of(settings: &Gitlab, level: u8) -> Options {
        Options { minimum: settings.minimum_version, level, needs: MOST_NEEDS, jobs: settings.tier.jobs() }
    }

    /// On any server that `xtask emit` knows, whatever its limits.
    pub fn any() -> Options {
        Options { minimum: OLDEST, level: 0, needs: MOST_NEEDS, jobs: None }
    }
}

/// Needs of one job, where the administrator has set no other limit.
const MOST_NEEDS: usize = 50;

/// A broken rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    pub rule: &'static Rule,
    /// The keys down to it: the job, the keyword.
    pub place: Vec<String>,
    /// From 1, where it could be found.
    pub line: Option<usize>,
    /// What is wrong there.
    pub message: String,
}

impl Finding {
    /// Must the file not be used? What merely surprises is an error in a child, which a program writes, and a warning
    /// in a parent, whose author may mean it.
    pub fn is_error(&self, options: &Options) -> bool {
        self.rule.weight == Weight::Refused || options.level > 0
    }

    /// `FILE:LINE: [rule] message (source)`.
    pub fn show(&self, file: &str) -> String {
        let line = self.line.map(|it| format!("{it}:")).unwrap_or_default();
        format!("{file}:{line} [{}] {} ({})", self.rule.id, self.message, self.rule.source)
    }
}

/// All findings of a text, by line.
pub fn check(text: &str, options: &Options) -> Vec<Finding> {
    let mut found = Found { lines: Lines::of(text), list: Vec::new() };
    let Some((spec, mut body)) = whole::documents(text, &mut found) else { return found.list };
    whole::sizes(&body, &mut found);
    if let Some(spec) = &spec {
        component::check(spec, &mut body, options, &mut found);
    }
    let pipeline = Pipeline::of(&body, spec.is_some(), text, options, &mut found);
    whole::check(&pipeline, &mut found);
    names::check(&pipeline, &mut found);
    needs::check(&pipeline, &mut found);
    values::check(&pipeline, &mut found);
    trigger::check(&pipeline, &mut found);
    versions::check(&pipeline, &mut found);
    if options.level > 0 {
        child::check(&pipeline, &mut found);
    }
    let mut list = found.list;
    list.sort_by_key(|it| (it.line.unwrap_or(0), it.rule.id));
    list.dedup();
    list
}

/// The documents for a validator of GitLab's schema, as JSON: the `spec` header where there is one, and the pipeline, in a
/// component with every input at its default.
///
/// # Errors
/// When the text is no YAML; `check` says the same with its place.
pub fn documents(text: &str) -> anyhow::Result<Vec<serde_json::Value>> {
    let mut found = Found { lines: Lines::of(text), list: Vec::new() };
    let Some((spec, mut body)) = whole::documents(text, &mut found) else {
        let words = found.list.first().map_or("no YAML", |it| &it.message);
        anyhow::bail!("{words}");
    };
    if let Some(spec) = &spec {
        component::check(spec, &mut body, &Options::any(), &mut found);
    }
    Ok(spec.iter().chain([&body]).map(Node::json).collect())
}

/// Collects findings and looks up their lines.
struct Found<'a> {
    lines: Lines<'a>,
    list: Vec<Finding>,
}

impl Found<'_> {
    fn add(&mut self, rule: &'static Rule, place: &[&str], message: impl Into<String>) {
        let place: Vec<String> = place.iter().map(|it| (*it).to_owned()).collect();
        let line = self.lines.find(&place, false);
        self.list.push(Finding { rule, place, line, message: message.into() });
    }
}

/// A version, in a table of them.
const fn version(major: u32, minor: u32) -> Version {
    Version { major, minor }
}

/// `; did you mean` for one of these names.
fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.take(2000).collect();
    names.sort_unstable();
    did_you_mean(word, &names)
}

/// The first characters of a long text, for a message.
fn start(text: &str) -> String {
    text.chars().take(60).collect()
}
