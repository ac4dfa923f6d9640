//! What a `uv.lock` says, as far as the pipeline asks: packages, their sources, who needs whom.
//!
//! Pure: text in, values out. Must not evaluate markers: that needs an interpreter.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

use crate::manifest;

/// A parsed `uv.lock`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Lock {
    #[serde(default, rename = "package")]
    pub packages: Vec<Package>,
}

/// One `[[package]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Package {
    pub name: String,
    /// Absent for a package with a dynamic version.
    pub version: Option<String>,
    #[serde(default)]
    pub source: BTreeMap<String, toml::Value>,
    #[serde(default)]
    pub dependencies: Vec<Dependency>,
    #[serde(default)]
    pub optional_dependencies: BTreeMap<String, Vec<Dependency>>,
    #[serde(default)]
    pub dev_dependencies: BTreeMap<String, Vec<Dependency>>,
    /// What a package of ours asked for when the lock was written.
    #[serde(default)]
    pub metadata: Metadata,
}

/// What the manifest of a package of ours said.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Metadata {
    /// Dependencies and extras.
    pub requires_dist: Vec<Asked>,
    /// Groups.
    pub requires_dev: BTreeMap<String, Vec<Asked>>,
}

impl Metadata {
    /// Everything that was asked for.
    pub fn all(&self) -> impl Iterator<Item = &Asked> {
        self.requires_dist.iter().chain(self.requires_dev.values().flatten())
    }
}

/// One requirement as the lock has written it down.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Asked(BTreeMap<String, toml::Value>);

impl Asked {
    /// The name of what is asked for.
    pub fn name(&self) -> Option<&str> {
        self.0.get("name")?.as_str()
    }

    /// Its directory, when its code is in the repository; relative to the lock's.
    pub fn local(&self) -> Option<&str> {
        LOCAL.iter().find_map(|kind| self.0.get(*kind)?.as_str())
    }
}

/// Words that say that the code of a package is a directory of ours.
const LOCAL: &[&str] = &["editable", "directory", "virtual"];

/// One dependency of a package.
#[derive(Debug, Clone, Deserialize)]
pub struct Dependency {
    pub name: String,
    /// Given where the lock holds several versions of the name.
    pub version: Option<String>,
    /// The extras of it that are asked for.
    #[serde(default)]
    pub extra: Vec<String>,
    /// When it is needed at all; must be evaluated by an interpreter.
    pub marker: Option<String>,
}

/// A package whose code is in the repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Local {
    /// Normalised.
    pub name: String,
    /// Relative to the lock's directory, as written there.
    pub path: Utf8PathBuf,
    /// Is its code read where it stands, rather than copied on installation?
    pub editable: bool,
}

impl Package {
    /// Where its code is, when that is a directory of ours.
    pub fn local(&self) -> Option<Local> {
        LOCAL.iter().find_map(|kind| {
            let path = self.source.get(*kind)?.as_str()?;
            Some(Local {
                name: manifest::normalise_name(&self.name),
                path: path.into(),
                editable: *kind != "directory",
            })
        })
    }

    /// All its dependencies; with `dev`, those of its groups too.
    pub fn all_dependencies(&self, dev: bool) -> impl Iterator<Item = &Dependency> {
        let groups = self.dev_dependencies.values().filter(move |_| dev);
        self.dependencies.iter().chain(self.optional_dependencies.values().flatten()).chain(groups.flatten())
    }
}

impl Lock {
    /// Parses a lock; `path` is only for the message.
    ///
    /// # Errors
    /// When it is no TOML or not of uv's shape.
    pub fn parse(path: &Utf8Path, text: &str) -> Result<Lock> {
        toml::from_str(text).with_context(|| format!("{path} is not a valid lock; `uv lock` writes a new one"))
    }

    /// The entry of a package of ours, by normalised name.
    pub fn own(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|it| it.local().is_some_and(|local| local.name == name))
    }

    /// Every local package that `name` reaches, itself left out. Groups count for `name` alone, as uv installs them.
    pub fn local_closure(&self, name: &str, dev: bool) -> Vec<Local> {
        self.reach(name, dev).into_iter().filter_map(Package::local).filter(|local| local.name != name).collect()
    }

    /// Every package that `name` reaches, itself included.
    pub fn reach(&self, name: &str, dev: bool) -> Vec<&Package> {
        let mut by_name: BTreeMap<&str, Vec<&Package>> = BTreeMap::new();
        for package in &self.packages {
            by_name.entry(package.name.as_str()).or_default().push(package);
        }
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        let mut queue: Vec<(&Package, bool)> = self.own(name).map(|own| (own, dev)).into_iter().collect();
        while let Some((package, dev)) = queue.pop() {
            if !seen.insert((package.name.as_str(), package.version.as_deref())) {
                continue;
            }
            found.push(package);
            for dependency in package.all_dependencies(dev) {
                let candidates = by_name.get(dependency.name.as_str()).into_iter().flatten();
                queue.extend(
                    candidates
                        .filter(|it| dependency.version.is_none() || it.version == dependency.version)
                        .map(|it| (*it, false)),
                );
            }
        }
        found.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
        found
    }
}
