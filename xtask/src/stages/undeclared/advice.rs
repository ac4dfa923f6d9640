//! What to write where, so that what was read is declared. Pure.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use crate::discover::{Project, Repo};
use crate::place::Named;
use crate::tree::spelled;
use crate::verdict::Case;

/// From how many files of a directory on they are one finding.
const MANY: usize = 20;

/// Something that is not in the list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Found {
    File(Utf8PathBuf),
    /// A file that a command names.
    Named(Utf8PathBuf),
    Directory(Utf8PathBuf),
}

/// Something that is not in the list, and who read it.
#[derive(Debug, Clone)]
pub struct Finding {
    pub found: Found,
    pub by: String,
}

/// One case: what was read and what it takes to declare it.
struct Cure {
    /// Repo-relative; what the case is named after.
    path: Utf8PathBuf,
    what: String,
    by: String,
    /// What the manifest must say, relative to the project.
    input: String,
    detail: String,
}

/// The findings as cases at the place in the manifest where the cure belongs.
pub fn cases(repo: &Repo, project: &Project, stage: &str, manifest: &str, findings: Vec<Finding>) -> Vec<Case> {
    let cures = cures(repo, project, findings);
    let declared = &project.manifest.typed.tool.xtask.inputs;
    let mut all = declared.clone();
    let added: BTreeSet<&String> = cures.iter().map(|it| &it.input).collect();
    all.extend(added.into_iter().filter(|it| !declared.contains(it)).cloned());
    let list: Vec<String> = all.iter().map(|it| toml::Value::from(it.as_str()).to_string()).collect();
    let line = format!("inputs = [{}]", list.join(", "));
    let table = manifest.lines().position(|it| it.trim_start().starts_with("[tool.xtask]"));
    let at = table.and_then(|it| u32::try_from(it + 1).ok()).unwrap_or(1);
    let verb = if declared.is_empty() { "write" } else { "let the line be" };
    let case = |it: Cure| {
        let Cure { path, what, by, detail, .. } = it;
        let message = format!(
            "{what} {by}, and not in the list of inputs of {stage}, so a change there would not run it; {verb} \
             `{line}` under `[tool.xtask]`"
        );
        let case = Case::fail("undeclared-read", message).at(project.path("pyproject.toml"), Some(at)).detail(detail);
        // Several may stand at one line.
        case.named(format!("undeclared-read {}", spelled(&path)))
    };
    cures.into_iter().map(case).collect()
}

/// The directories first, each with the files that its line covers; then directories of which many files were read;
/// then single files.
fn cures(repo: &Repo, project: &Project, findings: Vec<Finding>) -> Vec<Cure> {
    let mut directories: BTreeMap<Utf8PathBuf, Option<String>> = BTreeMap::new();
    let mut files: BTreeMap<Utf8PathBuf, (bool, String)> = BTreeMap::new();
    for Finding { found, by } in findings {
        match found {
            Found::Directory(dir) => {
                directories.entry(dir).or_insert(Some(by));
            }
            Found::File(path) => {
                files.insert(path, (false, by));
            }
            Found::Named(path) => {
                files.entry(path).or_insert((true, by));
            }
        }
    }
    let mut counts: BTreeMap<&Utf8Path, usize> = BTreeMap::new();
    files.keys().filter_map(|it| it.parent()).for_each(|dir| *counts.entry(dir).or_default() += 1);
    for (dir, _) in counts.into_iter().filter(|(_, count)| *count > MANY) {
        directories.entry(dir.to_owned()).or_insert(None);
    }
    let mut found: Vec<Cure> = Vec::new();
    let mut covered: Vec<Named> = Vec::new();
    for (dir, by) in directories {
        // Sorted: what holds a directory comes before it.
        if covered.iter().any(|it| it.stands_in(&dir)) {
            continue;
        }
        // All of the repository would hold this project, and every other, as its input.
        let input = relative(project, &dir) + if dir.as_str().is_empty() { "/*" } else { "/**" };
        let Some(named) = Named::new(&project.dir, &input) else { continue };
        let (inside, rest): (BTreeMap<_, _>, _) = files.into_iter().partition(|(path, _)| named.matches(path));
        files = rest;
        let detail = inside.iter().map(|(path, (_, by))| format!("{path} {by}\n")).collect();
        let name = if dir.as_str().is_empty() { "the root of the repository" } else { dir.as_str() };
        let (what, by) = match by {
            Some(by) => (format!("{name} is listed"), by),
            None => {
                let by = inside.values().next().map(|(_, by)| by.clone()).unwrap_or_default();
                (format!("{} files of {name} are read", inside.len()), format!("{by} and elsewhere"))
            }
        };
        covered.push(named);
        found.push(Cure { path: dir, what, by, input, detail });
    }
    for (path, (is_named, by)) in files {
        let of = match repo.owner(&path) {
            Some(owner) if owner.dir != project.dir => format!(" of the project {}", owner.name),
            _ => String::new(),
        };
        let verb = if is_named { "is named in a command" } else { "is read" };
        let what = format!("{path}{of} {verb}");
        found.push(Cure { what, by, input: relative(project, &path), detail: String::new(), path });
    }
    found
}

/// A path as an entry of the project's `inputs`: relative to it, with what a glob would understand put in brackets.
fn relative(project: &Project, path: &Utf8Path) -> String {
    let shared = project.dir.components().zip(path.components()).take_while(|(a, b)| a == b).count();
    let up = project.dir.components().skip(shared).map(|_| "..".to_owned());
    let down = path.components().skip(shared).map(|it| glob::Pattern::escape(it.as_str()));
    let parts: Vec<String> = up.chain(down).collect();
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}
