//! `metrics.txt`: a few numbers of a run in OpenMetrics' text form, which GitLab compares between branches. Pure.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{File, Input};
use crate::verdict::{Outcome, percent};

pub const NAME: &str = "metrics.txt";

/// The file: coverage by project, findings, warnings and time by stage, jobs by outcome.
pub fn report(input: &Input) -> Option<File> {
    if input.records.is_empty() {
        return None;
    }
    let mut coverage: BTreeMap<&str, String> = BTreeMap::new();
    let mut stages: BTreeMap<&str, (usize, usize, f64)> = BTreeMap::new();
    let mut outcomes: BTreeMap<&str, usize> = BTreeMap::new();
    for record in input.records {
        if let Some((covered, all)) = record.verdict.coverage.as_ref().map(crate::verdict::Coverage::sum) {
            coverage.insert(&record.project, percent(covered, all));
        }
        let sum = stages.entry(record.stage.name).or_default();
        sum.0 += record.verdict.red();
        sum.1 += record.verdict.warnings();
        // The time of a batch is that of all its projects.
        let seconds = record.elapsed.as_secs_f64();
        sum.2 =
            if matches!(record.stage.run, crate::stages::Run::Batch(_)) { sum.2.max(seconds) } else { sum.2 + seconds };
        let outcome = match record.verdict.outcome() {
            Outcome::Pass => "passed",
            Outcome::Fail => "failed",
            Outcome::Error => "could_not_run",
            Outcome::Skip => "skipped",
        };
        *outcomes.entry(outcome).or_default() += 1;
    }
    let mut out = String::new();
    let mut family = |name: &str, label: &str, rows: Vec<(&str, String)>| {
        if !rows.is_empty() {
            let _ = writeln!(out, "# TYPE {name} gauge");
        }
        for (value, number) in rows {
            // Names of projects and stages hold no character that would have to be escaped.
            let _ = writeln!(out, "{name}{{{label}=\"{value}\"}} {number}");
        }
    };
    family("xtask_coverage_percent", "project", coverage.into_iter().collect());
    family("xtask_findings", "stage", stages.iter().map(|(name, it)| (*name, it.0.to_string())).collect());
    family("xtask_warnings", "stage", stages.iter().map(|(name, it)| (*name, it.1.to_string())).collect());
    family("xtask_seconds", "stage", stages.iter().map(|(name, it)| (*name, format!("{:.1}", it.2))).collect());
    family("xtask_jobs", "outcome", outcomes.into_iter().map(|(name, it)| (name, it.to_string())).collect());
    Some(File { name: NAME.to_owned(), text: out + "# EOF\n" })
}
