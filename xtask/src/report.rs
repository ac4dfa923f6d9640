//! The end of a run as text: a table projects x stages, then each red verdict with its first findings, its log and
//! the command that reproduces it. Pure; `main` prints it.

use anstyle::{AnsiColor, Style};
use camino::Utf8Path;

use crate::junit::located;
use crate::proc::quote;
use crate::recorded::UNSTEADY;
use crate::run::{CANCELLED, Record};
use crate::stages;
use crate::verdict::{Outcome, Status};
use crate::waivers::OVERRIDE;

/// How many findings of one verdict are shown; the log and the JUnit file have all.
const SHOWN: usize = 8;

/// Are colours wanted? `NO_COLOR` beats `CLICOLOR_FORCE`, which beats what the terminal is.
pub fn colour_wanted(terminal: bool) -> bool {
    let set = |name: &str| std::env::var(name).is_ok_and(|it| !it.is_empty() && it != "0");
    if std::env::var("NO_COLOR").is_ok_and(|it| !it.is_empty()) {
        return false;
    }
    set("CLICOLOR_FORCE") || (terminal && std::env::var("CLICOLOR").as_deref() != Ok("0"))
}

/// A word in the colour of an outcome.
pub fn paint(word: &str, outcome: Outcome, colour: bool) -> String {
    let ansi = match outcome {
        Outcome::Pass => AnsiColor::Green,
        Outcome::Fail => AnsiColor::Red,
        Outcome::Error => AnsiColor::Magenta,
        Outcome::Skip => AnsiColor::Yellow,
    };
    let style = Style::new().fg_color(Some(ansi.into()));
    if colour { format!("{style}{word}{style:#}") } else { word.to_owned() }
}

/// The exit code of a run.
pub fn exit_code(records: &[Record], cancelled: bool) -> i32 {
    if cancelled {
        return 130;
    }
    match records.iter().map(|it| it.verdict.outcome()).max() {
        Some(Outcome::Error) => 2,
        Some(Outcome::Fail) => 1,
        _ => 0,
    }
}

/// The whole text; `config` is what `--config` said, which a command that reproduces something must say too.
pub fn summary(records: &[Record], elapsed: std::time::Duration, colour: bool, config: Option<&Utf8Path>) -> String {
    let mut out = String::from("\n");
    out += &table(records, colour);
    for record in records.iter().filter(|it| it.verdict.outcome() >= Outcome::Fail && !was_cancelled(it)) {
        out += &failure(record, colour, config);
    }
    let cancelled = records.iter().filter(|it| was_cancelled(it)).count();
    if cancelled > 0 {
        out += &format!("\ncancelled before they were started: {cancelled} of {} jobs\n", records.len());
    }
    out += &unsteady(records, colour);
    out += &skipped(records);
    out += &remarks(records);
    out += &crate::gitlab::total(records).map(|it| format!("\n{it}\n")).unwrap_or_default();
    let count = |outcome| records.iter().filter(|it| it.verdict.outcome() == outcome).count();
    let counts = [
        (Outcome::Pass, "ok"),
        (Outcome::Fail, "failed"),
        (Outcome::Error, "could not run"),
        (Outcome::Skip, "skipped"),
    ];
    let counts: Vec<String> = counts
        .into_iter()
        .filter(|(outcome, _)| count(*outcome) > 0)
        .map(|(outcome, word)| paint(&format!("{} {word}", count(outcome)), outcome, colour))
        .collect();
    out += &format!("\n{} of {} jobs in {:.1} s\n", counts.join(", "), records.len(), elapsed.as_secs_f64());
    out
}

/// Was it cancelled before it was started? Then there is nothing to say of it that the table does not.
fn was_cancelled(record: &Record) -> bool {
    let cases = &record.verdict.cases;
    !cases.is_empty() && cases.iter().all(|case| case.rule == CANCELLED)
}

/// One row for each project, one column for each stage; a long stage name is broken over two lines.
fn table(records: &[Record], colour: bool) -> String {
    let mut stages: Vec<&str> = records.iter().map(|it| it.stage.name).collect();
    stages.sort_by_key(|name| stages::position(name));
    stages.dedup();
    let mut projects: Vec<&str> = records.iter().map(|it| it.project.as_str()).collect();
    projects.sort_unstable();
    projects.dedup();
    let heads: Vec<(String, String)> = stages.iter().map(|name| broken(name)).collect();
    let widths: Vec<usize> = heads.iter().map(|(a, b)| a.len().max(b.len()).max(5)).collect();
    let first = projects.iter().map(|it| it.len()).max().unwrap_or(0).max(7);

    let mut out = String::new();
    let mut line = |first_cell: &str, cells: &mut dyn Iterator<Item = (String, usize)>| {
        let mut row = format!("{first_cell:first$}");
        for ((cell, shown), width) in cells.zip(&widths) {
            row += &format!("  {cell}{}", " ".repeat(width.saturating_sub(shown)));
        }
        out += row.trim_end();
        out.push('\n');
    };
    if heads.iter().any(|(_, below)| !below.is_empty()) {
        line("", &mut heads.iter().map(|(above, _)| (above.clone(), above.len())));
        line("project", &mut heads.iter().map(|(_, below)| (below.clone(), below.len())));
    } else {
        line("project", &mut heads.iter().map(|(above, _)| (above.clone(), above.len())));
    }
    for project in projects {
        line(
            project,
            &mut stages.iter().map(|stage| {
                let record = records.iter().find(|it| it.project == project && it.stage.name == *stage);
                record.map_or((String::new(), 0), |it| cell(it, colour))
            }),
        );
    }
    out
}

/// A stage's name over two lines, where it is long.
fn broken(name: &str) -> (String, String) {
    match name.find('-') {
        Some(at) => (name[..=at].to_owned(), name[at + 1..].to_owned()),
        None if name.len() > 9 => (format!("{}-", &name[..7]), name[7..].to_owned()),
        None => (name.to_owned(), String::new()),
    }
}

fn cell(record: &Record, colour: bool) -> (String, usize) {
    let outcome = record.verdict.outcome();
    let word = match (outcome, record.verdict.red()) {
        (Outcome::Fail, red) if red > 1 => format!("FAIL{}", if red > 99 { "+".to_owned() } else { red.to_string() }),
        (Outcome::Skip, _) if record.blocked => "-".to_owned(),
        _ => outcome.word().to_owned(),
    };
    (paint(&word, outcome, colour), word.len())
}

/// What is wrong with one job, where to read more, and how to see it again.
fn failure(record: &Record, colour: bool, config: Option<&Utf8Path>) -> String {
    let outcome = record.verdict.outcome();
    let mut out = format!("\n{} {} {}\n", paint(outcome.word(), outcome, colour), record.stage.name, record.project);
    let red: Vec<_> = record.verdict.cases.iter().filter(|case| case.is_red()).collect();
    for case in red.iter().take(SHOWN) {
        out += &format!("  {}\n", plain(&located(case)));
        let keep = if red.len() == 1 { 20 } else { 3 };
        for line in case.detail.lines().take(keep) {
            out += &format!("      {}\n", plain(line));
        }
    }
    if red.len() > SHOWN {
        out += &format!("  ... and {} more\n", red.len() - SHOWN);
    }
    out += &format!("  log:       {}\n  reproduce: {}\n", record.log, reproduce(record, config));
    out
}

/// The command that runs just this job.
pub fn reproduce(record: &Record, config: Option<&Utf8Path>) -> String {
    let config = config.map(|it| format!(" --config {}", quote(it.as_str()))).unwrap_or_default();
    format!("cargo xtask stage {} --project {}{config}", record.stage.name, record.project)
}

/// Text from a tool or a file as a terminal may be given it: what would steer the terminal, or show words in another
/// order than they have, is written out.
pub fn plain(text: &str) -> String {
    let steers =
        |c: char| c.is_control() && c != '\t' || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !text.contains(steers) {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        if steers(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

/// Verdicts that are others than before for the same inputs.
fn unsteady(records: &[Record], colour: bool) -> String {
    let notes = records.iter().flat_map(|it| &it.verdict.notes);
    let told = notes.filter_map(|it| it.strip_prefix(UNSTEADY)).map(|it| {
        let lines: String = it.lines().map(|line| format!("{}\n", plain(line))).collect();
        format!("\n{}{lines}", paint(UNSTEADY, Outcome::Fail, colour))
    });
    told.collect()
}

/// What was not checked, each reason once.
fn skipped(records: &[Record]) -> String {
    let mut reasons: Vec<(String, Vec<String>)> = Vec::new();
    for record in records.iter().filter(|it| it.verdict.outcome() == Outcome::Skip && !it.blocked) {
        for case in &record.verdict.cases {
            let key = format!("{}: {}", record.stage.name, case.message);
            match reasons.iter_mut().find(|(reason, _)| *reason == key) {
                Some((_, projects)) => projects.push(record.project.clone()),
                None => reasons.push((key, vec![record.project.clone()])),
            }
        }
    }
    let mut out = String::new();
    for (reason, projects) in reasons {
        out += &format!("\nskipped {reason} ({})", projects.join(", "));
    }
    if out.is_empty() { out } else { out + "\n" }
}

/// Warnings and exceptions: nothing that was let through stays unseen.
fn remarks(records: &[Record]) -> String {
    let mut out = String::new();
    for record in records {
        let who = format!("{} {}", record.stage.name, record.project);
        let warnings = record.verdict.warnings();
        if let Some(first) = record.verdict.cases.iter().find(|case| case.status == Status::Warn) {
            let (noun, more) = if warnings == 1 { ("warning", "") } else { ("warnings", ", the first") };
            let report = format!("target/ci/junit/{}.{}.xml", record.project, record.stage.name);
            out += &format!("\n{warnings} {noun}: {who}, see {report}{more}: {}", plain(&located(first)));
        }
        for note in record.verdict.notes.iter().filter(|note| note.starts_with(OVERRIDE)) {
            out += &format!("\n{note} ({who})");
        }
        if record.verdict.outcome() == Outcome::Skip {
            continue;
        }
        for case in
            record.verdict.cases.iter().filter(|case| case.status == Status::Skip && case.message.starts_with("waived"))
        {
            out += &format!("\nwaived: {who}: {}", plain(&located(case)));
        }
    }
    if out.is_empty() { out } else { out + "\n" }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use expect_test::expect;

    use super::*;
    use crate::verdict::{Case, Verdict};

    fn record(project: &str, stage: &str, verdict: Verdict) -> Record {
        let stage = stages::find(stage).expect("a stage");
        let log = format!("target/ci/logs/{project}.{}.log", stage.name).into();
        let (project, dir) = (project.to_owned(), "projects".into());
        Record { project, dir, stage, verdict, elapsed: Duration::from_millis(1500), log, blocked: false }
    }

    fn records() -> Vec<Record> {
        let long = "x".repeat(12);
        let finding =
            Case::fail("F401", "`os` imported but unused").at("projects/a/src/a.py", Some(3)).detail("remove it");
        let skip = Verdict::not_checked("no container engine", false);
        let broken = Verdict::one(Case::error("", "grype ended with exit code 1").detail("no database"));
        vec![
            record("a", "docker-build", skip.clone()),
            record(&long, "docker-build", skip),
            record("a", "ruff", Verdict::of(vec![finding], "2 files")),
            record(&long, "ruff", Verdict::of(vec![], "2 files")),
            record("a", "vulnerabilities", broken),
            record("a", "pages", Verdict::one(Case::error(CANCELLED, "cancelled before it was started"))),
            Record {
                blocked: true,
                ..record("a", "build", Verdict::one(Case::skip("build", "needs ruff, which is not green")))
            },
        ]
    }

    #[test]
    fn a_summary_a_person_understands() {
        expect![[r#"

                          docker-  ruff   vulnera-  build  pages
            project       build           bilities
            a             skip     FAIL   ERROR     -      ERROR
            xxxxxxxxxxxx  skip     ok

            FAIL ruff a
              projects/a/src/a.py:3: F401 `os` imported but unused
                  remove it
              log:       target/ci/logs/a.ruff.log
              reproduce: cargo xtask stage ruff --project a

            ERROR vulnerabilities a
              grype ended with exit code 1
                  no database
              log:       target/ci/logs/a.vulnerabilities.log
              reproduce: cargo xtask stage vulnerabilities --project a

            cancelled before they were started: 1 of 7 jobs

            skipped docker-build: not checked: no container engine (a, xxxxxxxxxxxx)

            1 ok, 1 failed, 2 could not run, 3 skipped of 7 jobs in 3.0 s
        "#]]
        .assert_eq(&summary(&records(), Duration::from_secs(3), false, None));
    }

    #[test]
    fn warnings_and_overrides_are_shown_and_steer_no_terminal() {
        let warning = Case::warn("R", "\u{1b}[2Jgone \u{202e}sdrow").at("a\u{1b}.py", Some(1));
        let mut verdict = Verdict::of(vec![warning], "well");
        verdict.notes = vec![format!("{OVERRIDE}radon.complexity is C here: old code")];
        let text = summary(&[record("a", "radon", verdict)], Duration::from_secs(1), false, None);
        let wanted =
            "1 warning: radon a, see target/ci/junit/a.radon.xml: a\\u{1b}.py:1: R \\u{1b}[2Jgone \\u{202e}sdrow";
        assert!(text.contains(wanted), "{text}");
        assert!(text.contains("override: radon.complexity is C here: old code (radon a)"), "{text}");
    }

    #[test]
    fn the_command_names_the_settings_that_the_run_had() {
        let one = &records()[2];
        assert_eq!(reproduce(one, None), "cargo xtask stage ruff --project a");
        let with = reproduce(one, Some("my ci/x.toml".into()));
        assert_eq!(with, "cargo xtask stage ruff --project a --config 'my ci/x.toml'");
    }

    #[test]
    fn exit_codes() {
        let all = records();
        assert_eq!(exit_code(&all, false), 2);
        assert_eq!(exit_code(&all[..4], false), 1);
        assert_eq!(exit_code(&all[..2], false), 0);
        assert_eq!(exit_code(&all, true), 130);
        assert_eq!(
            exit_code(&[record("a", "ruff", Verdict::default())], false),
            2,
            "a stage that says nothing is no pass"
        );
    }
}
