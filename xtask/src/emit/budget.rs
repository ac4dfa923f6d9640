//! What GitLab allows a pipeline to be, and what one is: measured before anything is written.
//!
//! Pure. Each limit names itself when it is passed. The figures are those of GitLab's documents; an administrator may have
//! set others.

use serde_json::Value;

use super::yaml::{Body, Pipeline};
use crate::config::gitlab::Tier;
use crate::ruby;

/// What a pipeline measures, its children included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Measure {
    /// Jobs in all its files, with the two of the parent.
    pub jobs: usize,
    /// Bytes of the largest file: what is in the archive of the job that makes it.
    pub bytes: usize,
    /// Bytes of memory that the largest file takes once GitLab has parsed it, by the sizes of Ruby's objects.
    pub parsed: usize,
    /// The most needs of one job.
    pub needs: usize,
    /// The longest name.
    pub name: usize,
    /// The longest variable.
    pub variable: usize,
    /// Pipelines below the parent.
    pub downstream: usize,
    /// Levels below the parent.
    pub depth: usize,
}

/// One limit: what it is called, what is measured, what is allowed.
pub struct Limit {
    pub name: &'static str,
    pub measured: usize,
    pub allowed: Option<usize>,
}

/// Leaves room for what GitLab adds, and for what the estimate of the memory misses.
pub const PARSED: usize = 1_800_000;

impl Measure {
    /// Adds a file. `level` counts from 1.
    pub fn add(&mut self, pipeline: &Pipeline, text: &str, level: usize) {
        self.jobs += pipeline.entries.len();
        self.bytes = self.bytes.max(text.len());
        self.parsed = self.parsed.max(parsed(pipeline));
        self.depth = self.depth.max(level);
        self.downstream += 1;
        for entry in &pipeline.entries {
            self.name = self.name.max(entry.name.len());
            let needs = match &entry.body {
                Body::Job(job) => &job.needs,
                Body::Trigger(trigger) => &trigger.needs,
            };
            self.needs = self.needs.max(needs.len());
        }
        let values = pipeline.jobs().flat_map(|(_, job)| job.variables.values());
        self.variable = self.variable.max(values.map(String::len).max().unwrap_or(0));
    }

    /// The limits of a tier, with what is measured.
    pub fn limits(&self, tier: Tier) -> Vec<Limit> {
        let limit = |name, measured, allowed| Limit { name, measured, allowed };
        vec![
            limit("jobs in active pipelines", self.jobs, tier.jobs()),
            limit("bytes of the largest file (archive of its job, 5 MB)", self.bytes, Some(5_000_000)),
            limit("bytes of it when parsed (max_yaml_size_bytes, 2 MB)", self.parsed, Some(PARSED)),
            limit("needs of one job", self.needs, Some(50)),
            limit("bytes of the longest name", self.name, Some(128)),
            limit("bytes of the longest variable", self.variable, Some(64 * 1024)),
            limit("downstream pipelines", self.downstream, Some(1000)),
            limit("levels below the parent", self.depth, Some(2)),
        ]
    }

    /// The limits that are passed, in words.
    pub fn over(&self, tier: Tier) -> Vec<String> {
        let passed = |it: &Limit| it.allowed.is_some_and(|allowed| it.measured > allowed);
        let words = |it: Limit| format!("{}: {} of {}", it.name, it.measured, it.allowed.unwrap_or_default());
        self.limits(tier).into_iter().filter(passed).map(words).collect()
    }
}

/// Bytes of memory of a parsed file, but for the few lines above its jobs.
fn parsed(pipeline: &Pipeline) -> usize {
    let of = |it: &super::yaml::Entry| {
        ruby::text(it.name.len()) + serde_json::to_value(&it.body).map_or(0, |it| memory(&it))
    };
    pipeline.entries.iter().map(of).sum()
}

/// The memory of a value.
fn memory(value: &Value) -> usize {
    match value {
        Value::String(text) => ruby::text(text.len()),
        Value::Array(items) => ruby::list(items.len()) + items.iter().map(memory).sum::<usize>(),
        Value::Object(map) => {
            let inner = |(key, value): (&String, &Value)| ruby::text(key.len()) + memory(value);
            ruby::map(map.len()) + map.iter().map(inner).sum::<usize>()
        }
        _ => 0,
    }
}
