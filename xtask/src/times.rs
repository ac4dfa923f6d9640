//! How long jobs took: `target/ci/times.json`, kept from run to run on one machine, and `ci/times.json`, which is committed.
//!
//! Only estimates depend on them, and those of a pipeline on the committed file alone: the same commit gives the same
//! pipeline, whatever has run where it is made.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use crate::run::Record;
use crate::verdict::Outcome;
use crate::{context, graph};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: u32,
    /// Seconds by the id of a job; of a batch, roughly those that it would take for this project alone.
    seconds: Seconds,
}

type Seconds = BTreeMap<String, f64>;

/// The committed file, below the root.
pub const KEPT: &str = "ci/times.json";

/// What is committed; without a file, nothing.
///
/// # Errors
/// When the file cannot be read, or is none.
pub fn kept(root: &Utf8Path) -> Result<BTreeMap<String, f64>> {
    let seconds = read(&root.join(KEPT)).context("restore it, or delete it and run `cargo xtask times`")?;
    Ok(seconds.unwrap_or_default())
}

/// What a file says; `None` where there is none.
fn read(path: &Utf8Path) -> Result<Option<Seconds>> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        text => text.with_context(|| format!("could not read {path}"))?,
    };
    let document: Document =
        serde_json::from_str(&text).with_context(|| format!("{path} does not say how long jobs took"))?;
    if document.schema != 1 {
        bail!("{path} has schema {}, and this xtask knows schema 1", document.schema);
    }
    if let Some((id, seconds)) = document.seconds.iter().find(|it| it.1.is_sign_negative()) {
        bail!("{path}: {id} took {seconds} seconds, which cannot be");
    }
    Ok(Some(document.seconds))
}

/// Puts times into the committed file: those of runs here, and those of files that jobs have left. What is about no job of
/// `known` goes. Returns how many there are now.
///
/// # Errors
/// When a file cannot be read or is none, when there are no times, and when the committed file cannot be written.
pub fn keep(root: &Utf8Path, out: &Utf8Path, files: &[Utf8PathBuf], known: &dyn Fn(&str) -> bool) -> Result<usize> {
    let mut seconds = kept(root)?;
    let ours = read(&file(out)).context("delete it and run `cargo xtask ci --all`")?;
    if ours.is_none() && files.is_empty() {
        bail!("no run has left {}; run `cargo xtask ci --all` first, or name the times.json of jobs", file(out));
    }
    seconds.extend(ours.unwrap_or_default());
    for file in files {
        seconds.extend(read(file)?.with_context(|| format!("there is no {file}"))?);
    }
    seconds.retain(|id, _| known(id));
    let count = seconds.len();
    if count == 0 {
        bail!("these times are of no job of this repository; nothing is written");
    }
    store(&root.join(KEPT), seconds)?;
    Ok(count)
}

/// Adds the times of a run. What was skipped, or ended before its work was done, took no time that says anything.
///
/// # Errors
/// When the file cannot be written.
pub fn write(out: &Utf8Path, records: &[Record]) -> Result<()> {
    // Damaged, it is worth nothing, and what this run took takes its place.
    let mut seconds = read(&file(out)).ok().flatten().unwrap_or_default();
    let mut batches: BTreeMap<&str, usize> = BTreeMap::new();
    for record in records {
        *batches.entry(record.stage.name).or_default() += 1;
    }
    for record in records.iter().filter(|it| matches!(it.verdict.outcome(), Outcome::Pass | Outcome::Fail)) {
        let alone = record.elapsed.as_secs_f64() / graph::growth(record.stage, batches[record.stage.name]);
        seconds.insert(format!("{}.{}", record.project, record.stage.name), (alone * 100.0).round() / 100.0);
    }
    store(&file(out), seconds)
}

fn file(out: &Utf8Path) -> Utf8PathBuf {
    out.join("times.json")
}

fn store(path: &Utf8Path, seconds: Seconds) -> Result<()> {
    context::write(path, serde_json::to_string_pretty(&Document { schema: 1, seconds })? + "\n")
}
