//! The ends of `emit`: what it needs beside the plan is read here, and a plan that one of its jobs hands over.
//!
//! Reads, but decides nothing and prints nothing.

use anyhow::{Context as _, Result};
use camino::Utf8Path;

use crate::check;
use crate::config::Config;
use crate::decide::Decision;
use crate::elsewhere::Around;
use crate::emit::{self, Input, Split, Surroundings, units};
use crate::git::Git;
use crate::handover::{self, Handed};
use crate::planview;
use crate::revisions::Place;
use crate::times;
use crate::tools::Tools;

/// The text of the child pipeline, or of one part of it, and what is to be said about it.
///
/// # Errors
/// When the settings cannot be read, or no pipeline fits what GitLab allows.
pub fn make(place: &Place, decision: &Decision, part: Option<&str>) -> Result<(String, String)> {
    let config = Config::load(&place.file)?;
    let input = Input {
        plan: &decision.plan,
        known: &units::known(&decision.revisions.head),
        config: &config,
        around: &surroundings(&config),
        times: &times::read(&place.root.join("target/ci")),
    };
    if let Some(word) = part {
        let (split, number) = Split::parse(word)?;
        let text = emit::part(&input, &split, number)?;
        check::refuse(&text, &config, 2)?;
        return Ok((text, String::new()));
    }
    let emission = emit::pipeline(&input)?;
    let text = emission.files.into_iter().next().map(|(_, text)| text).unwrap_or_default();
    check::refuse(&text, &config, 1)?;
    Ok((text, planview::preamble(&decision.plan) + &emission.said))
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
