//! Does first-party code import a package? Read from its syntax; nothing is executed.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;
use serde_json::json;

use crate::context::{self, Context};
use crate::discover::Project;
use crate::environments::{self, Kind};
use crate::stages::sbom::inventory::{Component, Inventory};
use crate::verdict::Place;

const HELPER: &str = include_str!("imports.py");

/// How many places a line names.
const SHOWN: usize = 3;

/// The answer for one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Here.
    Imported(Vec<Place>),
    /// Every file was read, none imports it by name.
    NotFound,
    /// Not told, and why.
    Unknown(String),
}

impl Reach {
    /// In words, for a line.
    pub fn words(&self) -> String {
        match self {
            Reach::Imported(places) => {
                let shown: Vec<String> = places.iter().take(SHOWN).map(ToString::to_string).collect();
                let more = places.len().saturating_sub(SHOWN);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                format!("imported at {}{more}", shown.join(", "))
            }
            Reach::NotFound => "not found imported by first-party code".to_owned(),
            Reach::Unknown(why) => format!("whether first-party code imports it is unknown: {why}"),
        }
    }
}

/// What the helper answers.
#[derive(Debug, Deserialize)]
struct Answer {
    found: BTreeMap<String, Vec<(Utf8PathBuf, u32)>>,
    /// Where a name that only a run can tell is imported.
    computed: Vec<(Utf8PathBuf, u32)>,
    errors: Vec<(Utf8PathBuf, String)>,
}

/// Says for every component of these names where the project, or a local package that ships with it, imports it.
///
/// # Errors
/// When the project's interpreter cannot run the helper.
pub fn of(
    ctx: &Context,
    project: &Project,
    inventory: &Inventory,
    names: &BTreeSet<&str>,
    scratch: &Utf8Path,
) -> Result<BTreeMap<String, Reach>> {
    let components: Vec<&Component> = inventory.components.iter().filter(|it| names.contains(&*it.name)).collect();
    if components.is_empty() {
        return Ok(BTreeMap::new());
    }
    let locals = inventory.components.iter().filter_map(|it| it.local.as_ref());
    let dirs: BTreeSet<&Utf8PathBuf> = locals.chain([&project.dir]).collect();
    let foreign = dirs.iter().find(|it| ctx.repo.project_in(it).is_none());
    let files: Vec<Utf8PathBuf> = dirs.iter().filter_map(|it| ctx.repo.project_in(it)).flat_map(production).collect();

    let (helper, request) = (scratch.join("imports.py"), scratch.join("imports.json"));
    context::write(&helper, HELPER)?;
    let modules: BTreeSet<&String> = components.iter().flat_map(|it| &it.imports).collect();
    let absolute: Vec<Utf8PathBuf> = files.iter().map(|it| ctx.repo.abs(it)).collect();
    context::write(&request, json!({ "files": absolute, "names": modules }).to_string())?;
    // Without site: no code of the environment runs, and the helper needs none.
    let call = ctx.call(environments::python(&ctx.out, project, Kind::Runtime));
    let done = ctx.run(&call.args(["-I", "-S", helper.as_str(), request.as_str()]))?;
    if done.code != 0 {
        return Err(done.refused("the helper that looks for imports"));
    }
    let mut answer: Answer =
        serde_json::from_str(&done.stdout).context("the helper that looks for imports printed no JSON")?;
    for (path, _) in answer.found.values_mut().flatten() {
        *path = ctx.relative(&*path).unwrap_or_else(|| path.clone());
    }
    let unread = answer.errors.first().map(|(path, why)| {
        let path = ctx.relative(path).unwrap_or_else(|| path.clone());
        format!("{path} could not be read ({})", why.lines().next().unwrap_or_default())
    });
    let computed = answer.computed.first().map(|(path, line)| {
        let path = ctx.relative(path).unwrap_or_else(|| path.clone());
        format!("{path}:{line} imports a name that is computed")
    });
    let mut all = dirs.iter().filter_map(|it| ctx.repo.project_in(it)).flat_map(|it| &it.files);
    let compiled = all.find(|it| matches!(it.extension(), Some("pyx" | "pxd")));
    let unread = unread.or(computed).or_else(|| compiled.map(|it| format!("{it} is no Python")));
    let unread = unread.or_else(|| foreign.map(|it| format!("{it} is outside the projects of this repository")));
    Ok(components.iter().map(|it| (it.name.clone(), reach(it, &answer, unread.as_deref()))).collect())
}

/// The Python files of a project that are not its tests.
fn production(project: &Project) -> Vec<Utf8PathBuf> {
    let python = project.files.iter().filter(|it| it.extension() == Some("py"));
    python.filter(|it| !project.is_test(it)).cloned().collect()
}

fn reach(component: &Component, answer: &Answer, unread: Option<&str>) -> Reach {
    let places: BTreeSet<(Utf8PathBuf, u32)> =
        component.imports.iter().filter_map(|it| answer.found.get(it)).flatten().cloned().collect();
    match unread {
        _ if !places.is_empty() => {
            Reach::Imported(places.into_iter().map(|(path, line)| Place { path, line: Some(line) }).collect())
        }
        _ if component.inside.is_some() => Reach::Unknown("it is a copy inside another package".to_owned()),
        _ if component.imports.is_empty() && component.extra.is_some() => {
            Reach::Unknown("it is not installed here, so its modules are not known".to_owned())
        }
        _ if component.imports.is_empty() => Reach::Unknown("it installs no module".to_owned()),
        Some(why) => Reach::Unknown(why.to_owned()),
        None => Reach::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unread_file_makes_an_absent_import_unknown() {
        let component = |imports: &[&str]| Component {
            name: "a".to_owned(),
            version: "1".to_owned(),
            local: None,
            imports: imports.iter().map(|it| (*it).to_owned()).collect(),
            chain: Vec::new(),
            extra: None,
            inside: None,
        };
        let found =
            BTreeMap::from([("yaml".to_owned(), vec![(Utf8PathBuf::from("p/a.py"), 3)]), ("x".to_owned(), vec![])]);
        let answer = Answer { found, computed: Vec::new(), errors: Vec::new() };
        assert_eq!(reach(&component(&["x", "yaml"]), &answer, Some("b")).words(), "imported at p/a.py:3");
        assert_eq!(reach(&component(&["x"]), &answer, None), Reach::NotFound);
        assert_eq!(reach(&component(&["x"]), &answer, Some("b")), Reach::Unknown("b".to_owned()));
        assert_eq!(reach(&component(&[]), &answer, None), Reach::Unknown("it installs no module".to_owned()));
    }
}
