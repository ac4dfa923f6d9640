//! The pipeline as values that have GitLab's form, and their text.
//!
//! Pure. Only `serde_yaml` writes what is in the file; the comments between the jobs are made plain before. Must not know
//! what a job is for.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use serde::Serialize;

use super::names;

/// A pipeline, or one of several files of it.
#[derive(Debug, Clone, Default)]
pub struct Pipeline {
    /// What stands at the top, line by line.
    pub header: Vec<String>,
    /// In their order; `.pre` is always there and not among them.
    pub stages: Vec<String>,
    /// What all jobs have in common, when it is not said in each of them.
    pub common: Option<Common>,
    /// In order.
    pub entries: Vec<Entry>,
}

/// A job with its name and what is said about it.
#[derive(Debug, Clone)]
pub struct Entry {
    pub name: String,
    /// Why it is there, line by line.
    pub comment: Vec<String>,
    pub body: Body,
}

/// What an entry is.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Body {
    Job(Box<Job>),
    Trigger(Trigger),
}

/// Keywords that `default:` may have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Common {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interruptible: Option<bool>,
}

/// A job with a script.
#[derive(Debug, Clone, Serialize)]
pub struct Job {
    pub stage: String,
    #[serde(flatten)]
    pub common: Common,
    pub needs: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_failure: Option<AllowFailure>,
    pub timeout: String,
    pub variables: BTreeMap<&'static str, String>,
    pub cache: Vec<Cache>,
    pub script: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifacts: Option<Artifacts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pages: Option<Pages>,
    /// What `pages` publishes, for servers that do not know `pages:publish`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish: Option<&'static str>,
}

/// A job that starts another pipeline.
#[derive(Debug, Clone, Serialize)]
pub struct Trigger {
    pub stage: String,
    pub needs: Vec<String>,
    pub inherit: Inherit,
    pub trigger: Child,
}

#[derive(Debug, Clone, Serialize)]
pub struct Inherit {
    pub variables: bool,
}

/// Which pipeline.
#[derive(Debug, Clone, Serialize)]
pub struct Child {
    pub include: Vec<Include>,
    pub strategy: &'static str,
}

/// A file that another job has left.
#[derive(Debug, Clone, Serialize)]
pub struct Include {
    pub artifact: String,
    pub job: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Image {
    pub name: String,
    pub docker: Docker,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Docker {
    pub platform: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Retry {
    pub max: u8,
    pub when: Vec<&'static str>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum AllowFailure {
    Always(bool),
    Codes { exit_codes: Vec<i32> },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cache {
    pub key: String,
    /// What is taken where there is none of this key.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fallback_keys: Vec<String>,
    pub paths: Vec<String>,
    pub policy: &'static str,
}

#[derive(Debug, Clone, Serialize)]
pub struct Artifacts {
    pub when: &'static str,
    pub expire_in: String,
    pub paths: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reports: Option<Reports>,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct Reports {
    pub junit: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codequality: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sast: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dependency_scanning: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cyclonedx: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage_report: Option<Coverage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Coverage {
    pub coverage_format: &'static str,
    pub path: String,
}

/// Does GitLab publish what the job leaves?
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Pages {
    On(bool),
    From { publish: &'static str },
}

/// What stands above the jobs.
#[derive(Serialize)]
struct Head<'a> {
    workflow: Workflow,
    stages: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<&'a Common>,
}

#[derive(Serialize)]
struct Workflow {
    rules: Vec<Rule>,
}

#[derive(Serialize)]
struct Rule {
    when: &'static str,
}

impl Pipeline {
    /// The file's text: the same for the same pipeline.
    ///
    /// # Errors
    /// When two jobs have one name, or a value has no YAML.
    pub fn text(&self) -> Result<String> {
        let mut text = String::new();
        for line in &self.header {
            text += &format!("# {}\n", names::comment(line));
        }
        // A pipeline without such a rule, and whose jobs have none, would be dropped in merge requests.
        let workflow = Workflow { rules: vec![Rule { when: "always" }] };
        text += &serde_yaml::to_string(&Head { workflow, stages: &self.stages, default: self.common.as_ref() })?;
        let mut seen = std::collections::BTreeSet::new();
        for entry in &self.entries {
            if !seen.insert(&entry.name) {
                bail!("two jobs would be named `{}`; this is a mistake in xtask", entry.name);
            }
            text.push('\n');
            for line in &entry.comment {
                text += &format!("# {}\n", names::comment(line));
            }
            text += &serde_yaml::to_string(&BTreeMap::from([(&entry.name, &entry.body)]))?;
        }
        Ok(text)
    }

    /// Its jobs with a script.
    pub fn jobs(&self) -> impl Iterator<Item = (&str, &Job)> {
        self.entries.iter().filter_map(|it| match &it.body {
            Body::Job(job) => Some((it.name.as_str(), &**job)),
            Body::Trigger(_) => None,
        })
    }

    /// The same with what most jobs say alike said once, under `default`.
    pub fn hoisted(mut self) -> Pipeline {
        let common = self.jobs().next().map(|(_, job)| job.common.clone()).unwrap_or_default();
        for entry in &mut self.entries {
            let Body::Job(job) = &mut entry.body else { continue };
            let own = &mut job.common;
            own.image.take_if(|it| Some(&*it) == common.image.as_ref());
            own.tags.take_if(|it| Some(&*it) == common.tags.as_ref());
            own.retry.take_if(|it| Some(&*it) == common.retry.as_ref());
            own.interruptible.take_if(|it| Some(*it) == common.interruptible);
        }
        self.common = Some(common);
        self
    }
}

impl Body {
    /// The keys of its caches.
    pub fn cache_keys(&self) -> Vec<String> {
        match self {
            Body::Job(job) => job.cache.iter().map(|it| it.key.clone()).collect(),
            Body::Trigger(_) => Vec::new(),
        }
    }
}
