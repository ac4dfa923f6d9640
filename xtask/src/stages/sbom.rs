//! `sbom`: CycloneDX and SPDX of what ships, from one run of syft over the runtime environment.
//!
//! syft finds the components and most of what is known of them; the lock says which there must be, which of them are
//! this repository's own, and who needs whom. Must not ask whether a component is any good: `license-check` and
//! `vulnerabilities` do that.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use camino::Utf8Path;
use serde_json::Value;

use crate::context::{self, Context};
use crate::discover::Project;
use crate::environments::{self, Kind};
use crate::verdict::Verdict;

pub(super) mod closure;
mod compare;
mod cyclonedx;
pub(super) mod document;
mod image;
pub(super) mod inventory;
mod licence;
mod shipped;
mod spdx;
mod stamp;
mod subject;
mod syft;

use document::{Document, list, text};
use inventory::{Inventory, LockLines};
use subject::Subject;
use syft::Raw;

/// What it leaves: of the closure, and of the image.
const CLOSURE: [&str; 2] = ["sbom.cdx.json", "sbom.spdx.json"];
const IMAGE: [&str; 2] = ["sbom-image.cdx.json", "sbom-image.spdx.json"];

/// Runs the stage.
///
/// # Errors
/// When syft, uv or the environment's interpreter cannot do their work.
pub fn run(ctx: &Context, project: &Project) -> Result<Verdict> {
    let reports = ctx.reports(project)?;
    // What an earlier run left is not of this one's sources.
    for name in CLOSURE.iter().chain(&IMAGE).chain(&[inventory::FILE]) {
        context::remove(&reports.join(name))?;
    }
    let scratch = ctx.scratch(Some(project))?;
    let subject = Subject::ask(ctx, project, &scratch)?;
    let time = stamp::rfc3339(stamp::time(ctx, project)?);
    let lock = project.lock_dir.join("uv.lock");
    let lock_text = std::fs::read_to_string(ctx.repo.abs(&lock)).with_context(|| format!("could not read {lock}"))?;
    let lines = LockLines::of(&lock_text)?;

    let environment = environments::path(&ctx.out, project, Kind::Runtime);
    let source = syft::Source {
        location: format!("dir:{environment}"),
        catalogers: "python-installed-package-cataloger",
        exclude: Vec::new(),
        platform: None,
    };
    let raw = syft::scan(ctx, &scratch, &source)?;
    let document = subject.document(&raw.cyclonedx, time.clone());
    write(&reports, CLOSURE, &raw, &document)?;
    let mut cases = compare::differences(&subject.shipped, &distributions(&subject, &raw.cyclonedx), &lock, &lines);
    let mut inventory = Inventory { components: subject.components(&document)?, image: None };
    let mut notes = Vec::new();
    if let Some(image) = image::built(ctx, project)? {
        let raw = image::scan(ctx, &scratch, &image)?;
        let document = image::document(&subject, &image, &raw.cyclonedx, time);
        write(&reports, IMAGE, &raw, &document)?;
        cases.extend(image::missing(&subject, &image, &document, &environment, &lines));
        inventory.image = Some(image::beside(&inventory.components, &image, &document));
        notes.push(format!("{} packages in the image {}; {}", document.parts.len(), image.reference, IMAGE[0]));
    }
    inventory.write(&reports)?;

    let components = subject.shipped.installed.len();
    let local = subject.shipped.installed.iter().filter(|it| subject.locals.contains_key(&it.name)).count();
    notes.insert(
        0,
        format!(
            "{components} components, {local} of them first-party; target/ci/reports/{}/{}",
            project.name, CLOSURE[0]
        ),
    );
    let left_out = subject.left_out.iter();
    notes.extend(left_out.map(|it| format!("the extra {it} conflicts with what is in the SBOM, and is not in it")));
    let mut verdict = Verdict::of(cases, format!("{components} components, just those of the lock's runtime closure"));
    verdict.notes = notes;
    Ok(verdict)
}

/// Names and versions of the Python distributions in a CycloneDX document of syft's, without those that are copies inside
/// another.
fn distributions(subject: &Subject, raw: &Value) -> BTreeSet<(String, String)> {
    let python = list(raw, "components").iter().filter(|it| text(it, "purl").starts_with("pkg:pypi/"));
    python.map(|it| subject.part(it)).filter(|it| it.inside.is_none()).map(|it| (it.name, it.version)).collect()
}

/// Writes both formats of a document.
fn write(reports: &Utf8Path, names: [&str; 2], raw: &Raw, document: &Document) -> Result<()> {
    let edited = [cyclonedx::edit(&raw.cyclonedx, document)?, spdx::edit(&raw.spdx, document)?];
    for (name, edited) in names.iter().zip(edited) {
        context::write(&reports.join(name), format!("{edited:#}\n"))?;
    }
    Ok(())
}
