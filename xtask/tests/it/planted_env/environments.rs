//! Planted mistakes: the environments.

use std::fs::File;

use crate::support::Sandbox;

const ALPHA: &str = "projects/alpha/src/alpha/__init__.py";

/// Changes `alpha` without a change of size or time.
fn change_alpha(sandbox: &Sandbox) {
    let path = sandbox.root.join(ALPHA);
    let time = path.metadata().and_then(|it| it.modified()).expect("a time");
    sandbox.replace(ALPHA, "return name.rstrip(\".\").split(\".\")", "return name.rstrip(\":\").split(\".\")");
    File::options().write(true).open(&path).and_then(|it| it.set_modified(time)).expect("the old time");
}

/// The dependant's test sees the code of today.
fn sees_the_change(sandbox: &Sandbox) {
    let ran = sandbox.xtask(&["stage", "pytest", "--project", "gamma"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    change_alpha(sandbox);
    let ran = sandbox.xtask(&["stage", "pytest", "--project", "gamma"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    let red = sandbox.junit("gamma", "pytest").into_iter().find(|it| it.outcome == "failure").expect("a failure");
    assert_eq!(red.file.as_deref(), Some("projects/gamma/tests/test_gamma.py"), "{red:?}");
}

#[test]
fn a_stale_path_dependency_is_seen() {
    sees_the_change(&Sandbox::new());
}

#[test]
fn also_one_that_is_no_project_of_the_pipeline() {
    let sandbox = Sandbox::new();
    sandbox.replace("ci/xtask.toml", "exclude = [", "exclude = [\"projects/alpha\", ");
    sees_the_change(&sandbox);
}

#[test]
fn also_a_workspace_member_that_is_not_editable() {
    let sandbox = Sandbox::new();
    sandbox.write("projects/pyproject.toml", "[tool.uv.workspace]\nmembers = [\"alpha\", \"gamma\"]\n");
    let source = "alpha = { workspace = true, editable = false }";
    sandbox.replace("projects/gamma/pyproject.toml", "alpha = { path = \"../alpha\" }", source);
    sandbox.remove("projects/alpha/uv.lock");
    sandbox.remove("projects/gamma/uv.lock");
    sandbox.uv(&["lock", "--project", "projects"]);
    sees_the_change(&sandbox);
}

#[test]
fn setuptools_leaves_nothing_and_takes_nothing_along() {
    let sandbox = Sandbox::new();
    sandbox.write(".gitignore", "target/\n");
    let manifest = "projects/alpha/pyproject.toml";
    sandbox.replace(manifest, "\"uv_build>=0.8\"", "\"setuptools>=77\"");
    sandbox.replace(manifest, "\"uv_build\"", "\"setuptools.build_meta\"");
    sandbox.replace(manifest, "version = \"0.1.0\"", "dynamic = [\"version\"]");
    sandbox.append(manifest, "\n[tool.setuptools.dynamic]\nversion = { attr = \"alpha.__version__\" }\n");
    sandbox.append(ALPHA, "\n\n__version__ = \"0.1.0\"\n");
    // What an earlier build left there would become part of the wheel.
    sandbox.write("projects/alpha/build/lib/alpha/ghost.py", "x = 1\n");
    let test = "\n\ndef test_no_ghost() -> None:\n    \"\"\"Only what is in the sources is installed.\"\"\"\n    import importlib.util\n\n    assert importlib.util.find_spec(\"alpha.ghost\") is None\n";
    sandbox.append("projects/gamma/tests/test_gamma.py", test);
    for project in ["alpha", "gamma"] {
        sandbox.uv(&["lock", "--project", &format!("projects/{project}")]);
    }
    for name in ["projects/alpha/src/alpha.egg-info"] {
        if sandbox.root.join(name).exists() {
            sandbox.remove(name);
        }
    }
    sandbox.commit("setuptools");
    let ran = sandbox.xtask(&["stage", "lock", "pytest", "--project", "alpha", "gamma"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
}

#[test]
fn an_input_outside_the_project_is_part_of_it() {
    let sandbox = Sandbox::new();
    sandbox.write("projects/shared.txt", "one");
    let manifest = "projects/alpha/pyproject.toml";
    sandbox.replace(manifest, "\"uv_build>=0.8\"", "\"hatchling\"");
    sandbox.replace(manifest, "\"uv_build\"", "\"hatchling.build\"");
    let text = "\n[tool.hatch.build.targets.wheel.force-include]\n\"../shared.txt\" = \"alpha/shared.txt\"\n\n[tool.xtask]\ninputs = [\"../*.txt\"]\n";
    sandbox.append(manifest, text);
    let test = "\n\ndef test_shared() -> None:\n    from importlib.resources import files\n\n    assert files(\"alpha\").joinpath(\"shared.txt\").read_text() == \"one\"\n";
    sandbox.append("projects/gamma/tests/test_gamma.py", test);
    let ran = sandbox.xtask(&["stage", "pytest", "--project", "gamma"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    sandbox.write("projects/shared.txt", "two");
    let ran = sandbox.xtask(&["stage", "pytest", "--project", "gamma"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
}

#[test]
fn half_an_environment_is_made_anew() {
    let sandbox = Sandbox::new();
    let run = || {
        let ran = sandbox.xtask(&["stage", "pytest", "--project", "alpha"]);
        assert_eq!(ran.code, 0, "{}", ran.all());
    };
    run();
    sandbox.remove("target/ci/envs/alpha/dev/bin/python");
    run();
    sandbox.remove("target/ci/envs/alpha/dev/pyvenv.cfg");
    run();
    // A run that was ended while packages were being copied.
    let lib = sandbox.root.join("target/ci/envs/alpha/dev/lib").read_dir_utf8().expect("lib").flatten().next();
    let idna = lib.expect("a version").path().join("site-packages/idna/core.py");
    std::fs::remove_file(idna).expect("idna is installed");
    sandbox.write("target/ci/envs/alpha/dev.unfinished", "");
    run();
}

#[test]
fn a_python_that_is_not_there() {
    let sandbox = Sandbox::new();
    for file in ["pyproject.toml", "uv.lock"] {
        sandbox.replace(&format!("projects/beta/{file}"), ">=3.11", ">=3.99");
    }
    let ran = sandbox.xtask(&["stage", "pytest"]);
    assert_eq!(ran.code, 2, "{}", ran.all());
    let case = &sandbox.junit("beta", "pytest")[0];
    assert!(case.message.contains("beta needs a Python that is not here") && case.message.contains("3.99"), "{case:?}");
    assert!(sandbox.junit("alpha", "pytest").iter().all(|it| it.outcome == "success"));
}

#[test]
fn extras_that_conflict() {
    let sandbox = Sandbox::new();
    let manifest = "projects/alpha/pyproject.toml";
    sandbox.replace(manifest, "dependencies = [\"idna==3.7\"]", "dependencies = []");
    let text = "\n[project.optional-dependencies]\none = [\"idna==3.7\"]\ntwo = [\"idna==3.6\"]\n\n[tool.uv]\nconflicts = [[{ extra = \"one\" }, { extra = \"two\" }]]\n";
    sandbox.append(manifest, text);
    sandbox.uv(&["lock", "--project", "projects/alpha"]);
    let ran = sandbox.xtask(&["stage", "pytest", "--project", "alpha"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(sandbox.read("target/ci/junit/alpha.pytest.xml").contains("tool.uv.conflicts: extra two"));
}

#[test]
fn a_project_that_is_not_installed() {
    let sandbox = Sandbox::new();
    let manifest = "projects/beta/pyproject.toml";
    sandbox.replace(manifest, "[build-system]\nrequires = [\"uv_build>=0.8\"]\nbuild-backend = \"uv_build\"\n", "");
    sandbox.uv(&["lock", "--project", "projects/beta"]);
    let ran = sandbox.xtask(&["stage", "lock", "pytest", "type-check", "--project", "beta"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
}
