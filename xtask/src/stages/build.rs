//! build: the wheel builds from a clean tree, installs with its closure into an empty environment, and imports.
//!
//! Third-party distributions come from the lock, local ones as wheels built the same way. An import that only the
//! development environment can satisfy fails here, as it would for whoever installs the wheel.
//!
//! A project that uv does not package (`tool.uv.package = false`, or no `[build-system]`) has no wheel: skipped with
//! that reason, since uv would invent a build system that the project never asked for.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};

use crate::context::{self, Context};
use crate::discover::Project;
use crate::lock::Package;
use crate::manifest::{self, Manifest, normalise_name};
use crate::verdict::{Case, Verdict};
use crate::{environments, proc, sources};

pub(super) mod contents;
mod smoke;
pub(super) mod tree;
pub(super) mod wheel;

use super::sbom::closure;
use smoke::Phase;
use wheel::Built;

/// Builds and tries one project.
pub fn run(ctx: &Context, project: &Project) -> Result<Verdict> {
    let dist = ctx.out.join("dist").join(&project.name);
    context::remake(&dist)?;
    if let Some(why) = project.not_packaged() {
        return Ok(Verdict::one(Case::skip("build", format!("there is no wheel to build: {why}"))));
    }
    let scratch = ctx.scratch(Some(project))?;
    let manifest = std::fs::read_to_string(ctx.repo.abs(project.path("pyproject.toml")))?;
    let install = Install { ctx, project, scratch: &scratch, venv: scratch.join("venv"), manifest };
    tree::stage(ctx.repo, project, &scratch.join("tree"))?;
    install.third_party(false)?;

    let path = match wheel::build(ctx, &project.dir, &install.venv)? {
        Built::Wheel(path) => path,
        Built::Broken { why, tail } => return Ok(Verdict::one(install.broken(&why, &tail))),
    };
    let path = keep(&path, &dist)?;
    let wheel = contents::read(ctx, &scratch, &install.python(), &path)?;
    let mut cases = contents::check(project, &install.manifest, &wheel);
    if let Some(case) = install.wheels(false, &path)? {
        cases.push(case);
        return Ok(Verdict::of(cases, ""));
    }
    cases.extend(install.check()?);

    let extras = project.manifest.typed.project.as_ref().is_some_and(|it| !it.optional_dependencies.is_empty());
    if extras {
        cases.extend(smoke::run(ctx, &install, &wheel, Phase::Base)?);
        install.third_party(true)?;
        if let Some(case) = install.wheels(true, &path)? {
            cases.push(case);
        }
    }
    cases.extend(smoke::run(ctx, &install, &wheel, Phase::Everything)?);

    let name = path.file_name().unwrap_or_default();
    let (tests, modules): (Vec<&String>, Vec<&String>) =
        wheel.modules.iter().partition(|it| smoke::is_test(project, it));
    let points = wheel.entry_points.len();
    let mut said = format!("{name} installs, {} modules import, {points} entry points resolve", modules.len());
    if !tests.is_empty() {
        said += &format!(", {} modules are tests and not imported", tests.len());
    }
    let sum = sources::sha256(&std::fs::read(&path).with_context(|| format!("could not read {path}"))?);
    let shown = ctx.relative(&path).unwrap_or(path);
    Ok(Verdict::of(cases, said).note(format!("{shown} sha256 {sum}")))
}

/// A wheel as uv is asked for it: of a bare path or address it takes what follows a `#` for a fragment.
fn requirement(wheel: &Utf8Path) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~+".contains(&byte);
    let quoted = wheel.as_str().bytes();
    let address: String =
        quoted.map(|it| if plain(it) { char::from(it).to_string() } else { format!("%{it:02X}") }).collect();
    let name = wheel.file_name().and_then(|it| it.split('-').next()).unwrap_or_default();
    format!("{name} @ file://{address}")
}

/// Copies a wheel to where people look for it; the memo keeps its own copy for the dependants.
fn keep(wheel: &Utf8Path, dist: &Utf8Path) -> Result<Utf8PathBuf> {
    let target = dist.join(wheel.file_name().context("a wheel has a name")?);
    std::fs::copy(wheel, &target).with_context(|| format!("could not copy {wheel} to {dist}"))?;
    Ok(target)
}

/// The environment in which a wheel is tried.
struct Install<'a> {
    ctx: &'a Context<'a>,
    project: &'a Project,
    scratch: &'a Utf8Path,
    venv: Utf8PathBuf,
    /// The text of the project's `pyproject.toml`.
    manifest: String,
}

impl Install<'_> {
    fn python(&self) -> Utf8PathBuf {
        self.venv.join("bin").join("python")
    }

    fn broken(&self, why: &str, tail: &str) -> Case {
        let case = Case::fail("build", format!("the wheel does not build: {why}")).detail(tail);
        // A file that the manifest names and that is not there.
        let is_named = |line: &str| {
            let (key, value) = line.split_once('=').unwrap_or_default();
            let named = value.split('"').skip(1).step_by(2).any(|it| !it.is_empty() && why.contains(it));
            named && matches!(key.trim(), "readme" | "license-files" | "license" | "file")
        };
        match contents::line_of(&self.manifest, is_named) {
            Some(line) => case.at(self.project.path("pyproject.toml"), Some(line)),
            None => self.at_build(case),
        }
    }

    /// The case at the line where the project names its build backend.
    fn at_build(&self, case: Case) -> Case {
        let line = contents::line_of(&self.manifest, |line| line.trim() == "[build-system]");
        case.at(self.project.path("pyproject.toml"), line)
    }

    /// Installs what the lock names and is not ours; makes the environment when it is not there.
    fn third_party(&self, extras: bool) -> Result<()> {
        let dir = self.scratch.join("tree").join(&self.project.dir);
        let call = self.ctx.uv().args(["sync", "--frozen", "--no-default-groups", "--inexact", "--no-install-project"]);
        let mut call = call.arg("--project").arg(dir.as_str()).cwd(&dir);
        // Not `--no-install-local`: uv counts a wheel that is named by its path among those.
        for local in self.project.lock()?.packages.iter().filter_map(Package::local) {
            call = call.args(["--no-install-package", &local.name]);
        }
        if extras {
            call = call.args(environments::conflicts(self.ctx, self.project)?.extras(self.project));
        }
        let done = self.ctx.run(&call.env("UV_PROJECT_ENVIRONMENT", self.venv.as_str()))?;
        if done.code != 0 {
            return Err(done.explained(&format!("`uv sync --frozen` of what {} needs", self.project.name)));
        }
        Ok(())
    }

    /// Installs the wheels of the local dependencies and the project's own; a case when one of them has none.
    fn wheels(&self, extras: bool, own: &Utf8Path) -> Result<Option<Case>> {
        let mut wheels = vec![requirement(own)];
        for (name, dir) in self.locals(extras)? {
            match wheel::build(self.ctx, &dir, &self.venv)? {
                Built::Wheel(path) => wheels.push(requirement(&path)),
                Built::Broken { why, tail } => {
                    let what = format!("the wheel of {name}, which it needs, does not build: {why}");
                    return Ok(Some(Case::fail("dependency", what).detail(tail).at(dir.join("pyproject.toml"), None)));
                }
            }
        }
        let call = self.ctx.uv().args(["pip", "install", "--no-deps", "--no-index", "--python"]);
        let done = self.ctx.run(&call.arg(self.python().as_str()).args(wheels))?;
        if done.code != 0 {
            let why = proc::last_words(&done.stderr);
            let case = Case::fail("install", format!("the wheel does not install: {why}")).detail(done.tail);
            return Ok(Some(self.at_build(case)));
        }
        Ok(None)
    }

    /// The local packages that are installed with it, by name and repo-relative directory.
    fn locals(&self, extras: bool) -> Result<Vec<(String, Utf8PathBuf)>> {
        let lock = self.project.lock()?;
        let Some(own) = lock.own(&self.project.name) else {
            bail!("{} is not in the lock of {}", self.project.name, self.project.lock_dir);
        };
        let chosen: BTreeSet<String> =
            if extras { own.optional_dependencies.keys().cloned().collect() } else { BTreeSet::new() };
        let reached = closure::of(lock, &self.project.name, &chosen, &BTreeMap::new()).chains;
        let is_wanted = |it: &&Package| {
            it.name != own.name && !it.source.contains_key("virtual") && reached.contains_key(&normalise_name(&it.name))
        };
        let locals = lock.packages.iter().filter(is_wanted).filter_map(Package::local);
        let found = locals.filter_map(|it| Some((it.name, manifest::resolve(&self.project.lock_dir, &it.path)?)));
        Ok(found.collect())
    }

    /// Does every requirement in the metadata of what is installed hold?
    fn check(&self) -> Result<Vec<Case>> {
        let done = self.ctx.run(&self.ctx.uv().args(["pip", "check", "--python"]).arg(self.python().as_str()))?;
        let text = format!("{}\n{}", done.stdout, done.stderr);
        let said: Vec<&str> = text.lines().map(str::trim).filter(|it| it.starts_with("The package `")).collect();
        if (done.code == 0) != said.is_empty() || done.code > 1 {
            return Err(done.refused("`uv pip check`"));
        }
        let path = self.project.path("pyproject.toml");
        let line = contents::line_of(&self.manifest, |line| line.trim_start().starts_with("dependencies"));
        // "The package `a` requires `b>=2`, but `1` is installed": what uv was told to install all the same.
        let overridden = self.overridden()?;
        let case = |it: &str| {
            let required = it.split('`').nth(3).map(manifest::requirement_name).unwrap_or_default();
            match overridden.contains(&required) {
                true => Case::warn("requirements", format!("{it}, as `override-dependencies` in [tool.uv] asks")),
                false => Case::fail("requirements", it),
            }
        };
        Ok(said.into_iter().map(|it| case(it).at(&path, line)).collect())
    }
    /// The names of what `override-dependencies` of the manifest beside the lock forces on everybody.
    fn overridden(&self) -> Result<BTreeSet<String>> {
        let path = self.project.lock_dir.join("pyproject.toml");
        let text =
            std::fs::read_to_string(self.ctx.repo.abs(&path)).with_context(|| format!("could not read {path}"))?;
        let root = Manifest::parse(&path, &text)?;
        let list = root.at(&["tool", "uv", "override-dependencies"]).and_then(toml::Value::as_array);
        Ok(list.into_iter().flatten().filter_map(toml::Value::as_str).map(manifest::requirement_name).collect())
    }
}
