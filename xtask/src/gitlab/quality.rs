//! `gl-code-quality-report.json`: what ruff, radon and type-check say of all projects of a run.
//!
//! Pure. GitLab stops reading at the first entry that it does not like and merges entries with the same fingerprint.

use serde_json::{Value, json};

use super::fit::{self, Entry, fit};
use super::print::{Finding, Prints};
use super::{File, Input, clip, of, place};
use crate::sources::sha256;
use crate::verdict::{Severity, Status, one_line};

/// The stages whose findings are about the quality of code.
pub const STAGES: &[&str] = &["ruff", "radon", "type-check"];
pub const NAME: &str = "gl-code-quality-report.json";
const MOST: usize = 2_000;

/// The report; `[]` when these stages ran and found nothing.
pub fn report(input: &Input, limit: usize) -> Option<File> {
    let records = of(input, STAGES);
    if records.is_empty() {
        return None;
    }
    let mut prints = Prints::new(&input.lines);
    let wanted = |status: &Status| !matches!(status, Status::Pass | Status::Skip);
    let mut entries: Vec<Entry> = Vec::new();
    for record in records {
        let mut found = prints.findings(record, |it| wanted(&it.status));
        if found.is_empty() && (record.blocked || record.verdict.is_unchecked()) {
            // Silence would look like a clean file.
            found = prints.findings(record, |_| true);
        }
        entries.extend(found.iter().map(|it| Entry { severity: severity(it), value: entry(it) }));
    }
    let (mut kept, left_out) = fit(entries, limit);
    if left_out > 0 {
        let path = kept.first().map_or(Value::from("pyproject.toml"), |it| it["location"]["path"].clone());
        kept.push(json!({
            "description": format!("{left_out} more findings are left out of this report, which would be too large; target/ci/junit/ has all of them"),
            "check_name": "xtask: left out",
            "fingerprint": sha256(b"xtask: left out of the code quality report"),
            "severity": "blocker",
            "location": { "path": path, "lines": { "begin": 1 } },
        }));
    }
    Some(File { name: NAME.to_owned(), text: fit::lines(&kept) })
}

fn severity(finding: &Finding) -> Severity {
    let known = finding.case.particulars.severity;
    match finding.case.status {
        // A file that could not be checked may hide anything.
        Status::Error => Severity::Critical,
        Status::Warn => known.unwrap_or(Severity::Low),
        _ => known.unwrap_or(Severity::Medium),
    }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "blocker",
        Severity::High => "critical",
        Severity::Medium | Severity::Unknown => "major",
        Severity::Low => "minor",
        Severity::Info => "info",
    }
}

fn entry(finding: &Finding) -> Value {
    let (record, case) = (finding.record, finding.case);
    let mut manifest = Default::default();
    let (path, line) = place(record, case, &mut manifest);
    let name = if case.rule.is_empty() { "not checked" } else { &case.rule };
    let last = case.particulars.last_line.filter(|last| *last > line);
    let mut lines = json!({ "begin": line });
    if let Some(last) = last {
        lines["end"] = last.into();
    }
    json!({
        "description": clip(&format!("{name}: {}", one_line(&case.message)), MOST),
        "check_name": format!("{}: {name}", record.stage.name),
        "fingerprint": finding.print,
        "severity": word(severity(finding)),
        "location": { "path": path, "lines": lines },
    })
}
