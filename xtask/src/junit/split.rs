//! JUnit in pieces that GitLab reads: by size of a file, by size of all files of a job, by number of cases. Pure.
//!
//! Whoever fits in one file gets one file. What does not fit in all of them is left out from what matters least, and a
//! case says how much that is.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{report, text};
use crate::run::Record;

/// How much GitLab reads.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of one file.
    pub file: usize,
    /// Bytes of all files of a job.
    pub all: usize,
    /// Cases of all files of a job.
    pub cases: usize,
}

impl Limits {
    /// Those that GitLab documents, and GitLab.com's number of cases.
    pub const GITLAB: Limits = Limits { file: 30_000_000, all: 100_000_000, cases: 500_000 };
    /// Only the size of a file: for those that people and other programs look for a case in.
    pub const FILE: Limits = Limits { file: 30_000_000, all: usize::MAX, cases: usize::MAX };
}

/// Bytes for the case that says what is left out, and for what stands around the suites of a file.
const AROUND: usize = 1_000;

/// One case on its way into a file.
struct Piece {
    suite: usize,
    case: TestCase,
    bytes: usize,
}

/// The texts of as many files as the records need.
pub fn files(name: &str, records: &[&Record], limits: Limits) -> Vec<String> {
    let whole = report(name, records);
    let text = text(&whole);
    if text.len() <= limits.file.min(limits.all) && whole.tests <= limits.cases {
        return vec![text];
    }
    drop(text);
    let mut heads = Vec::new();
    let mut pieces = Vec::new();
    for (suite, mut it) in whole.test_suites.into_iter().enumerate() {
        let cases = std::mem::take(&mut it.test_cases);
        heads.push(it);
        pieces.extend(cases.into_iter().map(|case| Piece { suite, bytes: bytes(&heads[suite], &case), case }));
    }
    let left_out = leave_out(&mut pieces, &heads, limits);
    pack(name, &heads, pieces, left_out, limits)
}

/// An empty suite like this one.
fn reopened(head: &TestSuite) -> TestSuite {
    TestSuite::new(head.name.clone())
}

/// How much a case adds to a file: measured, since only the writer knows what it escapes.
fn bytes(head: &TestSuite, case: &TestCase) -> usize {
    let with = |cases: &[&TestCase]| {
        let mut suite = reopened(head);
        suite.add_test_cases(cases.iter().map(|it| (*it).clone()));
        let mut report = Report::new("");
        report.add_test_suite(suite);
        text(&report).len()
    };
    with(&[case]) - with(&[]) + 20
}

fn is_red(case: &TestCase) -> bool {
    matches!(case.status, TestCaseStatus::NonSuccess { kind: NonSuccessKind::Failure | NonSuccessKind::Error, .. })
}

/// Takes away what does not fit in all files together, green before red, and returns the case that says so.
fn leave_out(pieces: &mut Vec<Piece>, heads: &[TestSuite], limits: Limits) -> Option<TestCase> {
    let around: usize = heads.iter().map(head_bytes).sum();
    let mut room = limits.all.saturating_sub(around).saturating_sub(AROUND);
    let mut number = limits.cases.saturating_sub(1);
    if pieces.len() <= limits.cases && pieces.iter().map(|it| it.bytes).sum::<usize>() <= room {
        return None;
    }
    let mut order: Vec<usize> = (0..pieces.len()).collect();
    order.sort_by_key(|index| (!is_red(&pieces[*index].case), *index));
    let mut keep = vec![false; pieces.len()];
    for index in order {
        if pieces[index].bytes > room || number == 0 {
            break;
        }
        keep[index] = true;
        room -= pieces[index].bytes;
        number -= 1;
    }
    let gone = keep.iter().filter(|it| !**it).count();
    let red = pieces.iter().zip(&keep).filter(|(it, keep)| !**keep && is_red(&it.case)).count();
    let mut flags = keep.into_iter();
    pieces.retain(|_| flags.next().unwrap_or(true));
    let why = format!(
        "{gone} cases are left out, {red} of them red: GitLab would not read them all; target/ci/junit/ has them"
    );
    let mut status =
        if red > 0 { TestCaseStatus::non_success(NonSuccessKind::Failure) } else { TestCaseStatus::skipped() };
    status.set_message(why.as_str());
    status.set_description(why.as_str());
    let mut case = TestCase::new("left out", status);
    case.set_classname("xtask.junit");
    Some(case)
}

fn head_bytes(head: &TestSuite) -> usize {
    let mut report = Report::new("");
    report.add_test_suite(head.clone());
    text(&report).len()
}

/// The pieces in files, each no larger than it may be; a suite that does not fit is opened again in the next.
fn pack(
    name: &str,
    heads: &[TestSuite],
    pieces: Vec<Piece>,
    left_out: Option<TestCase>,
    limits: Limits,
) -> Vec<String> {
    let mut files = Vec::new();
    let (mut report, mut size) = (Report::new(name), AROUND);
    let mut open: Option<(usize, TestSuite)> = None;
    let mut opened = vec![false; heads.len()];
    for piece in pieces {
        let continues = open.as_ref().is_some_and(|(suite, _)| *suite == piece.suite);
        let head = if continues { 0 } else { head_bytes(&heads[piece.suite]) };
        let is_full = size + piece.bytes + head > limits.file;
        if !continues || is_full {
            report.add_test_suites(open.take().map(|(_, suite)| suite));
        }
        if is_full && !report.test_suites.is_empty() {
            files.push(text(&report));
            (report, size) = (Report::new(name), AROUND);
        }
        let (_, suite) = open.get_or_insert_with(|| {
            let head = &heads[piece.suite];
            size += head_bytes(head);
            // What is said of a suite as a whole is said once.
            let first = !std::mem::replace(&mut opened[piece.suite], true);
            (piece.suite, if first { head_only(head) } else { reopened(head) })
        });
        suite.add_test_case(piece.case);
        size += piece.bytes;
    }
    report.add_test_suites(open.map(|(_, suite)| suite));
    if let Some(case) = left_out {
        let mut suite = TestSuite::new("xtask.junit");
        suite.add_test_case(case);
        report.add_test_suite(suite);
    }
    files.push(text(&report));
    files
}

/// A suite with everything but its cases, whose counts start again.
fn head_only(head: &TestSuite) -> TestSuite {
    let mut suite = TestSuite::new(head.name.clone());
    (suite.time, suite.system_out) = (head.time, head.system_out.clone());
    suite
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Case, Verdict};

    fn record(project: &str, cases: Vec<Case>) -> Record {
        let stage = crate::stages::find("pytest").expect("a stage");
        let verdict = Verdict { cases, notes: vec!["a note".to_owned()], ..Verdict::default() };
        let (elapsed, log) = (std::time::Duration::from_secs(1), "log".into());
        Record { project: project.to_owned(), dir: "p".into(), stage, verdict, elapsed, log, blocked: false }
    }

    fn names(text: &str) -> Vec<String> {
        let document = roxmltree::Document::parse(text).unwrap_or_else(|error| panic!("{error}"));
        for suite in document.descendants().filter(|it| it.has_tag_name("testsuite")) {
            let count = suite.children().filter(|it| it.has_tag_name("testcase")).count();
            assert_eq!(suite.attribute("tests"), Some(count.to_string().as_str()));
        }
        let cases = document.descendants().filter(|it| it.has_tag_name("testcase"));
        let name = |it: &roxmltree::Node, key| it.attribute(key).unwrap_or_default().to_owned();
        cases.map(|it| format!("{} {}", name(&it, "classname"), name(&it, "name"))).collect()
    }

    /// Two projects with many cases, some of them red and with a long text full of what must be escaped.
    fn huge() -> Vec<Record> {
        let case = |number: usize| match number % 10 {
            0 => Case::fail("", "broken").detail("<&\">\n".repeat(100)).named(format!("test {number}")),
            _ => Case::pass(format!("test {number}")),
        };
        ["a", "b"].map(|project| record(project, (0..500).map(case).collect())).into()
    }

    #[test]
    fn what_fits_is_one_file() {
        let records = huge();
        let all: Vec<&Record> = records.iter().collect();
        assert_eq!(files("x", &all, Limits::GITLAB), [text(&report("x", &all))]);
    }

    #[test]
    fn what_is_too_large_is_split_and_nothing_is_lost() {
        let records = huge();
        let all: Vec<&Record> = records.iter().collect();
        for limit in [20_000, 50_000, 150_000] {
            let texts = files("x", &all, Limits { file: limit, ..Limits::FILE });
            assert!(texts.len() > 1 && texts.iter().all(|it| it.len() <= limit), "{limit}: {}", texts.len());
            let split: Vec<String> = texts.iter().flat_map(|it| names(it)).collect();
            assert_eq!(split, names(&text(&report("x", &all))), "{limit}");
            assert_eq!(texts.concat().matches("a note").count(), 2, "{limit}");
        }
    }

    #[test]
    fn what_is_left_out_is_counted_and_green_goes_first() {
        let records = huge();
        let all: Vec<&Record> = records.iter().collect();
        let texts = files("x", &all, Limits { file: 50_000, all: usize::MAX, cases: 301 });
        let kept: Vec<String> = texts.iter().flat_map(|it| names(it)).collect();
        assert_eq!(kept.len(), 301);
        assert_eq!(kept.last().map(String::as_str), Some("xtask.junit left out"));
        assert!(texts.concat().contains("700 cases are left out, 0 of them red"), "{texts:?}");
        assert_eq!(texts.concat().matches("<failure").count(), 100);

        let texts = files("x", &all, Limits { file: 50_000, all: 60_000, cases: usize::MAX });
        assert!(texts.iter().map(String::len).sum::<usize>() <= 60_000);
        let last = texts.last().expect("a file");
        assert!(last.contains("of them red") && !last.contains(" 0 of them red"), "{last}");
        assert!(last.ends_with("</testsuites>\n") && last.contains("<failure message=\""), "{last}");
    }
}
