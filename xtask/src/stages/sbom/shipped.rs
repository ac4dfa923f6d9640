//! What a project ships: by its lock, and by its runtime environment.
//!
//! Asks uv for the closure and the helper beside this file for its evaluation on the environment's interpreter.
//! Must not decide whether the two agree.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use camino::Utf8Path;
use serde::Deserialize;

use crate::context::{self, Context};
use crate::discover::Project;
use crate::environments::{self, Kind};
use crate::tools::Tool;

const HELPER: &str = include_str!("shipped.py");

/// The answer.
#[derive(Debug, Default)]
pub struct Shipped {
    /// By the lock.
    pub locked: Vec<Locked>,
    /// In the environment.
    pub installed: Vec<Installed>,
    /// Directories in the environment whose metadata says no name.
    pub nameless: Vec<String>,
    /// Every condition on a dependency in the lock: does it hold for this interpreter?
    pub markers: BTreeMap<String, bool>,
}

/// A package that the lock wants here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Locked {
    /// Normalised.
    pub name: String,
    /// In its canonical form; absent where only a build tells.
    pub version: Option<String>,
    /// Is it wanted only on some platforms or interpreters?
    pub conditional: bool,
    /// Is its code in this repository?
    #[serde(skip)]
    pub local: bool,
}

/// A distribution that is installed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Installed {
    /// Normalised.
    pub name: String,
    /// In its canonical form.
    pub version: String,
    /// As its metadata has it.
    pub written: String,
    /// What an import statement must name to reach it.
    pub imports: Vec<String>,
    /// The metadata files of packages that it carries copies of, relative to the directory it is installed in.
    pub copies: Vec<String>,
    /// The SPDX expression it declares.
    pub license: Option<String>,
    /// Its licence classifiers, without their prefix.
    pub classified: Vec<String>,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Line {
    ThirdParty(Locked),
    Local(Locked),
    Installed(Installed),
    Nameless { path: String },
    Marker { marker: String, holds: bool },
}

/// Asks.
///
/// # Errors
/// When uv cannot read the lock, or the environment's interpreter cannot be asked.
pub fn ask(ctx: &Context, project: &Project, scratch: &Utf8Path) -> Result<Shipped> {
    let dir = ctx.repo.abs(&project.dir);
    let call = ctx.uv().args(["export", "--frozen", "--no-default-groups", "--no-editable", "--no-header"]);
    let call = call.args(["--format", "pylock.toml", "--project"]).arg(dir.as_str()).cwd(&dir);
    let done = ctx.run(&call.args(environments::conflicts(ctx, project)?.extras(project)))?;
    if done.code != 0 {
        return Err(done.explained("`uv export --frozen`"));
    }
    let closure = scratch.join("pylock.toml");
    context::write(&closure, &done.stdout)?;
    let helper = scratch.join("shipped.py");
    context::write(&helper, HELPER)?;

    let python = environments::python(&ctx.out, project, Kind::Runtime);
    let lock = ctx.repo.abs(project.lock_dir.join("uv.lock"));
    let call = ctx.call(ctx.tools.bin(Tool::Sbom, "python"));
    let done = ctx.run(&call.args(["-I", helper.as_str(), python.as_str(), closure.as_str(), lock.as_str()]))?;
    if done.code != 0 {
        return Err(done.refused("the helper that compares the lock with the environment"));
    }
    parse(&done.stdout).context("the helper that compares the lock with the environment printed no lines of JSON")
}

fn parse(text: &str) -> Result<Shipped> {
    let mut shipped = Shipped::default();
    for line in text.lines() {
        match serde_json::from_str(line)? {
            Line::ThirdParty(locked) => shipped.locked.push(locked),
            Line::Local(locked) => shipped.locked.push(Locked { local: true, ..locked }),
            Line::Installed(installed) => shipped.installed.push(installed),
            Line::Nameless { path } => shipped.nameless.push(path),
            Line::Marker { marker, holds } => {
                shipped.markers.insert(marker, holds);
            }
        }
    }
    shipped.installed.sort_by(|a, b| (&a.name, &a.written).cmp(&(&b.name, &b.written)));
    Ok(shipped)
}
