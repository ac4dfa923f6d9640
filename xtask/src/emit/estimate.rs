//! How long a pipeline takes, by what its stages took before: units on so many runners, in GitLab's order.
//!
//! Pure. An estimate to compare shapes with, not a promise.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use super::units::{Unit, is_batch};
use crate::config::gitlab::Gitlab;
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
    let (mut work, mut longest) = (0, 0);
    for job in unit.jobs.iter().map(|it| &plan.jobs[*it]) {
        let stage = job.stage;
        let measured = times.get(&job.id()).filter(|it| it.is_finite() && **it >= 0.0);
        let together = batches.get(stage.name).copied().unwrap_or(1).max(1);
        let alone = measured.map_or(f64::from(graph::cost(stage, 1)), |it| it.min(86_400.0));
        let environments = 1000 * stage.environments.len() as u64 * u64::from(graph::ENVIRONMENT);
        // The whole batch takes its time once, whoever measured it.
        let whole = (1000.0 * alone * graph::growth(stage, together)) as u64 + environments;
        let needs = stage.needs.iter().filter_map(|it| ends.get(&(job.project.as_str(), *it)));
        let end = needs.max().copied().unwrap_or(0) + whole;
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
