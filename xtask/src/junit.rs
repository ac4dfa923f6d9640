//! Records as JUnit. Pure; the XML itself is `quick-junit`'s work.
//!
//! `classname` is PROJECT.STAGE, names are unique within it, `file` is repo-relative; findings are failures, what
//! could not be checked is an error, what was left out is skipped with its reason.

use std::collections::BTreeSet;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::run::Record;
use crate::verdict::{Case, Status};

/// One report with a suite for each record.
pub fn report(name: &str, records: &[&Record]) -> Report {
    let mut report = Report::new(name);
    report.add_test_suites(records.iter().map(|it| suite(it)));
    report
}

/// A report as text.
pub fn text(report: &Report) -> String {
    // Serialising into memory fails only on invalid XML characters, which quick-junit takes out itself.
    report.to_string().unwrap_or_default()
}

fn suite(record: &Record) -> TestSuite {
    let class = format!("{}.{}", record.project, record.stage.name);
    let mut suite = TestSuite::new(class.as_str());
    suite.set_time(record.elapsed);
    let mut names = BTreeSet::new();
    for case in &record.verdict.cases {
        let mut name = case.name.clone();
        let mut number = 2;
        while !names.insert(name.clone()) {
            name = format!("{} ({number})", case.name);
            number += 1;
        }
        suite.add_test_case(test_case(&class, &name, case));
    }
    if !record.verdict.notes.is_empty() {
        suite.set_system_out(record.verdict.notes.join("\n"));
    }
    suite
}

fn test_case(class: &str, name: &str, case: &Case) -> TestCase {
    let mut out = TestCase::new(name, status(case));
    out.set_classname(class);
    if let Some(time) = case.time {
        out.set_time(time);
    }
    if let Some(place) = &case.place {
        out.extra.insert("file".into(), place.path.as_str().into());
        if let Some(line) = place.line {
            out.extra.insert("line".into(), line.to_string().into());
        }
    }
    if case.status == Status::Warn {
        out.set_system_out(format!("warning: {}\n{}", located(case), case.detail));
    }
    out
}

fn status(case: &Case) -> TestCaseStatus {
    let not = |kind| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_type(case.rule.as_str());
        status.set_message(located(case));
        status.set_description(format!("{}\n{}", located(case), case.detail));
        status
    };
    match case.status {
        Status::Pass | Status::Warn => TestCaseStatus::success(),
        Status::Fail => not(NonSuccessKind::Failure),
        Status::Broken | Status::Error => not(NonSuccessKind::Error),
        Status::Skip => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(case.message.as_str());
            status
        }
    }
}

/// `path:line: rule message`, as compilers write it.
pub fn located(case: &Case) -> String {
    let words = if case.rule.is_empty() { case.message.clone() } else { format!("{} {}", case.rule, case.message) };
    match &case.place {
        Some(place) => format!("{place}: {words}"),
        None => words,
    }
}
