//! One run of grype over a document that is made for it: what ships of others' code, and a canary.
//!
//! grype passes over what it cannot place, and a database that knows nothing finds nothing, both without a word. So
//! every document holds a component that is known to be vulnerable; when that one is not reported, nothing was checked.
//! This repository's own code is left out: a package of the same name on an index is not it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use camino::Utf8Path;
use serde::Deserialize;
use serde_json::{Value, json};

use super::database;
use crate::context::{self, Context};
use crate::verdict::weakness;

/// A component that grype is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What it is called in the answer.
    pub reference: String,
    pub name: String,
    pub version: String,
    pub purl: String,
}

/// Known to be vulnerable: by ecosystem, as the start of a purl says it.
const CANARIES: &[(&str, &str, &str, &str)] = &[
    ("pkg:pypi/", "pyyaml", "5.3.1", "pkg:pypi/pyyaml@5.3.1"),
    (
        "pkg:deb/",
        "libc6",
        "2.36-9+deb12u1",
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u1?arch=arm64&distro=debian-12&upstream=glibc",
    ),
];

/// A vulnerability of a component.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Match {
    /// The component's [`Asked::reference`].
    pub reference: String,
    /// "GHSA-..." or "CVE-...".
    pub advisory: String,
    /// Its other names.
    pub aliases: Vec<String>,
    /// "Critical", "High", "Medium", "Low", "Negligible" or "Unknown".
    pub severity: String,
    /// What it says, in a line.
    pub summary: String,
    pub url: String,
    /// The version that no longer has it.
    pub fixed: Option<String>,
    /// Numbers of the Common Weakness Enumeration.
    pub weaknesses: Vec<u32>,
}

#[derive(Deserialize)]
struct Report {
    matches: Vec<RawMatch>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawMatch {
    vulnerability: Vulnerability,
    #[serde(default)]
    related_vulnerabilities: Vec<Related>,
    #[serde(default)]
    match_details: Vec<Detail>,
    artifact: Artifact,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vulnerability {
    id: String,
    #[serde(default)]
    severity: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    data_source: String,
    #[serde(default)]
    fix: Fix,
    #[serde(default)]
    cwes: Option<Vec<Weakness>>,
}

#[derive(Deserialize)]
struct Weakness {
    #[serde(default)]
    cwe: String,
}

#[derive(Deserialize, Default)]
struct Fix {
    #[serde(default)]
    versions: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Related {
    id: String,
    #[serde(default)]
    description: String,
}

#[derive(Deserialize)]
struct Detail {
    fix: Option<DetailFix>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DetailFix {
    #[serde(default)]
    suggested_version: String,
}

#[derive(Deserialize)]
struct Artifact {
    id: String,
}

/// What grype said.
#[derive(Debug)]
pub struct Answer {
    /// Sorted.
    pub matches: Vec<Match>,
    /// grype's report in a stable order, without the canaries.
    pub report: Value,
}

/// Asks grype about components.
///
/// # Errors
/// When grype cannot work, and when it misses a canary.
pub fn run(ctx: &Context, scratch: &Utf8Path, database: &Utf8Path, asked: &[Asked]) -> Result<Answer> {
    let (document, report) = (scratch.join("components.cdx.json"), scratch.join("grype.json"));
    context::write(&document, document_of(asked).to_string())?;
    let call = database::grype(ctx, scratch, database)?.arg(format!("sbom:{document}"));
    let done = ctx.run(&call.arg("-o").arg("json=grype.json"))?;
    if done.code != 0 {
        return Err(done.refused("grype"));
    }
    let text = std::fs::read_to_string(&report).with_context(|| format!("grype wrote no {report}"))?;
    read(&text, asked).context("in the report of grype")
}

/// The canaries that a list of components asks for: Python's always, an operating system's where it has packages.
fn canaries(asked: &[Asked]) -> impl Iterator<Item = Asked> {
    CANARIES.iter().filter(|(kind, ..)| *kind == "pkg:pypi/" || asked.iter().any(|it| it.purl.starts_with(kind))).map(
        |(kind, name, version, purl)| Asked {
            reference: format!("xtask-canary:{kind}"),
            name: (*name).to_owned(),
            version: (*version).to_owned(),
            purl: (*purl).to_owned(),
        },
    )
}

fn document_of(asked: &[Asked]) -> Value {
    let component = |it: &Asked| json!({ "type": "library", "bom-ref": it.reference, "name": it.name, "version": it.version, "purl": it.purl });
    let canaries: Vec<Asked> = canaries(asked).collect();
    let components: Vec<Value> = canaries.iter().chain(asked).map(component).collect();
    json!({ "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components })
}

fn read(text: &str, asked: &[Asked]) -> Result<Answer> {
    let report: Report = serde_json::from_str(text)?;
    let known: BTreeSet<&str> = asked.iter().map(|it| it.reference.as_str()).collect();
    let mut missing: BTreeMap<String, Asked> = canaries(asked).map(|it| (it.reference.clone(), it)).collect();
    let canaries: BTreeSet<String> = missing.keys().cloned().collect();
    let mut matches = BTreeMap::new();
    for it in report.matches {
        let reference = it.artifact.id.clone();
        missing.remove(&reference);
        if canaries.contains(&reference) {
            continue;
        }
        if !known.contains(reference.as_str()) {
            bail!("{} is about `{reference}`, which was not asked about", it.vulnerability.id);
        }
        let found = match_of(it);
        matches.entry((found.reference.clone(), found.advisory.clone())).or_insert(found);
    }
    if let Some(canary) = missing.values().next() {
        bail!(
            "the database does not know that {} {} is vulnerable, which it is: with this database nothing is checked",
            canary.name,
            canary.version
        );
    }
    Ok(Answer { matches: matches.into_values().collect(), report: stable(serde_json::from_str(text)?, &canaries) })
}

fn match_of(raw: RawMatch) -> Match {
    let suggested = raw.match_details.iter().filter_map(|it| it.fix.as_ref()).map(|it| it.suggested_version.clone());
    let fixed = suggested.chain(raw.vulnerability.fix.versions.unwrap_or_default()).find(|it| !it.is_empty());
    let related: BTreeSet<&str> = raw.related_vulnerabilities.iter().map(|it| it.id.as_str()).collect();
    let aliases = related.into_iter().filter(|it| *it != raw.vulnerability.id).map(str::to_owned).collect();
    let descriptions = std::iter::once(&raw.vulnerability.description)
        .chain(raw.related_vulnerabilities.iter().map(|it| &it.description));
    let summary = descriptions.flat_map(|it| it.lines()).map(str::trim).find(|it| !it.is_empty()).unwrap_or_default();
    let weaknesses: BTreeSet<u32> =
        raw.vulnerability.cwes.iter().flatten().filter_map(|it| weakness(&it.cwe)).collect();
    Match {
        weaknesses: weaknesses.into_iter().collect(),
        reference: raw.artifact.id,
        summary: summary.to_owned(),
        aliases,
        severity: raw.vulnerability.severity,
        url: raw.vulnerability.data_source,
        fixed,
        advisory: raw.vulnerability.id,
    }
}

/// The order of equal matches differs from run to run.
fn stable(mut report: Value, canaries: &BTreeSet<String>) -> Value {
    if let Some(matches) = report.get_mut("matches").and_then(Value::as_array_mut) {
        let at = |it: &Value, path: &str| it.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        matches.retain(|it| !canaries.contains(&at(it, "/artifact/id")));
        matches.sort_by_key(|it| {
            (at(it, "/artifact/id"), at(it, "/vulnerability/id"), at(it, "/vulnerability/namespace"))
        });
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(purl: &str) -> Asked {
        Asked { reference: "a".to_owned(), name: "a".to_owned(), version: "1".to_owned(), purl: purl.to_owned() }
    }

    fn found(id: &str, advisory: &str, extra: Value) -> Value {
        let mut it = json!({ "artifact": { "id": id }, "vulnerability": { "id": advisory, "severity": "High" } });
        if let (Some(it), Value::Object(extra)) = (it.as_object_mut(), extra) {
            it.extend(extra);
        }
        it
    }

    #[test]
    fn a_missing_canary_is_an_error() {
        let pypi = [asked("pkg:pypi/a@1")];
        let error = read(r#"{"matches":[]}"#, &pypi).expect_err("no canary");
        assert!(error.to_string().contains("the database does not know that pyyaml 5.3.1"), "{error}");
        let canary = json!({ "matches": [found("xtask-canary:pkg:pypi/", "G", json!({}))] }).to_string();
        assert!(read(&canary, &pypi).is_ok_and(|it| it.matches.is_empty() && it.report["matches"] == json!([])));
        let error = read(&canary, &[asked("pkg:deb/debian/a@1")]).expect_err("no canary of the system");
        assert!(error.to_string().contains("libc6"), "{error}");
    }

    #[test]
    fn names_and_fixes() {
        let details = json!({
            "relatedVulnerabilities": [{ "id": "CVE-1", "description": "" }, { "id": "CVE-1" }, { "id": "G" }],
            "matchDetails": [{ "fix": { "suggestedVersion": "2.0" } }],
        });
        let text = json!({ "matches": [found("xtask-canary:pkg:pypi/", "G", json!({})), found("a", "G", details), found("a", "G", json!({}))] });
        let answer = read(&text.to_string(), &[asked("pkg:pypi/a@1")]).expect("a report");
        assert_eq!(answer.matches.len(), 1);
        assert_eq!(answer.matches[0].aliases, ["CVE-1"]);
        assert_eq!(answer.matches[0].fixed.as_deref(), Some("2.0"));
    }

    #[test]
    fn an_answer_to_another_question_is_an_error() {
        let text = json!({ "matches": [found("xtask-canary:pkg:pypi/", "G", json!({})), found("b", "G", json!({}))] });
        assert!(read(&text.to_string(), &[asked("pkg:pypi/a@1")]).is_err());
    }
}
