//! The virtual environments of a project: one with all groups to test in, one with just what ships.
//!
//! They stand under `target/ci/envs` and never touch the developer's own `.venv`, nor leave anything beside the
//! sources. Must not decide whether the lock is right: that is the `lock` stage.

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};

use crate::context::{self, Context};
use crate::discover::Project;
use crate::manifest::{self, Manifest};
use crate::proc::Call;
use crate::sources;

mod conflicts;

pub use conflicts::Conflicts;

/// Which environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// All groups and extras; local packages as the lock says (editable or copied).
    Dev,
    /// What ships: no groups, all extras, nothing editable.
    Runtime,
}

impl Kind {
    /// The word for it in paths and logs.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Dev => "dev",
            Kind::Runtime => "runtime",
        }
    }
}

/// Where an environment stands.
pub fn path(out: &Utf8Path, project: &Project, kind: Kind) -> Utf8PathBuf {
    out.join("envs").join(&project.name).join(kind.word())
}

/// The interpreter of an environment.
pub fn python(out: &Utf8Path, project: &Project, kind: Kind) -> Utf8PathBuf {
    path(out, project, kind).join("bin").join("python")
}

/// Where the distributions of an environment are.
///
/// # Errors
/// When there is no environment.
pub fn site_packages(environment: &Utf8Path) -> Result<Utf8PathBuf> {
    let lib = environment.join("lib");
    for entry in lib.read_dir_utf8().with_context(|| format!("there is no environment in {environment}"))? {
        let site = entry?.path().join("site-packages");
        if site.is_dir() {
            return Ok(site);
        }
    }
    bail!("{environment} has no site-packages")
}

/// Brings an environment to the state of the lock and of the local sources.
///
/// uv keeps the old code of a local package that is not editable as long as its `pyproject.toml` looks the same, in an
/// existing environment and through its cache even in a new one. So whatever is local is reinstalled whenever the
/// content of any local source differs from that of the last time.
///
/// # Errors
/// With uv's own words when it cannot install.
pub fn make(ctx: &Context, project: &Project, kind: Kind) -> Result<()> {
    let path = path(&ctx.out, project, kind);
    let stamp_file = path.join("xtask-sources.sha256");
    let unfinished = Utf8PathBuf::from(format!("{path}.unfinished"));
    let sources = sources::closure_stamp(ctx.repo, project)?;
    let outside = locals_outside(project);
    let fresh = outside.is_empty() && sources.is_some() && std::fs::read_to_string(&stamp_file).ok() == sources;

    // An environment that an ended run left behind may hold half a package, which no later sync would notice.
    let is_whole = !unfinished.exists() && path.join("pyvenv.cfg").is_file() && path.join("bin/python").exists();
    if path.symlink_metadata().is_ok() && !is_whole {
        std::fs::remove_dir_all(&path).with_context(|| format!("could not remove {path}, which is unfinished"))?;
    }
    // Were this run to end halfway, the next must not believe the old stamp.
    context::write(&unfinished, "this environment is being made; if no run is going on, it is thrown away\n")?;
    if stamp_file.exists() {
        std::fs::remove_file(&stamp_file).with_context(|| format!("could not remove {stamp_file}"))?;
    }

    for step in steps(ctx, project, kind, fresh, &outside) {
        sync(ctx, project, kind, &path, &step)?;
    }
    if let Some(sources) = sources {
        context::write(&stamp_file, sources)?;
    }
    std::fs::remove_file(&unfinished).with_context(|| format!("could not remove {unfinished}"))
}

/// One `uv sync`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Step {
    reinstall: Vec<String>,
    leave_out: Vec<String>,
    /// Just what comes from outside; what is local stays as it is.
    foreign: bool,
    /// setuptools may run: its leavings go elsewhere.
    outside: bool,
}

/// Usually one step. setuptools leaves what it builds beside the sources, and whatever lies in its `build/lib` gets
/// into the next wheel. So where it builds something of ours, all else is installed before, and each wheel is built in
/// a step of its own with an empty directory.
fn steps(ctx: &Context, project: &Project, kind: Kind, fresh: bool, outside: &[String]) -> Vec<Step> {
    let build = |dir: &Utf8Path, copied: bool| match (by_setuptools(ctx, dir), copied) {
        (false, _) => Build::Elsewhere,
        (true, false) => Build::Link,
        (true, true) => Build::Wheel,
    };
    let mut all = vec![(project.name.clone(), build(&project.dir, kind == Kind::Runtime))];
    for local in &project.locals {
        all.push((local.name.clone(), build(&local.path, kind == Kind::Runtime || !local.editable)));
    }
    // uv keeps the old code of what builds a package as it does that of the package.
    all.extend(ctx.repo.builders(project).into_iter().map(|it| (it.name, Build::Elsewhere)));
    all.extend(outside.iter().map(|name| (name.clone(), Build::Elsewhere)));
    take_turns(&all, fresh)
}

/// How a local package gets into an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Build {
    /// Not through setuptools.
    Elsewhere,
    /// Through setuptools, editable.
    Link,
    /// Through setuptools, as a wheel.
    Wheel,
}

fn take_turns(locals: &[(String, Build)], fresh: bool) -> Vec<Step> {
    let names = |wheels: bool| -> Vec<String> {
        let chosen = locals.iter().filter(|(_, build)| (*build == Build::Wheel) == wheels);
        chosen.map(|(name, _)| name.clone()).collect()
    };
    let outside = locals.iter().any(|(_, build)| *build != Build::Elsewhere);
    let (wheels, others) = (names(true), names(false));
    let mut steps = Vec::new();
    if outside {
        steps.push(Step { foreign: true, ..Step::default() });
    }
    if fresh {
        steps.push(Step { outside, ..Step::default() });
        return steps;
    }
    if wheels.is_empty() {
        steps.push(Step { reinstall: others, outside, ..Step::default() });
        return steps;
    }
    for (index, name) in wheels.iter().enumerate() {
        let mut reinstall = if index == 0 { others.clone() } else { Vec::new() };
        reinstall.push(name.clone());
        steps.push(Step { reinstall, leave_out: wheels[index + 1..].to_vec(), outside, foreign: false });
    }
    steps
}

fn sync(ctx: &Context, project: &Project, kind: Kind, path: &Utf8Path, step: &Step) -> Result<()> {
    let scratch = ctx.out.join("work").join("environment").join(format!("{}.{}", project.name, kind.word()));
    context::remake(&scratch)?;
    let mut call =
        build_outside(ctx.uv(), &scratch)?.args(["sync", "--frozen", "--project"]).arg(ctx.repo.abs(&project.dir));
    call = call.cwd(ctx.repo.abs(&project.dir)).env("UV_PROJECT_ENVIRONMENT", path.as_str());
    let conflicts = conflicts(ctx, project)?;
    call = match kind {
        Kind::Dev => call.args(conflicts.dev(project)),
        Kind::Runtime => call.args(["--no-default-groups", "--no-editable"]).args(conflicts.extras(project)),
    };
    if step.foreign {
        call = call.args(["--no-install-local", "--inexact"]);
    }
    for name in &step.reinstall {
        call = call.args(["--reinstall-package", name]);
    }
    for name in &step.leave_out {
        call = call.args(["--no-install-package", name]);
    }
    let done = ctx.run(&call)?;
    if done.code == 0 {
        return Ok(());
    }
    if let Some(why) = no_python(&done.stderr) {
        bail!("{} {why}", project.name);
    }
    Err(done.explained(&format!("`uv sync --frozen` of {}", project.name)))
}

/// What uv says where it finds no interpreter, and what helps; `None` when it says something else.
pub fn no_python(stderr: &str) -> Option<String> {
    let line = stderr.lines().find(|line| line.contains("No interpreter found"))?;
    Some(format!(
        "needs a Python that is not here ({}), as `.python-version` or `requires-python` has it; install one, or set \
         `downloads = true` in [python] of ci/xtask.toml",
        line.trim_start_matches("error: ")
    ))
}

/// A uv call under which setuptools leaves its `build/` and `*.egg-info` in `scratch` and not beside the sources. Not for
/// calls that build packages of others: two wheels that share a `build/lib` get each other's files.
fn build_outside(call: Call, scratch: &Utf8Path) -> Result<Call> {
    metadata_outside(call, scratch, &format!("[build]\nbuild_base = {scratch}/build\n"))
}

/// A uv call that asks for metadata alone and leaves no `*.egg-info` beside the sources.
///
/// # Errors
/// When `scratch` cannot be written.
pub fn metadata_outside(call: Call, scratch: &Utf8Path, more: &str) -> Result<Call> {
    let base = scratch.join("egg-info");
    context::remake(&base)?;
    let file = scratch.join("setuptools.cfg");
    context::write(&file, format!("[egg_info]\negg_base = {base}\n{more}"))?;
    Ok(call.env("DIST_EXTRA_CONFIG", file.as_str()))
}

/// Is the package in this directory built by setuptools? So it is without a `[build-system]` that says otherwise.
fn by_setuptools(ctx: &Context, dir: &Utf8Path) -> bool {
    let path = dir.join("pyproject.toml");
    let text = std::fs::read_to_string(ctx.repo.abs(&path)).unwrap_or_default();
    let Ok(manifest) = Manifest::parse(&path, &text) else { return true };
    match manifest.at(&["build-system", "requires"]).and_then(toml::Value::as_array) {
        Some(list) => {
            list.iter().filter_map(toml::Value::as_str).any(|it| manifest::requirement_name(it) == "setuptools")
        }
        None => true,
    }
}

/// Local packages outside the repository: nothing is known of their files, so they are always installed anew.
fn locals_outside(project: &Project) -> Vec<String> {
    let Ok(lock) = project.lock() else { return Vec::new() };
    let locals = lock.local_closure(&project.name, true).into_iter();
    locals
        .filter(|local| manifest::resolve(&project.lock_dir, &local.path).is_none() || local.path.is_absolute())
        .map(|local| local.name)
        .collect()
}

/// What conflicts in the lock that a project uses.
///
/// # Errors
/// When the manifest beside the lock cannot be read.
pub fn conflicts(ctx: &Context, project: &Project) -> Result<Conflicts> {
    let path = project.lock_dir.join("pyproject.toml");
    let text = std::fs::read_to_string(ctx.repo.abs(&path)).with_context(|| format!("could not read {path}"))?;
    let root = Manifest::parse(&path, &text)?;
    Ok(Conflicts::of(&root, project))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setuptools_takes_turns() {
        use Build::{Elsewhere, Link, Wheel};
        let shown = |locals: &[(&str, Build)], fresh| {
            let locals: Vec<(String, Build)> =
                locals.iter().map(|(name, build)| ((*name).to_owned(), *build)).collect();
            let word = |step: Step| {
                let (foreign, outside) = (step.foreign, step.outside);
                let lists = format!("+{} -{}", step.reinstall.join(","), step.leave_out.join(","));
                format!("{}{}{lists}", if foreign { "foreign " } else { "" }, if outside { "outside " } else { "" })
            };
            take_turns(&locals, fresh).into_iter().map(word).collect::<Vec<_>>()
        };
        assert_eq!(shown(&[("p", Elsewhere), ("q", Elsewhere)], false), ["+p,q -"]);
        assert_eq!(shown(&[("p", Elsewhere), ("q", Elsewhere)], true), ["+ -"]);
        assert_eq!(shown(&[("p", Elsewhere), ("l", Link)], false), ["foreign + -", "outside +p,l -"]);
        assert_eq!(shown(&[("p", Elsewhere), ("s", Wheel)], true), ["foreign + -", "outside + -"]);
        assert_eq!(
            shown(&[("s", Wheel), ("p", Elsewhere), ("t", Wheel), ("u", Wheel)], false),
            ["foreign + -", "outside +p,s -t,u", "outside +t -u", "outside +u -"]
        );
    }
}
