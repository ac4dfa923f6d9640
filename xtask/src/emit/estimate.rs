//! How long a pipeline takes, by what its stages took before: units on so many runners, in GitLab's order.
//!
//! Pure. An estimate to compare shapes with, not a promise.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use super::units::{Unit, is_batch};
use crate::config::gitlab::Gitlab;
use crate::environments::Kind;
use crate::graph;
use crate::plan::Plan;

/// Measured seconds, by the id of a job of a plan; of a batch, those of this project alone.
pub type Times = BTreeMap<String, f64>;

/// A pipeline's estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    pub units: usize,
    /// Milliseconds from the first job's start to the last one's end.
    pub wall: u64,
}

/// Estimates.
pub fn of(plan: &Plan, units: &[Unit], settings: &Gitlab, times: &Times) -> Estimate {
    let lengths: Vec<u64> = units.iter().map(|it| length(plan, it, settings, times)).collect();
    Estimate { units: units.len(), wall: schedule(units, &lengths, settings.runners) }
}

/// Milliseconds of one job: its start, then its longest chain or its work over all cores, whichever is longer.
fn length(plan: &Plan, unit: &Unit, settings: &Gitlab, times: &Times) -> u64 {
    let mut batches: BTreeMap<&str, usize> = BTreeMap::new();
    for job in unit.jobs.iter().map(|it| &plan.jobs[*it]).filter(|it| is_batch(it.stage)) {
        *batches.entry(job.stage.name).or_default() += 1;
    }
    let mut ends: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    // What a job makes once, all of its stages use.
    let environment = 1000 * u64::from(graph::ENVIRONMENT);
    let mut made: BTreeSet<(&str, Kind)> = BTreeSet::new();
    let (mut work, mut longest) = (0, 0);
    for job in unit.jobs.iter().map(|it| &plan.jobs[*it]) {
        let stage = job.stage;
        let measured = times.get(&job.id()).filter(|it| it.is_finite() && **it >= 0.0);
        let together = batches.get(stage.name).copied().unwrap_or(1).max(1);
        let alone = measured.map_or(f64::from(graph::cost(stage, 1)), |it| it.min(86_400.0));
        // The whole batch takes its time once, whoever measured it.
        let whole = (1000.0 * alone * graph::growth(stage, together)) as u64;
        let needs = stage.needs.iter().filter_map(|it| ends.get(&(job.project.as_str(), *it)).copied());
        let ready = stage.environments.iter().map(|_| environment);
        let end = needs.chain(ready).max().unwrap_or(0) + whole;
        let new = stage.environments.iter().filter(|it| made.insert((&job.project, **it))).count();
        work += new as u64 * environment;
        ends.insert((&job.project, stage.name), end);
        longest = longest.max(end);
        work += whole / together as u64;
    }
    settings.start_up.0.as_millis() as u64 + longest.max(work / settings.cores as u64)
}

/// When the last of these ends: each runner takes the first that is ready.
fn schedule(units: &[Unit], lengths: &[u64], runners: usize) -> u64 {
    let mut waiting: Vec<usize> = units.iter().map(|it| it.needs.len()).collect();
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); units.len()];
    for (index, unit) in units.iter().enumerate() {
        unit.needs.iter().for_each(|it| followers[*it].push(index));
    }
    let mut ready: BTreeSet<usize> = (0..units.len()).filter(|it| waiting[*it] == 0).collect();
    let mut running: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
    let mut now = 0;
    loop {
        while running.len() < runners.max(1)
            && let Some(next) = ready.pop_first()
        {
            running.push(Reverse((now + lengths[next], next)));
        }
        let Some(Reverse((end, unit))) = running.pop() else { return now };
        now = end;
        for follower in &followers[unit] {
            waiting[*follower] -= 1;
            if waiting[*follower] == 0 {
                ready.insert(*follower);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::gitlab::Platform;
    use crate::plan::Job;
    use crate::stages;

    #[test]
    fn an_environment_is_made_once_in_a_job() {
        let jobs = [("a", "sbom"), ("a", "vulnerabilities"), ("a", "type-check"), ("b", "sbom")];
        let job = |(project, stage): (&str, &str)| Job {
            stage: stages::find(stage).expect("a stage"),
            project: project.to_owned(),
            because: Default::default(),
        };
        let plan = Plan { jobs: jobs.map(job).to_vec(), ..Plan::default() };
        let times: Times = plan.jobs.iter().map(|it| (it.id(), 10.0)).collect();
        let seconds = |jobs: &[usize], cores: usize| {
            let settings = Gitlab { cores, ..Gitlab::default() };
            let (needs, elsewhere) = (BTreeSet::new(), BTreeSet::new());
            let (jobs, platform) = (jobs.to_vec(), Platform::Arm64);
            let unit = Unit { name: String::new(), group: "", platform, jobs, needs, elsewhere, site: false };
            (length(&plan, &unit, &settings, &times) - settings.start_up.0.as_millis() as u64) / 1000
        };
        for (jobs, all, longest) in [
            (&[0][..], 11, 11),
            // The same environment for both, in front of the first.
            (&[0, 1], 21, 21),
            // Another kind, and another project, each have their own.
            (&[0, 1, 2], 32, 21),
            (&[0, 3], 22, 11),
            // What needs nothing of this job still waits for an environment.
            (&[1], 11, 11),
        ] {
            assert_eq!((seconds(jobs, 1), seconds(jobs, 100)), (all, longest), "{jobs:?}");
        }
    }
}
