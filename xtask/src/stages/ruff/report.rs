//! ruff's JSON as cases: what each finding is called, where it is, and what a comment beside it does.
//!
//! Pure but for the staged text it is handed.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use camino::Utf8Path;
use serde::Deserialize;

use crate::stages::inline::{self, Wish};
use crate::verdict::{Case, Particulars, Severity};

/// One diagnostic of `ruff check` or `ruff format --check`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Diagnostic {
    pub filename: String,
    pub code: Option<String>,
    pub message: String,
    pub location: Option<Location>,
    pub end_location: Option<Location>,
    /// A page about the rule.
    pub url: Option<String>,
    /// The line on which a `# noqa` would count.
    pub noqa_row: Option<u32>,
    /// The cell of a notebook, counted from 1 over all cells; `location` is then within the cell.
    pub cell: Option<u32>,
}

/// Where it begins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Location {
    pub row: u32,
    pub column: u32,
}

/// The code of a file that ruff cannot parse.
pub const SYNTAX: &str = "invalid-syntax";
/// The code of a file that would be formatted.
pub const UNFORMATTED: &str = "unformatted";

/// Reads a report.
///
/// # Errors
/// When it is no such JSON.
pub fn parse(text: &str) -> Result<Vec<Diagnostic>> {
    serde_json::from_str(text).context("ruff's report cannot be read")
}

impl Diagnostic {
    /// Its code; diagnostics without one are about syntax.
    pub fn code(&self) -> &str {
        self.code.as_deref().unwrap_or(SYNTAX)
    }

    /// What makes two reports of it the same, whatever was told to be left out.
    pub fn key(&self) -> (&str, &str, Option<u32>, Option<&Location>, &str) {
        (&self.filename, self.code(), self.cell, self.location.as_ref(), &self.message)
    }

    /// It as a case; `text` is that of its file.
    pub fn case(&self, file: &Utf8Path, text: &str) -> Case {
        let row = self.location.as_ref().map(|it| it.row);
        let (line, cell) = match self.cell {
            Some(cell) => (notebook_line(text, cell, row.unwrap_or(1)), format!(" (cell {cell})")),
            None => (row, String::new()),
        };
        let particulars = Particulars {
            severity: Some(self.severity()),
            last_line: self.end_location.as_ref().map(|it| it.row).filter(|_| self.cell.is_none()),
            url: self.url.clone(),
            ..Particulars::default()
        };
        Case::fail(self.code(), format!("{}{cell}", self.message)).at(file, line).with(particulars)
    }

    /// ruff itself has no severities: what breaks a program is worse than what a formatter mends.
    fn severity(&self) -> Severity {
        let letters = self.code().trim_end_matches(|c: char| c.is_ascii_digit());
        match letters {
            SYNTAX => Severity::High,
            "format" | "D" | "I" | "W" | "Q" | "COM" | "UP" | "N" => Severity::Low,
            _ => Severity::Medium,
        }
    }

    /// What the comment on its line says; for a comment over many lines or the whole file, whether one names its code.
    fn wish(&self, text: &str) -> Wish {
        let row = self.noqa_row.and_then(|row| usize::try_from(row).ok());
        let line = row.and_then(|row| text.lines().nth(row.saturating_sub(1))).unwrap_or_default();
        match inline::wish(line, &["noqa"], is_code) {
            Wish::Rules(rules) if rules.iter().any(|it| it == self.code()) => return Wish::Rules(rules),
            Wish::Blanket => return Wish::Blanket,
            _ => {}
        }
        let wide = text.lines().map(|line| inline::wish(line, WIDE, is_code));
        let mut named = wide.filter(|it| matches!(it, Wish::Rules(rules) if rules.iter().any(|it| it == self.code())));
        named.next().unwrap_or(Wish::Blanket)
    }

    /// A finding that ruff would leave out because of a comment: excepted when the comment names it, else still red.
    pub fn silenced(&self, file: &Utf8Path, text: &str) -> Case {
        let source = match self.cell {
            Some(cell) => cell_source(text, cell).unwrap_or_default(),
            None => text.to_owned(),
        };
        inline::apply(self.case(file, text), &self.wish(&source), "noqa", |rule| rule == self.code())
    }
}

/// Comments of ruff that reach further than their line, or the next.
const WIDE: &[&str] = &["ruff: noqa", "flake8: noqa", "ruff: ignore", "ruff: disable", "ruff: file-ignore"];

fn is_code(word: &str) -> bool {
    let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
    letters.len() < word.len() && !letters.is_empty() && letters.chars().all(|c| c.is_ascii_uppercase())
}

/// The line of a notebook's file on which a row of a cell stands, when the file has one line for each row.
fn notebook_line(text: &str, cell: u32, row: u32) -> Option<u32> {
    let wanted = usize::try_from(cell).ok()?.checked_sub(1)?;
    let starts = text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with("\"source\":"));
    let (start, line) = starts.into_iter().nth(wanted)?;
    let offset = if line.trim_end().ends_with('[') { row } else { 0 };
    u32::try_from(start + 1).ok().map(|start| start + offset)
}

/// The code of a notebook's cell.
fn cell_source(text: &str, cell: u32) -> Option<String> {
    let notebook: serde_json::Value = serde_json::from_str(text).ok()?;
    let source = notebook.get("cells")?.get(usize::try_from(cell).ok()?.checked_sub(1)?)?.get("source")?;
    match source {
        serde_json::Value::String(text) => Some(text.clone()),
        source => Some(source.as_array()?.iter().filter_map(serde_json::Value::as_str).collect()),
    }
}

/// Comments that make the formatter or the sorting of imports leave lines alone: allowed, and shown.
pub fn left_alone(file: &Utf8Path, text: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.replace(": ", ":");
        for (word, what) in [
            ("fmt:off", "the formatter leaves the next lines alone"),
            ("fmt:skip", "the formatter leaves this alone"),
            ("yapf:disable", "the formatter leaves the next lines alone"),
            ("isort:skip_file", "the order of this file's imports is not checked"),
            ("isort:off", "the order of the next imports is not checked"),
            ("isort:skip", "the order of this import is not checked"),
        ] {
            if inline::wish(&line, &[word, &format!("ruff:{word}")], |_| false) == Wish::Blanket {
                let line = u32::try_from(number + 1).ok();
                cases.push(Case::skip(word, format!("`# {word}`: {what}")).at(file, line));
            }
        }
    }
    cases
}

/// The language of a notebook that is not in Python: ruff passes over it in silence.
pub fn other_language(text: &str) -> Option<String> {
    let notebook: serde_json::Value = serde_json::from_str(text).ok()?;
    let name = notebook.get("metadata")?.get("language_info")?.get("name")?.as_str()?;
    (name != "python").then(|| name.to_owned())
}

/// Those of `all` that are not among `others`.
pub fn without<'a>(all: &'a [Diagnostic], others: &[Diagnostic]) -> Vec<&'a Diagnostic> {
    let known: BTreeSet<_> = others.iter().map(Diagnostic::key).collect();
    all.iter().filter(|it| !known.contains(&it.key())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_a_cell_is_a_line_of_the_file() {
        let pretty = "{\n \"cells\": [\n  {\n   \"source\": [\n    \"# t\"\n   ]\n  },\n  {\n   \"source\": [\n    \"a\\n\",\n    \"b\"\n   ]\n  }\n ]\n}\n";
        assert_eq!(notebook_line(pretty, 2, 2), Some(11));
        assert_eq!(notebook_line("{\"cells\": []}", 1, 1), None);
    }

    #[test]
    fn codes_are_told_from_prose() {
        assert!(is_code("F401") && is_code("PLR0913"));
        assert!(!is_code("D") && !is_code("because") && !is_code("401"));
    }

    #[test]
    fn comments_that_leave_lines_alone_are_shown() {
        let text = "# isort: skip_file\nx = [  # fmt: skip\n]\n# fmt: off\ny = 'fmt: off'\nimport os  # isort:skip\n";
        let names: Vec<String> = left_alone("a.py".into(), text).into_iter().map(|it| it.name).collect();
        assert_eq!(names, ["isort:skip_file a.py:1", "fmt:skip a.py:2", "fmt:off a.py:4", "isort:skip a.py:6"]);
    }
}
