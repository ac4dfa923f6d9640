//! Test files from which nothing was collected: settings may say where tests are, not which of them count. Pure.
//!
//! A file with tests that no run has seen is a finding. One that a `conftest.py` takes out is shown, as code may have its
//! reasons (another Python, another system). One without tests is remarked, and within a package it is code like any other.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use super::Summary;
use crate::discover::Project;
use crate::verdict::Case;

/// A test file that was not collected.
#[derive(Debug)]
pub struct LeftOut {
    file: Utf8PathBuf,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It has tests; the first is on this line.
    Tests(u32),
    /// It has tests, and a `conftest.py` above it leaves something out.
    ByCode,
    /// It is in a package and has no tests: code that is to be covered.
    Code,
    /// It has no tests.
    Nothing,
}

/// The files of the project that are named like tests and appear nowhere in a run; `read` gives the text of a file.
pub fn find(project: &Project, summary: &Summary, cases: &[Case], read: impl Fn(&Utf8Path) -> String) -> Vec<LeftOut> {
    let names = summary.collected.iter().chain(&summary.selected).map(String::as_str);
    let names = names.chain(cases.iter().map(|case| case.name.as_str()));
    let seen: BTreeSet<&str> = names.filter_map(|it| it.split("::").next()).collect();
    let places: BTreeSet<_> = cases.iter().filter_map(|case| case.place.as_ref()).map(|it| &it.path).collect();
    let is_seen = |file: &&Utf8PathBuf| {
        let inner = file.strip_prefix(&project.dir).unwrap_or(file);
        seen.contains(inner.as_str()) || places.contains(*file)
    };
    let named = project.files.iter().filter(|it| looks_like_tests(it.file_name().unwrap_or_default()));
    named
        .filter(|it| !is_seen(it))
        .map(|file| {
            let text = read(file);
            let inside = project.packages.iter().any(|package| file.starts_with(package));
            let in_tests = file.components().any(|it| matches!(it.as_str(), "tests" | "test"));
            let is_code = inside && !in_tests;
            let kind = match first_test(&text) {
                Some(_) if leaves_out(project, file, &read) => Kind::ByCode,
                // Code may have functions of such a name; tests also check something.
                Some(line) if !is_code || ["assert", "pytest", "unittest"].iter().any(|it| text.contains(it)) => {
                    Kind::Tests(line)
                }
                _ if is_code => Kind::Code,
                _ => Kind::Nothing,
            };
            LeftOut { file: file.clone(), kind }
        })
        .collect()
}

impl LeftOut {
    /// What is said about it.
    pub fn case(&self) -> Option<Case> {
        let rule = "not-collected";
        match self.kind {
            Kind::Tests(line) => {
                let why = "none of this file's tests ran: the project's pytest settings (testpaths, norecursedirs) leave it \
                           out, or pytest takes none of them for a test; only a waiver with a reason may do that";
                Some(Case::fail(rule, why).at(self.file.clone(), Some(line)))
            }
            Kind::ByCode => {
                Some(Case::skip(rule, "left out by a conftest.py of the project").at(self.file.clone(), None))
            }
            Kind::Nothing => {
                let why = "no test of this file ran, although its name is a test's: it has none that pytest knows";
                Some(Case::warn(rule, why).at(self.file.clone(), None))
            }
            Kind::Code => None,
        }
    }

    /// The file, where it is code after all.
    pub fn code(&self) -> Option<&Utf8PathBuf> {
        (self.kind == Kind::Code).then_some(&self.file)
    }
}

fn looks_like_tests(name: &str) -> bool {
    name.strip_suffix(".py").is_some_and(|stem| stem.starts_with("test_") || stem.ends_with("_test"))
}

/// The line of the first test function, or of the first test method.
fn first_test(text: &str) -> Option<u32> {
    let mut in_class = false;
    for (number, line) in (1..).zip(text.lines()) {
        let code = line.trim_start();
        let is_indented = code.len() < line.len();
        let is_test = code.strip_prefix("async ").unwrap_or(code).trim_start().starts_with("def test_");
        if is_test && (in_class || !is_indented) {
            return Some(number);
        }
        if !is_indented && !code.is_empty() {
            in_class = code.starts_with("class ");
        }
    }
    None
}

/// Does a `conftest.py` in a directory above leave files out?
fn leaves_out(project: &Project, file: &Utf8Path, read: &impl Fn(&Utf8Path) -> String) -> bool {
    let above = file.ancestors().skip(1).take_while(|dir| dir.starts_with(&project.dir));
    let conftests = above.map(|dir| dir.join("conftest.py")).filter(|it| project.files.binary_search(it).is_ok());
    conftests.map(|it| read(&it)).any(|it| it.contains("collect_ignore") || it.contains("pytest_ignore_collect"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_tests_is_told_from_one_without() {
        for (text, expected) in [
            ("import x\n\n\ndef test_a():\n    pass\n", Some(4)),
            ("async def test_a(): ...\n", Some(1)),
            ("class Test:\n    x = 1\n\n    def test_a(self): ...\n", Some(4)),
            ("class Helper:\n    pass\n\n\ndef make():\n    def test_a(): ...\n", None),
            ("def testing(): ...\n", None),
            ("", None),
        ] {
            assert_eq!(first_test(text), expected, "{text}");
        }
    }
}
