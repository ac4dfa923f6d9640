//! The checks as a table for people and as JSON for programs.
//!
//! Pure.

use std::fmt::Write as _;

use serde::Serialize;

use super::{Check, Finding, Seen, Severity, exit_code};
use crate::planview::wrap;
use crate::report::paint;
use crate::verdict::Outcome;

/// Width of the column with the names of the checks, and of that with the words.
const NAME: usize = 22;
const WORD: usize = 9;
/// Where long lists are broken.
const WIDTH: usize = 120;

/// The checks as text: a line for each, its findings below it, each with what mends it.
pub fn table(checks: &[Check], colour: bool) -> String {
    let mut out = String::new();
    let word = |severity: Option<Severity>| {
        let (word, outcome) = match severity {
            None => ("ok", Outcome::Pass),
            Some(Severity::Note) => ("note", Outcome::Pass),
            Some(Severity::Warning) => ("warning", Outcome::Skip),
            Some(Severity::Serious) => ("SERIOUS", Outcome::Fail),
        };
        paint(&format!("{word:WORD$}"), outcome, colour)
    };
    for check in checks {
        let says = wrap(&check.says, WIDTH - WORD - NAME - 2).join(&format!("\n{:1$}", "", WORD + NAME + 2));
        writeln!(out, "{}{:NAME$}  {says}", word(check.worst()), check.name).expect("a string");
        for it in &check.findings {
            let place = it.place.as_ref().map_or_else(String::new, |place| format!("{place}: "));
            writeln!(out, "{:WORD$}{}{place}{}", "", word(Some(it.severity)), it.what).expect("a string");
            if !it.fix.is_empty() {
                writeln!(out, "{:1$}-> {2}", "", 2 * WORD, it.fix).expect("a string");
            }
        }
    }
    let count = |severity| checks.iter().flat_map(|it| &it.findings).filter(|it| it.severity == severity).count();
    let counts = [(Severity::Serious, "serious"), (Severity::Warning, "to be mended"), (Severity::Note, "to be known")];
    let counts = counts.map(|(severity, words)| (count(severity), words));
    let counts: Vec<String> = counts.iter().filter(|it| it.0 > 0).map(|(n, words)| format!("{n} {words}")).collect();
    let total = if counts.is_empty() { "all is well".to_owned() } else { counts.join(", ") };
    out + &format!("\n{total}\n")
}

/// The shape of `doctor --json`.
#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    exit_code: i32,
    checks: Vec<OfCheck<'a>>,
    tools: Vec<OfTool<'a>>,
}

#[derive(Serialize)]
struct OfCheck<'a> {
    name: &'a str,
    says: &'a str,
    findings: Vec<OfFinding<'a>>,
}

#[derive(Serialize)]
struct OfFinding<'a> {
    severity: &'a str,
    what: &'a str,
    file: Option<&'a str>,
    line: Option<u32>,
    fix: Option<&'a str>,
}

#[derive(Serialize)]
struct OfTool<'a> {
    name: &'a str,
    pinned: &'a str,
    found: &'a str,
    path: &'a str,
}

/// The checks as JSON.
pub fn json(seen: &Seen, checks: &[Check]) -> String {
    let tools = seen.tools.iter().flatten();
    let tools = tools.map(|[name, pinned, found, path]| OfTool { name, pinned, found, path });
    let document = Document {
        schema: 1,
        exit_code: exit_code(checks),
        checks: checks.iter().map(of_check).collect(),
        tools: tools.collect(),
    };
    // A value of our own without maps or floats always becomes JSON.
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}

fn of_check(it: &Check) -> OfCheck<'_> {
    OfCheck { name: it.name, says: &it.says, findings: it.findings.iter().map(of_finding).collect() }
}

fn of_finding(it: &Finding) -> OfFinding<'_> {
    OfFinding {
        severity: it.severity.word(),
        what: &it.what,
        file: it.place.as_ref().map(|it| it.path.as_str()),
        line: it.place.as_ref().and_then(|it| it.line),
        fix: Some(it.fix.as_str()).filter(|it| !it.is_empty()),
    }
}
