//! Whom a manifest asks for: the names in its requirements, and the extras on both sides.
//!
//! Pure. Must not know which of the names are in the repository.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use super::strings;
use crate::manifest::{Manifest, normalise_name, requirement_extras, requirement_name};
use crate::names::Names;

/// The names that build it.
pub fn builds(manifest: &Manifest) -> Names {
    strings(manifest.at(&["build-system", "requires"])).iter().map(|it| requirement_name(it)).collect()
}

/// The requirements that count whichever of its extras are asked for.
fn base(manifest: &Manifest) -> Vec<String> {
    let mut found = strings(manifest.at(&["build-system", "requires"]));
    found.extend(manifest.typed.project.iter().flat_map(|it| it.dependencies.iter().cloned()));
    found
}

fn optional(manifest: &Manifest) -> impl Iterator<Item = (&String, &Vec<String>)> {
    manifest.typed.project.iter().flat_map(|it| &it.optional_dependencies)
}

/// The names that are needed to build or run it, extras included.
pub fn runtime(manifest: &Manifest) -> Names {
    let optional = optional(manifest).flat_map(|it| it.1.iter().cloned());
    base(manifest).into_iter().chain(optional).map(|it| requirement_name(&it)).collect()
}

/// Of its own `dependencies` the names that its sources find in the repository.
pub fn needed(manifest: &Manifest) -> Names {
    let local: BTreeSet<String> = manifest.local_sources().into_iter().map(|(name, _)| name).collect();
    let own = manifest.typed.project.iter().flat_map(|it| &it.dependencies).map(|it| requirement_name(it));
    own.filter(|it| local.contains(it)).collect()
}

/// The names that nothing but extras needs, by extra.
pub fn extras(manifest: &Manifest) -> BTreeMap<String, Names> {
    let base: BTreeSet<String> = base(manifest).iter().map(|it| requirement_name(it)).collect();
    let own = manifest.typed.project.as_ref().map(|it| normalise_name(&it.name)).unwrap_or_default();
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut further: Vec<(String, String)> = Vec::new();
    for (extra, needs) in optional(manifest) {
        let extra = normalise_name(extra);
        let names = needs.iter().map(|it| requirement_name(it)).filter(|it| *it != own && !base.contains(it));
        found.entry(extra.clone()).or_default().extend(names);
        // An extra may be made of others of the same project.
        let others = needs.iter().filter(|it| requirement_name(it) == own).flat_map(|it| requirement_extras(it));
        further.extend(others.map(|it| (extra.clone(), it)));
    }
    for _ in 0..further.len() {
        for (extra, other) in &further {
            let names = found.get(other).cloned().unwrap_or_default();
            found.entry(extra.clone()).or_default().extend(names);
        }
    }
    found.into_iter().map(|(extra, names)| (extra, names.into_iter().collect())).collect()
}

/// The extras that it asks for of a name, anywhere.
pub fn asked(manifest: &Manifest) -> BTreeMap<String, BTreeSet<String>> {
    let optional = optional(manifest).flat_map(|it| it.1.iter().cloned());
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for text in base(manifest).into_iter().chain(optional).chain(in_groups(manifest)) {
        let extras = requirement_extras(&text);
        if !extras.is_empty() {
            found.entry(requirement_name(&text)).or_default().extend(extras);
        }
    }
    found
}

fn in_groups(manifest: &Manifest) -> Vec<String> {
    let groups = manifest.at(&["dependency-groups"]).and_then(Value::as_table).into_iter().flat_map(Table::values);
    let mut found: Vec<String> = groups.flat_map(|it| strings(Some(it))).collect();
    found.extend(strings(manifest.at(&["tool", "uv", "dev-dependencies"])));
    found
}

/// The names that its dependency groups need.
pub fn dev(manifest: &Manifest) -> Names {
    in_groups(manifest).iter().map(|it| requirement_name(it)).collect()
}
