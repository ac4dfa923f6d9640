//! Planted mistakes: what ruff, radon, bandit and semgrep must find, and what must not make them look away.

use crate::fakes::{cache_with_fake, real_tools};
use crate::support::{Sandbox, check_planted, finish};

mod bandit;
mod radon;
mod ruff;
mod semgrep;

/// The module that most mistakes are planted in.
const EXTRA: &str = "projects/alpha/src/alpha/extra.py";
/// The manifest of the project that they are planted in.
const MANIFEST: &str = "projects/alpha/pyproject.toml";
/// A function that calls a shell: bandit's B602 on line 8, semgrep's subprocess-shell on the same.
const SHELL: &str = "\"\"\"Planted.\"\"\"\n\nimport subprocess\n\n\n\
                     def run(word: str) -> int:\n    \"\"\"Runs it.\"\"\"\n    \
                     return subprocess.call(f\"ls {word}\", shell=True)\n";

fn shell_with(comment: &str) -> String {
    SHELL.replace("shell=True)", &format!("shell=True)  {comment}"))
}

/// A function whose complexity is this number.
fn branches(head: &str, indent: &str, complexity: usize) -> String {
    let branch = format!("{indent}    if word == word:\n{indent}        word += 1\n");
    format!("{indent}def {head}:\n{}{indent}    return word\n", branch.repeat(complexity - 1))
}

#[test]
fn ruff_finds() {
    check_planted(ruff::ROWS);
}

#[test]
fn radon_finds() {
    check_planted(radon::ROWS);
}

#[test]
fn bandit_finds() {
    check_planted(bandit::ROWS);
}

#[test]
fn semgrep_finds() {
    check_planted(semgrep::ROWS);
}

/// A rule that does not run is worse than none: nobody knows.
#[test]
fn a_rule_file_without_a_rule_that_runs_is_an_error() {
    for (text, says) in [
        ("rules: []\n", "ci/semgrep/more.yaml holds no rule"),
        ("nothing: here\n", "ci/semgrep/more.yaml is no semgrep rule file"),
        ("rules:\n- id: subprocess-shell\n  languages: [python]\n", "a second rule has the id `subprocess-shell`"),
        (
            "rules:\n- id: later\n  min-version: 99.0.0\n  languages: [python]\n  severity: ERROR\n  message: m\n  pattern: x\n",
            "semgrep left out 1 rule: later",
        ),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write("ci/semgrep/more.yaml", text);
        let ran = sandbox.xtask(&["stage", "semgrep", "--project", "beta"]);
        assert_eq!(ran.code, 2, "{says}: {}", ran.all());
        let case = &sandbox.junit("beta", "semgrep")[0];
        assert!(case.outcome == "error" && case.message.contains(says), "{case:?} does not say {says}");
    }
}

/// What the caller's shell holds must not reach a tool.
#[test]
fn variables_of_the_caller_change_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write(
        EXTRA,
        format!("{SHELL}\n\n{}", branches("f(word)", "", 11))
            .replace("import subprocess", "import os\nimport subprocess"),
    );
    let home = sandbox.root.join("home");
    sandbox.write("home/.radon.cfg", "[radon]\nexclude = *\n");
    sandbox.write("home/.config/ruff/ruff.toml", "exclude = [\"*\"]\n");
    sandbox.write("home/.semgrepignore", "*\n");
    let mut command = sandbox.command(&["stage", "ruff", "radon", "bandit", "semgrep", "--project", "alpha"]);
    command.env("XDG_CONFIG_HOME", home.join(".config"));
    for (name, value) in [
        ("RADONCFG", home.join(".radon.cfg").as_str()),
        ("RUFF_CONFIG", home.join(".config/ruff/ruff.toml").as_str()),
        ("RUFF_OUTPUT_FORMAT", "full"),
        ("RUFF_NO_CACHE", "false"),
        ("SEMGREP_RULES", "p/none"),
        ("SEMGREP_TIMEOUT", "1"),
        ("SEMGREP_BASELINE_COMMIT", "HEAD"),
        ("PYTHONPATH", home.as_str()),
        ("PYTHONWARNINGS", "error"),
    ] {
        command.env(name, value);
    }
    let ran = finish(&mut command);
    assert_eq!(ran.code, 1, "{}", ran.all());
    for (stage, says) in [("ruff", "F401"), ("radon", "CC f"), ("bandit", "B602"), ("semgrep", "subprocess-shell")] {
        let cases = sandbox.junit("alpha", stage);
        assert!(cases.iter().any(|it| it.outcome == "failure" && it.name.starts_with(says)), "{stage}: {cases:#?}");
    }
}

/// The platform cannot be asked here: a program in semgrep's place answers for it, and hands everything else on.
#[test]
fn with_a_token_the_supply_chain_is_asked_for() {
    let finding = r#"{"results": [{"check_id": "ssc-1", "path": "projects/alpha/uv.lock", "start": {"line": 7},
        "end": {"line": 9}, "extra": {"message": "idna 3.7 is vulnerable", "severity": "ERROR"}}],
        "errors": [], "paths": {"scanned": []}}"#;
    let report = format!("[ \"$SEMGREP_APP_TOKEN\" = secret ] && printf '%s' '{finding}' > \"$2\"; exit 1");
    for (answer, alpha, beta, says) in [
        (report.as_str(), "failure", "success", "ssc-1 idna 3.7 is vulnerable"),
        ("echo unreachable; exit 2", "error", "error", "unreachable"),
        ("exit 0", "error", "error", "exit code 0"),
    ] {
        let sandbox = Sandbox::new();
        let semgrep = real_tools(&sandbox, "semgrep");
        let script = format!(
            "if [ \"$1\" = ci ]; then while [ \"$1\" != --output ]; do shift; done; {answer}; fi\nexec {semgrep} \"$@\""
        );
        let cache = cache_with_fake(&sandbox, &semgrep, &script);
        let mut command = sandbox.command(&["stage", "semgrep", "--project", "alpha", "beta"]);
        let ran = finish(command.env("XTASK_CACHE_DIR", &cache).env("SEMGREP_APP_TOKEN", "secret"));
        let cases = sandbox.junit("alpha", "semgrep");
        let said = cases.iter().any(|it| it.outcome == alpha && format!("{} {}", it.message, it.text).contains(says));
        assert!(said, "{says}: {cases:#?}\n{}", ran.all());
        assert!(sandbox.junit("beta", "semgrep").iter().any(|it| it.outcome == beta), "{says}: {}", ran.all());
    }
}
