//! Rules that take nothing or too much, exceptions in force, exceptions that do nothing any more.

use super::{NOTE, Row, SERIOUS, WARNING, check, clean, findings};
use crate::support::Sandbox;

const ALPHA: &str = "projects/alpha/pyproject.toml";

/// The beginning of an override.
const OVERRIDE: &str = "\n[[tool.xtask.override]]\nsetting = \"pytest.coverage\"\nreason = \"generated\"\nvalue = ";

#[test]
fn rules_and_exceptions_in_force() {
    check(&[
        Row {
            what: "a rule that takes nothing",
            plant: |it| it.append("ci/xtask.toml", "\n[[no-input]]\npaths = [\"old/**\"]\nreason = \"old\"\n"),
            check: "rules",
            severity: NOTE,
            place: ("ci/xtask.toml", "[[no-input]]"),
            says: "no file outside the projects matches this rule: old/**",
            fix: "take the rule out",
        },
        Row {
            what: "an input by hand that is not there",
            plant: |it| it.append(ALPHA, "\n[tool.xtask]\ninputs = [\"../../schema/*.json\"]\n"),
            check: "rules",
            severity: WARNING,
            place: (ALPHA, "inputs = "),
            says: "`../../schema/*.json` in `inputs` of `alpha` names no file",
            fix: "correct it",
        },
        Row {
            what: "an override in force",
            plant: |it| it.append(ALPHA, &format!("{OVERRIDE}60\n")),
            check: "exceptions",
            severity: NOTE,
            place: (ALPHA, "[[tool.xtask.override]]"),
            says: "`alpha` has pytest.coverage = 60 instead of 75.0: generated",
            fix: "",
        },
        Row {
            what: "a waiver in force",
            plant: |it| waiver(it, "2999-12-31", ""),
            check: "exceptions",
            severity: NOTE,
            place: ("ci/xtask.toml", "[[waiver]]"),
            says: "the waiver of bandit B310 by a@b holds until 2999-12-31: because",
            fix: "",
        },
    ]);
    check(&[Row {
        what: "a rule that takes everything",
        plant: |it| it.replace("ci/xtask.toml", "[\"docs/**\"]", "[\"**\"]"),
        check: "rules",
        severity: SERIOUS,
        place: ("ci/xtask.toml", "[[no-input]]"),
        says: "`**` takes every path",
        fix: "name the paths",
    }]);
}

#[test]
fn exceptions_that_do_nothing() {
    check(&[
        Row {
            what: "an override that changes nothing",
            plant: |it| it.append(ALPHA, &format!("{OVERRIDE}75\n")),
            check: "exceptions",
            severity: WARNING,
            place: (ALPHA, "[[tool.xtask.override]]"),
            says: "which holds anyway",
            fix: "take the override out",
        },
        Row {
            what: "a waiver that has expired",
            plant: |it| waiver(it, "2020-01-01", ""),
            check: "exceptions",
            severity: WARNING,
            place: ("ci/xtask.toml", "[[waiver]]"),
            says: "has expired on 2020-01-01",
            fix: "new `expires`",
        },
    ]);
    check(&[Row {
        what: "a waiver for a project that is not there",
        plant: |it| waiver(it, "2999-12-31", "project = \"delta\"\n"),
        check: "exceptions",
        severity: WARNING,
        place: ("ci/xtask.toml", "[[waiver]]"),
        says: "no project is named delta",
        fix: "take it out",
    }]);
    check(&[Row {
        what: "a waiver for a file that is not there",
        plant: |it| waiver(it, "2999-12-31", "path = \"projects/alpha/src/old.py\"\n"),
        check: "exceptions",
        severity: WARNING,
        place: ("ci/xtask.toml", "[[waiver]]"),
        says: "no file is projects/alpha/src/old.py",
        fix: "take it out",
    }]);
    check(&[Row {
        what: "a waiver for a package that nobody has",
        plant: |it| waiver(it, "2999-12-31", "package = \"urllib3\"\n"),
        check: "exceptions",
        severity: WARNING,
        place: ("ci/xtask.toml", "[[waiver]]"),
        says: "has the package urllib3",
        fix: "take it out",
    }]);
}

fn waiver(it: &Sandbox, expires: &str, more: &str) {
    let text = format!(
        "\n[[waiver]]\nstage = \"bandit\"\nrule = \"B310\"\nowner = \"a@b\"\nreason = \"because\"\nexpires = {expires}\n{more}"
    );
    it.append("ci/xtask.toml", &text);
}

/// A waiver that ends soon, by today's date.
#[test]
fn a_waiver_that_ends_soon() {
    let sandbox = clean();
    let soon = xtask::waivers::in_days(9).to_string();
    waiver(&sandbox, &format!("{}-{}-{}", &soon[..4], &soon[4..6], &soon[6..]), "");
    let (_, found) = findings(&sandbox);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].1 == WARNING && found[0].3.contains("within two weeks"), "{found:#?}");
}
