//! Reads what GitLab's reports need beside the records: lines of sources, SBOMs of this run, locks, the time.
//!
//! The only file of these that does input or output. Must not know a format.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};

use super::{Input, Lines, Lock, quality};
use crate::discover::Repo;
use crate::run::Record;
use crate::tools::Tools;
use crate::verdict::{Outcome, Status};

/// The scanners of our own code, as their stages and their distributions are called.
const SCANNERS: &[&str] = &["bandit", "semgrep"];

/// Everything the reports of a run are made of.
///
/// # Errors
/// When a file that this run has left cannot be read, or `SOURCE_DATE_EPOCH` is no number.
pub fn input<'a>(repo: &Repo, tools: &Tools, out: &Utf8Path, records: &'a [Record], began: u64) -> Result<Input<'a>> {
    let mut versions: BTreeMap<String, String> =
        SCANNERS.iter().filter_map(|name| Some(((*name).to_owned(), tools.pinned(name)?))).collect();
    versions.insert("xtask".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    versions.insert("grype".to_owned(), repo.config.grype.version.clone());
    Ok(Input {
        records,
        lines: lines(&repo.root, records),
        locks: locks(repo, records),
        sboms: sboms(out, records)?,
        versions,
        began,
        ended: now()?,
    })
}

/// The time in seconds since 1970, or `SOURCE_DATE_EPOCH` where it is set: the same input then gives the same bytes.
///
/// # Errors
/// When `SOURCE_DATE_EPOCH` is no number.
pub fn now() -> Result<u64> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text.parse().with_context(|| format!("SOURCE_DATE_EPOCH is no number of seconds: {text:?}")),
        Err(_) => Ok(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()),
    }
}

/// The text of each line that a finding is about. A file that cannot be read has none: its findings are told apart without.
fn lines(root: &Utf8Path, records: &[Record]) -> Lines {
    let mut wanted: BTreeMap<&Utf8Path, BTreeSet<u32>> = BTreeMap::new();
    let stages = || quality::STAGES.iter().chain(SCANNERS);
    let records = records.iter().filter(|it| stages().any(|name| *name == it.stage.name));
    let cases = records.flat_map(|it| &it.verdict.cases).filter(|it| it.status != Status::Pass);
    for place in cases.filter_map(|it| it.place.as_ref()) {
        if let Some(line) = place.line {
            wanted.entry(&place.path).or_default().insert(line);
        }
    }
    let read = |path: &Utf8Path, numbers: &BTreeSet<u32>| {
        let bytes = std::fs::read(root.join(path)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let numbered = (1..).zip(text.lines()).filter(|(number, _)| numbers.contains(number));
        numbered.map(|(number, line)| (number, line.to_owned())).collect()
    };
    wanted.iter().map(|(path, numbers)| ((*path).to_owned(), read(path, numbers))).collect()
}

/// The locks of the projects whose vulnerabilities were looked for.
fn locks(repo: &Repo, records: &[Record]) -> Vec<Lock> {
    let projects = records.iter().filter(|it| it.stage.name == "vulnerabilities");
    let mut found: BTreeMap<Utf8PathBuf, Lock> = BTreeMap::new();
    for project in projects.filter_map(|it| repo.project(&it.project).ok()) {
        let path = project.lock_dir.join("uv.lock");
        let Ok(lock) = project.lock() else { continue };
        let others = lock.packages.iter().filter(|it| it.local().is_none());
        let packages: BTreeSet<(String, String)> =
            others.filter_map(|it| Some((it.name.clone(), it.version.clone()?))).collect();
        found.insert(path.clone(), Lock { path, packages: packages.into_iter().collect() });
    }
    found.into_values().collect()
}

/// The CycloneDX documents that this run has left, of the closure and of the image.
fn sboms(out: &Utf8Path, records: &[Record]) -> Result<Vec<(String, serde_json::Value)>> {
    let mut found = Vec::new();
    for record in records.iter().filter(|it| it.stage.name == "sbom") {
        // Only of a run that came to its end; a component that is missing is a finding, and the document is there.
        if !matches!(record.verdict.outcome(), Outcome::Pass | Outcome::Fail) {
            continue;
        }
        for (file, suffix) in [("sbom.cdx.json", ""), ("sbom-image.cdx.json", ".image")] {
            let path = out.join("reports").join(&record.project).join(file);
            if path.exists() {
                let text = std::fs::read_to_string(&path).with_context(|| format!("could not read {path}"))?;
                let document = serde_json::from_str(&text).with_context(|| format!("{path} is no JSON"))?;
                found.push((format!("{}{suffix}", record.project), document));
            }
        }
    }
    Ok(found)
}
