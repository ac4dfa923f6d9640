//! A plan handed over: written for one job of a pipeline, and read again by the `stage` that the job runs.
//!
//! Pure. The same document as `plan --json`; a part of it may be shorter (see [`Part`]), and says what other jobs of the
//! same run do. Must not decide anything: what is handed over is run as it is.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use crate::images::Image;
use crate::plan::{self, Job, Plan, Planned};
use crate::sources;
use crate::stages;
use crate::tree::spelled;

/// Reasons that take more bytes once they are written are cut in a part of a plan: a path can have thousands of characters.
const REASON: usize = 600;

/// The document, as it is read and written.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Document {
    schema: u32,
    /// Names the run that this is a part of; verdicts of another run do not count.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    run: String,
    base: Option<String>,
    head: String,
    #[serde(default)]
    base_because: String,
    #[serde(default)]
    all_because: Option<String>,
    projects: Vec<Project>,
    jobs: Vec<Entry>,
    /// Ids of jobs that run elsewhere and that jobs of this part wait for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    elsewhere: Vec<String>,
    /// Projects that other jobs of this run check.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    beside: Vec<String>,
    /// Images that nobody makes in this run, since their registry has them; by project.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    images: BTreeMap<String, Image>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Project {
    name: String,
    path: String,
    selected: bool,
    reason: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    chain: Vec<String>,
}

/// A job: in full, or its id alone when its reason is that of its project.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Entry {
    Id(String),
    Full { project: String, stage: String, reason: String },
}

/// What one job of a pipeline gets of a plan.
#[derive(Debug)]
pub struct Part<'a> {
    pub plan: &'a Plan,
    /// [`run_id`] of the whole plan.
    pub run: &'a str,
    /// Positions in the plan.
    pub jobs: &'a [usize],
    /// Positions of the jobs that run elsewhere and that these wait for.
    pub elsewhere: &'a BTreeSet<usize>,
    /// Projects that other jobs of this run check, as far as these jobs ask.
    pub beside: &'a BTreeSet<String>,
    /// Images that are in their registry already, by project.
    pub images: &'a BTreeMap<String, Image>,
}

/// A plan that was handed over.
#[derive(Debug, Clone, Default)]
pub struct Handed {
    pub plan: Plan,
    /// Empty for a whole plan.
    pub run: String,
    /// Project and stage of what runs elsewhere and is waited for.
    pub elsewhere: Vec<(String, &'static str)>,
    pub beside: Vec<String>,
    /// Images of this plan's projects that are in their registry, by project.
    pub images: BTreeMap<String, Image>,
}

/// What names the run of a plan: the same for the same plan.
pub fn run_id(plan_json: &str) -> String {
    sources::sha256(plan_json.as_bytes())[..16].to_owned()
}

/// A part of a plan in one line of ASCII without any `$`, so that nothing on its way can take it for something else.
pub fn text(part: &Part) -> String {
    let plan = part.plan;
    let names: BTreeSet<&str> = part.jobs.iter().map(|it| plan.jobs[*it].project.as_str()).collect();
    let reasons: BTreeMap<&str, &Planned> = plan.projects.iter().map(|it| (it.name.as_str(), it)).collect();
    let project = |name: &&str| {
        let it = reasons.get(name)?;
        let (name, path, reason) = (it.name.clone(), spelled(&it.dir).to_owned(), clip(&it.reason));
        Some(Project { name, path, selected: true, reason, chain: Vec::new() })
    };
    let entry = |position: &usize| {
        let job = &plan.jobs[*position];
        match reasons.get(job.project.as_str()) {
            Some(it) if *it.reason == *job.because => Entry::Id(job.id()),
            _ => Entry::Full {
                project: job.project.clone(),
                stage: job.stage.name.to_owned(),
                reason: clip(&job.because),
            },
        }
    };
    let looked_at: BTreeSet<&str> = part
        .jobs
        .iter()
        .map(|it| &plan.jobs[*it])
        .filter(|it| it.stage.name == "sbom")
        .map(|it| &*it.project)
        .collect();
    let pair = |(name, image): (&String, &Image)| (name.clone(), image.clone());
    let document = Document {
        schema: 1,
        run: part.run.to_owned(),
        base: plan.base.clone(),
        head: plan.head.clone(),
        base_because: clip(&plan.because),
        all_because: plan.everything.as_deref().map(clip),
        projects: names.iter().filter_map(project).collect(),
        jobs: part.jobs.iter().map(entry).collect(),
        elsewhere: part.elsewhere.iter().map(|it| plan.jobs[*it].id()).collect(),
        beside: part.beside.iter().cloned().collect(),
        images: part.images.iter().filter(|(name, _)| looked_at.contains(name.as_str())).map(pair).collect(),
    };
    // A value of our own without maps or floats always becomes JSON.
    ascii(&serde_json::to_string(&document).unwrap_or_default())
}

/// The same JSON with every character that is not plain ASCII, and every `$`, as `\uXXXX`.
fn ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() && c != '$' && !c.is_ascii_control() {
            out.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

/// Bytes that a character takes in a part of a plan.
fn width(c: char) -> usize {
    match c {
        '"' | '\\' => 2,
        '$' => 6,
        c if c.is_ascii() && !c.is_ascii_control() => 1,
        c => 6 * c.len_utf16(),
    }
}

fn clip(text: &str) -> String {
    let mut left = REASON;
    let end = text.char_indices().find(|(_, c)| {
        let fits = width(*c) <= left;
        left = left.saturating_sub(width(*c));
        !fits
    });
    match end {
        Some((end, _)) => format!("{} ...", &text[..end]),
        None => text.to_owned(),
    }
}

/// About the bytes that a project with so many jobs takes in a part of a plan.
pub fn weight(project: &Planned, jobs: usize) -> usize {
    let written = |text: &str| text.chars().map(width).sum::<usize>();
    // Each job is named by its project and its stage, be it one of the part or one that is waited for.
    (1 + jobs) * written(&project.name)
        + 16 * jobs
        + written(project.dir.as_str())
        + written(&project.reason).min(REASON)
        + 60
}

/// Reads what was handed over.
///
/// # Errors
/// When it is no such document, or names a stage that does not exist.
pub fn read(text: &str) -> Result<Handed> {
    let document: Document = serde_json::from_str(text).context("the plan that was handed over is none")?;
    if document.schema != 1 {
        bail!("the plan that was handed over has schema {}, and this xtask knows 1", document.schema);
    }
    let because: BTreeMap<&str, &str> =
        document.projects.iter().map(|it| (it.name.as_str(), it.reason.as_str())).collect();
    let mut jobs = Vec::new();
    for entry in &document.jobs {
        let (project, stage, reason) = match entry {
            Entry::Full { project, stage, reason } => (project.as_str(), stages::find(stage)?, reason.as_str()),
            Entry::Id(id) => {
                let (project, stage) = split(id)?;
                (project, stages::find(stage)?, because.get(project).copied().unwrap_or_default())
            }
        };
        jobs.push(Job { stage, project: project.to_owned(), because: reason.into() });
    }
    jobs.sort_by(|a, b| {
        (stages::position(a.stage.name), &a.project).cmp(&(stages::position(b.stage.name), &b.project))
    });
    let mut elsewhere = Vec::new();
    for id in &document.elsewhere {
        let (project, stage) = split(id)?;
        elsewhere.push((project.to_owned(), stages::find(stage)?.name));
    }
    let planned = |it: Project| Planned {
        name: it.name,
        dir: if it.path == "." { String::new() } else { it.path }.into(),
        selected: it.selected,
        reason: it.reason,
        chain: it.chain,
    };
    let plan = Plan {
        base: document.base,
        head: document.head,
        because: document.base_because,
        everything: document.all_because,
        projects: document.projects.into_iter().map(planned).collect(),
        jobs,
        ..Plan::default()
    };
    Ok(Handed { plan, run: document.run, elsewhere, beside: document.beside, images: document.images })
}

fn split(id: &str) -> Result<(&str, &str)> {
    id.rsplit_once('.').with_context(|| format!("`{id}` in the plan that was handed over is no PROJECT.STAGE"))
}

impl Handed {
    /// The same with only these stages (and those whose files they read) of only these projects; empty lists mean all.
    ///
    /// # Errors
    /// When a stage does not exist, or the plan has no such project.
    pub fn only(mut self, stages: &[String], projects: &[String]) -> Result<Handed> {
        let mut named = BTreeSet::new();
        for name in stages {
            named.insert(stages::find(name)?.name);
        }
        let known = self.plan.projects.iter().map(|it| (it.name.as_str(), it.dir.as_path()));
        let whose = plan::find(known, projects, "the plan that was handed over has no project")?;
        let asked = |it: &Job| {
            (named.is_empty() || named.contains(it.stage.name)) && (whose.is_empty() || whose.contains(&it.project))
        };
        let taken: BTreeSet<(String, &str)> = self
            .plan
            .jobs
            .iter()
            .filter(|it| asked(it))
            .flat_map(|job| job.stage.takes.iter().map(|it| (job.project.clone(), *it)))
            .collect();
        self.plan.jobs.retain(|it| asked(it) || taken.contains(&(it.project.clone(), it.stage.name)));
        Ok(self)
    }
}
