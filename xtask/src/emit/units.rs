//! A plan cut into units: each unit becomes one job of the pipeline.
//!
//! Pure. Every job of the plan is in exactly one unit for each of its platforms. Must not know how a job looks.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;

use super::names::slug;
use crate::config::gitlab::Platform;
use crate::handover;
use crate::plan::{Job, Plan, Planned};
use crate::side::Side;
use crate::stages::{self, Run, Stage};

/// At most this many projects share a job of a batch stage.
pub const BATCH: usize = 100;
/// At most this many projects have their documentation made in one job, as long as that takes few jobs.
const SITE: usize = 50;
/// GitLab's limit of needs, less one: the job that puts the site together needs all its parts.
const PARTS: usize = 49;
/// At most so many bytes of projects share a job: what it carries of the plan must fit in a variable.
const BYTES: usize = 60_000;
/// The stage of jobs that run whole projects, and where it stands: after docker-build.
pub const WHOLE: &str = "projects";
const WHOLE_ORDER: usize = 2;

/// What is known of a project beside the plan.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Does it ship as an image?
    pub image: bool,
    /// Where it is checked, if not where all are.
    pub platforms: Option<Vec<Platform>>,
    /// The directory of its lock, and what names the lock's content.
    pub lock: Option<(Utf8PathBuf, String)>,
    /// What names the content that its lock had at the base, where there is one.
    pub lock_before: Option<String>,
    /// Projects whose locks the `lock` stage looks at for it, unless they are checked themselves.
    pub dependants: Vec<String>,
}

/// What is known of the projects of a revision.
pub fn known(side: &Side) -> BTreeMap<String, Known> {
    let mut found: BTreeMap<String, Known> = BTreeMap::new();
    for project in &side.projects {
        let path = project.lock_dir.join("uv.lock");
        let lock = side.tree.get(&path).map(|it| (project.lock_dir.clone(), it.id.to_hex()));
        let of = found.entry(project.name.clone()).or_default();
        of.image = project.facts.image;
        of.platforms.clone_from(&project.facts.platforms);
        of.lock = lock;
        for dir in side.closure(project).keys() {
            if let Some(needed) = side.project_in(dir).filter(|it| it.name != project.name) {
                found.entry(needed.name.clone()).or_default().dependants.push(project.name.clone());
            }
        }
    }
    found
}

/// Adds what the locks were at the base.
pub fn add_before(known: &mut BTreeMap<String, Known>, base: &Side) {
    for of in known.values_mut() {
        let path = of.lock.as_ref().map(|(dir, _)| dir.join("uv.lock"));
        of.lock_before = path.and_then(|it| base.tree.get(&it)).map(|it| it.id.to_hex());
    }
}

/// How a plan is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// A stage of a project; batch stages of many projects together.
    Stage,
    /// A group of stages of a project; groups of batch stages of many projects together.
    Group,
    /// All stages of so many projects.
    Projects(usize),
}

/// What becomes one job.
#[derive(Debug, Clone)]
pub struct Unit {
    pub name: String,
    /// The stage of the pipeline.
    pub group: &'static str,
    pub platform: Platform,
    /// Positions in the plan, in its order.
    pub jobs: Vec<usize>,
    /// Positions of the units that it waits for.
    pub needs: BTreeSet<usize>,
    /// Positions in the plan of what those units run and this one waits for.
    pub elsewhere: BTreeSet<usize>,
    /// Does it put the site together?
    pub site: bool,
}

/// What makes two jobs of a plan be in the same unit; sorts as the units stand in the pipeline.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    /// Where it stands: the position of a stage of its group.
    order: usize,
    /// The name without the number of a part and the platform.
    base: String,
    part: usize,
    platform: Platform,
}

/// What is cut.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    pub plan: &'a Plan,
    pub known: &'a BTreeMap<String, Known>,
    /// Where projects are checked that do not say where.
    pub platforms: &'a [Platform],
    /// What images are built for.
    pub images: Platform,
}

/// Cuts a plan; at most `batch` projects share a job of a batch stage.
pub fn cut(ground: Ground, cut: Cut, batch: usize) -> Vec<Unit> {
    let plan = ground.plan;
    let cutter = Cutter::of(ground, cut, batch);
    let mut keys: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    for (index, job) in plan.jobs.iter().enumerate() {
        for platform in cutter.platforms_of(job) {
            keys.entry(cutter.key(job, platform)).or_default().push(index);
        }
    }
    let mut units = cutter.units(keys);
    wire(plan, &mut units);
    units
}

struct Cutter<'a> {
    ground: Ground<'a>,
    /// Where what needs no platform runs.
    first: Platform,
    cut: Cut,
    /// Which part of the site a project's documentation is made in.
    documented: BTreeMap<&'a str, usize>,
    /// Which of the jobs with several projects a project is in.
    place: BTreeMap<&'a str, usize>,
    /// Of each project without an image, the stage whose job says so for docker-build.
    companions: BTreeMap<&'a str, &'static Stage>,
}

impl<'a> Cutter<'a> {
    fn of(ground: Ground<'a>, cut: Cut, batch: usize) -> Cutter<'a> {
        let plan = ground.plan;
        let mut has: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for job in &plan.jobs {
            has.entry(&job.project).or_default().insert(job.stage.name);
        }
        let planned: BTreeMap<&str, &Planned> = plan.projects.iter().map(|it| (it.name.as_str(), it)).collect();
        let weighed = |name: &'a str, jobs: usize| (name, planned.get(name).map_or(0, |it| handover::weight(it, jobs)));
        let size = if let Cut::Projects(size) = cut { size.max(1) } else { batch };
        let place = parts(has.iter().map(|(name, stages)| weighed(name, stages.len())).collect(), size);
        let with_pages = has.iter().filter(|(_, stages)| stages.contains("pages"));
        let with_pages: Vec<(&str, usize)> = with_pages.map(|(name, _)| weighed(name, 1)).collect();
        let size = SITE.max(with_pages.len().div_ceil(PARTS));
        let documented = parts(with_pages, size);
        // Those that wait for docker-build come first: a need within a job is no need between jobs.
        const RIDES_WITH: &[&str] =
            &["sbom", "vulnerabilities", "build", "pytest", "type-check", "license-check", "lock"];
        let companion = |stages: &BTreeSet<&str>| {
            let name = RIDES_WITH.iter().find(|it| stages.contains(**it))?;
            stages::STAGES.iter().find(|it| it.name == *name)
        };
        let companions = has.iter().filter_map(|(name, stages)| Some((*name, companion(stages)?))).collect();
        let first = ground.platforms.first().copied().unwrap_or(Platform::Arm64);
        Cutter { ground, first, cut, documented, place, companions }
    }

    fn image(&self, job: &Job) -> bool {
        self.ground.known.get(&job.project).is_some_and(|it| it.image)
    }

    /// Where a job of the plan runs: what depends on the machine on all platforms of its project, the rest on one.
    fn platforms_of(&self, job: &Job) -> Vec<Platform> {
        let own = self.ground.known.get(&job.project).and_then(|it| it.platforms.clone());
        let mut all = own.filter(|it| !it.is_empty()).unwrap_or_else(|| self.ground.platforms.to_vec());
        // One order for all projects: else two jobs with several projects could wait for each other.
        all.sort_by_key(|it| (self.ground.platforms.iter().position(|other| other == it).unwrap_or(usize::MAX), *it));
        let first = all.first().copied().unwrap_or(self.first);
        if job.stage.name == "docker-build" && self.image(job) {
            return vec![if all.contains(&self.ground.images) { self.ground.images } else { first }];
        }
        let depends = !job.stage.environments.is_empty() || matches!(job.stage.name, "docker-build" | "build");
        if depends && job.stage.name != "pages" { all } else { vec![first] }
    }

    fn key(&self, job: &Job, platform: Platform) -> Key {
        let (stage, project) = (job.stage, job.project.as_str());
        if stage.name == "pages" {
            let part = self.documented[project];
            return Key { order: position(stage), base: "pages-site".to_owned(), part, platform: self.first };
        }
        if stage.name == "docker-build" {
            if self.image(job) {
                let base = format!("{}.docker-build", slug(project));
                return Key { order: position(stage), base, part: 0, platform };
            }
            if let Some(companion) = self.companions.get(project) {
                let platforms = self.platforms_of(&Job { stage: companion, ..job.clone() });
                let platform = if platforms.contains(&platform) { platform } else { platforms[0] };
                return self.key(&Job { stage: companion, ..job.clone() }, platform);
            }
        }
        let batch = |base: &str, order: usize| {
            let part = self.place[project];
            Key { order, base: base.to_owned(), part, platform }
        };
        let single = |word: &str, order: usize| {
            let base = format!("{}.{word}", slug(project));
            Key { order, base, part: 0, platform }
        };
        match self.cut {
            Cut::Stage if is_batch(stage) => batch(stage.name, position(stage)),
            Cut::Stage => single(stage.name, position(stage)),
            Cut::Group if is_batch(stage) => batch(stage.group, group_position(stage.group)),
            Cut::Group => single(stage.group, group_position(stage.group)),
            Cut::Projects(1) => single("checks", WHOLE_ORDER),
            Cut::Projects(_) => {
                let part = self.place[project];
                Key { order: WHOLE_ORDER, base: "projects".to_owned(), part, platform }
            }
        }
    }

    fn units(&self, keys: BTreeMap<Key, Vec<usize>>) -> Vec<Unit> {
        let parts = keys.keys().fold(BTreeMap::new(), |mut parts: BTreeMap<String, usize>, it| {
            let most = parts.entry(it.base.clone()).or_default();
            *most = (*most).max(it.part + 1);
            parts
        });
        let several: BTreeSet<&str> = {
            let mut seen: BTreeMap<(&str, usize), usize> = BTreeMap::new();
            for key in keys.keys() {
                *seen.entry((&key.base, key.part)).or_default() += 1;
            }
            seen.into_iter().filter(|(_, count)| *count > 1).map(|((base, _), _)| base).collect()
        };
        let unit = |(key, mut jobs): (&Key, Vec<usize>)| {
            jobs.sort_unstable();
            jobs.dedup();
            let of = parts[&key.base];
            let site = key.base == "pages-site";
            let mut name = match of {
                1 => key.base.clone(),
                _ if site && key.part + 1 == of => key.base.clone(),
                _ if site => format!("pages-part-{}", key.part + 1),
                _ => format!("{}-{}", key.base, key.part + 1),
            };
            if several.contains(key.base.as_str()) || key.platform != self.first {
                name = format!("{name}.{}", key.platform.arch());
            }
            let group = match (self.cut, key.order) {
                (Cut::Projects(_), WHOLE_ORDER) => WHOLE,
                _ => stages::STAGES[key.order].group,
            };
            let site = site && key.part + 1 == of;
            let (platform, needs, elsewhere) = (key.platform, BTreeSet::new(), BTreeSet::new());
            Unit { name, group, platform, jobs, needs, elsewhere, site }
        };
        debug_assert!(keys.values().flatten().all(|it| *it < self.ground.plan.jobs.len()));
        keys.iter().map(|(key, jobs)| unit((key, jobs.clone()))).collect()
    }
}

/// Spreads projects with their weights over parts: in each at most so many, and no more bytes than a job can carry.
fn parts(projects: Vec<(&str, usize)>, size: usize) -> BTreeMap<&str, usize> {
    let (mut part, mut count, mut bytes) = (0, 0, 0);
    let mut of = |weight: usize| {
        if count > 0 && (count == size || bytes + weight > BYTES) {
            (part, count, bytes) = (part + 1, 0, 0);
        }
        (count, bytes) = (count + 1, bytes + weight);
        part
    };
    projects.into_iter().map(|(name, weight)| (name, of(weight))).collect()
}

/// Finds who waits for whom.
fn wire(plan: &Plan, units: &mut [Unit]) {
    let mut by_job: BTreeMap<usize, Vec<(Platform, usize)>> = BTreeMap::new();
    for (index, unit) in units.iter().enumerate() {
        for job in &unit.jobs {
            by_job.entry(*job).or_default().push((unit.platform, index));
        }
    }
    let positions: BTreeMap<(&str, &str), usize> =
        plan.jobs.iter().enumerate().map(|(index, it)| ((it.project.as_str(), it.stage.name), index)).collect();
    let parts: BTreeSet<usize> = (0..units.len()).filter(|it| is_part_of_site(plan, &units[*it])).collect();
    for (index, unit) in units.iter_mut().enumerate() {
        for job in unit.jobs.iter().map(|it| &plan.jobs[*it]) {
            for need in job.stage.needs {
                let Some(position) = positions.get(&(job.project.as_str(), *need)) else { continue };
                let there = by_job.get(position).map(Vec::as_slice).unwrap_or_default();
                // What does not run on this platform has run on another.
                let same = there.iter().find(|it| it.0 == unit.platform).or(there.first());
                if let Some((_, other)) = same.filter(|it| it.1 != index) {
                    unit.needs.insert(*other);
                    unit.elsewhere.insert(*position);
                }
            }
        }
        if unit.site {
            unit.needs.extend(parts.iter().filter(|it| **it != index));
        }
    }
}

fn is_part_of_site(plan: &Plan, unit: &Unit) -> bool {
    unit.jobs.iter().any(|it| plan.jobs[*it].stage.name == "pages")
}

pub fn is_batch(stage: &Stage) -> bool {
    matches!(stage.run, Run::Batch(_))
}

fn position(stage: &Stage) -> usize {
    stages::position(stage.name)
}

fn group_position(group: &str) -> usize {
    stages::STAGES.iter().position(|it| it.group == group).unwrap_or_default()
}
