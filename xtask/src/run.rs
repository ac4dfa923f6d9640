//! Runs a plan: the only loop over jobs.
//!
//! Work is a graph of nodes (provide a tool, make an environment, run a stage); threads take what is ready, most
//! urgent first. Must not know what a stage does, nor print: it tells the view what begins and what has ended.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use camino::Utf8PathBuf;

use crate::context::Context;
use crate::discover::{Project, Repo};
use crate::environments::{self, Kind};
use crate::live::Live;
use crate::plan::Plan;
use crate::stages::{self, Run, Stage};
use crate::tools::{Tool, Tools};
use crate::verdict::{Case, Outcome, Verdict};
use crate::{proc, waivers};

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

/// How to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many nodes at once.
    pub jobs: usize,
    /// Stop at the first red verdict.
    pub fail_fast: bool,
    /// Is this a CI machine?
    pub ci: bool,
}

/// One piece of work.
enum Node<'a> {
    Tool(Tool),
    Environment(&'a Project, Kind),
    Each(&'static Stage, &'a Project),
    Batch(&'static Stage, Vec<&'a Project>),
}

/// The work of a plan and who waits for whom.
struct Graph<'a> {
    nodes: Vec<Node<'a>>,
    /// For each node, the nodes it waits for.
    waits: Vec<BTreeSet<usize>>,
    /// Seconds of work, roughly, on the longest way from here to the end.
    urgency: Vec<u32>,
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

/// Runs everything in the plan and returns a record for each job, in the order of the plan.
pub fn run(
    repo: &Repo,
    tools: &Tools,
    plan: &Plan,
    out: &camino::Utf8Path,
    options: &Options,
    live: &Live,
) -> Vec<Record> {
    let graph = Graph::of(plan);
    let selected: BTreeSet<String> = plan.jobs.iter().map(|job| job.project.name.clone()).collect();
    let selected: Vec<String> = selected.into_iter().collect();
    let state = Mutex::new(State::default());
    let changed = Condvar::new();
    let worker = || {
        while let Some(index) = next(&graph, &state, &changed) {
            let records = perform(repo, tools, &graph, index, out, options, &selected, &state, live);
            let mut state = lock(&state);
            state.done.insert(index);
            for record in records {
                if options.fail_fast && record.verdict.outcome() >= Outcome::Fail {
                    state.stopping = true;
                }
                live.finished(&record);
                state.records.insert((record.project.clone(), record.stage.name), record);
            }
            changed.notify_all();
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..options.jobs.max(1) {
            scope.spawn(worker);
        }
    });

    let mut state = state.into_inner().unwrap_or_else(PoisonError::into_inner);
    let records = plan.jobs.iter().map(|job| {
        state.records.remove(&(job.project.name.clone(), job.stage.name)).unwrap_or_else(|| {
            let why = if proc::cancelled() {
                "cancelled"
            } else {
                "not started: the run stopped at the first failure (--fail-fast)"
            };
            let verdict = Verdict::one(if proc::cancelled() {
                Case::error("cancelled", why)
            } else {
                Case::skip(job.stage.name, why)
            });
            record(job.stage, job.project, verdict, Duration::ZERO, out, repo)
        })
    });
    records.collect()
}

/// Waits for a node that is ready and takes it; `None` when there is nothing left.
fn next(graph: &Graph, state: &Mutex<State>, changed: &Condvar) -> Option<usize> {
    let mut guard = lock(state);
    loop {
        if guard.stopping || proc::cancelled() || guard.started.len() == graph.nodes.len() {
            return None;
        }
        let ready = (0..graph.nodes.len()).filter(|index| {
            !guard.started.contains(index) && graph.waits[*index].iter().all(|it| guard.done.contains(it))
        });
        if let Some(index) = ready.max_by_key(|index| (graph.urgency[*index], std::cmp::Reverse(*index))) {
            guard.started.insert(index);
            return Some(index);
        }
        guard = changed.wait_timeout(guard, Duration::from_millis(200)).unwrap_or_else(PoisonError::into_inner).0;
    }
}

#[allow(clippy::too_many_arguments, reason = "the one place where everything meets; a struct would only rename it")]
fn perform(
    repo: &Repo,
    tools: &Tools,
    graph: &Graph,
    index: usize,
    out: &camino::Utf8Path,
    options: &Options,
    selected: &[String],
    state: &Mutex<State>,
    live: &Live,
) -> Vec<Record> {
    let context = |stage: &'static str, log: &str| Context {
        repo,
        tools,
        out: out.to_owned(),
        stage,
        log: out.join("logs").join(format!("{log}.log")),
        ci: options.ci,
        selected,
    };
    let started = Instant::now();
    let node = &graph.nodes[index];
    live.started(&node.label());
    let records = match node {
        Node::Tool(tool) => {
            let result = guarded(|| tools.provide(&repo.config, *tool, &|text| live.say(text)));
            note_broken(state, index, result, "");
            Vec::new()
        }
        Node::Environment(project, kind) => {
            let log = format!("{}.environment-{}", project.name, if *kind == Kind::Dev { "dev" } else { "runtime" });
            let ctx = context("environment", &log);
            let result = guarded(|| environments::make(&ctx, project, *kind));
            note_broken(state, index, result, &format!("; log: target/ci/logs/{log}.log"));
            Vec::new()
        }
        Node::Each(stage, project) => {
            if let Some(blocked) = blocked(state, stage, project) {
                vec![Record { blocked: true, ..record(stage, project, blocked, Duration::ZERO, out, repo) }]
            } else {
                let ctx = context(stage.name, &format!("{}.{}", project.name, stage.name));
                let result = match (broken_tool(graph, index, state), stage.run) {
                    (Some(why), _) => Err(anyhow::anyhow!(why)),
                    (None, Run::Each(function)) => guarded(|| function(&ctx, project)),
                    (None, _) => Err(anyhow::anyhow!("{} does not run for one project", stage.name)),
                };
                vec![finish(stage, project, result, started.elapsed(), out, repo)]
            }
        }
        Node::Batch(stage, projects) => {
            let ctx = context(stage.name, stage.name);
            let result = match (broken_tool(graph, index, state), stage.run) {
                (Some(why), _) => Err(anyhow::anyhow!(why)),
                (None, Run::Batch(function)) => guarded(|| function(&ctx, projects)),
                (None, _) => Err(anyhow::anyhow!("{} does not run as a batch", stage.name)),
            };
            split(stage, projects, result, started.elapsed(), &ctx)
        }
    };
    live.ended(&node.label());
    records
}

/// The verdicts of a batch as one record for each project; all share the batch's log.
fn split(
    stage: &'static Stage,
    projects: &[&Project],
    result: Result<Vec<Verdict>>,
    elapsed: Duration,
    ctx: &Context,
) -> Vec<Record> {
    let verdicts: Vec<Result<Verdict>> = match result {
        Ok(verdicts) if verdicts.len() == projects.len() => verdicts.into_iter().map(Ok).collect(),
        Ok(_) => projects.iter().map(|_| Err(anyhow::anyhow!("{} left out a project", stage.name))).collect(),
        Err(error) => projects.iter().map(|_| Err(anyhow::anyhow!("{error:#}"))).collect(),
    };
    let finished = projects.iter().zip(verdicts).map(|(project, verdict)| {
        let log = ctx.out.join("logs").join(format!("{}.{}.log", project.name, stage.name));
        // A log that cannot be copied is still there under the stage's name.
        let _ = std::fs::copy(&ctx.log, &log);
        finish(stage, project, verdict, elapsed, &ctx.out, ctx.repo)
    });
    finished.collect()
}

fn finish(
    stage: &'static Stage,
    project: &Project,
    result: Result<Verdict>,
    elapsed: Duration,
    out: &camino::Utf8Path,
    repo: &Repo,
) -> Record {
    let mut verdict = result.unwrap_or_else(|error| {
        let text = format!("{error:#}");
        let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
        Verdict::one(Case::error(stage.name, first).detail(rest))
    });
    waivers::apply(&mut verdict, repo, project, stage.name, waivers::today());
    record(stage, project, verdict, elapsed, out, repo)
}

fn record(
    stage: &'static Stage,
    project: &Project,
    verdict: Verdict,
    elapsed: Duration,
    out: &camino::Utf8Path,
    repo: &Repo,
) -> Record {
    let log = out.join("logs").join(format!("{}.{}.log", project.name, stage.name));
    let log = log.strip_prefix(&repo.root).map(ToOwned::to_owned).unwrap_or(log);
    Record { project: project.name.clone(), dir: project.dir.clone(), stage, verdict, elapsed, log, blocked: false }
}

/// The verdict of a job that must not run because a need of it is red.
fn blocked(state: &Mutex<State>, stage: &Stage, project: &Project) -> Option<Verdict> {
    let state = lock(state);
    let red: Vec<&str> = stage
        .needs
        .iter()
        .copied()
        .filter(|need| {
            let record = state.records.get(&(project.name.clone(), *need));
            record
                .is_some_and(|it| it.blocked || (it.verdict.outcome() >= Outcome::Fail && !it.verdict.is_not_checked()))
        })
        .collect();
    let (verb, list) = (if red.len() == 1 { "is" } else { "are" }, red.join(", "));
    (!red.is_empty()).then(|| Verdict::one(Case::skip(stage.name, format!("needs {list}, which {verb} not green"))))
}

/// Why a tool or environment that this node waits for is not there.
fn broken_tool(graph: &Graph, index: usize, state: &Mutex<State>) -> Option<String> {
    let state = lock(state);
    graph.waits[index].iter().find_map(|it| state.broken.get(it).cloned())
}

fn note_broken(state: &Mutex<State>, index: usize, result: Result<()>, hint: &str) {
    if let Err(error) = result {
        lock(state).broken.insert(index, format!("{error:#}{hint}"));
    }
}

/// A stage that panics is a stage that could not do its work; the others go on.
fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        Err(anyhow::anyhow!("xtask itself failed: {}", text.unwrap_or("a panic without words")))
    })
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Node<'_> {
    fn label(&self) -> String {
        match self {
            Node::Tool(tool) => format!("fetch {}", tool.name()),
            Node::Environment(project, _) => format!("environment {}", project.name),
            Node::Each(stage, project) => format!("{} {}", stage.name, project.name),
            Node::Batch(stage, projects) if projects.len() == 1 => format!("{} {}", stage.name, projects[0].name),
            Node::Batch(stage, projects) => format!("{} of {} projects", stage.name, projects.len()),
        }
    }

    /// Seconds of work, roughly: only the order in which ready nodes are taken depends on it.
    fn cost(&self) -> u32 {
        match self {
            Node::Tool(_) => 5,
            Node::Environment(..) => 1,
            Node::Each(stage, _) => match stage.name {
                "docker-build" => 60,
                "pages" | "pytest" => 3,
                "build" | "sbom" => 2,
                _ => 1,
            },
            Node::Batch(stage, projects) => match stage.name {
                "semgrep" => 3 + projects.len() as u32 / 10,
                "bandit" => 1 + projects.len() as u32 / 3,
                "radon" => 1 + projects.len() as u32 / 4,
                _ => 1,
            },
        }
    }
}

impl<'a> Graph<'a> {
    fn of(plan: &Plan<'a>) -> Graph<'a> {
        let mut graph = Graph { nodes: Vec::new(), waits: Vec::new(), urgency: Vec::new() };
        let mut preparations: BTreeMap<String, usize> = BTreeMap::new();
        let mut jobs: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let mut batches: BTreeMap<&str, Vec<&'a Project>> = BTreeMap::new();
        for job in &plan.jobs {
            match job.stage.run {
                Run::Batch(_) => batches.entry(job.stage.name).or_default().push(job.project),
                _ => {
                    let index = graph.add(Node::Each(job.stage, job.project));
                    jobs.insert((job.stage.name, &job.project.name), index);
                }
            }
        }
        for (name, projects) in batches {
            let stage = &stages::STAGES[stages::position(name)];
            let index = graph.add(Node::Batch(stage, projects.clone()));
            jobs.extend(projects.iter().map(|project| ((name, project.name.as_str()), index)));
        }
        for job in &plan.jobs {
            let index = jobs[&(job.stage.name, job.project.name.as_str())];
            for tool in job.stage.tools {
                let it = *preparations.entry(tool.name().to_owned()).or_insert_with(|| graph.add(Node::Tool(*tool)));
                graph.waits[index].insert(it);
            }
            for kind in job.stage.environments {
                let key = format!("{kind:?} {}", job.project.name);
                let it = *preparations.entry(key).or_insert_with(|| graph.add(Node::Environment(job.project, *kind)));
                graph.waits[index].insert(it);
            }
            for need in job.stage.needs {
                if let Some(it) = jobs.get(&(*need, job.project.name.as_str())) {
                    graph.waits[index].insert(*it);
                }
            }
        }
        graph.weigh();
        graph
    }

    fn add(&mut self, node: Node<'a>) -> usize {
        self.nodes.push(node);
        self.waits.push(BTreeSet::new());
        self.nodes.len() - 1
    }

    /// Longest way to the end for every node. The table's needs have no cycle (a test says so), so this ends.
    fn weigh(&mut self) {
        self.urgency = self.nodes.iter().map(Node::cost).collect();
        loop {
            let mut changed = false;
            for index in 0..self.nodes.len() {
                for wait in self.waits[index].clone() {
                    let through = self.urgency[index] + self.nodes[wait].cost();
                    if through > self.urgency[wait] {
                        self.urgency[wait] = through;
                        changed = true;
                    }
                }
            }
            if !changed {
                return;
            }
        }
    }
}
