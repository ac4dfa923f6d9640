//! What is known about a project's closure beside syft: what ships, which of it is ours, who needs whom.
//!
//! Turns syft's components into the parts of a document. Must not read or write one.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

use super::closure::{self, Closure};
use super::document::{self, Document, Part, list, text};
use super::inventory::Component;
use super::licence::Licence;
use super::shipped::{self, Installed, Shipped};
use crate::context::Context;
use crate::discover::Project;
use crate::environments;
use crate::lock::Package;
use crate::manifest::{self, normalise_name};

/// The knowledge.
pub struct Subject<'a> {
    pub project: &'a Project,
    pub shipped: Shipped,
    closure: Closure,
    /// Extras that cannot be installed together with others and are not.
    pub left_out: Vec<String>,
    /// Every package of the lock whose code is in the repository, with its directory.
    pub locals: BTreeMap<String, Utf8PathBuf>,
}

impl Subject<'_> {
    /// Asks uv, the lock and the runtime environment.
    ///
    /// # Errors
    /// When one of them does not answer.
    pub fn ask<'a>(ctx: &Context, project: &'a Project, scratch: &Utf8Path) -> Result<Subject<'a>> {
        let lock = project.lock()?;
        let shipped = shipped::ask(ctx, project, scratch)?;
        let (extras, left_out) = extras(ctx, project)?;
        let closure = closure::of(lock, &project.name, &extras, &shipped.markers);
        let locals = lock.packages.iter().filter_map(Package::local);
        let locals = locals.map(|it| (it.name, shown(&project.lock_dir, &it.path))).collect();
        Ok(Subject { project, shipped, closure, left_out, locals })
    }

    /// The distribution of a name in the runtime environment.
    pub fn installed(&self, name: &str) -> Option<&Installed> {
        self.shipped.installed.iter().find(|it| it.name == name)
    }

    /// The project's own version: that of its metadata, else of the lock or manifest where it is never installed.
    fn version(&self) -> String {
        let manifest =
            || self.project.manifest.at(&["project", "version"]).and_then(|it| it.as_str().map(str::to_owned));
        let locked = || self.project.lock().ok()?.own(&self.project.name)?.version.clone();
        let installed = self.installed(&self.project.name).map(|it| it.written.clone());
        installed.or_else(locked).or_else(manifest).unwrap_or_else(|| "0".to_owned())
    }

    /// The part that a Python component of syft's becomes.
    pub fn part(&self, component: &Value) -> Part {
        let (name, version) = (normalise_name(text(component, "name")), text(component, "version").to_owned());
        // In an image there may be a stranger of the same name; it is ours only in the version that we ship.
        let installed = self.installed(&name).filter(|it| it.written == version);
        let local = self.locals.get(&name).filter(|_| installed.is_some()).cloned();
        let purl = local.is_none().then(|| document::pypi(&name, &version));
        Part {
            reference: purl.clone().unwrap_or_else(|| first_party(&name, &version)),
            spdx_id: document::spdx_id("python", &name, &version),
            purl,
            local,
            licence: Licence::of(component.get("licenses"), installed),
            place: document::place(component).to_owned(),
            inside: self.carrier(document::place(component)).map(str::to_owned),
            name,
            version,
        }
    }

    /// The distribution that a metadata file deep inside it belongs to.
    fn carrier(&self, place: &str) -> Option<&str> {
        let (_, inner) = place.split_once("/site-packages/")?;
        let carrier = self.shipped.installed.iter().find(|it| it.copies.iter().any(|copy| copy == inner));
        carrier.map(|it| it.name.as_str())
    }

    /// The document of the runtime closure.
    pub fn document(&self, raw: &Value, time: String) -> Document {
        let mut root = Part {
            reference: first_party(&self.project.name, &self.version()),
            name: self.project.name.clone(),
            version: self.version(),
            local: Some(self.project.dir.clone()),
            licence: Licence::of(None, self.installed(&self.project.name)),
            ..Part::default()
        };
        let mut parts = BTreeMap::new();
        for component in list(raw, "components") {
            let part = self.part(component);
            if part.name == self.project.name && part.inside.is_none() {
                root = Part { reference: root.reference, version: root.version, ..part };
            } else {
                document::add(&mut parts, text(component, "purl"), part);
            }
        }
        root.spdx_id = "SPDXRef-Project".to_owned();
        document::make_unique(&mut parts);
        let edges = self.edges(parts.values().chain([&root]));
        Document {
            root,
            root_type: "application",
            parts,
            edges,
            properties: vec![
                ("gitlab:meta:schema_version", "1".to_owned()),
                ("gitlab:dependency_scanning:input_file:path", self.project.lock_dir.join("uv.lock").into_string()),
                ("gitlab:dependency_scanning:source_file:path", self.project.path("pyproject.toml").into_string()),
                ("gitlab:dependency_scanning:package_manager:name", "uv".to_owned()),
                ("gitlab:dependency_scanning:language:name", "Python".to_owned()),
            ],
            time,
        }
    }

    /// The lock's edges between those parts of a document that ship, and those to the copies that they carry.
    pub fn edges<'p>(&self, parts: impl Iterator<Item = &'p Part>) -> BTreeMap<String, BTreeSet<String>> {
        let (copies, parts): (Vec<&Part>, Vec<&Part>) = parts.partition(|it| it.inside.is_some());
        let ships = |part: &&&Part| self.installed(&part.name).is_none_or(|it| it.written == part.version);
        let by_name: BTreeMap<&str, &str> =
            parts.iter().filter(ships).map(|part| (part.name.as_str(), part.reference.as_str())).collect();
        let there = |name: &str| by_name.contains_key(name);
        let reference = |name: &str| by_name.get(name).map(|it| (*it).to_owned());
        let of = |name: &str| self.closure.needed(name, &there).iter().filter_map(|it| reference(it)).collect();
        let mut edges: BTreeMap<String, BTreeSet<String>> =
            by_name.iter().map(|(name, from)| ((*from).to_owned(), of(name))).collect();
        for copy in copies {
            if let Some(from) = copy.inside.as_ref().and_then(|it| reference(it)) {
                edges.entry(from).or_default().insert(copy.reference.clone());
            }
        }
        edges
    }

    /// What the extras that are left out would bring: third-party components that ship but are not installed here.
    fn beside(&self) -> Result<Vec<Component>> {
        let mut found: Vec<Component> = Vec::new();
        for extra in &self.left_out {
            let extras = BTreeSet::from([extra.clone()]);
            let closure = closure::of(self.project.lock()?, &self.project.name, &extras, &self.shipped.markers);
            for (name, version) in closure.versions.iter().flat_map(|(name, all)| all.iter().map(move |it| (name, it)))
            {
                let installed = self.installed(name).is_some_and(|it| it.version == *version || it.written == *version);
                if !installed && !found.iter().any(|it| it.name == *name && it.version == *version) {
                    found.push(Component {
                        name: name.clone(),
                        version: version.clone(),
                        local: None,
                        imports: self.installed(name).map(|it| it.imports.clone()).unwrap_or_default(),
                        chain: closure.chains.get(name).cloned().unwrap_or_default(),
                        extra: Some(extra.clone()),
                        inside: None,
                    });
                }
            }
        }
        Ok(found)
    }

    /// What the `vulnerabilities` stage is told.
    ///
    /// # Errors
    /// When there is no lock.
    pub fn components(&self, document: &Document) -> Result<Vec<Component>> {
        let components = self.shipped.installed.iter().map(|it| Component {
            name: it.name.clone(),
            version: it.written.clone(),
            local: self.locals.get(&it.name).cloned(),
            imports: it.imports.clone(),
            chain: self.closure.chains.get(&it.name).cloned().unwrap_or_default(),
            extra: None,
            inside: None,
        });
        let copies = document.parts.values().filter_map(|part| {
            let carrier = part.inside.clone()?;
            Some(Component {
                name: part.name.clone(),
                version: part.version.clone(),
                local: None,
                imports: Vec::new(),
                chain: self.closure.chains.get(&carrier).cloned().unwrap_or_default(),
                extra: None,
                inside: Some(carrier),
            })
        });
        Ok(components.chain(copies).chain(self.beside()?).collect())
    }
}

fn first_party(name: &str, version: &str) -> String {
    format!("first-party:{name}@{version}")
}

/// The directory of a local package as documents show it: repo-relative, or as the lock has it where it lies elsewhere,
/// but never a path of this machine.
fn shown(lock_dir: &Utf8Path, path: &Utf8Path) -> Utf8PathBuf {
    if path.is_absolute() {
        return path.file_name().map_or_else(|| Utf8PathBuf::from("?"), Utf8PathBuf::from);
    }
    manifest::resolve(lock_dir, path).unwrap_or_else(|| path.to_owned())
}

/// The project's extras that its runtime environment has, and those that it cannot have beside them.
fn extras(ctx: &Context, project: &Project) -> Result<(BTreeSet<String>, Vec<String>)> {
    let own = project.lock()?.own(&project.name).map(|it| it.optional_dependencies.keys().cloned().collect());
    let own: BTreeSet<String> = own.unwrap_or_default();
    let flags = environments::conflicts(ctx, project)?.extras(project);
    if flags == ["--all-extras"] {
        return Ok((own, Vec::new()));
    }
    let taken: BTreeSet<String> =
        flags.into_iter().filter(|it| it != "--extra").map(|it| manifest::normalise_name(&it)).collect();
    let left_out = own.difference(&taken).cloned().collect();
    Ok((taken, left_out))
}
