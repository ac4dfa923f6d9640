//! The conventions of this repository as tests; each message says the cure.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

/// Files longer than this hide an idea that wants a file of its own.
const FILE_LINES: usize = 400;
/// Functions longer than this do not fit on a screen.
const FUNCTION_LINES: usize = 70;

fn root() -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask has a parent").to_owned()
}

fn files_below(dir: &Utf8Path, extension: &str, found: &mut Vec<(Utf8PathBuf, String)>) {
    for entry in dir.read_dir_utf8().unwrap_or_else(|error| panic!("{dir}: {error}")) {
        let path = entry.expect("an entry").into_path();
        if path.is_dir() {
            files_below(&path, extension, found);
        } else if path.extension() == Some(extension) {
            let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
            found.push((path.strip_prefix(root()).expect("below the root").to_owned(), text));
        }
    }
}

fn rust_files() -> Vec<(Utf8PathBuf, String)> {
    let mut found = Vec::new();
    files_below(&root().join("xtask/src"), "rs", &mut found);
    files_below(&root().join("xtask/tests"), "rs", &mut found);
    assert!(found.len() > 20, "the sources were not found");
    found
}

#[test]
fn every_file_says_what_it_is_for() {
    for (path, text) in rust_files() {
        assert!(text.starts_with("//! "), "{path}: open the file with `//!`: what it is for and what it must not do");
    }
}

#[test]
fn files_and_functions_fit_a_reader() {
    for (path, text) in rust_files() {
        let lines = text.lines().count();
        // A table of planted mistakes, or of changes, is data, however long.
        let is_table = path.as_str().contains("/planted") || path.ends_with("it/affected.rs");
        assert!(
            is_table || lines <= FILE_LINES,
            "{path} has {lines} lines; find the idea that wants a file of its own"
        );
        let mut start: Option<(usize, usize, String)> = None;
        for (number, line) in text.lines().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let opens = line.contains("fn ") && line.trim_end().ends_with('{') && !line.trim_start().starts_with("//");
            if opens && start.is_none() {
                start = Some((number, indent, line.trim().to_owned()));
            } else if let Some((from, level, head)) = &start
                && indent == *level
                && line.trim() == "}"
            {
                let length = number - from + 1;
                assert!(
                    is_table || length <= FUNCTION_LINES,
                    "{path}:{}: `{head}` has {length} lines; split it",
                    from + 1
                );
                start = None;
            }
        }
    }
}

/// Effects stay at the ends: what each of these words may appear in.
#[test]
fn effects_stay_where_they_belong() {
    let allowed: &[(&str, &[&str])] = &[
        ("duct::", &["proc.rs"]),
        ("xshell::", &["proc.rs"]),
        ("process::Command", &["proc.rs"]),
        ("process::exit", &["main.rs"]),
        ("println!", &["main.rs", "live.rs"]),
    ];
    for (path, text) in rust_files().into_iter().filter(|(path, _)| path.starts_with("xtask/src")) {
        for (word, files) in allowed {
            let name = path.file_name().expect("a file has a name");
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            // As a word of its own: `product::` is no `duct::`.
            let is_used = |line: &str| {
                line.match_indices(word).any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric()))
            };
            let used = code.into_iter().any(is_used);
            assert!(!used || files.contains(&name), "{path} uses `{word}`, which belongs in {}", files.join(" or "));
        }
    }
}

/// Files that do no input or output: the plan, the verdicts, the reports, and what they are made of.
const PURE: &[&str] = &[
    "base.rs",
    "affected.rs",
    "around.rs",
    "audit/holes.rs",
    "difference.rs",
    "doctor.rs",
    "doctor/exceptions.rs",
    "doctor/locks.rs",
    "doctor/machine.rs",
    "doctor/needs.rs",
    "doctor/rules.rs",
    "doctor/view.rs",
    "emit.rs",
    "emit/adjust.rs",
    "emit/budget.rs",
    "emit/cache.rs",
    "emit/estimate.rs",
    "emit/fixed.rs",
    "emit/job.rs",
    "emit/names.rs",
    "emit/split.rs",
    "emit/units.rs",
    "emit/yaml.rs",
    "facts.rs",
    "facts/asks.rs",
    "facts/written.rs",
    "git/listed.rs",
    "graphview.rs",
    "handover.rs",
    "images.rs",
    "inputs.rs",
    "inputs/focus.rs",
    "locked.rs",
    "locked/blocks.rs",
    "locked/dirs.rs",
    "plan.rs",
    "place.rs",
    "planview.rs",
    "policy.rs",
    "reach.rs",
    "reads.rs",
    "ruby.rs",
    "rules.rs",
    "stages/undeclared/advice.rs",
    "side.rs",
    "side/links.rs",
    "side/needs.rs",
    "side/same.rs",
    "survey.rs",
    "survey/known.rs",
    "touched.rs",
    "threads.rs",
    "tree.rs",
    "tree/id.rs",
    "verdict.rs",
    "junit.rs",
    "junit/split.rs",
    "gitlab.rs",
    "gitlab/cobertura.rs",
    "gitlab/dependencies.rs",
    "gitlab/fit.rs",
    "gitlab/metrics.rs",
    "gitlab/print.rs",
    "gitlab/quality.rs",
    "gitlab/sast.rs",
    "gitlab/sbom.rs",
    "gitlab/security.rs",
    "verdict/particulars.rs",
    "recorded/unsteady.rs",
    "refuse.rs",
    "tools/stale.rs",
    "waivers.rs",
    "lock.rs",
    "manifest.rs",
    "names.rs",
    "packages.rs",
    "packages/backend.rs",
    "stages/bandit/asserts.rs",
    "stages/pytest/left_out.rs",
    "stages/pytest/root.rs",
    "suggest.rs",
    "lint.rs",
    "lint/child.rs",
    "lint/component.rs",
    "lint/extends.rs",
    "lint/lines.rs",
    "lint/names.rs",
    "lint/needs.rs",
    "lint/pipeline.rs",
    "lint/rules.rs",
    "lint/tree.rs",
    "lint/trigger.rs",
    "lint/values.rs",
    "lint/versions.rs",
    "lint/whole.rs",
    "init/beside.rs",
    "init/projects.rs",
    "survey/followed.rs",
];

/// The plan, the verdicts and the reports do no input or output.
#[test]
fn the_middle_is_pure() {
    for name in PURE {
        let path = root().join("xtask/src").join(name);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        for word in ["std::fs", "std::process", "crate::proc::", "std::net"] {
            let hit = text.lines().any(|line| line.contains(word) && !line.contains("proc::quote"));
            assert!(!hit, "{name} is pure, but uses `{word}`: move the effect to its caller");
        }
    }
}

#[test]
fn every_dependency_has_its_reason() {
    let text = std::fs::read_to_string(root().join("xtask/Cargo.toml")).expect("a manifest");
    let mut section = "";
    for line in text.lines() {
        if line.starts_with('[') {
            section = line;
        } else if section.contains("dependencies") && line.contains(" = ") {
            let reason = line.rsplit_once("# ").map_or("", |(_, reason)| reason);
            assert!(reason.len() > 10, "xtask/Cargo.toml: write the reason beside `{line}`");
        }
    }
}

/// What we ask of the Python projects holds for xtask as well: every crate's licence is on the list.
#[test]
fn the_licences_of_our_own_dependencies_are_allowed() {
    // Only the crates of this platform: those of others are not downloaded.
    let rustc = std::process::Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let rustc = String::from_utf8(rustc.stdout).expect("UTF-8");
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host");
    let options = ["--locked", "--offline", "--filter-platform", host];
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml").as_std_path().to_str().expect("a UTF-8 path"))
        .other_options(options.map(str::to_owned))
        .exec()
        .expect("cargo metadata runs offline once the tests are built");
    let policy = std::fs::read_to_string(root().join("ci/licenses.toml")).expect("the licence policy");
    let policy: toml::Table = toml::from_str(&policy).expect("valid TOML");
    let allowed: Vec<&str> =
        policy["allow"].as_array().expect("a list").iter().filter_map(toml::Value::as_str).collect();
    let mut refused = BTreeMap::new();
    for package in &metadata.packages {
        let text = package.license.as_deref().unwrap_or_default();
        let expression = spdx::Expression::parse_mode(text, spdx::ParseMode::LAX);
        let fine = expression
            .is_ok_and(|it| it.evaluate(|required| required.license.id().is_some_and(|id| allowed.contains(&id.name))));
        if !fine {
            refused.insert(package.name.to_string(), text.to_owned());
        }
    }
    assert!(refused.is_empty(), "not allowed by ci/licenses.toml: {refused:?}");
}
