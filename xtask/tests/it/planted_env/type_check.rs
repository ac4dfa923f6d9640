//! Planted mistakes: type-check.

use crate::support::{Planted, Sandbox, check_planted};

/// Line 4 is wrong at the level `error`.
const WRONG: &str = "\"\"\"Wrong.\"\"\"\n\none: int = 1\nnothing = one / 0\n";

fn plant(what: &'static str, plant: fn(&Sandbox), outcome: &'static str, says: &'static str) -> Planted {
    Planted {
        what,
        stage: "type-check",
        project: "alpha",
        plant,
        outcome,
        file: Some("projects/alpha/src/alpha/wrong.py"),
        line: Some(4),
        says,
    }
}

fn wrong(it: &Sandbox, comment: &str) {
    let text = WRONG.replace("one / 0", &format!("1 / 0{comment}"));
    it.write("projects/alpha/src/alpha/wrong.py", text);
}

#[test]
fn findings_whatever_the_project_says() {
    let manifest = "projects/alpha/pyproject.toml";
    assert!(Sandbox::new().read(manifest).contains("[tool.ruff]"));
    check_planted(&[
        plant("an error", |it| wrong(it, ""), "failure", "division-by-zero"),
        plant("`# type: ignore` without a rule", |it| wrong(it, "  # type: ignore"), "failure", "division-by-zero"),
        plant("`# ty: ignore` without a rule", |it| wrong(it, "  # ty: ignore"), "failure", "division-by-zero"),
        plant(
            "a comment that silences the file",
            |it| it.write("projects/alpha/src/alpha/wrong.py", "# type: ignore\n\"\"\"W.\"\"\"\n\nx = 1 / 0\n"),
            "failure",
            "division-by-zero",
        ),
        plant(
            "a comment that names the rule",
            |it| wrong(it, "  # ty: ignore[division-by-zero]"),
            "skipped",
            "silenced by a comment",
        ),
        plant(
            "the project weakens the rule in its manifest",
            |it| {
                wrong(it, "");
                it.append(
                    "projects/alpha/pyproject.toml",
                    "\n[tool.ty.rules]\ndivision-by-zero = \"ignore\"\n\n[tool.ty.src]\nexclude = [\"*\"]\n",
                );
            },
            "failure",
            "division-by-zero",
        ),
        plant(
            "the project weakens all rules in a ty.toml",
            |it| {
                wrong(it, "");
                it.write("projects/alpha/ty.toml", "[rules]\nall = \"ignore\"\n");
                it.write("projects/alpha/src/alpha/ty.toml", "[rules]\nall = \"ignore\"\n");
                it.write("ty.toml", "[rules]\nall = \"ignore\"\n");
            },
            "failure",
            "division-by-zero",
        ),
        plant(
            "the project makes a rule stricter",
            |it| {
                it.write("projects/alpha/src/alpha/wrong.py", "\"\"\"W.\"\"\"\n\n\nprint(never_defined)\n");
                it.append("projects/alpha/pyproject.toml", "\n[tool.ty.rules]\nunresolved-reference = \"error\"\n");
            },
            "failure",
            "never_defined",
        ),
        plant(
            "a warning is shown and does not fail",
            |it| it.write("projects/alpha/src/alpha/wrong.py", "\"\"\"W.\"\"\"\n\n\nprint(never_defined)\n"),
            "success",
            "unresolved-reference",
        ),
        Planted {
            file: Some("projects/alpha/src/other/__init__.py"),
            line: None,
            ..plant(
                "code that the project does not name among its packages",
                |it| {
                    it.write("projects/alpha/src/other/__init__.py", "x = 1 / 0\n");
                    it.append("projects/alpha/pyproject.toml", "\n[tool.xtask]\npackages = [\"src/alpha\"]\n");
                },
                "failure",
                "not-checked",
            )
        },
        plant(
            "settings inside a script",
            |it| {
                let text = "# /// script\n# [tool.ty.rules]\n# division-by-zero = \"ignore\"\nx = 1 / 0\n# ///\n";
                it.write("projects/alpha/src/alpha/wrong.py", text);
            },
            "failure",
            "division-by-zero",
        ),
        plant(
            "an override that only the environment's package shows to be wrong",
            |it| {
                let text = "from idna.codec import Codec\n\nclass C(Codec):\n    def encode(self, data: int) -> int:\n        return 1\n";
                it.write("projects/alpha/src/alpha/wrong.py", text);
            },
            "failure",
            "incompatible-method-override",
        ),
    ]);
}

#[test]
fn files_that_ty_would_not_read() {
    check_planted(&[
        Planted {
            file: Some("projects/alpha/src/alpha/dist/wrong.py"),
            ..plant(
                "a directory that ty excludes by itself",
                |it| it.write("projects/alpha/src/alpha/dist/wrong.py", WRONG.replace("one /", "1 /")),
                "failure",
                "division-by-zero",
            )
        },
        Planted {
            line: Some(1),
            ..plant(
                "a file that does not parse",
                |it| it.write("projects/alpha/src/alpha/wrong.py", "def f(:\n"),
                "failure",
                "invalid-syntax",
            )
        },
        Planted {
            line: None,
            ..plant(
                "a file that is no UTF-8",
                |it| it.write("projects/alpha/src/alpha/wrong.py", b"# -*- coding: latin-1 -*-\nx = '\xe9'\n"),
                "error",
                "could not check this file",
            )
        },
        Planted {
            line: Some(6),
            ..plant(
                "a function without type checks",
                |it| {
                    let text = "\"\"\"W.\"\"\"\n\nimport typing\n\n\n@typing.no_type_check\ndef f() -> float:\n    return 1 / 0\n";
                    it.write("projects/alpha/src/alpha/wrong.py", text);
                },
                "failure",
                "no_type_check",
            )
        },
        Planted {
            file: None,
            line: None,
            ..plant(
                "packages that are not there",
                |it| it.append("projects/alpha/pyproject.toml", "\n[tool.xtask]\npackages = [\"lib/none\"]\n"),
                "error",
                "no Python file to check",
            )
        },
    ]);
}

#[test]
fn a_rule_that_ty_does_not_know_is_named_with_its_line() {
    let sandbox = Sandbox::new();
    sandbox.replace("ci/ty.toml", "[rules]\n", "[rules]\ndivison-by-zero = \"error\"\n");
    let line = sandbox.read("ci/ty.toml").lines().position(|it| it.starts_with("divison")).expect("a line") + 1;
    let ran = sandbox.xtask(&["stage", "type-check", "--project", "alpha"]);
    assert_eq!(ran.code, 2, "{}", ran.all());
    let case = &sandbox.junit("alpha", "type-check")[0];
    assert!(case.message.contains(&format!("ci/ty.toml:{line}: Unknown rule `divison-by-zero`")), "{case:?}");
}

#[test]
fn the_policys_python_holds() {
    let sandbox = Sandbox::new();
    sandbox.write("projects/beta/src/beta/new.py", "type Name = str\n");
    let ran = sandbox.xtask(&["stage", "type-check", "--project", "beta"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    let case = &sandbox.junit("beta", "type-check")[0];
    assert!(case.message.contains("3.11"), "{case:?}");
}
