//! Planted mistakes for semgrep.

use super::{EXTRA, SHELL, shell_with};
use crate::support::Planted;

pub const ROWS: &[Planted] = &[
    Planted {
        what: "a call of a shell",
        stage: "semgrep",
        project: "alpha",
        plant: |it| it.write(EXTRA, SHELL),
        outcome: "failure",
        file: Some(EXTRA),
        line: Some(8),
        says: "subprocess-shell",
    },
    Planted {
        what: "the same among the tests, where semgrep does not look by itself",
        stage: "semgrep",
        project: "alpha",
        plant: |it| it.write("projects/alpha/tests/helper.py", SHELL),
        outcome: "failure",
        file: Some("projects/alpha/tests/helper.py"),
        line: Some(8),
        says: "subprocess-shell",
    },
    Planted {
        what: "the same in a file of more than a megabyte",
        stage: "semgrep",
        project: "alpha",
        plant: |it| it.write(EXTRA, format!("{SHELL}{}", "# a long comment, again and again\n".repeat(40_000))),
        outcome: "failure",
        file: Some(EXTRA),
        line: Some(8),
        says: "subprocess-shell",
    },
    Planted {
        what: "an assertion in a project whose directory is named like what rules leave out",
        stage: "semgrep",
        project: "beta",
        plant: |it| {
            it.rename("projects/beta", "projects/docs");
            it.write("projects/docs/src/beta/a.py", "\"\"\"Planted.\"\"\"\n\nassert print\n");
        },
        outcome: "failure",
        file: Some("projects/docs/src/beta/a.py"),
        line: Some(3),
        says: "assert",
    },
    Planted {
        what: "ignore files that leave everything out",
        stage: "semgrep",
        project: "alpha",
        plant: |it| {
            for dir in ["", "projects/alpha/", "projects/alpha/src/"] {
                it.write(&format!("{dir}.semgrepignore"), "*\n*.py\n");
            }
            it.write(EXTRA, SHELL);
        },
        outcome: "failure",
        file: Some(EXTRA),
        line: Some(8),
        says: "subprocess-shell",
    },
    Planted {
        what: "a comment that silences a line without naming a rule",
        stage: "semgrep",
        project: "alpha",
        plant: |it| it.write(EXTRA, shell_with("# nosemgrep")),
        outcome: "failure",
        file: Some(EXTRA),
        line: Some(8),
        says: "names no rule has no effect",
    },
    Planted {
        what: "a comment that names its rule",
        stage: "semgrep",
        project: "alpha",
        plant: |it| it.write(EXTRA, shell_with("# nosemgrep: subprocess-shell")),
        outcome: "skipped",
        file: Some(EXTRA),
        line: Some(8),
        says: "excepted in the source",
    },
    Planted {
        what: "a file that cannot be parsed, which semgrep mends for itself",
        stage: "semgrep",
        project: "alpha",
        plant: |it| it.write(EXTRA, "\"\"\"Planted.\"\"\"\n\n\ndef broken(:\n    pass\n"),
        outcome: "error",
        file: Some(EXTRA),
        line: Some(4),
        says: "is not valid Python",
    },
    Planted {
        what: "a file that semgrep itself cannot parse",
        stage: "semgrep",
        project: "alpha",
        plant: |it| it.write(EXTRA, "x = 1\n\0\0\n"),
        outcome: "error",
        file: Some(EXTRA),
        line: Some(2),
        says: "PartialParsing",
    },
    Planted {
        what: "a rule that somebody dropped into ci/semgrep",
        stage: "semgrep",
        project: "alpha",
        plant: |it| {
            let rule = "rules:\n- id: no-print\n  languages: [python]\n  severity: INFO\n  message: No printing.\n  pattern: print(...)\n";
            it.write("ci/semgrep/ours/more.yml", rule);
            it.write(EXTRA, "print(1)\n");
        },
        outcome: "failure",
        file: Some(EXTRA),
        line: Some(1),
        says: "no-print",
    },
    Planted {
        what: "a rule for any text, which finds in a file that is no Python",
        stage: "semgrep",
        project: "alpha",
        plant: |it| {
            let rule = "rules:\n- id: no-word\n  languages: [generic]\n  severity: ERROR\n  message: Not this.\n  pattern: hunter2\n";
            it.write("ci/semgrep/text.yaml", rule);
            it.write("projects/alpha/settings.cfg", "[a]\npassword = hunter2\n");
            it.write("projects/alpha/picture.png", b"\x89PNG\r\n\xff\xfe");
        },
        outcome: "failure",
        file: Some("projects/alpha/settings.cfg"),
        line: Some(2),
        says: "no-word",
    },
];
