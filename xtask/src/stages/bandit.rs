//! bandit over the Python files of all projects, its findings weighed against the policy here.
//!
//! bandit leaves a file that it cannot parse in its list of errors and exits with 0, and its exit code 1 is a finding
//! as well as a crash: only its JSON decides. What its own files and comments would hide (`.bandit`, `# nosec`) is
//! not read by it: comments are heeded here when they name the test.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

use super::batch::{self, Reads, Tree, count};
use super::inline::{self, Wish};
use super::syntax::{self, Invalid};
use crate::context::{self, Context};
use crate::discover::Project;
use crate::proc::{Call, Done};
use crate::tools::Tool;
use crate::verdict::{Case, Particulars, Severity, Verdict};
use crate::waivers;

mod asserts;

/// The levels of severity and confidence, from least to most.
const LEVELS: &[&str] = &["low", "medium", "high"];
/// With fewer files than this, a second process costs more than it saves.
const FILES_PER_PROCESS: usize = 60;

/// bandit's report.
#[derive(Debug, Default, Deserialize)]
struct Report {
    errors: Vec<Problem>,
    results: Vec<Finding>,
    /// File name to counts; `_totals` is among them.
    metrics: BTreeMap<String, serde_json::Value>,
}

#[derive(Debug, Deserialize)]
struct Problem {
    filename: String,
    reason: String,
}

#[derive(Debug, Deserialize)]
struct Finding {
    filename: String,
    test_id: String,
    test_name: String,
    issue_text: String,
    issue_severity: String,
    issue_confidence: String,
    line_number: u32,
    line_range: Vec<u32>,
    #[serde(default)]
    more_info: String,
    issue_cwe: Option<Weakness>,
}

#[derive(Debug, Deserialize)]
struct Weakness {
    id: Option<u32>,
}

/// What fails.
struct Policy {
    severity: usize,
    confidence: usize,
}

/// The stage.
pub fn run(ctx: &Context, projects: &[&Project]) -> Result<Vec<Verdict>> {
    let path = ctx.repo.ci.join("bandit.yaml");
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("could not read {path}, the policy of bandit"))?;
    let rules = asserts::Policy::parse(&text).with_context(|| path.to_string())?;
    batch::fairly(ctx, projects, |projects, dir| {
        let is_code = |file: &Utf8Path| file.extension() == Some("py");
        let tree = Tree::stage(ctx.repo, &dir.join("tree"), projects, Reads::Declared, is_code, batch::in_place)?;
        let report = if tree.is_empty() { Report::default() } else { ask(ctx, &rules.config, &tree, dir)? };
        // bandit does not say where a file is broken; that ruff cannot say it either changes nothing about the error.
        let broken = !report.errors.is_empty();
        let invalid = if broken { syntax::errors(ctx, &tree).unwrap_or_default() } else { Invalid::new() };
        let judge = |(index, project): (usize, &&Project)| judge(ctx, project, &tree, index, &report, &invalid, &rules);
        projects.iter().enumerate().map(judge).collect()
    })
}

/// Runs bandit over all files, in as many processes as there are cores to use.
fn ask(ctx: &Context, config: &str, tree: &Tree, dir: &Utf8Path) -> Result<Report> {
    let (ini, yaml) = (dir.join("empty.ini"), dir.join("bandit.yaml"));
    context::write(&ini, "[bandit]\n")?;
    context::write(&yaml, config)?;
    let shares = shares(tree);
    let report = |number: usize| dir.join(format!("report-{number}.json"));
    let call = |(number, files): (usize, &Vec<&Utf8PathBuf>)| -> Call {
        let call = ctx.call(ctx.tools.bin(Tool::Sast, "bandit")).cwd(&tree.root);
        call.args(["--configfile", yaml.as_str(), "--ini", ini.as_str(), "--ignore-nosec"])
            // Without a value of ours it leaves out `.tox`, `*.egg` and the like; this names nothing.
            .args(["--exclude", "/nothing/is/excluded", "--format", "json", "--output", report(number).as_str()])
            .args(tree.arguments(files.iter().copied()))
    };
    let calls: Vec<Call> = shares.iter().enumerate().map(call).collect();
    let mut whole = Report::default();
    for (number, done) in batch::side_by_side(ctx, &calls).into_iter().enumerate() {
        let part = read(&report(number), &done?)?;
        whole.errors.extend(part.errors);
        whole.results.extend(part.results);
        whole.metrics.extend(part.metrics);
    }
    Ok(whole)
}

fn read(path: &Utf8Path, done: &Done) -> Result<Report> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    match serde_json::from_str(&text) {
        Ok(report) if matches!(done.code, 0 | 1) => Ok(report),
        _ => Err(done.refused("bandit")),
    }
}

/// The files in shares of about the same number of bytes.
fn shares(tree: &Tree) -> Vec<Vec<&Utf8PathBuf>> {
    let files: Vec<&Utf8PathBuf> = tree.files.iter().flatten().collect();
    let cores = crate::threads::processors().min(4);
    let number = cores.min(files.len().div_ceil(FILES_PER_PROCESS)).max(1);
    let mut shares: Vec<(u64, Vec<&Utf8PathBuf>)> = vec![(0, Vec::new()); number];
    for file in files {
        let size = tree.root.join(file).metadata().map_or(0, |it| it.len());
        if let Some(least) = shares.iter_mut().min_by_key(|(size, _)| *size) {
            least.0 += size.max(1);
            least.1.push(file);
        }
    }
    shares.into_iter().flat_map(|(_, files)| batch::in_lines(&files)).collect()
}

fn judge(
    ctx: &Context,
    project: &Project,
    tree: &Tree,
    index: usize,
    report: &Report,
    invalid: &Invalid,
    rules: &asserts::Policy,
) -> Result<Verdict> {
    let (policy, notes) = match policy(ctx, project) {
        Ok(it) => it,
        Err(error) => return Ok(Verdict::one(Case::error("bandit", format!("{error:#}")))),
    };
    let own = |named: &str| tree.find(named).filter(|(owner, _)| *owner == index).map(|(_, file)| file);
    let mut cases = tree.unreadable[index].clone();
    let files = &tree.files[index];
    if files.is_empty() && cases.is_empty() {
        cases.push(Case::skip("bandit", format!("{} holds no Python file", project.dir)));
    }
    let mut seen: BTreeSet<Utf8PathBuf> =
        report.metrics.keys().filter_map(|it| own(it)).map(ToOwned::to_owned).collect();
    let lag = ctx.tools.lag(project).unwrap_or_default();
    for problem in &report.errors {
        let Some(file) = own(&problem.filename) else { continue };
        seen.insert(file.to_owned());
        let (why, line) = invalid.get(file).map_or((lag.as_str(), None), |(why, line)| (why.as_str(), *line));
        let message = format!("could not be scanned: {}", problem.reason);
        cases.push(Case::error("unparsable", message).at(file, line).detail(why));
    }
    cases.extend(tree.unseen(index, "bandit", &seen));
    for finding in &report.results {
        let Some(file) = own(&finding.filename) else { continue };
        if finding.test_id != asserts::RULE || !rules.allows(&project.dir, file) {
            cases.push(finding.case(file, &tree.text(file), &policy));
        }
    }
    Ok(Verdict { notes, ..Verdict::of(cases, format!("{} scanned", count(files.len(), "file"))) })
}

fn policy(ctx: &Context, project: &Project) -> Result<(Policy, Vec<String>)> {
    let general = &ctx.repo.config.bandit;
    let (severity, note) = waivers::setting(project, "bandit.severity", general.severity.clone())?;
    let level = |name: &str| {
        LEVELS.iter().position(|it| *it == name).with_context(|| {
            let manifest = project.path("pyproject.toml");
            format!("{manifest}: bandit.severity is one of {}, not {name}", LEVELS.join(", "))
        })
    };
    let policy = Policy { severity: level(&severity)?, confidence: level(&general.confidence)? };
    Ok((policy, note.into_iter().collect()))
}

impl Finding {
    fn case(&self, file: &Utf8Path, text: &str, policy: &Policy) -> Case {
        let message = format!(
            "{} (severity {}, confidence {})",
            self.issue_text,
            self.issue_severity.to_lowercase(),
            self.issue_confidence.to_lowercase()
        );
        // A level that is not one of the three says nothing about how harmless it is.
        let reaches = |level: &str, least: usize| {
            LEVELS.iter().position(|it| it.eq_ignore_ascii_case(level)).is_none_or(|level| level >= least)
        };
        let fails =
            reaches(&self.issue_severity, policy.severity) && reaches(&self.issue_confidence, policy.confidence);
        let make = if fails { Case::fail } else { Case::warn };
        let case = make(&self.test_id, message).at(file, Some(self.line_number)).detail(&self.more_info);
        let case = case.with(self.particulars());
        inline::apply(case, &self.wish(text), "nosec", |word| self.is_named(word))
    }

    fn particulars(&self) -> Particulars {
        Particulars {
            severity: Some(Severity::of(&self.issue_severity)),
            title: Some(self.test_name.replace('_', " ")),
            last_line: self.line_range.iter().copied().max(),
            weaknesses: self.issue_cwe.iter().filter_map(|it| it.id).collect(),
            url: Some(self.more_info.clone()),
            ..Particulars::default()
        }
    }

    fn is_named(&self, word: &str) -> bool {
        word == self.test_id || word == self.test_name
    }

    /// What the comments on its lines say.
    fn wish(&self, text: &str) -> Wish {
        let first = self.line_range.iter().copied().chain([self.line_number]).min().unwrap_or(self.line_number);
        let last = self.line_range.iter().copied().chain([self.line_number]).max().unwrap_or(self.line_number);
        let lines = text.lines().skip(first.saturating_sub(1) as usize).take((last - first + 1) as usize);
        let is_test = |word: &str| {
            let id = word.strip_prefix('B').is_some_and(|it| it.len() == 3 && it.bytes().all(|c| c.is_ascii_digit()));
            id || word == self.test_name
        };
        let mut found = Wish::None;
        for line in lines {
            match inline::wish(line, &["nosec"], is_test) {
                Wish::Rules(rules) if rules.iter().any(|it| self.is_named(it)) => return Wish::Rules(rules),
                Wish::Blanket => found = Wish::Blanket,
                _ => {}
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Status;

    fn finding(lines: &[u32]) -> Finding {
        Finding {
            filename: "a.py".to_owned(),
            test_id: "B602".to_owned(),
            test_name: "subprocess_popen_with_shell_equals_true".to_owned(),
            issue_text: "shell".to_owned(),
            issue_severity: "MEDIUM".to_owned(),
            issue_confidence: "HIGH".to_owned(),
            line_number: lines[0],
            line_range: lines.to_vec(),
            more_info: String::new(),
            issue_cwe: None,
        }
    }

    fn status(text: &str, lines: &[u32], severity: usize) -> Status {
        finding(lines).case("a.py".into(), text, &Policy { severity, confidence: 0 }).status
    }

    #[test]
    fn the_policy_decides_what_fails() {
        assert_eq!(status("call()", &[1], 0), Status::Fail);
        assert_eq!(status("call()", &[1], 1), Status::Fail);
        assert_eq!(status("call()", &[1], 2), Status::Warn);
        let unknown = Finding { issue_severity: "UNDEFINED".to_owned(), ..finding(&[1]) };
        assert_eq!(unknown.case("a.py".into(), "", &Policy { severity: 2, confidence: 2 }).status, Status::Fail);
    }

    #[test]
    fn only_a_comment_with_the_tests_name_excepts() {
        assert_eq!(status("call()  # nosec", &[1], 0), Status::Fail);
        assert_eq!(status("call()  # nosec B101", &[1], 0), Status::Fail);
        assert_eq!(status("call()  # nosec B101, B602", &[1], 0), Status::Skip);
        assert_eq!(status("call()  # nosec: subprocess_popen_with_shell_equals_true", &[1], 0), Status::Skip);
        assert_eq!(status("x\ncall(\n  1)  # nosec B602\n", &[2, 3], 0), Status::Skip);
        assert_eq!(status("x  # nosec B602\ncall(\n  1)\n", &[2, 3], 0), Status::Fail);
    }
}
