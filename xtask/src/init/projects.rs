//! Which directories of a repository hold its projects, and which only look like it.
//!
//! Pure. What is left out is told, and named in the settings, so that nobody takes it for forgotten. Must not read a file.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use glob::Pattern;

use crate::manifest::{self, Manifest, Workspace};
use crate::refuse;
use crate::tree::spelled;

/// What was found. Directories are relative to the root, sorted; "." is the root itself.
#[derive(Debug, Default)]
pub struct Found {
    pub projects: Vec<String>,
    /// Globs of directories that are no projects although their manifests say so, and what they are.
    pub left_out: BTreeMap<String, &'static str>,
    /// Manifests that are no TOML, and why.
    pub unreadable: Vec<(Utf8PathBuf, String)>,
}

const TEMPLATE: &str = "a template of a project";
const EXAMPLE: &str = "data of the tests around it";

/// Names of directories whose projects are what tests work on.
const TESTS: &[&str] = &["tests", "test", "testdata"];

/// The projects of manifests, by path with their text; `is_locked` tells whether a directory has a lock of its own.
///
/// # Errors
/// When a manifest is TOML and yet makes no sense.
pub fn find(manifests: &[(Utf8PathBuf, String)], is_locked: &dyn Fn(&Utf8Path) -> bool) -> Result<Found> {
    let (mut found, mut all, mut workspaces) = (Found::default(), BTreeSet::new(), BTreeMap::new());
    let mut unnamed = BTreeSet::new();
    for (file, text) in manifests {
        let dir = file.parent().unwrap_or(Utf8Path::new(""));
        if let Some(template) = in_template(dir)
            && text.parse::<toml::Table>().is_err()
        {
            found.left_out.insert(Pattern::escape(template.as_str()), TEMPLATE);
            found.left_out.insert(Pattern::escape(dir.as_str()), TEMPLATE);
            continue;
        }
        if let Err(why) = toml::from_str::<toml::Table>(text) {
            let line = why.span().map_or(1, |it| text[..it.start].matches('\n').count() + 1);
            found.unreadable.push((file.clone(), format!("line {line}: {}", why.message())));
            continue;
        }
        let manifest = Manifest::parse(file, text)?.typed;
        workspaces.extend(manifest.tool.uv.workspace.map(|it| (dir, it)));
        if let Some(project) = manifest.project {
            all.insert(dir);
            // Such as `$name`: what makes a project of the template puts another in its place.
            let name = manifest::normalise_name(&project.name);
            if dir != "" && refuse::name(&name).is_err() {
                unnamed.insert(dir);
            }
        }
    }
    for dir in &all {
        if let Some(template) = in_template(dir) {
            found.left_out.insert(Pattern::escape(template.as_str()), TEMPLATE);
            if template != *dir {
                found.left_out.insert(Pattern::escape(dir.as_str()), TEMPLATE);
            }
        } else if unnamed.contains(dir) {
            found.left_out.insert(Pattern::escape(dir.as_str()), TEMPLATE);
        } else if let Some(tests) = tests_around(dir, &all).filter(|_| !is_locked(dir) && !is_member(dir, &workspaces))
        {
            found.left_out.insert(format!("{}/**", Pattern::escape(tests.as_str())), EXAMPLE);
        } else {
            found.projects.push(spelled(dir).to_owned());
        }
    }
    // One glob must not take a real project with it.
    let takes = |glob: &str, dir: &str| Pattern::new(glob).is_ok_and(|it| it.matches(dir));
    let wide: Vec<String> = found.left_out.keys().filter(|it| it.ends_with("/**")).cloned().collect();
    for glob in wide.iter().filter(|glob| found.projects.iter().any(|it| takes(glob, it))) {
        found.left_out.remove(glob);
        let inside = all.iter().filter(|dir| takes(glob, dir.as_str()) && !found.projects.iter().any(|it| it == *dir));
        found.left_out.extend(inside.map(|it| (Pattern::escape(it.as_str()), EXAMPLE)));
    }
    found.projects.sort();
    Ok(found)
}

/// The directory at or above this one that is named by a template.
fn in_template(dir: &Utf8Path) -> Option<&Utf8Path> {
    dir.ancestors().find(|it| it.file_name().is_some_and(|it| it.contains("{{")))
}

/// The outermost directory of tests above a directory and inside another project.
fn tests_around<'a>(dir: &'a Utf8Path, projects: &BTreeSet<&Utf8Path>) -> Option<&'a Utf8Path> {
    let is_tests = |it: &&Utf8Path| it.file_name().is_some_and(|it| TESTS.contains(&it));
    let inside = |it: &&Utf8Path| it.ancestors().skip(1).any(|it| projects.contains(it));
    dir.ancestors().skip(1).filter(is_tests).filter(inside).last()
}

fn is_member(dir: &Utf8Path, workspaces: &BTreeMap<&Utf8Path, Workspace>) -> bool {
    let of = |root: &Utf8Path, it: &Workspace| {
        dir.strip_prefix(root).is_ok_and(|inner| manifest::is_member(&it.members, &it.exclude, inner))
    };
    workspaces.iter().any(|(root, it)| of(root, it))
}

/// Globs that find these directories, and their future siblings where they are not at the root.
pub fn globs(projects: &[String]) -> BTreeSet<String> {
    let glob = |dir: &String| match dir.rsplit_once('/') {
        Some((parent, name)) if !name.starts_with('.') => format!("{}/*", Pattern::escape(parent)),
        _ if dir == "." => ".".to_owned(),
        _ => Pattern::escape(dir),
    };
    projects.iter().map(glob).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_find_the_projects_and_their_siblings() {
        let dirs =
            [".", "libs/a", "libs/b", "apps/x/y", "tool", "odd[1]/a", ".hidden", "libs/.hidden"].map(str::to_owned);
        let globs: Vec<String> = globs(&dirs).into_iter().collect();
        assert_eq!(globs, [".", ".hidden", "apps/x/*", "libs/*", "libs/.hidden", "odd[[]1[]]/*", "tool"]);
    }

    #[test]
    fn what_only_looks_like_a_project_is_left_out() {
        let project = "[project]\nname = 'x'\nversion = '1'\n";
        let member = format!("{project}[tool.uv.workspace]\nmembers = ['tests/helper']\n");
        let rows = [
            ("pyproject.toml", member.as_str()),
            ("tests/helper/pyproject.toml", project),
            ("tests/packages/a/pyproject.toml", project),
            ("tests/locked/pyproject.toml", project),
            ("libs/a/pyproject.toml", project),
            ("libs/a/tests/pyproject.toml", project),
            ("libs/a/tests/data/b/tests/c/pyproject.toml", project),
            ("templates/{{ name }}/pyproject.toml", project),
            ("templates/{{ other }}/pyproject.toml", "{% if x %}\n"),
            ("templates/plain/pyproject.toml", "[project]\nname = '$name'\n"),
            ("tools/pyproject.toml", "[tool.ruff]\n"),
            ("broken/pyproject.toml", "{% if x %}\n"),
        ];
        let rows = rows.map(|(path, text)| (Utf8PathBuf::from(path), text.to_owned()));
        let found = find(&rows, &|dir| dir == "tests/locked").expect("manifests");
        assert_eq!(found.projects, [".", "libs/a", "libs/a/tests", "tests/helper", "tests/locked"]);
        let left: Vec<_> = found.left_out.iter().map(|(glob, what)| (glob.as_str(), *what)).collect();
        let expected = [
            ("libs/a/tests/**", EXAMPLE),
            ("templates/plain", TEMPLATE),
            ("templates/{{ name }}", TEMPLATE),
            ("templates/{{ other }}", TEMPLATE),
            // `tests/**` would take the real ones with it.
            ("tests/packages/a", EXAMPLE),
        ];
        assert_eq!(left, expected);
        assert_eq!(found.unreadable.len(), 1);
        // Alone, with no project around, it is one.
        let found = find(&rows[2..3], &|_| false).expect("manifests");
        assert_eq!(found.projects, ["tests/packages/a"]);
    }
}
