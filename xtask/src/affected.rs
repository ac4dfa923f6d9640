//! What a change can affect: the stages whose list of inputs differs between two revisions, and why.
//!
//! Pure. Every changed path must be accounted for; one that is nobody's selects everything. Must not know where the
//! revisions come from.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use glob::Pattern;

use crate::config::NoInput;
use crate::inputs::{self, Line, Part};
use crate::locked::Scope;
use crate::side::{Project, Side, shown};
use crate::stages::{Run, STAGES, Stage};
use crate::tree::Change;

/// Why something is selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// In one line.
    pub text: String,
    /// From the change to the project, step by step.
    pub chain: Vec<String>,
}

/// What a change can affect.
#[derive(Debug, Clone, Default)]
pub struct Affected {
    /// Why everything is selected, when it is.
    pub everything: Option<String>,
    /// For each project that is affected, its stages in the order of the table.
    pub projects: BTreeMap<String, Vec<(&'static Stage, Reason)>>,
}

/// Whose input a changed path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// A file of this project.
    Project(String),
    /// Of the policy, a lock, or what else is read above or beside the projects.
    Shared(String),
    /// Nobody's, by this rule of the settings: its number and reason.
    Nobody(usize, String),
    /// Nobody knows.
    Unknown,
}

/// The rules that name paths nobody's input.
#[derive(Debug, Clone, Default)]
pub struct Rules(Vec<(Vec<Pattern>, String)>);

impl Rules {
    /// From `[[no-input]]` of the settings.
    ///
    /// # Errors
    /// When a path is no glob.
    pub fn new(rules: &[NoInput]) -> Result<Rules> {
        let of = |rule: &NoInput| -> Result<(Vec<Pattern>, String)> {
            let pattern = |it: &String| Pattern::new(it).with_context(|| format!("`{it}` in [[no-input]] is no glob"));
            Ok((rule.paths.iter().map(pattern).collect::<Result<_>>()?, rule.reason.clone()))
        };
        Ok(Rules(rules.iter().map(of).collect::<Result<_>>()?))
    }

    fn find(&self, path: &Utf8Path) -> Option<(usize, &str)> {
        let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::new() };
        let at = self.0.iter().position(|(all, _)| all.iter().any(|it| it.matches_with(path.as_str(), options)))?;
        Some((at, &self.0[at].1))
    }
}

/// Two revisions and what differs.
pub struct Comparison<'a> {
    pub base: &'a Side,
    pub head: &'a Side,
    pub changes: &'a [Change],
    pub rules: &'a Rules,
    /// Paths beside the projects that some list holds, in either revision.
    beside: BTreeSet<Utf8PathBuf>,
    /// The stages whose policy differs.
    policy: Vec<&'static Stage>,
}

impl<'a> Comparison<'a> {
    /// Prepares a comparison.
    pub fn new(base: &'a Side, head: &'a Side, changes: &'a [Change], rules: &'a Rules) -> Comparison<'a> {
        let mut beside = BTreeSet::new();
        for side in [base, head] {
            for project in &side.projects {
                beside.extend(inputs::paths_above(project));
                beside.insert(project.lock_dir.join("uv.lock"));
                if !project.facts.inputs.is_empty() || !project.facts.archives.is_empty() {
                    beside.extend(inputs::extra(side, project).into_iter().map(|(path, _)| Utf8PathBuf::from(path)));
                }
                for need in project.needs.iter().filter(|it| side.project_in(&it.dir).is_none()) {
                    beside.extend(side.tree.under(&need.dir).map(|(path, _)| path.to_owned()));
                }
            }
            for path in side.links.keys().filter(|it| side.owner(it).is_some()) {
                beside.extend(inputs::behind(side, path));
            }
        }
        let differs = |stage: &&Stage| {
            base.policy.lines(stage, &base.tree) != head.policy.lines(stage, &head.tree)
                || base.policy.own(stage) != head.policy.own(stage)
        };
        let policy = STAGES.iter().filter(differs).collect();
        Comparison { base, head, changes, rules, beside, policy }
    }

    /// Whose input a path is, in either revision.
    pub fn account(&self, path: &Utf8Path) -> Account {
        if let Some(project) = self.head.owner(path).or_else(|| self.base.owner(path)) {
            return Account::Project(project.name.clone());
        }
        if self.beside.contains(path) {
            return Account::Shared("read by projects beside it".to_owned());
        }
        if [self.base, self.head].iter().any(|side| side.policy.knows(path, STAGES)) {
            return Account::Shared("policy".to_owned());
        }
        match self.rules.find(path) {
            Some((number, reason)) => Account::Nobody(number, reason.to_owned()),
            None => Account::Unknown,
        }
    }

    /// What the change can affect.
    pub fn affected(&self) -> Affected {
        let unknown = self.changes.iter().find(|it| self.account(&it.path) == Account::Unknown);
        if let Some(change) = unknown {
            return everything(
                self.head,
                &format!(
                    "{} is in nobody's list, and no rule of [[no-input]] in ci/xtask.toml names it nobody's",
                    change.path
                ),
            );
        }
        let mut affected = Affected::default();
        for project in &self.head.projects {
            let stages = self.stages_of(project);
            if !stages.is_empty() {
                affected.projects.insert(project.name.clone(), stages);
            }
        }
        affected
    }

    /// The stages of a project that are affected.
    fn stages_of(&self, project: &Project) -> Vec<(&'static Stage, Reason)> {
        let stages = STAGES.iter().filter(|it| !matches!(it.run, Run::Manual));
        let Some(before) = self.base.project(&project.name) else {
            let chain = vec![project.dir.join("pyproject.toml").into_string(), project.name.clone()];
            let reason = Reason { text: "a new project".to_owned(), chain };
            return stages.map(|it| (it, reason.clone())).collect();
        };
        let touched = self.is_touched(before) || self.is_touched(project);
        let policy_changed = self.base.policy.settings != self.head.policy.settings;
        let mut found = Vec::new();
        for stage in stages {
            if !touched && !policy_changed && !self.policy.iter().any(|it| it.name == stage.name) {
                continue;
            }
            let old = inputs::list(self.base, before, stage);
            let new = inputs::list(self.head, project, stage);
            if old != new {
                found.push((stage, self.reason(before, project, &old, &new)));
            }
        }
        found
    }

    /// May any list of this project differ but for the policy? Cheap, and never wrong in saying no.
    fn is_touched(&self, project: &Project) -> bool {
        let is_in = |dir: &Utf8Path| {
            if dir.as_str().is_empty() {
                return !self.changes.is_empty();
            }
            let prefix = format!("{dir}/");
            let at = self.changes.partition_point(|it| it.path.as_str() < prefix.as_str());
            self.changes.get(at).is_some_and(|it| it.path.as_str().starts_with(&prefix))
        };
        let is_changed =
            |path: &Utf8Path| self.changes.binary_search_by(|it| it.path.as_str().cmp(path.as_str())).is_ok();
        let side = if self.head.project(&project.name).is_some_and(|it| std::ptr::eq(it, project)) {
            self.head
        } else {
            self.base
        };
        let reaches_out = |it: &Project| {
            !it.facts.inputs.is_empty()
                || !it.facts.archives.is_empty()
                || inputs::paths_above(it).iter().any(|path| is_changed(path))
                || it.files.iter().any(|path| side.links.contains_key(path))
        };
        is_in(&project.dir)
            || is_changed(&project.lock_dir.join("uv.lock"))
            || reaches_out(project)
            || side.closure(project).keys().any(|dir| is_in(dir) || side.project_in(dir).is_some_and(reaches_out))
    }

    /// The nearest difference of two lists.
    fn reason(&self, before: &Project, project: &Project, old: &[Line], new: &[Line]) -> Reason {
        if before.dir != project.dir {
            let text = format!("moved from {} to {}", shown(&before.dir), shown(&project.dir));
            return Reason {
                text,
                chain: vec![project.dir.join("pyproject.toml").into_string(), project.name.clone()],
            };
        }
        let differences = differences(old, new);
        let way = |it: &Difference| match it.part {
            Part::Local => self.head.way(project, &self.dir_of(&it.of)).len(),
            _ => 0,
        };
        let nearest = differences.iter().min_by_key(|it| (it.part, way(it), it.state().is_none()));
        let Some(it) = nearest else {
            return Reason { text: "its list of inputs differs".to_owned(), chain: vec![project.name.clone()] };
        };
        let more = match differences.len() {
            1 => String::new(),
            n => format!(" (and {} more)", n - 1),
        };
        let (text, chain) = self.told(project, it);
        Reason { text: text + &more, chain }
    }

    /// What differs in the list of a stage of a project, a line for each, nearest first.
    pub fn differences(&self, project: &str, stage: &Stage) -> Vec<String> {
        let (Some(before), Some(after)) = (self.base.project(project), self.head.project(project)) else {
            return vec!["it is a project at one of the two revisions only".to_owned()];
        };
        let found = differences(&inputs::list(self.base, before, stage), &inputs::list(self.head, after, stage));
        found
            .iter()
            .map(|it| {
                let (text, chain) = self.told(after, it);
                format!("{text} ({})", chain.join(" -> "))
            })
            .collect()
    }

    fn dir_of(&self, name: &str) -> Utf8PathBuf {
        self.head
            .project(name)
            .or_else(|| self.base.project(name))
            .map_or_else(|| Utf8PathBuf::from(name), |it| it.dir.clone())
    }

    /// A difference in words, and the way from it to the project.
    fn told(&self, project: &Project, it: &Difference) -> (String, Vec<String>) {
        let verb = it.state().unwrap_or(match (&it.before, &it.after) {
            (None, _) => "is new",
            (_, None) => "is gone",
            _ => "changed",
        });
        match it.part {
            Part::Own => (format!("{} {verb}", it.key), vec![it.key.clone(), project.name.clone()]),
            Part::Local => {
                let mut way = self.head.way(project, &self.dir_of(&it.of));
                way.reverse();
                let key = it.key.strip_prefix("document ").unwrap_or(&it.key);
                let text = format!("{key} {verb}, which {} needs", way.get(1).unwrap_or(&project.name));
                (text, std::iter::once(it.key.clone()).chain(way).collect())
            }
            Part::Lock => self.told_of_lock(project, it, verb),
            Part::Above => (format!("{} {verb}", it.key), vec![it.key.clone(), project.name.clone()]),
            Part::Policy => {
                let key = match it.key.strip_prefix("policy ") {
                    Some(path) => path.to_owned(),
                    None => format!("{} in ci/", it.key),
                };
                (format!("{key} {verb}"), vec![key, project.name.clone()])
            }
        }
    }

    fn told_of_lock(&self, project: &Project, it: &Difference, verb: &str) -> (String, Vec<String>) {
        // Values end in a hash, which says nothing to people.
        let version = |text: &Option<String>| {
            let text = text.as_deref()?;
            Some(text.rsplit_once(' ').map_or(text, |(shown, _)| shown).to_owned())
        };
        if it.state().is_some() {
            return (format!("{} {verb}", it.of), vec![it.of.clone(), project.name.clone()]);
        }
        let Some(package) = it.key.strip_prefix("package ") else {
            return (format!("{} in {} {verb}", it.key, it.of), vec![it.of.clone(), project.name.clone()]);
        };
        let text = match (version(&it.before), version(&it.after)) {
            (Some(old), Some(new)) if old != new => format!("{package} {old} -> {new} in {}", it.of),
            (Some(old), Some(_)) => format!("{package} {old} changed in {}", it.of),
            (None, Some(new)) => format!("{package} {new} is new in {}", it.of),
            (Some(old), None) => format!("{package} {old} is gone from {}", it.of),
            (None, None) => format!("{} {verb}", it.of),
        };
        let side = if it.after.is_some() { self.head } else { self.base };
        let mut way = side
            .project(&project.name)
            .and_then(|it| side.lock(it))
            .and_then(|it| it.as_ref().ok())
            .map_or_else(Vec::new, |lock| lock.way(&project.name, Scope::Dev, package));
        way.reverse();
        if way.is_empty() {
            way = vec![package.to_owned(), project.name.clone()];
        }
        (text, std::iter::once(it.of.clone()).chain(way).collect())
    }
}

/// One key whose value differs.
#[derive(Debug)]
struct Difference {
    part: Part,
    of: String,
    key: String,
    before: Option<String>,
    after: Option<String>,
}

impl Difference {
    /// What became of the thing as a whole.
    fn state(&self) -> Option<&'static str> {
        let is = |value: &Option<String>, word: &str| value.as_deref().is_some_and(|it| it.starts_with(word));
        if is(&self.after, "missing") {
            Some("is gone")
        } else if is(&self.before, "missing") {
            Some("is new")
        } else if is(&self.after, "unreadable") || is(&self.before, "unreadable") {
            Some("cannot be read")
        } else if is(&self.after, "without") || is(&self.before, "without") {
            Some("does not know the project")
        } else {
            None
        }
    }
}

/// What differs between two sorted lists.
fn differences(old: &[Line], new: &[Line]) -> Vec<Difference> {
    let (before, after): (BTreeSet<&Line>, BTreeSet<&Line>) = (old.iter().collect(), new.iter().collect());
    type Values = (Option<String>, Option<String>);
    let mut found: BTreeMap<(Part, &str, &str), Values> = BTreeMap::new();
    for line in before.difference(&after) {
        found.entry((line.part, &line.of, &line.key)).or_default().0 = Some(line.value.clone());
    }
    for line in after.difference(&before) {
        found.entry((line.part, &line.of, &line.key)).or_default().1 = Some(line.value.clone());
    }
    let of = |((part, of, key), (before, after)): ((Part, &str, &str), _)| Difference {
        part,
        of: of.to_owned(),
        key: key.to_owned(),
        before,
        after,
    };
    found.into_iter().map(of).collect()
}

/// Everything, for one reason.
pub fn everything(head: &Side, why: &str) -> Affected {
    let reason = Reason { text: why.to_owned(), chain: Vec::new() };
    let stages: Vec<(&'static Stage, Reason)> =
        STAGES.iter().filter(|it| !matches!(it.run, Run::Manual)).map(|it| (it, reason.clone())).collect();
    let projects = head.projects.iter().map(|it| (it.name.clone(), stages.clone())).collect();
    Affected { everything: Some(why.to_owned()), projects }
}
