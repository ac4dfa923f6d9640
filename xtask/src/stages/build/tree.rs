//! The clean tree a wheel is built in: the files git would hold of a project, of every local package that it reaches, and
//! of those that build them.
//!
//! Old `build/` directories, `*.egg-info` and whatever else lies about in the work tree are not there. Paths are as in
//! the repository, so `../other` still leads somewhere; nothing outside the closure is copied.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};

use crate::discover::{Project, Repo};
use crate::manifest::{self, Manifest};
use crate::{context, files, proc, sources};

/// Files beside a workspace's lock that its members may need.
const OF_A_WORKSPACE: &[&str] = &["pyproject.toml", "uv.lock", "uv.toml", ".python-version"];

/// Stages a project and its local packages below `to`.
///
/// # Errors
/// When a file cannot be read or written.
pub fn stage(repo: &Repo, project: &Project, to: &Utf8Path) -> Result<()> {
    context::remake(to)?;
    let builders = repo.builders(project);
    let mut dirs: Vec<&Utf8PathBuf> =
        std::iter::once(&project.dir).chain(project.locals.iter().map(|it| &it.path)).collect();
    dirs.extend(builders.iter().map(|it| &it.dir));
    if repo.abs(".git").exists() && dirs.iter().filter_map(|it| repo.project_in(it)).any(asks_git) {
        clone(repo, &dirs, to)?;
    }
    for dir in dirs {
        stage_dir(repo, dir, to)?;
    }
    sources::copy(repo, to, archives(repo, project).iter())?;
    sources::copy(repo, to, &repo.inputs(project))
}

/// Does the build backend take the version, or the list of files, from git?
fn asks_git(project: &Project) -> bool {
    let requires = project.manifest.at(&["build-system", "requires"]).and_then(toml::Value::as_array);
    let names = requires.into_iter().flatten().filter_map(toml::Value::as_str).map(manifest::requirement_name);
    const WORDS: &[&str] = &["scm", "vcs", "git", "versioning", "dunamai", "versioneer"];
    names.into_iter().any(|name| WORDS.iter().any(|word| name.contains(word)))
}

/// A clone that shares the repository's objects, with the directories to be staged taken out of its work tree.
fn clone(repo: &Repo, dirs: &[&Utf8PathBuf], to: &Utf8Path) -> Result<()> {
    let git = proc::find_on_path("git").context("git is not on PATH")?;
    let env = context::inherited(&["PATH"]);
    let args = ["-c", "safe.directory=*", "clone", "--quiet", "--shared", repo.root.as_str(), to.as_str()];
    proc::read(&git, &args, &repo.root, &env).context("could not clone the repository for a build that asks git")?;
    for dir in dirs.iter().map(|it| to.join(it)).filter(|it| it != to && it.is_dir()) {
        std::fs::remove_dir_all(&dir).with_context(|| format!("could not remove {dir}"))?;
    }
    Ok(())
}

/// Distributions that the lock names by a path in the repository.
fn archives(repo: &Repo, project: &Project) -> Vec<Utf8PathBuf> {
    let packages = project.lock.iter().flat_map(|it| &it.packages);
    let paths = packages.filter_map(|it| it.source.get("path").and_then(toml::Value::as_str));
    let paths = paths.filter_map(|it| manifest::resolve(&project.lock_dir, it.into()));
    paths.filter(|it| repo.abs(it).is_file()).collect()
}

/// Stages one local package, be it a project of ours or not.
///
/// # Errors
/// When a file cannot be read or written.
pub fn stage_dir(repo: &Repo, dir: &Utf8Path, to: &Utf8Path) -> Result<()> {
    match repo.project_in(dir) {
        Some(project) => {
            sources::copy(repo, to, &project.files)?;
            stage_workspace(repo, &project.lock_dir, to)
        }
        None => {
            let listed = files::list(&repo.abs(dir))?;
            sources::copy(repo, to, &listed.iter().map(|it| dir.join(it)).collect::<Vec<_>>())
        }
    }
}

/// A member can only be read with its workspace's root and the manifests of the other members.
fn stage_workspace(repo: &Repo, lock_dir: &Utf8Path, to: &Utf8Path) -> Result<()> {
    let mut wanted: BTreeSet<Utf8PathBuf> = OF_A_WORKSPACE.iter().map(|it| lock_dir.join(it)).collect();
    let root = lock_dir.join("pyproject.toml");
    let text = std::fs::read_to_string(repo.abs(&root)).with_context(|| format!("could not read {root}"))?;
    let members = Manifest::parse(&root, &text)?.typed.tool.uv.workspace.map(|it| it.members).unwrap_or_default();
    for member in members {
        let pattern = format!("{}/{member}/pyproject.toml", glob::Pattern::escape(repo.abs(lock_dir).as_str()));
        for path in glob::glob(&pattern).with_context(|| format!("{root}: `{member}` is no glob"))?.flatten() {
            let path = Utf8PathBuf::from_path_buf(path).ok();
            wanted.extend(path.and_then(|it| it.strip_prefix(&repo.root).ok().map(ToOwned::to_owned)));
        }
    }
    sources::copy(repo, to, wanted.iter().filter(|it| repo.abs(it).is_file()))
}
