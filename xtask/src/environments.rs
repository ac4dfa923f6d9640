//! The virtual environments of a project: one with all groups to test in, one with just what ships.
//!
//! They stand under `target/ci/envs` and never touch the developer's own `.venv`. Must not decide whether the lock is
//! right: that is the `lock` stage.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};

use crate::context::Context;
use crate::discover::Project;
use crate::{context, sources};

/// Which environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// All groups and extras; local packages as the lock says (editable or copied).
    Dev,
    /// What ships: no groups, all extras, nothing editable.
    Runtime,
}

impl Kind {
    /// Its directory, and its word in the name of a log.
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
    let stamp = sources::closure_stamp(ctx.repo, project)?;
    let fresh = stamp.is_some() && std::fs::read_to_string(&stamp_file).ok() == stamp;
    // Were this run to end halfway, the next must not believe the old stamp.
    if stamp_file.exists() {
        std::fs::remove_file(&stamp_file).with_context(|| format!("could not remove {stamp_file}"))?;
    }

    let mut call = ctx.uv().args(["sync", "--frozen", "--project"]).arg(ctx.repo.abs(&project.dir));
    call = call.cwd(ctx.repo.abs(&project.dir)).env("UV_PROJECT_ENVIRONMENT", path.as_str());
    let conflicts = conflicts(ctx, project)?;
    call = match kind {
        Kind::Dev => call.arg("--all-groups").args(conflicts.no_groups()),
        Kind::Runtime => call.args(["--no-default-groups", "--no-editable"]),
    };
    call = call.args(conflicts.extras(project));
    if !fresh {
        call = call.args(["--reinstall-package", &project.name]);
        for local in &project.locals {
            call = call.args(["--reinstall-package", &local.name]);
        }
    }
    let done = ctx.run(&call)?;
    if done.code != 0 {
        return Err(done.refused(&format!("`uv sync --frozen` of {}", project.name)));
    }
    if let Some(stamp) = stamp {
        context::write(&stamp_file, stamp)?;
    }
    Ok(())
}

/// Extras and groups that `tool.uv.conflicts` forbids to install together.
#[derive(Debug, Default)]
pub struct Conflicts {
    extras: BTreeSet<String>,
    groups: BTreeSet<String>,
}

impl Conflicts {
    fn no_groups(&self) -> Vec<String> {
        self.groups.iter().flat_map(|group| ["--no-group".to_owned(), group.clone()]).collect()
    }

    /// The flags for all extras that can be installed together.
    pub fn extras(&self, project: &Project) -> Vec<String> {
        if self.extras.is_empty() {
            return vec!["--all-extras".to_owned()];
        }
        let declared = project.manifest.typed.project.iter().flat_map(|it| it.optional_dependencies.keys());
        declared.filter(|it| !self.extras.contains(*it)).flat_map(|it| ["--extra".to_owned(), it.clone()]).collect()
    }
}

/// What conflicts in the lock that a project uses.
///
/// # Errors
/// When the manifest beside the lock cannot be read.
pub fn conflicts(ctx: &Context, project: &Project) -> Result<Conflicts> {
    let path = project.lock_dir.join("pyproject.toml");
    let text = std::fs::read_to_string(ctx.repo.abs(&path)).with_context(|| format!("could not read {path}"))?;
    let manifest = crate::manifest::Manifest::parse(&path, &text)?;
    let mut found = Conflicts::default();
    let sets = manifest.at(&["tool", "uv", "conflicts"]).and_then(toml::Value::as_array);
    for item in sets.into_iter().flatten().filter_map(toml::Value::as_array).flatten() {
        if let Some(extra) = item.get("extra").and_then(toml::Value::as_str) {
            found.extras.insert(extra.to_owned());
        }
        if let Some(group) = item.get("group").and_then(toml::Value::as_str) {
            found.groups.insert(group.to_owned());
        }
    }
    Ok(found)
}
