//! Planted mistakes for bandit.

use super::{EXTRA, MANIFEST, SHELL, shell_with};
use crate::support::Planted;

pub const ROWS: &[Planted] = &[
    Planted {
        what: "a call of a shell",
        stage: "bandit",
        project: "alpha",
        plant: |it| it.write(EXTRA, SHELL),
        outcome: "failure",
        file: Some(EXTRA),
        line: Some(8),
        says: "B602",
    },
    Planted {
        what: "a password in the code, which bandit calls harmless",
        stage: "bandit",
        project: "alpha",
        plant: |it| it.write(EXTRA, "x = 1\npassword = \"hunter2hunter2\"\n"),
        outcome: "failure",
        file: Some(EXTRA),
        line: Some(2),
        says: "B105",
    },
    Planted {
        what: "an assertion in the code",
        stage: "bandit",
        project: "alpha",
        plant: |it| it.write(EXTRA, "def f(x):\n    assert x\n"),
        outcome: "failure",
        file: Some(EXTRA),
        line: Some(2),
        says: "B101",
    },
    Planted {
        what: "an assertion in a package whose name begins as a test's",
        stage: "bandit",
        project: "alpha",
        plant: |it| it.write("projects/alpha/src/alpha/test_kit/a.py", "\"\"\"Planted.\"\"\"\n\nassert print\n"),
        outcome: "failure",
        file: Some("projects/alpha/src/alpha/test_kit/a.py"),
        line: Some(3),
        says: "B101",
    },
    Planted {
        what: "an assertion in a project whose directory is named like tests",
        stage: "bandit",
        project: "beta",
        plant: |it| {
            it.rename("projects/beta", "projects/tests");
            it.write("projects/tests/src/beta/a.py", "\"\"\"Planted.\"\"\"\n\nassert print\n");
        },
        outcome: "failure",
        file: Some("projects/tests/src/beta/a.py"),
        line: Some(3),
        says: "B101",
    },
    Planted {
        what: "a file that cannot be parsed",
        stage: "bandit",
        project: "alpha",
        plant: |it| it.write(EXTRA, "def broken(:\n    pass\n"),
        outcome: "error",
        file: Some(EXTRA),
        line: Some(1),
        says: "could not be scanned: syntax error",
    },
    Planted {
        what: "a comment that silences a line without naming a test",
        stage: "bandit",
        project: "alpha",
        plant: |it| it.write(EXTRA, shell_with("# nosec")),
        outcome: "failure",
        file: Some(EXTRA),
        line: Some(8),
        says: "names no rule has no effect",
    },
    Planted {
        what: "a comment that names another test",
        stage: "bandit",
        project: "alpha",
        plant: |it| it.write(EXTRA, shell_with("# nosec B101")),
        outcome: "failure",
        file: Some(EXTRA),
        line: Some(8),
        says: "B602",
    },
    Planted {
        what: "a comment that names its test",
        stage: "bandit",
        project: "alpha",
        plant: |it| it.write(EXTRA, shell_with("# nosec B602")),
        outcome: "skipped",
        file: Some(EXTRA),
        line: Some(8),
        says: "excepted in the source",
    },
    Planted {
        what: "an expression too deep for bandit: nobody else's error",
        stage: "bandit",
        project: "alpha",
        plant: |it| it.write(EXTRA, format!("x = {}1\n", "1 + ".repeat(20_000))),
        outcome: "error",
        file: Some(EXTRA),
        line: None,
        says: "exception while scanning file",
    },
    Planted {
        what: "configuration files that skip the test",
        stage: "bandit",
        project: "alpha",
        plant: |it| {
            for dir in ["", "projects/alpha/", "projects/alpha/src/", "projects/beta/"] {
                it.write(&format!("{dir}.bandit"), "[bandit]\nskips = B602\nexclude = /\n");
            }
            it.write("projects/alpha/bandit.yaml", "skips: [B602]\n");
            it.append(MANIFEST, "\n[tool.bandit]\nskips = [\"B602\"]\nexclude_dirs = [\"src\"]\n");
            it.write(EXTRA, SHELL);
        },
        outcome: "failure",
        file: Some(EXTRA),
        line: Some(8),
        says: "B602",
    },
    Planted {
        what: "a file in a directory that bandit leaves out by itself",
        stage: "bandit",
        project: "alpha",
        plant: |it| it.write("projects/alpha/.tox/task.py", SHELL),
        outcome: "failure",
        file: Some("projects/alpha/.tox/task.py"),
        line: Some(8),
        says: "B602",
    },
    Planted {
        what: "a finding below the severity that a project's override asks for",
        stage: "bandit",
        project: "alpha",
        plant: |it| {
            let text = "\n[[tool.xtask.override]]\nsetting = \"bandit.severity\"\nvalue = \"medium\"\nreason = \"x\"\n";
            it.append(MANIFEST, text);
            it.write(EXTRA, "password = \"hunter2hunter2\"\n");
        },
        outcome: "success",
        file: Some(EXTRA),
        line: Some(1),
        says: "B105",
    },
];
