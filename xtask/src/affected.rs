//! What a change can affect: the stages whose list of inputs differs between two revisions, and why.
//!
//! Pure. Every changed path must be accounted for; one that is nobody's selects everything. Must not know where the
//! revisions come from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use camino::{Utf8Path, Utf8PathBuf};

use crate::around::Around;
use crate::difference::{Difference, differences};
use crate::inputs::{self, Focus, Lock, Part};
use crate::locked::{Lockfile, Scope};
use crate::reach::{Reach, Reached};
use crate::rules::Rules;
use crate::side::{Project, Side, WORTH, shown};
use crate::stages::{Run, STAGES, Stage};
use crate::threads::share_out;
use crate::touched::Touched;
use crate::tree::Change;

/// Why something is selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// In one line.
    pub text: Arc<str>,
    /// From the change to the project, step by step.
    pub chain: Arc<[String]>,
}

/// What a change can affect.
#[derive(Debug, Clone, Default)]
pub struct Affected {
    /// Why everything is selected, when it is.
    pub everything: Option<String>,
    /// Changed paths that select nothing, each with the reason of the rule that allows it; sorted.
    pub nobody: BTreeMap<String, String>,
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

/// Two revisions and what differs.
pub struct Comparison<'a> {
    pub base: &'a Side,
    pub head: &'a Side,
    pub changes: &'a [Change],
    pub rules: &'a Rules,
    /// Paths beside the projects that some list holds, in either revision; found when first asked for.
    beside: OnceLock<BTreeSet<Utf8PathBuf>>,
    /// What lies around the projects of base and head; found when first asked for.
    around: OnceLock<[Around; 2]>,
    /// Do all links lead to the same in both revisions? Found when first asked for.
    links: OnceLock<bool>,
    /// The stages whose policy differs.
    policy: Vec<&'static Stage>,
    /// The only files that can differ in what they are to projects; `None` when any can.
    files: Option<&'a [Change]>,
    /// Do the settings differ?
    settings: bool,
    touched: Touched<'a>,
    reach: Reach<'a>,
}

impl<'a> Comparison<'a> {
    /// Prepares a comparison.
    pub fn new(base: &'a Side, head: &'a Side, changes: &'a [Change], rules: &'a Rules) -> Comparison<'a> {
        let same = Arc::ptr_eq(&base.policy, &head.policy);
        let differs = |stage: &&Stage| {
            !same
                && (base.policy.lines(stage, &base.tree) != head.policy.lines(stage, &head.tree)
                    || base.policy.own(stage) != head.policy.own(stage))
        };
        let policy = STAGES.iter().filter(differs).collect();
        let touched = Touched::of(base, head, changes);
        // As long as nobody's directory has changed, a file that has not changed is to everyone what it was.
        let files = base.same_dirs(head).then_some(changes);
        let reach = Reach::of(base, head, &touched.dirs, files);
        let (beside, around, links) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        let settings = !same && base.policy.settings != head.policy.settings;
        Comparison { base, head, changes, rules, beside, around, links, policy, files, settings, touched, reach }
    }

    fn beside(&self) -> &BTreeSet<Utf8PathBuf> {
        self.beside.get_or_init(|| {
            let mut beside = BTreeSet::new();
            for side in [self.base, self.head] {
                for project in &side.projects {
                    if project.facts.names_others() {
                        let outside = project.facts.outside.iter().flat_map(|it| inputs::outside(side, project, it));
                        let extra = inputs::extra(side, project).into_iter().chain(outside);
                        beside.extend(extra.map(|(path, _)| Utf8PathBuf::from(path)));
                    }
                }
                for dir in &side.foreign {
                    beside.extend(inputs::foreign(side, dir).into_iter().map(|(path, _)| Utf8PathBuf::from(path)));
                }
                for path in side.links.keys().map(Utf8Path::new).filter(|it| side.owner(it).is_some()) {
                    beside.extend(inputs::followed(side, path).into_iter().map(|(path, _)| Utf8PathBuf::from(path)));
                }
            }
            beside
        })
    }

    /// Is it a lock, or read by what is below its directory, in either revision?
    fn is_upward(&self, path: &Utf8Path) -> bool {
        let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else { return false };
        let reads = |project: &Project| {
            (project.lock_dir == dir && name == "uv.lock")
                || inputs::upward(project).any(|it| it.1 == name && it.0.starts_with(dir))
        };
        [self.base, self.head].iter().any(|side| side.projects.iter().any(reads))
    }

    /// Whose input a path is, in either revision.
    pub fn account(&self, path: &Utf8Path) -> Account {
        // Whoever owns the place owns the file only in a revision that has both.
        let owner = |side: &'a Side| side.tree.get(path).and_then(|_| side.owner(path));
        if let Some(project) = owner(self.head).or_else(|| owner(self.base)) {
            return Account::Project(project.name.clone());
        }
        if self.is_upward(path) || self.beside().contains(path) {
            return Account::Shared("read by projects beside it".to_owned());
        }
        if [self.base, self.head].iter().any(|side| side.policy.knows(path, STAGES)) {
            return Account::Shared("policy".to_owned());
        }
        match self.rules.written(path).or_else(|| self.usual(path)) {
            Some((number, reason)) => Account::Nobody(number, reason.to_owned()),
            None => Account::Unknown,
        }
    }

    /// What makes a path usually nobody's, if it does so in each revision that has it.
    fn usual(&self, path: &Utf8Path) -> Option<(usize, &str)> {
        let around = self.around.get_or_init(|| [self.base, self.head].map(Around::of));
        let mut found = None;
        for (side, around) in [self.base, self.head].into_iter().zip(around) {
            if side.tree.get(path).is_some() {
                found = Some(self.rules.usual(path, around)?);
            }
        }
        found
    }

    /// What the change can affect.
    pub fn affected(&self) -> Affected {
        let mut unknown = Vec::new();
        let mut affected = Affected::default();
        for change in self.changes {
            match self.account(&change.path) {
                Account::Unknown => unknown.push(&change.path),
                Account::Nobody(_, reason) => drop(affected.nobody.insert(change.path.to_string(), reason)),
                Account::Project(_) | Account::Shared(_) => {}
            }
        }
        if let Some((first, rest)) = unknown.split_first() {
            let more = if rest.is_empty() { String::new() } else { format!(" (and {} more)", rest.len()) };
            let why = format!(
                "{first} is in nobody's list, and no rule of [[no-input]] in ci/xtask.toml names it nobody's{more}"
            );
            return Affected { nobody: affected.nobody, ..everything(self.head, &why) };
        }
        let projects = &self.head.projects;
        let stages = share_out(projects.len(), WORTH, |index| self.stages_of(&projects[index]));
        let found = projects.iter().zip(stages).filter(|it| !it.1.is_empty());
        affected.projects = found.map(|(project, stages)| (project.name.clone(), stages)).collect();
        affected
    }

    /// The stages of a project that are affected.
    fn stages_of(&self, project: &'a Project) -> Vec<(&'static Stage, Reason)> {
        let stages = STAGES.iter().filter(|it| !matches!(it.run, Run::Manual));
        let Some(before) = self.base.project(&project.name) else {
            let chain = vec![project.dir.join("pyproject.toml").into_string(), project.name.clone()];
            let reason = Reason { text: "a new project".into(), chain: chain.into() };
            return stages.map(|it| (it, reason.clone())).collect();
        };
        let own = self.touched.own.contains(project.name.as_str()) || self.settings;
        let mut selected = Vec::new();
        if !own && self.policy.is_empty() && !self.reach.reaches(project) {
            return selected;
        }
        for stage in stages {
            let mut found = Vec::new();
            let mut read = inputs::image(project, stage).into_iter().chain([stage]);
            if own || read.any(|it| self.policy.iter().any(|differs| differs.name == it.name)) {
                let [old, new] = self.focus(before, project, stage);
                let old = inputs::own(self.base, before, stage, old);
                found = differences(&old, &inputs::own(self.head, project, stage, new));
            }
            let sight = inputs::sight(self.head, project, stage).max(inputs::sight(self.base, before, stage));
            let differ = || inputs::list(self.base, before, stage) != inputs::list(self.head, project, stage);
            let reached = self.reach.nearest(project, sight).filter(|it| it.is_certain || differ());
            let reason = if before.dir != project.dir && !found.is_empty() {
                Some(moved(before, project))
            } else {
                self.reason(project, &found, reached)
            };
            // Most stages of a project have the same one: ten thousand projects would not fit otherwise.
            let last = selected.last().map(|it: &(_, Reason)| &it.1);
            let known = last.filter(|it| reason.as_ref() == Some(it)).cloned();
            selected.extend(known.or(reason).map(|it| (stage, it)));
        }
        selected
    }

    /// Where the lists of a stage of a project can differ at all: of base's list, and of head's.
    fn focus(&self, before: &'a Project, project: &'a Project, stage: &Stage) -> [Focus<'a>; 2] {
        let reads_alike = |stage: &Stage| self.base.policy.own(stage) == self.head.policy.own(stage);
        let alike = before.facts.tests_documents == project.facts.tests_documents
            && before.facts.image == project.facts.image
            && reads_alike(stage);
        let files = self.files.filter(|_| alike);
        // Another manifest may name what a link leads to, and then that is in both lists.
        let links = files.is_none() || before.facts != project.facts || !self.links_alike();
        let image = inputs::image(project, stage).or_else(|| inputs::image(before, stage));
        let policy = !Arc::ptr_eq(&self.base.policy, &self.head.policy);
        let lock = |other: &'a Side, its: &'a Project| {
            if self.head.same_lock(project, self.base) {
                Lock::Nothing
            } else if image.is_some() {
                // The list holds what the lock means to both stages.
                Lock::All
            } else {
                Lock::Unlike(other, its)
            }
        };
        [lock(self.head, project), lock(self.base, before)].map(|lock| Focus { files, links, lock, policy })
    }

    /// Do all links lead to the same in both revisions?
    fn links_alike(&self) -> bool {
        *self.links.get_or_init(|| {
            let followed = |side| move |it: &String| inputs::followed(side, Utf8Path::new(it));
            self.base.links == self.head.links
                && self.base.links.keys().map(followed(self.base)).eq(self.head.links.keys().map(followed(self.head)))
        })
    }

    /// The nearest difference: of what is its own, else of the nearest local package; `None` when nothing differs.
    fn reason(&self, project: &Project, own: &[Difference], reached: Option<Reached>) -> Option<Reason> {
        let nearest = |all: &[Difference]| all.iter().min_by_key(|it| (it.part, it.state().is_none())).cloned();
        let mine = nearest(own).filter(|it| it.part == Part::Own || reached.is_none());
        let (count, it, way) = match (mine, reached) {
            (Some(it), _) => (own.len(), it, Vec::new()),
            (None, Some(reached)) => {
                let found = reached.differences;
                (found.len(), nearest(found)?, reached.way.iter().map(|dir| self.name_of(dir)).collect())
            }
            (None, None) => return None,
        };
        let more = if count == 1 { String::new() } else { format!(" (and {} more)", count - 1) };
        let (text, chain) = self.told(project, &it, way);
        Some(Reason { text: (text + &more).into(), chain: chain.into() })
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
                let mut way = match it.part {
                    Part::Local => self.head.way(after, &self.dir_of(&it.of)),
                    _ => Vec::new(),
                };
                way.reverse();
                let (text, chain) = self.told(after, it, way);
                format!("{text} ({})", chain.join(" -> "))
            })
            .collect()
    }

    fn dir_of(&self, name: &str) -> Utf8PathBuf {
        self.head
            .project(name)
            .or_else(|| self.base.project(name))
            .map_or_else(|| Utf8PathBuf::from(name), |it| it.dir.to_path_buf())
    }

    fn name_of(&self, dir: &Utf8Path) -> String {
        let found = self.head.project_in(dir).or_else(|| self.base.project_in(dir));
        found.map_or_else(|| dir.to_string(), |it| it.name.clone())
    }

    /// A difference in words, and the way from it to the project; `way` is that from a local package.
    fn told(&self, project: &Project, it: &Difference, way: Vec<String>) -> (String, Vec<String>) {
        let verb = it.state().unwrap_or(match (&it.before, &it.after) {
            (None, _) => "is new",
            (_, None) => "is gone",
            _ => "changed",
        });
        match it.part {
            Part::Own => (format!("{} {verb}", it.key), vec![it.key.clone(), project.name.clone()]),
            Part::Local => {
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
        let mut way =
            side.project(&project.name).and_then(|it| side.lock(it)).map_or_else(Vec::new, |lock| match lock {
                Lockfile::Whole(lock) => lock.way(&project.name, Scope::Dev, package),
                _ => Vec::new(),
            });
        way.reverse();
        if way.is_empty() {
            way = vec![package.to_owned(), project.name.clone()];
        }
        (text, std::iter::once(it.of.clone()).chain(way).collect())
    }
}

fn moved(before: &Project, project: &Project) -> Reason {
    let text = format!("moved from {} to {}", shown(&before.dir), shown(&project.dir));
    let chain = [project.dir.join("pyproject.toml").into_string(), project.name.clone()];
    Reason { text: text.into(), chain: chain.into() }
}

/// Everything, for one reason.
pub fn everything(head: &Side, why: &str) -> Affected {
    let reason = Reason { text: why.into(), chain: Arc::default() };
    let stages: Vec<(&'static Stage, Reason)> =
        STAGES.iter().filter(|it| !matches!(it.run, Run::Manual)).map(|it| (it, reason.clone())).collect();
    let projects = head.projects.iter().map(|it| (it.name.clone(), stages.clone())).collect();
    Affected { everything: Some(why.to_owned()), projects, ..Affected::default() }
}
