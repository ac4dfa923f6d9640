//! How long jobs took: `target/ci/times.json`, kept from run to run. Only estimates depend on it.

use std::collections::BTreeMap;

use anyhow::Result;
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
    let text = std::fs::read_to_string(file(out)).unwrap_or_default();
    let document: Document = serde_json::from_str(&text).unwrap_or_default();
    if document.schema == 1 { document.seconds } else { BTreeMap::new() }
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
