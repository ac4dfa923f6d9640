//! What no run begins with: manifests, names and directories that `ci` and `emit` refuse before anything runs, in the same words.
//!
//! Pure: what was read in, why it is refused out. Must not know who asks.

use anyhow::{Context as _, Result, bail};
use camino::Utf8Path;

use crate::facts::Facts;
use crate::manifest;
use crate::place::Named;
use crate::side::Side;

/// The longest name of a project: what a run leaves of it is in files that are called after it, and a file system takes 255.
const LONGEST_NAME: usize = 150;

/// May this be the manifest of a project, or of none?
///
/// # Errors
/// When it may not, with its path.
pub fn manifest(path: &Utf8Path, facts: &Facts) -> Result<()> {
    if facts.is_blank {
        bail!("{path} is empty: a project has a [project] table there; write it, or remove the file");
    }
    let Some(name) = &facts.name else { return Ok(()) };
    for text in &facts.inputs {
        Named::check(text).with_context(|| format!("{path}: `{text}` in `[tool.xtask] inputs` is no glob"))?;
    }
    names(path, name)
}

/// Why some tool would not find what is at a path, or would look elsewhere, and could not be told otherwise.
fn unreadable(path: &str) -> Option<&'static str> {
    if path.contains(char::is_control) {
        return Some("no tool reads a path with a line break or another control character");
    }
    if path.contains('\\') {
        return Some("coverage.py takes a backslash in a path for the end of a directory's name");
    }
    path.contains(['\u{2028}', '\u{2029}']).then_some(
        "Python ends a line of a .pth file at U+2028 and U+2029, and so imports nothing from a path with one",
    )
}

/// May the repository be in this directory? What a path is below it can be told to a tool in another way, but not this.
///
/// # Errors
/// When it may not.
pub fn root(root: &Utf8Path) -> Result<()> {
    let starts_name = |it: &str| it.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '{'));
    let variable = root.as_str().split('$').skip(1).any(starts_name);
    let variable = variable.then_some("ty, syft and pytest read `$` and a name in a path as a variable");
    match unreadable(root.as_str()).or(variable) {
        Some(why) => bail!("the repository is in {root:?}: {why}; move it elsewhere"),
        None => Ok(()),
    }
}

/// May a project have this name, and its manifest this path? Names become those of files and jobs, so they must be what the
/// packaging standard allows and nothing more.
fn names(path: &Utf8Path, name: &str) -> Result<()> {
    if let Some(why) = unreadable(path.as_str()) {
        bail!("{path:?}: {why}; rename it");
    }
    self::name(name).map_err(|why| anyhow::anyhow!("{path}: {why}"))
}

/// May a project have this name, when it is normalised?
///
/// # Errors
/// When it may not.
pub fn name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || !name.chars().all(plain) || name.starts_with('-') || name.ends_with('-') {
        bail!("`{name}` is no valid project name; use letters, digits, `-`, `_` and `.`");
    }
    if name.len() > LONGEST_NAME {
        let start = &name[..20];
        bail!("`{start}...` has {} characters, and at most {LONGEST_NAME} are a part of file names", name.len());
    }
    Ok(())
}

/// Can it be told who is a member of a workspace?
///
/// # Errors
/// When one of its globs is none.
pub fn workspace(path: &Utf8Path, members: &[String], exclude: &[String]) -> Result<()> {
    for text in members.iter().chain(exclude) {
        manifest::member_glob(text).with_context(|| format!("{path}: `{text}` in tool.uv.workspace is no glob"))?;
    }
    Ok(())
}

/// The names of two projects that have one name stand in the same words everywhere.
pub fn twins(name: &str, dirs: [&Utf8Path; 2]) -> anyhow::Error {
    let [a, b] = dirs.map(crate::side::shown);
    anyhow::anyhow!(
        "two projects are named `{name}`: {a} and {b}; give one of them another `name` in its pyproject.toml, or leave one \
         out with `exclude` in ci/xtask.toml"
    )
}

/// Projects that need each other in a circle, which have no order to build in: the names on it, the first once more at the
/// end. Takes each project with those that its `dependencies` name.
pub fn circle<'a>(projects: &[(&'a str, Vec<&str>)]) -> Option<Vec<&'a str>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        No,
        OnTheWay,
        Done,
    }
    let numbers: std::collections::HashMap<&str, usize> =
        projects.iter().enumerate().map(|(number, it)| (it.0, number)).collect();
    let next =
        |number: usize| -> Vec<usize> { projects[number].1.iter().filter_map(|it| numbers.get(it).copied()).collect() };
    let mut seen = vec![Seen::No; projects.len()];
    for start in 0..projects.len() {
        let mut way = if seen[start] == Seen::No { vec![(start, next(start))] } else { continue };
        seen[start] = Seen::OnTheWay;
        while let Some((number, rest)) = way.last_mut() {
            match rest.pop() {
                None => {
                    seen[*number] = Seen::Done;
                    way.pop();
                }
                Some(needed) if seen[needed] == Seen::OnTheWay => {
                    let names = way.iter().map(|it| it.0).skip_while(|it| *it != needed).chain([needed]);
                    return Some(names.map(|it| projects[it].0).collect());
                }
                Some(needed) if seen[needed] == Seen::No => {
                    seen[needed] = Seen::OnTheWay;
                    way.push((needed, next(needed)));
                }
                Some(_) => {}
            }
        }
    }
    None
}

/// Why a circle is refused.
pub fn in_circle(names: &[&str]) -> anyhow::Error {
    anyhow::anyhow!(
        "projects depend on each other in a cycle: {}; take one of these out of `dependencies`",
        names.join(" -> ")
    )
}

/// May a run begin with this revision?
///
/// # Errors
/// With the first that is refused.
pub fn revision(side: &Side) -> Result<()> {
    for (path, facts) in side.manifests() {
        if path.parent().is_some_and(|it| side.globs.matches(it)) {
            manifest(path, facts)?;
        }
        facts.workspace.iter().try_for_each(|it| workspace(path, &it.members, &it.exclude))?;
    }
    let needed: Vec<(&str, Vec<&str>)> =
        side.projects.iter().map(|it| (it.name.as_str(), it.facts.needed.iter().collect())).collect();
    match circle(&needed) {
        Some(names) => Err(in_circle(&names)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::circle;

    #[test]
    fn circles() {
        let of = |text: &'static str| -> Option<String> {
            let words = |it: &'static str| it.split(' ').filter(|it| !it.is_empty()).collect::<Vec<_>>();
            let projects: Vec<_> = text.split(',').map(|it| it.split_once(':').expect("name: needs")).collect();
            circle(&projects.into_iter().map(|(name, needs)| (name, words(needs))).collect::<Vec<_>>())
                .map(|it| it.join(" "))
        };
        for (projects, expected) in [
            ("a:", None),
            ("a:a", Some("a a")),
            ("a:b c,b:d,c:d,d:elsewhere", None),
            ("a:b,b:c,c:b", Some("b c b")),
            ("a:d,b:a,c:b,d:c", Some("a d c b a")),
            ("z:,a:b,b:c,c:z,d:e,e:d c", Some("d e d")),
        ] {
            assert_eq!(of(projects).as_deref(), expected, "{projects}");
        }
        let names: Vec<String> = (0..50_000).map(|it| it.to_string()).collect();
        let chain = |last: &'static str| -> Vec<_> {
            names
                .iter()
                .enumerate()
                .map(|(at, it)| (it.as_str(), vec![names.get(at + 1).map_or(last, |it| it)]))
                .collect()
        };
        assert_eq!((circle(&chain("")), circle(&chain("0")).map(|it| it.len())), (None, Some(50_001)));
    }
}
