//! Verdicts that one job of a pipeline leaves for another: small files under `target/ci/verdicts`.
//!
//! A job of GitLab waits for others but does not ask how they ended: which projects may go on is read here, so that one red
//! project holds back its own stages and nobody else's. Only verdicts of the same run count.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use crate::context;
use crate::handover::Handed;
use crate::images;
use crate::run::Record;
use crate::verdict::Outcome;

/// What one file says.
#[derive(Debug, Serialize, Deserialize)]
struct Said {
    /// The run that it belongs to.
    run: String,
    /// "ok", "FAIL", "ERROR" or "skip".
    outcome: String,
    /// Must what needs it not run?
    holds_back: bool,
}

/// What other jobs of this run have done.
#[derive(Debug, Clone, Default)]
pub struct Outside {
    /// Project and stage of what holds back those that need it, with the reason in words.
    pub red: BTreeMap<(String, &'static str), String>,
    /// Stages that other jobs have run and whose files are here.
    pub stages: Vec<&'static str>,
    /// Projects that other jobs check.
    pub projects: Vec<String>,
}

fn file(out: &Utf8Path, project: &str, stage: &str) -> Utf8PathBuf {
    out.join("verdicts").join(format!("{project}.{stage}.json"))
}

/// Leaves the verdicts of a run.
///
/// # Errors
/// When one cannot be written.
pub fn write(out: &Utf8Path, run: &str, records: &[Record]) -> Result<()> {
    for record in records {
        let said = Said {
            run: run.to_owned(),
            outcome: record.verdict.outcome().word().to_owned(),
            holds_back: record.holds_back(),
        };
        context::write(&file(out, &record.project, record.stage.name), serde_json::to_string(&said)? + "\n")?;
    }
    Ok(())
}

/// Has another job of this run done this stage of a project, so that what it makes is here and of this run?
pub fn is_done(out: &Utf8Path, run: &str, project: &str, stage: &str) -> bool {
    let said = std::fs::read_to_string(file(out, project, stage)).ok();
    let said: Option<Said> = said.and_then(|it| serde_json::from_str(&it).ok());
    said.is_some_and(|it| it.run == run && it.outcome == Outcome::Pass.word())
}

/// What the other jobs have left that this part of the plan waits for. A verdict that did not come holds back.
///
/// # Errors
/// When a verdict is there and cannot be read.
pub fn outside(out: &Utf8Path, handed: &Handed) -> Result<Outside> {
    let mut outside = Outside { projects: handed.beside.clone(), ..Outside::default() };
    for (project, stage) in &handed.elsewhere {
        let path = file(out, project, stage);
        let mut hold = |why: String| outside.red.insert((project.clone(), *stage), why);
        if !path.exists() {
            hold(format!("{stage} (no verdict came from its job)"));
            continue;
        }
        let text = std::fs::read_to_string(&path).with_context(|| format!("could not read {path}"))?;
        let said: Said = serde_json::from_str(&text).with_context(|| format!("{path} is no verdict"))?;
        if said.run != handed.run {
            hold(format!("{stage} (only the verdict of another run is there)"));
        } else if said.holds_back {
            hold((*stage).to_owned());
        }
        if !outside.stages.contains(stage) {
            outside.stages.push(stage);
        }
    }
    if !handed.images.is_empty() && !outside.stages.contains(&images::MAKER) {
        outside.stages.push(images::MAKER);
    }
    Ok(outside)
}
