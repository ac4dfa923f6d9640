//! What a licence text amounts to, and where an entry of a lock is.

use super::policy::{Declared, Judged, Policy};
use super::{line_of, needed_everywhere, ways};
use crate::lock::Lock;

const POLICY: &str = r#"
allow = ["MIT", "Apache-2.0", "BSD-3-Clause", "MPL-2.0", "LGPL-3.0-or-later"]

[alias]
"BSD License" = "BSD-3-Clause"
"MIT License" = "MIT"
"Apache Software License" = "Apache-2.0"
"GNU General Public License v3 (GPLv3)" = "GPL-3.0-only"
"GNU General Public License v3 or later (GPLv3+)" = "GPL-3.0-or-later"
"#;

/// What an expression, the classifiers and a free text amount to.
fn judged(expression: &str, classifiers: &str, text: &str) -> String {
    let policy = Policy::parse("ci/licenses.toml".into(), POLICY).expect("a valid policy");
    let declared = Declared {
        name: "x".to_owned(),
        version: "1".to_owned(),
        expression: expression.to_owned(),
        classifiers: classifiers.to_owned(),
        text: text.to_owned(),
    };
    match policy.judge(&declared) {
        Judged::Allowed(expression) => format!("ok {expression}"),
        Judged::Refused(expression, refused) => format!("{expression} refused for {}", refused.join(", ")),
        Judged::Unknown(why) => format!("unknown: {why}"),
    }
}

const NO: &str = "UNKNOWN";

#[test]
fn expressions() {
    assert_eq!(judged("MIT", "GNU General Public License v3 (GPLv3)", "GPL"), "ok MIT");
    assert_eq!(judged("mit or GPL-3.0-or-later", NO, NO), "ok MIT OR GPL-3.0-or-later");
    assert_eq!(judged("GPL-3.0-or-later OR MIT", NO, NO), "ok GPL-3.0-or-later OR MIT");
    assert_eq!(judged("MIT AND GPL-2.0-only", NO, NO), "MIT AND GPL-2.0-only refused for GPL-2.0-only");
    assert_eq!(judged("(MIT OR GPL-2.0-only) AND Apache-2.0", NO, NO), "ok (MIT OR GPL-2.0-only) AND Apache-2.0");
    assert_eq!(judged("MIT/Apache-2.0", NO, NO), "ok MIT OR Apache-2.0");
    assert_eq!(judged("Apache-2.0 WITH LLVM-exception", NO, NO), "ok Apache-2.0 WITH LLVM-exception");
    assert_eq!(
        judged("GPL-2.0-only WITH Classpath-exception-2.0", NO, NO),
        "GPL-2.0-only WITH Classpath-exception-2.0 refused for GPL-2.0-only WITH Classpath-exception-2.0"
    );
    assert_eq!(
        judged("MIT WITH AdditionRef-Commons-Clause", NO, NO),
        "MIT WITH AdditionRef-Commons-Clause refused for MIT WITH AdditionRef-Commons-Clause"
    );
    assert_eq!(judged("LicenseRef-Proprietary", NO, NO), "LicenseRef-Proprietary refused for LicenseRef-Proprietary");
    assert_eq!(judged("MIT-ish", NO, NO), "unknown: its License-Expression `MIT-ish` is no SPDX expression");
}

#[test]
fn old_spellings() {
    assert_eq!(judged("GPL-3.0", NO, NO), "GPL-3.0-only refused for GPL-3.0-only");
    assert_eq!(judged("GPL-3.0+", NO, NO), "GPL-3.0-or-later refused for GPL-3.0-or-later");
    assert_eq!(judged("LGPL-3.0+", NO, NO), "ok LGPL-3.0-or-later");
    assert_eq!(judged("LGPL-3.0-only", NO, NO), "LGPL-3.0-only refused for LGPL-3.0-only");
    assert_eq!(judged(NO, NO, "gnu gpl v2"), "unknown: its License field `gnu gpl v2` names no licence known here");
}

#[test]
fn classifiers_and_texts() {
    assert_eq!(judged(NO, "BSD License", NO), "ok BSD-3-Clause");
    assert_eq!(judged(NO, "MIT License; BSD License", NO), "ok BSD-3-Clause AND MIT");
    assert_eq!(
        judged(NO, "MIT License; GNU General Public License v3 (GPLv3)", NO),
        "GPL-3.0-only AND MIT refused for GPL-3.0-only"
    );
    // The text says how two classifiers go together.
    assert_eq!(
        judged(NO, "MIT License; GNU General Public License v3 or later (GPLv3+)", "MIT OR GPL-3.0-or-later"),
        "ok MIT OR GPL-3.0-or-later"
    );
    // It does not when it leaves one of them out.
    assert_eq!(
        judged(NO, "GNU General Public License v3 (GPLv3)", "MIT OR Apache-2.0"),
        "GPL-3.0-only AND (MIT OR Apache-2.0) refused for GPL-3.0-only"
    );
    assert_eq!(judged(NO, "MIT License", "GPL-3.0"), "GPL-3.0-only AND MIT refused for GPL-3.0-only");
    assert_eq!(
        judged(NO, "BSD License", "Copyright (c) 2020 Somebody\n\nAll rights\nreserved.\nNo GPL.\n"),
        "ok BSD-3-Clause"
    );
    assert_eq!(
        judged(NO, "MIT License", "MIT, or a commercial licence"),
        "unknown: its License field `MIT, or a commercial licence` says more than its classifiers"
    );
    assert_eq!(
        judged(NO, "MIT License; Other/Proprietary License", "MIT"),
        "unknown: its classifier `License :: Other/Proprietary License` names no licence known here"
    );
    assert_eq!(judged(NO, NO, "  mit   LICENSE "), "ok MIT");
    assert_eq!(judged(NO, NO, NO), "unknown: its metadata names no licence");
    assert_eq!(judged("", "", ""), "unknown: its metadata names no licence");
}

#[test]
fn a_policy_that_is_wrong_is_refused() {
    let refused = |text: &str, words: &str| {
        let error = Policy::parse("ci/licenses.toml".into(), text).expect_err(text);
        assert!(format!("{error:#}").contains(words), "{error:#}");
    };
    refused("allow = ['MTI']", "`MTI`");
    refused("allow = []", "no licence at all");
    refused("allow = ['MIT']\n[alias]\nbsd = 'BSDish'", "\"bsd\"");
    refused("allow = ['MIT']\nalow = []", "alow");
    let decision = "allow = ['MIT']\n[[decision]]\npackage = 'a'\nlicense = 'MIT'\n";
    refused(&format!("{decision}owner = 'me'\nreason = ' '"), "empty `reason`");
    refused(&format!("{decision}reason = 'because'"), "owner");
    refused(&format!("{decision}owner = 'me'\nreason = 'because'\nexpires = 10:00:00"), "is a date");
}

const LOCK: &str = r#"version = 1

[[package]]
name = "app"
version = "1"
source = { editable = "." }
dependencies = [{ name = "lib", extra = ["fast"] }, { name = "tzdata", marker = "sys_platform == 'win32'" }]

[package.optional-dependencies]
yaml = [{ name = "pyyaml" }]

[package.dev-dependencies]
dev = [{ name = "gpl-tool" }]

[[package]]
name = "gpl-tool"
version = "9"

[[package]]
name = "lib"
version = "2"

[package.optional-dependencies]
fast = [{ name = "speedup" }]
slow = [{ name = "snail" }]

[[package]]
name = "pyyaml"
version = "6"

[[package]]
name = "snail"
version = "1"

[[package]]
name = "speedup"
version = "2"

[[package]]
name = "speedup"
version = "3"

[[package]]
name = "tzdata"
version = "2025.1"
"#;

#[test]
fn entries_of_a_lock() {
    assert_eq!(line_of(LOCK, "gpl-tool", "9"), Some(15));
    assert_eq!(line_of(LOCK, "speedup", "3"), Some(39));
    assert_eq!(line_of(LOCK, "speedup", "2"), Some(35));
    assert_eq!(line_of(LOCK, "absent", "2"), None);
}

#[test]
fn what_ships_by_the_lock() {
    let lock = Lock::parse("uv.lock".into(), LOCK).expect("a valid lock");
    let needed = |extras: &[&str]| {
        let extras: Vec<String> = extras.iter().map(|it| (*it).to_owned()).collect();
        needed_everywhere(&lock, "app", &extras).into_iter().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(needed(&["--all-extras"]), "lib pyyaml speedup");
    assert_eq!(needed(&["--extra", "other"]), "lib speedup");
    assert_eq!(ways(&lock, "app")["speedup"], ["app", "lib", "speedup"]);
}
