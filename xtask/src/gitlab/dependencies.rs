//! `gl-dependency-scanning-report.json`: vulnerabilities of the packages of others that ship. Pure.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::fit::{Entry, fit};
use super::security::{self, Scanner};
use super::{File, Input, clip, of, place};
use crate::run::Record;
use crate::sources;
use crate::verdict::{Case, Severity};

const STAGE: &str = "vulnerabilities";
const SCANNER: Scanner = Scanner {
    id: STAGE,
    name: "Grype",
    vendor: "Anchore",
    url: Some("https://github.com/anchore/grype"),
    kind: "dependency_scanning",
};
pub const NAME: &str = "gl-dependency-scanning-report.json";

/// The report, when the stage was part of the run.
pub fn report(input: &Input, limit: usize) -> Option<File> {
    let records = of(input, &[STAGE]);
    if records.is_empty() {
        return None;
    }
    // Members of a workspace share a lock: what is wrong with a package there is one finding, of several projects.
    let mut findings: BTreeMap<[String; 4], Vec<(&Record, &Case)>> = BTreeMap::new();
    for record in &records {
        for case in record.verdict.cases.iter().filter(|it| security::is_finding(it)) {
            let mut manifest = Default::default();
            let file = place(record, case, &mut manifest).0.to_string();
            let text = |it: &Option<String>| it.clone().unwrap_or_default();
            let key = [file, text(&case.package), text(&case.particulars.version), case.rule.clone()];
            findings.entry(key).or_default().push((record, case));
        }
    }
    let entries = findings.iter().map(|(key, found)| {
        let severity = found[0].1.particulars.severity.unwrap_or(Severity::Unknown);
        Entry { severity, value: entry(key, found) }
    });
    let mut report = security::frame(input, &SCANNER, &records);
    let (mut kept, left_out) = fit(entries.collect(), limit);
    if left_out > 0 {
        let location = kept.first().map_or(Value::Null, |it| it["location"].clone());
        kept.push(security::left_out(left_out, location));
    }
    report["vulnerabilities"] = kept.into();
    report["dependency_files"] = input.locks.iter().map(dependency_file).collect();
    Some(File { name: NAME.to_owned(), text: format!("{report}\n") })
}

fn dependency_file(lock: &super::Lock) -> Value {
    let dependency = |(name, version): &(String, String)| json!({ "package": { "name": name }, "version": version });
    let dependencies: Vec<Value> = lock.packages.iter().map(dependency).collect();
    json!({ "path": lock.path, "package_manager": "uv", "dependencies": dependencies })
}

fn entry(key: &[String; 4], found: &[(&Record, &Case)]) -> Value {
    let [file, package, version, advisory] = key;
    let case = found[0].1;
    let known = &case.particulars;
    let mut identifiers: Vec<Value> = std::iter::once(advisory)
        .chain(&case.aliases)
        .map(|it| advisory_identifier(it, known.url.as_deref()))
        .collect();
    identifiers.extend(security::weaknesses(case));
    let projects: Vec<Value> =
        found.iter().map(|(record, _)| json!({ "type": "text", "value": record.project })).collect();
    let descriptions: Vec<String> = found.iter().map(|(_, case)| clip(&case.message, 2_000)).collect();
    let mut dependency = json!({ "package": { "name": package }, "version": version });
    if let Some(direct) = known.direct {
        dependency["direct"] = direct.into();
    }
    let mut entry = json!({
        "id": sources::uuid(key.join("\0").as_bytes()),
        "name": clip(known.title.as_deref().unwrap_or(advisory), 255),
        "description": clip(&descriptions.join("\n\n"), 100_000),
        "severity": security::word(known.severity),
        "identifiers": identifiers,
        "links": security::links(case),
        "location": { "file": file, "dependency": dependency },
        "details": { "projects": { "name": "Projects", "type": "list", "items": projects } },
    });
    if let Some(fixed) = &known.fixed {
        entry["solution"] = format!("Upgrade {package} to {fixed} or later.").into();
    }
    entry
}

/// "GHSA-...", "CVE-..." and the like.
fn advisory_identifier(name: &str, url: Option<&str>) -> Value {
    let kind = name.split('-').next().filter(|it| !it.is_empty()).unwrap_or("advisory").to_lowercase();
    let page = match kind.as_str() {
        "ghsa" => Some(format!("https://github.com/advisories/{name}")),
        "cve" => Some(format!("https://www.cve.org/CVERecord?id={name}")),
        _ => url.map(str::to_owned),
    };
    security::identifier(&kind, name, name, page.as_deref())
}
