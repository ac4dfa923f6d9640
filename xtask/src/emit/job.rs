//! A unit as a job of GitLab: its script, what it waits for, what it keeps and leaves.
//!
//! Pure. Every keyword is said in every job: nothing is inherited that a reader would have to look for.

use std::collections::{BTreeMap, BTreeSet};

use super::cache::Keys;
use super::cache::UV_CACHE;
use super::names;
use super::units::{Known, Unit};
use super::yaml::{
    AllowFailure, Artifacts, Body, Cache, Common, Coverage, Docker, Entry, Image, Job, Pages, Reports, Retry,
};
use super::{HELD_BACK, Surroundings};
use crate::config::Config;
use crate::config::gitlab::{Platform, Version};
use crate::handover::{self, Part};
use crate::images;
use crate::plan::Plan;

/// What the site is published from.
const SITE: &str = "target/ci/site";
/// Since then `pages:publish` is known; before, `publish` stands beside `pages`.
const PAGES_PUBLISH: Version = Version { major: 17, minor: 9 };
/// Failures that are not the script's. No finding is tried again, and nothing that older servers do not know is named.
const RETRIED: &[&str] =
    &["runner_system_failure", "stuck_or_timeout_failure", "scheduler_failure", "api_failure", "unknown_failure"];
/// The variable that hands the plan over.
pub const PLAN: &str = "XTASK_PLAN";

/// What jobs are made from.
pub struct Maker<'a> {
    pub plan: &'a Plan,
    pub run: &'a str,
    pub known: &'a BTreeMap<String, Known>,
    pub config: &'a Config,
    pub around: &'a Surroundings,
    /// Images that are not made, since their registry has them.
    pub images: &'a BTreeMap<String, images::Image>,
}

impl Maker<'_> {
    /// All units as jobs, in their order.
    pub fn entries(&self, units: &[Unit]) -> Vec<Entry> {
        let keys = Keys::of(self.plan, self.known);
        let mut pushed = BTreeSet::new();
        let entry = |unit: &Unit| {
            let mut cache = if self.config.gitlab.cache { keys.cache(unit) } else { None };
            // One job fills a cache, the others read it.
            if let Some(cache) = cache.as_mut().filter(|it| pushed.insert(it.key.clone())) {
                cache.policy = "pull-push";
            }
            let body = Body::Job(Box::new(self.job(unit, units, cache.into_iter().collect())));
            Entry { name: unit.name.clone(), comment: self.comment(unit), body }
        };
        units.iter().map(entry).collect()
    }

    fn job(&self, unit: &Unit, units: &[Unit], cache: Vec<Cache>) -> Job {
        let settings = &self.config.gitlab;
        let publishes = unit.site && self.around.deploys;
        let nested = settings.minimum_version >= PAGES_PUBLISH;
        // Whoever waits for verdicts runs whatever they are, and asks each project's own. A site with holes is not published.
        let asks = !unit.elsewhere.is_empty();
        Job {
            stage: unit.group.to_owned(),
            common: common(self.config, self.around, unit.platform, !publishes),
            needs: unit.needs.iter().map(|it| units[*it].name.clone()).collect(),
            when: asks.then_some("always"),
            allow_failure: asks.then(|| AllowFailure::Codes { exit_codes: vec![HELD_BACK] }),
            timeout: self.timeout(unit),
            variables: self.variables(unit, !cache.is_empty()),
            cache,
            script: vec![self.script(unit)],
            coverage: (self.count(unit, "pytest") == 1).then_some(r"/TOTAL coverage: \d+(?:\.\d+)? %/"),
            artifacts: Some(self.artifacts(unit)),
            pages: publishes.then_some(if nested { Pages::From { publish: SITE } } else { Pages::On(true) }),
            publish: (publishes && !nested).then_some(SITE),
        }
    }

    /// The command: the stages by name, and the project where there is one.
    fn script(&self, unit: &Unit) -> String {
        let mut stages: Vec<&str> = Vec::new();
        for job in unit.jobs.iter().map(|it| &self.plan.jobs[*it]) {
            if stages.last() != Some(&job.stage.name) {
                stages.push(job.stage.name);
            }
        }
        let projects: BTreeSet<&str> = unit.jobs.iter().map(|it| self.plan.jobs[*it].project.as_str()).collect();
        let project = match projects.first() {
            Some(name) if projects.len() == 1 && names::is_plain(name) => format!(" --project {name}"),
            // The plan that is handed over names them.
            _ => String::new(),
        };
        format!("xtask stage {}{project}", stages.join(" "))
    }

    fn variables(&self, unit: &Unit, cached: bool) -> BTreeMap<&'static str, String> {
        let lock = unit.jobs.iter().map(|it| &self.plan.jobs[*it]).filter(|it| it.stage.name == "lock");
        let dependants = lock.filter_map(|it| self.known.get(&it.project)).flat_map(|it| &it.dependants);
        let ours: BTreeSet<&str> = unit.jobs.iter().map(|it| self.plan.jobs[*it].project.as_str()).collect();
        let is_beside = |name: &&String| {
            let planned = self.plan.projects.binary_search_by(|it| it.name.cmp(name));
            !ours.contains(name.as_str()) && planned.is_ok_and(|it| self.plan.projects[it].selected)
        };
        let beside: BTreeSet<String> = dependants.filter(is_beside).cloned().collect();
        let Maker { plan, run, images, .. } = *self;
        let part = Part { plan, run, jobs: &unit.jobs, elsewhere: &unit.elsewhere, beside: &beside, images };
        let mut variables = BTreeMap::new();
        // There is no `$` in it, so no `expand: false` is needed, which not every client knows.
        variables.insert(PLAN, handover::text(&part));
        // The time of an SBOM is that of the last commit to the lock, however long ago that was.
        let depth = if self.count(unit, "sbom") > 0 { "0" } else { "1" };
        variables.insert("GIT_DEPTH", depth.to_owned());
        if cached {
            variables.insert("UV_CACHE_DIR", format!("$CI_PROJECT_DIR/{UV_CACHE}"));
            variables.insert("UV_LINK_MODE", "copy".to_owned());
        }
        variables
    }

    /// Time for every stage of the unit, and for starting; but nothing runs for a day.
    fn timeout(&self, unit: &Unit) -> String {
        let mut stages: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for job in unit.jobs.iter().map(|it| &self.plan.jobs[*it]) {
            let (limit, count) = stages.entry(job.stage.name).or_default();
            *limit = self.config.timeout(job.stage.name).as_secs();
            *count += if super::units::is_batch(job.stage) { u64::from(*count == 0) } else { 1 };
        }
        let cores = self.config.gitlab.cores as u64;
        let all: u64 = stages.values().map(|(limit, count)| limit * count.div_ceil(cores)).sum();
        minutes((all + 10 * 60).min(12 * 3600))
    }

    fn count(&self, unit: &Unit, stage: &str) -> usize {
        unit.jobs.iter().filter(|it| self.plan.jobs[**it].stage.name == stage).count()
    }

    fn artifacts(&self, unit: &Unit) -> Artifacts {
        let has = |stages: &[&str]| stages.iter().any(|it| self.count(unit, it) > 0);
        let mut paths: Vec<&str> = vec!["junit/", "logs/", "reports/", "gitlab/", "verdicts/", "times.json"];
        let of_image = |it: &&usize| {
            let job = &self.plan.jobs[**it];
            job.stage.name == "docker-build" && self.known.get(&job.project).is_some_and(|it| it.image)
        };
        // What is pushed is no artifact.
        let archived = !self.around.registry && unit.jobs.iter().any(|it| of_image(&it));
        paths.extend(archived.then_some("images/"));
        paths.extend(has(&["build"]).then_some("dist/"));
        paths.extend(has(&["pages"]).then_some("site/"));
        let gitlab = |name: &str| format!("target/ci/gitlab/{name}");
        let some = |stages: &[&str], name: &str| has(stages).then(|| gitlab(name));
        let reports = Reports {
            junit: "target/ci/junit*.xml".to_owned(),
            codequality: some(&["ruff", "radon", "type-check"], "gl-code-quality-report.json"),
            // Of this kind, of code quality and of dependency scanning a job can hand over one file; a second fails its upload.
            sast: some(&["bandit", "semgrep"], "gl-sast-report.json"),
            dependency_scanning: some(&["vulnerabilities"], "gl-dependency-scanning-report.json"),
            cyclonedx: some(&["sbom"], "gl-sbom-*.cdx.json"),
            coverage_report: has(&["pytest"])
                .then(|| Coverage { coverage_format: "cobertura", path: gitlab("cobertura*.xml") }),
            metrics: has(&["pytest", "radon"]).then(|| gitlab("metrics.txt")),
        };
        Artifacts {
            when: "always",
            expire_in: self.config.gitlab.expire_in.clone(),
            paths: paths.iter().map(|it| format!("target/ci/{it}")).collect(),
            reports: Some(reports),
        }
    }

    /// What is in the job, and why.
    fn comment(&self, unit: &Unit) -> Vec<String> {
        let jobs: Vec<_> = unit.jobs.iter().map(|it| &self.plan.jobs[*it]).collect();
        let Some(first) = jobs.first() else { return Vec::new() };
        let reasons: BTreeSet<&str> = jobs.iter().map(|it| &*it.because).collect();
        if jobs.len() == 1 {
            return vec![format!("{}: {}", first.id(), first.because)];
        }
        let more =
            if reasons.len() > 1 { format!(" (and {} other reasons)", reasons.len() - 1) } else { String::new() };
        vec![format!("{} and {} more{more}: {}", first.id(), jobs.len() - 1, first.because)]
    }
}

/// What every job says of its runner.
pub fn common(config: &Config, around: &Surroundings, platform: Platform, interruptible: bool) -> Common {
    let settings = &config.gitlab;
    let name = settings.image.get(&platform).or(around.image.as_ref());
    let name = name.cloned().unwrap_or_else(|| super::IMAGE.to_owned());
    let tags = settings.tags.get(&platform).cloned().unwrap_or_else(|| vec![platform.arch().to_owned()]);
    let when = RETRIED.to_vec();
    Common {
        image: Some(Image { name, docker: Docker { platform: platform.name() } }),
        tags: Some(tags),
        retry: (settings.retry > 0).then_some(Retry { max: settings.retry, when }),
        interruptible: Some(interruptible),
    }
}

/// Seconds in GitLab's words.
pub fn minutes(seconds: u64) -> String {
    let minutes = seconds.div_ceil(60);
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes}m"),
        (hours, 0) => format!("{hours}h"),
        (hours, minutes) => format!("{hours}h {minutes}m"),
    }
}
