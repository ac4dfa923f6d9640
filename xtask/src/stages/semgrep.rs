//! semgrep with the rules of this repository over all projects, in one process.
//!
//! semgrep leaves out files by size, by name and by ignore files, searches half of a file that it cannot parse, drops
//! rules that it cannot load, and exits with 0 each time. So it is given a tree that holds just what is to be searched,
//! and its report must name every file and every rule.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use camino::Utf8Path;

use super::batch::{self, Reads, Tree, count};
use super::syntax::{self, Invalid};
use crate::context::{self, Context};
use crate::discover::Project;
use crate::tools::Tool;
use crate::verdict::{Case, Verdict};

mod platform;
mod report;
mod rules;

use report::Report;
use rules::Rules;

/// Seconds for one rule on one file; a rule that needs longer is an error, not a pass.
const SECONDS: &str = "30";

/// The stage.
pub fn run(ctx: &Context, projects: &[&Project]) -> Result<Vec<Verdict>> {
    let rules = Rules::load(ctx.repo)?;
    let mut verdicts = batch::fairly(ctx, projects, |projects, dir| check(ctx, &rules, projects, dir))?;
    if platform::has_token() {
        let dir = ctx.out.join("work").join(ctx.stage).join("platform");
        context::remake(&dir)?;
        let said = platform::supply_chain(ctx, &dir);
        for (project, verdict) in projects.iter().zip(&mut verdicts) {
            verdict.cases.extend(supply_chain_cases(project, &said));
        }
    }
    Ok(verdicts)
}

fn check(ctx: &Context, rules: &Rules, projects: &[&Project], dir: &Utf8Path) -> Result<Vec<Verdict>> {
    // An ignore file in the tree would be obeyed.
    let obeyed = |file: &Utf8Path| matches!(file.file_name(), Some(".semgrepignore" | ".gitignore"));
    let wanted = |file: &Utf8Path| is_python(file) || (rules.beyond_python && !obeyed(file));
    let place = |project: &Project| rules.place(&project.dir);
    let tree = Tree::stage(ctx.repo, &dir.join("tree"), projects, Reads::Declared, wanted, place)?;
    let (report, invalid) = if tree.is_empty() {
        (Report::default(), Invalid::new())
    } else {
        (ask(ctx, rules, &tree, dir)?, syntax::errors(ctx, &tree)?)
    };
    let verdicts = projects.iter().enumerate().map(|(index, project)| {
        let cases = judge(project, &tree, index, &report, rules, &invalid);
        let (files, rules) = (count(tree.files[index].len(), "file"), count(rules.ids.len(), "rule"));
        Verdict::of(cases, format!("{files} searched with {rules}"))
    });
    Ok(verdicts.collect())
}

fn is_python(file: &Utf8Path) -> bool {
    matches!(file.extension(), Some("py" | "pyi"))
}

/// Where semgrep writes what it would write into a home directory.
fn environment(dir: &Utf8Path) -> BTreeMap<String, String> {
    let file = |name: &str| dir.join(name).into_string();
    BTreeMap::from([
        ("SEMGREP_SETTINGS_FILE".to_owned(), file("settings.yml")),
        ("SEMGREP_LOG_FILE".to_owned(), file("semgrep.log")),
        ("SEMGREP_VERSION_CACHE_PATH".to_owned(), file("version")),
    ])
}

fn ask(ctx: &Context, rules: &Rules, tree: &Tree, dir: &Utf8Path) -> Result<Report> {
    // Without a file of this name at the root, a built-in list leaves out `tests/`, `dist/` and more.
    context::write(&tree.root.join(".semgrepignore"), "")?;
    let output = dir.join("report.json");
    let mut call = ctx.call(ctx.tools.bin(Tool::Sast, "semgrep")).cwd(&tree.root);
    call.env.extend(environment(dir));
    let call = call
        .args(["scan", "--metrics", "off", "--disable-version-check", "--no-rewrite-rule-ids"])
        // Nothing is left out: neither what git ignores around this tree, nor large files, nor by a comment.
        .args(["--project-root", ".", "--no-git-ignore", "--max-target-bytes", "0", "--disable-nosem"])
        .args(["--timeout", SECONDS, "--timeout-threshold", "0"])
        .args(["--time", "--verbose", "--json", "--output", output.as_str()])
        .args(rules.arguments(&dir.join("rules"))?)
        .arg(".");
    let done = ctx.run(&call)?;
    let text = std::fs::read_to_string(&output).unwrap_or_default();
    let report: Report = match serde_json::from_str(&text) {
        Ok(report) if done.code == 0 => report,
        _ => return Err(done.refused("semgrep")),
    };
    let ran: BTreeSet<&str> = report.time.rules.iter().map(String::as_str).collect();
    let idle: Vec<&str> = rules.ids.iter().map(String::as_str).filter(|id| !ran.contains(id)).collect();
    if !idle.is_empty() {
        bail!("semgrep left out {}: {}", count(idle.len(), "rule"), idle.join(", "));
    }
    // A problem that belongs to no file concerns every file.
    if let Some(problem) = report.errors.iter().find(|it| it.path.as_deref().and_then(|it| tree.find(it)).is_none()) {
        bail!("semgrep could not do its work: {}: {}", problem.kind(), problem.words());
    }
    Ok(report)
}

fn judge(project: &Project, tree: &Tree, index: usize, report: &Report, rules: &Rules, invalid: &Invalid) -> Vec<Case> {
    let own = |named: &str| tree.find(named).filter(|(owner, _)| *owner == index).map(|(_, file)| file);
    let mut cases = tree.unreadable[index].clone();
    if tree.files[index].is_empty() && cases.is_empty() {
        cases.push(Case::skip("semgrep", format!("{} holds no file to search", project.dir)));
    }
    let mut partial = BTreeSet::new();
    let mut said = BTreeSet::new();
    for problem in &report.errors {
        let Some(file) = problem.path.as_deref().and_then(own) else { continue };
        partial.insert(file);
        if said.insert((file, problem.kind(), problem.line())) {
            let message = format!("could not be searched as a whole: {}", problem.words());
            cases.push(Case::error(problem.kind(), message).at(file, problem.line()));
        }
    }
    for file in &tree.files[index] {
        if let Some((why, line)) = invalid.get(file)
            && !partial.contains(file.as_path())
        {
            let message = format!("is not valid Python, so it cannot be searched as a whole: {why}");
            cases.push(Case::error("unparsable", message).at(file, *line));
        }
    }
    let seen: BTreeSet<&Utf8Path> = report.paths.scanned.iter().filter_map(|it| own(it)).collect();
    for file in tree.files[index].iter().filter(|it| is_python(it) && !seen.contains(it.as_path())) {
        let skipped = report.paths.skipped.iter().find(|it| own(&it.path) == Some(file));
        let why = skipped.map(|it| format!(": {}", it.reason)).unwrap_or_default();
        cases.push(Case::error("not-read", format!("semgrep did not look at this file{why}")).at(file, None));
    }
    for finding in &report.results {
        if let Some(file) = own(&finding.path) {
            cases.push(finding.case(file, &tree.text(file), |word| rules.ids.contains(word)));
        }
    }
    cases
}

fn supply_chain_cases(project: &Project, said: &Result<Report>) -> Vec<Case> {
    let report = match said {
        Ok(report) => report,
        Err(error) => return vec![Case::error("supply-chain", format!("{error:#}"))],
    };
    let own = |path: &str| project.files.iter().find(|file| file.as_str() == path);
    let findings = report.results.iter().filter_map(|it| own(&it.path).map(|file| it.case(file, "", |_| false)));
    let problems = report.errors.iter().map(|it| Case::error("supply-chain", it.words()));
    findings.chain(problems).collect()
}
