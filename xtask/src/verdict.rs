//! What a stage says about a project: cases, and the outcome that follows from them.
//!
//! Pure data. Nothing here knows a tool, a file on disk or how a report looks.

use std::time::Duration;

use camino::Utf8PathBuf;

mod particulars;

pub use particulars::{Coverage, Lines, Particulars, Severity, percent, weakness};

/// The name of the one case of a stage that could not be checked here.
const NOT_CHECKED: &str = "not-checked";
/// The name of the one case of a stage that did not get its turn.
const NOT_STARTED: &str = "not-started";

/// The four ends a stage can have, from best to worst.
///
/// `Skip` never counts as a pass: it always carries its reason and is shown as what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Nothing was checked, for a reason that is shown.
    Skip,
    /// Everything was checked and nothing was found.
    Pass,
    /// The tool did its work and the project is at fault. Exit code 1.
    Fail,
    /// The tool could not do its work. Exit code 2.
    Error,
}

impl Outcome {
    /// The word for it in tables and reports.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Skip => "skip",
            Outcome::Pass => "ok",
            Outcome::Fail => "FAIL",
            Outcome::Error => "ERROR",
        }
    }
}

/// Where a finding is: a repo-relative file and, where the tool gives one, a line counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Relative to the repository root, with forward slashes.
    pub path: Utf8PathBuf,
    /// Counted from 1.
    pub line: Option<u32>,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.path),
            None => write!(f, "{}", self.path),
        }
    }
}

/// How one case ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Checked, nothing found.
    Pass,
    /// Checked and shown, but below the level that fails (a warning). Counts as a pass.
    Warn,
    /// A finding: the project is at fault.
    Fail,
    /// A test that broke outside its own assertions (collection, fixture). The project is at fault,
    /// but JUnit calls it an error and so do we, to keep pytest's own counts.
    Broken,
    /// The tool could not check this.
    Error,
    /// Not checked, or excepted by a waiver; the message is the reason.
    Skip,
}

/// One line of a stage's report: a finding, a test, or the statement that all is well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Unique within the verdict once it is reported; stable from run to run.
    pub name: String,
    /// How it ended.
    pub status: Status,
    /// The rule or advisory, the word a waiver names ("F401", "GHSA-...", "coverage").
    pub rule: String,
    /// Other names of the same thing (the CVE of an advisory): a waiver may use any of them.
    pub aliases: Vec<String>,
    /// One line: what is wrong.
    pub message: String,
    /// Anything longer: a traceback, a diff, how to fix it. May be empty.
    pub detail: String,
    /// The distribution it is about, for licences and vulnerabilities.
    pub package: Option<String>,
    /// Where.
    pub place: Option<Place>,
    /// How long it took, where the tool says so.
    pub time: Option<Duration>,
    /// What else is known of it.
    pub particulars: Particulars,
}

/// A text on one line, a blank between its words.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Case {
    fn new(status: Status, rule: &str, message: String) -> Case {
        Case {
            name: rule.to_owned(),
            status,
            rule: rule.to_owned(),
            aliases: Vec::new(),
            message,
            detail: String::new(),
            package: None,
            place: None,
            time: None,
            particulars: Particulars::default(),
        }
    }

    /// A statement that something was checked and is well.
    pub fn pass(name: impl Into<String>) -> Case {
        Case { name: name.into(), ..Case::new(Status::Pass, "", String::new()) }
    }

    /// A finding.
    pub fn fail(rule: &str, message: impl Into<String>) -> Case {
        Case::new(Status::Fail, rule, message.into())
    }

    /// A finding below the level that fails.
    pub fn warn(rule: &str, message: impl Into<String>) -> Case {
        Case::new(Status::Warn, rule, message.into())
    }

    /// Something the tool could not check.
    pub fn error(rule: &str, message: impl Into<String>) -> Case {
        Case::new(Status::Error, rule, message.into())
    }

    /// Something left out, with its reason.
    pub fn skip(name: impl Into<String>, reason: impl Into<String>) -> Case {
        Case { name: name.into(), ..Case::new(Status::Skip, "", reason.into()) }
    }

    /// The same case at a place; the place becomes part of the name, which keeps names unique.
    pub fn at(self, path: impl Into<Utf8PathBuf>, line: Option<u32>) -> Case {
        let place = Place { path: path.into(), line };
        Case { name: format!("{} {place}", self.name), place: Some(place), ..self }
    }

    /// The same case with a longer text.
    pub fn detail(self, detail: impl Into<String>) -> Case {
        Case { detail: detail.into(), ..self }
    }

    /// The same case about a distribution; it becomes part of the name.
    pub fn about(self, package: &str) -> Case {
        Case { name: format!("{} {package}", self.name), package: Some(package.to_owned()), ..self }
    }

    /// The same case with further names that a waiver may use.
    pub fn also(self, aliases: impl IntoIterator<Item = String>) -> Case {
        Case { aliases: aliases.into_iter().collect(), ..self }
    }

    /// The same case under a name of its own.
    pub fn named(self, name: impl Into<String>) -> Case {
        Case { name: name.into(), ..self }
    }

    /// The same case with what else is known of it.
    pub fn with(self, particulars: Particulars) -> Case {
        Case { particulars, ..self }
    }

    /// Is it a finding that somebody has excepted, with a waiver or a comment?
    pub fn is_excepted(&self) -> bool {
        self.status == Status::Skip && !self.rule.is_empty()
    }

    /// Does it make its stage red?
    pub fn is_red(&self) -> bool {
        matches!(self.status, Status::Fail | Status::Broken | Status::Error)
    }
}

/// What a stage says about one project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// At least one, or [`Verdict::outcome`] is an error: a stage that says nothing did nothing.
    pub cases: Vec<Case>,
    /// Remarks for the reader that change nothing: counts, slowest tests, settings without effect.
    pub notes: Vec<String>,
    /// Which lines ran, where the stage measures that.
    pub coverage: Option<Coverage>,
}

impl Verdict {
    /// The verdict of these cases; `all_well` names the one passing case when there is nothing red.
    ///
    /// A report needs at least one case, and "0 of 0" is not a statement, so a clean run says what was checked.
    pub fn of(mut cases: Vec<Case>, all_well: impl Into<String>) -> Verdict {
        if !cases.iter().any(|case| case.is_red() || case.status == Status::Pass) {
            cases.insert(0, Case::pass(all_well));
        }
        Verdict { cases, ..Verdict::default() }
    }

    /// One case alone.
    pub fn one(case: Case) -> Verdict {
        Verdict { cases: vec![case], ..Verdict::default() }
    }

    /// The same verdict with a remark.
    pub fn note(mut self, note: impl Into<String>) -> Verdict {
        self.notes.push(note.into());
        self
    }

    /// The outcome that follows from the cases.
    pub fn outcome(&self) -> Outcome {
        self.cases
            .iter()
            .map(|case| match case.status {
                Status::Pass | Status::Warn => Outcome::Pass,
                Status::Fail | Status::Broken => Outcome::Fail,
                Status::Error => Outcome::Error,
                Status::Skip => Outcome::Skip,
            })
            .max()
            .unwrap_or(Outcome::Error)
    }

    /// The verdict of a stage that could not be checked on this machine, be that a skip or an error.
    pub fn not_checked(reason: &str, is_error: bool) -> Verdict {
        let reason = format!("not checked: {reason}");
        Verdict::one(if is_error { Case::error(NOT_CHECKED, reason) } else { Case::skip(NOT_CHECKED, reason) })
    }

    /// Is it just that? Such a verdict holds nothing back that can be checked.
    pub fn is_not_checked(&self) -> bool {
        !self.cases.is_empty() && self.cases.iter().all(|case| case.name == NOT_CHECKED)
    }

    /// The verdict of a stage whose turn did not come.
    pub fn not_started(reason: &str) -> Verdict {
        Verdict::one(Case::skip(NOT_STARTED, format!("not started: {reason}")))
    }

    /// Did it not come to checking anything, be that because it could not or because it had no turn?
    pub fn is_unchecked(&self) -> bool {
        self.cases.iter().all(|case| case.name == NOT_CHECKED || case.name == NOT_STARTED)
    }

    /// How many cases make it red.
    pub fn red(&self) -> usize {
        self.cases.iter().filter(|case| case.is_red()).count()
    }

    /// How many warnings it carries.
    pub fn warnings(&self) -> usize {
        self.cases.iter().filter(|case| case.status == Status::Warn).count()
    }
}
