//! `gl-sast-bandit.json`, `gl-sast-semgrep.json` and both together in `gl-sast-report.json`: security reports about our own
//! code. Pure.
//!
//! A job can hand over one file of this kind, a second one makes its upload fail: where a job has both stages, only the
//! common report will do.

use serde_json::{Value, json};

use super::fit::{Entry, fit};
use super::print::{Finding, Prints};
use super::security::{self, Scanner};
use super::{File, Input, clip, of, place};
use crate::sources;
use crate::verdict::Severity;

/// The scanners, each under the name of its stage.
const BANDIT: Scanner =
    Scanner { id: "bandit", name: "Bandit", vendor: "PyCQA", url: Some("https://bandit.readthedocs.io"), kind: "sast" };
const SEMGREP: Scanner =
    Scanner { id: "semgrep", name: "Semgrep", vendor: "Semgrep", url: Some("https://semgrep.dev"), kind: "sast" };
const BOTH: Scanner = Scanner { id: "xtask", name: "xtask", vendor: "xtask", url: None, kind: "sast" };

/// One report for each of the two stages that was part of the run, and one of all.
pub fn reports(input: &Input, limit: usize) -> Vec<File> {
    let of_one = |scanner: &Scanner| report(input, scanner, &[scanner.id], limit);
    let both = report(input, &BOTH, &[BANDIT.id, SEMGREP.id], limit).map(|it| File { name: COMMON.to_owned(), ..it });
    [of_one(&BANDIT), both, of_one(&SEMGREP)].into_iter().flatten().collect()
}

/// The report that the emitted jobs hand over.
pub const COMMON: &str = "gl-sast-report.json";

/// What GitLab's own analyzers call the rules of a stage.
fn rules(stage: &str) -> &'static str {
    if stage == BANDIT.id { "bandit_test_id" } else { "semgrep_id" }
}

fn report(input: &Input, scanner: &Scanner, stages: &[&str], limit: usize) -> Option<File> {
    let records = of(input, stages);
    if records.is_empty() {
        return None;
    }
    let mut prints = Prints::new(&input.lines);
    let mut entries = Vec::new();
    for record in &records {
        for finding in prints.findings(record, security::is_finding) {
            let severity = finding.case.particulars.severity.unwrap_or(Severity::Unknown);
            entries.push(Entry { severity, value: entry(&finding) });
        }
    }
    let mut report = security::frame(input, scanner, &records);
    let (mut kept, left_out) = fit(entries, limit);
    if left_out > 0 {
        let file = kept.first().map_or(Value::from("pyproject.toml"), |it| it["location"]["file"].clone());
        kept.push(security::left_out(left_out, json!({ "file": file, "start_line": 1, "end_line": 1 })));
    }
    report["vulnerabilities"] = kept.into();
    Some(File { name: format!("gl-sast-{}.json", scanner.id), text: format!("{report}\n") })
}

fn entry(finding: &Finding) -> Value {
    let (record, case, known) = (finding.record, finding.case, &finding.case.particulars);
    let mut manifest = Default::default();
    let (file, line) = place(record, case, &mut manifest);
    let last = known.last_line.filter(|last| *last >= line).unwrap_or(line);
    let name = if case.rule.is_empty() { record.stage.name } else { &case.rule };
    let rule = format!("{} {name}", record.stage.name);
    let mut identifiers = vec![security::identifier(rules(record.stage.name), &rule, name, known.url.as_deref())];
    identifiers.extend(security::weaknesses(case));
    json!({
        "id": sources::uuid(finding.print.as_bytes()),
        "name": clip(known.title.as_deref().unwrap_or(name), 255),
        "description": clip(&case.message, 10_000),
        "severity": security::word(known.severity),
        "identifiers": identifiers,
        "links": security::links(case),
        "location": { "file": file, "start_line": line, "end_line": last },
        // GitLab by itself knows a finding by its lines, and takes it for another one when those above it change.
        "tracking": { "type": "source", "items": [{
            "file": file, "start_line": line, "end_line": last,
            "signatures": [{ "algorithm": "hash", "value": finding.print }],
        }] },
        "details": { "project": { "name": "Project", "type": "text", "value": record.project } },
    })
}
