//! Planted mistakes: license-check.

use super::{GPL, MANIFEST, MIT, develops_with, offers, ships, sources, vendor};
use crate::support::{Planted, Sandbox, check_planted};

/// Alpha ships something without a licence, and this is recorded about it.
fn decided(sandbox: &Sandbox, more: &str) {
    ships(sandbox, "odd", "");
    let decision = "\n[[decision]]\npackage = \"Odd\"\nlicense = \"BSD-3-Clause\"\nowner = \"legal@example.org\"\n\
                    reason = \"the file LICENSE says so\"\n";
    sandbox.append("ci/licenses.toml", &format!("{decision}{more}\n"));
}

const LOCK: Option<&str> = Some("projects/alpha/uv.lock");

const fn licence(what: &'static str, plant: fn(&Sandbox), outcome: &'static str, says: &'static str) -> Planted {
    let file = if outcome.as_bytes()[0] == b'f' { LOCK } else { None };
    Planted { what, stage: "license-check", project: "alpha", plant, outcome, file, line: None, says }
}

/// Alpha offers something under the GPL in an extra that cannot be installed beside another.
fn conflicting(sandbox: &Sandbox) {
    vendor(sandbox, "odd", GPL);
    let dependencies = "dependencies = [\"idna==3.7\"]";
    let extras = "[project.optional-dependencies]\nnew = [\"packaging==24.0\"]\nold = [\"odd\", \"packaging==23.2\"]";
    sandbox.replace(MANIFEST, dependencies, &format!("{dependencies}\n\n{extras}"));
    sandbox.append(MANIFEST, "\n[tool.uv]\nconflicts = [[{ extra = \"new\" }, { extra = \"old\" }]]\n");
    sources(sandbox, &["odd"]);
}

#[test]
fn licences_that_ship() {
    check_planted(&[
        licence("nothing", |_| {}, "success", "idna 3.7: BSD-3-Clause"),
        Planted {
            line: Some(29),
            ..licence("GPL that ships", |it| ships(it, "odd", GPL), "failure", "odd 1.0 is under GPL-3.0-or-later")
        },
        licence("GPL in an extra", |it| offers(it, "odd", GPL), "failure", "GPL-3.0-or-later is not on the list"),
        licence(
            "GPL in an extra that conflicts with another",
            conflicting,
            "failure",
            "odd 1.0 is under GPL-3.0-or-later",
        ),
        licence(
            "GPL on another platform: it is named as not looked at",
            |it| {
                vendor(it, "odd", GPL);
                it.replace(MANIFEST, "\"idna==3.7\"", "\"idna==3.7\", \"odd ; sys_platform == 'win32'\"");
                sources(it, &["odd"]);
            },
            "success",
            "idna 3.7: BSD-3-Clause",
        ),
        licence(
            "a whole GPL text beside another classifier",
            |it| {
                let text: String = (1..9).map(|it| format!("        line {it}\n")).collect();
                let mit = "Classifier: License :: OSI Approved :: MIT License\n";
                ships(it, "odd", &format!("License: GNU GENERAL PUBLIC LICENSE\n{text}{mit}"));
            },
            "failure",
            "says more than its classifiers",
        ),
        licence("GPL in a dependency group", |it| develops_with(it, "odd", GPL), "success", "idna 3.7: BSD-3-Clause"),
        licence(
            "GPL behind another",
            |it| {
                vendor(it, "odd", GPL);
                vendor(it, "outer", &format!("{MIT}Requires-Dist: odd\n"));
                it.replace(MANIFEST, "\"idna==3.7\"", "\"idna==3.7\", \"outer\"");
                sources(it, &["outer", "odd"]);
            },
            "failure",
            "(through outer)",
        ),
        licence("GPL by its old name", |it| ships(it, "odd", "License: GPL-3.0\n"), "failure", "GPL-3.0-only"),
        licence(
            "one branch is allowed",
            |it| ships(it, "odd", "License-Expression: GPL-3.0-or-later OR MIT\n"),
            "success",
            "odd 1.0: GPL-3.0-or-later OR MIT",
        ),
        licence(
            "both are needed",
            |it| ships(it, "odd", "License-Expression: MIT AND GPL-3.0-only\n"),
            "failure",
            "GPL-3.0-only is not on the list",
        ),
        licence(
            "two classifiers",
            |it| {
                let mit = "Classifier: License :: OSI Approved :: MIT License\n";
                let gpl = "Classifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)\n";
                ships(it, "odd", &format!("{mit}{gpl}"));
            },
            "failure",
            "GPL-3.0-only AND MIT",
        ),
        licence(
            "a classifier alone",
            |it| ships(it, "odd", "Classifier: License :: OSI Approved :: MIT License\n"),
            "success",
            "odd 1.0: MIT",
        ),
        licence(
            "a name that pip-licenses leaves out by itself",
            |it| ships(it, "prettytable", GPL),
            "failure",
            "prettytable 1.0 is under GPL-3.0-or-later",
        ),
        licence(
            "no licence",
            |it| ships(it, "odd", ""),
            "failure",
            "[[decision]]\npackage = \"odd\"\nversion = \"1.0\"",
        ),
        licence("the word UNKNOWN", |it| ships(it, "odd", "License: UNKNOWN\n"), "failure", "names no licence"),
        licence(
            "proprietary",
            |it| ships(it, "odd", "Classifier: License :: Other/Proprietary License\n"),
            "failure",
            "proprietary",
        ),
    ]);
}

#[test]
fn recorded_decisions() {
    check_planted(&[
        licence("one that holds", |it| decided(it, ""), "success", "odd 1.0: BSD-3-Clause (decided by legal@"),
        licence("until a day to come", |it| decided(it, "expires = 2999-12-31"), "success", "odd 1.0: BSD-3-Clause"),
        licence("expired", |it| decided(it, "expires = 2020-01-31"), "failure", "expired on 2020-01-31"),
        licence("another version", |it| decided(it, "version = \"0.9\""), "failure", "is about version 0.9"),
        licence(
            "a licence that is not on the list is an exception, and shown",
            |it| {
                decided(it, "");
                it.replace(
                    "ci/licenses.toml",
                    "license = \"BSD-3-Clause\"\nowner",
                    "license = \"GPL-3.0-only\"\nowner",
                );
            },
            "skipped",
            "decided by legal@example.org",
        ),
    ]);
}

#[test]
fn a_licence_policy_that_cannot_be_read_is_an_error() {
    for (text, words) in [("allow = [\"MTI\"]\n", "`MTI`"), ("allow = [", "not valid")] {
        let sandbox = Sandbox::new();
        sandbox.write("ci/licenses.toml", text);
        let ran = sandbox.xtask(&["stage", "license-check", "--project", "beta"]);
        assert!(ran.code == 2 && ran.all().contains(words), "{}", ran.all());
    }
}

#[test]
fn local_packages_are_left_out_and_the_table_is_left() {
    let sandbox = Sandbox::in_directory("a repo, mit Ümläuten");
    sandbox.replace(MANIFEST, "license = \"MIT\"", "license = \"GPL-3.0-only\"");
    let ran = sandbox.xtask(&["stage", "license-check", "--project", "gamma"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    let names: Vec<String> = sandbox.junit("gamma", "license-check").into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["idna 3.7: BSD-3-Clause"]);
    let table = sandbox.read("target/ci/reports/gamma/licenses.json");
    assert!(table.contains("\"through\"") && table.contains("\"alpha\""), "{table}");
}
