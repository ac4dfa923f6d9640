//! Runs a plan: the only loop over jobs.
//!
//! Threads take from the graph what is ready, most urgent first. Must not know what a stage does, nor print: it tells
//! the view what begins and what has ended.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};
use camino::{Utf8Path, Utf8PathBuf};

use crate::context::Context;
use crate::discover::{Project, Repo};
use crate::graph::{Graph, Node};
use crate::live::Live;
use crate::plan::{Job, Plan};
use crate::stages::{Run, Stage};
use crate::tools::Tools;
use crate::verdict::{Case, Outcome, Verdict};
use crate::verdicts::Outside;
use crate::{environments, proc, waivers};

/// The rule of the one case of a job that a cancelled run did not start.
pub const CANCELLED: &str = "cancelled";

/// One job of a plan and the project that it is about.
#[derive(Debug, Clone, Copy)]
pub struct Todo<'a> {
    pub stage: &'static Stage,
    pub project: &'a Project,
}

/// The jobs of a plan with their projects.
///
/// # Errors
/// When a project of the plan is not there, or has no lock that can be read.
pub fn todo<'a>(repo: &'a Repo, plan: &Plan) -> Result<Vec<Todo<'a>>> {
    let of = |job: &Job| -> Result<Todo<'a>> {
        let project = repo.project(&job.project).or_else(|error| {
            let dir = plan.projects.iter().find(|it| it.name == job.project).map(|it| &it.dir);
            match dir.filter(|it| !repo.abs(it).join("pyproject.toml").exists()) {
                Some(dir) => bail!(
                    "{} is in the plan, and {dir} is not checked out; run `git sparse-checkout add {dir}`, or name the \
                     projects with --project",
                    job.project
                ),
                None => Err(error),
            }
        })?;
        project.lock()?;
        Ok(Todo { stage: job.stage, project })
    };
    plan.jobs.iter().map(of).collect()
}

/// What became of one job.
#[derive(Debug, Clone)]
pub struct Record {
    /// The project's name.
    pub project: String,
    /// The project's directory, repo-relative.
    pub dir: Utf8PathBuf,
    pub stage: &'static Stage,
    pub verdict: Verdict,
    /// Wall time; for a batch, that of the whole batch.
    pub elapsed: Duration,
    /// The log, relative to the repository root.
    pub log: Utf8PathBuf,
    /// It did not run because something it needs failed.
    pub blocked: bool,
}

impl Record {
    /// Must what needs it not run? What could not be checked on this machine holds nothing back.
    pub fn holds_back(&self) -> bool {
        self.blocked || (self.verdict.outcome() >= Outcome::Fail && !self.verdict.is_not_checked())
    }
}

/// How to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many nodes at once.
    pub jobs: usize,
    /// Stop at the first red verdict.
    pub fail_fast: bool,
    /// Is this a CI machine?
    pub ci: bool,
    /// What other jobs of the same run have done.
    pub outside: Outside,
    /// The tags of images, by project.
    pub tags: BTreeMap<String, String>,
}

/// Everything that the threads of a run share.
struct Session<'a> {
    repo: &'a Repo,
    tools: &'a Tools,
    graph: Graph<'a>,
    out: &'a Utf8Path,
    options: &'a Options,
    selected: Vec<String>,
    stages: Vec<&'static str>,
    live: &'a Live,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    started: BTreeSet<usize>,
    done: BTreeSet<usize>,
    /// Why a preparation failed.
    broken: BTreeMap<usize, String>,
    records: BTreeMap<(String, &'static str), Record>,
    stopping: bool,
}

/// Runs all jobs and returns a record for each, in the same order.
pub fn run(repo: &Repo, tools: &Tools, todo: &[Todo], out: &Utf8Path, options: &Options, live: &Live) -> Vec<Record> {
    let outside = &options.outside;
    let ours = todo.iter().map(|job| job.project.name.clone());
    let selected: BTreeSet<String> = ours.chain(outside.projects.iter().cloned()).collect();
    let stages: BTreeSet<&'static str> =
        todo.iter().map(|job| job.stage.name).chain(outside.stages.iter().copied()).collect();
    let session = Session {
        repo,
        tools,
        graph: Graph::of(todo),
        out,
        options,
        selected: selected.into_iter().collect(),
        stages: stages.into_iter().collect(),
        live,
        state: Mutex::default(),
        changed: Condvar::new(),
    };
    std::thread::scope(|scope| {
        for _ in 0..options.jobs.max(1) {
            scope.spawn(|| session.work());
        }
    });

    let mut records = std::mem::take(&mut session.lock().records);
    let of_job = todo.iter().map(|job| {
        let verdict = if proc::cancelled() {
            Verdict::one(Case::error(CANCELLED, "cancelled before it was started"))
        } else {
            Verdict::not_started("the run stopped at the first failure (--fail-fast)")
        };
        records
            .remove(&(job.project.name.clone(), job.stage.name))
            .unwrap_or_else(|| session.record(job.stage, job.project, verdict, Duration::ZERO))
    });
    of_job.collect()
}

impl Session<'_> {
    /// What each thread does: take what is ready until nothing is left.
    fn work(&self) {
        while let Some(index) = self.next() {
            let label = self.graph.nodes[index].label();
            self.live.started(&label);
            let records = self.perform(index);
            self.live.ended(&label);
            let mut state = self.lock();
            state.done.insert(index);
            for record in records {
                state.stopping |= self.options.fail_fast && record.verdict.outcome() >= Outcome::Fail;
                self.live.finished(&record);
                state.records.insert((record.project.clone(), record.stage.name), record);
            }
            self.changed.notify_all();
        }
    }

    /// Waits for a node that is ready and takes it; `None` when there is nothing left to take.
    fn next(&self) -> Option<usize> {
        let graph = &self.graph;
        let mut state = self.lock();
        loop {
            if state.stopping || proc::cancelled() || state.started.len() == graph.nodes.len() {
                return None;
            }
            let ready = (0..graph.nodes.len()).filter(|index| {
                !state.started.contains(index) && graph.waits[*index].iter().all(|it| state.done.contains(it))
            });
            if let Some(index) = ready.max_by_key(|index| (graph.urgency[*index], std::cmp::Reverse(*index))) {
                state.started.insert(index);
                return Some(index);
            }
            // The time limit is for Ctrl-C, which wakes nobody.
            let waited = self.changed.wait_timeout(state, Duration::from_millis(200));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn perform(&self, index: usize) -> Vec<Record> {
        let started = Instant::now();
        match &self.graph.nodes[index] {
            Node::Tool(tool) => {
                let say = |text: &str| self.live.say(text);
                self.prepared(index, "", guarded(|| self.tools.provide(&self.repo.config, *tool, &say)))
            }
            Node::Environment(project, kind) => {
                let log = format!("{}.environment-{}", project.name, kind.word());
                let ctx = self.context("environment", &log);
                let hint = format!("; log: target/ci/logs/{log}.log");
                self.prepared(index, &hint, guarded(|| environments::make(&ctx, project, *kind)))
            }
            Node::Each(stage, project) => {
                if let Some(verdict) = self.blocked(stage, project) {
                    return vec![Record { blocked: true, ..self.record(stage, project, verdict, Duration::ZERO) }];
                }
                let ctx = self.context(stage.name, &format!("{}.{}", project.name, stage.name));
                let result = self.unbroken(index).and_then(|()| match stage.run {
                    Run::Each(function) => guarded(|| function(&ctx, project)),
                    _ => bail!("{} does not run for one project", stage.name),
                });
                vec![self.judged(stage, project, result, started.elapsed())]
            }
            Node::Batch(stage, projects) => {
                let ctx = self.context(stage.name, stage.name);
                let result = self.unbroken(index).and_then(|()| match stage.run {
                    Run::Batch(function) => guarded(|| function(&ctx, projects)),
                    _ => bail!("{} does not run as a batch", stage.name),
                });
                self.split(stage, projects, result, started.elapsed(), &ctx.log)
            }
        }
    }

    /// The verdicts of a batch as one record for each project, each with a copy of the batch's log.
    fn split(
        &self,
        stage: &'static Stage,
        projects: &[&Project],
        result: Result<Vec<Verdict>>,
        elapsed: Duration,
        log: &Utf8Path,
    ) -> Vec<Record> {
        let result = result.and_then(|verdicts| {
            if verdicts.len() != projects.len() {
                bail!("{} has {} verdicts for {} projects", stage.name, verdicts.len(), projects.len());
            }
            Ok(verdicts)
        });
        let verdicts: Vec<Result<Verdict>> = match result {
            Ok(verdicts) => verdicts.into_iter().map(Ok).collect(),
            Err(error) => projects.iter().map(|_| Err(anyhow!("{error:#}"))).collect(),
        };
        let judged = projects.iter().zip(verdicts).map(|(project, verdict)| {
            let record = self.judged(stage, project, verdict, elapsed);
            // A log that cannot be copied is still there under the stage's name.
            let _ = std::fs::copy(log, self.repo.abs(&record.log));
            record
        });
        judged.collect()
    }

    /// The record of a job that ran: an `Err` becomes an error case, waivers are applied.
    fn judged(&self, stage: &'static Stage, project: &Project, result: Result<Verdict>, elapsed: Duration) -> Record {
        let mut verdict = result.unwrap_or_else(|error| {
            let text = format!("{error:#}");
            let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
            Verdict::one(Case::error("", first).detail(rest).named(stage.name))
        });
        waivers::apply(&mut verdict, self.repo, project, stage.name, waivers::today());
        self.record(stage, project, verdict, elapsed)
    }

    fn record(&self, stage: &'static Stage, project: &Project, verdict: Verdict, elapsed: Duration) -> Record {
        let log = self.out.join("logs").join(format!("{}.{}.log", project.name, stage.name));
        let log = log.strip_prefix(&self.repo.root).map(ToOwned::to_owned).unwrap_or(log);
        let (project, dir) = (project.name.clone(), project.dir.clone());
        Record { project, dir, stage, verdict, elapsed, log, blocked: false }
    }

    fn context(&self, stage: &'static str, log: &str) -> Context<'_> {
        Context {
            repo: self.repo,
            tools: self.tools,
            out: self.out.to_owned(),
            stage,
            log: self.out.join("logs").join(format!("{log}.log")),
            ci: self.options.ci,
            selected: &self.selected,
            stages: &self.stages,
            tags: &self.options.tags,
        }
    }

    /// The verdict of a job that must not run because a need of it is red.
    fn blocked(&self, stage: &Stage, project: &Project) -> Option<Verdict> {
        let state = self.lock();
        let red = |need: &&'static str| -> Option<String> {
            let key = (project.name.clone(), *need);
            let here = state.records.get(&key).is_some_and(Record::holds_back).then(|| (*need).to_owned());
            here.or_else(|| self.options.outside.red.get(&key).cloned())
        };
        let red: Vec<String> = stage.needs.iter().filter_map(red).collect();
        let (verb, list) = (if red.len() == 1 { "is" } else { "are" }, red.join(", "));
        (!red.is_empty()).then(|| Verdict::one(Case::skip(stage.name, format!("needs {list}, which {verb} not green"))))
    }

    /// Is everything there that this node waits for?
    fn unbroken(&self, index: usize) -> Result<()> {
        let state = self.lock();
        match self.graph.waits[index].iter().find_map(|it| state.broken.get(it)) {
            Some(why) => bail!("{why}"),
            None => Ok(()),
        }
    }

    fn prepared(&self, index: usize, hint: &str, result: Result<()>) -> Vec<Record> {
        if let Err(error) = result {
            self.lock().broken.insert(index, format!("{error:#}{hint}"));
        }
        Vec::new()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stage that panics is a stage that could not do its work; the others go on.
fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        Err(anyhow!("xtask itself failed: {}", text.unwrap_or("a panic without words")))
    })
}
