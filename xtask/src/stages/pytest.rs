//! pytest: the project's tests in its own environment, and how much of its own code they run.
//!
//! pytest and pytest-cov are the project's own where its lock has them, otherwise the pinned ones, appended to the
//! search path. What decides is pytest's report, a list of what was collected, and coverage's numbers; the exit code
//! alone never does.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::undeclared::Watch;
use crate::context::{self, Context};
use crate::discover::Project;
use crate::environments::{self, Kind};
use crate::manifest::Manifest;
use crate::packages;
use crate::proc::{Call, Done};
use crate::tools::Tool;
use crate::verdict::{Case, Status, Verdict};
use crate::waivers;

mod coverage;
mod frames;
mod left_out;
mod root;
mod tests;

/// Executed by every interpreter of the environment at its start, for processes that tests start: they find the pinned
/// tools as the first one does, and measure themselves where coverage has said so, which its own `.pth` file would do.
const CHILDREN: &str = "import os, sys; sys.path.extend(filter(None, os.environ.get('XTASK_LAST', '').split(':'))); \
                        os.environ.get('XTASK_LAST') and (os.environ.get('COVERAGE_PROCESS_START') or \
                        os.environ.get('COVERAGE_PROCESS_CONFIG')) and __import__('coverage').process_startup()\n";

/// Everything the Python side is told.
#[derive(Debug, Serialize)]
struct Plan {
    root: Utf8PathBuf,
    project: Utf8PathBuf,
    scratch: Utf8PathBuf,
    /// Import paths before and after those of the environment.
    first: Vec<Utf8PathBuf>,
    last: Vec<Utf8PathBuf>,
    /// Directories of other projects inside this one.
    ignore: Vec<Utf8PathBuf>,
    /// Directories of which every file is measured.
    source: Vec<Utf8PathBuf>,
    /// The own files that count, repo-relative.
    files: Vec<Utf8PathBuf>,
    cobertura: Utf8PathBuf,
}

impl Plan {
    fn write(&self) -> Result<()> {
        context::write(&self.scratch.join("plan.json"), serde_json::to_string_pretty(self)?)
    }
}

/// What the launcher says after pytest has ended.
#[derive(Debug, Deserialize)]
struct Summary {
    exit: i32,
    pytest: String,
    pytest_cov: String,
    notes: Vec<String>,
    collected: Vec<String>,
    selected: Vec<String>,
    reported: Vec<String>,
    passed_unexpectedly: Vec<String>,
    /// What looks like a test and pytest did not take for one: file, line, why.
    passed_over: Vec<(String, u32, String)>,
    /// Tests that return something, as if pytest looked at it.
    returned: Vec<String>,
}

/// Runs the tests and measures them.
///
/// # Errors
/// When pytest could not do its work or ended without its reports.
pub fn run(ctx: &Context, project: &Project) -> Result<Verdict> {
    let mut plan = plan(ctx, project)?;
    let watch = Watch::set_up(ctx, project, &plan.scratch)?;
    let done = launch(ctx, project, &plan, &watch)?;
    let frames = frames::Frames::of(ctx.repo, project);
    let summary = plan.scratch.join("summary.json");
    let Ok(text) = std::fs::read_to_string(&summary) else {
        return Err(done.refused("pytest did not come to its end: it left no report. It"));
    };
    let summary: Summary = serde_json::from_str(&text).with_context(|| format!("could not read {summary}"))?;
    if summary.exit == 4
        && let Some(case) = tests::broken_conftest(&done, &frames)
    {
        return Ok(Verdict::one(case));
    }
    if !matches!(summary.exit, 0 | 1 | 2 | 5) && summary.reported.is_empty() || matches!(summary.exit, 3 | 4) {
        return Err(done.refused("pytest"));
    }
    let report = plan.scratch.join("junit.xml");
    let Ok(xml) = std::fs::read_to_string(&report) else { return Err(done.refused("pytest left no report. It")) };

    let mut cases = tests::cases(&xml, &frames)?;
    let ran = cases.len();
    let red = cases.iter().any(Case::is_red);
    let slowest = tests::slowest(&cases);
    cases.extend(tests::missing(&summary, &cases, project));
    if summary.exit == 1 && !cases.iter().any(Case::is_red) || summary.exit == 2 && !red {
        return Err(done.refused("pytest reports no failure, yet it"));
    }

    let read = |file: &Utf8Path| std::fs::read_to_string(ctx.repo.abs(file)).unwrap_or_default();
    // Where nothing ran at all, or half of it, that is the finding.
    if matches!(summary.exit, 0 | 1) {
        let left_out = left_out::find(project, &summary, &cases, read);
        cases.extend(left_out.iter().filter_map(left_out::LeftOut::case));
        plan.files.extend(left_out.iter().filter_map(left_out::LeftOut::code).cloned());
        plan.write()?;
    }
    cases.extend(summary.passed_over.iter().map(|it| tests::passed_over(it, &frames)));
    cases.extend(summary.returned.iter().map(|it| tests::returned(it, &cases)).collect::<Vec<_>>());
    if red && project.lock_dir != project.dir {
        let path = project.lock_dir.join("pyproject.toml");
        cases.extend(root::advice(&Manifest::parse(&path, &read(&path))?, project));
    }
    cases.extend(watch.cases(ctx, project)?);
    let (least, remark) = waivers::setting(project, "pytest.coverage", ctx.repo.config.pytest.coverage)?;
    let figures = match cases.iter().any(|case| matches!(case.status, Status::Pass | Status::Fail)) {
        true => Some(coverage::measure(ctx, project, &plan)?),
        // Nothing ran: a second finding about coverage would only repeat the first.
        false => None,
    };
    cases.extend(figures.as_ref().and_then(|it| it.judge(least)));
    cases.extend(figures.iter().flat_map(|it| it.unmeasured(&plan.files)));
    cases.extend(packages::left_out(project, "not-measured", "its coverage does not count"));

    let mut verdict = Verdict::of(cases, format!("{ran} tests"));
    verdict.notes.push(format!("{ran} tests, pytest {}, pytest-cov {}", summary.pytest, summary.pytest_cov));
    verdict.notes.extend(figures.iter().flat_map(coverage::Figures::notes));
    verdict.coverage = figures.map(|it| it.lines);
    verdict.notes.extend(remark);
    verdict.notes.extend(summary.notes);
    verdict.notes.extend(summary.passed_unexpectedly.iter().map(|it| format!("passed, although marked xfail: {it}")));
    verdict.notes.extend(not_installed(ctx, project)?);
    context::write(&ctx.reports(project)?.join("durations.txt"), tests::lines(&slowest, usize::MAX))?;
    let shown = ctx.repo.config.pytest.durations;
    if shown > 0 && !slowest.is_empty() {
        verdict.notes.push(format!("slowest tests:\n{}", tests::lines(&slowest, shown)));
    }
    Ok(verdict)
}

fn not_installed(ctx: &Context, project: &Project) -> Result<Option<String>> {
    let left_out = environments::conflicts(ctx, project)?.left_out(project);
    Ok((!left_out.is_empty()).then(|| format!("not installed, because of tool.uv.conflicts: {}", left_out.join(", "))))
}

fn plan(ctx: &Context, project: &Project) -> Result<Plan> {
    let environment = environments::path(&ctx.out, project, Kind::Dev);
    let has = |name: &str| installed(&environment, name);
    let last = match has("pytest") && has("pytest_cov") {
        true => Vec::new(),
        false => vec![ctx.tools.overlay(&ctx.repo.config, Tool::Test, &environment)?],
    };
    let packages: Vec<Utf8PathBuf> = project.packages.iter().map(|it| ctx.repo.abs(it)).collect();
    let parent = |it: &Utf8PathBuf| it.parent().map_or_else(|| it.clone(), Utf8Path::to_owned);
    let is_file = |it: &&Utf8PathBuf| it.extension() == Some("py");
    let source: BTreeSet<Utf8PathBuf> =
        packages.iter().map(|it| if is_file(&it) { parent(it) } else { it.clone() }).collect();
    // A project that is not installed is imported from where it stands, as `python -m pytest` would.
    let is_installed = project.manifest.at(&["build-system"]).is_some()
        && project.manifest.at(&["tool", "uv", "package"]).and_then(toml::Value::as_bool) != Some(false);
    let first = match is_installed {
        true => Vec::new(),
        false => packages.iter().map(parent).collect::<BTreeSet<_>>().into_iter().collect(),
    };
    let inner = ctx.repo.projects.iter().filter(|it| it.dir != project.dir && it.dir.starts_with(&project.dir));
    let counts = |file: &&Utf8PathBuf| {
        file.extension() == Some("py")
            && project.packages.iter().any(|package| file.starts_with(package))
            && !project.is_test(file)
    };
    let plan = Plan {
        root: ctx.repo.root.clone(),
        project: ctx.repo.abs(&project.dir),
        scratch: ctx.scratch(Some(project))?,
        first,
        last,
        ignore: inner.map(|it| ctx.repo.abs(&it.dir)).collect(),
        source: source.into_iter().collect(),
        files: project.python_files().filter(counts).cloned().collect(),
        cobertura: ctx.reports(project)?.join("coverage.xml"),
    };
    plan.write()?;
    for old in [&plan.cobertura, &plan.cobertura.with_file_name("durations.txt")] {
        if old.exists() {
            std::fs::remove_file(old).with_context(|| format!("could not remove {old}"))?;
        }
    }
    Ok(plan)
}

/// Is a module in the environment itself?
fn installed(environment: &Utf8Path, module: &str) -> bool {
    let Ok(versions) = environment.join("lib").read_dir_utf8() else { return false };
    versions.flatten().any(|it| it.path().join("site-packages").join(module).is_dir())
}

fn launch(ctx: &Context, project: &Project, plan: &Plan, watch: &Watch) -> Result<Done> {
    let launcher = plan.scratch.join("launch.py");
    context::write(&launcher, include_str!("pytest/launch.py"))?;
    context::write(&plan.scratch.join("plugins/xtask_never_ran.py"), include_str!("pytest/never_ran.py"))?;
    let mut call = python(ctx, project, plan)?.arg(launcher).arg(plan.scratch.join("plan.json"));
    if !plan.last.is_empty() {
        // The name sorts after those of editable packages: what is appended comes last.
        let site = environments::site_packages(&environments::path(&ctx.out, project, Kind::Dev))?;
        context::write(&site.join("zz-xtask-tools.pth"), CHILDREN)?;
        let last: Vec<&str> = plan.last.iter().map(|it| it.as_str()).collect();
        call = call.env("XTASK_LAST", last.join(":"));
    }
    ctx.run(&watch.on(ctx, call.cwd(plan.project.clone())))
}

/// The environment's interpreter as its tests expect it: its programs first on the path, a home of its own.
fn python(ctx: &Context, project: &Project, plan: &Plan) -> Result<Call> {
    let environment = environments::path(&ctx.out, project, Kind::Dev);
    let home = plan.scratch.join("home");
    std::fs::create_dir_all(&home).with_context(|| format!("could not create {home}"))?;
    let mut call = ctx.call(environments::python(&ctx.out, project, Kind::Dev));
    for name in ["HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"] {
        call = call.env(name, home.as_str());
    }
    let path = call.env.get("PATH").cloned().unwrap_or_default();
    Ok(call
        .env("PATH", format!("{}:{path}", environment.join("bin")))
        .env("VIRTUAL_ENV", environment.as_str())
        // hypothesis writes its examples beside the sources unless it is told otherwise.
        .env("HYPOTHESIS_STORAGE_DIRECTORY", plan.scratch.join("hypothesis").as_str()))
}
