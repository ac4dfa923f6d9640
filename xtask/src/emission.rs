//! The ends of `emit`: what it needs beside the plan is read here, and a plan that one of its jobs hands over.
//!
//! Reads, but decides nothing and prints nothing.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use camino::Utf8Path;

use crate::check;
use crate::config::Config;
use crate::context::is_ci;
use crate::decide::Decision;
use crate::elsewhere::Around;
use crate::emit::{self, Input, Split, Surroundings, units};
use crate::git::Git;
use crate::handover::{self, Handed};
use crate::images::{self, Home, Image};
use crate::plan::Plan;
use crate::registry::{self, Answer};
use crate::revisions::{self, Place, WORK_TREE};
use crate::tools::{self, Tools};
use crate::{inputs, planview, remember, stages, times};

/// The text of the child pipeline, or of one part of it, and what is to be said about it.
///
/// # Errors
/// When the settings cannot be read, or no pipeline fits what GitLab allows.
pub fn make(place: &Place, decision: &Decision, part: Option<&str>) -> Result<(String, String)> {
    let config = Config::load(&place.file)?;
    let mut known = units::known(&decision.revisions.head);
    if let Some((_, base)) = &decision.revisions.base {
        units::add_before(&mut known, base);
    }
    let mut around = surroundings(&config);
    // A part of a pipeline in several files is the same whatever has been pushed meanwhile.
    if part.is_none() {
        look_for_images(place, &decision.plan, &known, &config, &mut around)?;
        pin(&config, &mut around)?;
    }
    let (times, warning) = match times::kept(&place.root) {
        Ok(times) => (times, String::new()),
        Err(why) => (BTreeMap::new(), format!("warning: estimates rest on rough figures: {why:#}\n")),
    };
    let input = Input { plan: &decision.plan, known: &known, config: &config, around: &around, times: &times };
    if let Some(word) = part {
        let (split, number) = Split::parse(word)?;
        let text = emit::part(&input, &split, number)?;
        check::refuse(&text, &config, 2)?;
        return Ok((text, String::new()));
    }
    let emission = emit::pipeline(&input)?;
    let text = emission.files.into_iter().next().map(|(_, text)| text).unwrap_or_default();
    check::refuse(&text, &config, 1)?;
    Ok((text, planview::preamble(&decision.plan) + &warning + &emission.said))
}

/// Asks the registry which images of the plan it has.
fn look_for_images(
    place: &Place,
    plan: &Plan,
    known: &BTreeMap<String, units::Known>,
    config: &Config,
    around: &mut Surroundings,
) -> Result<()> {
    let made = plan.jobs.iter().filter(|it| it.stage.name == images::MAKER).map(|it| it.project.as_str());
    let made: Vec<&str> = made.filter(|it| known.get(*it).is_some_and(|it| it.image)).collect();
    let home = home(config);
    if !matches!(home, Home::Registry(_)) || plan.head != WORK_TREE || made.is_empty() {
        return Ok(());
    }
    let side = revisions::whole(place, &mut remember::recall(&place.root).0)?.side;
    let stage = stages::find(images::MAKER)?;
    let reference = |name: &str| {
        let list = inputs::list(&side, side.project(name)?, stage);
        let tag = images::tag(&config.docker_build, &inputs::fingerprint(stage, &list));
        Some(home.reference(name, &tag)).filter(|it| registry::is_plain(it))
    };
    let asked: Vec<(&str, String)> = made.iter().filter_map(|it| Some((*it, reference(it)?))).collect();
    let references: Vec<String> = asked.iter().map(|it| it.1.clone()).collect();
    let answers = registry::ask(&tools::python::find()?.0, &references)?;
    for ((project, reference), answer) in asked.into_iter().zip(answers) {
        match answer {
            Answer::There(digest) => {
                let platform = config.docker_build.platform.clone();
                let image = Image { reference, archive: None, digest, platform };
                around.pushed.insert(project.to_owned(), image);
            }
            Answer::Absent => {}
            Answer::Unasked(why) => around.unasked = Some(why),
        }
    }
    Ok(())
}

/// Names the image of the jobs by its digest, where the generator's own is named by a tag: what the tag names may change
/// while the pipeline runs.
fn pin(config: &Config, around: &mut Surroundings) -> Result<()> {
    let all = config.gitlab.platforms.iter().all(|it| config.gitlab.image.contains_key(it));
    let Some(name) = around.image.clone().filter(|it| is_ci() && !all && registry::is_plain(it)) else { return Ok(()) };
    let name = if images::split(&name).1.is_empty() { format!("{name}:latest") } else { name };
    match registry::ask_one(&tools::python::find()?.0, &name)? {
        Answer::There(digest) => around.image = Some(images::pinned(&name, &digest)),
        Answer::Absent => around.unpinned = Some(format!("its registry has no {name}")),
        Answer::Unasked(why) => around.unpinned = Some(why),
    }
    Ok(())
}

/// Where images of projects go, from here as from the jobs that are made.
fn home(config: &Config) -> Home {
    Home::of(&config.docker_build, is_ci(), &|name| std::env::var(name).ok())
}

/// What GitLab says of the pipeline that is made.
fn surroundings(config: &Config) -> Surroundings {
    let var = |name: &str| std::env::var(name).ok().filter(|it| !it.is_empty());
    // Whatever has a `$` would be expanded once more.
    let plain = |it: &String| it.chars().all(|c| c.is_ascii_graphic() && c != '$');
    let branch = var("CI_COMMIT_BRANCH");
    Surroundings {
        image: var("XTASK_IMAGE").or_else(|| var("CI_JOB_IMAGE")).filter(plain),
        commit: var("CI_COMMIT_SHA").filter(plain),
        registry: matches!(home(config), Home::Registry(_)),
        pushed: BTreeMap::new(),
        unasked: None,
        unpinned: None,
        deploys: config.gitlab.pages && branch.is_some() && branch == var("CI_DEFAULT_BRANCH"),
    }
}

/// What a job of a pipeline runs on: from GitLab's variables, else what the repository says.
pub fn around(place: &Place, tools: &Tools) -> Around {
    let var =
        |name: &str| std::env::var(name).ok().filter(|it| !it.is_empty() && it.chars().all(|c| c.is_ascii_graphic()));
    let checked_out = || Git::open(&place.root).ok()??.resolve("HEAD").ok();
    Around {
        head: var("CI_COMMIT_SHA").or_else(checked_out),
        image: var("CI_JOB_IMAGE"),
        tools: tools.pins().to_owned(),
    }
}

/// The plan of a file, or the text of one.
///
/// # Errors
/// When the file cannot be read, or there is no plan in it.
pub fn handed(here: &Utf8Path, plan: &str) -> Result<Handed> {
    if plan.trim_start().starts_with('{') {
        return handover::read(plan);
    }
    let text = std::fs::read_to_string(here.join(plan)).with_context(|| format!("could not read the plan {plan}"))?;
    handover::read(&text)
}
