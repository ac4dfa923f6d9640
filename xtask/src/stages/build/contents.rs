//! What a wheel holds, compared with what the project has: nothing forgotten, nothing damaged.
//!
//! The helper beside this file reads the wheel; the comparison is pure.

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use crate::context::{self, Context};
use crate::discover::Project;
use crate::manifest::normalise_name;
use crate::verdict::Case;

const HELPER: &str = include_str!("wheel.py");

/// Top-level directories that belong beside a package, never into `site-packages`.
const NOT_FOR_USERS: &[&str] = &["tests", "test", "docs", "doc", "examples", "scripts", "benchmarks"];

/// A wheel as the helper sees it.
#[derive(Debug, Clone, Deserialize)]
pub struct Wheel {
    pub name: String,
    /// Paths below `site-packages`.
    pub files: Vec<String>,
    /// Dotted names, without `__main__`.
    pub modules: Vec<String>,
    /// Packages that have a `__main__`.
    pub mains: Vec<String>,
    pub entry_points: Vec<EntryPoint>,
    /// What its RECORD says that is not so.
    pub problems: Vec<String>,
}

/// One line of `entry_points.txt`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct EntryPoint {
    pub group: String,
    pub name: String,
    pub value: String,
}

/// Reads a wheel.
///
/// # Errors
/// When the helper cannot.
pub fn read(ctx: &Context, scratch: &Utf8Path, python: &Utf8Path, wheel: &Utf8Path) -> Result<Wheel> {
    let helper = scratch.join("wheel.py");
    context::write(&helper, HELPER)?;
    let done = ctx.run(&ctx.call(python).args(["-I", helper.as_str(), wheel.as_str()]))?;
    if done.code != 0 {
        return Err(done.refused(&format!("the helper that reads {wheel}")));
    }
    serde_json::from_str(&done.stdout).with_context(|| format!("the helper that reads {wheel} printed no JSON"))
}

/// What is wrong with a wheel by itself.
pub fn check(project: &Project, manifest_text: &str, wheel: &Wheel) -> Vec<Case> {
    let manifest = project.path("pyproject.toml");
    let build_line = line_of(manifest_text, |line| line.trim() == "[build-system]");
    let at_build = |case: Case| case.at(&manifest, build_line);
    let mut cases: Vec<Case> = wheel.problems.iter().map(|it| at_build(Case::fail("record", it))).collect();
    if normalise_name(&wheel.name) != project.name {
        cases.push(at_build(Case::fail("metadata", format!("the wheel says that it is `{}`", wheel.name))));
    }
    let types_only = wheel.files.iter().any(|it| it.ends_with(".pyi"));
    if wheel.modules.is_empty() && !types_only {
        cases.push(at_build(Case::fail("empty-wheel", "the wheel holds no module: its users get nothing")));
        return cases;
    }
    for package in &project.packages {
        cases.extend(forgotten(project, package, wheel));
    }
    let tops: std::collections::BTreeSet<&str> = wheel.files.iter().filter_map(|it| it.split('/').next()).collect();
    let own: Vec<&str> = project.packages.iter().filter_map(|it| it.file_stem()).collect();
    for top in tops.into_iter().filter(|it| NOT_FOR_USERS.contains(it) && !own.contains(it)) {
        let what = format!("the wheel installs a top-level `{top}`, which every other package may overwrite");
        cases.push(at_build(Case::warn("stray-package", what)));
    }
    cases
}

/// Files of one package that are not in the wheel.
fn forgotten(project: &Project, package: &Utf8Path, wheel: &Wheel) -> Vec<Case> {
    let files: Vec<(Utf8PathBuf, &Utf8PathBuf)> = inner_files(project, package).collect();
    let is_code = |file: &Utf8Path| file.extension() == Some("py") && !project.is_test(file);
    let missing = |inner: &Utf8Path| !holds(wheel, inner);
    let code: Vec<_> = files.iter().filter(|(_, file)| is_code(file)).collect();
    if code.len() > 1 && code.iter().all(|(inner, _)| missing(inner)) {
        let what = format!(
            "the package {} is not in the wheel: the build backend leaves it out",
            package.file_name().unwrap_or_default()
        );
        return vec![Case::fail("missing-package", what).at(code[0].1, Some(1))];
    }
    let mut cases = Vec::new();
    for (inner, file) in files.iter().filter(|(inner, _)| missing(inner)) {
        if is_code(file) {
            let what = format!("{inner} is not in the wheel: the build backend leaves it out");
            cases.push(Case::fail("missing-module", what).at(*file, Some(1)));
        } else if !project.is_test(file) && file.extension() != Some("pyc") {
            let what = format!("{inner} is in the package, but not in the wheel");
            cases.push(Case::warn("package-data", what).at(*file, None));
        }
    }
    cases
}

/// The files of a package, each with its path as an importer sees it.
fn inner_files<'a>(
    project: &'a Project,
    package: &'a Utf8Path,
) -> impl Iterator<Item = (Utf8PathBuf, &'a Utf8PathBuf)> {
    let parent = package.parent().unwrap_or(Utf8Path::new(""));
    let own = project.files.iter().filter(move |it| it.starts_with(package));
    own.filter_map(move |it| Some((it.strip_prefix(parent).ok()?.to_owned(), it)))
}

/// A package may lie deeper in the wheel, below a namespace that the sources do not show.
fn holds(wheel: &Wheel, inner: &Utf8Path) -> bool {
    let deeper = format!("/{inner}");
    wheel.files.iter().any(|it| it == inner.as_str() || it.ends_with(&deeper))
}

/// The repo-relative source of a file below `site-packages`, among these projects.
pub fn source_of(projects: &[&Project], installed: &str) -> Option<Utf8PathBuf> {
    for project in projects {
        for package in &project.packages {
            let found = inner_files(project, package)
                .find(|(inner, _)| installed == inner.as_str() || installed.ends_with(&format!("/{inner}")));
            if let Some((_, file)) = found {
                return Some(file.clone());
            }
        }
    }
    None
}

/// The first line of a text that fits, counted from 1.
pub fn line_of(text: &str, fits: impl Fn(&str) -> bool) -> Option<u32> {
    text.lines().position(fits).and_then(|it| u32::try_from(it + 1).ok())
}
