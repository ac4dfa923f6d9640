//! The model's reading of manifests and locks: tables of `toml`, walked through as they are.
//!
//! Must not use what it is compared with.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{Hash as _, Hasher as _};
use std::rc::Rc;

use toml::{Table, Value};

use super::render::Files;

/// A lock.
pub enum Lock {
    Missing,
    Garbage,
    Read(Rc<Table>),
}

/// What a package is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// Without its groups.
    Run,
    /// With all of them.
    Groups,
    /// For one of them alone.
    Group(&'a str),
    /// What nothing but its dependencies ask for.
    Base,
    /// For one of its extras alone.
    Extra(&'a str),
}

pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |it| it.0)
}

pub fn join(dir: &str, name: &str) -> String {
    if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") }
}

/// A path relative to a directory; `None` when it leads out of the repository.
pub fn resolve(dir: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = dir.split('/').filter(|it| !it.is_empty()).collect();
    for part in path.split('/').filter(|it| !it.is_empty() && *it != ".") {
        if part == ".." {
            parts.pop()?;
        } else {
            parts.push(part);
        }
    }
    Some(parts.join("/"))
}

thread_local! {
    /// Parsing is what takes the time, and the same few texts come again and again.
    static PARSED: RefCell<HashMap<Vec<u8>, Option<Rc<Table>>>> = RefCell::default();
}

/// A file as a table; `None` when it is not there or no TOML.
pub fn table(files: &Files, path: &str) -> Option<Rc<Table>> {
    let (_, bytes) = files.get(path)?;
    PARSED.with_borrow_mut(|parsed| {
        let parse = || toml::from_str(&String::from_utf8_lossy(bytes)).ok().map(Rc::new);
        if !parsed.contains_key(bytes) {
            parsed.insert(bytes.clone(), parse());
        }
        parsed[bytes].clone()
    })
}

pub fn lock(files: &Files, path: &str) -> Lock {
    match (files.contains_key(path), table(files, path)) {
        (false, _) => Lock::Missing,
        (true, None) => Lock::Garbage,
        (true, Some(table)) => Lock::Read(table),
    }
}

pub fn at<'a>(table: &'a Table, keys: &[&str]) -> Option<&'a Value> {
    let (first, rest) = keys.split_first()?;
    rest.iter().try_fold(table.get(*first)?, |value, key| value.get(key))
}

pub fn strings(value: Option<&Value>) -> Vec<String> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The root of the workspace that a directory is a member of; itself where it is in none.
pub fn home(files: &Files, dir: &str) -> String {
    let is_workspace = |root: &str| {
        let table = table(files, &join(root, "pyproject.toml")).unwrap_or_default();
        at(&table, &["tool", "uv", "workspace"]).cloned()
    };
    for root in std::iter::successors(Some(dir), |it| (!it.is_empty()).then(|| parent(it))) {
        let Some(workspace) = is_workspace(root) else { continue };
        let below = dir.strip_prefix(root).unwrap_or_default().trim_start_matches('/');
        let matches = |key: &str| {
            let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::new() };
            let globs = strings(workspace.get(key));
            globs.iter().any(|it| glob::Pattern::new(it).expect("a glob").matches_with(below, options))
        };
        let is_member = root == dir || (matches("members") && !matches("exclude"));
        return if is_member { root.to_owned() } else { dir.to_owned() };
    }
    dir.to_owned()
}

/// Many lines as one: the same lines in any order give the same text.
pub fn short(lines: &[String]) -> String {
    let mut hash = std::hash::DefaultHasher::new();
    let lines: BTreeSet<&String> = lines.iter().collect();
    lines.hash(&mut hash);
    format!("{:016x}", hash.finish())
}

/// A setting of a checker that counts wherever it is.
pub fn is_checked(path: &str) -> bool {
    [".bandit", ".ruff.toml", "py.typed", "ruff.toml", "ty.toml"].contains(&path.rsplit('/').next().unwrap_or(path))
}

fn name_of(requirement: &str) -> String {
    requirement.chars().take_while(|it| it.is_ascii_alphanumeric() || *it == '-').collect()
}

/// The names that a manifest asks for: to build and run, and for its groups.
pub fn asked(table: &Table) -> (BTreeSet<String>, BTreeSet<String>) {
    let names = |value: Option<&Value>| strings(value).into_iter().map(|it| name_of(&it)).collect::<BTreeSet<_>>();
    let all = |keys: &[&str]| {
        let tables = at(table, keys).and_then(Value::as_table);
        tables.into_iter().flatten().flat_map(|(_, value)| names(Some(value))).collect::<BTreeSet<_>>()
    };
    let mut run = names(at(table, &["project", "dependencies"]));
    run.extend(names(at(table, &["build-system", "requires"])));
    run.extend(all(&["project", "optional-dependencies"]));
    (run, all(&["dependency-groups"]))
}

/// The names that are needed whatever is asked for, and those of each extra.
pub fn asked_by(table: &Table) -> (BTreeSet<String>, BTreeMap<String, BTreeSet<String>>) {
    let names = |value: Option<&Value>| strings(value).into_iter().map(|it| name_of(&it)).collect::<BTreeSet<_>>();
    let mut base = names(at(table, &["project", "dependencies"]));
    base.extend(names(at(table, &["build-system", "requires"])));
    let extras = at(table, &["project", "optional-dependencies"]).and_then(Value::as_table).into_iter().flatten();
    (base, extras.map(|(extra, value)| (extra.clone(), names(Some(value)))).collect())
}

/// The extras that a manifest asks for of each name.
pub fn extras_asked(table: &Table) -> BTreeMap<String, BTreeSet<String>> {
    let mut texts = strings(at(table, &["project", "dependencies"]));
    texts.extend(strings(at(table, &["build-system", "requires"])));
    for keys in [&["project", "optional-dependencies"][..], &["dependency-groups"]] {
        let lists = at(table, keys).and_then(Value::as_table).into_iter().flatten();
        texts.extend(lists.flat_map(|(_, value)| strings(Some(value))));
    }
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for text in texts {
        if let Some((extra, _)) = text.split_once('[').and_then(|it| it.1.split_once(']')) {
            found.entry(name_of(&text)).or_default().insert(extra.to_owned());
        }
    }
    found
}

/// The extras that a lock knows of a project.
pub fn extras_of(lock: &Table, project: &str) -> Vec<String> {
    let own = packages(lock).find(|it| name(it) == project && local(it).is_some());
    let extras = own.and_then(|it| it.get("optional-dependencies")).and_then(Value::as_table);
    extras.into_iter().flatten().map(|it| it.0.clone()).collect()
}

/// The sources of a manifest: name and directory; no directory for a member of the workspace.
pub fn sources(table: &Table, dir: &str) -> Vec<(String, Option<String>)> {
    let sources = at(table, &["tool", "uv", "sources"]).and_then(Value::as_table);
    let one = |(name, source): (&String, &Value)| {
        if source.get("workspace").is_some() {
            return Some((name.clone(), None));
        }
        let path = source.get("path").and_then(Value::as_str)?;
        Some((name.clone(), Some(resolve(dir, path)?)))
    };
    sources.into_iter().flatten().filter_map(one).collect()
}

/// The manifest as those see it who need the project.
pub fn shipped(table: &Table) -> String {
    let mut table = table.clone();
    table.remove("dependency-groups");
    // The list of members touches nobody.
    if let Some(uv) = table.get_mut("tool").and_then(|it| it.get_mut("uv")).and_then(Value::as_table_mut) {
        uv.remove("workspace");
    }
    if let Some(tool) = table.get_mut("tool").and_then(Value::as_table_mut) {
        for checker in ["ruff", "pytest", "coverage", "ty"] {
            tool.remove(checker);
        }
        if let Some(xtask) = tool.get_mut("xtask").and_then(Value::as_table_mut) {
            xtask.retain(|key, _| key == "inputs" || key == "packages");
        }
        tool.retain(|_, it| it.as_table().is_none_or(|it| !it.is_empty()));
    }
    table.retain(|_, it| it.as_table().is_none_or(|it| !it.is_empty()));
    Value::Table(table).to_string()
}

/// How uv works on a workspace.
pub fn uv(table: &Table) -> String {
    let mut uv = at(table, &["tool", "uv"]).and_then(Value::as_table).cloned().unwrap_or_default();
    uv.remove("sources");
    uv.remove("workspace");
    Value::Table(uv).to_string()
}

/// The directory of a package of the repository, relative to the lock.
pub fn local(package: &Value) -> Option<&str> {
    let source = package.get("source")?;
    ["editable", "directory", "virtual"].iter().find_map(|it| source.get(it)?.as_str())
}

fn packages(lock: &Table) -> impl Iterator<Item = &Value> {
    lock.get("package").and_then(Value::as_array).into_iter().flatten()
}

fn name(value: &Value) -> &str {
    value.get("name").and_then(Value::as_str).unwrap_or_default()
}

/// The packages that a project reaches, itself first; `None` when the lock does not know it.
pub fn reach<'a>(lock: &'a Table, project: &str, scope: Scope) -> Option<Vec<&'a Value>> {
    let own = packages(lock).find(|it| name(it) == project && local(it).is_some())?;
    let list = |it: &'a Value, key: &str| it.get(key).and_then(Value::as_array).into_iter().flatten();
    let tables = |it: &'a Value, key: &str| -> BTreeMap<&'a str, Vec<&'a Value>> {
        let table = it.get(key).and_then(Value::as_table).into_iter().flatten();
        table.map(|(key, value)| (key.as_str(), value.as_array().into_iter().flatten().collect())).collect()
    };
    let mut queue: Vec<&Value> = Vec::new();
    if matches!(scope, Scope::Run | Scope::Groups | Scope::Base) {
        queue.extend(list(own, "dependencies"));
    }
    for (extra, needs) in tables(own, "optional-dependencies") {
        if matches!(scope, Scope::Run | Scope::Groups) || matches!(scope, Scope::Extra(it) if it == extra) {
            queue.extend(needs);
        }
    }
    for (group, needs) in tables(own, "dev-dependencies") {
        if scope == Scope::Groups || matches!(scope, Scope::Group(it) if it == group) {
            queue.extend(needs);
        }
    }
    let mut found = vec![own];
    let mut seen = BTreeSet::new();
    while let Some(need) = queue.pop() {
        for package in packages(lock).filter(|it| name(it) == name(need)) {
            let extras = list(need, "extra").filter_map(Value::as_str);
            for part in std::iter::once("").chain(extras) {
                if !seen.insert((name(package).to_owned(), part.to_owned())) {
                    continue;
                }
                if part.is_empty() {
                    queue.extend(list(package, "dependencies"));
                    found.push(package);
                } else {
                    queue.extend(tables(package, "optional-dependencies").remove(part).unwrap_or_default());
                }
            }
        }
    }
    Some(found)
}

/// What a lock means to a project; `whole` with the groups of every local package.
pub fn locked(lock: &Table, project: &str, scope: Scope, whole: bool) -> Vec<String> {
    let mut header = lock.clone();
    header.remove("package");
    header.remove("revision");
    if let Some(manifest) = header.get_mut("manifest").and_then(Value::as_table_mut) {
        manifest.remove("members");
    }
    header.retain(|_, it| it.as_table().is_none_or(|it| !it.is_empty()));
    let mut lines = vec![format!("header {}", Value::Table(header))];
    let Some(reached) = reach(lock, project, scope) else { return vec!["lock without it".to_owned()] };
    for package in reached {
        let is_ours = whole || (name(package) == project && scope != Scope::Run);
        let with_groups = is_ours && local(package).is_some();
        lines.push(format!("{}", entry(package, with_groups)));
    }
    lines
}

/// What counts of a package in a lock.
fn entry(package: &Value, with_groups: bool) -> Value {
    let mut package = package.clone();
    let table = package.as_table_mut().expect("a table");
    if !with_groups {
        table.remove("dev-dependencies");
        if let Some(metadata) = table.get_mut("metadata").and_then(Value::as_table_mut) {
            metadata.remove("requires-dev");
        }
    }
    forget(&mut package);
    package
}

fn forget(value: &mut Value) {
    match value {
        Value::Table(table) => {
            ["url", "size", "upload-time"].iter().for_each(|it| drop(table.remove(*it)));
            table.iter_mut().for_each(|(_, it)| forget(it));
        }
        Value::Array(items) => items.iter_mut().for_each(forget),
        _ => {}
    }
}
