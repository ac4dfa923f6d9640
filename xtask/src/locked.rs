//! What a `uv.lock` means to one project: the packages it reaches, and what of each may change a verdict.
//!
//! Pure: text in, values out. How a lock is written, when and from where a file was uploaded, counts for nothing.
//! Must not evaluate markers: that needs an interpreter.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use toml::{Table, Value};

use crate::facts::{Digest, digest};
use crate::manifest::normalise_name;

mod blocks;
mod dirs;

pub use blocks::Packages;
pub use dirs::{Dirs, Local, Users};

/// A lock, or the part of it that is about local packages.
#[derive(Debug, Default)]
pub struct Locked {
    /// What holds for everyone who uses the lock, by key, as text.
    pub header: Vec<(String, String)>,
    packages: Vec<Arc<Package>>,
    /// Their numbers, sorted by name.
    by_name: Vec<u32>,
    /// The numbers of those whose source may be local, where the text itself shows which they are.
    near: Option<Vec<u32>>,
    /// What was asked before: every stage of a project asks the same, and so does every commit that has this lock.
    known: Mutex<BTreeMap<(String, Scope, bool), Lines>>,
}

/// Key and value of everything that may change a verdict, sorted; `None` when the lock does not know the project.
pub type Lines = Option<Arc<Vec<(Arc<str>, Arc<str>)>>>;

/// As much of a lock as was read.
#[derive(Debug)]
pub enum Lockfile {
    Whole(Locked),
    /// Just where the local packages are that each of its projects reaches: enough where nothing of the lock has changed.
    Locals(Users),
    /// It cannot be read, for this reason.
    Broken(String),
}

impl Lockfile {
    /// What [`Locked::scan`] finds in it; `None` where that cannot be told from here.
    pub fn scanned(&self) -> Option<Locked> {
        if let Lockfile::Whole(lock) = self { lock.scanned() } else { None }
    }
}

/// One package.
#[derive(Debug, Clone)]
pub struct Package {
    pub name: String,
    /// Its line in a list: version and kind of source for people, and a hash of everything of it that may change a
    /// verdict, its groups left out.
    line: (Arc<str>, Arc<str>),
    /// Its groups: they count for the project itself alone.
    own_groups: Digest,
    version: Option<String>,
    /// Its directory, when its code is in the repository; as written, relative to the lock.
    pub local: Option<Utf8PathBuf>,
    needs: Vec<Need>,
    extras: BTreeMap<String, Vec<Need>>,
    groups: BTreeMap<String, Vec<Need>>,
}

#[derive(Debug, Clone)]
struct Need {
    name: String,
    version: Option<String>,
    extras: Vec<String>,
}

/// Where a package stands: what it is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Built and run: dependencies and extras.
    Runtime,
    /// The same and the project's own groups.
    Dev,
    /// Nothing but one of its groups.
    Group(&'static str),
}

/// What stands for a package without saying what it holds.
const UNSAID: &[&str] = &["url", "size", "upload-time"];
/// Words that mark a package whose code or archive is in the repository.
const LOCAL: &[&str] = &["editable", "directory", "virtual"];

impl Locked {
    /// The whole lock; `path` is only for messages.
    ///
    /// # Errors
    /// When it is no TOML.
    pub fn parse(path: &Utf8Path, text: &str) -> Result<Locked> {
        Ok(Locked::of(&table(path, text)?, true))
    }

    /// From the parsed text; without `digests`, where each package is and what it needs, but not what it holds.
    fn of(table: &Table, digests: bool) -> Locked {
        let list = table.get("package").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table);
        let packages = list.filter_map(|it| Package::of(it, digests)).map(Arc::new).collect();
        Locked::of_packages(header(table), packages)
    }

    fn of_packages(header: Vec<(String, String)>, packages: Vec<Arc<Package>>) -> Locked {
        // A lock with four billion packages would not fit anywhere.
        let mut by_name: Vec<u32> = (0..packages.len() as u32).collect();
        by_name.sort_by(|a, b| packages[*a as usize].name.cmp(&packages[*b as usize].name));
        Locked { header, packages, by_name, ..Locked::default() }
    }

    /// The packages of a name, in the order of the lock.
    fn named(&self, name: &str) -> impl Iterator<Item = usize> {
        let name_of = |it: &u32| self.packages[*it as usize].name.as_str();
        let from = self.by_name.partition_point(|it| name_of(it) < name);
        self.by_name[from..].iter().take_while(move |it| name_of(it) == name).map(|it| *it as usize)
    }

    /// The entry of a project: the local package of this name.
    fn own(&self, name: &str) -> Option<usize> {
        self.named(name).find(|it| self.packages[*it].local.is_some())
    }

    /// The local packages: name and directory.
    pub fn locals(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().map(AsRef::as_ref).filter(|it| it.local.is_some())
    }

    /// The local packages that a project reaches; `alone` when the lock is for it alone.
    pub fn local_dirs(&self, name: &str, alone: bool) -> Vec<Local> {
        let Some(own) = self.own(name).filter(|_| self.locals().nth(1).is_some()) else { return Vec::new() };
        let package = &self.packages[own];
        let base = self.reach_from(own, package.needs.iter());
        let extras: Vec<_> =
            package.extras.iter().map(|(extra, needs)| (extra, self.reach_from(own, needs.iter()))).collect();
        let groups = self.reach_from(own, package.groups.values().flatten());
        let mut found = Vec::new();
        for (index, package) in self.packages.iter().enumerate().filter(|it| it.0 != own) {
            let Some(dir) = package.local.clone() else { continue };
            let by = || extras.iter().filter(|it| it.1.contains_key(&index)).map(|it| it.0.clone()).collect();
            let by: BTreeSet<String> = if base.contains_key(&index) { BTreeSet::new() } else { by() };
            let scope = match (base.contains_key(&index) || !by.is_empty(), groups.contains_key(&index)) {
                (true, _) => Scope::Runtime,
                (false, true) => Scope::Dev,
                // The way may lead through a package that was not read; in a lock of its own all is for the project.
                (false, false) if alone => Scope::Runtime,
                (false, false) => continue,
            };
            found.push(Local { dir, scope, by });
        }
        found
    }

    /// Everything a project reaches, itself included, with the package through which each came; `None` when the lock
    /// does not know the project.
    pub fn reach(&self, name: &str, scope: Scope) -> Option<BTreeMap<usize, Option<usize>>> {
        let own = self.own(name)?;
        Some(self.reach_from(own, self.packages[own].wants(scope).into_iter()))
    }

    fn reach_from<'a>(&'a self, own: usize, first: impl Iterator<Item = &'a Need>) -> BTreeMap<usize, Option<usize>> {
        let mut came = BTreeMap::from([(own, None)]);
        let (mut plain, mut seen) = (vec![false; self.packages.len()], BTreeSet::<(usize, &str)>::new());
        let mut queue: Vec<(usize, &Need)> = first.map(|need| (own, need)).collect();
        let mut at = 0;
        while at < queue.len() {
            let (from, need) = queue[at];
            at += 1;
            for index in self.named(&need.name) {
                let package = &self.packages[index];
                if need.version.is_some() && package.version != need.version {
                    continue;
                }
                came.entry(index).or_insert(Some(from));
                let extras = std::iter::once("").chain(need.extras.iter().map(String::as_str));
                for extra in extras {
                    let is_new = match extra {
                        "" => !std::mem::replace(&mut plain[index], true),
                        _ => seen.insert((index, extra)),
                    };
                    if !is_new {
                        continue;
                    }
                    let needs = if extra.is_empty() { Some(&package.needs) } else { package.extras.get(extra) };
                    queue.extend(needs.into_iter().flatten().map(|need| (index, need)));
                }
            }
        }
        came
    }

    /// What the lock means to a project, sorted; `whole` with the groups of the local packages that it reaches, which make
    /// the lock stale when they differ.
    pub fn lines(&self, name: &str, scope: Scope, whole: bool) -> Lines {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (name.to_owned(), scope, whole);
        let lines = known.entry(key).or_insert_with(|| self.read_by(name, scope, whole).map(Arc::new));
        lines.clone()
    }

    fn read_by(&self, name: &str, scope: Scope, whole: bool) -> Option<Vec<(Arc<str>, Arc<str>)>> {
        let (reach, own) = (self.reach(name, scope)?, self.own(name));
        let mut lines: Vec<(Arc<str>, Arc<str>)> =
            self.header.iter().map(|(key, value)| (key.as_str().into(), value.as_str().into())).collect();
        for index in reach.keys() {
            let package = &self.packages[*index];
            lines.push(package.line.clone());
            if whole && package.local.is_some() && Some(*index) != own {
                let groups = crate::sources::hex(&package.own_groups[..8]);
                lines.push((format!("groups of {}", package.name).into(), groups.into()));
            }
        }
        if let (Scope::Dev, Some(own)) = (scope, own) {
            lines.push(("groups".into(), crate::sources::hex(&self.packages[own].own_groups[..8]).into()));
        }
        lines.sort();
        Some(lines)
    }

    /// From the project to a package: the names on the way, both included.
    pub fn way(&self, name: &str, scope: Scope, to: &str) -> Vec<String> {
        let Some(came) = self.reach(name, scope) else { return Vec::new() };
        let mut at = came.keys().copied().find(|it| self.packages[*it].name == to);
        let mut names = Vec::new();
        while let Some(index) = at {
            names.push(self.packages[index].name.clone());
            at = came[&index];
        }
        names.reverse();
        names
    }
}

fn table(path: &Utf8Path, text: &str) -> Result<Table> {
    toml::from_str(text).with_context(|| format!("{path} is not a valid lock; `uv lock` writes a new one"))
}

/// The lock-wide part: everything but the packages, the list of members, and the number of times uv rewrote it.
fn header(table: &Table) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for (key, value) in table {
        match (key.as_str(), value) {
            ("package" | "revision", _) => {}
            ("manifest", Value::Table(manifest)) => {
                let kept = manifest.iter().filter(|(key, _)| !matches!(key.as_str(), "members" | "dependency-groups"));
                lines.extend(kept.map(|(key, value)| (format!("manifest {key}"), value.to_string())));
            }
            _ => lines.push((key.clone(), value.to_string())),
        }
    }
    lines
}

impl Package {
    fn of(table: &Table, digests: bool) -> Option<Package> {
        let text = |key: &str| table.get(key).and_then(Value::as_str).map(str::to_owned);
        let name = normalise_name(&text("name")?);
        let source = table.get("source").and_then(Value::as_table);
        let local = source.and_then(|it| LOCAL.iter().find_map(|kind| it.get(*kind)?.as_str())).map(Utf8PathBuf::from);
        let kind = source.and_then(|it| it.keys().next()).map_or("", String::as_str);
        let version = text("version");
        let lists = |key: &str| table.get(key).and_then(Value::as_table).into_iter().flatten();
        let (digest, own_groups) = if digests { holds(table) } else { Default::default() };
        let shown = match (&version, local.is_some()) {
            (Some(version), false) if kind == "registry" => version.clone(),
            (Some(version), _) => format!("{version} ({kind})"),
            (None, _) => format!("({kind})"),
        };
        let value = format!("{shown} {}", crate::sources::hex(&digest[..8]));
        Some(Package {
            line: (format!("package {name}").into(), value.into()),
            own_groups,
            needs: needs(table.get("dependencies")),
            extras: lists("optional-dependencies")
                .map(|(key, value)| (normalise_name(key), needs(Some(value))))
                .collect(),
            groups: lists("dev-dependencies").map(|(key, value)| (key.clone(), needs(Some(value)))).collect(),
            name,
            version,
            local,
        })
    }

    /// What it asks for as the project that is worked on.
    fn wants(&self, scope: Scope) -> Vec<&Need> {
        let shipped = self.needs.iter().chain(self.extras.values().flatten());
        match scope {
            Scope::Runtime => shipped.collect(),
            Scope::Dev => shipped.chain(self.groups.values().flatten()).collect(),
            Scope::Group(name) => self.groups.get(name).into_iter().flatten().collect(),
        }
    }
}

/// What a package holds that may change a verdict: itself, and its groups.
fn holds(table: &Table) -> (Digest, Digest) {
    let mut kept = table.clone();
    // What the lock believes the manifest to say: a lock that is stale in nothing else is stale.
    let metadata = kept.remove("metadata");
    let believed = |key: &str| metadata.as_ref().and_then(|it| it.get(key)).cloned();
    kept.extend(believed("requires-dist").map(|it| ("requires-dist".to_owned(), it)));
    let mut groups = Table::new();
    groups.extend(kept.remove("dev-dependencies").map(|it| ("needs".to_owned(), it)));
    groups.extend(believed("requires-dev").map(|it| ("requires-dev".to_owned(), it)));
    for key in ["sdist", "wheels"] {
        if let Some(value) = kept.get_mut(key) {
            forget(value);
        }
    }
    (digest(&Value::Table(kept)), digest(&Value::Table(groups)))
}

fn forget(value: &mut Value) {
    match value {
        Value::Table(table) => UNSAID.iter().for_each(|key| {
            // A file without a hash is known by nothing but its address.
            if table.contains_key("hash") {
                table.remove(*key);
            }
        }),
        Value::Array(list) => {
            list.iter_mut().for_each(forget);
            list.sort_by_cached_key(Value::to_string);
        }
        _ => {}
    }
}

fn needs(value: Option<&Value>) -> Vec<Need> {
    let list = value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table);
    let text = |it: &Table, key: &str| it.get(key).and_then(Value::as_str).map(str::to_owned);
    let of = |it: &Table| {
        let extras = it.get("extra").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let (name, version) = (normalise_name(&text(it, "name")?), text(it, "version"));
        Some(Need { name, version, extras: extras.map(normalise_name).collect() })
    };
    list.filter_map(of).collect()
}

#[cfg(test)]
mod tests;
