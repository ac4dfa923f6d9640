//! How much of the project's own code its tests ran: exact numbers, never a rounded one.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use camino::Utf8PathBuf;
use serde::Deserialize;

use super::Plan;
use crate::context::{self, Context};
use crate::discover::Project;
use crate::verdict::{Case, Coverage, Lines, percent};

/// coverage's report, as far as it is asked.
#[derive(Debug, Deserialize)]
struct Report {
    files: BTreeMap<Utf8PathBuf, File>,
}

#[derive(Debug, Clone, Deserialize)]
struct File {
    summary: Summary,
    #[serde(default)]
    executed_lines: Vec<u32>,
    #[serde(default)]
    missing_lines: Vec<u32>,
    #[serde(default)]
    excluded_lines: Vec<u32>,
}

#[derive(Debug, Clone, Deserialize)]
struct Summary {
    covered_lines: u64,
    num_statements: u64,
}

/// The numbers of one project.
#[derive(Debug)]
pub struct Figures {
    files: BTreeMap<Utf8PathBuf, File>,
    covered: u64,
    statements: u64,
    /// The same line by line, for reports.
    pub lines: Coverage,
    manifest: Utf8PathBuf,
}

/// Reads the data that the test run left, and writes the Cobertura report.
///
/// # Errors
/// When there is no data, or coverage cannot report on it.
pub fn measure(ctx: &Context, project: &Project, plan: &Plan) -> Result<Figures> {
    let script = plan.scratch.join("measure.py");
    context::write(&script, include_str!("measure.py"))?;
    let json = plan.scratch.join("coverage.json");
    let mut files = BTreeMap::new();
    let mut lines = Coverage::default();
    if !plan.files.is_empty() {
        let call = super::python(ctx, project, plan)?.arg(script).arg(plan.scratch.join("plan.json"));
        let done = ctx.run(&call.cwd(plan.root.clone()))?;
        let text = std::fs::read_to_string(&json).unwrap_or_default();
        let Ok(report) = serde_json::from_str::<Report>(&text) else {
            return Err(done.refused("the tests ran, but their coverage cannot be told: coverage.py"));
        };
        if done.code != 0 {
            return Err(done.refused("coverage.py"));
        }
        files = report.files;
        files.retain(|path, _| plan.files.contains(path));
        let of = |it: &File| Lines { covered: it.executed_lines.clone(), missed: it.missing_lines.clone() };
        lines = Coverage { files: files.iter().map(|(path, it)| (path.clone(), of(it))).collect() };
    }
    let sum = |of: fn(&Summary) -> u64| files.values().map(|it| of(&it.summary)).sum();
    let (covered, statements) = (sum(|it| it.covered_lines), sum(|it| it.num_statements));
    if lines.sum() != (covered, statements) {
        bail!("coverage.py counts {covered} of {statements} lines, but names {} of {}", lines.sum().0, lines.sum().1);
    }
    Ok(Figures { covered, statements, lines, files, manifest: project.path("pyproject.toml") })
}

impl Figures {
    /// A finding when less is covered than must be. Nothing of nothing is not enough: it is no sign of any test.
    pub fn judge(&self, least: f64) -> Option<Case> {
        if enough(self.covered, self.statements, least) {
            return None;
        }
        if self.statements == 0 {
            let why = match self.files.len() {
                0 => "no package of the project was found, so nothing was measured; name its directories in `[tool.xtask] packages`".to_owned(),
                n => format!("not one statement of the project's {n} files counts, so nothing was measured"),
            };
            return Some(Case::fail("coverage", why).at(self.manifest.clone(), Some(1)));
        }
        let (covered, all) = (self.covered, self.statements);
        let why =
            format!("{} % of the lines are covered ({covered} of {all}), {least} % must be", percent(covered, all));
        let mut worst: Vec<(&Utf8PathBuf, &File)> =
            self.files.iter().filter(|(_, it)| !it.missing_lines.is_empty()).collect();
        worst.sort_by_key(|(path, file)| (std::cmp::Reverse(file.missing_lines.len()), path.as_path()));
        let detail: Vec<String> =
            worst.iter().map(|(path, file)| format!("{path}: not run: {}", ranges(&file.missing_lines))).collect();
        let case = Case::fail("coverage", why).detail(detail.join("\n"));
        Some(match worst.first() {
            Some((path, file)) => case.at((*path).clone(), file.missing_lines.first().copied()),
            None => case.at(self.manifest.clone(), Some(1)),
        })
    }

    /// Own files that coverage has no numbers for.
    pub fn unmeasured(&self, expected: &[Utf8PathBuf]) -> Vec<Case> {
        let missing = expected.iter().filter(|it| !self.files.contains_key(*it));
        let why = "coverage.py has no numbers for this file, most likely because it is no valid Python";
        missing.map(|it| Case::error("coverage", why).at(it.clone(), None)).collect()
    }

    /// The figure, and what was left out of it.
    pub fn notes(&self) -> Vec<String> {
        let (covered, all) = (self.covered, self.statements);
        let mut notes = vec![format!(
            "coverage {} % ({covered} of {all} lines in {} files)",
            percent(covered, all),
            self.files.len()
        )];
        for (path, file) in self.files.iter().filter(|(_, it)| !it.excluded_lines.is_empty()) {
            notes.push(format!(
                "left out of coverage by comments or as no-ops: {path}: {}",
                ranges(&file.excluded_lines)
            ));
        }
        notes
    }
}

/// `covered / all >= least / 100`, in whole numbers: the limit counts as it is written.
fn enough(covered: u64, all: u64, least: f64) -> bool {
    let text = least.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let scale = 10_u128.pow(fraction.len() as u32);
    let Ok(least) = format!("{whole}{fraction}").parse::<u128>() else { return false };
    if all == 0 {
        return least == 0;
    }
    u128::from(covered) * 100 * scale >= least * u128::from(all)
}

/// `1-3, 7`
fn ranges(lines: &[u32]) -> String {
    let mut out: Vec<(u32, u32)> = Vec::new();
    for &line in lines {
        match out.last_mut() {
            Some((_, end)) if *end + 1 == line => *end = line,
            _ => out.push((line, line)),
        }
    }
    let words = out.iter().map(|(start, end)| if start == end { start.to_string() } else { format!("{start}-{end}") });
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_exact() {
        assert!(enough(75, 100, 75.0));
        assert!(!enough(7_499, 10_000, 75.0));
        assert!(!enough(749_999_999, 1_000_000_000, 75.0));
        assert!(enough(749, 1_000, 74.9));
        assert!(!enough(2, 3, 66.67));
        assert!(enough(2, 3, 66.66));
        assert!(!enough(0, 0, 75.0) && enough(0, 0, 0.0));
    }

    #[test]
    fn lines_are_joined_to_ranges() {
        assert_eq!(ranges(&[1, 2, 3, 7, 9, 10]), "1-3, 7, 9-10");
    }
}
