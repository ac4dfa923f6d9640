//! The documents that follow from the table of stages, kept true: `UPDATE_EXPECT=1 cargo test` renews them.

use std::fmt::Write;

use expect_test::expect_file;
use xtask::lint::rules::{self, Weight};
use xtask::stages::{Run, STAGES};

#[test]
fn stages_md_is_the_table() {
    let mut text = String::from(
        "# The stages\n\n\
         Generated from the table in `xtask/src/stages.rs`; `UPDATE_EXPECT=1 cargo test` renews it.\n\n\
         `cargo xtask stage NAME` runs one. Outcomes are the same everywhere: pass, fail (the project is at fault, exit code 1),\n\
         error (the tool could not do its work, exit code 2), skip (with its reason; never a pass).\n\n\
         | group | stage | tool | passes when | leaves |\n|---|---|---|---|---|\n",
    );
    for it in STAGES {
        writeln!(text, "| {} | {} | {} | {} | {} |", it.group, it.name, it.tool, it.passes, it.leaves)
            .expect("a string");
    }
    text += "\n## What runs when, and what each may read\n\n\
         A stage waits for the stages it needs. When one of those is red it is skipped with that reason; one that is not part of the\n\
         run, or that could not be checked on this machine, holds nothing back. A *batch* is one process for all projects of a run.\n\n\
         | stage | needs | reads | runs |\n|---|---|---|---|\n";
    for it in STAGES {
        let runs = match it.run {
            Run::Each(_) => "for each project",
            Run::Batch(_) => "as a batch",
            Run::Manual => "by hand",
        };
        let needs = if it.needs.is_empty() { "-".to_owned() } else { it.needs.join(", ") };
        writeln!(text, "| {} | {needs} | {} | {runs} |", it.name, it.reads.words()).expect("a string");
    }
    text += "\nBeside what the column says, every stage reads its policy files in `ci/` and the pinned versions of its tools.\n";
    expect_file!["../../docs/stages.md"].assert_eq(&text);
}

/// Needs point backwards in the table: so they have no cycle, and reading from top to bottom is a possible order.
#[test]
fn needs_point_backwards() {
    for (index, stage) in STAGES.iter().enumerate() {
        for need in stage.needs.iter().chain(stage.takes) {
            let at = STAGES.iter().position(|it| it.name == *need);
            assert!(at.is_some_and(|at| at < index), "{} needs {need}, which is not above it", stage.name);
        }
        assert!(stage.takes.iter().all(|it| stage.needs.contains(it)), "{} takes what it does not need", stage.name);
    }
}

/// The table of rules stands between two lines of a page that is written by hand.
#[test]
fn gitlab_lint_md_holds_the_rules() {
    let path = camino::Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/gitlab-lint.md");
    let page = std::fs::read_to_string(&path).expect("the page");
    let (begin, end) =
        ("| rule | what must hold | else | who says so |\n|---|---|---|---|\n", "\n## Where the file stands\n");
    let (before, rest) = page.split_once(begin).expect("the head of the table");
    let (_, after) = rest.split_once(end).expect("the heading after the table");
    let mut table = String::new();
    for rule in rules::ALL {
        let weight = if rule.weight == Weight::Refused { "refused" } else { "a trap" };
        writeln!(table, "| `{}` | {} | {weight} | {} |", rule.id, rule.says, rule.source).expect("a string");
    }
    expect_file!["../../docs/gitlab-lint.md"].assert_eq(&format!("{before}{begin}{table}{end}{after}"));
}
