//! Parent and child run for real by gitlab-ci-local: `cargo test --test gitlab -- --ignored`.
//!
//! The real stages on real sample projects: what the emitted jobs say is what `xtask ci` says of the same commit. Needs
//! Node 20, npm and rsync, and installs the last as root from Debian's packages. What the client cannot show is in
//! docs/gitlab-lint.md.

#[path = "gitlab/client.rs"]
mod client;
#[allow(dead_code, reason = "shared with the tests that need no client")]
#[path = "it/support.rs"]
mod support;

use std::process::Command;

use camino::Utf8PathBuf;
use client::{Checkout, kept, spans, verdicts};
use serde_yaml::Value;
use support::{Ran, finish};

/// The local run of the same commit, as a person does it.
fn local(checkout: &Checkout) -> (Utf8PathBuf, Ran) {
    let place = checkout.clone("local");
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["ci", "--base", &checkout.pushed()]).current_dir(&place).env_remove("CI").env_remove("GITLAB_CI");
    let ran = finish(&mut command);
    (place, ran)
}

/// Generates by the parent and runs the child; holds it against the local run of the same commit.
fn compare(checkout: &Checkout, code: i32) -> Ran {
    let generated = checkout.pipeline(&["generate-child"]);
    assert_eq!(generated.code, 0, "{}", generated.all());
    let text = checkout.read(".gitlab-ci-local/artifacts/generate-child/target/ci/child-pipeline.yml");
    let ran = checkout.child(&text);
    assert_eq!(ran.code, code, "{}", ran.all());
    let (place, here) = local(checkout);
    assert_eq!(here.code, code, "{}", here.all());

    // Jobs: all but the one that is started by hand, each after those that it needs.
    let child: Value = serde_yaml::from_str(&text).expect("YAML");
    let jobs = child.as_mapping().expect("a mapping").iter().filter(|(_, job)| job.get("script").is_some());
    let log = &ran.stdout;
    let spans = spans(log);
    for (name, job) in jobs {
        let name = name.as_str().expect("a name");
        if job.get("when").and_then(Value::as_str) == Some("manual") {
            assert!(!spans.contains_key(name), "{name} is started by hand\n{log}");
            continue;
        }
        let (began, ended) = *spans.get(name).unwrap_or_else(|| panic!("{name} did not run\n{log}"));
        assert!(ended < usize::MAX, "{name} did not end\n{log}");
        for need in job["needs"].as_sequence().expect("every job says its needs") {
            let need = need.as_str().expect("a name");
            assert!(spans[need].1 < began, "{name} did not wait for {need}\n{log}");
        }
    }
    // Verdicts, down to the case; and what is left.
    let (remote, here) = (checkout.artifacts(), [place]);
    assert_eq!(verdicts(&remote), verdicts(&here), "the child\n{log}");
    for kind in ["junit", "reports", "dist", "site"] {
        let (theirs, ours) = (kept(&remote, kind), kept(&here, kind));
        assert!(!ours.is_empty() || kind == "dist", "nothing in {kind}");
        assert_eq!(theirs, ours, "{kind}");
    }
    ran
}

#[test]
fn the_client_is_pinned_exactly() {
    let here = camino::Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gitlab");
    let read = |name: &str| std::fs::read_to_string(here.join(name)).expect("a pinned file");
    let package: serde_json::Value = serde_json::from_str(&read("package.json")).expect("JSON");
    let lock: serde_json::Value = serde_json::from_str(&read("package-lock.json")).expect("JSON");
    let version = package["dependencies"]["gitlab-ci-local"].as_str().expect("a version");
    assert!(version.chars().all(|it| it.is_ascii_digit() || it == '.'), "{version}");
    assert_eq!(lock["packages"]["node_modules/gitlab-ci-local"]["version"], version);
    for (name, entry) in lock["packages"].as_object().expect("packages").iter().filter(|(name, _)| !name.is_empty()) {
        assert!(entry["integrity"].is_string(), "{name} has no hash");
    }
}

#[test]
#[ignore = "needs node and rsync"]
fn a_green_commit() {
    let checkout = Checkout::new();
    checkout.set("jobs = \"auto\"", "jobs = \"project\"");
    checkout.commit("shape");
    checkout.git(&["push", "-q", "origin", "main"]);
    checkout.append("projects/units/src/units/__init__.py", "\n# A word more.\n");
    checkout.commit("a change that is fine");
    let ran = compare(&checkout, 0);
    assert!(!ran.all().contains("FAIL"), "{}", ran.all());
    // What readings does with units is checked as well.
    assert!(
        verdicts(&checkout.artifacts())
            .iter()
            .any(|(class, _, outcome)| class == "readings.pytest" && *outcome == "success")
    );
}

#[test]
#[ignore = "needs node and rsync"]
fn three_planted_mistakes() {
    let checkout = Checkout::new();
    checkout.set("jobs = \"auto\"", "jobs = \"group\"");
    checkout.commit("shape");
    checkout.git(&["push", "-q", "origin", "main"]);
    checkout.append("projects/units/src/units/__init__.py", "\nimport colorsys\n");
    checkout.write(
        "projects/units/src/units/more.py",
        "\"\"\"More.\"\"\"\n\n\ndef half() -> float:\n    \"\"\"Half of it.\"\"\"\n    return 1 / 0\n",
    );
    checkout.write(
        "projects/readings/tests/test_more.py",
        "\"\"\"More.\"\"\"\n\n\ndef test_sum() -> None:\n    \"\"\"Sums.\"\"\"\n    assert 1 + 1 == 3\n",
    );
    checkout.commit("three mistakes");
    compare(&checkout, 1);
    let verdicts = verdicts(&checkout.artifacts());
    for (class, word) in
        [("units.ruff", "F401"), ("units.type-check", "division-by-zero"), ("readings.pytest", "test_sum")]
    {
        let found =
            verdicts.iter().any(|(it, name, outcome)| it == class && name.contains(word) && *outcome == "failure");
        assert!(found, "{class} {word}: {verdicts:#?}");
    }
    // Whoever waits for a red stage does not run.
    for class in ["units.build", "readings.build"] {
        assert!(verdicts.iter().any(|(it, _, outcome)| it == class && *outcome == "skipped"), "{verdicts:#?}");
    }
}

/// The whole way through the trigger, where there is nothing to do: the client runs the child inside of the parent.
fn nothing_to_do(checkout: &Checkout) {
    let ran = checkout.pipeline(&[]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    for job in ["generate-child", "run-child"] {
        assert!(ran.stdout.contains(&format!("PASS  {job}")), "{}", ran.all());
    }
    let text = checkout.read(".gitlab-ci-local/artifacts/generate-child/target/ci/child-pipeline.yml");
    let child: Value = serde_yaml::from_str(&text).expect("YAML");
    let jobs: Vec<&str> = child
        .as_mapping()
        .expect("a mapping")
        .iter()
        .filter(|(_, job)| job.get("script").is_some() && job["when"] != "manual")
        .filter_map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(jobs.len(), 1, "one job says that there is nothing to do: {jobs:?}");
    let inner = format!("PASS  [run-child] -> {}", jobs[0]);
    assert!(ran.stdout.contains(&inner), "{inner}\n{}", ran.all());
}

#[test]
#[ignore = "needs node and rsync"]
fn the_parent_runs_its_child() {
    nothing_to_do(&Checkout::new());
}

#[test]
#[ignore = "needs node and rsync"]
fn the_component_does_the_same() {
    let checkout = Checkout::new();
    let include = "workflow: {rules: [{if: $CI_COMMIT_BRANCH}]}\nstages: [prepare, rest]\ninclude:\n  - local: templates/python-monorepo.yml\n    inputs: {generate-stage: prepare, run-stage: rest, strategy: depend, tags: [a, b], image: example.org/ci, selection: --base HEAD}\n";
    checkout.write(".gitlab-ci.yml", include);
    checkout.commit("the component");
    nothing_to_do(&checkout);
    let preview = checkout.pipeline(&["--preview"]);
    let expanded: Value = preview
        .stdout
        .split_once("---\n")
        .and_then(|(_, yaml)| serde_yaml::from_str(yaml).ok())
        .unwrap_or_else(|| panic!("{}", preview.all()));
    let make = &expanded["generate-child"];
    assert_eq!(make["stage"], "prepare");
    assert_eq!(expanded["run-child"]["trigger"]["strategy"], "depend");
    assert_eq!(make["tags"], serde_yaml::from_str::<Value>("[a, b]").expect("YAML"));
    assert!(make["script"][0].as_str().expect("a text").ends_with("--base HEAD"), "{make:?}");
}
