//! Verdicts of one list of inputs that differ: a hole in the list, or a stage that says now this and now that.
//!
//! Pure. Must not run anything: whether a stage is flaky is told by running it again, which `rerun` does.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use camino::Utf8PathBuf;
use serde::Serialize;

use crate::planview::short;
use crate::recorded::{ByJob, Kept, With};

/// What comparing has found.
#[derive(Debug, Default)]
pub struct Compared {
    /// Verdicts for equal lists that are equal.
    pub equal: usize,
    /// The recorded and the new one where they differ.
    pub differing: Vec<(Kept, Kept)>,
    /// New verdicts for lists of which none was recorded.
    pub unknown: usize,
    /// Verdicts for equal lists that were given under other circumstances: which, and how many.
    pub elsewhere: BTreeMap<&'static str, usize>,
}

/// Compares new verdicts with those that were recorded.
pub fn compare(recorded: &ByJob, new: &ByJob) -> Compared {
    let mut compared = Compared::default();
    for (job, verdicts) in new {
        for now in verdicts {
            let same = |it: &&Kept| it.fingerprint == now.fingerprint;
            let Some(before) = recorded.get(job).and_then(|it| it.iter().rev().find(same)) else {
                compared.unknown += 1;
                continue;
            };
            match circumstance(&before.with, &now.with) {
                Some(what) => *compared.elsewhere.entry(what).or_default() += 1,
                None if before.same_as(now) => compared.equal += 1,
                None => compared.differing.push((before.clone(), now.clone())),
            }
        }
    }
    compared
}

/// What differs beside the inputs.
fn circumstance(a: &With, b: &With) -> Option<&'static str> {
    let pairs = [
        (a.xtask == b.xtask, "another build of xtask"),
        (a.platform == b.platform, "another platform"),
        (a.python == b.python, "another interpreter for the tools"),
        (a.environment == b.environment, "another interpreter of the project"),
        (a.database == b.database, "another vulnerability database"),
        (a.waivers == b.waivers, "a waiver that has expired since"),
    ];
    pairs.iter().find(|it| !it.0).map(|it| it.1)
}

/// What two different verdicts mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The stage reads something that is not in its list.
    Hole,
    /// The stage does not always say the same of the same.
    Flaky,
}

/// Two different verdicts for one list of inputs.
#[derive(Debug, Clone, Serialize)]
pub struct Hole {
    pub kind: Kind,
    pub project: String,
    pub stage: String,
    pub fingerprint: String,
    pub recorded: Told,
    pub now: Told,
    /// What the stage said when it was run again, in order.
    pub again: Vec<String>,
    /// Paths that differ between the two commits and are not in the list, those first that a log names.
    pub suspects: Vec<Suspect>,
}

/// One of the verdicts.
#[derive(Debug, Clone, Serialize)]
pub struct Told {
    /// Outcome and the first finding.
    pub verdict: String,
    pub commit: Option<String>,
    /// Was the work tree just that commit?
    pub clean: bool,
    /// Its log, relative to the root.
    pub log: Utf8PathBuf,
}

/// A path that may be what the list misses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suspect {
    pub path: String,
    /// Does one of the logs name it?
    pub named: bool,
}

/// What an audit has found.
#[derive(Debug, Serialize)]
pub struct Report {
    pub schema: u32,
    /// The commit that was run.
    pub revision: String,
    /// How many verdicts were compared.
    pub compared: usize,
    /// How many verdicts there were for lists that no run has recorded.
    pub unknown: usize,
    pub elsewhere: BTreeMap<&'static str, usize>,
    pub holes: Vec<Hole>,
    /// What of the recorded verdicts could not be read.
    pub warnings: Vec<String>,
}

impl Report {
    /// 0 when every verdict was the same; 1 when one was not; 2 when there was none to compare.
    pub fn exit_code(&self) -> i32 {
        match (self.holes.is_empty(), self.compared) {
            (false, _) => 1,
            (true, 0) => 2,
            (true, _) => 0,
        }
    }

    /// As text.
    pub fn table(&self) -> String {
        let mut out = String::new();
        for warning in &self.warnings {
            writeln!(out, "warning: {warning}").expect("a string");
        }
        for it in &self.holes {
            out += &it.told();
        }
        let holes = self.holes.iter().filter(|it| it.kind == Kind::Hole).count();
        let flaky = self.holes.len() - holes;
        write!(out, "{}: {} verdicts compared", short(&self.revision), self.compared).expect("a string");
        match (holes, flaky, self.compared) {
            (_, _, 0) => out += ", so nothing is proved: run `cargo xtask ci --all` where nothing has changed since",
            (0, 0, _) => out += ", each the same",
            _ => write!(out, ", {holes} holes, {flaky} flaky").expect("a string"),
        }
        if self.unknown > 0 {
            write!(out, "; {} of lists that no run has recorded", self.unknown).expect("a string");
        }
        for (what, count) in &self.elsewhere {
            write!(out, "; {count} not compared: {what}").expect("a string");
        }
        out + "\n"
    }
}

impl Hole {
    fn told(&self) -> String {
        let mut out = String::new();
        let (word, meaning) = match self.kind {
            Kind::Hole => ("HOLE", "what it reads is not all in its list of inputs"),
            Kind::Flaky => ("FLAKY", "it does not always say the same of the same inputs"),
        };
        writeln!(out, "{word} {} {}: {meaning}", self.stage, self.project).expect("a string");
        let at = |it: &Told| {
            let commit = it.commit.as_deref().map_or("no commit", short);
            let dirty = if it.clean { "" } else { " with uncommitted changes" };
            format!("{} at {commit}{dirty}, log {}", it.verdict, it.log)
        };
        writeln!(out, "  recorded: {}", at(&self.recorded)).expect("a string");
        writeln!(out, "  now:      {}", at(&self.now)).expect("a string");
        writeln!(out, "  again:    {}", self.again.join(", then ")).expect("a string");
        if self.kind == Kind::Flaky {
            return out;
        }
        if self.suspects.is_empty() {
            out += "  no path outside of the list differs between the two commits: look for ignored files, the machine, \
                    the network, the time\n";
        }
        for it in self.suspects.iter().take(10) {
            let named = if it.named { ", which a log names" } else { "" };
            writeln!(out, "  suspect:  {}{named}", it.path.escape_debug()).expect("a string");
        }
        if self.suspects.len() > 10 {
            writeln!(out, "  and {} more paths that differ", self.suspects.len() - 10).expect("a string");
        }
        if !self.suspects.is_empty() {
            out += "  a file that it reads belongs into `inputs` under [tool.xtask] of its pyproject.toml\n";
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(fingerprint: &str, outcome: &str, python: &str) -> Kept {
        let with = With { python: python.to_owned(), ..With::default() };
        Kept {
            schema: 1,
            project: "a".to_owned(),
            stage: "pytest".to_owned(),
            fingerprint: fingerprint.to_owned(),
            outcome: outcome.to_owned(),
            red: Vec::new(),
            when: 0,
            commit: None,
            clean: true,
            with,
        }
    }

    #[test]
    fn only_what_can_be_compared_is() {
        let by_job = |all: Vec<Kept>| ByJob::from([(("a".to_owned(), "pytest".to_owned()), all)]);
        let recorded = by_job(vec![kept("1", "pass", "3"), kept("2", "pass", "3"), kept("3", "pass", "2")]);
        let new = by_job(vec![
            kept("1", "pass", "3"),
            kept("2", "fail", "3"),
            kept("3", "fail", "3"),
            kept("4", "fail", "3"),
        ]);
        let found = compare(&recorded, &new);
        assert_eq!((found.equal, found.differing.len(), found.unknown), (1, 1, 1));
        assert_eq!(found.elsewhere, BTreeMap::from([("another interpreter for the tools", 1)]));
    }
}
