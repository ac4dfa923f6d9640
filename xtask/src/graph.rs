//! The work of a plan as a graph: provide a tool, make an environment, run a stage.
//!
//! Pure: a plan in, a value out. Must not run anything.

use std::collections::{BTreeMap, BTreeSet};

use crate::discover::Project;
use crate::environments::Kind;
use crate::run::Todo;
use crate::stages::{self, Run, Stage};
use crate::tools::Tool;

/// One piece of work.
#[derive(Debug)]
pub enum Node<'a> {
    Tool(Tool),
    Environment(&'a Project, Kind),
    Each(&'static Stage, &'a Project),
    Batch(&'static Stage, Vec<&'a Project>),
}

/// The work of a plan and who waits for whom.
#[derive(Debug)]
pub struct Graph<'a> {
    pub nodes: Vec<Node<'a>>,
    /// For each node, the nodes it waits for.
    pub waits: Vec<BTreeSet<usize>>,
    /// Seconds of work, roughly, on the longest way from here to the end.
    pub urgency: Vec<u32>,
}

impl Node<'_> {
    /// What the live view calls it.
    pub fn label(&self) -> String {
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
            Node::Environment(..) => ENVIRONMENT,
            Node::Each(stage, _) => cost(stage, 1),
            Node::Batch(stage, projects) => cost(stage, projects.len()),
        }
    }
}

/// Seconds, roughly, that it takes to bring an environment up to date.
pub const ENVIRONMENT: u32 = 1;

/// Seconds of work, roughly, of a stage that was never timed, on so many projects at once.
pub fn cost(stage: &Stage, projects: usize) -> u32 {
    let projects = projects as u32;
    match stage.name {
        "docker-build" => 60,
        "pages" | "pytest" => 3,
        "build" | "sbom" => 2,
        "semgrep" => 3 + projects / 10,
        "bandit" => 1 + projects / 3,
        "radon" => 1 + projects / 4,
        _ => 1,
    }
}

/// How many times longer a stage takes, roughly, on so many projects in one process than on one of them.
pub fn growth(stage: &Stage, projects: usize) -> f64 {
    match stage.run {
        Run::Batch(_) => f64::from(cost(stage, projects)) / f64::from(cost(stage, 1)),
        _ => 1.0,
    }
}

impl<'a> Graph<'a> {
    /// The work of jobs: the jobs themselves, and the tools and environments they wait for.
    pub fn of(todo: &[Todo<'a>]) -> Graph<'a> {
        let mut graph = Graph { nodes: Vec::new(), waits: Vec::new(), urgency: Vec::new() };
        let mut preparations: BTreeMap<String, usize> = BTreeMap::new();
        let mut jobs: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let mut batches: BTreeMap<&str, Vec<&'a Project>> = BTreeMap::new();
        for job in todo {
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
        for job in todo {
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
