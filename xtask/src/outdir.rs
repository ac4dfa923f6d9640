//! `target/ci`: made ready for a run, and the reports of one written into it.
//!
//! Must not decide what runs.

use anyhow::Result;
use camino::Utf8Path;

use crate::handover::Handed;
use crate::run::Record;
use crate::{context, junit};

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
            context::remove(&out.join(stale))?;
        }
        for kind in ["dev", "runtime"] {
            context::remove(&out.join(format!("logs/{}.environment-{kind}.log", job.project)))?;
        }
    }
    context::remove(&out.join("junit.xml"))
}

/// Writes a report for each job and one for all.
///
/// # Errors
/// When a file cannot be written.
pub fn write_junit(out: &Utf8Path, records: &[Record]) -> Result<()> {
    for record in records {
        let name = format!("{}.{}", record.project, record.stage.name);
        let one = junit::report(&name, &[record]);
        context::write(&out.join("junit").join(format!("{name}.xml")), junit::text(&one))?;
    }
    let all: Vec<&Record> = records.iter().collect();
    context::write(&out.join("junit.xml"), junit::text(&junit::report("xtask", &all)))
}
