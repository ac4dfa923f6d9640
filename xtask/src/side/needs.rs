//! Who needs whom in a revision: what manifests and locks say, and what follows from it.
//!
//! Pure. Of a package that is needed only those extras count that somebody asks for: a library whose extras name all that
//! build on it does not need them for those. Must not say what a stage reads.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};

use super::{Need, Project, Said, Scene};
use crate::facts::Facts;
use crate::locked::{Dirs, Lockfile, Scope};
use crate::manifest;
use crate::names::Names;

impl Need {
    /// Does one who needs this part of the project need this: an extra, or with no name what no extra is asked for?
    pub fn is_of(&self, part: &str) -> bool {
        self.scope == Scope::Runtime && if part.is_empty() { self.by.is_empty() } else { self.by.contains(part) }
    }

    /// The parts of the project that need this: its extras, or no name for all of it.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        let all = self.by.is_empty().then_some("");
        all.into_iter().chain(self.by.iter())
    }

    /// The parts of what is needed: itself, and the extras that are asked for.
    fn wanted(&self) -> impl Iterator<Item = &str> {
        std::iter::once("").chain(self.asks.iter())
    }

    /// This and what somebody else says of the same directory; where they disagree, the wider counts.
    fn join(&mut self, other: Need) {
        match self.scope.cmp(&other.scope) {
            std::cmp::Ordering::Less => {}
            std::cmp::Ordering::Greater => self.by = other.by,
            std::cmp::Ordering::Equal if self.by.is_empty() || other.by.is_empty() => self.by = Names::default(),
            std::cmp::Ordering::Equal => self.by.add(&other.by),
        }
        self.scope = self.scope.min(other.scope);
        self.asks.add(&other.asks);
        self.said = if self.said == other.said { self.said } else { Said::Both };
    }
}

impl Scene {
    /// What a project needs itself, by manifest and by lock.
    pub(super) fn needs_of(&self, index: usize) -> Vec<Need> {
        let project = &self.projects[index];
        let mut text = String::new();
        let mut all = self.by_manifest(project, &mut text);
        all.extend(self.by_lock(project, &mut text));
        all.retain(|it| it.dir != project.dir);
        all.sort_by(|a, b| a.dir.as_str().cmp(b.dir.as_str()));
        let mut found: Vec<Need> = Vec::with_capacity(all.len());
        for need in all {
            match found.last_mut().filter(|it| it.dir.as_str() == need.dir.as_str()) {
                Some(known) => known.join(need),
                None => found.push(need),
            }
        }
        found
    }

    /// The directory that a path leads to; `text` is for working it out.
    fn meant(&self, base: &Utf8Path, path: &Utf8Path, text: &mut String) -> Option<Arc<Utf8Path>> {
        if !manifest::resolve_into(base, path, text) {
            return None;
        }
        let mut dir = Cow::Borrowed(Utf8Path::new(text));
        if !self.links.is_empty() || dir.is_absolute() {
            dir = self.real(&dir, &mut Vec::new()).map_or(dir, Cow::Owned);
        }
        Some(self.project_in(&dir).map_or_else(|| Arc::from(&*dir), |it| it.dir.clone()))
    }

    /// The directories that `[tool.uv.sources]` names, the workspace root's included.
    fn by_manifest(&self, project: &Project, text: &mut String) -> Vec<Need> {
        let facts = &project.facts;
        let in_workspace = |name: &String| {
            let index = *self.by_name.get(name)?;
            (self.projects[index].lock_dir == project.lock_dir).then(|| self.projects[index].dir.clone())
        };
        let mut found = Vec::new();
        for (name, path) in &facts.sources {
            let dir = match path {
                Some(path) => self.meant(&project.dir, path, text),
                None => in_workspace(name),
            };
            found.extend(dir.map(|dir| asked(facts, name, dir)));
        }
        // A member inherits what its workspace's root says about names that it asks for.
        let root = self.facts_in(&project.lock_dir).filter(|_| project.lock_dir != *project.dir);
        for (name, path) in root.iter().flat_map(|it| &it.sources) {
            let own = facts.sources.iter().any(|(it, _)| it == name);
            if own || !(facts.runtime.contains(name) || facts.dev.contains(name)) {
                continue;
            }
            let dir = match path {
                Some(path) => self.meant(&project.lock_dir, path, text),
                None => in_workspace(name),
            };
            found.extend(dir.map(|dir| asked(facts, name, dir)));
        }
        found
    }

    /// The local packages that the lock reaches from the project.
    fn by_lock(&self, project: &Project, text: &mut String) -> Vec<Need> {
        let found: Arc<Dirs> = match self.lock(project) {
            Some(Lockfile::Whole(lock)) => {
                Arc::new(lock.local_dirs(&project.name, self.is_alone(project)).into_iter().collect())
            }
            Some(Lockfile::Locals(users)) => users.get(&project.name).cloned().unwrap_or_default(),
            Some(Lockfile::Broken(_)) | None => Arc::default(),
        };
        let inside = found.iter().filter_map(|(dir, scope, by)| {
            let dir = self.meant(&project.lock_dir, dir, text)?;
            Some(Need { dir, scope, by: by.iter().cloned().collect(), asks: Names::default(), said: Said::Lock })
        });
        inside.collect()
    }

    /// Is the project's lock for it alone?
    fn is_alone(&self, project: &Project) -> bool {
        self.facts_in(&project.lock_dir).is_none_or(|it| it.workspace.is_none())
    }

    /// Everything a project needs in the repository, itself left out, each with what for; sorted by directory.
    ///
    /// The groups of others do not count: whoever needs a project does not get its test tools. Nor do extras that nobody
    /// asks for.
    pub fn closure(&self, project: &Project) -> BTreeMap<Utf8PathBuf, Scope> {
        let mut found: BTreeMap<Utf8PathBuf, Scope> = BTreeMap::new();
        let mut seen: BTreeSet<(&Utf8Path, &str, Scope)> = BTreeSet::new();
        let mut queue: Vec<(&Utf8Path, &str, Scope)> = Vec::new();
        for need in project.needs.iter() {
            queue.extend(need.wanted().map(|part| (&*need.dir, part, need.scope)));
        }
        while let Some((dir, part, scope)) = queue.pop() {
            if *dir == *project.dir || !seen.insert((dir, part, scope)) {
                continue;
            }
            found.entry(dir.to_owned()).and_modify(|old| *old = scope.min(*old)).or_insert(scope);
            let needs = self.project_in(dir).into_iter().flat_map(|it| it.needs.iter());
            for need in needs.filter(|it| it.is_of(part)) {
                queue.extend(need.wanted().map(|part| (&*need.dir, part, scope)));
            }
        }
        found
    }

    /// From a project to a directory that it needs: the names on the shortest way, both included.
    pub fn way(&self, project: &Project, to: &Utf8Path) -> Vec<String> {
        let label = |dir: &Utf8Path| self.project_in(dir).map_or_else(|| dir.to_string(), |it| it.name.clone());
        let start = (&*project.dir, "");
        let mut came: BTreeMap<(&Utf8Path, &str), (&Utf8Path, &str)> = BTreeMap::new();
        let mut queue: Vec<(&Utf8Path, &str)> = vec![start];
        let mut at = 0;
        while at < queue.len() && queue[at].0 != to {
            let from = queue[at];
            at += 1;
            let Some(here) = self.project_in(from.0) else { continue };
            for need in here.needs.iter().filter(|it| from == start || it.is_of(from.1)) {
                for next in need.wanted().map(|part| (&*need.dir, part)) {
                    if need.dir != project.dir && !came.contains_key(&next) {
                        came.insert(next, from);
                        queue.push(next);
                    }
                }
            }
        }
        let mut names = vec![label(to)];
        let mut here = queue.get(at).copied().unwrap_or(start);
        while let Some(from) = came.get(&here) {
            names.push(label(from.0));
            here = *from;
        }
        names.reverse();
        names
    }
}

/// What a manifest says of a name that means a directory. A source that nobody asks for counts as if all did.
fn asked(facts: &Facts, name: &str, dir: Arc<Utf8Path>) -> Need {
    let only_dev = facts.dev.contains(name) && !facts.runtime.contains(name) && !facts.dynamic;
    let scope = if only_dev { Scope::Dev } else { Scope::Runtime };
    let by = facts.extras.iter().filter(|it| it.1.contains(name) && !facts.dynamic).map(|it| it.0.clone());
    let asks = facts.asked.get(name).into_iter().flatten().cloned().collect();
    Need { dir, scope, by: by.collect(), asks, said: Said::Manifest }
}
