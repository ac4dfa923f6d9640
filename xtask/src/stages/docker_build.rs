//! `docker-build`: the image of a project that declares one, from its locked closure and nothing else.
//!
//! The tag is the hash of what goes in, so the same input is built once. Leaves the image's name and an archive of it
//! for the `sbom` stage. Must not push anything anywhere.

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use crate::context::{self, Context};
use crate::discover::Project;
use crate::engine::{self, Engine, network};
use crate::verdict::{Case, Verdict};

mod output;
mod recipe;

use output::Fault;
use recipe::Recipe;

/// What it leaves; the `sbom` stage reads it.
const FILE: &str = "image.json";

/// An image that was built.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Image {
    /// Name and tag.
    reference: String,
    /// A docker archive of it, relative to the repository root where it is below it.
    archive: Utf8PathBuf,
    /// The image's id: the digest of its configuration.
    digest: String,
    /// "linux/arm64" or "linux/amd64".
    platform: String,
}

/// Builds the image of one project.
///
/// # Errors
/// When the builder cannot do its work, or the project's closure cannot be told.
pub fn run(ctx: &Context, project: &Project) -> Result<Verdict> {
    let description = ctx.reports(project)?.join(FILE);
    let archive = ctx.out.join("images").join(format!("{}.tar", project.name));
    let before: Option<Image> =
        std::fs::read_to_string(&description).ok().and_then(|text| serde_json::from_str(&text).ok());
    context::remove(&description)?;
    if !project.manifest.typed.tool.xtask.image {
        context::remove(&archive)?;
        return Ok(Verdict::one(Case::skip("image", "declares no image (`image = true` in [tool.xtask] does)")));
    }
    let settings = &ctx.repo.config.docker_build;
    let engine = match engine::choose(ctx)? {
        Ok(engine) => engine,
        Err(why) => return Ok(ctx.not_checked(why)),
    };
    let place = place(ctx, project)?;
    let strays = recipe::strays(ctx.repo, project)?;
    if !strays.is_empty() {
        return Ok(Verdict { cases: strays, ..Verdict::default() });
    }
    let scratch = ctx.scratch(Some(project))?;
    let recipe = Recipe::write(ctx, project, &scratch)?;
    let reference = format!("{}/{}:{}", settings.repository, project.name, &recipe.hash[..16]);

    let mut notes = recipe.notes.clone();
    let digest = match engine.find(ctx, &reference)? {
        Some(digest) => {
            notes.push(format!("not rebuilt: {reference} is there, and nothing that goes into it has changed"));
            digest
        }
        None => match build(ctx, &engine, &recipe, &scratch, &reference)? {
            Built::Image(digest) => digest,
            Built::NotHere(why) => return Ok(ctx.not_checked(why)),
            Built::Broken(case) => return Ok(Verdict::one(case.at(place.0, place.1))),
        },
    };
    let image = Image {
        archive: ctx.relative(&archive).unwrap_or_else(|| archive.clone()),
        platform: settings.platform.clone(),
        reference,
        digest,
    };
    // The archive of the same image is the same archive.
    if before.as_ref() != Some(&image) || !archive.is_file() {
        context::remove(&archive)?;
        engine.save(ctx, &image.reference, &archive)?;
    }
    context::write(&description, format!("{}\n", serde_json::to_string_pretty(&image)?))?;
    notes.push(format!("{}, {} for {} on {}", image.reference, image.digest, image.platform, recipe.base));
    let files = recipe.files;
    let verdict = Verdict::of(Vec::new(), format!("the image builds from {files} files and imports what it holds"));
    Ok(notes.into_iter().fold(verdict, Verdict::note))
}

/// The builder that works here, by name; else why none does, and the cure.
///
/// # Errors
/// When one of them cannot be asked at all.
pub fn builder(ctx: &Context) -> Result<Result<&'static str, String>> {
    let engine = match engine::choose(ctx)? {
        Ok(engine) => engine,
        Err(why) => return Ok(Err(why)),
    };
    Ok(engine.foreign(&ctx.repo.config.docker_build.platform).map_or(Ok(engine.name()), Err))
}

/// What came of a build.
enum Built {
    /// The image's id.
    Image(String),
    /// It cannot be built on this machine, for this reason.
    NotHere(String),
    /// The project is at fault.
    Broken(Box<Case>),
}

fn build(ctx: &Context, engine: &Engine, recipe: &Recipe, scratch: &Utf8Path, reference: &str) -> Result<Built> {
    let settings = &ctx.repo.config.docker_build;
    let cure = "in [docker-build] of ci/xtask.toml";
    if let Some(why) = engine.foreign(&settings.platform) {
        return Ok(Built::NotHere(format!("{why}, or set another `platform` {cure}")));
    }
    if let Some(why) = engine.fetch(ctx, &settings.platform, settings.offline, &recipe.base)? {
        return Ok(Built::NotHere(format!("{why}; name one that can be had as `base` {cure}")));
    }
    let secrets = network::write(ctx, scratch)?;
    let done = engine.build(ctx, &recipe.order(&settings.platform, reference), scratch, &secrets);
    // Whatever came of it: addresses with passwords do not stay on the disk.
    secrets.remove()?;
    let done = done?;
    if done.code == 0 {
        let found = engine.find(ctx, reference)?;
        let why = || format!("{} ended with exit code 0, but the image {reference} is not there", engine.name());
        return Ok(Built::Image(found.with_context(why)?));
    }
    match output::fault(&format!("{}\n{}", done.stdout, done.stderr)) {
        Fault::Step { step, why } => {
            let message = format!("the image does not build: {step}: {why}");
            Ok(Built::Broken(Box::new(Case::fail("image", message).detail(done.tail))))
        }
        Fault::Machine(why) => Ok(Built::NotHere(why)),
        Fault::Other(why) => Err(done.refused(&why)),
    }
}

/// The line that makes the project have an image.
fn place(ctx: &Context, project: &Project) -> Result<(Utf8PathBuf, Option<u32>)> {
    let path = project.path("pyproject.toml");
    let text = std::fs::read_to_string(ctx.repo.abs(&path)).with_context(|| format!("could not read {path}"))?;
    let mut lines = text.lines().enumerate().skip_while(|(_, line)| line.trim() != "[tool.xtask]");
    let line = lines.find(|(_, line)| line.split('=').next().is_some_and(|key| key.trim() == "image"));
    Ok((path, line.map(|(index, _)| index as u32 + 1)))
}
