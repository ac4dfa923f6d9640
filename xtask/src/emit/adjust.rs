//! What a pipeline does more, or less, than its plan: the whole site where it is published, no image that is there.
//!
//! Pure. Each has its reason, which the file says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Surroundings;
use crate::images::{self, Image};
use crate::plan::{Job, Plan};
use crate::stages;

/// More images than these are not named one by one.
const NAMED: usize = 50;

/// Where the site is published it is replaced as a whole: then every project's documentation is made.
pub fn with_whole_site(plan: &Plan, around: &Surroundings) -> Plan {
    let mut plan = plan.clone();
    let pages = stages::STAGES.iter().find(|it| it.name == "pages");
    let Some(pages) = pages.filter(|it| plan.jobs.iter().any(|job| job.stage.name == it.name)) else { return plan };
    if !around.deploys {
        return plan;
    }
    let there: BTreeSet<String> =
        plan.jobs.iter().filter(|it| it.stage.name == pages.name).map(|it| it.project.clone()).collect();
    let because: Arc<str> = "the site is published as a whole".into();
    let missing = plan.projects.iter().filter(|it| !there.contains(&it.name));
    let missing: Vec<Job> =
        missing.map(|it| Job { stage: pages, project: it.name.clone(), because: because.clone() }).collect();
    plan.jobs.extend(missing);
    plan.jobs.sort_by_key(|it| (stages::position(it.stage.name), it.project.clone()));
    plan
}

/// The plan without the images that their registry has.
pub fn without_images(plan: &Plan, pushed: &BTreeMap<String, Image>) -> Plan {
    let mut plan = plan.clone();
    plan.jobs.retain(|it| it.stage.name != images::MAKER || !pushed.contains_key(&it.project));
    plan
}

/// What is to be said of images: which are not made, and what could not be asked.
pub fn of_images(left_out: &BTreeMap<String, Image>, around: &Surroundings) -> String {
    let line = |(project, image): (&String, &Image)| {
        format!("no {} for {project}: its registry has {}", images::MAKER, image.reference)
    };
    let mut lines: Vec<String> = left_out.iter().take(NAMED).map(line).collect();
    if left_out.len() > NAMED {
        lines.push(format!("and none for {} more, for the same reason", left_out.len() - NAMED));
    }
    let unpinned = around.unpinned.iter();
    lines.extend(
        unpinned.map(|why| format!("the image of the jobs is named by its tag, for its digest is not known: {why}")),
    );
    let unasked = around.unasked.iter();
    lines.extend(unasked.map(|why| format!("every image is made, for the registry could not be asked: {why}")));
    lines.iter().map(|it| format!("{it}\n")).collect()
}
