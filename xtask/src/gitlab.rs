//! The reports that GitLab reads: what a run knows in, files of `target/ci/gitlab/` out.
//!
//! Pure. Each format has a file of its own below; `docs/reports.md` says what each holds and where its limits come from.
//! Nothing here decides a verdict, and whatever does not fit is left out with a word about it in the report itself.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

use crate::run::Record;
use crate::verdict::{Case, percent};

pub mod cobertura;
pub mod dependencies;
pub mod fit;
pub mod metrics;
pub mod print;
pub mod quality;
pub mod read;
pub mod sast;
pub mod sbom;
pub mod security;

/// Everything the reports are made of.
#[derive(Debug, Default)]
pub struct Input<'a> {
    pub records: &'a [Record],
    /// The text of each line that a finding is about.
    pub lines: Lines,
    /// The locks that the `vulnerabilities` stage looked at.
    pub locks: Vec<Lock>,
    /// The CycloneDX documents that this run left, by the name between `gl-sbom-` and `.cdx.json`.
    pub sboms: Vec<(String, Value)>,
    /// The pinned version of each tool, by the name of its distribution.
    pub versions: BTreeMap<String, String>,
    /// When the run began and ended, in seconds since 1970.
    pub began: u64,
    pub ended: u64,
}

/// Lines of source files: by repo-relative path, then by number, counted from 1.
pub type Lines = BTreeMap<Utf8PathBuf, BTreeMap<u32, String>>;

/// A lock and the packages of others that it names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lock {
    /// Repo-relative.
    pub path: Utf8PathBuf,
    /// Names and versions, sorted.
    pub packages: Vec<(String, String)>,
}

/// A file of `target/ci/gitlab/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub name: String,
    pub text: String,
}

/// The files, and what the reader should be told about them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Made {
    pub files: Vec<File>,
    /// What is left out of a file that cannot say so itself.
    pub notes: Vec<String>,
}

/// All reports of a run. A kind of report whose stages were not part of the run has no file.
pub fn reports(input: &Input) -> Made {
    let mut made = Made::default();
    made.files.extend(quality::report(input, fit::LIMIT));
    made.files.extend(sast::reports(input, fit::LIMIT));
    made.files.extend(dependencies::report(input, fit::LIMIT));
    cobertura::reports(input, cobertura::LIMIT, &mut made);
    sbom::reports(input, sbom::LIMIT, &mut made);
    made.files.extend(metrics::report(input));
    made
}

/// `TOTAL coverage: 81.25 %`, over the lines of all projects whose tests this run has measured. GitLab is told to look for
/// this line; it is cut and not rounded.
pub fn total(records: &[Record]) -> Option<String> {
    let sums = records.iter().filter_map(|it| it.verdict.coverage.as_ref()).map(crate::verdict::Coverage::sum);
    let (covered, all) = sums.fold((0, 0), |(covered, all), it| (covered + it.0, all + it.1));
    (all > 0).then(|| format!("TOTAL coverage: {} %", percent(covered, all)))
}

/// The records of these stages, in a fixed order.
fn of<'a>(input: &Input<'a>, stages: &[&str]) -> Vec<&'a Record> {
    let mut records: Vec<&Record> = input.records.iter().filter(|it| stages.contains(&it.stage.name)).collect();
    records.sort_by_key(|it| (&it.project, stages.iter().position(|name| *name == it.stage.name)));
    records
}

/// Where a case is shown: at its place, or at the project's manifest where it has none.
fn place<'a>(record: &'a Record, case: &'a Case, manifest: &'a mut Utf8PathBuf) -> (&'a Utf8Path, u32) {
    match &case.place {
        Some(place) => (&place.path, place.line.unwrap_or(1).max(1)),
        None => {
            *manifest = record.dir.join("pyproject.toml");
            (manifest, 1)
        }
    }
}

/// A text of at most this many characters, what is cut is marked; without control characters, which GitLab's database
/// does not take.
fn clip(text: &str, most: usize) -> String {
    let text: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    match text.char_indices().nth(most.saturating_sub(4)) {
        Some((end, _)) if text.chars().count() > most => format!("{} ...", &text[..end]),
        _ => text,
    }
}

/// An address that may stand in a report; GitLab refuses the whole report for another.
fn address(url: &str) -> Option<&str> {
    let url = url.trim();
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    (!rest.is_empty() && !rest.contains(char::is_whitespace)).then_some(url)
}

#[cfg(test)]
mod tests;
