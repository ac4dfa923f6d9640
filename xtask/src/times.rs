//! How long jobs took: `target/ci/times.json`, kept from run to run on one machine, and `ci/times.json`, which is committed.
//!
//! Only estimates depend on them, and those of a pipeline on the committed file alone: the same commit gives the same
//! pipeline, whatever has run where it is made.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use crate::context;
use crate::run::Record;
use crate::verdict::Outcome;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Document {
    schema: u32,
    /// Seconds by the id of a job; for a batch, those of the whole batch.
    seconds: BTreeMap<String, f64>,
}

fn file(out: &Utf8Path) -> Utf8PathBuf {
    out.join("times.json")
}

/// What earlier runs took. A file that is not there or cannot be read says nothing.
pub fn read(out: &Utf8Path) -> BTreeMap<String, f64> {
    text(std::fs::read_to_string(file(out)).unwrap_or_default().as_str())
}

fn text(text: &str) -> BTreeMap<String, f64> {
    let document: Document = serde_json::from_str(text).unwrap_or_default();
    if document.schema == 1 { document.seconds } else { BTreeMap::new() }
}

/// The committed file, below the root.
pub const KEPT: &str = "ci/times.json";

/// What is committed; without a file, nothing.
pub fn kept(root: &Utf8Path) -> BTreeMap<String, f64> {
    text(std::fs::read_to_string(root.join(KEPT)).unwrap_or_default().as_str())
}

/// Puts times into the committed file: those of runs here, and those of files that jobs have left. What is about no job of
/// `known` goes. Returns how many there are now.
///
/// # Errors
/// When a file cannot be read or is none, or the committed one cannot be written.
pub fn keep(root: &Utf8Path, out: &Utf8Path, files: &[Utf8PathBuf], known: &dyn Fn(&str) -> bool) -> Result<usize> {
    let mut seconds = kept(root);
    seconds.extend(read(out));
    for file in files {
        let said = std::fs::read_to_string(file).with_context(|| format!("could not read {file}"))?;
        let said: Document =
            serde_json::from_str(&said).with_context(|| format!("{file} is no times.json of a run"))?;
        seconds.extend(said.seconds);
    }
    seconds.retain(|id, _| known(id));
    let count = seconds.len();
    let document = Document { schema: 1, seconds };
    context::write(&root.join(KEPT), serde_json::to_string_pretty(&document)? + "\n")?;
    Ok(count)
}

/// Adds the times of a run. What was skipped, or ended before its work was done, took no time that says anything.
///
/// # Errors
/// When the file cannot be written.
pub fn write(out: &Utf8Path, records: &[Record]) -> Result<()> {
    let mut seconds = read(out);
    for record in records.iter().filter(|it| matches!(it.verdict.outcome(), Outcome::Pass | Outcome::Fail)) {
        let rounded = (record.elapsed.as_secs_f64() * 100.0).round() / 100.0;
        seconds.insert(format!("{}.{}", record.project, record.stage.name), rounded);
    }
    let document = Document { schema: 1, seconds };
    context::write(&file(out), serde_json::to_string_pretty(&document)? + "\n")
}
