//! Records as JUnit. Pure; the XML itself is `quick-junit`'s work.
//!
//! `classname` is PROJECT.STAGE, names are unique within it, `file` is repo-relative; findings are failures, what
//! could not be checked is an error, what was left out is skipped with its reason.

use std::collections::BTreeSet;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::run::Record;
use crate::verdict::{Case, Status, one_line};

mod split;

pub use split::{Limits, files};

/// GitLab's parser gives up a whole file for one very large text in it.
const MOST: usize = 500_000;
/// Words that GitLab's parser takes for the type of a value when they stand in an attribute `type`: it refuses two of them
/// and tries to read the text as a date, a number and so on for the others.
const TYPES: &[&str] = &[
    "array",
    "base64",
    "base64Binary",
    "boolean",
    "date",
    "dateTime",
    "datetime",
    "decimal",
    "double",
    "duration",
    "file",
    "float",
    "hexBinary",
    "integer",
    "string",
    "symbol",
    "yaml",
];

/// One report with a suite for each record.
pub fn report(name: &str, records: &[&Record]) -> Report {
    let mut report = Report::new(name);
    report.add_test_suites(records.iter().map(|it| suite(it)));
    report
}

/// The report of a run that had nothing to do: one case, skipped, that says why.
pub fn nothing(why: &str) -> Report {
    let mut report = Report::new("xtask");
    let mut status = TestCaseStatus::skipped();
    status.set_message(attribute(why.trim()));
    status.set_description(text_of(why.trim()));
    let mut case = TestCase::new("nothing-to-do", status);
    case.set_classname("xtask.plan");
    let mut suite = TestSuite::new("xtask.plan");
    suite.add_test_case(case);
    report.add_test_suite(suite);
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
        let plain = attribute(&case.name);
        let mut name = plain.clone();
        let mut number = 2;
        while !names.insert(name.clone()) {
            name = format!("{plain} ({number})");
            number += 1;
        }
        suite.add_test_case(test_case(&class, &name, case));
    }
    if !record.verdict.notes.is_empty() {
        suite.set_system_out(text_of(&record.verdict.notes.join("\n")));
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
        out.set_system_out(text_of(&format!("warning: {}\n{}", located(case), case.detail)));
    }
    out
}

fn status(case: &Case) -> TestCaseStatus {
    let not = |kind| {
        let mut status = TestCaseStatus::non_success(kind);
        if !TYPES.contains(&case.rule.as_str()) {
            status.set_type(case.rule.as_str());
        }
        status.set_message(attribute(&located(case)));
        status.set_description(text_of(&format!("{}\n{}", located(case), case.detail)));
        status
    };
    match case.status {
        Status::Pass | Status::Warn => TestCaseStatus::success(),
        Status::Fail => not(NonSuccessKind::Failure),
        Status::Broken | Status::Error => not(NonSuccessKind::Error),
        Status::Skip => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(attribute(&case.message));
            status.set_description(text_of(&located(case)));
            status
        }
    }
}

/// Text for the body of an element: that is what GitLab shows.
fn text_of(text: &str) -> String {
    let text = legal(text);
    if text.len() <= MOST {
        return text;
    }
    let end = (0..=MOST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}\n... {} more bytes are left out; the log has them", &text[..end], text.len() - end)
}

/// Text without the two characters that XML forbids and quick-junit lets through.
fn legal(text: &str) -> String {
    text.replace(['\u{fffe}', '\u{ffff}'], "")
}

/// Text for an attribute: a line break in one is not what it was when it is read back.
fn attribute(text: &str) -> String {
    // Long before this an attribute is too long to be read.
    one_line(&legal(text)).chars().take(20_000).collect()
}

/// `path:line: rule message`, as compilers write it.
pub fn located(case: &Case) -> String {
    let words = if case.rule.is_empty() { case.message.clone() } else { format!("{} {}", case.rule, case.message) };
    match &case.place {
        Some(place) => format!("{place}: {words}"),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::stages;
    use crate::verdict::Verdict;

    /// Hostile text in, XML out that another parser reads, with every count equal to its elements.
    #[test]
    fn another_parser_reads_it_back() {
        let hostile = "a\u{0}b\u{1b}[31mred\u{1b}[0m <&\"'> ]]> \u{fffe} \u{202e} ü\n\ttab";
        let cases = vec![
            Case::fail("R1", hostile).at("a <&>.py", Some(7)).detail(hostile),
            Case::fail("R1", "the same place twice").at("a <&>.py", Some(7)),
            Case::error("R2", hostile),
            Case::skip("left out", hostile),
            Case::warn("R3", "a warning").at("b.py", None),
            Case::pass(hostile),
        ];
        let verdict = Verdict { cases, notes: vec![hostile.to_owned()], ..Verdict::default() };
        let stage = stages::find("ruff").expect("a stage");
        let record = Record {
            project: "p".to_owned(),
            dir: "p".into(),
            stage,
            verdict,
            elapsed: Duration::from_millis(10),
            log: "log".into(),
            blocked: false,
        };
        let xml = text(&report("all", &[&record]));
        let document = roxmltree::Document::parse(&xml).unwrap_or_else(|error| panic!("{error}\n{xml}"));
        let suite = document.descendants().find(|it| it.has_tag_name("testsuite")).expect("a suite");
        let count = |tag: &str| suite.descendants().filter(|it| it.has_tag_name(tag)).count();
        assert_eq!((suite.attribute("tests"), count("testcase")), (Some("6"), 6), "{xml}");
        assert_eq!((suite.attribute("failures"), count("failure")), (Some("2"), 2), "{xml}");
        assert_eq!((suite.attribute("errors"), count("error")), (Some("1"), 1), "{xml}");
        assert_eq!(count("skipped"), 1, "{xml}");
        let names: BTreeSet<_> =
            suite.children().filter(|it| it.has_tag_name("testcase")).filter_map(|it| it.attribute("name")).collect();
        assert_eq!(names.len(), 6, "{xml}");
        let first = suite.children().find(|it| it.has_tag_name("testcase")).expect("a case");
        assert_eq!(first.attribute("classname"), Some("p.ruff"));
        let body = first.first_element_child().and_then(|it| it.text()).unwrap_or_default();
        assert!(body.starts_with("a <&>.py:7: R1 a"), "the text is in the body: {body:?}");
        let skipped = suite.descendants().find(|it| it.has_tag_name("skipped")).and_then(|it| it.text());
        assert!(skipped.is_some_and(|it| it.contains("red")), "{xml}");
        assert_eq!((first.attribute("file"), first.attribute("line")), (Some("a <&>.py"), Some("7")));
        assert!(!xml.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')), "{xml:?}");
    }

    /// A rule of that name would make GitLab refuse the file; a text of that length too.
    #[test]
    fn what_gitlab_would_choke_on() {
        for (rule, kind) in [("yaml", false), ("file", false), ("F401", true)] {
            let status = status(&Case::fail(rule, "m").detail("ü".repeat(MOST)));
            let TestCaseStatus::NonSuccess { ty, description, .. } = status else { panic!("{status:?}") };
            assert_eq!(ty.is_some(), kind, "{rule}");
            let text = description.expect("a text");
            assert!(text.as_str().len() < MOST + 100 && text.as_str().ends_with("the log has them"), "{rule}");
        }
    }
}
