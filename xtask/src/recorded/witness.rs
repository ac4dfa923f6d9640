//! Ties the verdicts of a run to what was read: the same list of inputs before it and after it.
//!
//! A file that is saved while its tests run makes a verdict that belongs to neither list; such a verdict is not kept.

use std::cell::RefCell;
use std::collections::BTreeMap;

use anyhow::Result;
use camino::Utf8Path;

use super::{Kept, SCHEMA, Store, With, red, unsteady, word, written};
use crate::config::DockerBuild;
use crate::discover::Repo;
use crate::facts::Digest;
use crate::images;
use crate::inputs::{self, Line};
use crate::plan::Plan;
use crate::revisions::{self, Place, Whole};
use crate::run::Record;
use crate::side::Side;
use crate::stages::{Stage, vulnerabilities};
use crate::survey::Memo;
use crate::tools::{self, Tools};
use crate::verdict::Outcome;
use crate::{environments, proc, sources, waivers};

/// What the stages of a plan may read, as it was before the run.
pub struct Witness<'a> {
    place: &'a Place,
    before: BTreeMap<(String, &'static str), Digest>,
    /// What was parsed for that, to be read only where it has changed.
    memo: RefCell<Memo>,
}

/// What came of keeping the verdicts of a run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Taken {
    pub kept: usize,
    /// Verdicts whose inputs changed while the run went on.
    pub changed: usize,
}

impl<'a> Witness<'a> {
    /// Looks at everything that the jobs of a plan may read.
    ///
    /// # Errors
    /// When the work tree cannot be read.
    pub fn new(place: &'a Place, plan: &Plan) -> Result<Witness<'a>> {
        let mut memo = Memo::default();
        let whole = revisions::whole(place, &mut memo)?;
        let jobs = plan.jobs.iter().filter_map(|job| {
            let (fingerprint, _) = of(&whole.side, &job.project, job.stage)?;
            Some(((job.project.clone(), job.stage.name), fingerprint))
        });
        Ok(Witness { place, before: jobs.collect(), memo: memo.into() })
    }

    /// The tags of the images that a run makes, by project.
    pub fn tags(&self, settings: &DockerBuild) -> BTreeMap<String, String> {
        let made = self.before.iter().filter(|((_, stage), _)| *stage == images::MAKER);
        made.map(|((project, _), it)| (project.clone(), images::tag(settings, it))).collect()
    }

    /// Keeps the verdicts of what really ran, and notes on each that is another than before for the same inputs.
    ///
    /// # Errors
    /// When the work tree cannot be read, or the store not be written.
    pub fn keep(&self, repo: &Repo, tools: &Tools, records: &mut [Record], out: &Utf8Path) -> Result<Taken> {
        let mut taken = Taken::default();
        let ran: Vec<&mut Record> = records.iter_mut().filter(|it| counts(it)).collect();
        if ran.is_empty() {
            return Ok(taken);
        }
        let Whole { side, commit, is_clean } = revisions::whole(self.place, &mut self.memo.borrow_mut())?;
        let (store, xtask) = (Store::at(out), program()?);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        for record in ran {
            let Some((fingerprint, list)) = of(&side, &record.project, record.stage) else { continue };
            if self.before.get(&(record.project.clone(), record.stage.name)) != Some(&fingerprint) {
                taken.changed += 1;
                continue;
            }
            let kept = Kept {
                schema: SCHEMA,
                project: record.project.clone(),
                stage: record.stage.name.to_owned(),
                fingerprint: written(&fingerprint),
                outcome: word(record.verdict.outcome()).to_owned(),
                red: red(&record.verdict),
                when: now.as_secs(),
                commit: commit.clone(),
                clean: is_clean,
                with: with(repo, tools, record, out, &xtask)?,
            };
            // A record that cannot be read is replaced; `audit` warns of such.
            if let Ok(Some(before)) = store.get(&kept.project, &kept.stage, &kept.fingerprint) {
                let logs = [store.earlier_log(&kept), store.log(&kept)];
                let [earlier, log] = logs.each_ref().map(|it| it.strip_prefix(&repo.root).unwrap_or(it));
                record.verdict.notes.extend(unsteady::note(&before, &kept, [earlier, log]));
            }
            store.keep(&kept, &list, &repo.abs(&record.log))?;
            taken.kept += 1;
        }
        Ok(taken)
    }
}

fn of(side: &Side, project: &str, stage: &Stage) -> Option<(Digest, Vec<Line>)> {
    let list = inputs::list(side, side.project(project)?, stage);
    Some((inputs::fingerprint(stage, &list), list))
}

/// Is it a verdict about the inputs? Not when it was held back, cancelled, or could not be checked on this machine.
fn counts(record: &Record) -> bool {
    let is_error = record.verdict.outcome() == Outcome::Error;
    let ran = !record.blocked && !record.elapsed.is_zero();
    ran && !record.verdict.is_not_checked() && !(is_error && proc::cancelled())
}

fn with(repo: &Repo, tools: &Tools, record: &Record, out: &Utf8Path, xtask: &str) -> Result<With> {
    let today = waivers::today();
    let project = repo.project(&record.project)?;
    let paths = record.stage.environments.iter().map(|kind| environments::path(out, project, *kind));
    let versions: Vec<String> = paths.filter_map(|it| tools::python::of_environment(&it).ok()).collect();
    Ok(With {
        xtask: xtask.to_owned(),
        platform: tools::platform(),
        python: tools.python_version.clone(),
        environment: (!versions.is_empty()).then(|| versions.join(" ")),
        database: (record.stage.name == "vulnerabilities").then(vulnerabilities::database_used).flatten(),
        waivers: waivers::in_force(repo, project, record.stage.name, today),
    })
}

/// The hash of this program: another one may judge otherwise.
fn program() -> Result<String> {
    Ok(sources::sha256(&std::fs::read(std::env::current_exe()?)?)[..16].to_owned())
}
