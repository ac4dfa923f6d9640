//! Our own semgrep rules against cases of our own: each rule hits something and spares something like it.
//!
//! The cases stand in `tests/semgrep/`, one file for each rule file, in the form `semgrep scan --test` reads.

use std::collections::BTreeMap;
use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};

use crate::support::Sandbox;

fn here() -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Rule id to the stem of its file.
fn rules() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in here().join("../ci/semgrep").read_dir_utf8().expect("rules") {
        let path = entry.expect("an entry").into_path();
        let text = std::fs::read_to_string(&path).expect("a rule file");
        let yaml: serde_yaml::Value = serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
        for rule in yaml["rules"].as_sequence().unwrap_or_else(|| panic!("{path} has no rules")) {
            let id = rule["id"].as_str().expect("a rule has an id").to_owned();
            assert!(rule["metadata"]["cwe"].as_str().is_some_and(|it| it.starts_with("CWE-")), "{id} names no CWE");
            let twice = found.insert(id.clone(), path.file_stem().expect("a name").to_owned());
            assert!(twice.is_none(), "two rules are named {id}");
        }
    }
    found
}

#[test]
fn every_rule_has_a_hit_and_a_near_miss() {
    let rules = rules();
    assert!(rules.len() >= 20, "{} rules", rules.len());
    for (id, stem) in &rules {
        let path = here().join(format!("tests/semgrep/{stem}.py"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        for word in ["ruleid:", "ok:"] {
            let marked = |line: &str| {
                let Some((_, ids)) = line.split_once(word) else { return false };
                line.trim_start().starts_with('#') && ids.split(',').any(|it| it.trim() == id)
            };
            assert!(text.lines().any(marked), "{path} has no `# {word} {id}`");
        }
    }
}

#[test]
fn semgrep_agrees_with_every_case() {
    let sandbox = Sandbox::new();
    let ran = sandbox.xtask(&["tools", "--fetch"]);
    let row = ran.stdout.lines().find(|line| line.starts_with("semgrep ")).unwrap_or_else(|| panic!("{}", ran.all()));
    let semgrep = row.split_whitespace().last().expect("a path");
    let output = Command::new(semgrep)
        .args(["scan", "--test", "--json", "--metrics", "off", "--disable-version-check"])
        .args(["--config", "ci/semgrep", "xtask/tests/semgrep"])
        .current_dir(here().join(".."))
        .env("HOME", &sandbox.root)
        .env("SEMGREP_SETTINGS_FILE", sandbox.root.join("settings.yml"))
        .output()
        .expect("semgrep runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let json: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let mut passed = BTreeMap::new();
    for file in json["results"].as_object().unwrap_or_else(|| panic!("{text}")).values() {
        for (id, check) in file["checks"].as_object().unwrap_or_else(|| panic!("{text}")) {
            let id = id.rsplit('.').next().unwrap_or(id).to_owned();
            passed.insert(id, check["passed"].as_bool() == Some(true));
        }
    }
    for id in rules().keys() {
        assert_eq!(passed.get(id), Some(&true), "{id}: {text}");
    }
    assert!(output.status.success(), "{text}");
}
