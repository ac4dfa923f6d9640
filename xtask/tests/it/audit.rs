//! `audit --run`: holes in the lists of inputs, planted on purpose, and stages that do not always say the same.
//!
//! With the real pytest. The recorded verdicts are those of an ordinary run before.

use serde_json::Value;

use crate::support::{Ran, Sandbox};

const TESTS: &str = "projects/beta/tests/test_beta.py";

/// A test of beta with this body, committed and run.
fn recorded(body: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("docs/outside.txt", "fine\n");
    let body: String = body.lines().map(|line| format!("    {line}\n")).collect();
    sandbox.append(TESTS, &format!("\n\ndef test_more() -> None:\n    \"\"\"More.\"\"\"\n{body}"));
    sandbox.commit("recorded");
    let ran = sandbox.xtask(&["stage", "pytest", "ruff", "--all"]);
    assert!(ran.stdout.contains("beta") && ran.code <= 1, "{}", ran.all());
    sandbox
}

fn audit(sandbox: &Sandbox, more: &[&str]) -> Ran {
    sandbox.xtask(&[&["audit", "--run", "HEAD", "--stage", "pytest", "ruff"], more].concat())
}

/// A program that the hook cannot look into reads a file that no list holds.
const UNSEEN: &str = "import subprocess\n\
                      done = subprocess.run([\"sh\", \"-c\", \"cat ../../do*/out*.txt\"], capture_output=True, text=True)\n\
                      assert done.stdout == \"fine\\n\", \"docs/outside.txt is not fine\"";

#[test]
fn a_hole_is_found_with_both_logs() {
    let sandbox = recorded(UNSEEN);
    assert_eq!(sandbox.xtask(&["plan", "--base", "HEAD", "--stage", "pytest"]).code, 0);
    sandbox.write("docs/outside.txt", "broken\n");
    sandbox.write("docs/other.md", "text\n");
    sandbox.commit("nobody's, by the rules");
    // Uncommitted work is none of the revision's, and is not touched.
    sandbox.append("projects/alpha/README.md", "not committed\n");
    let before = sandbox.git(&["status", "--porcelain"]);

    let ran = audit(&sandbox, &["--json"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    assert_eq!(sandbox.git(&["status", "--porcelain"]), before);
    assert_eq!(sandbox.git(&["worktree", "list"]).lines().count(), 1);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.all()));
    assert_eq!(report["compared"], 6, "{report:#}");
    let [hole] = report["holes"].as_array().expect("holes").as_slice() else { panic!("{report:#}") };
    assert_eq!((&hole["kind"], &hole["project"], &hole["stage"]), (&"hole".into(), &"beta".into(), &"pytest".into()));
    assert_eq!(hole["recorded"]["verdict"], "pass");
    assert!(
        hole["now"]["verdict"].as_str().expect("text").starts_with("fail (tests/test_beta.py::test_more"),
        "{hole:#}"
    );
    assert_eq!(hole["again"].as_array().map(Vec::len), Some(3), "{hole:#}");
    let paths: Vec<&str> =
        hole["suspects"].as_array().expect("suspects").iter().filter_map(|it| it["path"].as_str()).collect();
    assert_eq!(paths, ["docs/outside.txt", "docs/other.md"], "the one that a log names comes first");
    let log = |which: &str| sandbox.read(hole[which]["log"].as_str().expect("a path"));
    assert!(log("recorded").contains("passed") && !log("recorded").contains("is not fine"));
    assert!(log("now").contains("docs/outside.txt is not fine"));

    let ran = audit(&sandbox, &[]);
    assert!(ran.stdout.contains("HOLE pytest beta"), "{}", ran.all());
    assert!(ran.stdout.contains("suspect:  docs/outside.txt, which a log names"), "{}", ran.all());
    assert!(ran.stdout.contains("6 verdicts compared, 1 holes, 0 flaky"), "{}", ran.all());
}

#[test]
fn a_flaky_test_is_no_hole() {
    let state = tempfile::tempdir().expect("a directory");
    let path = state.path().join("runs");
    // Every second run fails, whatever the inputs are.
    let sandbox = recorded(&format!(
        "import pathlib\npath = pathlib.Path({path:?})\nruns = int(path.read_text()) if path.exists() else 0\n\
         path.write_text(str(runs + 1))\nassert runs % 2 == 0"
    ));
    let ran = audit(&sandbox, &[]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    assert!(ran.stdout.contains("FLAKY pytest beta"), "{}", ran.all());
    assert!(ran.stdout.contains("6 verdicts compared, 0 holes, 1 flaky"), "{}", ran.all());
    for (word, log) in [("recorded", "target/ci/recorded/beta.pytest/"), ("now", "target/ci/audit/beta.pytest.log")] {
        let line = ran.stdout.lines().find(|it| it.trim().starts_with(word)).unwrap_or_else(|| panic!("{}", ran.all()));
        assert!(line.contains(log), "{line}");
    }
}

#[test]
fn a_clean_repository_has_none() {
    let sandbox = recorded("assert True");
    // A broken record is a warning and costs its comparison.
    sandbox.write("target/ci/recorded/alpha.ruff/0.json", "{");
    // What changed in alpha is run and has nothing to be compared with; gamma's pytest needs alpha.
    sandbox.append("projects/alpha/src/alpha/__init__.py", "\n\nEXTRA = 1\n");
    sandbox.commit("more");
    let ran = audit(&sandbox, &[]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(
        ran.stdout.contains("3 verdicts compared, each the same; 3 of lists that no run has recorded"),
        "{}",
        ran.all()
    );
    assert!(ran.stdout.contains("warning: ") && ran.stdout.contains("0.json is no verdict"), "{}", ran.all());
    assert!(!sandbox.root.join("target/ci/audit/tree").exists());
}

#[test]
fn without_anything_to_compare_it_says_so() {
    let sandbox = Sandbox::new();
    let ran = audit(&sandbox, &[]);
    assert_eq!(ran.code, 2, "{}", ran.all());
    assert!(
        ran.stderr.contains("no run has left a verdict") && ran.stderr.contains("cargo xtask ci --all"),
        "{}",
        ran.all()
    );
    let ran = sandbox.xtask(&["audit", "--run", "nowhere"]);
    assert_eq!(ran.code, 2, "{}", ran.all());
    assert!(ran.stderr.contains("\"nowhere\" names no commit"), "{}", ran.all());
}

/// What a run records: a verdict for each stage that ran, with its list and log; none for one that was held back.
#[test]
fn a_run_leaves_its_verdicts() {
    let sandbox = Sandbox::new();
    sandbox.append("projects/beta/src/beta/__init__.py", "\nimport os\n");
    let ran = sandbox.xtask(&["stage", "ruff", "build", "--project", "beta"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    let dir = sandbox.root.join("target/ci/recorded");
    let names: Vec<String> =
        dir.read_dir_utf8().expect("a store").map(|it| it.expect("an entry").file_name().to_owned()).collect();
    assert_eq!(names, ["beta.ruff"]);
    let (all, warnings) = xtask::recorded::Store::at(&sandbox.root.join("target/ci")).all();
    assert_eq!(warnings, [""; 0]);
    let [kept] = all[&("beta".to_owned(), "ruff".to_owned())].as_slice() else { panic!("{all:?}") };
    assert_eq!((kept.outcome.as_str(), kept.clean), ("fail", false));
    assert_eq!(kept.commit.as_deref(), Some(sandbox.git(&["rev-parse", "HEAD"]).trim()));
    assert!(kept.red.iter().any(|it| it.contains("F401")), "{kept:?}");
    let list = xtask::recorded::Store::at(&sandbox.root.join("target/ci")).list(kept).expect("a list");
    assert!(list.iter().any(|it| it.key == "projects/beta/src/beta/__init__.py"), "{list:?}");

    // The same list, the same name; another list, another one beside it.
    sandbox.xtask(&["stage", "ruff", "--project", "beta"]);
    let count = || dir.join("beta.ruff").read_dir_utf8().expect("a store").count();
    assert_eq!(count(), 3);
    sandbox.git(&["checkout", "-q", "projects/beta"]);
    sandbox.xtask(&["stage", "ruff", "--project", "beta"]);
    assert_eq!(count(), 6);

    // A store that cannot be written is a warning.
    sandbox.remove("target/ci/recorded");
    sandbox.write("target/ci/recorded", "no directory");
    let ran = sandbox.xtask(&["stage", "ruff", "--project", "beta"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(ran.stderr.contains("warning: the verdicts of this run are not kept"), "{}", ran.all());
}

#[test]
fn another_verdict_for_the_same_inputs_is_said_where_it_is_given() {
    let state = tempfile::tempdir().expect("a directory");
    let path = state.path().join("runs");
    // The second run fails, whatever the inputs are.
    let sandbox = recorded(&format!(
        "import pathlib\npath = pathlib.Path({path:?})\nruns = int(path.read_text()) if path.exists() else 0\n\
         path.write_text(str(runs + 1))\nassert runs != 1, \"the second run\""
    ));
    let run = |code: i32| {
        let ran = sandbox.xtask(&["stage", "pytest", "--project", "beta", "alpha"]);
        assert_eq!(ran.code, code, "{}", ran.all());
        let told = ran.stdout.lines().skip_while(|it| !it.starts_with("UNSTEADY")).take(4);
        (ran.all(), told.map(str::to_owned).collect::<Vec<_>>())
    };
    for (code, before, now) in [(1, "pass at", "fail (tests/test_beta.py::test_more"), (0, "fail (", "pass at")] {
        let (all, told) = run(code);
        let [what, first, second, advice] = &told[..] else { panic!("{all}") };
        assert_eq!(what, "UNSTEADY pytest beta: for the same inputs it has said something else before");
        assert!(first.starts_with(&format!("  before: {before}")), "{all}");
        assert!(second.starts_with(&format!("  now:    {now}")), "{all}");
        assert!(advice.contains("`cargo xtask audit --run HEAD --stage pytest` tells which"), "{all}");
        let log = |line: &str| sandbox.read(line.rsplit_once(", log ").expect("a log").1);
        let failed = |line: &str| log(line).contains("the second run");
        assert_eq!((failed(first), failed(second)), (code == 0, code == 1), "{all}");
        let report = sandbox.read("target/ci/junit/beta.pytest.xml");
        assert!(report.contains("UNSTEADY pytest beta"), "{report}");
        assert!(!sandbox.read("target/ci/junit/alpha.pytest.xml").contains("UNSTEADY"));
    }
    // What says the same again is not mentioned.
    let (all, told) = run(0);
    assert!(told.is_empty(), "{all}");
}
