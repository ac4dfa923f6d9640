//! The reports for GitLab that the real binary leaves, judged by validators that did not write them.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::planted_sbom::database;
use crate::support::{Ran, Sandbox, finish, uv};

/// The stages that leave a report of their own there.
const STAGES: &[&str] = &["ruff", "radon", "type-check", "pytest", "bandit", "semgrep", "sbom", "vulnerabilities"];
/// An unused import, a shell twice, a division by zero and a function with many branches; in two projects the same.
const MISTAKES: &str = "\"\"\"Planted.\"\"\"\n\nimport os\nimport subprocess\n\n\n\
    def run(word: str) -> int:\n    \"\"\"Runs it.\"\"\"\n    \
    subprocess.call(f\"ls {word}\", shell=True)\n    \
    subprocess.call(f\"ls {word}\", shell=True)\n    return 1 // 0\n";

fn run(sandbox: &Sandbox, stages: &[&str], projects: &[&str]) -> Ran {
    let mut args = vec!["stage"];
    args.extend(stages);
    args.push("--project");
    args.extend(projects);
    finish(sandbox.command(&args).env("SOURCE_DATE_EPOCH", "1700000000"))
}

fn json(sandbox: &Sandbox, name: &str) -> Value {
    serde_json::from_str(&sandbox.read(&format!("target/ci/gitlab/{name}"))).expect("JSON")
}

/// The names of the files there, after a validator has read each.
fn validated(sandbox: &Sandbox) -> Vec<String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schemas/validate.py");
    let mut command = std::process::Command::new(uv());
    let output = command.args(["run", "--quiet", "--script", script, sandbox.root.as_str()]).output().expect("uv runs");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    String::from_utf8(output.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
}

fn texts<'a>(list: &'a Value, pointer: &str) -> Vec<&'a str> {
    let text = |it: &'a Value| it.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer}: {it}"));
    list.as_array().expect("a list").iter().map(text).collect()
}

fn identifiers(finding: &Value) -> Vec<&str> {
    texts(&finding["identifiers"], "/value")
}

#[test]
fn a_clean_run_leaves_valid_and_empty_reports() {
    let sandbox = Sandbox::new();
    database(&sandbox);
    let ran = run(&sandbox, STAGES, &["alpha", "beta"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(ran.stdout.contains("\nTOTAL coverage: 100.00 %\n"), "{}", ran.all());
    let names = [
        "cobertura.xml",
        "gl-code-quality-report.json",
        "gl-dependency-scanning-report.json",
        "gl-sast-bandit.json",
        "gl-sast-report.json",
        "gl-sast-semgrep.json",
        "gl-sbom-alpha.cdx.json",
        "gl-sbom-beta.cdx.json",
        "metrics.txt",
    ];
    assert_eq!(validated(&sandbox), names);
    assert_eq!(sandbox.read("target/ci/gitlab/gl-code-quality-report.json"), "[]\n");
    for name in ["gl-dependency-scanning-report.json", "gl-sast-bandit.json", "gl-sast-semgrep.json"] {
        let report = json(&sandbox, name);
        assert_eq!((&report["vulnerabilities"], &report["scan"]["status"]), (&Value::Array(vec![]), &"success".into()));
        assert_eq!(report["scan"]["start_time"], "2023-11-14T22:13:20", "{name}");
    }
    let locks = &json(&sandbox, "gl-dependency-scanning-report.json")["dependency_files"];
    assert_eq!(texts(locks, "/path"), ["projects/alpha/uv.lock", "projects/beta/uv.lock"]);
    assert_eq!(texts(&locks[0]["dependencies"], "/package/name"), ["idna"]);
    assert!(sandbox.read("target/ci/gitlab/metrics.txt").contains("xtask_coverage_percent{project=\"beta\"} 100.00\n"));

    // Of stages that are not part of a run there is no report, least of all an old one.
    let ran = run(&sandbox, &["lock"], &["alpha"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert_eq!(validated(&sandbox), ["metrics.txt"]);
    let ran = sandbox.xtask(&["ci", "--base", "HEAD", "--stage", "lock"]);
    assert!(ran.code == 0 && ran.stdout.contains("nothing"), "{}", ran.all());
    assert_eq!(validated(&sandbox), Vec::<String>::new());
}

/// Plants the mistakes, and a function with many branches, below some lines.
fn plant(sandbox: &Sandbox, above: &str) {
    let branches = "    if word:\n        word += word\n".repeat(12);
    let complex = format!("\n\ndef long(word: str) -> str:\n    \"\"\"Branches.\"\"\"\n{branches}    return word\n");
    for project in ["alpha", "beta"] {
        let text = MISTAKES.replace("\n\nimport os", &format!("\n{above}\nimport os")) + &complex;
        sandbox.write(&format!("projects/{project}/src/{project}/extra.py"), text);
    }
}

#[test]
fn a_run_full_of_findings_leaves_valid_reports() {
    let sandbox = Sandbox::new();
    database(&sandbox);
    sandbox.replace("projects/alpha/pyproject.toml", "\"idna==3.7\"", "\"idna==3.7\", \"urllib3==2.0.5\"");
    sandbox.uv(&["lock", "--quiet", "--project", "projects/alpha"]);
    plant(&sandbox, "");
    let ran = run(&sandbox, STAGES, &["alpha", "beta"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    assert_eq!(validated(&sandbox).len(), 9);
    assert!(ran.stdout.lines().any(|it| it.starts_with("TOTAL coverage: ") && !it.contains("100.00")), "{}", ran.all());

    let quality = json(&sandbox, "gl-code-quality-report.json");
    for name in ["ruff: F401", "radon: CC", "type-check: division-by-zero"] {
        let found: Vec<&Value> =
            quality.as_array().expect("a list").iter().filter(|it| it["check_name"] == name).collect();
        assert_eq!(found.len(), 2, "one in each project: {name}: {quality:#}");
        assert!(found.iter().all(|it| it["severity"] == "major"), "{found:?}");
        assert_eq!(found[0]["location"]["path"], "projects/alpha/src/alpha/extra.py");
    }
    for (name, rule) in [("gl-sast-bandit.json", "B602"), ("gl-sast-semgrep.json", "subprocess-shell")] {
        let report = json(&sandbox, name);
        let all = report["vulnerabilities"].as_array().expect("a list");
        let found: Vec<&Value> = all.iter().filter(|it| identifiers(it)[0] == rule).collect();
        assert_eq!(found.len(), 4, "{name}: two in each project: {all:#?}");
        assert_eq!((identifiers(found[0])[1], &found[0]["severity"]), ("78", &"High".into()), "{name}");
        assert_eq!(found[0]["location"]["start_line"], 9, "{name}");
    }
    // A job hands over one file of a kind: the common one has what the two have.
    let both = &ids(&sandbox, "gl-sast-bandit.json") | &ids(&sandbox, "gl-sast-semgrep.json");
    assert_eq!(ids(&sandbox, "gl-sast-report.json"), both);

    let report = json(&sandbox, "gl-dependency-scanning-report.json");
    let is_it = |it: &&Value| identifiers(it)[..2] == ["GHSA-v845-jxx5-vc9f", "CVE-2023-43804"];
    let found = report["vulnerabilities"].as_array().expect("a list").iter().find(is_it).expect("the finding");
    let solution = Value::from("Upgrade urllib3 to 2.0.6 or later.");
    assert_eq!((&found["severity"], &found["solution"]), (&"High".into(), &solution));
    assert_eq!(found["location"]["file"], "projects/alpha/uv.lock");
    let dependency = &found["location"]["dependency"];
    assert_eq!((&dependency["version"], &dependency["direct"]), (&"2.0.5".into(), &true.into()));
}

fn ids(sandbox: &Sandbox, name: &str) -> BTreeSet<String> {
    texts(&json(sandbox, name)["vulnerabilities"], "/id").into_iter().map(str::to_owned).collect()
}

#[test]
fn findings_are_known_again_when_the_lines_above_them_change() {
    let sandbox = Sandbox::new();
    let lint = &["ruff", "radon", "type-check", "bandit", "semgrep"];
    let mut runs = Vec::new();
    for (above, line) in [("", 9), ("\n# One.\n# Two.\n", 12)] {
        plant(&sandbox, above);
        let ran = run(&sandbox, lint, &["alpha", "beta"]);
        assert_eq!(ran.code, 1, "{}", ran.all());
        assert_eq!(validated(&sandbox).len(), 5);
        assert_eq!(json(&sandbox, "gl-sast-bandit.json")["vulnerabilities"][0]["location"]["start_line"], line);
        let quality = json(&sandbox, "gl-code-quality-report.json");
        let prints: BTreeSet<String> = texts(&quality, "/fingerprint").into_iter().map(str::to_owned).collect();
        assert!(prints.len() >= 6, "{quality:#}");
        runs.push((prints, ids(&sandbox, "gl-sast-report.json")));
    }
    assert_eq!(runs[0], runs[1]);
}

#[test]
fn a_file_that_cannot_be_read_is_in_the_reports_and_the_scan_has_failed() {
    let sandbox = Sandbox::new();
    sandbox.write("projects/alpha/src/alpha/broken.py", "def broken(:\n");
    let ran = run(&sandbox, &["ruff", "radon", "type-check", "bandit", "semgrep"], &["alpha", "beta"]);
    assert_eq!(ran.code, 2, "{}", ran.all());
    assert_eq!(validated(&sandbox).len(), 5);
    for name in ["gl-sast-bandit.json", "gl-sast-semgrep.json"] {
        let scan = &json(&sandbox, name)["scan"];
        assert_eq!(scan["status"], "failure", "{name}");
        let said = texts(&scan["messages"], "/value");
        assert!(said.iter().any(|it| it.contains("projects/alpha/src/alpha/broken.py")), "{name}: {said:?}");
    }
    let quality = json(&sandbox, "gl-code-quality-report.json");
    let worst: Vec<&str> = quality
        .as_array()
        .expect("a list")
        .iter()
        .filter(|it| it["severity"] == "blocker")
        .filter_map(|it| it["check_name"].as_str()?.split(':').next())
        .collect();
    assert_eq!(worst, ["radon"], "{quality:#}");
}

/// A waiver takes a finding out of GitLab's reports as it takes it out of the red ones, and the scan says so.
#[test]
fn a_waived_finding_is_counted_and_not_listed() {
    let sandbox = Sandbox::new();
    sandbox.write("projects/alpha/src/alpha/extra.py", MISTAKES);
    let waiver = "\n[[tool.xtask.waiver]]\nstage = \"bandit\"\nrule = \"*\"\nowner = \"a@example.org\"\n\
                  reason = \"a test\"\nexpires = 2999-12-31\n";
    sandbox.append("projects/alpha/pyproject.toml", waiver);
    let ran = run(&sandbox, &["bandit"], &["alpha"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert_eq!(validated(&sandbox), ["gl-sast-bandit.json", "gl-sast-report.json", "metrics.txt"]);
    let report = json(&sandbox, "gl-sast-bandit.json");
    assert_eq!((&report["vulnerabilities"], &report["scan"]["status"]), (&Value::Array(vec![]), &"success".into()));
    assert!(texts(&report["scan"]["messages"], "/value")[0].contains("left out because of a waiver"), "{report:#}");
}
