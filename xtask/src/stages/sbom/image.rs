//! The SBOM of the image that docker-build made of the project in the same run: its operating system and its Python.
//!
//! The same edits as for the closure, and the same guard: whatever ships must be in it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use camino::Utf8Path;
use serde_json::Value;

use super::document::{self, Document, Part, list, text};
use super::inventory::{Component, ImagePart, ImageParts, LockLines};
use super::licence::Licence;
use super::subject::Subject;
use super::syft::{self, Raw};
use crate::context::Context;
use crate::discover::Project;
use crate::images::{self, FILE, Image, MAKER};
use crate::tools;
use crate::verdict::Case;

/// uv's cache inside an image: wheels of build tools that nothing uses.
const CACHES: &[&str] = &["/root/.cache/**", "**/.cache/uv/**"];

/// The image that this run has built of the project. What another run has left is of other sources, and is not used.
///
/// # Errors
/// When its description cannot be read.
pub fn built(ctx: &Context, project: &Project) -> Result<Option<Image>> {
    let path = ctx.reports(project)?.join(FILE);
    if !ctx.stages.contains(&MAKER) || !path.exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(&path).with_context(|| format!("could not read {path}"))?;
    serde_json::from_str(&text).map(Some).with_context(|| format!("{path} is not what docker-build leaves"))
}

/// Scans it, in its archive or in its registry.
///
/// # Errors
/// When syft cannot, or finds nothing that is installed.
pub fn scan(ctx: &Context, scratch: &Utf8Path, image: &Image) -> Result<Raw> {
    let location = match &image.archive {
        Some(archive) => format!("{}:{}", scheme(ctx, &ctx.repo.abs(archive))?, ctx.repo.abs(archive)),
        None => format!("registry:{}", image.pinned()),
    };
    let source = syft::Source {
        location,
        catalogers: "dpkg-db-cataloger,python-installed-package-cataloger",
        exclude: CACHES.iter().map(|it| (*it).to_owned()).collect(),
        platform: image.archive.is_none().then_some(image.platform.as_str()),
    };
    let raw = syft::scan(ctx, scratch, &source)?;
    if list(&raw.cyclonedx, "components").iter().all(|it| text(it, "purl").is_empty()) {
        bail!("syft found no package in the image {}", image.reference);
    }
    Ok(raw)
}

/// syft's word for an archive. It would take one that it cannot tell for a plain file, and find nothing in it.
fn scheme(ctx: &Context, archive: &Utf8Path) -> Result<&'static str> {
    let call = ctx.call(&ctx.tools.python).args(["-I", "-m", "tarfile", "-l", archive.as_str()]);
    let done = ctx.run(&call)?;
    let names: BTreeSet<&str> = done.stdout.lines().map(str::trim).collect();
    match () {
        () if done.code != 0 => Err(done.refused(&format!("reading {archive}"))),
        () if names.contains("manifest.json") => Ok("docker-archive"),
        () if names.contains("oci-layout") => Ok("oci-archive"),
        () => bail!("{archive} is neither a docker archive nor an OCI archive"),
    }
}

/// The document of the image.
pub fn document(subject: &Subject, image: &Image, raw: &Value, time: String) -> Document {
    let mut parts = BTreeMap::new();
    for component in list(raw, "components") {
        let purl = text(component, "purl");
        if let Some(part) = part(subject, component) {
            document::add(&mut parts, purl, part);
        }
    }
    document::make_unique(&mut parts);
    let root = Part {
        reference: format!("image:{}", image.reference),
        spdx_id: "SPDXRef-Image".to_owned(),
        name: image.reference.clone(),
        version: image.digest.clone(),
        ..Part::default()
    };
    let mut edges = subject.edges(parts.values());
    let project = parts.values().find(|it| it.local.is_some() && it.name == subject.project.name);
    edges.insert(root.reference.clone(), project.into_iter().map(|it| it.reference.clone()).collect());
    let (name, tag) = images::split(&image.reference);
    let mut properties = vec![
        ("gitlab:meta:schema_version", "1".to_owned()),
        ("gitlab:container_scanning:image:name", name.to_owned()),
        ("gitlab:container_scanning:image:tag", tag.to_owned()),
    ];
    let system = list(raw, "components").iter().find(|it| text(it, "type") == "operating-system");
    if let Some(system) = system {
        properties.push(("gitlab:container_scanning:operating_system:name", text(system, "name").to_owned()));
        properties.push(("gitlab:container_scanning:operating_system:version", text(system, "version").to_owned()));
    }
    Document { root, root_type: "container", parts, edges, properties, time }
}

fn part(subject: &Subject, component: &Value) -> Option<Part> {
    let purl = text(component, "purl");
    if purl.starts_with("pkg:pypi/") {
        return Some(subject.part(component));
    }
    let ecosystem = purl.strip_prefix("pkg:")?.split('/').next()?;
    let (name, version) = (text(component, "name").to_owned(), text(component, "version").to_owned());
    Some(Part {
        reference: purl.to_owned(),
        spdx_id: document::spdx_id(ecosystem, &name, &version),
        purl: Some(purl.to_owned()),
        local: None,
        licence: Licence::of(component.get("licenses"), None),
        place: document::place(component).to_owned(),
        inside: None,
        name,
        version,
    })
}

/// One error for each component that ships but is not in the image.
pub fn missing(
    subject: &Subject,
    image: &Image,
    document: &Document,
    environment: &Utf8Path,
    lines: &LockLines,
) -> Vec<Case> {
    let there: BTreeSet<(&str, &str)> =
        document.parts.values().map(|it| (it.name.as_str(), it.version.as_str())).collect();
    // Another machine or another Python may need other packages: there, only what all of them need must be in it.
    let alike = image.platform.split('/').nth(1) == tools::platform().split('-').nth(1);
    let conditional = |name: &str| subject.shipped.locked.iter().any(|it| it.name == name && it.conditional);
    let absent =
        subject.shipped.installed.iter().filter(|it| !there.contains(&(it.name.as_str(), it.written.as_str())));
    let absent = absent.filter(|it| (alike && same_python(document, environment)) || !conditional(&it.name));
    let lock = subject.project.lock_dir.join("uv.lock");
    let case = |name: &str, version: &str| {
        let message = format!("the image {} lacks {name} {version}, which ships", image.reference);
        Case::error("image-component", message).about(name).at(&lock, lines.find(name, version))
    };
    absent.map(|it| case(&it.name, &it.written)).collect()
}

/// Does a Python of the image have the minor version of the runtime environment's?
fn same_python(document: &Document, environment: &Utf8Path) -> bool {
    let lib = environment.join("lib").read_dir_utf8().into_iter().flatten().flatten();
    let minors: Vec<String> = lib.map(|it| it.file_name().to_owned()).filter(|it| it.starts_with("python3")).collect();
    let place = |part: &Part| minors.iter().any(|it| part.place.contains(&format!("/{it}/")));
    document.parts.values().any(place)
}

/// What the image holds beside these components of the closure, for the `vulnerabilities` stage.
pub fn beside(components: &[Component], image: &Image, document: &Document) -> ImageParts {
    let shipped: BTreeSet<(&str, &str)> = components.iter().map(|it| (it.name.as_str(), it.version.as_str())).collect();
    let mut parts: Vec<ImagePart> = Vec::new();
    for part in document.parts.values() {
        let Some(purl) = &part.purl else { continue };
        if !purl.starts_with("pkg:pypi/") || !shipped.contains(&(part.name.as_str(), part.version.as_str())) {
            parts.push(ImagePart { name: part.name.clone(), version: part.version.clone(), purl: purl.clone() });
        }
    }
    parts.sort();
    parts.dedup();
    ImageParts { reference: image.reference.clone(), parts }
}
