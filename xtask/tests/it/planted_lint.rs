//! Planted mistakes: what ruff, radon, bandit and semgrep must find, and what must not make them look away.

use crate::support::{Planted, Sandbox, check_planted, finish};

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

const RUFF: &[Planted] = &[
    Planted {
        what: "an unused import",
        stage: "ruff",
        project: "alpha",
        plant: |it| it.write(EXTRA, "\"\"\"Planted.\"\"\"\n\nimport os\n"),
        outcome: "failure",
        file: Some(EXTRA),
        line: Some(3),
        says: "F401 `os` imported but unused",
    },
    Planted {
        what: "a function without a docstring",
        stage: "ruff",
        project: "alpha",
        plant: |it| it.write(EXTRA, "\"\"\"Planted.\"\"\"\n\n\ndef f() -> None:\n    pass\n"),
        outcome: "failure",
        file: Some(EXTRA),
        line: Some(4),
        says: "D103",
    },
    Planted {
        what: "an undocumented argument, with another docstring convention in the project's table",
        stage: "ruff",
        project: "alpha",
        plant: |it| {
            it.append(MANIFEST, "\n[tool.ruff.lint.pydocstyle]\nconvention = \"numpy\"\n");
            it.replace("projects/alpha/src/alpha/__init__.py", "name: The name as a person writes it.", "x: No.");
        },
        outcome: "failure",
        file: Some("projects/alpha/src/alpha/__init__.py"),
        line: Some(6),
        says: "D417",
    },
    Planted {
        what: "the project's own package sorted among third-party ones",
        stage: "ruff",
        project: "alpha",
        plant: |it| {
            it.write(
                "projects/alpha/tests/test_more.py",
                "\"\"\"Planted.\"\"\"\n\nimport alpha\nimport idna\n\nprint(alpha, idna)\n",
            );
        },
        outcome: "failure",
        file: Some("projects/alpha/tests/test_more.py"),
        line: Some(3),
        says: "I001",
    },
    Planted {
        what: "another project's package sorted among the own ones",
        stage: "ruff",
        project: "gamma",
        plant: |it| {
            let text = "\"\"\"Planted.\"\"\"\n\nimport alpha\nimport gamma\n\nprint(alpha, gamma)\n";
            it.write("projects/gamma/tests/test_more.py", text);
        },
        outcome: "failure",
        file: Some("projects/gamma/tests/test_more.py"),
        line: Some(3),
        says: "I001",
    },
    Planted {
        what: "an undefined name in a notebook",
        stage: "ruff",
        project: "alpha",
        plant: |it| it.write("projects/alpha/docs/show.ipynb", notebook("print(undefined)")),
        outcome: "failure",
        file: Some("projects/alpha/docs/show.ipynb"),
        line: Some(12),
        says: "F821 Undefined name `undefined` (cell 2)",
    },
    Planted {
        what: "a notebook that is not formatted",
        stage: "ruff",
        project: "alpha",
        plant: |it| it.write("projects/alpha/docs/show.ipynb", notebook("print(1 ,2)")),
        outcome: "failure",
        file: Some("projects/alpha/docs/show.ipynb"),
        line: Some(12),
        says: "is not formatted",
    },
    Planted {
        what: "a file that is not formatted",
        stage: "ruff",
        project: "alpha",
        plant: |it| it.write(EXTRA, "\"\"\"Planted.\"\"\"\n\nx = 1\ny = 2\nz=3\n"),
        outcome: "failure",
        file: Some(EXTRA),
        line: Some(5),
        says: "is not formatted",
    },
    Planted {
        what: "a file that cannot be parsed",
        stage: "ruff",
        project: "alpha",
        plant: |it| it.write(EXTRA, "\"\"\"Planted.\"\"\"\n\n\ndef broken(:\n    pass\n"),
        outcome: "failure",
        file: Some(EXTRA),
        line: Some(4),
        says: "invalid-syntax",
    },
    Planted {
        what: "a file that is not UTF-8",
        stage: "ruff",
        project: "alpha",
        plant: |it| it.write(EXTRA, b"\"\"\"Planted.\"\"\"\n\nx = \"\xe9\"\n"),
        outcome: "error",
        file: Some(EXTRA),
        line: Some(3),
        says: "is not UTF-8",
    },
    Planted {
        what: "a comment that silences a line without naming a rule",
        stage: "ruff",
        project: "alpha",
        plant: |it| it.write(EXTRA, "\"\"\"Planted.\"\"\"\n\nimport os  # noqa\n"),
        outcome: "failure",
        file: Some(EXTRA),
        line: Some(3),
        says: "F401",
    },
    Planted {
        what: "a comment that silences a file without naming a rule",
        stage: "ruff",
        project: "alpha",
        plant: |it| it.write(EXTRA, "# ruff: noqa\n\"\"\"Planted.\"\"\"\n\nimport os\n"),
        outcome: "failure",
        file: Some(EXTRA),
        line: Some(4),
        says: "F401",
    },
    Planted {
        what: "a comment that names its rule",
        stage: "ruff",
        project: "alpha",
        plant: |it| it.write(EXTRA, "\"\"\"Planted.\"\"\"\n\nimport os  # noqa: F401\n"),
        outcome: "skipped",
        file: Some(EXTRA),
        line: Some(3),
        says: "excepted in the source",
    },
    Planted {
        what: "a comment over many lines that names its rule",
        stage: "ruff",
        project: "alpha",
        plant: |it| {
            let text = "\"\"\"Planted.\"\"\"\n\n# ruff: disable[F821]\nprint(undefined)\n# ruff: enable[F821]\n";
            it.write(EXTRA, text);
        },
        outcome: "skipped",
        file: Some(EXTRA),
        line: Some(4),
        says: "excepted in the source",
    },
    Planted {
        what: "a comment that switches the formatter off",
        stage: "ruff",
        project: "alpha",
        plant: |it| it.write(EXTRA, "\"\"\"Planted.\"\"\"\n\n# fmt: off\nx=1\n# fmt: on\n"),
        outcome: "skipped",
        file: Some(EXTRA),
        line: Some(3),
        says: "the formatter leaves the next lines alone",
    },
    Planted {
        what: "a comment that switches the sorting of imports off",
        stage: "ruff",
        project: "alpha",
        plant: |it| {
            it.write(EXTRA, "# isort: skip_file\n\"\"\"Planted.\"\"\"\n\nimport sys\nimport os\n\nprint(sys, os)\n")
        },
        outcome: "skipped",
        file: Some(EXTRA),
        line: Some(1),
        says: "imports is not checked",
    },
    Planted {
        what: "a project that selects without the policy's families",
        stage: "ruff",
        project: "alpha",
        plant: |it| {
            it.replace(
                MANIFEST,
                "[tool.ruff.lint.isort]",
                "[tool.ruff.lint]\nselect = [\"F\"]\n\n[tool.ruff.lint.isort]",
            )
        },
        outcome: "failure",
        file: Some(MANIFEST),
        line: Some(18),
        says: "`select` leaves out D, I of the policy",
    },
    Planted {
        what: "a project that ignores a family",
        stage: "ruff",
        project: "alpha",
        plant: |it| it.append(MANIFEST, "\n[tool.ruff.lint]\nextend-ignore = [\"D\"]\n"),
        outcome: "failure",
        file: Some(MANIFEST),
        line: Some(21),
        says: "`extend-ignore` takes D of the policy away",
    },
    Planted {
        what: "a project that ignores a family in its tests",
        stage: "ruff",
        project: "alpha",
        plant: |it| it.append(MANIFEST, "\n[tool.ruff.lint.per-file-ignores]\n\"tests/*\" = [\"D\"]\n"),
        outcome: "failure",
        file: Some(MANIFEST),
        line: Some(21),
        says: "for tests/*",
    },
    Planted {
        what: "a project that ignores one rule of the policy, and needs it",
        stage: "ruff",
        project: "alpha",
        plant: |it| {
            it.append(
                MANIFEST,
                "\n[tool.ruff.lint]\nignore = [\"F401\"]\nper-file-ignores = {\"*.py\" = [\"F401\"]}\n",
            );
            it.write(EXTRA, "\"\"\"Planted.\"\"\"\n\nimport os\n");
        },
        outcome: "failure",
        file: Some(EXTRA),
        line: Some(3),
        says: "F401",
    },
    Planted {
        what: "a project that excludes its sources",
        stage: "ruff",
        project: "alpha",
        plant: |it| {
            it.replace(MANIFEST, "extend = ", "exclude = [\"src\"]\nforce-exclude = true\nextend = ");
            it.append(MANIFEST, "\n[tool.ruff.lint]\nexclude = [\"*.py\"]\n[tool.ruff.format]\nexclude = [\"*.py\"]\n");
            it.write(EXTRA, "\"\"\"Planted.\"\"\"\n\nimport os\n");
        },
        outcome: "failure",
        file: Some(EXTRA),
        line: Some(3),
        says: "F401",
    },
    Planted {
        what: "a nested ruff.toml without the policy's families",
        stage: "ruff",
        project: "alpha",
        plant: |it| it.write("projects/alpha/src/alpha/ruff.toml", "[lint]\nselect = []\n"),
        outcome: "failure",
        file: Some("projects/alpha/src/alpha/ruff.toml"),
        line: Some(2),
        says: "`select` leaves out D, I, F of the policy",
    },
    Planted {
        what: "a ruff.toml beside the manifest and one at the root that exclude everything",
        stage: "ruff",
        project: "alpha",
        plant: |it| {
            it.write("projects/alpha/.ruff.toml", "exclude = [\"*\"]\n");
            it.write("ruff.toml", "exclude = [\"*\"]\n[lint]\nselect = []\n");
            it.write(EXTRA, "\"\"\"Planted.\"\"\"\n\nimport os\n");
        },
        outcome: "failure",
        file: Some(EXTRA),
        line: Some(3),
        says: "F401",
    },
    Planted {
        what: "a ruff.toml that is no TOML",
        stage: "ruff",
        project: "alpha",
        plant: |it| it.write("projects/alpha/ruff.toml", "line-length = 88\nselect = [\n"),
        outcome: "failure",
        file: Some("projects/alpha/ruff.toml"),
        line: None,
        says: "is no valid TOML",
    },
    Planted {
        what: "a selector that ruff does not know: nobody else's error",
        stage: "ruff",
        project: "alpha",
        plant: |it| it.append(MANIFEST, "\n[tool.ruff.lint]\nextend-select = [\"XYZ999\"]\n"),
        outcome: "error",
        file: None,
        line: None,
        says: "XYZ999",
    },
    Planted {
        what: "a rule that the project adds",
        stage: "ruff",
        project: "alpha",
        plant: |it| {
            it.append(MANIFEST, "\n[tool.ruff.lint]\nextend-select = [\"B006\"]\n");
            let text = "\"\"\"Planted.\"\"\"\n\n\ndef f(x: list[int] = []) -> list[int]:\n    \"\"\"Returns it.\"\"\"\n    return x\n";
            it.write(EXTRA, text);
        },
        outcome: "failure",
        file: Some(EXTRA),
        line: Some(4),
        says: "B006",
    },
    Planted {
        what: "a file in a directory that ruff leaves out by itself, with spaces and letters outside ASCII in its path",
        stage: "ruff",
        project: "alpha",
        plant: |it| it.write("projects/alpha/node_modules/mit leer/größe.py", "\"\"\"Planted.\"\"\"\n\nimport os\n"),
        outcome: "failure",
        file: Some("projects/alpha/node_modules/mit leer/größe.py"),
        line: Some(3),
        says: "F401",
    },
    Planted {
        what: "syntax of a newer Python, which the project asks for",
        stage: "ruff",
        project: "alpha",
        plant: |it| {
            it.replace(MANIFEST, ">=3.11", ">=3.12");
            it.write(EXTRA, "\"\"\"Planted.\"\"\"\n\ntype Names = list[str]\n");
        },
        outcome: "success",
        file: None,
        line: None,
        says: "3 files linted and formatted",
    },
];

/// A notebook of two cells; the second has this as its second row, on line 12 of the file.
fn notebook(row: &str) -> String {
    let row = row.replace('"', "\\\"");
    format!(
        "{{\n \"cells\": [\n  {{\"cell_type\": \"markdown\", \"id\": \"a\", \"metadata\": {{}},\n   \"source\": [\"# Title\"]}},\n  \
         {{\n   \"cell_type\": \"code\", \"execution_count\": null, \"id\": \"b\", \"metadata\": {{}},\n   \"outputs\": [],\n   \
         \"source\": [\n    \"x = 1\\n\",\n    \"y = 2\\n\",\n    \"z = 3\\n\",\n    \"{row}\"\n   ]\n  }}\n ],\n \
         \"metadata\": {{\"language_info\": {{\"name\": \"python\"}}}},\n \"nbformat\": 4,\n \"nbformat_minor\": 5\n}}\n"
    )
}

const RADON: &[Planted] = &[
    Planted {
        what: "a function of rank C",
        stage: "radon",
        project: "alpha",
        plant: |it| it.write(EXTRA, format!("\"\"\"Planted.\"\"\"\n{}", branches("f(word)", "", 11))),
        outcome: "failure",
        file: Some(EXTRA),
        line: Some(2),
        says: "function f has cyclomatic complexity 11, rank C; the worst that passes is B",
    },
    Planted {
        what: "a function of rank B",
        stage: "radon",
        project: "alpha",
        plant: |it| it.write(EXTRA, format!("\"\"\"Planted.\"\"\"\n{}", branches("f(word)", "", 10))),
        outcome: "success",
        file: None,
        line: None,
        says: "3 modules and 5 blocks measured",
    },
    Planted {
        what: "a method of rank C in a class within a class",
        stage: "radon",
        project: "alpha",
        plant: |it| {
            let small = "    def a(self):\n        pass\n\n".repeat(4);
            let method = branches("m(self, word)", "        ", 12);
            it.write(EXTRA, format!("class Outer:\n{small}    class Inner:\n{method}"));
        },
        outcome: "failure",
        file: Some(EXTRA),
        line: Some(15),
        says: "method Outer.Inner.m has cyclomatic complexity 12",
    },
    Planted {
        what: "a module of rank B",
        stage: "radon",
        project: "alpha",
        plant: |it| {
            let line = "    a = (a + b) * (c - d) / (e + f) - (a * b + c * d) % (e - f + 1)\n";
            let one = |n: usize| format!("def f{n}(a, b, c, d, e, f):\n{}    return a\n", line.repeat(30));
            it.write(EXTRA, (0..20).map(one).collect::<String>());
        },
        outcome: "failure",
        file: Some(EXTRA),
        line: Some(1),
        says: "maintainability index",
    },
    Planted {
        what: "a file that cannot be parsed",
        stage: "radon",
        project: "alpha",
        plant: |it| it.write(EXTRA, "\"\"\"Planted.\"\"\"\n\n\ndef broken(:\n    pass\n"),
        outcome: "error",
        file: Some(EXTRA),
        line: Some(4),
        says: "invalid syntax",
    },
    Planted {
        what: "a file with a null byte",
        stage: "radon",
        project: "alpha",
        plant: |it| it.write(EXTRA, "x = 1\n\0\n"),
        outcome: "error",
        file: Some(EXTRA),
        line: None,
        says: "null bytes",
    },
    Planted {
        what: "a file that is not UTF-8",
        stage: "radon",
        project: "alpha",
        plant: |it| it.write(EXTRA, b"x = 1\ny = '\xff'\n"),
        outcome: "error",
        file: Some(EXTRA),
        line: Some(2),
        says: "is not UTF-8",
    },
    Planted {
        what: "a byte order mark, which Python reads past",
        stage: "radon",
        project: "alpha",
        plant: |it| it.write(EXTRA, "\u{feff}x = 1\n"),
        outcome: "success",
        file: None,
        line: None,
        says: "3 modules",
    },
    Planted {
        what: "a function of rank C in a directory whose name begins with a dot",
        stage: "radon",
        project: "alpha",
        plant: |it| it.write("projects/alpha/.tools/deep.py", branches("f(word)", "", 11)),
        outcome: "failure",
        file: Some("projects/alpha/.tools/deep.py"),
        line: Some(1),
        says: "rank C",
    },
    Planted {
        what: "configuration files that exclude everything",
        stage: "radon",
        project: "alpha",
        plant: |it| {
            for dir in ["", "projects/alpha/", "projects/alpha/src/alpha/"] {
                it.write(&format!("{dir}radon.cfg"), "[radon]\nexclude = *\ncc_min = F\nmi_min = C\n");
                it.write(&format!("{dir}setup.cfg"), "[radon]\nexclude = *\ncc_min = F\n");
            }
            it.append(MANIFEST, "\n[tool.radon]\nexclude = \"*\"\ncc_min = \"F\"\n");
            it.write(EXTRA, branches("f(word)", "", 11));
        },
        outcome: "failure",
        file: Some(EXTRA),
        line: Some(1),
        says: "rank C",
    },
    Planted {
        what: "a test with many assertions, which are no branches there",
        stage: "radon",
        project: "alpha",
        plant: |it| {
            let text = format!("def test_it():\n{}", "    assert 1 == 1\n".repeat(30));
            it.write("projects/alpha/tests/test_more.py", text);
        },
        outcome: "success",
        file: None,
        line: None,
        says: "3 modules",
    },
    Planted {
        what: "as many assertions in the code",
        stage: "radon",
        project: "alpha",
        plant: |it| it.write(EXTRA, format!("def f():\n{}", "    assert 1 == 1\n".repeat(30))),
        outcome: "failure",
        file: Some(EXTRA),
        line: Some(1),
        says: "rank E",
    },
    Planted {
        what: "an override that is no rank",
        stage: "radon",
        project: "alpha",
        plant: |it| {
            let text = "\n[[tool.xtask.override]]\nsetting = \"radon.complexity\"\nvalue = \"Z\"\nreason = \"x\"\n";
            it.append(MANIFEST, text);
        },
        outcome: "error",
        file: None,
        line: None,
        says: "radon.complexity is a rank from A to F, not Z",
    },
];

const BANDIT: &[Planted] = &[
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
        what: "a file that cannot be parsed",
        stage: "bandit",
        project: "alpha",
        plant: |it| it.write(EXTRA, "def broken(:\n    pass\n"),
        outcome: "error",
        file: Some(EXTRA),
        line: None,
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

const SEMGREP: &[Planted] = &[
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

#[test]
fn ruff() {
    check_planted(RUFF);
}

#[test]
fn radon() {
    check_planted(RADON);
}

#[test]
fn bandit() {
    check_planted(BANDIT);
}

#[test]
fn semgrep() {
    check_planted(SEMGREP);
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
