//! The child pipeline of GitLab: a plan and settings in, the text of one or more files out.
//!
//! Pure, like everything in `emit/`: the same input gives the same bytes. Which jobs there are follows from the plan alone;
//! which of them share a job of GitLab follows from the shape and from what GitLab allows. `main` writes the files.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};

use crate::config::Config;
use crate::config::gitlab::{Gitlab, Platform, Shape};
use crate::handover;
use crate::images::Image;
use crate::plan::Plan;
use crate::planview;

mod adjust;
pub mod budget;
mod cache;
pub mod estimate;
mod fixed;
mod job;
pub mod names;
mod split;
pub mod units;
pub mod yaml;

pub use cache::UV_CACHE;
pub use job::PLAN;
pub use split::Split;

use budget::Measure;
use estimate::{Estimate, Times};
use job::Maker;
use units::{BATCH, Cut, Ground, Known, Unit};
use yaml::Pipeline;

/// The exit code of a job in which something did not run because what it needs is not green elsewhere. GitLab shows it as a
/// warning: what is at fault is red already.
pub const HELD_BACK: i32 = 3;
/// The CI image, where neither the settings nor the surroundings name one.
pub const IMAGE: &str = "$CI_REGISTRY_IMAGE/xtask:latest";
/// Sizes of jobs with whole projects that are tried.
const SIZES: &[usize] = &[2, 4, 8, 16, 32, 64, 100];
/// More files than these are no pipeline any more.
const FILES: usize = 300;

/// What the surroundings say of the pipeline.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The image that the generator runs in.
    pub image: Option<String>,
    /// The commit that is checked out, where GitLab says so.
    pub commit: Option<String>,
    /// Is this the default branch, and is its site to be published?
    pub deploys: bool,
    /// Are images of projects pushed?
    pub registry: bool,
    /// Those images of the plan that their registry has, by project.
    pub pushed: BTreeMap<String, Image>,
    /// Why the registry could not be asked about some.
    pub unasked: Option<String>,
    /// Why the image of the jobs is named by its tag.
    pub unpinned: Option<String>,
}

/// All that a pipeline is made from.
#[derive(Debug)]
pub struct Input<'a> {
    pub plan: &'a Plan,
    /// By project.
    pub known: &'a BTreeMap<String, Known>,
    pub config: &'a Config,
    pub around: &'a Surroundings,
    pub times: &'a Times,
}

/// A pipeline.
#[derive(Debug, Clone)]
pub struct Emission {
    /// The child, and its parts where it is in several files.
    pub files: Vec<(Pipeline, String)>,
    /// How the plan was cut; `None` when there is nothing to do.
    pub cut: Option<Cut>,
    pub measure: Measure,
    /// What is to be said about it: shape, estimates, budget.
    pub said: String,
}

/// Makes the pipeline.
///
/// # Errors
/// When no way of cutting the plan fits what GitLab allows; names the limits.
pub fn pipeline(input: &Input) -> Result<Emission> {
    let whole = adjust::with_whole_site(input.plan, input.around);
    let plan = adjust::without_images(&whole, &input.around.pushed);
    let desk = Desk { images: &input.around.pushed, ..Desk::of(input, &plan) };
    if plan.jobs.is_empty() {
        return desk.nothing();
    }
    // The parts of a pipeline are made one after the other, and must agree on what there is: an image that is pushed
    // meanwhile would make two of them differ. There each docker-build asks for itself.
    let spread = Desk::of(input, &whole);
    let mut said = String::new();
    let mut refused: Vec<String> = Vec::new();
    let choices = desk.choices();
    said += &shown(&choices);
    let mut fits: Option<(Emission, u64)> = None;
    let mut larger: Vec<(Cut, Estimate)> = Vec::new();
    for (cut, estimate) in &choices {
        match desk.one_file(*cut)? {
            Ok(emission) => {
                fits = Some((emission, estimate.wall));
                break;
            }
            Err(over) => refused.push(format!("{}: {}", word(*cut), over.join(", "))),
        }
        larger.push((*cut, *estimate));
    }
    // Several files cost a job that makes them and one more pipeline: a fixed shape takes them when nothing else fits, and
    // `auto` when that is still faster. The coarsest comes first where the order says nothing about time.
    let auto = input.config.gitlab.jobs == Shape::Auto;
    if !auto {
        larger.reverse();
    }
    let detour = 3 * input.config.gitlab.start_up.0.as_millis() as u64;
    let worth = |wall: u64| fits.as_ref().is_none_or(|(_, single)| auto && wall + detour < *single);
    for (cut, estimate) in larger {
        if worth(estimate.wall)
            && let Some(emission) = spread.several(cut, &mut refused)?
        {
            return Ok(spread.said(emission, said, &refused));
        }
    }
    if let Some((emission, _)) = fits {
        return Ok(desk.said(emission, said, &refused));
    }
    bail!(
        "no way of cutting the plan fits what GitLab allows; the limits that were passed:\n  {}",
        refused.join("\n  ")
    )
}

/// One file of a pipeline that is in several.
///
/// # Errors
/// When it does not fit, which it did when the pipeline was made.
pub fn part(input: &Input, split: &Split, number: usize) -> Result<String> {
    let plan = adjust::with_whole_site(input.plan, input.around);
    let desk = Desk::of(input, &plan);
    let files = desk.parts(split)?;
    let (_, text) = files.into_iter().nth(number - 1).context("there is no such part")?;
    Ok(text)
}

struct Desk<'a> {
    plan: &'a Plan,
    input: &'a Input<'a>,
    run: String,
    /// Images that are not made, since their registry has them.
    images: &'a BTreeMap<String, Image>,
}

/// No image is left out.
static NO_IMAGES: BTreeMap<String, Image> = BTreeMap::new();

impl<'a> Desk<'a> {
    fn of(input: &'a Input, plan: &'a Plan) -> Desk<'a> {
        Desk { plan, input, run: handover::run_id(&planview::json(plan)), images: &NO_IMAGES }
    }

    fn settings(&self) -> &Gitlab {
        &self.input.config.gitlab
    }

    fn maker(&self) -> Maker<'_> {
        let Input { known, config, around, .. } = self.input;
        Maker { plan: self.plan, run: &self.run, known, config, around, images: self.images }
    }

    fn units(&self, cut: Cut, batch: usize) -> Vec<Unit> {
        let Input { known, config, .. } = self.input;
        let images = config.docker_build.platform.as_str();
        let images = if images == Platform::Amd64.name() { Platform::Amd64 } else { Platform::Arm64 };
        units::cut(Ground { plan: self.plan, known, platforms: &self.settings().platforms, images }, cut, batch)
    }

    /// The ways to cut, in the order in which they are tried, with their estimates.
    fn choices(&self) -> Vec<(Cut, Estimate)> {
        let projects: BTreeSet<&str> = self.plan.jobs.iter().map(|it| it.project.as_str()).collect();
        let mut cuts = vec![Cut::Stage, Cut::Group, Cut::Projects(1)];
        cuts.extend(SIZES.iter().filter(|it| **it < 2 * projects.len()).map(|it| Cut::Projects(*it)));
        let estimate = |cut: Cut| {
            let units = self.units(cut, BATCH);
            (cut, estimate::of(self.plan, &units, self.settings(), self.input.times))
        };
        let mut choices: Vec<(Cut, Estimate)> = cuts.into_iter().map(estimate).collect();
        let from = |first: Cut| choices.iter().position(|it| it.0 == first).unwrap_or_default();
        match self.settings().jobs {
            Shape::Stage => {}
            Shape::Group => drop(choices.drain(..from(Cut::Group))),
            Shape::Project => drop(choices.drain(..from(Cut::Projects(1)))),
            Shape::Auto => choices.sort_by_key(|(_, it)| (it.wall, it.units)),
        }
        choices
    }

    /// Everything in one file, or the limits that it passes.
    fn one_file(&self, cut: Cut) -> Result<Result<Emission, Vec<String>>> {
        let units = self.units(cut, BATCH);
        if let Some(over) = self.hopeless(units.len()) {
            return Ok(Err(vec![over]));
        }
        let pipeline = self.child(&units, self.header());
        let first = self.measured(vec![pipeline.clone()], cut)?;
        let over = first.measure.over(self.settings().tier);
        if over.is_empty() {
            return Ok(Ok(first));
        }
        let second = self.measured(vec![pipeline.hoisted()], cut)?;
        let over = second.measure.over(self.settings().tier);
        Ok(if over.is_empty() { Ok(second) } else { Err(over) })
    }

    /// Jobs take memory: more than so many need not be tried.
    fn hopeless(&self, units: usize) -> Option<String> {
        let measure = Measure { parsed: units * split::JOB, jobs: units, ..Measure::default() };
        measure.over(self.settings().tier).into_iter().next()
    }

    /// A pipeline that starts others, each with a part of the units.
    fn several(&self, cut: Cut, refused: &mut Vec<String>) -> Result<Option<Emission>> {
        let Some(selection) = self.selection() else {
            refused.push("several files: a selection by --project is not handed to other pipelines".to_owned());
            return Ok(None);
        };
        // More files make nothing smaller but a file.
        let jobs = Measure { jobs: self.units(cut, BATCH).len(), ..Measure::default() };
        let mut over = jobs.over(self.settings().tier);
        if !over.is_empty() {
            refused.push(format!("{} in several files: {}", word(cut), over.join(", ")));
            return Ok(None);
        }
        let weight: usize = split::weight(&self.units(cut, BATCH));
        let mut parts = weight.div_ceil(budget::PARSED).max(2);
        while parts <= FILES {
            for batch in [BATCH, 25] {
                let split = Split { parts, cut, batch };
                let units = split::split(&self.units(cut, batch), parts);
                let most = units.iter().map(Vec::len).max().unwrap_or_default();
                if units.iter().any(Vec::is_empty) || self.hopeless(most).is_some() {
                    continue;
                }
                let Input { config, around, .. } = self.input;
                let mut relay = Pipeline { header: self.header(), ..Pipeline::default() };
                relay.stages = ["generate", "run"].map(str::to_owned).to_vec();
                relay.entries = fixed::relay(config, around, &selection, &split);
                let mut measure = Measure::default();
                let text = relay.text()?;
                measure.add(&relay, &text, 1);
                let mut files = vec![(relay, text)];
                for (pipeline, text) in self.parts(&split)? {
                    measure.add(&pipeline, &text, 2);
                    files.push((pipeline, text));
                }
                measure.jobs += 2;
                over = measure.over(self.settings().tier);
                if over.is_empty() {
                    return Ok(Some(Emission { files, cut: Some(cut), measure, said: String::new() }));
                }
                if measure.parsed <= budget::PARSED {
                    parts = FILES;
                }
            }
            parts = parts * 3 / 2 + 1;
        }
        refused.push(format!("{} in several files: {}", word(cut), over.join(", ")));
        Ok(None)
    }

    /// The parts of a pipeline that is in several files.
    fn parts(&self, split: &Split) -> Result<Vec<(Pipeline, String)>> {
        let units = self.units(split.cut, split.batch);
        let parts = split::split(&units, split.parts);
        let of = |(index, units): (usize, &Vec<Unit>)| -> Result<(Pipeline, String)> {
            let mut header = self.header();
            header.push(format!("part {} of {}", index + 1, split.parts));
            let pipeline = self.child(units, header).hoisted();
            let text = pipeline.text()?;
            Ok((pipeline, text))
        };
        parts.iter().enumerate().map(of).collect()
    }

    /// The flags with which another job makes the same plan.
    fn selection(&self) -> Option<String> {
        let is_id = |it: &&String| it.chars().all(|c| c.is_ascii_hexdigit());
        match (&self.plan.base, &self.plan.everything) {
            (_, Some(_)) => Some("--all".to_owned()),
            (Some(base), None) => Some(base).filter(is_id).map(|it| format!("--base {it}")),
            (None, None) => None,
        }
    }

    fn child(&self, units: &[Unit], header: Vec<String>) -> Pipeline {
        let mut entries = self.maker().entries(units);
        let keys: BTreeSet<String> = entries.iter().flat_map(|it| it.body.cache_keys()).collect();
        if !keys.is_empty() {
            entries.splice(0..0, fixed::clear_cache(self.input.config, self.input.around, &keys));
        }
        let mut groups: Vec<&str> = Vec::new();
        for unit in units.iter().filter(|it| it.group != ".pre") {
            if !groups.contains(&unit.group) {
                groups.push(unit.group);
            }
        }
        let stages = groups.into_iter().map(str::to_owned).collect();
        Pipeline { header, stages, common: None, entries }
    }

    fn nothing(&self) -> Result<Emission> {
        let Input { config, around, .. } = self.input;
        let why = planview::nothing(self.plan);
        let entries = vec![fixed::nothing(self.plan, &self.run, config, around, why.trim_end())];
        let pipeline =
            Pipeline { header: self.header(), stages: vec!["nothing".to_owned()], entries, ..Pipeline::default() };
        let mut emission = self.measured(vec![pipeline], Cut::Stage)?;
        emission.cut = None;
        emission.said = why;
        Ok(emission)
    }

    fn measured(&self, pipelines: Vec<Pipeline>, cut: Cut) -> Result<Emission> {
        let mut measure = Measure { jobs: 2, ..Measure::default() };
        let mut files = Vec::new();
        for pipeline in pipelines {
            let text = pipeline.text()?;
            measure.add(&pipeline, &text, 1);
            files.push((pipeline, text));
        }
        Ok(Emission { files, cut: Some(cut), measure, said: String::new() })
    }

    /// What stands at the top of the file.
    fn header(&self) -> Vec<String> {
        let mut header = vec![
            "made by `xtask emit`; the same plan gives the same bytes".to_owned(),
            format!("base {}, head {}", self.plan.base.as_deref().unwrap_or("none"), planview::short(&self.plan.head)),
        ];
        if !self.plan.because.is_empty() {
            header.push(format!("base: {}", self.plan.because));
        }
        header.extend(planview::everything(self.plan).map(|why| format!("everything runs: {why}")));
        header.extend(adjust::of_images(self.images, self.input.around).lines().map(str::to_owned));
        header
    }

    fn said(&self, mut emission: Emission, mut said: String, refused: &[String]) -> Emission {
        for line in refused {
            said += &format!("does not fit: {line}\n");
        }
        let cut = emission.cut.map(word).unwrap_or_default();
        let files = emission.files.len();
        let several = if files > 1 { format!(", in {} files started by another", files - 1) } else { String::new() };
        said += &format!("chosen: {cut}{several}\n");
        said += &adjust::of_images(self.images, self.input.around);
        for limit in emission.measure.limits(self.settings().tier) {
            let allowed = limit.allowed.map_or("no limit".to_owned(), |it| format!("at most {it}"));
            said += &format!("  {:56} {:>9}  {allowed}\n", limit.name, limit.measured);
        }
        emission.said = said;
        emission
    }
}

/// The estimates of the shapes.
fn shown(choices: &[(Cut, Estimate)]) -> String {
    let mut text = "shape                      jobs  estimated time\n".to_owned();
    for (cut, it) in choices {
        text += &format!("{:24} {:>6}  {:>6} s\n", word(*cut), it.units, it.wall.div_ceil(1000));
    }
    text
}

/// A way to cut, in words.
pub fn word(cut: Cut) -> String {
    match cut {
        Cut::Stage => "stage".to_owned(),
        Cut::Group => "group".to_owned(),
        Cut::Projects(1) => "project".to_owned(),
        Cut::Projects(size) => format!("{size} projects"),
    }
}
