//! `sbom`: CycloneDX and SPDX of what ships, from one run of syft over the runtime environment.
//!
//! syft finds the components and most of what is known of them; the lock says which there must be, which of them are
//! this repository's own, and who needs whom. Must not ask whether a component is any good: `license-check` and
//! `vulnerabilities` do that.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

use crate::context::{self, Context};
use crate::discover::Project;
use crate::environments::{self, Kind};
use crate::manifest::{self, normalise_name};
use crate::verdict::Verdict;

pub(super) mod closure;
mod compare;
mod cyclonedx;
pub mod document;
pub mod inventory;
mod licence;
mod shipped;
mod spdx;
mod stamp;
mod syft;

use closure::Closure;
use document::{Document, Part, list, text};
use inventory::{Component, Inventory, LockLines};
use licence::Licence;
use shipped::{Installed, Shipped};

/// What it leaves.
const CYCLONEDX: &str = "sbom.cdx.json";
const SPDX: &str = "sbom.spdx.json";

/// Runs the stage.
///
/// # Errors
/// When syft, uv or the environment's interpreter cannot do their work.
pub fn run(ctx: &Context, project: &Project) -> Result<Verdict> {
    let reports = ctx.reports(project)?;
    // What an earlier run left is not of this one's sources.
    for name in [CYCLONEDX, SPDX, inventory::FILE] {
        remove(&reports.join(name))?;
    }
    let scratch = ctx.scratch(Some(project))?;
    let what = What::ask(ctx, project, &scratch)?;
    let environment = environments::path(&ctx.out, project, Kind::Runtime);
    let source = syft::Source {
        location: format!("dir:{environment}"),
        catalogers: "python-installed-package-cataloger",
        exclude: Vec::new(),
    };
    let raw = syft::scan(ctx, &scratch, &source)?;

    let lock = project.lock_dir.join("uv.lock");
    let lock_text = std::fs::read_to_string(ctx.repo.abs(&lock)).with_context(|| format!("could not read {lock}"))?;
    let cases = compare::differences(&what.shipped, &python_parts(&raw.cyclonedx), &lock, &LockLines::of(&lock_text)?);
    let document = what.document(&raw.cyclonedx, stamp::rfc3339(stamp::time(ctx, project)?));
    write(&reports.join(CYCLONEDX), &cyclonedx::edit(&raw.cyclonedx, &document)?)?;
    write(&reports.join(SPDX), &spdx::edit(&raw.spdx, &document)?)?;
    what.inventory().write(&reports)?;

    let components = what.shipped.installed.len();
    let local = what.shipped.installed.iter().filter(|it| what.locals.contains_key(&it.name)).count();
    let all_well = format!("{components} components, just those of the lock's runtime closure");
    let note = format!(
        "{components} components, {local} of them first-party; target/ci/reports/{}/{CYCLONEDX}, {SPDX}",
        project.name
    );
    Ok(Verdict::of(cases, all_well).note(note))
}

/// What is known about a project's closure, before and beside syft.
struct What<'a> {
    project: &'a Project,
    shipped: Shipped,
    closure: Closure,
    /// Every package of the lock whose code is in the repository, with its directory.
    locals: BTreeMap<String, Utf8PathBuf>,
}

impl What<'_> {
    fn ask<'a>(ctx: &Context, project: &'a Project, scratch: &Utf8Path) -> Result<What<'a>> {
        let lock = project.lock()?;
        let shipped = shipped::ask(ctx, project, scratch)?;
        let extras = extras(ctx, project)?;
        let closure = closure::of(lock, &project.name, &extras, &shipped.markers);
        // A path that leaves the repository is shown as it is written: it is code of ours all the same.
        let locals = lock.packages.iter().filter_map(crate::lock::Package::local);
        let locals = locals.map(|it| (it.name, manifest::resolve(&project.lock_dir, &it.path).unwrap_or(it.path)));
        Ok(What { project, shipped, closure, locals: locals.collect() })
    }

    fn installed(&self, name: &str) -> Option<&Installed> {
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
    fn part(&self, component: &Value) -> Part {
        let (name, version) = (normalise_name(text(component, "name")), text(component, "version").to_owned());
        let local = self.locals.get(&name).cloned();
        let purl = local.is_none().then(|| document::pypi(&name, &version));
        Part {
            reference: purl.clone().unwrap_or_else(|| first_party(&name, &version)),
            spdx_id: document::spdx_id("python", &name, &version),
            purl,
            local,
            licence: Licence::of(component.get("licenses"), self.installed(&name)),
            name,
            version,
        }
    }

    /// The document of the runtime closure.
    fn document(&self, raw: &Value, time: String) -> Document {
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
            if part.name == self.project.name {
                root = Part { reference: root.reference, version: root.version, ..part };
            } else {
                parts.entry(text(component, "purl").to_owned()).or_insert(part);
            }
        }
        root.spdx_id = "SPDXRef-Project".to_owned();
        document::make_unique(&mut parts);
        let edges = self.edges(&root, &parts);
        Document {
            root,
            root_type: "application",
            parts,
            edges,
            lock: self.project.lock_dir.join("uv.lock"),
            manifest: self.project.path("pyproject.toml"),
            time,
        }
    }

    /// The lock's edges between the parts of a document.
    fn edges(&self, root: &Part, parts: &BTreeMap<String, Part>) -> BTreeMap<String, BTreeSet<String>> {
        let by_name: BTreeMap<&str, &str> = std::iter::once(root)
            .chain(parts.values())
            .map(|part| (part.name.as_str(), part.reference.as_str()))
            .collect();
        let reference = |name: &String| by_name.get(name.as_str()).map(|it| (*it).to_owned());
        let edges = self.closure.edges.iter();
        edges.filter_map(|(from, to)| Some((reference(from)?, to.iter().filter_map(reference).collect()))).collect()
    }

    fn inventory(&self) -> Inventory {
        let components = self.shipped.installed.iter().map(|it| Component {
            name: it.name.clone(),
            version: it.written.clone(),
            local: self.locals.get(&it.name).cloned(),
            imports: it.imports.clone(),
            chain: self.closure.chains.get(&it.name).cloned().unwrap_or_default(),
        });
        Inventory { components: components.collect(), image: None }
    }
}

fn first_party(name: &str, version: &str) -> String {
    format!("first-party:{name}@{version}")
}

/// The project's extras that its runtime environment has.
fn extras(ctx: &Context, project: &Project) -> Result<BTreeSet<String>> {
    let own = project.lock()?.own(&project.name).map(|it| it.optional_dependencies.keys().cloned().collect());
    let flags = environments::conflicts(ctx, project)?.extras(project);
    if flags == ["--all-extras"] {
        return Ok(own.unwrap_or_default());
    }
    Ok(flags.into_iter().filter(|it| it != "--extra").map(|it| normalise_name(&it)).collect())
}

/// Names and versions of the Python packages in a CycloneDX document of syft's.
fn python_parts(raw: &Value) -> BTreeSet<(String, String)> {
    let python = list(raw, "components").iter().filter(|it| text(it, "purl").starts_with("pkg:pypi/"));
    python.map(|it| (normalise_name(text(it, "name")), text(it, "version").to_owned())).collect()
}

fn write(path: &Utf8Path, document: &Value) -> Result<()> {
    context::write(path, format!("{document:#}\n"))
}

/// Removes a file that an earlier run may have left.
///
/// # Errors
/// When it is there and cannot be removed.
pub fn remove(path: &Utf8Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("could not remove {path}"))
        }
        _ => Ok(()),
    }
}
