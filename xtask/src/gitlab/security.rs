//! What GitLab's security reports have in common: the frame, the scan, identifiers. Pure.
//!
//! GitLab takes a report as a whole or not at all: one address that is none, one time with a fraction, and every finding
//! of it is lost. So each rule of the schema is kept here, in one place.

use serde_json::{Value, json};

use super::{Input, address, clip};
use crate::junit::located;
use crate::run::Record;
use crate::sources;
use crate::verdict::{Case, Severity, Status};
use crate::waivers;

/// The version of the schema; GitLab 16 to 18 read it.
pub const VERSION: &str = "15.0.4";
/// So many words about the scan itself are given; a last one counts the rest.
const MESSAGES: usize = 100;

/// The program behind a report.
pub struct Scanner {
    /// The scanner's id; where one stage is behind it, the stage's name.
    pub id: &'static str,
    /// The scanner's name for people.
    pub name: &'static str,
    pub vendor: &'static str,
    /// Its page, where it has one.
    pub url: Option<&'static str>,
    /// GitLab's word for the kind of scan.
    pub kind: &'static str,
}

/// The whole report but for its findings.
pub fn frame(input: &Input, scanner: &Scanner, records: &[&Record]) -> Value {
    let version = input.versions.get(scanner.name.to_lowercase().as_str()).filter(|it| !it.is_empty());
    let failed = records.iter().any(|it| is_failed(it));
    let file = scanner.kind.replace('_', "-");
    let mut scan = json!({
        "analyzer": {
            "id": "xtask", "name": "xtask", "version": env!("CARGO_PKG_VERSION"), "vendor": { "name": "xtask" },
        },
        "scanner": {
            "id": scanner.id, "name": scanner.name, "version": version.map_or("unknown", |it| it.as_str()),
            "vendor": { "name": scanner.vendor },
        },
        "type": scanner.kind,
        "start_time": waivers::clock(input.began),
        "end_time": waivers::clock(input.ended.max(input.began)),
        "status": if failed { "failure" } else { "success" },
    });
    if let Some(url) = scanner.url {
        scan["scanner"]["url"] = url.into();
    }
    let messages = messages(records);
    if !messages.is_empty() {
        scan["messages"] = messages.into();
    }
    json!({
        "schema": format!(
            "https://gitlab.com/gitlab-org/security-products/security-report-schemas/-/raw/v{VERSION}/dist/{file}-report-format.json"
        ),
        "version": VERSION,
        "scan": scan,
        "vulnerabilities": [],
    })
}

/// Was something not looked at? Then what is absent from the report must not count as gone.
fn is_failed(record: &Record) -> bool {
    record.blocked || record.verdict.is_unchecked() || record.verdict.cases.iter().any(|it| it.status == Status::Error)
}

/// What could not be looked at, and how many findings somebody has excepted.
fn messages(records: &[&Record]) -> Vec<Value> {
    let message = |level: &str, text: String| json!({ "level": level, "value": text });
    let mut all = Vec::new();
    for record in records.iter().filter(|it| is_failed(it)) {
        let whole = record.blocked || record.verdict.is_unchecked();
        let level = if record.verdict.cases.len() == 1 { "fatal" } else { "warn" };
        let cases = record.verdict.cases.iter().filter(|it| whole || it.status == Status::Error);
        all.extend(cases.map(|it| message(level, format!("{}: {}", record.project, clip(&located(it), 500)))));
    }
    if all.len() > MESSAGES {
        let more = all.len() - MESSAGES;
        all.truncate(MESSAGES);
        all.push(message("warn", format!("{more} more of these; target/ci/junit/ has all of them")));
    }
    let excepted = records.iter().flat_map(|it| &it.verdict.cases).filter(|it| it.is_excepted()).count();
    if excepted > 0 {
        let text = format!("findings left out because of a waiver or a comment with their name: {excepted}");
        all.push(message("info", text));
    }
    all
}

/// Is it a finding that belongs into a report? Those that somebody has excepted do not.
pub fn is_finding(case: &Case) -> bool {
    matches!(case.status, Status::Fail | Status::Warn)
}

/// GitLab's word.
pub fn word(severity: Option<Severity>) -> &'static str {
    match severity {
        Some(Severity::Critical) => "Critical",
        Some(Severity::High) => "High",
        Some(Severity::Medium) => "Medium",
        Some(Severity::Low) => "Low",
        Some(Severity::Info) => "Info",
        Some(Severity::Unknown) | None => "Unknown",
    }
}

/// An identifier, with its address where it has one.
pub fn identifier(kind: &str, name: &str, value: &str, url: Option<&str>) -> Value {
    let mut it = json!({ "type": kind, "name": name, "value": value });
    if let Some(url) = url.and_then(address) {
        it["url"] = url.into();
    }
    it
}

/// The identifiers of the weaknesses behind a finding.
pub fn weaknesses(case: &Case) -> impl Iterator<Item = Value> {
    case.particulars.weaknesses.iter().map(|number| {
        let url = format!("https://cwe.mitre.org/data/definitions/{number}.html");
        identifier("cwe", &format!("CWE-{number}"), &number.to_string(), Some(&url))
    })
}

/// The list of links to the page about the rule; empty where there is none.
pub fn links(case: &Case) -> Vec<Value> {
    case.particulars.url.as_deref().and_then(address).map(|url| json!({ "url": url })).into_iter().collect()
}

/// The finding that stands for those that did not fit.
pub fn left_out(number: usize, location: Value) -> Value {
    let name = "Findings are left out of this report";
    json!({
        "id": sources::uuid(b"xtask: left out of a security report"),
        "name": name,
        "description": format!("{number} more findings are left out of this report, which would be too large; target/ci/junit/ has all of them"),
        "severity": "Unknown",
        "identifiers": [identifier("xtask", name, "left-out", None)],
        "location": location,
    })
}
