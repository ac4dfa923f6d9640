//! The jobs that no plan asks for: nothing to do, clearing the cache, and starting the parts of a pipeline in several files.
//!
//! Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::cache::UV_CACHE;
use super::job::{PLAN, common, minutes};
use super::yaml::{
    AllowFailure, Artifacts, Body, Cache, Child, Common, Entry, Include, Inherit, Job, Reports, Trigger,
};
use super::{Split, Surroundings};
use crate::config::Config;
use crate::config::gitlab::{Platform, Version};
use crate::handover::{self, Part};
use crate::plan::Plan;

/// Since then a trigger job can show just what its child shows.
const MIRROR: Version = Version { major: 18, minor: 2 };
/// GitLab's limit of caches in one job.
const CACHES: usize = 4;
/// More jobs than these clear no caches: GitLab has a button for all of them.
const CLEARERS: usize = 10;

/// The one job of a plan in which there is nothing to do: GitLab refuses a pipeline without any.
pub fn nothing(plan: &Plan, run: &str, config: &Config, around: &Surroundings, why: &str) -> Entry {
    let none = BTreeSet::new();
    let part = Part { plan, run, jobs: &[], elsewhere: &BTreeSet::new(), beside: &none, images: &BTreeMap::new() };
    let mut job = plain("nothing", common(config, around, first(config), true), "xtask stage".to_owned());
    job.variables.insert(PLAN, handover::text(&part));
    job.variables.insert("GIT_STRATEGY", "none".to_owned());
    job.artifacts = Some(Artifacts {
        when: "always",
        expire_in: config.gitlab.expire_in.clone(),
        paths: vec!["target/ci/junit.xml".to_owned()],
        reports: Some(Reports { junit: "target/ci/junit.xml".to_owned(), ..Reports::default() }),
    });
    Entry { name: "nothing-to-do".to_owned(), comment: vec![why.to_owned()], body: Body::Job(Box::new(job)) }
}

/// The jobs that clear the caches, by hand: each puts an almost empty one in the place of as many as GitLab allows a job.
pub fn clear_cache(config: &Config, around: &Surroundings, keys: &BTreeSet<String>) -> Vec<Entry> {
    let cache = |key: &String| {
        let paths = vec![format!("{UV_CACHE}/")];
        Cache { key: key.clone(), fallback_keys: Vec::new(), paths, policy: "push" }
    };
    let keys: Vec<&String> = keys.iter().collect();
    let of = keys.len().div_ceil(CACHES);
    let entry = |(index, keys): (usize, &[&String])| {
        let common = common(config, around, first(config), false);
        let mut job = plain(".pre", common, "xtask stage clear-cache".to_owned());
        job.when = Some("manual");
        // Both words: without the second one a manual job can hold everything after it.
        job.allow_failure = Some(AllowFailure::Always(true));
        job.cache = keys.iter().map(|it| cache(it)).collect();
        job.variables.insert("GIT_DEPTH", "1".to_owned());
        job.variables.insert("UV_CACHE_DIR", format!("$CI_PROJECT_DIR/{UV_CACHE}"));
        let mut comment = vec!["empties the cache when it is started by hand".to_owned()];
        if of > 1 {
            comment.push(format!("part {} of {of}, since GitLab allows a job {CACHES} caches", index + 1));
        }
        if index + 1 == CLEARERS && of > CLEARERS {
            comment.push("the others: Build > Pipelines > Clear runner caches, which empties all".to_owned());
        }
        let name = if index == 0 { "clear-cache".to_owned() } else { format!("clear-cache-{}", index + 1) };
        Entry { name, comment, body: Body::Job(Box::new(job)) }
    };
    keys.chunks(CACHES).enumerate().take(CLEARERS).map(entry).collect()
}

/// For each part of a pipeline in several files a job that makes the file and one that starts it.
pub fn relay(config: &Config, around: &Surroundings, selection: &str, split: &Split) -> Vec<Entry> {
    let mut entries = Vec::new();
    for part in 1..=split.parts {
        let (maker, file) = (format!("generate-part-{part}"), format!("target/ci/child-part-{part}.yml"));
        let script = format!("xtask emit {selection} --part {} --output {file}", split.word(part));
        let mut job = plain("generate", common(config, around, first(config), true), script);
        job.variables.insert("GIT_DEPTH", "0".to_owned());
        let (when, expire_in) = ("always", config.gitlab.expire_in.clone());
        job.artifacts = Some(Artifacts { when, expire_in, paths: vec![file.clone()], reports: None });
        let comment = vec![format!("part {part} of {}", split.parts)];
        entries.push(Entry { name: maker.clone(), comment, body: Body::Job(Box::new(job)) });
        let trigger = Trigger {
            stage: "run".to_owned(),
            needs: vec![maker.clone()],
            inherit: Inherit { variables: false },
            trigger: Child { include: vec![Include { artifact: file, job: maker }], strategy: strategy(config) },
        };
        entries.push(Entry { name: format!("run-part-{part}"), comment: Vec::new(), body: Body::Trigger(trigger) });
    }
    entries
}

/// How a trigger job shows what became of its child.
pub fn strategy(config: &Config) -> &'static str {
    if config.gitlab.minimum_version >= MIRROR { "mirror" } else { "depend" }
}

/// Where everything runs that is about no project.
pub fn first(config: &Config) -> Platform {
    config.gitlab.platforms.first().copied().unwrap_or(Platform::Arm64)
}

fn plain(stage: &str, common: Common, script: String) -> Job {
    Job {
        stage: stage.to_owned(),
        common,
        needs: Vec::new(),
        when: None,
        allow_failure: None,
        timeout: minutes(10 * 60),
        variables: BTreeMap::new(),
        cache: Vec::new(),
        script: vec![script],
        coverage: None,
        artifacts: None,
        pages: None,
        publish: None,
    }
}
