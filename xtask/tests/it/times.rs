//! How long jobs take: from runs and from the files of jobs into the committed file, and from there into `emit`.

use std::collections::BTreeMap;

use crate::support::{Ran, Sandbox};

const KEPT: &str = "ci/times.json";
const LEFT: &str = "target/ci/times.json";

fn seconds(sandbox: &Sandbox, path: &str) -> BTreeMap<String, f64> {
    let document: serde_json::Value = serde_json::from_str(&sandbox.read(path)).expect("JSON");
    assert_eq!(document["schema"], 1);
    serde_json::from_value(document["seconds"].clone()).expect("seconds by job")
}

fn document(seconds: &[(&str, f64)]) -> String {
    let seconds: BTreeMap<&str, f64> = seconds.iter().copied().collect();
    serde_json::json!({"schema": 1, "seconds": seconds}).to_string()
}

/// The estimate of `emit` for a shape, in seconds.
fn estimate(ran: &Ran, shape: &str) -> u64 {
    assert_eq!(ran.code, 0, "{}", ran.all());
    let line =
        ran.stderr.lines().find(|it| it.starts_with(&format!("{shape} "))).unwrap_or_else(|| panic!("{}", ran.all()));
    line.split_whitespace().rev().nth(1).and_then(|it| it.parse().ok()).unwrap_or_else(|| panic!("{line}"))
}

#[test]
fn from_a_run_into_the_estimates() {
    let sandbox = Sandbox::new();
    sandbox.append("projects/alpha/src/alpha/__init__.py", "import os\n");
    sandbox.write(LEFT, "{\"schema\": 1, \"seco");
    let ran = sandbox.xtask(&["stage", "lock", "ruff", "docker-build", "--all"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    // What is red took its time as well; what was skipped took none.
    let left = seconds(&sandbox, LEFT);
    let jobs: Vec<&str> = left.keys().map(String::as_str).collect();
    assert_eq!(jobs, ["alpha.lock", "alpha.ruff", "beta.lock", "beta.ruff", "gamma.lock", "gamma.ruff"]);
    let ran = sandbox.xtask(&["times"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "ci/times.json has the times of 6 of 39 jobs\n"), "{}", ran.all());
    assert_eq!(seconds(&sandbox, KEPT), left);
    let kept = sandbox.read(KEPT);
    sandbox.xtask(&["times"]);
    assert_eq!(sandbox.read(KEPT), kept, "the same times are the same bytes");

    // A run of one job changes its own time alone.
    sandbox.write(LEFT, document(&[("alpha.lock", 7.0), ("beta.ruff", 0.5)]));
    sandbox.xtask(&["stage", "lock", "--project", "alpha"]);
    let again = seconds(&sandbox, LEFT);
    assert!(again["alpha.lock"] < 7.0 && again["beta.ruff"] == 0.5, "{again:?}");
}

#[test]
fn the_committed_file_alone_decides_the_estimates() {
    let sandbox = Sandbox::new();
    for (from, to) in [("runners = 2 ", "runners = 1 "), ("cores = 4 ", "cores = 1 ")] {
        sandbox.replace("ci/xtask.toml", from, to);
    }
    let emit = || sandbox.xtask(&["emit", "--project", "beta"]);
    let rough = estimate(&emit(), "project");
    sandbox.write(LEFT, document(&[("beta.pytest", 1000.0)]));
    assert_eq!(estimate(&emit(), "project"), rough, "what this machine has measured is not the commit's");
    assert_eq!(sandbox.xtask(&["times"]).code, 0);
    // Three seconds is what a pytest takes that was never timed.
    assert_eq!(estimate(&emit(), "project"), rough + 997);
    // Of a batch the file has what one project takes by itself.
    sandbox.write(KEPT, document(&[("alpha.bandit", 30.0), ("beta.bandit", 30.0), ("gamma.bandit", 30.0)]));
    let all = |sandbox: &Sandbox| sandbox.xtask(&["emit", "--all"]);
    let (one, four) = (estimate(&all(&sandbox), "project"), estimate(&all(&sandbox), "4 projects"));
    sandbox.remove(KEPT);
    let (rough_one, rough_four) = (estimate(&all(&sandbox), "project"), estimate(&all(&sandbox), "4 projects"));
    assert_eq!((one - rough_one, four - rough_four), (3 * 29, 2 * 29));
}

#[test]
fn files_of_jobs() {
    let sandbox = Sandbox::new();
    sandbox.write(LEFT, document(&[("alpha.ruff", 1.0), ("gone.ruff", 1.0)]));
    sandbox.write("in/a.json", document(&[("alpha.ruff", 2.0), ("beta.ruff", 2.0)]));
    sandbox.write("in/b.json", document(&[("beta.ruff", 3.5), ("beta.no-such-stage", 1.0)]));
    let ran = sandbox.xtask(&["times", "in/a.json", "in/b.json"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    let wanted = [("alpha.ruff".to_owned(), 2.0), ("beta.ruff".to_owned(), 3.5)];
    assert_eq!(
        seconds(&sandbox, KEPT),
        BTreeMap::from(wanted),
        "the last that was named counts, and what is of no job goes"
    );
}

#[test]
fn what_is_no_times_json_is_refused_and_changes_nothing() {
    let good = document(&[("alpha.ruff", 2.0)]);
    let rows: &[(&[&str], Option<&str>, &str, &str)] = &[
        // what is named, what a run has left, `in.json`, the words
        (&[], None, "", "no run has left"),
        (&[], Some("{\"schema\": 1, \"seconds\": {\"alpha.ruff\": 1."), "", "delete it and run `cargo xtask ci --all`"),
        (&["in.json"], None, "", "in.json does not say how long jobs took"),
        (&["in.json"], None, "{\"schema\": 1, \"seconds\": {\"alpha.ruff\": 1.", "in.json does not say how long"),
        (&["in.json"], None, "{\"schema\": 2, \"seconds\": {}}", "in.json has schema 2"),
        (&["in.json"], None, "{\"schema\": 1, \"seconds\": {\"alpha.ruff\": -1}}", "alpha.ruff took -1 seconds"),
        (&["in.json"], None, "{\"schema\": 1, \"seconds\": {\"alpha.ruff\": 1e999}}", "does not say how long"),
        (&["in.json"], None, "{\"schema\": 1, \"seconds\": {\"alpha.ruff\": \"1\"}}", "does not say how long"),
        (&["in.json"], None, "{\"schema\": 1, \"seconds\": {\"other.ruff\": 1}}", "of no job of this repository"),
        (&["in.json"], None, "<testsuites/>", "does not say how long"),
        (&["nothing.json"], None, "", "there is no"),
        (&["ci"], None, "", "could not read"),
    ];
    for (named, left, input, words) in rows {
        let sandbox = Sandbox::new();
        sandbox.write("in.json", input);
        if let Some(left) = left {
            sandbox.write(LEFT, left);
        }
        let ran = sandbox.xtask(&[&["times"], *named].concat());
        assert_eq!(ran.code, 2, "{named:?} {input}: {}", ran.all());
        assert!(ran.stderr.contains(words), "no {words:?} in:\n{}", ran.all());
        assert!(!sandbox.root.join(KEPT).exists(), "{named:?} {input}");
    }
    // A merge that was left half done must not cost what was committed; a pipeline is made all the same.
    let sandbox = Sandbox::new();
    sandbox.write("in.json", &good);
    let torn = format!("<<<<<<< HEAD\n{good}\n=======\n{good}\n>>>>>>> main\n");
    sandbox.write(KEPT, &torn);
    let ran = sandbox.xtask(&["times", "in.json"]);
    assert_eq!(ran.code, 2, "{}", ran.all());
    assert!(ran.stderr.contains("restore it, or delete it"), "{}", ran.all());
    assert_eq!(sandbox.read(KEPT), torn);
    let ran = sandbox.xtask(&["emit", "--all"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(ran.stderr.contains("warning: estimates rest on rough figures: restore it, or delete it"), "{}", ran.all());
    sandbox.remove(KEPT);
    assert_eq!(sandbox.xtask(&["emit", "--all"]).stdout, ran.stdout);
}

#[test]
fn the_times_are_nobodys_input() {
    let sandbox = Sandbox::new();
    for path in ["Cargo.toml", "Cargo.lock", "xtask/Cargo.toml"] {
        sandbox.write(path, "");
    }
    sandbox.commit("an xtask");
    let name = || sandbox.xtask(&["image", "--name"]).stdout;
    let before = name();
    sandbox.write(KEPT, document(&[("alpha.ruff", 2.0)]));
    assert_eq!(name(), before, "no other image for other times");
    let plan = sandbox.xtask(&["plan", "--base", "HEAD"]);
    assert!(plan.stdout.contains("nothing to do"), "{}", plan.all());
    sandbox.append("ci/ty.toml", "\n");
    assert_ne!(name(), before);
}
