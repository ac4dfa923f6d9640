//! Imports every module of the installed wheel and resolves its entry points; says where in the sources it went wrong.
//!
//! Must not import anything from the work tree: the interpreter sees the environment of the wheel alone.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;
use serde_json::json;

use super::Install;
use super::contents::{self, Wheel};
use crate::context::{self, Context};
use crate::discover::Project;
use crate::manifest::normalise_name;
use crate::verdict::Case;
use crate::{environments, proc};

const HELPER: &str = include_str!("imports.py");

/// What is installed, and so what must import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Without extras: what `import NAME` needs.
    Base,
    /// With all extras: every module, and the entry points.
    Everything,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Line {
    Begin { what: String },
    Ok,
    Failed(Failed),
    End,
}

#[derive(Debug, Deserialize)]
struct Failed {
    what: String,
    #[serde(rename = "type")]
    type_: String,
    message: String,
    /// The module that is not there.
    missing: Option<String>,
    /// Is that one of Python's own?
    standard: bool,
    /// File and line, outermost first.
    frames: Vec<(String, Option<u32>)>,
    text: String,
}

/// Tries one phase.
///
/// # Errors
/// When the interpreter cannot be started or does not end.
pub fn run(ctx: &Context, install: &Install, wheel: &Wheel, phase: Phase) -> Result<Vec<Case>> {
    let (project, venv) = (install.project, &install.venv);
    let site = environments::site_packages(venv)?;
    let scratch = install.scratch;
    let (helper, wanted, answers) = (scratch.join("imports.py"), scratch.join("wanted.json"), scratch.join("answers"));
    let wanted_now = |it: &&String| (phase == Phase::Everything || !it.contains('.')) && !is_test(project, it);
    let modules: Vec<&String> = wheel.modules.iter().filter(wanted_now).collect();
    let last = phase == Phase::Everything;
    let points = if last { wheel.entry_points.as_slice() } else { &[] };
    let is_wanted = |it: &&String| last && !is_test(project, &format!("{it}.__main__"));
    let mains: Vec<&String> = wheel.mains.iter().filter(is_wanted).collect();
    context::write(&helper, HELPER)?;
    let request = json!({"site": site, "modules": modules, "mains": mains, "entry_points": points});
    context::write(&wanted, request.to_string())?;
    context::write(&answers, "")?;
    let call = ctx.call(venv.join("bin").join("python")).args(["-I", "-B", helper.as_str(), wanted.as_str()]);
    let ended = ctx.run(&call.arg(answers.as_str()));

    let text = std::fs::read_to_string(&answers).with_context(|| format!("could not read {answers}"))?;
    let lines: Vec<Line> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let judge = Judge { project, projects: projects(ctx, project), manifest: &install.manifest, site: &site, phase };
    let mut cases = judge.cases(&lines);
    if !matches!(lines.last(), Some(Line::End)) {
        let what =
            lines.iter().rev().find_map(|it| if let Line::Begin { what } = it { Some(what.as_str()) } else { None });
        let what = what.unwrap_or_default();
        let ends = |how: String| {
            let why = format!("`import {what}` ends the interpreter ({how}); what comes after it was not tried");
            Case::fail("import", why)
        };
        let case = match ended {
            Ok(done) if lines.is_empty() => return Err(done.refused("the interpreter of the wheel's environment")),
            Ok(done) => ends(format!("exit code {}", done.code)),
            Err(error) if proc::cancelled() || what.is_empty() => return Err(error),
            Err(error) if error.to_string().contains("ended by a signal") => ends("a signal".to_owned()),
            Err(error) => Case::error("import", format!("`import {what}` does not end: {error:#}")),
        };
        let place = source_of_module(&judge.projects, what);
        cases.push(case.at(place.unwrap_or_else(|| project.path("pyproject.toml")), None));
    }
    Ok(cases)
}

/// Tests that are shipped inside a package may need what only development installs: they are not imported.
pub fn is_test(project: &Project, module: &str) -> bool {
    source_of_module(&[project], module).is_some_and(|it| project.is_test(&it))
}

/// The source of a module, by its dotted name.
fn source_of_module(projects: &[&Project], module: &str) -> Option<Utf8PathBuf> {
    let path = module.replace('.', "/");
    let candidates = [format!("{path}.py"), format!("{path}/__init__.py")];
    candidates.iter().find_map(|it| contents::source_of(projects, it))
}

/// The project, then its local dependencies: a wheel of theirs can be where it goes wrong.
fn projects<'a>(ctx: &'a Context, project: &'a Project) -> Vec<&'a Project> {
    std::iter::once(project).chain(project.locals.iter().filter_map(|it| ctx.repo.project_in(&it.path))).collect()
}

/// A repo-relative file and a line of it.
type Place = (Utf8PathBuf, Option<u32>);

struct Judge<'a> {
    project: &'a Project,
    projects: Vec<&'a Project>,
    /// The text of its `pyproject.toml`.
    manifest: &'a str,
    site: &'a Utf8Path,
    phase: Phase,
}

impl Judge<'_> {
    /// One case for each cause, however many modules it hits.
    fn cases(&self, lines: &[Line]) -> Vec<Case> {
        let mut found: BTreeMap<(Option<Place>, String), (Case, Vec<String>)> = BTreeMap::new();
        for failed in lines.iter().filter_map(|it| if let Line::Failed(failed) = it { Some(failed) } else { None }) {
            let place = self.place(failed);
            let case = self.case(failed);
            let entry = found.entry((place.clone(), case.message.clone())).or_insert_with(|| (case, Vec::new()));
            entry.1.push(failed.what.clone());
        }
        let cases = found.into_iter().map(|((place, _), (case, hit))| {
            let hit: BTreeSet<String> = hit.into_iter().collect();
            let detail = format!("Hit: {}\n\n{}", hit.into_iter().collect::<Vec<_>>().join(", "), case.detail);
            let (path, line) = place.unwrap_or_else(|| (self.project.path("pyproject.toml"), None));
            case.detail(detail).at(path, line)
        });
        cases.collect()
    }

    fn case(&self, failed: &Failed) -> Case {
        let said = format!("{}: {}", failed.type_, failed.message.lines().next().unwrap_or_default());
        let said = self.readable(&said);
        let when = if self.phase == Phase::Base { " without extras" } else { "" };
        let case = match &failed.missing {
            // A part may be for another system; what every user imports must import here.
            Some(name) if failed.standard && failed.what.contains('.') => {
                Case::skip(format!("import of {name}"), format!("this Python has no `{name}` ({})", failed.what))
            }
            Some(name) if failed.standard => {
                Case::fail("import", format!("`{}` does not import{when}: this Python has no `{name}`", failed.what))
            }
            Some(name) if self.dependency(name).is_some() => {
                let wheel = self.dependency(name).unwrap_or_default();
                let what = match source_of_module(&self.projects, name) {
                    Some(file) => format!("`{name}` is not in the wheel of {wheel}, though {file} is there"),
                    None => format!("`{name}` is not in the wheel of {wheel}"),
                };
                Case::fail("import", format!("`{}` does not import{when}: {what}", failed.what))
            }
            Some(name) if !self.is_own(name) => {
                let top = name.split('.').next().unwrap_or(name);
                // In a namespace of ours it is the module that is missing, not the namespace.
                let top = if self.is_namespace(top) { name } else { top };
                let what = format!("`{top}` is imported, but nothing that ships{when} declares it{}", self.hint(top));
                Case::fail("undeclared-import", what)
            }
            _ => Case::fail("import", format!("`{}` does not import{when}: {said}", failed.what)),
        };
        case.detail(self.readable(&failed.text))
    }

    /// The local dependency whose package a missing module would be in.
    fn dependency(&self, module: &str) -> Option<&str> {
        self.owner(module).filter(|it| module.contains('.') && *it != self.project.name)
    }

    /// Is it a module of the project's own packages?
    fn is_own(&self, module: &str) -> bool {
        self.owner(module) == Some(&self.project.name)
    }

    /// The project with the deepest package around a module; a namespace that several share is nobody's.
    fn owner(&self, module: &str) -> Option<&str> {
        let parents = std::iter::successors(Some(module), |it| it.rsplit_once('.').map(|(parent, _)| parent));
        let has_source =
            |module: &str| self.projects.iter().find(|it| source_of_module(&[it], module).is_some()).copied();
        let top = module.split('.').next().unwrap_or(module);
        let of_top = |it: &&Project| it.packages.iter().any(|package| package.file_stem() == Some(top));
        let mut sharing = self.projects.iter().copied().filter(of_top);
        let only = sharing.next().filter(|_| sharing.next().is_none());
        parents.filter_map(has_source).next().or(only).map(|it| it.name.as_str())
    }

    /// Is there a directory of this name around a package of ours?
    fn is_namespace(&self, name: &str) -> bool {
        let holds = |project: &Project, package: &Utf8PathBuf| {
            let inner = package.strip_prefix(&project.dir).unwrap_or(package);
            inner.components().any(|it| it.as_str() == name)
        };
        self.projects.iter().any(|it| it.packages.iter().any(|package| holds(it, package)))
    }

    /// Where the lock has it, if it does.
    fn hint(&self, module: &str) -> String {
        let Ok(lock) = self.project.lock() else { return String::new() };
        let name = normalise_name(module);
        let all = lock.reach(&self.project.name, true);
        if self.phase == Phase::Base && lock.reach(&self.project.name, false).iter().any(|it| it.name == name) {
            format!("; {name} comes with an extra")
        } else if all.iter().any(|it| it.name == name) {
            format!("; {name} is locked for development only")
        } else {
            String::new()
        }
    }

    /// The innermost line of our own sources.
    fn place(&self, failed: &Failed) -> Option<Place> {
        let own = failed.frames.iter().rev().find_map(|(file, line)| {
            let inner = Utf8Path::new(file).strip_prefix(self.site).ok()?;
            Some((contents::source_of(&self.projects, inner.as_str())?, *line))
        });
        own.or_else(|| {
            // An entry point that names nothing has no line of code: its own line in the manifest is the place.
            let is_it = |line: &str| {
                line.split_once('=').is_some_and(|(key, _)| key.trim().trim_matches(['"', '\'']) == failed.what)
            };
            let line = contents::line_of(self.manifest, is_it)?;
            Some((self.project.path("pyproject.toml"), Some(line)))
        })
    }

    /// A traceback with paths that mean something outside this run.
    fn readable(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.site), "")
    }
}
