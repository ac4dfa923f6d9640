//! One revision as the plan sees it: its projects, their locks, who needs whom.
//!
//! Pure: a tree and what was read of it in, a value out. Projects may exist in one revision only. Must not decide what
//! runs.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Deref;
use std::sync::Arc;

use anyhow::{Result, bail};
use camino::{Utf8Path, Utf8PathBuf};

use crate::facts::{Facts, Members};
use crate::locked::{Lockfile, Scope};
use crate::manifest;
use crate::names::Names;
use crate::place::Owner;
use crate::policy::Policy;
use crate::refuse;
use crate::threads::share_out;
use crate::tree::{Change, Entry, Mode, Tree};

pub mod links;
mod needs;
mod same;

/// Values by the text of their path: to compare paths part by part takes several times as long.
pub type ByPath<T> = BTreeMap<String, T>;

/// What was read of a revision, by path.
#[derive(Debug, Default)]
pub struct Contents {
    /// Every `pyproject.toml` that may be a project or a workspace root.
    pub manifests: ByPath<Arc<Facts>>,
    /// The directory of each project, with that of its lock.
    pub dirs: Vec<(Utf8PathBuf, Utf8PathBuf)>,
    /// Every `uv.lock` that a project uses.
    pub locks: ByPath<Arc<Lockfile>>,
    /// Targets of symbolic links.
    pub links: ByPath<String>,
    /// Where projects may be.
    pub globs: Globs,
}

/// A revision.
#[derive(Debug)]
pub struct Side {
    pub tree: Tree,
    pub policy: Arc<Policy>,
    scene: Arc<Scene>,
}

/// What manifests, locks and links make of a revision. Two revisions that have all of these in common share it.
#[derive(Debug)]
pub struct Scene {
    /// Sorted by name.
    pub projects: Vec<Project>,
    pub links: ByPath<String>,
    /// Where projects may be.
    pub globs: Globs,
    manifests: ByPath<Arc<Facts>>,
    locks: ByPath<Arc<Lockfile>>,
    by_dir: HashMap<String, usize>,
    by_name: HashMap<String, usize>,
    /// The projects that have others inside them.
    outer: HashSet<usize>,
    /// Directories that a project needs and that are no project.
    pub foreign: BTreeSet<Arc<Utf8Path>>,
}

impl Deref for Side {
    type Target = Scene;

    fn deref(&self) -> &Scene {
        &self.scene
    }
}

/// A project.
#[derive(Debug)]
pub struct Project {
    pub name: String,
    /// Repo-relative; empty at the root.
    pub dir: Arc<Utf8Path>,
    /// Repo-relative directory of its lock.
    pub lock_dir: Utf8PathBuf,
    pub facts: Arc<Facts>,
    /// What it needs itself, in the repository; sorted.
    pub needs: Arc<[Need]>,
}

impl Project {
    /// What places its files.
    pub fn owner(&self) -> Owner<'_> {
        Owner { name: &self.name, dir: &self.dir, tests_documents: self.facts.tests_documents }
    }
}

/// A directory of the repository that a project needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// Repo-relative. It need not be a project, nor be there at all. That of a project is the project's own text.
    pub dir: Arc<Utf8Path>,
    /// For what.
    pub scope: Scope,
    /// The extras of the project that need it, where nothing else of it does.
    pub by: Names,
    /// The extras of it that are asked for, as far as a manifest says so: a lock that reaches them names what they need.
    pub asks: Names,
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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
        // A hidden directory is meant where it is named, not by a wildcard.
        let options = glob::MatchOptions {
            require_literal_separator: true,
            require_literal_leading_dot: true,
            ..glob::MatchOptions::new()
        };
        self.include.iter().any(|it| it.matches_with(dir.as_str(), options))
            && !self.exclude.iter().any(|it| it.matches(dir.as_str()))
    }
}

/// The manifests of a tree that may be a project's or a workspace's: those under the globs and those above them. And all
/// locks, by their directory.
pub fn manifests<'a>(tree: &'a Tree, globs: &Globs) -> (ByPath<Entry>, HashMap<&'a str, Entry>) {
    let (mut found, mut locks) = (ByPath::new(), HashMap::new());
    // The directories that were looked at: projects stand side by side below the same few.
    let mut seen: HashSet<&str> = HashSet::new();
    for (path, entry) in tree.iter() {
        let dir = parent(path.as_str());
        if is_named(path.as_str(), "uv.lock") {
            locks.insert(dir, entry);
        }
        if !is_named(path.as_str(), "pyproject.toml") || entry.mode == Mode::Submodule {
            continue;
        }
        if globs.matches(Utf8Path::new(dir)) {
            found.insert(path.to_string(), entry);
            let mut above = dir;
            while !above.is_empty() {
                above = parent(above);
                if !seen.insert(above) {
                    break;
                }
                let path = beside(above, "pyproject.toml");
                found.extend(tree.get(Utf8Path::new(&path)).map(|entry| (path, entry)));
            }
        }
    }
    (found, locks)
}

/// Is this the name of the file at a path?
fn is_named(path: &str, name: &str) -> bool {
    path.strip_suffix(name).is_some_and(|it| it.is_empty() || it.ends_with('/'))
}

/// The directory of a path; empty at the root.
fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |it| it.0)
}

/// The path of a file in a directory.
pub fn beside(dir: &str, name: &str) -> String {
    if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") }
}

/// The directories of the projects among the manifests, each with that of its lock; sorted.
pub fn lock_dirs(globs: &Globs, manifests: &ByPath<Arc<Facts>>) -> Vec<(Utf8PathBuf, Utf8PathBuf)> {
    let projects = manifests.iter().filter(|(path, it)| it.name.is_some() && globs.matches(parent(path).into()));
    let roots: HashMap<&str, &Members> =
        manifests.iter().filter_map(|(path, it)| Some((parent(path), it.workspace.as_ref()?))).collect();
    projects
        .map(|(path, facts)| {
            let dir = Utf8PathBuf::from(parent(path));
            let above = |it: &Utf8Path| roots.get(it.as_str()).copied();
            let is_alone = facts.workspace.is_some() || roots.is_empty();
            let root = if is_alone { None } else { workspace(&dir, above) };
            (dir.clone(), root.unwrap_or(dir))
        })
        .collect()
}

/// The directory of the workspace that a directory is a member of.
fn workspace<'a>(dir: &Utf8Path, above: impl Fn(&Utf8Path) -> Option<&'a Members>) -> Option<Utf8PathBuf> {
    dir.ancestors().skip(1).find_map(|root| {
        let Members { members, exclude } = above(root)?;
        manifest::is_member(members, exclude, dir.strip_prefix(root).ok()?).then(|| root.to_owned())
    })
}

impl Side {
    /// A revision from its tree and what was read of it; `other` is the one that it is compared with, if that was read
    /// before.
    ///
    /// # Errors
    /// When two projects have one name, or a project has a path that is no UTF-8.
    pub fn new(tree: Tree, contents: Contents, policy: Arc<Policy>, other: Option<&Side>) -> Result<Side> {
        let mut scene = Scene::new(contents)?;
        scene.check(&tree)?;
        let other = other.filter(|it| scene.same_places(it));
        let needs = share_out(scene.projects.len(), WORTH, |index| {
            let needs: Arc<[Need]> = match other {
                Some(other) if scene.same_said(&tree, index, other) => other.projects[index].needs.clone(),
                _ => scene.needs_of(index).into(),
            };
            let foreign = needs.iter().map(|it| &it.dir).filter(|it| scene.project_in(it).is_none());
            let foreign: Vec<Arc<Utf8Path>> = foreign.cloned().collect();
            (needs, foreign)
        });
        for (project, (needs, foreign)) in scene.projects.iter_mut().zip(needs) {
            project.needs = needs;
            scene.foreign.extend(foreign);
        }
        Ok(Side { tree, policy, scene: Arc::new(scene) })
    }

    /// A revision that differs from this one in the content of files alone, as [`is_scenery`] says of each change.
    ///
    /// # Errors
    /// When a project has a path that is no UTF-8.
    pub fn with(&self, tree: Tree, policy: Arc<Policy>) -> Result<Side> {
        self.check(&tree)?;
        Ok(Side { tree, policy, scene: self.scene.clone() })
    }

    /// Are both made of the same manifests, locks and links?
    pub fn is_same_scene(&self, other: &Side) -> bool {
        Arc::ptr_eq(&self.scene, &other.scene)
    }

    /// The files of a project, sorted; those of projects inside it left out.
    pub fn files<'a>(&'a self, project: &'a Project) -> impl Iterator<Item = (&'a Utf8Path, Entry)> {
        let index = self.by_dir.get(project.dir.as_str()).copied();
        let is_outer = index.is_some_and(|it| self.outer.contains(&it));
        self.tree.under(&project.dir).filter(move |it| !is_outer || owner(&self.by_dir, it.0) == index)
    }
}

/// Can this change make another scene of a revision? Then it is about a manifest, a lock or a link.
pub fn is_scenery(change: &Change) -> bool {
    let is_link = |it: &Option<Entry>| it.is_some_and(|it| it.mode == Mode::Link);
    matches!(change.path.file_name(), Some("pyproject.toml" | "uv.lock"))
        || is_link(&change.before)
        || is_link(&change.after)
}

/// For fewer projects a thread is not worth its start.
pub const WORTH: usize = 500;

impl Scene {
    /// The scene without who needs whom.
    fn new(contents: Contents) -> Result<Scene> {
        let Contents { manifests, dirs, locks, links, globs } = contents;
        let mut projects: Vec<Project> = Vec::new();
        for (dir, lock_dir) in dirs {
            let facts = manifests[&beside(dir.as_str(), "pyproject.toml")].clone();
            let name = facts.name.clone().unwrap_or_default();
            projects.push(Project { name, dir: dir.into(), lock_dir, facts, needs: Arc::default() });
        }
        projects.sort_by(|a, b| (&a.name, &a.dir).cmp(&(&b.name, &b.dir)));
        if let Some(pair) = projects.windows(2).find(|it| it[0].name == it[1].name) {
            return Err(refuse::twins(&pair[0].name, [&pair[0].dir, &pair[1].dir]));
        }
        let by_dir: HashMap<String, usize> =
            projects.iter().enumerate().map(|(index, it)| (it.dir.to_string(), index)).collect();
        let by_name = projects.iter().enumerate().map(|(index, it)| (it.name.clone(), index)).collect();
        let outer = projects.iter().filter_map(|it| owner(&by_dir, &it.dir)).collect();
        let foreign = BTreeSet::new();
        Ok(Scene { projects, links, globs, manifests, locks, by_dir, by_name, outer, foreign })
    }

    /// Have all files of projects a path that can be told to a tool?
    fn check(&self, tree: &Tree) -> Result<()> {
        match tree.odd().find(|it| self.owner(it).is_some()) {
            Some(path) => {
                bail!("{path} belongs to a project, and its path is no UTF-8 or reads as if it were none; rename it")
            }
            None => Ok(()),
        }
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
        self.locks.get(&beside(project.lock_dir.as_str(), "uv.lock")).map(AsRef::as_ref)
    }

    /// The manifests of projects and those that lie above one, by path.
    pub fn manifests(&self) -> impl Iterator<Item = (&Utf8Path, &Facts)> {
        self.manifests.iter().map(|(path, facts)| (Utf8Path::new(path), &**facts))
    }

    /// What the manifest in a directory says, if it is a project's or lies above one.
    pub fn facts_in(&self, dir: &Utf8Path) -> Option<&Facts> {
        self.manifests.get(&beside(dir.as_str(), "pyproject.toml")).map(AsRef::as_ref)
    }
}

fn owner(by_dir: &HashMap<String, usize>, path: &Utf8Path) -> Option<usize> {
    let mut dir = path.as_str();
    while !dir.is_empty() {
        dir = parent(dir);
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
