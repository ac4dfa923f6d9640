//! A parsed file as a pipeline: its keywords, its jobs with what they extend, its stages. Pure.

use std::collections::HashMap;

use super::extends;
use super::rules::YAML_SIZE;
use super::tree::Node;
use super::{Found, Options};

/// Top-level keys that are no jobs.
pub const KEYWORDS: &[&str] = &[
    "after_script",
    "before_script",
    "cache",
    "default",
    "image",
    "include",
    "services",
    "spec",
    "stages",
    "variables",
    "workflow",
];

/// What GitLab has where `stages` is not said.
const STAGES: &[&str] = &["build", "test", "deploy"];

/// Bytes in memory that all jobs may have with what they extend: GitLab's limit is on the file without that, and no pipeline
/// that is meant comes near.
const MOST_EXTENDED: usize = 64 * 1024 * 1024;

/// A job that is not hidden.
#[derive(Debug)]
pub struct Job {
    pub name: String,
    /// Is the name a text in the file?
    pub named: bool,
    /// Its keywords, with those of what it extends.
    pub node: Node,
    pub stage: String,
}

/// A file as a pipeline.
#[derive(Debug)]
pub struct Pipeline<'a> {
    pub text: &'a str,
    pub options: &'a Options,
    pub root: &'a Node,
    pub jobs: Vec<Job>,
    /// Names of the hidden jobs.
    pub hidden: Vec<String>,
    /// Every stage in its order, with `.pre` and `.post`.
    pub stages: Vec<String>,
    /// Is there more than can be seen: an `include`, or the pipeline into which a component is put?
    pub open: bool,
    /// Is it a component?
    pub component: bool,
    index: HashMap<String, usize>,
}

impl<'a> Pipeline<'a> {
    pub(super) fn of(
        root: &'a Node,
        component: bool,
        text: &'a str,
        options: &'a Options,
        found: &mut Found,
    ) -> Pipeline<'a> {
        let mut open = component || root.get("include").is_some();
        let mut named = Vec::new();
        let mut hidden = Vec::new();
        for (key, node) in root.entries() {
            let name = key.word();
            if name.starts_with('.') {
                hidden.push(name);
            } else if !KEYWORDS.contains(&name.as_str()) {
                named.push((name, key.text().is_some(), node));
            }
        }
        let templates: HashMap<String, &Node> = root.entries().iter().map(|(key, node)| (key.word(), node)).collect();
        let mut known = extends::Resolved::new();
        let mut jobs: Vec<Job> = Vec::new();
        let mut size = 0;
        for (name, named, node) in named {
            if size > MOST_EXTENDED {
                let message =
                    format!("about {size} bytes once templates are in their jobs; what follows was not looked at");
                found.add(YAML_SIZE, &[&name], message);
                open = true;
                break;
            }
            let node = extends::resolve(&name, node, &templates, open, &mut known, found);
            size += node.ruby_size();
            let stage = node.get("stage").map_or_else(|| "test".to_owned(), Node::word);
            jobs.push(Job { name, named, node, stage });
        }
        let index = jobs.iter().enumerate().map(|(place, job)| (job.name.clone(), place)).collect();
        let declared = root.get("stages").map(|it| it.items().into_iter().map(Node::word).collect());
        let middle = declared.unwrap_or_else(|| STAGES.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
        let inner = middle.into_iter().filter(|it| it != ".pre" && it != ".post");
        let stages = [".pre".to_owned()].into_iter().chain(inner).chain([".post".to_owned()]).collect();
        Pipeline { text, options, root, jobs, hidden, stages, open, component, index }
    }

    /// The job of this name, also where the name is that of one of its `parallel` copies.
    pub fn job(&self, name: &str) -> Option<usize> {
        if let Some(place) = self.index.get(name) {
            return Some(*place);
        }
        let copies = |place: &usize| self.jobs[*place].node.get("parallel").is_some();
        let cut = name.rfind(": [").or_else(|| name.rfind(' '))?;
        self.index.get(&name[..cut]).copied().filter(copies)
    }

    /// The place of a stage in the order, where its order is known.
    pub fn order(&self, stage: &str) -> Option<usize> {
        let unknown = self.open && self.root.get("stages").is_none();
        if unknown { None } else { self.stages.iter().position(|it| it == stage) }
    }
}

impl Job {
    /// Does it start another pipeline?
    pub fn is_trigger(&self) -> bool {
        self.node.get("trigger").is_some() || self.node.at(&["needs", "pipeline"]).is_some()
    }

    /// What it needs in this pipeline: name, and whether it may be missing.
    pub fn needs(&self) -> Vec<(&str, bool)> {
        let entries = self.node.get("needs").map(Node::items).unwrap_or_default();
        fn one(entry: &Node) -> Option<(&str, bool)> {
            if let Some(name) = entry.text() {
                return Some((name, false));
            }
            if entry.get("pipeline").is_some() || entry.get("project").is_some() {
                return None;
            }
            Some((entry.get("job")?.text()?, entry.get("optional") == Some(&Node::Bool(true))))
        }
        entries.into_iter().filter_map(one).collect()
    }
}
