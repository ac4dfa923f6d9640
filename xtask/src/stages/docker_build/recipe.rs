//! What goes into an image: a directory with exactly the files of the closure, and the arguments of the build.
//!
//! Nothing that is not in the list of inputs of docker-build, from which the tag follows: no secret, no time, no path of
//! this machine.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};

use super::super::build::tree;
use super::super::sbom::closure;
use crate::context::{self, Context};
use crate::discover::{Project, Repo};
use crate::engine::{CONTEXT, Order};
use crate::environments;
use crate::lock::{Lock, Package};
use crate::manifest::{self, normalise_name};
use crate::verdict::{Case, one_line};
use crate::{files, sources};

/// The template, beside the policy files.
const TEMPLATE: &str = "project.Dockerfile";
/// Files beside a lock that say what is installed.
const OF_A_LOCK: &[&str] = &["uv.lock", "uv.toml", ".python-version"];
/// 1980-01-02: a wheel is a zip file, which knows no earlier time.
const TIME: Duration = Duration::from_secs(315_619_200);

/// A build, described.
#[derive(Debug)]
pub struct Recipe {
    /// How many files of the repository are in the context.
    pub files: usize,
    /// The base image.
    pub base: String,
    /// The arguments that the Dockerfile declares, by name.
    pub args: Vec<(&'static str, String)>,
    /// The image's labels.
    pub labels: Vec<(&'static str, String)>,
    /// Remarks for the reader.
    pub notes: Vec<String>,
}

impl Recipe {
    /// Writes the context of a project below `scratch`.
    ///
    /// # Errors
    /// When the closure cannot be told from the lock, or a file cannot be read or written.
    pub fn write(ctx: &Context, project: &Project, scratch: &Utf8Path) -> Result<Recipe> {
        let settings = &ctx.repo.config.docker_build;
        let context = scratch.join(CONTEXT);
        context::remake(&context)?;
        let parts = Parts::of(ctx, project)?;
        let files = parts.copy(ctx.repo, project, &context)?;
        let uv = ctx.repo.ci.join("tools/uv.txt");
        std::fs::copy(&uv, context.join("uv.txt")).with_context(|| format!("could not copy {uv}"))?;
        let template = ctx.repo.ci.join(TEMPLATE);
        let text = std::fs::read_to_string(&template)
            .with_context(|| format!("could not read {template}, the template of every image"))?;
        context::write(&context.join("Dockerfile"), format!("{}\n{}", text.trim_end(), command(project)?))?;
        settle(&context)?;

        let machine = if settings.platform == "linux/amd64" { "x86_64" } else { "aarch64" };
        let args = vec![
            ("BASE", settings.base().to_owned()),
            ("MACHINE", machine.to_owned()),
            ("PACKAGES", settings.packages.join(" ")),
            ("ROOT", project.lock_dir.to_string()),
            ("SYNC", sync(ctx, project)?),
            ("IMPORTS", parts.imports.join(" ")),
        ];
        let mut labels = vec![("org.opencontainers.image.title", project.name.clone())];
        if let Some(text) = project.manifest.at(&["project", "description"]).and_then(toml::Value::as_str) {
            labels.push(("org.opencontainers.image.description", one_line(text)));
        }
        let base = settings.base().to_owned();
        Ok(Recipe { files, base, args, labels, notes: parts.notes(ctx, project) })
    }

    /// What a builder is told.
    pub fn order<'a>(&'a self, platform: &'a str, reference: &'a str) -> Order<'a> {
        Order { platform, reference, args: &self.args, labels: &self.labels }
    }
}

/// The directories and packages that an image is made of.
struct Parts {
    /// The project and its local dependencies, repo-relative.
    dirs: BTreeSet<Utf8PathBuf>,
    /// Archives in the repository that the lock names as sources.
    archives: Vec<Utf8PathBuf>,
    /// What must import in the image.
    imports: Vec<String>,
}

impl Parts {
    fn of(ctx: &Context, project: &Project) -> Result<Parts> {
        let lock = project.lock()?;
        let Some(own) = lock.own(&project.name) else {
            bail!("{}/uv.lock does not know {}; `uv lock` brings it up to date", project.lock_dir, project.name);
        };
        let extras: BTreeSet<String> = match environments::conflicts(ctx, project)?.extras(project) {
            all if all == ["--all-extras"] => own.optional_dependencies.keys().cloned().collect(),
            some => some.into_iter().filter(|it| it != "--extra").map(|it| normalise_name(&it)).collect(),
        };
        let everywhere = closure::of(lock, &project.name, &extras, &BTreeMap::new()).chains;
        let never: BTreeMap<String, bool> = markers(lock).map(|it| (it.to_owned(), false)).collect();
        let surely = closure::of(lock, &project.name, &extras, &never).chains;
        let mut parts =
            Parts { dirs: BTreeSet::from([project.dir.clone()]), archives: Vec::new(), imports: Vec::new() };
        for package in lock.packages.iter().filter(|it| everywhere.contains_key(&normalise_name(&it.name))) {
            if let Some(path) = package.source.get("path").and_then(toml::Value::as_str) {
                parts.archives.push(inside(&project.lock_dir, path.into(), &package.name)?);
            }
            let Some(local) = package.local() else { continue };
            let dir = inside(&project.lock_dir, &local.path, &package.name)?;
            if surely.contains_key(&local.name) && is_installed(package) {
                parts.imports.extend(ctx.repo.project_in(&dir).into_iter().flat_map(modules));
            }
            parts.dirs.insert(dir);
        }
        // What builds them is in no lock.
        parts.dirs.extend(ctx.repo.builders(project).into_iter().map(|it| it.dir));
        if ctx.repo.config.docker_build.all_groups {
            parts.dirs.extend(project.locals.iter().map(|it| it.path.clone()));
        }
        parts.imports.sort();
        parts.imports.dedup();
        Ok(parts)
    }

    /// Copies to `sources/` what is needed to build, and to `locked/` what says which dependencies there are.
    fn copy(&self, repo: &Repo, project: &Project, context: &Utf8Path) -> Result<usize> {
        let (all, locked) = (context.join("sources"), context.join("locked"));
        for dir in &self.dirs {
            tree::stage_dir(repo, dir, &all)?;
        }
        let extra = repo.inputs(project);
        sources::copy(repo, &all, extra.iter().chain(&self.archives))?;
        let count = walk(&all)?.iter().filter(|it| it.is_file()).count();

        let mut wanted: Vec<Utf8PathBuf> = OF_A_LOCK.iter().map(|it| project.lock_dir.join(it)).collect();
        wanted.push(project.lock_dir.join("pyproject.toml"));
        wanted.extend(self.dirs.iter().map(|it| it.join("pyproject.toml")));
        wanted.extend(
            repo.projects.iter().filter(|it| it.lock_dir == project.lock_dir).map(|it| it.path("pyproject.toml")),
        );
        wanted.extend(self.archives.iter().cloned());
        wanted.sort();
        wanted.dedup();
        for file in wanted.iter().filter(|it| all.join(it).is_file()) {
            let target = locked.join(file);
            let dir = target.parent().context("a file has a directory")?;
            std::fs::create_dir_all(dir).with_context(|| format!("could not create {dir}"))?;
            std::fs::copy(all.join(file), &target).with_context(|| format!("could not copy {file}"))?;
        }
        Ok(count)
    }

    fn notes(&self, ctx: &Context, project: &Project) -> Vec<String> {
        let mut notes = Vec::new();
        let settings = &ctx.repo.config.docker_build;
        if !settings.base().contains("@sha256:") {
            notes.push(format!(
                "{} is pinned by no digest: a newer image of that name rebuilds nothing",
                settings.base()
            ));
        }
        if self.imports.is_empty() {
            notes.push(
                "the image holds dependencies alone: none of its local packages is one that uv installs".to_owned(),
            );
        }
        let own = project.path("Dockerfile");
        if project.files.contains(&own) {
            notes.push(format!("{own} has no effect: every image is made by ci/project.Dockerfile"));
        }
        notes
    }
}

/// A repo-relative path that a lock names.
fn inside(lock_dir: &Utf8Path, path: &Utf8Path, name: &str) -> Result<Utf8PathBuf> {
    let found = if path.is_absolute() { None } else { manifest::resolve(lock_dir, path) };
    found.with_context(|| format!("{name} is in {path}, outside the repository: it cannot be part of an image"))
}

fn is_installed(package: &Package) -> bool {
    !package.source.contains_key("virtual")
}

fn markers(lock: &Lock) -> impl Iterator<Item = &str> {
    lock.packages.iter().flat_map(|it| {
        let all = it.dependencies.iter().chain(it.optional_dependencies.values().flatten());
        all.filter_map(|it| it.marker.as_deref())
    })
}

/// The import names of a project's own packages.
fn modules(project: &Project) -> Vec<String> {
    let named = match project.manifest.at(&["tool", "uv", "build-backend", "module-name"]) {
        Some(toml::Value::Array(list)) => list.iter().filter_map(toml::Value::as_str).collect(),
        Some(toml::Value::String(one)) => vec![one.as_str()],
        _ => Vec::new(),
    };
    let is_name =
        |it: &str| !it.starts_with(|c: char| c.is_ascii_digit()) && it.chars().all(|c| c.is_alphanumeric() || c == '_');
    let of = |path: &Utf8PathBuf| -> Option<String> {
        // A package without an `__init__.py` around it: only its build backend knows.
        if let Some(name) = named.iter().find(|it| path.ends_with(it.replace('.', "/"))) {
            return Some((*name).to_owned());
        }
        let mut name = path.file_stem()?.to_owned();
        let mut dir = path.parent()?;
        while dir != project.dir && project.files.binary_search(&dir.join("__init__.py")).is_ok() {
            name = format!("{}.{name}", dir.file_name()?);
            dir = dir.parent()?;
        }
        name.split('.').all(is_name).then_some(name)
    };
    project.packages.iter().filter_map(of).collect()
}

/// How uv is asked to install, as one argument of words without spaces.
fn sync(ctx: &Context, project: &Project) -> Result<String> {
    let conflicts = environments::conflicts(ctx, project)?;
    let mut words = if ctx.repo.config.docker_build.all_groups {
        conflicts.dev(project)
    } else {
        // What ships is what the SBOM and the licences are about: all extras, no group.
        std::iter::once("--no-default-groups".to_owned()).chain(conflicts.extras(project)).collect()
    };
    if project.dir != project.lock_dir {
        words.extend(["--package".to_owned(), project.name.clone()]);
    }
    Ok(words.join(" "))
}

/// The project's own command: the script of its name, else its first one.
fn command(project: &Project) -> Result<String> {
    let table = project.manifest.typed.project.as_ref();
    let scripts = table.map(|it| it.scripts.keys().collect::<Vec<_>>()).unwrap_or_default();
    let named = scripts.iter().find(|it| normalise_name(it) == project.name).or(scripts.first());
    Ok(match named {
        Some(script) => format!("CMD {}\n", serde_json::to_string(&[script])?),
        None => String::new(),
    })
}

/// One finding for each link that leaves the repository: what it points at is this machine's, and would be copied.
///
/// # Errors
/// When a link cannot be read.
pub fn strays(repo: &Repo, project: &Project) -> Result<Vec<Case>> {
    let root = repo.root.canonicalize_utf8().with_context(|| format!("could not look at {}", repo.root))?;
    let mut found = Vec::new();
    for dir in std::iter::once(&project.dir).chain(project.locals.iter().map(|it| &it.path)) {
        let listed = match repo.project_in(dir) {
            Some(it) => it.files.clone(),
            None if repo.abs(dir).is_dir() => files::list(&repo.abs(dir))?.iter().map(|it| dir.join(it)).collect(),
            None => Vec::new(),
        };
        for file in listed {
            let path = repo.abs(&file);
            let target = path.canonicalize_utf8().with_context(|| format!("could not follow {file}"))?;
            if !target.starts_with(&root) {
                let message = format!("a link to {target}, outside the repository, would be copied into the image");
                found.push(Case::fail("link", message).at(file, None));
            }
        }
    }
    Ok(found)
}

/// Gives every file one of two modes and one time: they are part of a layer.
fn settle(context: &Utf8Path) -> Result<()> {
    for path in walk(context)? {
        let why = || format!("could not prepare {path}");
        let meta = path.symlink_metadata().with_context(why)?;
        let mode = if meta.is_dir() || meta.permissions().mode() & 0o100 != 0 { 0o755 } else { 0o644 };
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).with_context(why)?;
        File::open(&path).and_then(|it| it.set_modified(SystemTime::UNIX_EPOCH + TIME)).with_context(why)?;
    }
    Ok(())
}

/// Everything below a directory, sorted, what is in a directory before the directory.
fn walk(dir: &Utf8Path) -> Result<Vec<Utf8PathBuf>> {
    let mut found = Vec::new();
    let mut entries =
        dir.read_dir_utf8().with_context(|| format!("could not list {dir}"))?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by(|a, b| a.file_name().cmp(b.file_name()));
    for entry in entries {
        if entry.file_type()?.is_dir() {
            found.extend(walk(entry.path())?);
        }
        found.push(entry.into_path());
    }
    Ok(found)
}
