//! `vulnerabilities`: grype on what the `sbom` stage found: the runtime closure, and the image where one was built.
//!
//! Each match says what it is about, what fixes it, how the package came in, and whether first-party code imports it.
//! Must not decide that a match does not matter: severities and waivers in `ci/` do.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::sbom::document::pypi;
use super::sbom::inventory::{Component, ImagePart, Inventory, LockLines};
use crate::context::{self, Context};
use crate::discover::Project;
use crate::verdict::{Case, Particulars, Severity, Verdict};
use crate::waivers;

mod database;
mod policy;
mod reach;
mod scan;

use database::Database;
use policy::Policy;
use reach::Reach;
use scan::{Asked, Match};

/// Runs the stage.
///
/// # Errors
/// When grype cannot work, or its database misses what every database knows.
pub fn run(ctx: &Context, project: &Project) -> Result<Verdict> {
    let settings = &ctx.repo.config.vulnerabilities;
    let (threshold, overridden) = waivers::setting(project, "vulnerabilities.severity", settings.severity.clone())?;
    let Some(policy) = Policy::of(settings, &threshold) else {
        bail!("{}: vulnerabilities.severity is no severity: {threshold:?}", project.path("pyproject.toml"));
    };
    let reports = ctx.reports(project)?;
    for name in ["grype.json", "vulnerabilities.json"] {
        crate::context::remove(&reports.join(name))?;
    }
    let inventory = Inventory::read(&reports)?;
    let scratch = ctx.scratch(Some(project))?;
    let (database, built, note) = match database::open(ctx, &scratch)? {
        Database::Unfit(why) => return Ok(ctx.not_checked(why)),
        Database::Ready { dir, built, note } => (dir, built, note),
    };

    let components = Components::of(&inventory);
    let answer = scan::run(ctx, &scratch, &database, &components.asked)?;
    let names: BTreeSet<&str> =
        answer.matches.iter().filter_map(|it| components.closure(it)).map(|it| &*it.name).collect();
    let reach = reach::of(ctx, project, &inventory, &names, &scratch)?;
    let lock = project.lock_dir.join("uv.lock");
    let lock_text = std::fs::read_to_string(ctx.repo.abs(&lock)).with_context(|| format!("could not read {lock}"))?;
    let lines = LockLines::of(&lock_text)?;

    let mut cases = Vec::new();
    let mut findings = Vec::new();
    for found in &answer.matches {
        let (case, place) = if let Some(component) = components.closure(found) {
            let reach = reach.get(&component.name).cloned().unwrap_or(Reach::NotFound);
            let fails = policy.fails(&found.severity, found.fixed.is_some(), false);
            findings.push(finding(found, &component.name, &component.version, fails, Some((component, &reach))));
            (of_closure(project, found, component, &reach, fails), (lock.clone(), line(&lines, component)))
        } else if let Some(part) = components.image(found) {
            let fails = policy.fails(&found.severity, found.fixed.is_some(), true);
            findings.push(finding(found, &part.name, &part.version, fails, None));
            (of_image(&inventory, found, part, fails), image_place(ctx, project)?)
        } else {
            bail!("{} is about a component that nobody knows", found.advisory);
        };
        cases.push(case.also(found.aliases.iter().cloned()).at(place.0, place.1));
    }
    context::write(&reports.join("grype.json"), format!("{:#}\n", answer.report))?;
    context::write(&reports.join("vulnerabilities.json"), format!("{:#}\n", Value::Array(findings)))?;

    let count = components.asked.len();
    let all_well =
        format!("{count} third-party components have no known vulnerability of severity {threshold} or above");
    let mut verdict =
        Verdict::of(cases, all_well).note(format!("{count} third-party components against the database of {built}"));
    let imageless = project.manifest.typed.tool.xtask.image && inventory.image.is_none();
    let imageless = imageless.then(|| "its image was not looked at: this run has made none".to_owned());
    for note in overridden.into_iter().chain(note).chain(imageless) {
        verdict = verdict.note(note);
    }
    Ok(verdict)
}

/// When the database was built that this run uses; `None` when it uses none.
pub fn database_used() -> Option<String> {
    database::used()
}

/// When the database that is here was built, or why it cannot be used; nothing is fetched.
///
/// # Errors
/// When grype cannot be asked.
pub fn database_here(ctx: &Context) -> Result<Result<String, String>> {
    let scratch = ctx.scratch(None)?;
    database::status(ctx, &scratch, &database::directory(ctx))
}

/// The components that grype is asked about, found again by reference.
struct Components<'a> {
    asked: Vec<Asked>,
    closure: BTreeMap<String, &'a Component>,
    image: BTreeMap<String, &'a ImagePart>,
}

impl<'a> Components<'a> {
    fn of(inventory: &'a Inventory) -> Components<'a> {
        let mut it = Components { asked: Vec::new(), closure: BTreeMap::new(), image: BTreeMap::new() };
        for component in inventory.components.iter().filter(|it| it.local.is_none()) {
            let purl = pypi(&component.name, &component.version);
            let reference = format!("closure:{purl}");
            // A copy of what is installed anyway is no second question.
            if it.closure.contains_key(&reference) {
                continue;
            }
            it.ask(&reference, &component.name, &component.version, purl);
            it.closure.insert(reference, component);
        }
        for part in inventory.image.iter().flat_map(|image| &image.parts) {
            let reference = format!("image:{}", part.purl);
            it.ask(&reference, &part.name, &part.version, part.purl.clone());
            it.image.insert(reference, part);
        }
        it
    }

    fn ask(&mut self, reference: &str, name: &str, version: &str, purl: String) {
        let (reference, name, version) = (reference.to_owned(), name.to_owned(), version.to_owned());
        self.asked.push(Asked { reference, name, version, purl });
    }

    fn closure(&self, found: &Match) -> Option<&'a Component> {
        self.closure.get(&found.reference).copied()
    }

    fn image(&self, found: &Match) -> Option<&'a ImagePart> {
        self.image.get(&found.reference).copied()
    }
}

/// The line of a component's entry in the lock, or of that of the package that carries it.
fn line(lines: &LockLines, component: &Component) -> Option<u32> {
    lines.find(component.inside.as_ref().unwrap_or(&component.name), &component.version)
}

/// "idna 3.6 is vulnerable (CVE-2024-3651, severity medium), fixed in 3.7: summary". The advisory is the case's rule,
/// which stands before it.
fn sentence(found: &Match, name: &str, version: &str) -> String {
    let severity = found.severity.to_lowercase();
    let severity = format!("severity {}", if severity.is_empty() { "unknown" } else { &severity });
    let names = found.aliases.iter().chain([&severity]).map(String::as_str).collect::<Vec<_>>().join(", ");
    let fixed = found.fixed.as_ref().map_or("no fixed version yet".to_owned(), |it| format!("fixed in {it}"));
    let summary = if found.summary.is_empty() { String::new() } else { format!(": {}", clip(&found.summary)) };
    format!("{name} {version} is vulnerable ({names}), {fixed}{summary}")
}

fn of_closure(project: &Project, found: &Match, component: &Component, reach: &Reach, fails: bool) -> Case {
    let extra = component.extra.as_ref().map_or_else(String::new, |it| format!(" with the extra {it}"));
    let way = match component.chain.as_slice() {
        [] => "the lock does not show through what it came".to_owned(),
        [_, _] => "a direct dependency".to_owned(),
        chain => format!("it came through {}", chain.join(" -> ")),
    };
    let copy = component.inside.as_ref().map_or_else(String::new, |it| format!("a copy inside {it}, "));
    let message =
        format!("{}; {copy}{way}{extra}; {}", sentence(found, &component.name, &component.version), reach.words());
    let mut detail = vec![found.url.clone()];
    if let Reach::Imported(places) = reach {
        detail.extend(places.iter().map(|place| format!("{place}: imports it")));
    }
    if let Some(carrier) = &component.inside {
        detail.push(format!("the copy changes only with another version of {carrier}"));
    } else if let Some(fixed) = &found.fixed {
        let dir = crate::proc::quote_dir(&project.dir);
        detail
            .push(format!("to have {fixed}: uv lock --project {dir} --upgrade-package '{}>={fixed}'", component.name));
    }
    let direct = (component.inside.is_none() && !component.chain.is_empty()).then_some(component.chain.len() == 2);
    let particulars = Particulars { direct, ..particulars(found, &component.version) };
    case(found, fails, message).detail(detail.join("\n")).about(&component.name).with(particulars)
}

fn of_image(inventory: &Inventory, found: &Match, part: &ImagePart, fails: bool) -> Case {
    let image = inventory.image.as_ref().map_or("", |it| it.reference.as_str());
    let message = format!("{}; in the image {image}", sentence(found, &part.name, &part.version));
    let detail =
        format!("{}\na newer base image, or an upgrade while building it, brings the fixed version", found.url);
    case(found, fails, message).detail(detail).about(&part.name).with(particulars(found, &part.version))
}

fn case(found: &Match, fails: bool, message: String) -> Case {
    if fails { Case::fail(&found.advisory, message) } else { Case::warn(&found.advisory, message) }
}

fn particulars(found: &Match, version: &str) -> Particulars {
    Particulars {
        severity: Some(Severity::of(&found.severity)),
        title: Some(found.summary.clone()).filter(|it| !it.is_empty()),
        weaknesses: found.weaknesses.clone(),
        url: Some(found.url.clone()),
        version: Some(version.to_owned()),
        fixed: found.fixed.clone(),
        ..Particulars::default()
    }
}

/// The line that makes the project have an image.
fn image_place(ctx: &Context, project: &Project) -> Result<(camino::Utf8PathBuf, Option<u32>)> {
    let path = project.path("pyproject.toml");
    let text = std::fs::read_to_string(ctx.repo.abs(&path)).with_context(|| format!("could not read {path}"))?;
    let mut lines = text.lines().enumerate().skip_while(|(_, line)| line.trim() != "[tool.xtask]");
    let line = lines.find(|(_, line)| line.split('=').next().is_some_and(|key| key.trim() == "image"));
    Ok((path, line.map(|(index, _)| index as u32 + 1)))
}

/// One entry of `vulnerabilities.json`.
fn finding(found: &Match, name: &str, version: &str, fails: bool, closure: Option<(&Component, &Reach)>) -> Value {
    let imported = closure.map(|(_, reach)| match reach {
        Reach::Imported(places) => json!(places.iter().map(ToString::to_string).collect::<Vec<_>>()),
        Reach::NotFound => json!([]),
        Reach::Unknown(_) => Value::Null,
    });
    json!({
        "advisory": found.advisory,
        "aliases": found.aliases,
        "severity": found.severity,
        "fails": fails,
        "package": name,
        "version": version,
        "fixed": found.fixed,
        "summary": found.summary,
        "url": found.url,
        "in": if closure.is_some() { "closure" } else { "image" },
        "chain": closure.map(|(component, _)| &component.chain),
        "imported": imported,
    })
}

fn clip(text: &str) -> String {
    match text.char_indices().nth(160) {
        Some((end, _)) => format!("{} ...", &text[..end]),
        None => text.to_owned(),
    }
}
