//! radon's maintainability index and cyclomatic complexity of every module, class and function.
//!
//! One process for each measure and all projects, side by side. radon exits with 0 whatever it meets, so its JSON
//! alone decides: a file with an `error` entry, or without an entry, is an error. Stubs (`.pyi`) hold no code to
//! measure and are left out.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

use super::batch::{self, Reads, Tree, count};
use crate::context::Context;
use crate::discover::Project;
use crate::proc::{Call, Done};
use crate::tools::Tool;
use crate::verdict::{Case, Particulars, Severity, Verdict};
use crate::waivers;

/// What radon says of a file: the measure, or why there is none.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Measured<T> {
    Error { error: String },
    Is(T),
}

/// The maintainability of a module.
#[derive(Debug, Clone, Deserialize)]
struct Maintainability {
    mi: f64,
    rank: char,
}

/// The complexity of a class, method or function.
#[derive(Debug, Clone, Deserialize)]
struct Block {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    classname: Option<String>,
    rank: char,
    complexity: u32,
    lineno: u32,
}

impl Block {
    fn full_name(&self) -> String {
        match &self.classname {
            Some(class) => format!("{class}.{}", self.name),
            None => self.name.clone(),
        }
    }
}

/// What radon says of all files, by repo-relative path.
#[derive(Debug, Default)]
struct Said {
    modules: BTreeMap<Utf8PathBuf, Measured<Maintainability>>,
    blocks: BTreeMap<Utf8PathBuf, Measured<Vec<Block>>>,
}

/// The worst ranks that pass.
struct Limits {
    maintainability: char,
    complexity: char,
}

/// The stage.
pub fn run(ctx: &Context, projects: &[&Project]) -> Result<Vec<Verdict>> {
    batch::fairly(ctx, projects, |projects, dir| {
        let is_code = |file: &Utf8Path| file.extension() == Some("py");
        let tree = Tree::stage(ctx.repo, &dir.join("tree"), projects, Reads::Utf8, is_code, batch::in_place)?;
        let said = if tree.is_empty() { Said::default() } else { ask(ctx, &tree, projects, dir)? };
        projects.iter().enumerate().map(|(index, project)| judge(ctx, project, &tree, index, &said)).collect()
    })
}

/// Runs the measures: maintainability of all files, complexity of the code, complexity of the tests.
fn ask(ctx: &Context, tree: &Tree, projects: &[&Project], dir: &Utf8Path) -> Result<Said> {
    let (mut code, mut tests) = (Vec::new(), Vec::new());
    for (project, files) in projects.iter().zip(&tree.files) {
        for file in files {
            strip_byte_order_mark(&tree.root.join(file))?;
            if project.is_test(file) { tests.push(file) } else { code.push(file) }
        }
    }
    // Files are named one by one: radon does not enter directories whose name begins with a dot.
    let call = |verb: &str, report: &str, flags: &[&str], files: &[&Utf8PathBuf]| {
        let call = ctx.call(ctx.tools.bin(Tool::Lint, "radon")).cwd(&tree.root);
        let call = call.args([verb, "--json", "--output-file", dir.join(report).as_str()]);
        call.args(flags.iter().copied()).args(tree.arguments(files.iter().copied()))
    };
    // Closures and inner classes are blocks too, and hidden without the flag.
    let complexity = ["--show-closures"];
    // In a test an `assert` is the statement that is tested, not a branch somebody has to follow.
    let of_tests = ["--show-closures", "--no-assert"];
    let all: Vec<&Utf8PathBuf> = code.iter().chain(&tests).copied().collect();
    let mut calls: Vec<Call> = Vec::new();
    let mut reports = Vec::new();
    for (verb, report, flags, files) in [
        ("mi", "maintainability.json", &[][..], &all),
        ("cc", "complexity.json", &complexity[..], &code),
        ("cc", "complexity-tests.json", &of_tests[..], &tests),
    ] {
        for (number, files) in batch::in_lines(files).iter().enumerate() {
            let report = format!("{number}-{report}");
            calls.push(call(verb, &report, flags, files));
            reports.push((verb, dir.join(report)));
        }
    }
    let mut said = Said::default();
    for ((verb, report), done) in reports.iter().zip(batch::side_by_side(ctx, &calls)) {
        let done = done?;
        if *verb == "mi" {
            said.modules.extend(read(tree, report, &done)?);
        } else {
            said.blocks.extend(read(tree, report, &done)?);
        }
    }
    Ok(said)
}

/// Python reads past a byte order mark at the start of a file; radon calls it a syntax error.
fn strip_byte_order_mark(path: &Utf8Path) -> Result<()> {
    let bytes = std::fs::read(path).with_context(|| format!("could not read {path}"))?;
    match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => std::fs::write(path, rest).with_context(|| format!("could not write {path}")),
        None => Ok(()),
    }
}

fn read<T: for<'a> Deserialize<'a>>(tree: &Tree, report: &Utf8Path, done: &Done) -> Result<BTreeMap<Utf8PathBuf, T>> {
    let text = std::fs::read_to_string(report).unwrap_or_default();
    let parsed: Result<BTreeMap<String, T>, _> = serde_json::from_str(&text);
    let (Ok(parsed), 0) = (parsed, done.code) else { return Err(done.refused("radon")) };
    let mut found = BTreeMap::new();
    for (named, value) in parsed {
        let Some((_, file)) = tree.find(&named) else { bail!("radon's report names {named}, which it was not given") };
        found.insert(file.to_owned(), value);
    }
    Ok(found)
}

fn judge(ctx: &Context, project: &Project, tree: &Tree, index: usize, said: &Said) -> Result<Verdict> {
    let (limits, notes) = match limits(ctx, project) {
        Ok(it) => it,
        Err(error) => return Ok(Verdict::one(Case::error("radon", format!("{error:#}")))),
    };
    let lag = ctx.tools.lag(project).unwrap_or_default();
    let unmeasured = |file: &Utf8Path, error: &str| unmeasured(file, error).detail(lag.as_str());
    let mut cases = tree.unreadable[index].clone();
    let files = &tree.files[index];
    if files.is_empty() && cases.is_empty() {
        cases.push(Case::skip("radon", format!("{} holds no Python file", project.dir)));
    }
    let mut blocks = 0;
    for file in files {
        match said.modules.get(file) {
            None => cases.push(Case::error("not-read", "radon did not look at this file").at(file, None)),
            Some(Measured::Error { error }) => cases.push(unmeasured(file, error)),
            Some(Measured::Is(it)) => cases.extend(maintainability(file, it, &limits)),
        }
        match said.blocks.get(file) {
            // A file without a class or function has no entry; that it was read is seen from its maintainability.
            None => {}
            // The same words again where the other measure failed as well.
            Some(Measured::Error { .. }) if matches!(said.modules.get(file), Some(Measured::Error { .. })) => {}
            Some(Measured::Error { error }) => cases.push(unmeasured(file, error)),
            Some(Measured::Is(list)) => {
                blocks += list.len();
                cases.extend(list.iter().filter_map(|block| complexity(file, block, &limits)));
            }
        }
    }
    let all_well = format!("{} and {} measured", count(files.len(), "module"), count(blocks, "block"));
    Ok(Verdict { notes, ..Verdict::of(cases, all_well) })
}

fn limits(ctx: &Context, project: &Project) -> Result<(Limits, Vec<String>)> {
    let general = &ctx.repo.config.radon;
    let (maintainability, a) = waivers::setting(project, "radon.maintainability", general.maintainability)?;
    let (complexity, b) = waivers::setting(project, "radon.complexity", general.complexity)?;
    for (key, rank, ranks) in [("maintainability", maintainability, 'A'..='C'), ("complexity", complexity, 'A'..='F')] {
        if !ranks.contains(&rank) {
            let manifest = project.path("pyproject.toml");
            bail!("{manifest}: radon.{key} is a rank from {} to {}, not {rank}", ranks.start(), ranks.end());
        }
    }
    Ok((Limits { maintainability, complexity }, a.into_iter().chain(b).collect()))
}

fn maintainability(file: &Utf8Path, it: &Maintainability, limits: &Limits) -> Option<Case> {
    (it.rank > limits.maintainability).then(|| {
        let message = format!(
            "maintainability index {:.2} has rank {}, the worst that passes is {}: split the module",
            it.mi, it.rank, limits.maintainability
        );
        Case::fail("MI", message).at(file, Some(1)).with(ranked(it.rank))
    })
}

fn complexity(file: &Utf8Path, block: &Block, limits: &Limits) -> Option<Case> {
    (block.rank > limits.complexity).then(|| {
        let name = block.full_name();
        let message = format!(
            "{} {name} has cyclomatic complexity {}, rank {}; the worst that passes is {}",
            block.kind, block.complexity, block.rank, limits.complexity
        );
        Case::fail("CC", message).named(format!("CC {name}")).at(file, Some(block.lineno)).with(ranked(block.rank))
    })
}

/// radon has ranks in the place of severities: A is fine, and C is the last of three for a module, E near the end for a block.
fn ranked(rank: char) -> Particulars {
    let severity = match rank {
        'A'..='B' => Severity::Low,
        'C' | 'D' => Severity::Medium,
        _ => Severity::High,
    };
    Particulars { severity: Some(severity), ..Particulars::default() }
}

/// A file that could not be measured; Python's words end in "(<unknown>, line 3)" where it knows the line.
fn unmeasured(file: &Utf8Path, error: &str) -> Case {
    let line = error.rsplit_once("line ").and_then(|(_, rest)| rest.trim_end_matches(')').parse().ok());
    let words = error.rsplit_once(" (<unknown>").map_or(error, |(words, _)| words);
    Case::error("unparsable", format!("could not be measured: {words}")).at(file, line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_an_error_is_read_from_its_words() {
        let case = unmeasured("a.py".into(), "invalid syntax (<unknown>, line 12)");
        assert_eq!(
            (case.name.as_str(), case.message.as_str()),
            ("unparsable a.py:12", "could not be measured: invalid syntax")
        );
        assert_eq!(unmeasured("a.py".into(), "source code string cannot contain null bytes").name, "unparsable a.py");
    }

    #[test]
    fn an_error_entry_is_told_from_a_measure() {
        let text = r#"{"a": {"error": "x"}, "b": {"mi": 100.0, "rank": "A"}}"#;
        let said: BTreeMap<String, Measured<Maintainability>> = serde_json::from_str(text).expect("valid JSON");
        assert!(matches!(said["a"], Measured::Error { .. }) && matches!(said["b"], Measured::Is(_)));
    }

    #[test]
    fn a_rank_below_the_limit_is_a_finding() {
        let limits = Limits { maintainability: 'A', complexity: 'B' };
        let block = |rank| Block {
            name: "f".to_owned(),
            kind: "method".to_owned(),
            classname: Some("C".to_owned()),
            rank,
            complexity: 11,
            lineno: 3,
        };
        assert_eq!(complexity("a.py".into(), &block('B'), &limits), None);
        assert_eq!(complexity("a.py".into(), &block('C'), &limits).expect("a finding").name, "CC C.f a.py:3");
        let module = |rank| Maintainability { mi: 9.5, rank };
        assert_eq!(maintainability("a.py".into(), &module('A'), &limits), None);
        assert!(maintainability("a.py".into(), &module('B'), &limits).is_some());
    }
}
