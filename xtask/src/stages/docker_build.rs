//! `docker-build`: the image of a project that declares one, from its locked closure and nothing else.
//!
//! The tag is the hash of what goes in, so the same input is built once. Leaves the image's name for the `sbom` stage, and
//! an archive of it; where the settings name a registry, a CI machine pushes it there instead.

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};

use crate::context::{self, Context};
use crate::discover::Project;
use crate::engine::{self, Engine, network};
use crate::images::{FILE, Home, Image};
use crate::registry;
use crate::verdict::{Case, Verdict};

mod output;
mod recipe;

use output::Fault;
use recipe::Recipe;

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
    let place = place(ctx, project)?;
    let strays = recipe::strays(ctx.repo, project)?;
    if !strays.is_empty() {
        return Ok(Verdict { cases: strays, ..Verdict::default() });
    }
    let tag = ctx
        .tags
        .get(&project.name)
        .with_context(|| format!("what goes into the image of {} is not known", project.name))?;
    let home = Home::of(settings, ctx.ci, &|name| context::inherited(&[name]).remove(name));
    let reference = home.reference(&project.name, tag);
    let pushes = matches!(home, Home::Registry(_));
    let mut notes = Vec::new();
    if let Home::Unset(_, name) = &home {
        notes.push(format!("not pushed: `push` in [docker-build] names {name}, which is not set here"));
    }
    let platform = settings.platform.clone();
    if pushes && let Some(digest) = registry::digest(&ctx.tools.python, &reference, &mut |note| notes.push(note))? {
        context::remove(&archive)?;
        let image = Image { reference, archive: None, digest, platform };
        describe(&description, &image)?;
        let verdict = Verdict::of(Vec::new(), "the registry has the image that would be built");
        return Ok(verdict.note(format!("not built: {} is in the registry", image.pinned())));
    }
    let engine = match engine::choose(ctx)? {
        Ok(engine) => engine,
        Err(why) => return Ok(ctx.not_checked(why)),
    };
    let scratch = ctx.scratch(Some(project))?;
    let recipe = Recipe::write(ctx, project, &scratch)?;
    notes.extend(recipe.notes.iter().cloned());
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
    let image = Image { reference, archive: None, digest, platform };
    let image = if pushes {
        notes.push(format!("pushed as {}", image.reference));
        context::remove(&archive)?;
        Image { digest: engine.push(ctx, &image.reference, &image.reference, &scratch)?, ..image }
    } else {
        saved(ctx, &engine, image, &archive, before.as_ref())?
    };
    describe(&description, &image)?;
    notes.push(format!("{}, {} for {} on {}", image.reference, image.digest, image.platform, recipe.base));
    let files = recipe.files;
    let verdict = Verdict::of(Vec::new(), format!("the image builds from {files} files and imports what it holds"));
    Ok(notes.into_iter().fold(verdict, Verdict::note))
}

/// The image with an archive of it, as an artifact; that of the same image is the same archive.
fn saved(ctx: &Context, engine: &Engine, image: Image, archive: &Utf8Path, before: Option<&Image>) -> Result<Image> {
    let shown = ctx.relative(archive).unwrap_or_else(|| archive.to_owned());
    let image = Image { archive: Some(shown), ..image };
    if before != Some(&image) || !archive.is_file() {
        context::remove(archive)?;
        engine.save(ctx, &image.reference, archive)?;
    }
    Ok(image)
}

/// Leaves what later stages are told of an image.
fn describe(file: &Utf8Path, image: &Image) -> Result<()> {
    context::write(file, format!("{}\n", serde_json::to_string_pretty(image)?))
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
