//! What the plan keeps of a `pyproject.toml`: a few names, and hashes of the parts that somebody else reads.
//!
//! Pure: text in, values out. Small on purpose: ten thousand of them are in memory at once. Must not know a stage.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use hmac_sha256::Hash;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::config::gitlab::Platform;
use crate::manifest::{Manifest, Workspace, normalise_name};
use crate::names::Names;

mod asks;
mod written;

pub use asks::{builds, dev, needed};

/// A sha256.
pub type Digest = [u8; 32];

/// Tool tables that only the project's own checks read: they change nothing for those who install it.
const OWN_TOOLS: &[&str] = &[
    "bandit",
    "basedpyright",
    "black",
    "bumpversion",
    "codespell",
    "commitizen",
    "coverage",
    "deptry",
    "flake8",
    "interrogate",
    "isort",
    "mypy",
    "nox",
    "poe",
    "pydocstyle",
    "pylint",
    "pyright",
    "pytest",
    "pyupgrade",
    "radon",
    "ruff",
    "semantic_release",
    "semgrep",
    "taskipy",
    "towncrier",
    "tox",
    "ty",
    "typos",
    "vulture",
    "xtask",
];

/// What the plan knows of a manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// The normalised name; `None` without a `[project]` table.
    pub name: Option<String>,
    #[serde(skip_serializing_if = "written::is_default")]
    pub workspace: Option<Members>,
    /// `[tool.uv.sources]`: normalised name, and the directory it names, relative to the manifest; `None` for a workspace member.
    #[serde(skip_serializing_if = "written::is_default")]
    pub sources: Vec<(String, Option<Utf8PathBuf>)>,
    /// Archives that `[tool.uv.sources]` names, relative to the manifest.
    #[serde(skip_serializing_if = "written::is_default")]
    pub archives: Vec<Utf8PathBuf>,
    /// Names that are needed to build or run it, extras included.
    #[serde(skip_serializing_if = "written::is_default")]
    pub runtime: Names,
    /// Of these the names that nothing but extras needs, by extra.
    #[serde(skip_serializing_if = "written::is_default")]
    pub extras: BTreeMap<String, Names>,
    /// The extras that it asks for of a name, anywhere.
    #[serde(skip_serializing_if = "written::is_default")]
    pub asked: BTreeMap<String, BTreeSet<String>>,
    /// Names that its dependency groups need.
    #[serde(skip_serializing_if = "written::is_default")]
    pub dev: Names,
    /// Are the dependencies made up while it builds?
    #[serde(skip_serializing_if = "written::is_default")]
    pub dynamic: bool,
    /// The files that its metadata names: readme and licences, relative to it; globs among them.
    #[serde(skip_serializing_if = "written::is_default")]
    pub documents: Vec<String>,
    /// `[tool.xtask] inputs`.
    #[serde(skip_serializing_if = "written::is_default")]
    pub inputs: Vec<String>,
    /// What else it names above its directory, relative to it: a shared readme, files that its build or its tests take in.
    #[serde(skip_serializing_if = "written::is_default")]
    pub outside: BTreeSet<String>,
    /// `[tool.xtask] image`.
    #[serde(skip_serializing_if = "written::is_default")]
    pub image: bool,
    /// `[tool.xtask] gitlab-platforms`.
    #[serde(skip_serializing_if = "written::is_default")]
    pub platforms: Option<Vec<Platform>>,
    /// Of its own `dependencies` the names that its sources find in the repository.
    #[serde(skip_serializing_if = "written::is_default")]
    pub needed: Names,
    /// Does it say nothing at all?
    #[serde(skip_serializing_if = "written::is_default")]
    pub is_blank: bool,
    /// Does its build backend obey `.gitignore` files?
    #[serde(skip_serializing_if = "written::is_default")]
    pub ignores: bool,
    /// Do its pytest settings name documents?
    #[serde(skip_serializing_if = "written::is_default")]
    pub tests_documents: bool,
    /// What those who install it can see of the manifest.
    #[serde(with = "written")]
    pub ship: Digest,
    /// What its dependency groups ask for, as a lock notes it even for those who need the project; `None` without groups.
    #[serde(with = "written::or_none", skip_serializing_if = "Option::is_none")]
    pub groups: Option<Digest>,
    /// `[tool.uv]` without sources and members: how uv works on it, and on what is below it; `None` without the table.
    #[serde(with = "written::or_none", skip_serializing_if = "Option::is_none")]
    pub uv: Option<Digest>,
}

/// `[tool.uv.workspace]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Members {
    pub members: Vec<String>,
    pub exclude: Vec<String>,
}

impl Facts {
    /// Reads a manifest; `path` is only for messages.
    ///
    /// # Errors
    /// As [`Manifest::parse`].
    pub fn parse(path: &Utf8Path, text: &str) -> Result<Facts> {
        Ok(Facts::of(&Manifest::parse(path, text)?))
    }

    /// Does it name files that need not be below its directory?
    pub fn names_others(&self) -> bool {
        !self.inputs.is_empty() || !self.archives.is_empty() || !self.outside.is_empty()
    }

    /// The same of a manifest that has been read.
    pub fn of(manifest: &Manifest) -> Facts {
        let typed = &manifest.typed;
        let project = typed.project.as_ref();
        let (sources, archives) = sources(manifest);
        Facts {
            name: project.map(|it| normalise_name(&it.name)),
            workspace: typed
                .tool
                .uv
                .workspace
                .as_ref()
                .map(|Workspace { members, exclude }| Members { members: members.clone(), exclude: exclude.clone() }),
            sources,
            archives,
            runtime: asks::runtime(manifest),
            extras: asks::extras(manifest),
            asked: asks::asked(manifest),
            dev: asks::dev(manifest),
            dynamic: strings(manifest.at(&["project", "dynamic"])).iter().any(|it| it.contains("dependencies")),
            documents: documents(manifest),
            inputs: typed.tool.xtask.inputs.clone(),
            outside: outside(&manifest.table),
            image: typed.tool.xtask.image,
            platforms: typed.tool.xtask.gitlab_platforms.clone(),
            needed: asks::needed(manifest),
            is_blank: manifest.table.is_empty(),
            ignores: backend(manifest).contains("hatch"),
            tests_documents: manifest
                .at(&["tool", "pytest"])
                .is_some_and(|it| ["doctest", "docs", "README"].iter().any(|word| it.to_string().contains(word))),
            ship: digest(&Value::Table(shipped(&manifest.table))),
            groups: groups(manifest),
            uv: uv(manifest).map(|it| digest(&Value::Table(it))),
        }
    }
}

fn strings(value: Option<&Value>) -> Vec<String> {
    let list = value.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|it| it.as_str().map(str::to_owned)).collect()
}

fn backend(manifest: &Manifest) -> String {
    let named = manifest.at(&["build-system", "build-backend"]).and_then(Value::as_str).unwrap_or_default();
    format!("{named} {}", strings(manifest.at(&["build-system", "requires"])).join(" "))
}

/// Directories are edges, archives are files that somebody else made.
fn sources(manifest: &Manifest) -> (Vec<(String, Option<Utf8PathBuf>)>, Vec<Utf8PathBuf>) {
    let locals = manifest.local_sources();
    let mut archives = Vec::new();
    for source in manifest.typed.tool.uv.sources.values() {
        let alternatives = source.as_array().map_or_else(|| vec![source], |list| list.iter().collect());
        let paths = alternatives.into_iter().filter_map(|it| it.get("path").and_then(Value::as_str));
        let is_local = |path: &str| locals.iter().any(|(_, it)| it.as_deref().is_some_and(|it| it == path));
        archives.extend(paths.filter(|it| !is_local(it)).map(Utf8PathBuf::from));
    }
    (locals, archives)
}

fn documents(manifest: &Manifest) -> Vec<String> {
    let mut found = Vec::new();
    for key in ["readme", "license"] {
        match manifest.at(&["project", key]) {
            Some(Value::String(file)) if key == "readme" => found.push(file.clone()),
            Some(Value::Table(table)) => found.extend(table.get("file").and_then(Value::as_str).map(str::to_owned)),
            _ => {}
        }
    }
    found.extend(strings(manifest.at(&["project", "license-files"])));
    found
}

/// Keys and texts of the manifest that lead out of its directory. What uv's sources name is known better already, and
/// what only checkers read changes nothing that a build or a test does.
fn outside(table: &Table) -> BTreeSet<String> {
    fn walk(value: &Value, found: &mut BTreeSet<String>) {
        let mut note = |text: &str| {
            if text.starts_with("../") || text.starts_with("./../") {
                found.insert(text.to_owned());
            }
            // A requirement that names a place: `b @ {root:uri}/../b`.
            let place = text.split_once('@').and_then(|it| Some((it.1, it.1.find("../")?)));
            found.extend(place.map(|(text, at)| text[at..].to_owned()));
        };
        match value {
            Value::String(text) => note(text),
            Value::Array(list) => list.iter().for_each(|it| walk(it, found)),
            Value::Table(table) => {
                table.keys().for_each(|it| note(it));
                table.values().for_each(|it| walk(it, found));
            }
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    for (name, value) in table.iter().filter(|it| it.0 != "tool") {
        walk(value, &mut found);
        walk(&Value::String(name.clone()), &mut found);
    }
    for (name, value) in table.get("tool").and_then(Value::as_table).into_iter().flatten() {
        match (name.as_str(), value) {
            ("uv", Value::Table(uv)) => {
                let kept = uv.iter().filter(|it| !matches!(it.0.as_str(), "sources" | "workspace"));
                kept.for_each(|it| walk(it.1, &mut found));
            }
            ("pytest" | "coverage", _) => walk(value, &mut found),
            _ if OWN_TOOLS.contains(&name.as_str()) => {}
            _ => walk(value, &mut found),
        }
    }
    found
}

/// The manifest as those see it who install the project: no groups, no settings of its own checks.
fn shipped(table: &Table) -> Table {
    let mut table = table.clone();
    table.remove("dependency-groups");
    if let Some(Value::Table(tool)) = table.get_mut("tool") {
        let kept = tool.get("xtask").and_then(Value::as_table).map(|it| {
            let kept = it.iter().filter(|(key, _)| matches!(key.as_str(), "packages" | "inputs"));
            kept.map(|(key, value)| (key.clone(), value.clone())).collect::<Table>()
        });
        for name in OWN_TOOLS {
            tool.remove(*name);
        }
        if let Some(kept) = kept.filter(|it| !it.is_empty()) {
            tool.insert("xtask".to_owned(), Value::Table(kept));
        }
        if let Some(Value::Table(uv)) = tool.get_mut("uv") {
            uv.remove("workspace");
            uv.remove("dev-dependencies");
            uv.remove("default-groups");
        }
        tool.retain(|_, value| value.as_table().is_none_or(|it| !it.is_empty()));
    }
    table.retain(|_, value| value.as_table().is_none_or(|it| !it.is_empty()));
    table
}

fn groups(manifest: &Manifest) -> Option<Digest> {
    let mut table = manifest.at(&["dependency-groups"]).and_then(Value::as_table).cloned().unwrap_or_default();
    // The older way to write one; a group cannot have this name.
    let older = manifest.at(&["tool", "uv", "dev-dependencies"]);
    table.extend(older.map(|it| ("tool.uv.dev-dependencies".to_owned(), it.clone())));
    (!table.is_empty()).then(|| digest(&Value::Table(table)))
}

fn uv(manifest: &Manifest) -> Option<Table> {
    let mut table = manifest.at(&["tool", "uv"]).and_then(Value::as_table).cloned()?;
    table.remove("sources");
    table.remove("workspace");
    Some(table)
}

/// The hash of a value's meaning: the order of keys and the writing do not count.
pub fn digest(value: &Value) -> Digest {
    let mut hash = Hash::new();
    feed(&mut hash, value);
    hash.finalize()
}

fn feed(hash: &mut Hash, value: &Value) {
    let mut text = |tag: &str, text: &str| {
        hash.update(format!("{tag}{}:", text.len()));
        hash.update(text);
    };
    match value {
        Value::String(it) => text("s", it),
        Value::Array(list) => {
            text("a", &list.len().to_string());
            list.iter().for_each(|it| feed(hash, it));
        }
        Value::Table(table) => {
            text("t", &table.len().to_string());
            // The table's own order is that of its keys.
            for (key, value) in table {
                feed(hash, &Value::String(key.clone()));
                feed(hash, value);
            }
        }
        other => text("v", &other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(text: &str) -> Facts {
        Facts::parse("p/pyproject.toml".into(), text).expect("a valid manifest")
    }

    #[test]
    fn what_others_see() {
        let plain = "[project]\nname='A_b'\nversion='1'\ndependencies=['Idna>=3']\n";
        let dressed = "# a remark\n[tool.ruff]\nline-length=3\n[tool.pytest.ini_options]\naddopts='-q'\n[dependency-groups]\n\
                       dev=['pytest', {include-group='x'}]\nx=['Foo']\n[tool.uv]\ndefault-groups=[]\n[project]\n\
                       dependencies=['Idna>=3']\nname='A_b'\nversion='1'\n[tool.xtask]\nimage=true\n";
        assert_eq!(facts(plain).ship, facts(dressed).ship);
        assert_ne!(facts(plain).ship, facts(&plain.replace("'1'", "'2'")).ship);
        assert_ne!(facts(plain).ship, facts(&format!("{plain}[tool.hatch.build]\nx=1\n")).ship);
        assert_ne!(facts(plain).ship, facts(&format!("{plain}[tool.xtask]\ninputs=['../x']\n")).ship);
        assert_ne!(facts(plain).uv, facts(dressed).uv);
        assert_ne!(facts(plain).groups, facts(dressed).groups);
        assert_eq!(facts(dressed).groups, facts(&dressed.replace("line-length=3", "line-length=4")).groups);
        let it = facts(dressed);
        assert_eq!(it.name.as_deref(), Some("a-b"));
        assert_eq!(it.dev.iter().collect::<Vec<_>>(), ["foo", "pytest"]);
        assert_eq!(it.runtime.iter().collect::<Vec<_>>(), ["idna"]);
    }

    #[test]
    fn whom_it_asks_for() {
        let it = facts(
            "[project]\nname='A'\ndependencies=['b[X_y]']\n[project.optional-dependencies]\nc=['b','d']\nall=['a[C]','e[z]']\n\
             [dependency-groups]\ndev=['b[q]']\n",
        );
        let set = |text: &str| text.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>();
        let map =
            |list: &[(&str, &str)]| list.iter().map(|it| (it.0.to_owned(), set(it.1))).collect::<BTreeMap<_, _>>();
        let extras = it.extras.iter().map(|(extra, names)| (extra.clone(), names.iter().map(str::to_owned).collect()));
        assert_eq!(extras.collect::<BTreeMap<_, _>>(), map(&[("all", "d e"), ("c", "d")]));
        assert_eq!(it.asked, map(&[("a", "c"), ("b", "q x-y"), ("e", "z")]));
    }

    #[test]
    fn what_it_names_above_itself() {
        let it = facts(
            "[project]\nname='a'\nreadme='../README.md'\ndependencies=['c @ {root:uri}/../c','d @ git+ssh://git@host/d']\n[tool.hatch.build.targets.wheel.force-include]\n'../x/y.json'='y'\n\
             [tool.hatch.version]\npath='../v.py'\n[tool.pytest.ini_options]\ntestpaths=['tests','../../common']\n\
             [tool.ruff]\nextend='../ruff.toml'\n[tool.uv.sources]\nb={path='../b'}\n[tool.xtask]\ninputs=['../z']\n",
        );
        let all: Vec<&str> = it.outside.iter().map(String::as_str).collect();
        assert_eq!(all, ["../../common", "../README.md", "../c", "../v.py", "../x/y.json"]);
    }

    #[test]
    fn what_it_names() {
        let it = facts(
            "[project]\nname='a'\nreadme={file='R.md'}\nlicense-files=['LICEN[CS]E*']\ndynamic=['dependencies','version']\n\
             [build-system]\nrequires=['hatchling','plug']\nbuild-backend='hatchling.build'\n[tool.uv.sources]\n\
             plug={path='../plug'}\nwheel={path='v/w-1-py3-none-any.whl'}\nmem={workspace=true}\n[tool.pytest.ini_options]\n\
             testpaths=['docs']\n",
        );
        assert_eq!(it.documents, ["R.md", "LICEN[CS]E*"]);
        assert_eq!(it.sources, [("mem".to_owned(), None), ("plug".to_owned(), Some("../plug".into()))]);
        assert_eq!(it.archives, ["v/w-1-py3-none-any.whl"]);
        assert_eq!(it.outside, BTreeSet::new());
        assert!(it.dynamic && it.ignores && it.tests_documents && it.runtime.contains("plug"));
    }
}
