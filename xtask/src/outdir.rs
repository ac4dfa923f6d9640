//! `target/ci` made ready for a run.
//!
//! Must not decide what runs.

use anyhow::{Context as _, Result};
use camino::Utf8Path;

use crate::context;
use crate::handover::Handed;

/// Makes `target/ci` ready: what earlier runs left of these jobs must not be taken for this run's.
///
/// # Errors
/// When something cannot be removed or made.
pub fn prepare(out: &Utf8Path, handed: &Handed) -> Result<()> {
    let plan = &handed.plan;
    for dir in ["home", "empty", "work"] {
        context::remake(&out.join(dir))?;
    }
    if !handed.run.is_empty() {
        // What came from other jobs is theirs to report; their verdicts and what they have made stays.
        for dir in ["junit", "logs", "gitlab"] {
            context::remake(&out.join(dir))?;
        }
    }
    for job in &plan.jobs {
        let name = format!("{}.{}", job.project, job.stage.name);
        for stale in [format!("logs/{name}.log"), format!("logs/{}.log", job.stage.name), format!("junit/{name}.xml")] {
            remove_if_there(&out.join(stale))?;
        }
        for kind in ["dev", "runtime"] {
            remove_if_there(&out.join(format!("logs/{}.environment-{kind}.log", job.project)))?;
        }
    }
    remove_if_there(&out.join("junit.xml"))
}

fn remove_if_there(path: &Utf8Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("could not remove {path}"))
        }
        _ => Ok(()),
    }
}
