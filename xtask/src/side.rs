//! One revision as the plan sees it: its projects, their locks, who needs whom.
//!
//! Pure: a tree and what was read of it in, a value out. Projects may exist in one revision only. Must not decide what
//! runs.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use anyhow::{Result, bail};
use camino::{Utf8Path, Utf8PathBuf};

use crate::facts::{Facts, Members};
use crate::locked::{Lockfile, Scope};
use crate::manifest;
use crate::place::Owner;
use crate::policy::Policy;
use crate::tree::{Entry, Mode, Tree};

mod links;
mod same;

/// What was read of a revision, by path.
#[derive(Debug, Default)]
pub struct Contents {
    /// Every `pyproject.toml` that may be a project or a workspace root.
    pub manifests: BTreeMap<Utf8PathBuf, Arc<Facts>>,
    /// Every `uv.lock` that a project uses.
    pub locks: BTreeMap<Utf8PathBuf, Arc<Lockfile>>,
    /// Targets of symbolic links.
    pub links: BTreeMap<Utf8PathBuf, String>,
}

/// A revision.
#[derive(Debug)]
pub struct Side {
    pub tree: Tree,
    /// Sorted by name.
    pub projects: Vec<Project>,
    pub policy: Arc<Policy>,
    pub links: BTreeMap<Utf8PathBuf, String>,
    /// What the manifests beside the locks say, by directory.
    pub roots: BTreeMap<Utf8PathBuf, Arc<Facts>>,
    locks: BTreeMap<Utf8PathBuf, Arc<Lockfile>>,
    by_dir: HashMap<String, usize>,
    by_name: HashMap<String, usize>,
}

/// A project.
#[derive(Debug)]
pub struct Project {
    pub name: String,
    /// Repo-relative; empty at the root.
    pub dir: Utf8PathBuf,
    /// Repo-relative directory of its lock.
    pub lock_dir: Utf8PathBuf,
    pub facts: Arc<Facts>,
    /// What it needs itself, in the repository; sorted.
    pub needs: Vec<Need>,
    /// Its files by their numbers in the tree, those of projects inside it left out.
    files: Vec<u32>,
}

impl Project {
    /// What places its files.
    pub fn owner(&self) -> Owner<'_> {
        Owner { name: &self.name, dir: &self.dir, tests_documents: self.facts.tests_documents }
    }
}

/// A directory of the repository that a project needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// Repo-relative. It need not be a project, nor be there at all.
    pub dir: Utf8PathBuf,
    /// For what.
    pub scope: Scope,
    /// Who says so.
    pub said: Said,
}

/// Who says that a project needs another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Said {
    Manifest,
    Lock,
    Both,
}

/// Where projects may be.
#[derive(Debug, Clone, Default)]
pub struct Globs {
    include: Vec<glob::Pattern>,
    exclude: Vec<glob::Pattern>,
}

impl Globs {
    /// From `projects` and `exclude` of the settings.
    ///
    /// # Errors
    /// When one is no glob.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Globs> {
        let all = |list: &[String], key: &str| -> Result<Vec<glob::Pattern>> {
            let of = |it: &String| {
                let text = it.trim_start_matches("./").trim_end_matches('/');
                glob::Pattern::new(if text == "." { "" } else { text })
                    .map_err(|error| anyhow::anyhow!("`{it}` in `{key}` is no glob: {error}"))
            };
            list.iter().map(of).collect()
        };
        Ok(Globs { include: all(include, "projects")?, exclude: all(exclude, "exclude")? })
    }

    /// May this directory hold a project?
    pub fn matches(&self, dir: &Utf8Path) -> bool {
        let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::new() };
        let hidden = dir.components().any(|it| it.as_str().starts_with('.') && it.as_str().len() > 1);
        !hidden
            && self.include.iter().any(|it| it.matches_with(dir.as_str(), options))
            && !self.exclude.iter().any(|it| it.matches(dir.as_str()))
    }
}

/// The manifests of a tree that may be a project's or a workspace's: those under the globs and those above them.
pub fn manifests(tree: &Tree, globs: &Globs) -> BTreeSet<Utf8PathBuf> {
    let mut found = BTreeSet::new();
    for (path, entry) in tree.iter() {
        if path.file_name() != Some("pyproject.toml") || entry.mode == Mode::Submodule {
            continue;
        }
        let dir = path.parent().unwrap_or(Utf8Path::new(""));
        if globs.matches(dir) {
            found.insert(path.to_owned());
            let above = dir.ancestors().skip(1).map(|it| it.join("pyproject.toml"));
            found.extend(above.filter(|it| tree.get(it).is_some()));
        }
    }
    found
}

/// The directories of the projects among the manifests, each with that of its lock.
pub fn lock_dirs(globs: &Globs, manifests: &BTreeMap<Utf8PathBuf, Arc<Facts>>) -> BTreeMap<Utf8PathBuf, Utf8PathBuf> {
    let dir_of = |path: &Utf8Path| path.parent().unwrap_or(Utf8Path::new("")).to_owned();
    let projects = manifests.iter().filter(|(path, it)| it.name.is_some() && globs.matches(&dir_of(path)));
    projects
        .map(|(path, facts)| {
            let dir = dir_of(path);
            let above = |it: &Utf8Path| manifests.get(&it.join("pyproject.toml"))?.workspace.as_ref();
            let root = if facts.workspace.is_some() { None } else { workspace(&dir, above) };
            (dir.clone(), root.unwrap_or(dir))
        })
        .collect()
}

/// The directory of the workspace that a directory is a member of.
fn workspace<'a>(dir: &Utf8Path, above: impl Fn(&Utf8Path) -> Option<&'a Members>) -> Option<Utf8PathBuf> {
    let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::new() };
    let any = |globs: &[String], inner: &Utf8Path| {
        globs.iter().any(|it| {
            let text = it.trim_start_matches("./").trim_end_matches('/');
            glob::Pattern::new(text).is_ok_and(|it| it.matches_with(inner.as_str(), options))
        })
    };
    dir.ancestors().skip(1).find_map(|root| {
        let members = above(root)?;
        let inner = dir.strip_prefix(root).ok()?;
        (any(&members.members, inner) && !any(&members.exclude, inner)).then(|| root.to_owned())
    })
}

impl Side {
    /// A revision from its tree and what was read of it.
    ///
    /// # Errors
    /// When two projects have one name, or a project has a path that is no UTF-8.
    pub fn new(tree: Tree, globs: &Globs, contents: Contents, policy: Arc<Policy>) -> Result<Side> {
        let dirs = lock_dirs(globs, &contents.manifests);
        let mut projects: Vec<Project> = Vec::new();
        for (dir, lock_dir) in &dirs {
            let facts = contents.manifests[&dir.join("pyproject.toml")].clone();
            let name = facts.name.clone().unwrap_or_default();
            let (dir, lock_dir) = (dir.clone(), lock_dir.clone());
            projects.push(Project { name, dir, lock_dir, facts, needs: Vec::new(), files: Vec::new() });
        }
        projects.sort_by(|a, b| (&a.name, &a.dir).cmp(&(&b.name, &b.dir)));
        if let Some(pair) = projects.windows(2).find(|it| it[0].name == it[1].name) {
            let [a, b] = [&pair[0], &pair[1]];
            bail!(
                "two projects are named `{}`: {} and {}; give one of them another `name` in its pyproject.toml",
                a.name,
                shown(&a.dir),
                shown(&b.dir)
            );
        }
        let by_dir = projects.iter().enumerate().map(|(index, it)| (it.dir.to_string(), index)).collect();
        let by_name = projects.iter().enumerate().map(|(index, it)| (it.name.clone(), index)).collect();
        let roots = contents
            .manifests
            .iter()
            .map(|(path, facts)| (path.parent().unwrap_or(Utf8Path::new("")).to_owned(), facts.clone()))
            .collect();
        let links = contents.links;
        let mut side = Side { tree, projects, policy, links, roots, locks: contents.locks, by_dir, by_name };
        side.assign()?;
        for index in 0..side.projects.len() {
            side.projects[index].needs = side.needs_of(index);
        }
        Ok(side)
    }

    /// Gives every file to the deepest project that holds it.
    fn assign(&mut self) -> Result<()> {
        let odd: BTreeSet<&Utf8Path> = self.tree.odd().collect();
        let mut last: Option<(&str, Option<usize>)> = None;
        for (number, (path, _)) in self.tree.iter().enumerate() {
            // Files of one directory stand together and have one owner.
            let dir = path.as_str().rsplit_once('/').map_or("", |it| it.0);
            let index = match last {
                Some((known, index)) if known == dir => index,
                _ => owner(&self.by_dir, path),
            };
            last = Some((dir, index));
            if let Some(index) = index {
                if odd.contains(path) {
                    bail!(
                        "{path} belongs to a project, and its path is no UTF-8 or reads as if it were none; rename it"
                    );
                }
                // A tree with four billion files would not fit anywhere.
                self.projects[index].files.push(number as u32);
            }
        }
        Ok(())
    }

    /// The files of a project, sorted.
    pub fn files<'a>(&'a self, project: &'a Project) -> impl Iterator<Item = (&'a Utf8Path, Entry)> {
        project.files.iter().map(|it| self.tree.at(*it as usize))
    }

    pub fn project(&self, name: &str) -> Option<&Project> {
        self.by_name.get(name).map(|it| &self.projects[*it])
    }

    /// The project in a directory.
    pub fn project_in(&self, dir: &Utf8Path) -> Option<&Project> {
        self.by_dir.get(dir.as_str()).map(|it| &self.projects[*it])
    }

    /// The project that a path belongs to.
    pub fn owner(&self, path: &Utf8Path) -> Option<&Project> {
        owner(&self.by_dir, path).map(|it| &self.projects[it])
    }

    /// The lock of a project: `None` when there is no file.
    pub fn lock(&self, project: &Project) -> Option<&Lockfile> {
        self.locks.get(&project.lock_dir.join("uv.lock")).map(AsRef::as_ref)
    }

    /// What a project needs itself, by manifest and by lock.
    fn needs_of(&self, index: usize) -> Vec<Need> {
        let project = &self.projects[index];
        let mut found: BTreeMap<Utf8PathBuf, (Scope, Said)> = BTreeMap::new();
        let mut add = |dir: Utf8PathBuf, scope: Scope, said: Said| {
            let dir = self.real(&dir, &mut Vec::new()).unwrap_or(dir);
            if dir == project.dir {
                return;
            }
            found
                .entry(dir)
                .and_modify(|old| {
                    // Where the two disagree, the wider counts.
                    old.0 = old.0.min(scope);
                    old.1 = if old.1 == said { said } else { Said::Both };
                })
                .or_insert((scope, said));
        };
        for (dir, scope) in self.by_manifest(project) {
            add(dir, scope, Said::Manifest);
        }
        for (dir, scope) in self.by_lock(project) {
            add(dir, scope, Said::Lock);
        }
        found.into_iter().map(|(dir, (scope, said))| Need { dir, scope, said }).collect()
    }

    /// The directories that `[tool.uv.sources]` names, the workspace root's included.
    fn by_manifest(&self, project: &Project) -> Vec<(Utf8PathBuf, Scope)> {
        let facts = &project.facts;
        let scope = |name: &String| {
            let only_dev = facts.dev.contains(name) && !facts.runtime.contains(name) && !facts.dynamic;
            if only_dev { Scope::Dev } else { Scope::Runtime }
        };
        let in_workspace = |name: &String| {
            let index = *self.by_name.get(name)?;
            (self.projects[index].lock_dir == project.lock_dir).then(|| self.projects[index].dir.clone())
        };
        let mut found = Vec::new();
        for (name, path) in &facts.sources {
            let dir = match path {
                Some(path) => manifest::resolve(&project.dir, path),
                None => in_workspace(name),
            };
            found.extend(dir.map(|dir| (dir, scope(name))));
        }
        // A member inherits what its workspace's root says about names that it asks for.
        let root = self.roots.get(&project.lock_dir).filter(|_| project.lock_dir != project.dir);
        for (name, path) in root.iter().flat_map(|it| &it.sources) {
            let own = facts.sources.iter().any(|(it, _)| it == name);
            if own || !(facts.runtime.contains(name) || facts.dev.contains(name)) {
                continue;
            }
            let dir = match path {
                Some(path) => manifest::resolve(&project.lock_dir, path),
                None => in_workspace(name),
            };
            found.extend(dir.map(|dir| (dir, scope(name))));
        }
        found
    }

    /// The local packages that the lock reaches from the project.
    fn by_lock(&self, project: &Project) -> Vec<(Utf8PathBuf, Scope)> {
        let found = match self.lock(project) {
            Some(Lockfile::Whole(lock)) => lock.local_dirs(&project.name, self.is_alone(project)),
            Some(Lockfile::Locals(found)) => {
                let at = found.binary_search_by(|it| it.0.as_str().cmp(&project.name));
                at.map_or_else(|_| Vec::new(), |it| found[it].1.to_vec())
            }
            Some(Lockfile::Broken(_)) | None => Vec::new(),
        };
        let inside = |(dir, scope): (Utf8PathBuf, Scope)| Some((manifest::resolve(&project.lock_dir, &dir)?, scope));
        found.into_iter().filter_map(inside).collect()
    }

    /// Is the project's lock for it alone?
    fn is_alone(&self, project: &Project) -> bool {
        self.roots.get(&project.lock_dir).is_none_or(|it| it.workspace.is_none())
    }

    /// Everything a project needs in the repository, itself left out, each with what for; sorted by directory.
    ///
    /// The groups of others do not count: whoever needs a project does not get its test tools.
    pub fn closure(&self, project: &Project) -> BTreeMap<Utf8PathBuf, Scope> {
        let mut found: BTreeMap<Utf8PathBuf, Scope> = BTreeMap::new();
        let mut queue: Vec<(&Utf8PathBuf, Scope)> = project.needs.iter().map(|it| (&it.dir, it.scope)).collect();
        while let Some((dir, scope)) = queue.pop() {
            if *dir == project.dir || found.get(dir).is_some_and(|old| *old <= scope) {
                continue;
            }
            found.insert(dir.clone(), scope);
            let needs = self.project_in(dir).into_iter().flat_map(|it| &it.needs);
            queue.extend(needs.filter(|it| it.scope == Scope::Runtime).map(|it| (&it.dir, scope)));
        }
        found
    }

    /// From a project to a directory that it needs: the names on the shortest way, both included.
    pub fn way(&self, project: &Project, to: &Utf8Path) -> Vec<String> {
        let label = |dir: &Utf8Path| self.project_in(dir).map_or_else(|| dir.to_string(), |it| it.name.clone());
        let mut came: BTreeMap<&Utf8Path, &Utf8Path> = BTreeMap::new();
        let mut queue: Vec<&Utf8Path> = vec![&project.dir];
        let mut at = 0;
        while at < queue.len() && queue[at] != to {
            let from = queue[at];
            at += 1;
            let Some(here) = self.project_in(from) else { continue };
            for need in here.needs.iter().filter(|it| from == project.dir || it.scope == Scope::Runtime) {
                if need.dir != project.dir && !came.contains_key(&*need.dir) {
                    came.insert(&need.dir, from);
                    queue.push(&need.dir);
                }
            }
        }
        let mut names = vec![label(to)];
        let mut dir = to;
        while let Some(from) = came.get(dir) {
            names.push(label(from));
            dir = from;
        }
        names.reverse();
        names
    }
}

fn owner(by_dir: &HashMap<String, usize>, path: &Utf8Path) -> Option<usize> {
    let mut dir = path.as_str();
    while !dir.is_empty() {
        dir = dir.rsplit_once('/').map_or("", |it| it.0);
        if let Some(index) = by_dir.get(dir) {
            return Some(*index);
        }
    }
    None
}

/// A directory for people: the root has no name.
pub fn shown(dir: &Utf8Path) -> &str {
    if dir.as_str().is_empty() { "the root" } else { dir.as_str() }
}
