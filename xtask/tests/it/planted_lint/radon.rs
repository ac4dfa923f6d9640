//! Planted mistakes for radon.

use super::{EXTRA, MANIFEST, branches};
use crate::support::Planted;

pub const ROWS: &[Planted] = &[
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
];
