//! What happens while a run goes on: time limits, Ctrl-C, first failure, terminal or not.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::{Sandbox, finish};

/// A test that starts a child of its own and hangs with it, after leaving both process ids behind.
const HANGS: &str = r#"

def test_hang() -> None:
    """Never ends."""
    import os
    import pathlib
    import subprocess
    import time

    child = subprocess.Popen(["sleep", "300"])
    pathlib.Path(__file__).with_name("pids").write_text(f"{os.getpid()} {child.pid}")
    time.sleep(300)
"#;

/// Those of these processes that still run. One that ended, but that nobody has asked for, does not.
fn alive(pids: &str) -> Vec<&str> {
    let runs = |pid: &&str| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
    };
    pids.split_whitespace().filter(runs).collect()
}

#[test]
fn a_stage_that_takes_too_long_is_ended_with_its_children() {
    let sandbox = Sandbox::new();
    sandbox.append("projects/alpha/tests/test_alpha.py", HANGS);
    sandbox.replace("ci/xtask.toml", "[timeout]", "[timeout]\npytest = \"15s\"");
    let ran = sandbox.xtask(&["stage", "pytest", "--project", "alpha", "beta"]);
    assert_eq!(ran.code, 2, "{}", ran.all());
    let cases = sandbox.junit("alpha", "pytest");
    assert!(cases.iter().any(|it| it.outcome == "error" && it.message.contains("time limit of 15 s")), "{cases:#?}");
    assert!(sandbox.junit("beta", "pytest").iter().all(|it| it.outcome == "success"));
    assert_eq!(alive(&sandbox.read("projects/alpha/tests/pids")), Vec::<&str>::new());
}

#[test]
fn ctrl_c_ends_the_children_and_still_reports() {
    let sandbox = Sandbox::new();
    sandbox.append("projects/alpha/tests/test_alpha.py", HANGS);
    let mut command = sandbox.command(&["stage", "pytest", "ruff", "--project", "alpha"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("xtask starts");
    let pids = sandbox.root.join("projects/alpha/tests/pids");
    let deadline = Instant::now() + Duration::from_secs(120);
    while !pids.exists() {
        assert!(Instant::now() < deadline, "the hanging test did not start");
        std::thread::sleep(Duration::from_millis(100));
    }
    std::thread::sleep(Duration::from_millis(200));
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().expect("kill runs").success());
    let output = child.wait_with_output().expect("xtask ends");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{text}");
    assert_eq!(alive(&sandbox.read("projects/alpha/tests/pids")), Vec::<&str>::new());
    let cases = sandbox.junit("alpha", "pytest");
    assert!(cases.iter().any(|it| it.outcome == "error" && it.message.contains("cancelled")), "{cases:#?}");
    assert!(!crate::support::cases(&sandbox.read("target/ci/junit.xml")).is_empty());
}

#[test]
fn a_second_run_waits_and_takes_nothing_from_the_first() {
    let sandbox = Sandbox::new();
    let slow = "\n\ndef test_slow() -> None:\n    \"\"\"Takes its time.\"\"\"\n    import pathlib\n    import time\n\n    \
                pathlib.Path(__file__).with_name(\"pids\").write_text(\"here\")\n    time.sleep(5)\n";
    sandbox.append("projects/alpha/tests/test_alpha.py", slow);
    let mut first = sandbox.command(&["stage", "pytest", "--project", "alpha"]);
    let first = first.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("xtask starts");
    let started = sandbox.root.join("projects/alpha/tests/pids");
    let deadline = Instant::now() + Duration::from_secs(120);
    while !started.exists() {
        assert!(Instant::now() < deadline, "the slow test did not start");
        std::thread::sleep(Duration::from_millis(50));
    }
    let second = sandbox.xtask(&["stage", "ruff", "--project", "beta"]);
    assert_eq!(second.code, 0, "{}", second.all());
    assert!(second.stderr.contains("another run works in"), "{}", second.all());
    let first = first.wait_with_output().expect("xtask ends");
    assert_eq!(first.status.code(), Some(0), "{}", String::from_utf8_lossy(&first.stdout));
}

#[test]
fn fail_fast_stops_and_says_what_was_not_started() {
    let sandbox = Sandbox::new();
    // A stale lock: the lock stage comes first where nothing else is more urgent.
    sandbox.replace("projects/alpha/pyproject.toml", "idna==3.7", "idna==3.6");
    let ran = sandbox.xtask(&["stage", "lock", "ruff", "--fail-fast", "--jobs", "1", "--project", "alpha"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    let ruff = sandbox.junit("alpha", "ruff");
    assert!(ruff.iter().all(|it| it.outcome == "skipped" && it.message.contains("--fail-fast")), "{ruff:#?}");
}

#[test]
fn colours_only_where_they_are_wanted() {
    let sandbox = Sandbox::new();
    let args = ["stage", "ruff", "--project", "beta"];
    let plain = sandbox.xtask(&args);
    assert!(!plain.all().contains('\u{1b}'), "{}", plain.all());
    let forced = finish(sandbox.command(&args).env("CLICOLOR_FORCE", "1"));
    assert!(forced.stdout.contains("\u{1b}[32mok"), "{}", forced.all());
    let refused = finish(sandbox.command(&args).env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1"));
    assert!(!refused.all().contains('\u{1b}'), "{}", refused.all());
}

#[test]
fn a_stage_whose_need_failed_is_skipped_with_that_reason() {
    let sandbox = Sandbox::new();
    sandbox.append("projects/alpha/src/alpha/__init__.py", "import os\n");
    let ran = sandbox.xtask(&["stage", "ruff", "build", "--project", "alpha", "beta"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    let build = sandbox.junit("alpha", "build");
    assert!(build.iter().all(|it| it.outcome == "skipped" && it.message.contains("needs ruff")), "{build:#?}");
    assert!(sandbox.junit("beta", "build").iter().any(|it| it.outcome == "success"), "{}", ran.all());
}

#[test]
fn a_path_with_spaces_and_letters_of_all_kinds() {
    let sandbox = Sandbox::in_directory("mein größtes repo [1]");
    let ran = sandbox.xtask(&["ci"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "", "a run must leave the work tree as it is");
}

#[test]
fn a_project_directory_with_spaces_and_letters_of_all_kinds() {
    let sandbox = Sandbox::new();
    let odd = sandbox.root.join("projects/süße größen [2]");
    std::fs::rename(sandbox.root.join("projects/beta"), &odd).expect("a rename");
    sandbox.append("projects/süße größen [2]/src/beta/__init__.py", "import os\n");
    let ran = sandbox.xtask(&["ci", "--project", "beta"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    let cases = sandbox.junit("beta", "ruff");
    let file = Some("projects/süße größen [2]/src/beta/__init__.py");
    assert!(cases.iter().any(|it| it.outcome == "failure" && it.file.as_deref() == file), "{cases:#?}");
}

/// Where there is no container engine, an image is not checked: a loud skip on a laptop, an error in CI, never a pass;
/// and what can be checked without it still is.
#[test]
fn without_a_container_engine() {
    let sandbox = Sandbox::new();
    sandbox.append("projects/beta/pyproject.toml", "\n[tool.xtask]\nimage = true\n");
    // A PATH with what xtask asks for and no engine.
    let bin = sandbox.root.parent().expect("a parent").join("bin");
    std::fs::create_dir_all(&bin).expect("a directory");
    let tools = sandbox.xtask(&["tools"]);
    let row =
        tools.stdout.lines().find(|line| line.starts_with("python ")).unwrap_or_else(|| panic!("{}", tools.all()));
    let python = row.split_whitespace().last().expect("a path").to_owned();
    let git = std::process::Command::new("sh").args(["-c", "command -v git"]).output().expect("sh runs").stdout;
    let git = String::from_utf8(git).expect("UTF-8").trim().to_owned();
    std::os::unix::fs::symlink(python, bin.join("python3")).expect("a link");
    std::os::unix::fs::symlink(git, bin.join("git")).expect("a link");

    let args = ["stage", "docker-build", "sbom", "--project", "beta"];
    let laptop = finish(sandbox.command(&args).env("PATH", &bin));
    assert_eq!(laptop.code, 0, "{}", laptop.all());
    assert!(laptop.stdout.contains("skipped docker-build: not checked"), "{}", laptop.all());
    assert!(sandbox.junit("beta", "docker-build").iter().all(|it| it.outcome == "skipped"), "{}", laptop.all());

    let ci = finish(sandbox.command(&args).env("PATH", &bin).env("CI", "true"));
    assert_eq!(ci.code, 2, "{}", ci.all());
    assert!(sandbox.junit("beta", "docker-build").iter().any(|it| it.outcome == "error"), "{}", ci.all());
    assert!(sandbox.junit("beta", "sbom").iter().all(|it| it.outcome == "success"), "{}", ci.all());

    sandbox.replace("ci/xtask.toml", "[not-checked]", "[not-checked]\ndocker-build = \"skip\"");
    let laxer = finish(sandbox.command(&args).env("PATH", &bin).env("CI", "true"));
    assert_eq!(laxer.code, 0, "{}", laxer.all());
}
