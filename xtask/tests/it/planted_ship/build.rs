//! Planted mistakes: build.

use super::{CODE, EXTRA, MANIFEST, MIT, develops_with, lock, offers, ships};
use crate::support::{Planted, Sandbox, check_planted};

const fn build(what: &'static str, plant: fn(&Sandbox), file: &'static str, line: u32, says: &'static str) -> Planted {
    let line = if line == 0 { None } else { Some(line) };
    Planted { what, stage: "build", project: "alpha", plant, outcome: "failure", file: Some(file), line, says }
}

const fn builds(what: &'static str, plant: fn(&Sandbox), outcome: &'static str, says: &'static str) -> Planted {
    Planted { what, stage: "build", project: "alpha", plant, outcome, file: None, line: None, says }
}

#[test]
fn imports_of_a_wheel() {
    check_planted(&[
        builds("nothing", |_| {}, "success", "alpha-0.1.0-py3-none-any.whl installs, 1 modules import"),
        build(
            "an import of a development tool",
            |it| {
                develops_with(it, "odd", MIT);
                it.write(EXTRA, "\"\"\"More.\"\"\"\n\nimport odd\n\nONE = odd.VALUE\n");
            },
            EXTRA,
            3,
            "`odd` is imported, but nothing that ships declares it; odd is locked for development only",
        ),
        build(
            "an import of nothing that is known",
            |it| it.write(EXTRA, "\"\"\"More.\"\"\"\n\nfrom strange.things import weird\n\n__all__ = [\"weird\"]\n"),
            EXTRA,
            3,
            "`strange` is imported",
        ),
        builds(
            "an import that is tried",
            |it| it.write(EXTRA, "try:\n    import strange\nexcept ImportError:\n    strange = None\n"),
            "success",
            "2 modules import",
        ),
        builds(
            "a distribution that is a file in the repository",
            |it| {
                ships(it, "odd", MIT);
                it.write(EXTRA, "import odd\n\nONE = odd.VALUE\n");
            },
            "success",
            "2 modules import",
        ),
        builds(
            "an import inside a function",
            |it| it.write(EXTRA, "def late():\n    import strange\n    return strange\n"),
            "success",
            "2 modules import",
        ),
        builds(
            "a module that needs an extra",
            |it| {
                offers(it, "odd", MIT);
                it.write(EXTRA, "import odd\n\nONE = odd.VALUE\n");
            },
            "success",
            "2 modules import",
        ),
        build(
            "a package that needs an extra",
            |it| {
                offers(it, "odd", MIT);
                it.append(CODE, "\n\nimport odd\n");
            },
            CODE,
            30,
            "`odd` is imported, but nothing that ships without extras declares it; odd comes with an extra",
        ),
        build("a module that does not parse", |it| it.write(EXTRA, "ONE = 1\nTWO = = 2\n"), EXTRA, 2, "SyntaxError"),
        build("an error on import", |it| it.write(EXTRA, "ONE = 1\nTWO = ONE / 0\n"), EXTRA, 2, "ZeroDivisionError"),
        build("an exit on import", |it| it.write(EXTRA, "import sys\nsys.exit(0)\n"), EXTRA, 2, "SystemExit"),
        build(
            "an end of the interpreter on import",
            |it| it.write(EXTRA, "import os\nos._exit(0)\n"),
            EXTRA,
            0,
            "`import alpha.extra` ends the interpreter",
        ),
        build(
            "a signal on import",
            |it| it.write(EXTRA, "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n"),
            EXTRA,
            0,
            "(a signal)",
        ),
        builds(
            "tests inside the package, which need pytest",
            |it| {
                it.write("projects/alpha/src/alpha/tests/__init__.py", "");
                it.write("projects/alpha/src/alpha/tests/test_inner.py", "import pytest\n\nassert pytest\n");
                it.write("projects/alpha/src/alpha/tests/helper.py", "import pytest\n\nassert pytest\n");
            },
            "success",
            "1 modules import, 0 entry points resolve, 3 modules are tests and not imported",
        ),
        build(
            "help for the tests of others, which needs pytest",
            |it| it.write("projects/alpha/src/alpha/testing.py", "import pytest\n\nassert pytest\n"),
            "projects/alpha/src/alpha/testing.py",
            1,
            "`pytest` is imported, but nothing that ships declares it",
        ),
        build(
            "a module that this Python lacks, in what everybody imports",
            |it| it.append(CODE, "\n\nimport winreg\n"),
            CODE,
            30,
            "`alpha` does not import: this Python has no `winreg`",
        ),
        builds(
            "a module that this Python lacks, in a part for another system",
            |it| it.write(EXTRA, "import winreg\n"),
            "skipped",
            "this Python has no `winreg` (alpha.extra)",
        ),
        builds(
            "a program that runs when its `__main__` is imported",
            |it| it.write(MAIN, "import sys\n\nfrom . import labels\n\nsys.exit(len(labels(\"a\")))\n"),
            "success",
            "1 modules import",
        ),
        build(
            "an import of nothing that is known, in `__main__`",
            |it| it.write(MAIN, "import sys\nimport strange\n\nsys.exit(strange.main())\n"),
            MAIN,
            2,
            "`strange` is imported",
        ),
        build(
            "the same, where it is the program",
            |it| it.write(MAIN, "if __name__ == \"__main__\":\n    import strange\n\n    strange.main()\n"),
            MAIN,
            2,
            "`strange` is imported",
        ),
        build(
            "a module of its own that `__main__` lacks",
            |it| it.write(MAIN, "from alpha.cli import main\n\nmain()\n"),
            MAIN,
            1,
            "No module named 'alpha.cli'",
        ),
        Planted {
            outcome: "error",
            ..build(
                "an import that does not end",
                |it| {
                    it.write(EXTRA, "import time\n\ntime.sleep(600)\n");
                    it.replace("ci/xtask.toml", "[timeout]", "[timeout]\nbuild = \"20s\"");
                },
                EXTRA,
                0,
                "`import alpha.extra` does not end",
            )
        },
        build(
            "a module that Python's own hides",
            |it| {
                it.write("projects/alpha/src/graphlib/__init__.py", "MINE = True\n");
                it.append(MANIFEST, "\n[tool.uv.build-backend]\nmodule-name = [\"alpha\", \"graphlib\"]\n");
            },
            MANIFEST,
            0,
            "finds another module",
        ),
    ]);
}

const MAIN: &str = "projects/alpha/src/alpha/__main__.py";
const SETUPTOOLS: &str = "requires = [\"setuptools>=77\"]\nbuild-backend = \"setuptools.build_meta\"";
const UV_BUILD: &str = "requires = [\"uv_build>=0.8\"]\nbuild-backend = \"uv_build\"";

#[test]
fn contents_of_a_wheel() {
    check_planted(&[
        build(
            "a package that the backend forgets",
            |it| {
                it.write("projects/alpha/src/other/__init__.py", "ONE = 1\n");
                it.write("projects/alpha/src/other/two.py", "TWO = 2\n");
            },
            "projects/alpha/src/other/__init__.py",
            1,
            "the package other is not in the wheel",
        ),
        build(
            "a module that the backend leaves out",
            |it| {
                it.write(EXTRA, "ONE = 1\n");
                it.append(MANIFEST, "\n[tool.uv.build-backend]\nwheel-exclude = [\"/src/alpha/extra.py\"]\n");
            },
            EXTRA,
            1,
            "alpha/extra.py is not in the wheel",
        ),
        build(
            "a package without __init__.py that setuptools does not find",
            |it| {
                it.replace(MANIFEST, UV_BUILD, SETUPTOOLS);
                it.append(MANIFEST, "\n[tool.setuptools.packages.find]\nwhere = [\"src\"]\nnamespaces = false\n");
                it.write("projects/alpha/src/alpha/inner/deep.py", "ONE = 1\n");
            },
            "projects/alpha/src/alpha/inner/deep.py",
            1,
            "alpha/inner/deep.py is not in the wheel",
        ),
        build(
            "a script that leads nowhere",
            |it| {
                it.replace(
                    MANIFEST,
                    "[build-system]",
                    "[project.scripts]\nrun-alpha = \"alpha:nothing\"\n\n[build-system]",
                )
            },
            MANIFEST,
            11,
            "`run-alpha` does not import",
        ),
        build(
            "a backend that refuses",
            |it| it.append(MANIFEST, "\n[tool.uv.build-backend]\nmodule-name = \"nowhere\"\n"),
            MANIFEST,
            10,
            "the wheel does not build",
        ),
        build(
            "a backend that does not exist",
            |it| it.replace(MANIFEST, "uv_build>=0.8", "uv_build>=9999"),
            MANIFEST,
            10,
            "the wheel does not build",
        ),
        build(
            "a requirement that the lock does not know",
            |it| it.replace(MANIFEST, "idna==3.7", "idna>=99"),
            MANIFEST,
            8,
            "requires `idna>=99`",
        ),
        builds(
            "data that stays behind",
            |it| {
                it.replace(MANIFEST, UV_BUILD, SETUPTOOLS);
                it.write("projects/alpha/src/alpha/words.txt", "one\n");
                it.append(MANIFEST, "\n[tool.setuptools]\ninclude-package-data = false\n");
            },
            "success",
            "package-data projects/alpha/src/alpha/words.txt",
        ),
        builds(
            "a version that git tells",
            |it| {
                version_from_git(it, "hatch-vcs", "source = \"vcs\"\nraw-options = { root = \"../..\" }");
                it.git(&["tag", "v7.1.0"]);
            },
            "success",
            "alpha-7.1.0-py3-none-any.whl installs",
        ),
        builds(
            "no build system",
            |it| it.replace(MANIFEST, &format!("[build-system]\n{UV_BUILD}\n"), ""),
            "skipped",
            "it declares no [build-system]",
        ),
        builds(
            "what an earlier build left",
            |it| {
                it.replace(MANIFEST, UV_BUILD, SETUPTOOLS);
                it.append(".gitignore", "build/\n");
                it.write("projects/alpha/build/lib/alpha/ghost.py", "import nothing_of_the_kind\n");
            },
            "success",
            "1 modules import",
        ),
    ]);
}

/// A script of alpha, on line 11 of the manifest.
fn script(sandbox: &Sandbox, table: &str, target: &str) {
    sandbox.replace(MANIFEST, "[build-system]", &format!("[{table}]\nrun-alpha = \"{target}\"\n\n[build-system]"));
}

/// Alpha is built by hatchling and a plugin, with these settings.
fn hatchling(sandbox: &Sandbox, plugin: &str, settings: &str) {
    let system = format!("requires = [\"hatchling\"{plugin}]\nbuild-backend = \"hatchling.build\"");
    sandbox.replace(MANIFEST, UV_BUILD, &system);
    sandbox.append(MANIFEST, &format!("\n{settings}\n"));
}

/// The version of alpha comes from git.
fn version_from_git(sandbox: &Sandbox, plugin: &str, source: &str) {
    sandbox.replace(MANIFEST, "version = \"0.1.0\"", "dynamic = [\"version\"]");
    hatchling(sandbox, &format!(", \"{plugin}\""), &format!("[tool.hatch.version]\n{source}"));
    lock(sandbox);
    sandbox.commit("version from git");
}

#[test]
fn entry_points_of_a_wheel() {
    check_planted(&[
        builds("one that resolves", |it| script(it, "project.scripts", "alpha:labels"), "success", "1 entry points"),
        build(
            "a module that is not there",
            |it| script(it, "project.scripts", "alpha.nowhere:main"),
            MANIFEST,
            11,
            "No module named 'alpha.nowhere'",
        ),
        build(
            "a module of nobody",
            |it| script(it, "project.scripts", "nowhere:main"),
            MANIFEST,
            11,
            "`nowhere` is imported, but nothing that ships declares it",
        ),
        build(
            "a function that is not there",
            |it| script(it, "project.gui-scripts", "alpha:nothing"),
            MANIFEST,
            11,
            "module 'alpha' has no attribute 'nothing'",
        ),
        build(
            "a constant, which no script can call",
            |it| {
                it.append(CODE, "\n\nVERSION = \"1\"\n");
                script(it, "project.scripts", "alpha:VERSION");
            },
            MANIFEST,
            11,
            "`alpha:VERSION` is no function but of type str",
        ),
        builds(
            "a constant, which a plugin may be",
            |it| {
                it.append(CODE, "\n\nVERSION = \"1\"\n");
                script(it, "project.entry-points.\"some.plugins\"", "alpha:VERSION");
            },
            "success",
            "1 entry points",
        ),
        build(
            "of another group",
            |it| script(it, "project.entry-points.\"some.plugins\"", "alpha:nothing"),
            MANIFEST,
            11,
            "module 'alpha' has no attribute 'nothing'",
        ),
        build(
            "one that names nothing",
            |it| script(it, "project.scripts", "alpha labels"),
            MANIFEST,
            13,
            "the wheel does not install: The wheel is invalid: invalid console script: 'alpha labels'",
        ),
    ]);
}

#[test]
fn metadata_of_a_wheel() {
    const VCS: &str = "source = \"vcs\"\nraw-options = { root = \"../..\" }";
    const DYNAMIC: &str = "source = \"uv-dynamic-versioning\"";
    check_planted(&[
        builds("hatch-vcs without a tag", |it| version_from_git(it, "hatch-vcs", VCS), "success", "alpha-0.1.dev2+g"),
        builds(
            "uv-dynamic-versioning without a tag",
            |it| version_from_git(it, "uv-dynamic-versioning", DYNAMIC),
            "success",
            "alpha-0.0.0.post2.dev0+",
        ),
        builds(
            "uv-dynamic-versioning with a tag",
            |it| {
                version_from_git(it, "uv-dynamic-versioning", DYNAMIC);
                it.git(&["tag", "v7.1.0"]);
            },
            "success",
            "alpha-7.1.0-py3-none-any.whl installs",
        ),
        build(
            "a version that is not where it should be",
            |it| {
                it.replace(MANIFEST, "version = \"0.1.0\"", "dynamic = [\"version\"]");
                hatchling(it, "", "[tool.hatch.version]\npath = \"src/alpha/__init__.py\"");
            },
            MANIFEST,
            10,
            "unable to parse the version from the file: src/alpha/__init__.py",
        ),
        build(
            "a README that is not there",
            |it| it.remove("projects/alpha/README.md"),
            MANIFEST,
            5,
            "the wheel does not build: failed to open file `projects/alpha/README.md`",
        ),
        build(
            "a README that is not there, by another backend",
            |it| {
                hatchling(it, "", "");
                it.remove("projects/alpha/README.md");
            },
            MANIFEST,
            5,
            "Readme file does not exist: README.md",
        ),
        build(
            "a licence file that is not there",
            |it| it.replace(MANIFEST, "license = \"MIT\"", "license = \"MIT\"\nlicense-files = [\"COPYING\"]"),
            MANIFEST,
            7,
            "`COPYING` did not match any files",
        ),
        build(
            "no module",
            |it| hatchling(it, "", "[tool.hatch.build.targets.wheel]\nonly-include = [\"README.md\"]"),
            MANIFEST,
            10,
            "the wheel holds no module",
        ),
    ]);
}

/// A package of the namespace `shared` in its own project, with these requirements and this code.
fn of_namespace(sandbox: &Sandbox, name: &str, requires: &str, code: &str) {
    let dir = format!("projects/{name}");
    let manifest = format!(
        "[project]\nname = \"{name}\"\nversion = \"1\"\nrequires-python = \">=3.11\"\n{requires}\n\n[build-system]\n{UV_BUILD}\n\n\
         [tool.uv.build-backend]\nmodule-name = \"shared.{name}\"\n"
    );
    sandbox.write(&format!("{dir}/pyproject.toml"), manifest);
    sandbox.write(&format!("{dir}/src/shared/{name}/__init__.py"), code);
}

#[test]
fn packages_of_one_namespace() {
    let row = |what, plant, line, says| Planted { project: "two", ..build(what, plant, TWO, line, says) };
    const TWO: &str = "projects/two/src/shared/two/__init__.py";
    fn two(sandbox: &Sandbox, code: &str) {
        of_namespace(sandbox, "one", "", "ONE = 1\n");
        let requires = "dependencies = [\"one\"]\n\n[tool.uv.sources]\none = { path = \"../one\" }";
        of_namespace(sandbox, "two", requires, code);
        sandbox.uv(&["lock", "--quiet", "--project", "projects/two"]);
    }
    check_planted(&[
        Planted {
            project: "two",
            ..builds("nothing", |it| two(it, "from shared.one import ONE\n"), "success", "1 modules import")
        },
        row(
            "a module that the other package lacks",
            |it| two(it, "from shared.one.gone import ONE\n"),
            1,
            "`shared.one.gone` is not in the wheel of one",
        ),
        row("one that its own package lacks", |it| two(it, "from shared.two.gone import ONE\n"), 1, "No module named"),
        row(
            "one that nobody has",
            |it| two(it, "from shared.three import ONE\n"),
            1,
            "`shared.three` is imported, but nothing that ships declares it",
        ),
    ]);
}

const GAMMA: &str = "projects/gamma/pyproject.toml";

#[test]
fn what_a_wheel_needs_of_another() {
    let gamma = |row: Planted| Planted { project: "gamma", ..row };
    const SAYS: &str = "requires `alpha>=99`, but `0.1.0` is installed";
    check_planted(&[
        gamma(build(
            "a module that is missing in the wheel of a local dependency",
            |it| {
                it.write(EXTRA, "ONE = 1\n");
                it.append(MANIFEST, "\n[tool.uv.build-backend]\nwheel-exclude = [\"/src/alpha/extra.py\"]\n");
                it.append("projects/gamma/src/gamma/__init__.py", "\n\nfrom alpha.extra import ONE\n");
            },
            "projects/gamma/src/gamma/__init__.py",
            18,
            "`alpha.extra` is not in the wheel of alpha, though projects/alpha/src/alpha/extra.py is there",
        )),
        gamma(build(
            "a bound that the local dependency does not meet",
            |it| it.replace(GAMMA, "dependencies = [\"alpha\"]", "dependencies = [\"alpha>=99\"]"),
            GAMMA,
            8,
            SAYS,
        )),
        builds(
            "a bound that the manifest overrides on purpose",
            |it| {
                it.append(MANIFEST, "\n[tool.uv]\noverride-dependencies = [\"idna==3.6\"]\n");
                lock(it);
            },
            "success",
            "requirements projects/alpha/pyproject.toml:8",
        ),
        gamma(build(
            "the same, locked",
            |it| {
                it.replace(GAMMA, "dependencies = [\"alpha\"]", "dependencies = [\"alpha>=99\"]");
                it.uv(&["lock", "--quiet", "--project", "projects/gamma"]);
            },
            GAMMA,
            8,
            SAYS,
        )),
    ]);
}

#[test]
fn the_wheel_of_a_dependant_has_the_new_code_of_its_dependency() {
    let sandbox = Sandbox::in_directory("a repo #1, mit 100% Ümläuten?");
    let ran = sandbox.xtask(&["stage", "build"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    let wheel = sandbox.root.join("target/ci/dist/gamma/gamma-0.1.0-py3-none-any.whl");
    let first = std::fs::read(&wheel).expect("a wheel");

    // A name that gamma imports goes: only the new wheel of alpha can tell.
    sandbox.replace(CODE, "def labels", "def parts");
    let ran = sandbox.xtask(&["stage", "build"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    let cases = sandbox.junit("gamma", "build");
    let place = (cases[0].file.as_deref(), cases[0].line);
    assert_eq!(place, (Some("projects/gamma/src/gamma/__init__.py"), Some(3)), "{cases:#?}");
    assert!(cases[0].message.contains("cannot import name 'labels' from 'alpha'"), "{cases:#?}");
    assert!(sandbox.junit("alpha", "build").iter().all(|it| it.outcome == "success"));

    sandbox.replace(CODE, "def parts", "def labels");
    assert_eq!(sandbox.xtask(&["stage", "build"]).code, 0);
    assert_eq!(std::fs::read(&wheel).expect("a wheel"), first, "the same sources make the same wheel");
}

#[test]
fn a_dependency_without_a_wheel_is_named() {
    let sandbox = Sandbox::new();
    sandbox.append(MANIFEST, "\n[tool.uv.build-backend]\nmodule-name = \"nowhere\"\n");
    let ran = sandbox.xtask(&["stage", "build", "--project", "gamma", "beta"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    let cases = sandbox.junit("gamma", "build");
    let case = cases.iter().find(|it| it.outcome == "failure").expect("a failure");
    assert_eq!(case.file.as_deref(), Some(MANIFEST), "{case:#?}");
    assert!(case.message.contains("the wheel of alpha, which it needs, does not build"), "{case:#?}");
}

#[test]
fn no_network_is_no_finding() {
    let sandbox = Sandbox::new();
    // uv needs no index for its own backend.
    sandbox.replace("projects/beta/pyproject.toml", UV_BUILD, SETUPTOOLS);
    let mut command = sandbox.command(&["stage", "build", "--project", "beta"]);
    let cache = sandbox.root.join("target/empty-cache");
    command.env("UV_CACHE_DIR", cache.as_str()).env("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple");
    let ran = crate::support::finish(&mut command);
    assert_eq!(ran.code, 2, "{}", ran.all());
    assert!(sandbox.junit("beta", "build").iter().any(|it| it.outcome == "error"), "{}", ran.all());
}

/// A local package builds alpha; nothing but `[tool.uv.sources]` says where it is.
fn built_by_plug(sandbox: &Sandbox, more: &str) {
    let plug = "[project]\nname = \"plug\"\nversion = \"0.1.0\"\nrequires-python = \">=3.11\"\ndependencies = [\"uv_build>=0.8\"]\n\n\
                [build-system]\nrequires = [\"uv_build>=0.8\"]\nbuild-backend = \"uv_build\"\n";
    sandbox.write("projects/plug/pyproject.toml", plug);
    sandbox.write("projects/plug/src/plug/__init__.py", format!("from uv_build import *\n{more}"));
    sandbox.replace(
        MANIFEST,
        "requires = [\"uv_build>=0.8\"]\nbuild-backend = \"uv_build\"",
        "requires = [\"plug\"]\nbuild-backend = \"plug\"",
    );
    sandbox.append(MANIFEST, "\n[tool.uv.sources]\nplug = { path = \"../plug\" }\n");
    lock(sandbox);
}

#[test]
fn a_local_package_that_builds_another() {
    const BROKEN: &str = "raise RuntimeError(\"plug is broken\")\n";
    check_planted(&[
        builds("one that works", |it| built_by_plug(it, ""), "success", ""),
        builds(
            "one that does not",
            |it| built_by_plug(it, "def build_wheel(*a, **k):\n    raise RuntimeError(\"no plug\")\n"),
            "failure",
            "no plug",
        ),
        builds(
            "one that needs another",
            |it| {
                built_by_plug(it, "import gear\n");
                let path = "projects/plug/pyproject.toml";
                let gear = it.read(path).replace("\"plug\"", "\"gear\"");
                it.write("projects/gear/pyproject.toml", gear);
                it.write("projects/gear/src/gear/__init__.py", "");
                it.replace(path, "dependencies = [", "dependencies = [\"gear\", ");
                it.append(path, "\n[tool.uv.sources]\ngear = { path = \"../gear\" }\n");
            },
            "success",
            "",
        ),
    ]);
    // An environment that was made with the old code is no longer what it says it is.
    let sandbox = Sandbox::new();
    built_by_plug(&sandbox, "");
    let run = || sandbox.xtask(&["stage", "pytest", "--project", "alpha"]);
    let ran = run();
    assert_eq!(ran.code, 0, "{}", ran.all());
    sandbox.append("projects/plug/src/plug/__init__.py", BROKEN);
    let ran = run();
    assert!(ran.code == 2 && ran.all().contains("plug is broken"), "{}", ran.all());
}
