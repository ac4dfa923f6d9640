//! A pipeline read back by a parser that did not write it, and what must hold for every one.

use std::collections::{BTreeMap, BTreeSet};

use xtask::handover::{self, Handed};
use yaml_rust2::yaml::Hash;
use yaml_rust2::{Yaml, YamlLoader};

/// What GitLab keeps for itself among the names at the top.
const KEYWORDS: &[&str] = &["workflow", "stages", "default"];
/// Names that mean something else as a job.
const RESERVED: &[&str] = &[
    "image",
    "services",
    "stages",
    "before_script",
    "after_script",
    "variables",
    "cache",
    "include",
    "default",
    "workflow",
    "spec",
    "pages",
    "true",
    "false",
    "nil",
    "null",
];

/// A job as the file says it.
pub struct Job {
    pub name: String,
    pub body: Hash,
}

impl Job {
    pub fn get(&self, key: &str) -> &Yaml {
        static NOTHING: Yaml = Yaml::BadValue;
        self.body.get(&Yaml::String(key.to_owned())).unwrap_or(&NOTHING)
    }

    pub fn text(&self, key: &str) -> &str {
        self.get(key).as_str().unwrap_or_default()
    }

    pub fn list(&self, key: &str) -> Vec<&str> {
        self.get(key).as_vec().into_iter().flatten().filter_map(Yaml::as_str).collect()
    }

    /// The part of the plan that it gets.
    pub fn handed(&self) -> Option<Handed> {
        let value = self.get("variables")["XTASK_PLAN"].as_str()?;
        assert!(value.len() <= 64 * 1024 && value.is_ascii() && !value.contains('$'), "{}", self.name);
        Some(handover::read(value).unwrap_or_else(|error| panic!("{}: {error:#}", self.name)))
    }
}

/// The jobs of a file. Panics where a rule of GitLab is broken that every pipeline must keep.
pub fn jobs(text: &str) -> Vec<Job> {
    let documents = YamlLoader::load_from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(documents.len(), 1, "{text}");
    let top = documents[0].as_hash().expect("a mapping");
    let mut stages = vec![".pre".to_owned()];
    stages.extend(documents[0]["stages"].as_vec().expect("stages").iter().filter_map(Yaml::as_str).map(str::to_owned));
    assert_eq!(documents[0]["workflow"]["rules"][0]["when"].as_str(), Some("always"));
    let mut found = Vec::new();
    for (key, value) in top {
        let name = key.as_str().unwrap_or_else(|| panic!("{key:?} is no text")).to_owned();
        if !KEYWORDS.contains(&name.as_str()) {
            found.push(Job { name, body: value.as_hash().expect("a job is a mapping").clone() });
        }
    }
    check(&found, &stages);
    check_dollars(text);
    found
}

fn check(jobs: &[Job], stages: &[String]) {
    let by_name: BTreeMap<&str, &Job> = jobs.iter().map(|it| (it.name.as_str(), it)).collect();
    assert!(jobs.iter().any(|it| it.text("stage") != ".pre"), "a pipeline of .pre alone does not run");
    let place = |job: &Job| {
        let stage = job.text("stage");
        stages.iter().position(|it| it == stage).unwrap_or_else(|| panic!("{}: no stage {stage}", job.name))
    };
    for job in jobs {
        let name = &job.name;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        assert!(name.len() <= 128 && name.chars().all(plain) && !name.starts_with('.'), "{name}");
        assert!(!RESERVED.contains(&name.as_str()), "{name}");
        assert!(job.get("needs").as_vec().is_some(), "{name} has no list of needs");
        let needs = job.list("needs");
        assert!(needs.len() <= 50, "{name} needs {}", needs.len());
        for need in needs {
            let other = by_name.get(need).unwrap_or_else(|| panic!("{name} needs {need}, which is not there"));
            assert!(place(other) <= place(job), "{name} needs {need} of a later stage");
        }
        for line in job.list("script") {
            let words: Vec<&str> = line.split(' ').collect();
            assert_eq!(words[0], "xtask", "{name}: {line}");
            let word = |it: &&str| it.chars().all(|c| c.is_ascii_alphanumeric() || "-./".contains(c));
            assert!(words.iter().all(word), "{name}: {line}");
        }
    }
    no_circle(&by_name);
}

fn no_circle(by_name: &BTreeMap<&str, &Job>) {
    let mut done: BTreeSet<&str> = BTreeSet::new();
    while done.len() < by_name.len() {
        let ready = by_name
            .iter()
            .filter(|(name, job)| !done.contains(**name) && job.list("needs").iter().all(|it| done.contains(*it)));
        let ready: Vec<&str> = ready.map(|(name, _)| *name).collect();
        assert!(!ready.is_empty(), "jobs wait for each other");
        done.extend(ready);
    }
}

/// Every `$` is one of ours.
fn check_dollars(text: &str) {
    for (at, _) in text.match_indices('$') {
        let ours = ["$CI_PROJECT_DIR/target/uv-cache", "$CI_REGISTRY_IMAGE/xtask:latest"];
        assert!(ours.iter().any(|it| text[at..].starts_with(it)), "{}", &text[at..text.len().min(at + 40)]);
    }
}
