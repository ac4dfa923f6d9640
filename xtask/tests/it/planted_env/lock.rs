//! Planted mistakes: lock.

use crate::support::{Planted, Sandbox, check_planted, finish};

/// What `alpha` needs, with one more.
fn add_dependency(it: &Sandbox, project: &str, from: &str, to: &str) {
    it.replace(&format!("projects/{project}/pyproject.toml"), from, to);
}

#[test]
fn planted() {
    check_planted(&[
        Planted {
            what: "a dependency is added and the lock is not renewed",
            stage: "lock",
            project: "alpha",
            plant: |it| add_dependency(it, "alpha", "\"idna==3.7\"", "\"idna==3.7\", \"packaging\""),
            outcome: "failure",
            file: Some("projects/alpha/uv.lock"),
            line: Some(1),
            says: "uv lock --project projects/alpha",
        },
        Planted {
            what: "the library's own lock is renewed, that of its dependant is not",
            stage: "lock",
            project: "alpha",
            plant: |it| {
                add_dependency(it, "alpha", "\"idna==3.7\"", "\"idna==3.7\", \"packaging\"");
                it.uv(&["lock", "--project", "projects/alpha"]);
            },
            outcome: "failure",
            file: Some("projects/gamma/uv.lock"),
            line: Some(1),
            says: "uv lock --project projects/gamma",
        },
        Planted {
            what: "no version satisfies a requirement",
            stage: "lock",
            project: "alpha",
            plant: |it| add_dependency(it, "alpha", "\"idna==3.7\"", "\"idna==3.7\", \"packaging>=9999\""),
            outcome: "failure",
            file: Some("projects/alpha/uv.lock"),
            line: Some(1),
            says: "unsatisfiable",
        },
        Planted {
            what: "the path of a local dependency is wrong",
            stage: "lock",
            project: "gamma",
            plant: |it| it.replace("projects/gamma/pyproject.toml", "\"../alpha\"", "\"../alfa\""),
            outcome: "failure",
            file: Some("projects/gamma/uv.lock"),
            line: Some(1),
            says: "missing-path",
        },
        Planted {
            what: "git ignores the lock",
            stage: "lock",
            project: "alpha",
            plant: |it| {
                it.append(".gitignore", "projects/alpha/uv.lock\n");
                it.git(&["rm", "-q", "--cached", "projects/alpha/uv.lock"]);
            },
            outcome: "failure",
            file: Some("projects/alpha/uv.lock"),
            line: Some(1),
            says: "git ignores this lock",
        },
    ]);
}

#[test]
fn exactly_the_stale_project_turns_red() {
    let sandbox = Sandbox::new();
    add_dependency(&sandbox, "alpha", "\"idna==3.7\"", "\"idna==3.7\", \"packaging\"");
    sandbox.uv(&["lock", "--project", "projects/alpha"]);
    let ran = sandbox.xtask(&["stage", "lock"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    let outcomes = |project: &str| sandbox.junit(project, "lock").iter().map(|it| it.outcome).collect::<Vec<_>>();
    assert_eq!(outcomes("alpha"), ["success"]);
    assert_eq!(outcomes("beta"), ["success"]);
    assert_eq!(outcomes("gamma"), ["failure"]);
    assert_eq!(sandbox.git(&["status", "--porcelain", "projects/gamma"]), "");
}

#[test]
fn an_index_out_of_reach_is_an_error_and_no_finding() {
    let sandbox = Sandbox::new();
    add_dependency(&sandbox, "alpha", "\"idna==3.7\"", "\"idna==3.7\", \"packaging\"");
    let cache = sandbox.root.join("target/no-cache");
    let mut command = sandbox.command(&["stage", "lock", "--project", "alpha"]);
    command.env("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple").env("UV_CACHE_DIR", cache.as_str());
    let ran = finish(&mut command);
    assert_eq!(ran.code, 2, "{}", ran.all());
    let case = &sandbox.junit("alpha", "lock")[0];
    assert_eq!(case.outcome, "error");
    assert!(case.text.contains("127.0.0.1:9"), "{case:?}");
}

#[test]
fn a_mirror_makes_no_lock_stale() {
    let sandbox = Sandbox::new();
    sandbox.append("ci/xtask.toml", "\n[mirrors]\npython-index = \"http://127.0.0.1:9/simple\"\n");
    let ran = sandbox.xtask(&["stage", "lock"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    add_dependency(&sandbox, "beta", "dependencies = []", "dependencies = [\"idna==3.7\"]");
    let ran = sandbox.xtask(&["stage", "lock", "--project", "alpha", "beta"]);
    assert_ne!(ran.code, 0, "{}", ran.all());
    assert!(sandbox.junit("alpha", "lock").iter().all(|it| it.outcome == "success"), "{}", ran.all());
}

#[test]
fn a_lock_of_a_later_format_is_an_error_with_its_place() {
    let sandbox = Sandbox::new();
    sandbox.replace("projects/alpha/uv.lock", "version = 1\n", "version = 99\n");
    let ran = sandbox.xtask(&["stage", "lock", "sbom", "--project", "alpha", "beta"]);
    assert_eq!(ran.code, 2, "{}", ran.all());
    let case = &sandbox.junit("alpha", "lock")[0];
    assert_eq!((case.outcome, case.file.as_deref()), ("error", Some("projects/alpha/uv.lock")), "{case:?}");
    let case = &sandbox.junit("alpha", "sbom")[0];
    assert!(case.message.contains("unsupported schema version"), "the reason is in the first line: {case:?}");
    assert!(sandbox.junit("beta", "lock").iter().all(|it| it.outcome == "success"));
}
