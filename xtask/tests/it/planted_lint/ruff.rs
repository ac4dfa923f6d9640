//! Planted mistakes for ruff: findings, comments, and settings that would make it look away.

use super::{EXTRA, MANIFEST};
use crate::support::Planted;

pub const ROWS: &[Planted] = &[
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
        what: "a project that asks the formatter to leave quotes alone",
        stage: "ruff",
        project: "alpha",
        plant: |it| {
            it.append(MANIFEST, "\n[tool.ruff.format]\nquote-style = \"preserve\"\n");
            it.write(EXTRA, "\"\"\"Planted.\"\"\"\n\nX = 'a'\n");
        },
        outcome: "failure",
        file: Some(EXTRA),
        line: Some(3),
        says: "is not formatted",
    },
    Planted {
        what: "a file in a repository of its own that lies within the project",
        stage: "ruff",
        project: "alpha",
        plant: |it| {
            it.git(&["init", "-q", "projects/alpha/own"]);
            it.write("projects/alpha/own/a.py", "\"\"\"Planted.\"\"\"\n\nimport os\n");
        },
        outcome: "failure",
        file: Some("projects/alpha/own/a.py"),
        line: Some(3),
        says: "F401",
    },
    Planted {
        what: "a line break in the name of a file",
        stage: "ruff",
        project: "alpha",
        plant: |it| it.write("projects/alpha/src/alpha/a\nb.py", "\"\"\"Planted.\"\"\"\n"),
        outcome: "error",
        file: None,
        line: None,
        says: "control character in its name",
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
        what: "a notebook that says it is in another language",
        stage: "ruff",
        project: "alpha",
        plant: |it| {
            let text = notebook("print(undefined)").replace("\"name\": \"python\"", "\"name\": \"julia\"");
            it.write("projects/alpha/docs/show.ipynb", text);
        },
        outcome: "skipped",
        file: Some("projects/alpha/docs/show.ipynb"),
        line: None,
        says: "is written in julia, not in Python",
    },
    Planted {
        what: "an expression so deep that ruff crashes: nobody else's error",
        stage: "ruff",
        project: "alpha",
        plant: |it| it.write(EXTRA, format!("x = {}1\n", "1 + ".repeat(20_000))),
        outcome: "error",
        file: None,
        line: None,
        says: "signal",
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
