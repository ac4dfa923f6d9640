//! The repository as a value: its root, its settings, its projects and their files.
//!
//! Reads manifests, locks and git's file list; runs no tool and decides nothing.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};

use crate::config::{self, Config};
use crate::facts::{self, Facts};
use crate::lock::{Local, Lock};
use crate::manifest::{self, Manifest, Workspace};
use crate::names::Names;
use crate::place::Named;
use crate::side::Globs;
use crate::{files, packages, refuse};

mod builders;

/// The repository.
#[derive(Debug)]
pub struct Repo {
    /// Absolute path of the root.
    pub root: Utf8PathBuf,
    /// Absolute path of the directory with the policy files, usually `ROOT/ci`.
    pub ci: Utf8PathBuf,
    /// What `ci/xtask.toml` says.
    pub config: Config,
    /// Sorted by name.
    pub projects: Vec<Project>,
    /// Every file and link that git tracks or would track, repo-relative and sorted.
    pub files: Vec<Utf8PathBuf>,
    /// Manifests under the globs that are neither a project's nor a workspace's, repo-relative and sorted.
    pub no_projects: Vec<Utf8PathBuf>,
}

/// One Python project.
#[derive(Debug)]
pub struct Project {
    /// The normalised name: what the command line, reports and directories under `target/ci` say.
    pub name: String,
    /// Repo-relative directory.
    pub dir: Utf8PathBuf,
    /// Its `pyproject.toml`.
    pub manifest: Manifest,
    /// Repo-relative directory of the `uv.lock` that it uses: its own, or its workspace's.
    pub lock_dir: Utf8PathBuf,
    /// The lock, or why there is none that can be read.
    pub lock: Result<Lock, String>,
    /// Every local package it reaches with all extras and groups, itself left out; paths are repo-relative.
    pub locals: Vec<Local>,
    /// Every file of it that git tracks or would track, repo-relative and sorted.
    pub files: Vec<Utf8PathBuf>,
    /// The directories and modules of its own importable code, repo-relative.
    pub packages: Vec<Utf8PathBuf>,
}

/// Files that can be the first page of a documentation.
pub const FIRST_PAGES: &[&str] = &["index.rst", "index.ipynb", "index.md", "index.txt"];

impl Project {
    /// The repo-relative path of a file of it.
    pub fn path(&self, file: impl AsRef<Utf8Path>) -> Utf8PathBuf {
        self.dir.join(file.as_ref())
    }

    /// Its Python files, notebooks left out.
    pub fn python_files(&self) -> impl Iterator<Item = &Utf8PathBuf> {
        self.files.iter().filter(|file| matches!(file.extension(), Some("py" | "pyi")))
    }

    /// Its lock.
    ///
    /// # Errors
    /// When there is none, with the command that makes one.
    pub fn lock(&self) -> Result<&Lock> {
        self.lock.as_ref().map_err(|why| anyhow::anyhow!("{why}"))
    }

    /// Why uv installs no wheel of it, by its own rule; `None` where it does.
    pub fn not_packaged(&self) -> Option<&'static str> {
        let has_system = self.manifest.at(&["build-system"]).is_some();
        match self.manifest.at(&["tool", "uv", "package"]).and_then(toml::Value::as_bool) {
            Some(true) => None,
            Some(false) => Some("`tool.uv.package` is false"),
            None if has_system => None,
            None => Some("it declares no [build-system]"),
        }
    }

    /// Where its documentation is, be there one or not: the directory with a first page, `docs` without any.
    pub fn docs(&self) -> Utf8PathBuf {
        let has_index = |dir: &&str| {
            let index = |name: &&str| self.files.binary_search(&self.path(dir).join(name)).is_ok();
            FIRST_PAGES.iter().any(index)
        };
        self.path(["docs", "docs/source", "doc", "doc/source"].iter().find(|it| has_index(it)).unwrap_or(&"docs"))
    }

    /// What its `[tool.xtask] inputs` stand for.
    pub fn named(&self) -> impl Iterator<Item = Named> {
        self.manifest.typed.tool.xtask.inputs.iter().filter_map(|it| Named::new(&self.dir, it))
    }

    /// Is this file a test, or test support? Rules for production code do not hold there.
    pub fn is_test(&self, file: &Utf8Path) -> bool {
        let inner = file.strip_prefix(&self.dir).unwrap_or(file);
        let name = file.file_name().unwrap_or_default();
        inner.parent().is_some_and(|dir| dir.components().any(|it| matches!(it.as_str(), "tests" | "test")))
            || name.starts_with("test_")
            || name.ends_with("_test.py")
            || name == "conftest.py"
    }
}

/// Something that no run begins with.
#[derive(Debug)]
pub struct Refused {
    /// The file to correct, repo-relative.
    pub path: Utf8PathBuf,
    pub why: anyhow::Error,
}

/// What becomes of it: an error that ends the reading, or a note.
type Refuse<'a> = dyn FnMut(&Utf8Path, anyhow::Error) -> Result<()> + 'a;

impl Repo {
    /// Reads the repository that `start` is in.
    ///
    /// # Errors
    /// On bad input: no settings above `start`, an invalid manifest, two projects with one name, a dependency cycle.
    pub fn load(start: &Utf8Path, config_file: Option<&Utf8Path>) -> Result<Repo> {
        Repo::load_with(start, config_file, &mut |_, why| Err(why))
    }

    /// The same without the projects that are refused, and with what refuses them.
    ///
    /// # Errors
    /// When there are no settings, and when the files cannot be listed.
    pub fn load_what_can_be(start: &Utf8Path, config_file: Option<&Utf8Path>) -> Result<(Repo, Vec<Refused>)> {
        let mut refused = Vec::new();
        let repo = Repo::load_with(start, config_file, &mut |path, why| {
            refused.push(Refused { path: path.to_owned(), why });
            Ok(())
        })?;
        Ok((repo, refused))
    }

    fn load_with(start: &Utf8Path, config_file: Option<&Utf8Path>, refuse: &mut Refuse) -> Result<Repo> {
        let (root, file) = locate(start, config_file)?;
        let config = Config::load(&file)?;
        let (files, submodules) = files::list_with_submodules(&root)?;
        if let Err(why) = refuse::root(&root) {
            refuse(Utf8Path::new(config::FILE), why)?;
        }
        let globs = Globs::new(&config.projects, &config.exclude)?;
        if let Err(why) = check_submodules(&root, &globs, &submodules) {
            refuse(Utf8Path::new(config::FILE), why)?;
        }
        let (mut projects, no_projects) = read_projects(&root, &config, &files, refuse)?;
        projects.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.dir.cmp(&b.dir)));
        for pair in projects.windows(2).filter(|it| it[0].name == it[1].name) {
            refuse(&pair[1].path("pyproject.toml"), refuse::twins(&pair[0].name, [&pair[0].dir, &pair[1].dir]))?;
        }
        projects.dedup_by(|b, a| a.name == b.name);
        files::assign(&root, &files, &mut projects);
        for project in &mut projects {
            project.packages = packages::of(&project.manifest, &project.name, &project.dir, &project.files);
        }
        let needed: Vec<Names> = projects.iter().map(|it| facts::needed(&it.manifest)).collect();
        let needed: Vec<(&str, Vec<&str>)> =
            projects.iter().zip(&needed).map(|(it, needed)| (it.name.as_str(), needed.iter().collect())).collect();
        if let Some(names) = refuse::circle(&needed) {
            let first = projects.iter().find(|it| it.name == names[0]).map(|it| it.path("pyproject.toml"));
            refuse(&first.unwrap_or_default(), refuse::in_circle(&names))?;
        }
        Ok(Repo { root, ci: config::directory(&file), config, projects, files, no_projects })
    }

    /// A project by name, in any spelling.
    ///
    /// # Errors
    /// When there is none, with the nearest name.
    pub fn project(&self, name: &str) -> Result<&Project> {
        let normal = manifest::normalise_name(name);
        self.projects.iter().find(|it| it.name == normal || it.dir == name.trim_end_matches('/')).ok_or_else(|| {
            let names: Vec<&str> = self.projects.iter().map(|it| it.name.as_str()).collect();
            anyhow::anyhow!("there is no project `{name}`{}", crate::suggest::did_you_mean(&normal, &names))
        })
    }

    /// The project in a repo-relative directory.
    pub fn project_in(&self, dir: &Utf8Path) -> Option<&Project> {
        self.projects.iter().find(|it| it.dir == dir)
    }

    /// The project that a repo-relative path belongs to: the deepest one that holds it.
    pub fn owner(&self, path: &Utf8Path) -> Option<&Project> {
        path.ancestors().skip(1).find_map(|dir| self.project_in(dir))
    }

    /// Is this a file or link of the repository?
    pub fn has(&self, path: &Utf8Path) -> bool {
        self.files.binary_search_by(|it| it.as_str().cmp(path.as_str())).is_ok()
    }

    /// The files and links of the repository below a directory; all of them below the empty path.
    pub fn under(&self, dir: &Utf8Path) -> impl Iterator<Item = &Utf8PathBuf> {
        let prefix = if dir.as_str().is_empty() { String::new() } else { format!("{dir}/") };
        let start = self.files.partition_point(|it| it.as_str() < prefix.as_str());
        self.files[start..].iter().take_while(move |it| it.as_str().starts_with(&prefix))
    }

    /// The files that a project's `[tool.xtask] inputs` name, its own among them, sorted.
    pub fn inputs(&self, project: &Project) -> Vec<Utf8PathBuf> {
        let mut found = BTreeSet::new();
        for named in project.named() {
            found.extend(self.files.iter().filter(|it| named.matches(it) && self.abs(it).is_file()).cloned());
        }
        found.into_iter().collect()
    }

    /// An absolute path.
    pub fn abs(&self, path: impl AsRef<Utf8Path>) -> Utf8PathBuf {
        self.root.join(path.as_ref())
    }

    /// The projects that reach this one through local dependencies.
    pub fn dependants(&self, project: &Project) -> Vec<&Project> {
        self.projects.iter().filter(|it| it.locals.iter().any(|local| local.path == project.dir)).collect()
    }
}

/// The root and the settings file, both absolute.
///
/// # Errors
/// When there are no settings above `start`, or the file that was named is not there.
pub fn locate(start: &Utf8Path, config_file: Option<&Utf8Path>) -> Result<(Utf8PathBuf, Utf8PathBuf)> {
    let start = start.canonicalize_utf8().with_context(|| format!("could not find {start}"))?;
    if let Some(file) = config_file {
        let file =
            start.join(file).canonicalize_utf8().with_context(|| format!("could not find the settings {file}"))?;
        let root = start.ancestors().find(|dir| dir.join(".git").exists()).unwrap_or(&start);
        return Ok((root.to_owned(), file));
    }
    let root = start.ancestors().find(|dir| dir.join(config::FILE).is_file()).with_context(|| {
        format!(
            "{start} is in no repository with a {}; create that file at the root, or say --config FILE",
            config::FILE
        )
    })?;
    Ok((root.to_owned(), root.join(config::FILE)))
}

/// The projects under the globs, and the manifests there that are none.
fn read_projects(
    root: &Utf8Path,
    config: &Config,
    files: &[Utf8PathBuf],
    refuse: &mut Refuse,
) -> Result<(Vec<Project>, Vec<Utf8PathBuf>)> {
    let (mut projects, mut none) = (Vec::new(), Vec::new());
    let mut locks = BTreeMap::new();
    for dir in project_dirs(config, files)? {
        let path = dir.join("pyproject.toml");
        match read_project(root, dir, &mut locks) {
            Ok(Some(project)) => projects.push(project),
            Ok(None) => none.push(path),
            Err(why) => refuse(&path, why)?,
        }
    }
    let workspace = |path: &Utf8PathBuf| read_manifest(root, path).is_ok_and(|it| it.typed.tool.uv.workspace.is_some());
    none.retain(|it| !workspace(it));
    Ok((projects, none))
}

/// The project in a directory; `None` where the manifest has no [project] table.
fn read_project(
    root: &Utf8Path,
    dir: Utf8PathBuf,
    locks: &mut BTreeMap<Utf8PathBuf, Result<Lock, String>>,
) -> Result<Option<Project>> {
    let path = dir.join("pyproject.toml");
    let manifest = read_manifest(root, &path)?;
    refuse::manifest(&path, &Facts::of(&manifest))?;
    let Some(table) = &manifest.typed.project else {
        return Ok(None);
    };
    let name = manifest::normalise_name(&table.name);
    let lock_dir = lock_dir(root, &dir, &manifest)?;
    let lock = locks.entry(lock_dir.clone()).or_insert_with(|| read_lock(root, &lock_dir)).clone();
    let locals = locals(&dir, &name, &manifest, &lock_dir, lock.as_ref().ok());
    Ok(Some(Project { name, dir, manifest, lock_dir, lock, locals, files: Vec::new(), packages: Vec::new() }))
}

/// Directories with a `pyproject.toml` under the globs, repo-relative, sorted, each once.
fn project_dirs(config: &Config, files: &[Utf8PathBuf]) -> Result<BTreeSet<Utf8PathBuf>> {
    let globs = Globs::new(&config.projects, &config.exclude)?;
    let manifests = files.iter().filter(|it| it.file_name() == Some("pyproject.toml"));
    let dirs = manifests.filter_map(|it| it.parent()).filter(|dir| globs.matches(dir));
    Ok(dirs.map(Utf8Path::to_owned).collect())
}

/// A project in a submodule has no files here that could be checked, and must not be passed over in silence.
///
/// # Errors
/// When there is one, and when a directory cannot be read.
pub fn check_submodules(root: &Utf8Path, globs: &Globs, submodules: &[Utf8PathBuf]) -> Result<()> {
    for dir in submodules {
        let mut inner = Vec::new();
        files::walk(root, dir, &mut inner)?;
        let manifest = |it: &&Utf8PathBuf| it.file_name() == Some("pyproject.toml");
        if let Some(path) = inner.iter().filter(manifest).find(|it| it.parent().is_some_and(|it| globs.matches(it))) {
            bail!(
                "{path} is in the git submodule {dir}, whose files belong to another repository; check it there and name \
                 it in `exclude` of ci/xtask.toml"
            );
        }
    }
    Ok(())
}

fn read_manifest(root: &Utf8Path, path: &Utf8Path) -> Result<Manifest> {
    let text = std::fs::read_to_string(root.join(path)).with_context(|| format!("could not read {path}"))?;
    Manifest::parse(path, &text)
}

/// The directory of the lock: that of the workspace a project is a member of, or its own.
fn lock_dir(root: &Utf8Path, dir: &Utf8Path, manifest: &Manifest) -> Result<Utf8PathBuf> {
    if manifest.typed.tool.uv.workspace.is_some() {
        return Ok(dir.to_owned());
    }
    for ancestor in dir.ancestors().skip(1) {
        let path = ancestor.join("pyproject.toml");
        if !root.join(&path).is_file() {
            continue;
        }
        let Some(Workspace { members, exclude }) = read_manifest(root, &path)?.typed.tool.uv.workspace else {
            continue;
        };
        refuse::workspace(&path, &members, &exclude)?;
        if manifest::is_member(&members, &exclude, dir.strip_prefix(ancestor).unwrap_or(dir)) {
            return Ok(ancestor.to_owned());
        }
    }
    Ok(dir.to_owned())
}

fn read_lock(root: &Utf8Path, dir: &Utf8Path) -> Result<Lock, String> {
    let path = dir.join("uv.lock");
    match std::fs::read_to_string(root.join(&path)) {
        Ok(text) => Lock::parse(&path, &text).map_err(|error| format!("{error:#}")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(format!("{path} is missing; `uv lock --project {}` writes it", crate::proc::quote_dir(dir)))
        }
        Err(error) => Err(format!("could not read {path}: {error}")),
    }
}

/// The union of what the lock and the manifest say: a stale lock must not hide an edge.
fn locals(dir: &Utf8Path, name: &str, manifest: &Manifest, lock_dir: &Utf8Path, lock: Option<&Lock>) -> Vec<Local> {
    let mut found: BTreeMap<Utf8PathBuf, Local> = BTreeMap::new();
    for local in lock.map(|it| it.local_closure(name, true)).unwrap_or_default() {
        if let Some(path) = manifest::resolve(lock_dir, &local.path) {
            found.insert(path.clone(), Local { path, ..local });
        }
    }
    for (source, path) in manifest.local_sources() {
        let Some(path) = path.and_then(|path| manifest::resolve(dir, &path)) else { continue };
        let editable =
            manifest.at(&["tool", "uv", "sources", &source, "editable"]).and_then(toml::Value::as_bool) == Some(true);
        found.entry(path.clone()).or_insert(Local { name: source, path, editable });
    }
    found.into_values().filter(|local| local.path != dir).collect()
}
