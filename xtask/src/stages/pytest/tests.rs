//! pytest's own report, case by case, and what it lacks.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus};

use super::Summary;
use super::frames::Frames;
use crate::discover::Project;
use crate::proc::Done;
use crate::verdict::{Case, Place, Status};

/// The cases of pytest's report, one to one and in its order.
pub fn cases(xml: &str, frames: &Frames) -> Result<Vec<Case>> {
    let report = Report::deserialize_from_str(xml).context("pytest's report cannot be read")?;
    Ok(report.test_suites.iter().flat_map(|suite| &suite.test_cases).map(|it| case(it, frames)).collect())
}

fn case(it: &TestCase, frames: &Frames) -> Case {
    let name = node(it);
    let short = name.split_once("::").map_or(name.as_str(), |(_, rest)| rest).to_owned();
    let mut case = match &it.status {
        TestCaseStatus::Success { .. } => Case::pass(name.clone()),
        TestCaseStatus::NonSuccess { kind, message, description, .. } => {
            let text = description.as_ref().map_or("", |it| it.as_str());
            let first = message.as_ref().map_or("", |it| it.as_str()).lines().next().unwrap_or_default().to_owned();
            let mut case = Case::fail("test", format!("{short}: {first}")).detail(text);
            if *kind == NonSuccessKind::Error {
                case.status = Status::Broken;
            }
            case
        }
        TestCaseStatus::Skipped { ty, message, .. } => {
            let reason = message.as_ref().map_or("", |it| it.as_str());
            let skip = |why: String| Case::skip(name.clone(), why);
            match (ty.as_ref().is_some_and(|it| it.as_str() == "pytest.xfail"), reason) {
                (_, reason) if never_ran(reason) => {
                    Case::fail("test", format!("{short}: its body never ran: {reason}"))
                }
                (true, "") => skip("failed, as marked with xfail".to_owned()),
                (true, reason) => skip(format!("failed, as marked with xfail: {reason}")),
                (false, "") => skip("skipped without a reason".to_owned()),
                (false, reason) => skip(reason.to_owned()),
            }
        }
    };
    case.name = name;
    case.time = it.time;
    case.place = place(it, &case.detail, frames);
    case
}

/// Has pytest skipped a test because it cannot run it? Versions before 8.4 do so, with these words.
fn never_ran(reason: &str) -> bool {
    reason.starts_with("async def function and no async plugin installed")
        || reason.trim_start_matches("[NOTRUN] ").starts_with("yield tests were removed in pytest")
}

/// The failing line, or else where the test begins.
fn place(it: &TestCase, text: &str, frames: &Frames) -> Option<Place> {
    if let Some((path, line)) = frames.last(text) {
        return Some(Place { path, line: Some(line) });
    }
    let path = frames.own(it.extra.get("file").map(|it| it.as_str())?)?;
    // pytest counts the lines of this form of its report from 0.
    let line = it.extra.get("line").and_then(|it| it.as_str().parse::<u32>().ok()).map(|it| it + 1);
    Some(Place { path, line })
}

/// The name that pytest itself takes: `tests/test_a.py::TestB::test_c[1]`.
fn node(it: &TestCase) -> String {
    let name = it.name.as_str();
    let class = it.classname.as_ref().map_or("", |it| it.as_str());
    let Some(file) = it.extra.get("file").map(|it| it.as_str()) else {
        return if class.is_empty() { name.to_owned() } else { format!("{class}::{name}") };
    };
    let module = file.trim_end_matches(".py").replace('/', ".");
    let inner = class.strip_prefix(&module).map(|it| it.trim_start_matches('.').replace('.', "::"));
    match inner.as_deref() {
        _ if class.is_empty() => file.to_owned(),
        Some("") | None => format!("{file}::{name}"),
        Some(inner) => format!("{file}::{inner}::{name}"),
    }
}

/// What should have run and did not: never silently.
pub fn missing(summary: &Summary, cases: &[Case], project: &Project) -> Vec<Case> {
    let mut found = Vec::new();
    let reported: BTreeSet<&String> = summary.reported.iter().collect();
    let selected: BTreeSet<&String> = summary.selected.iter().collect();
    for name in summary.collected.iter().filter(|it| !selected.contains(it)) {
        let reason = "deselected by a plugin or a conftest.py of the project";
        found.push(Case::skip(format!("{name} (deselected)"), reason));
    }
    let red = cases.iter().any(Case::is_red);
    let left: Vec<&&String> = selected.iter().filter(|it| !reported.contains(*it)).collect();
    if let (Some(first), false) = (left.first(), summary.exit == 2 && red) {
        let (left, all) = (left.len(), selected.len());
        let why = format!("{left} of {all} tests did not run, for the session was ended early; the first is {first}");
        let file = first.split("::").next().unwrap_or_default();
        let path = project.path(file);
        let case = Case::fail("unfinished", why);
        found.push(if project.files.contains(&path) { case.at(path, None) } else { case });
    }
    let ran = |case: &&Case| matches!(case.status, Status::Pass | Status::Fail | Status::Broken);
    if !cases.iter().any(|case| ran(&case)) && !found.iter().any(Case::is_red) {
        let manifest = project.path("pyproject.toml");
        let case = match cases.len() {
            0 => Case::fail("no-tests", "pytest collected no test; put tests into `tests/`, in files named test_*.py"),
            n => Case::fail("no-tests", format!("all {n} tests were skipped, so nothing was tested")),
        };
        found.push(case.at(manifest, Some(1)));
    }
    found
}

/// What pytest itself warns of while it collects: a class or function that looks like a test and is none to it.
pub fn passed_over((file, line, why): &(String, u32, String), frames: &Frames) -> Case {
    let case = Case::warn("not-collected", why.as_str());
    match frames.own(file) {
        Some(path) => case.at(path, Some(*line)),
        None => case,
    }
}

/// A test that returns what it should assert: whatever that is, it passes.
pub fn returned(name: &str, cases: &[Case]) -> Case {
    let short = name.split_once("::").map_or(name, |(_, rest)| rest);
    let why = format!("{short} returns a value, which pytest does not look at; `assert` it instead");
    let place = cases.iter().find(|it| it.name == name).and_then(|it| it.place.clone());
    Case { place, ..Case::warn("test-returns", why) }
}

/// A `conftest.py` that cannot be imported: pytest calls it wrong usage, but the project is at fault.
pub fn broken_conftest(done: &Done, frames: &Frames) -> Option<Case> {
    let start = done.stderr.find("ImportError while loading conftest")?;
    let text = &done.stderr[start..];
    let (path, line) = frames.last(text)?;
    let why = text.lines().rfind(|line| line.starts_with("E   ")).unwrap_or("it cannot be imported");
    let why = format!("{}: {}", path.file_name().unwrap_or_default(), why.trim_start_matches('E').trim());
    let case = Case::fail("collection", why).at(path, Some(line)).detail(text);
    Some(Case { status: Status::Broken, ..case })
}

/// Tests with their times, the slowest first.
pub fn slowest(cases: &[Case]) -> Vec<(Duration, String)> {
    let mut times: Vec<_> = cases.iter().filter_map(|it| Some((it.time?, it.name.clone()))).collect();
    times.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    times
}

/// The first of them as text.
pub fn lines(times: &[(Duration, String)], count: usize) -> String {
    times.iter().take(count).map(|(time, name)| format!("{:9.3} s  {name}\n", time.as_secs_f64())).collect()
}
