//! Planted mistakes: projects of other shapes. What a build backend is told of is own code, and nothing else.

use crate::support::{Planted, Sandbox, check_planted};

const MANIFEST: &str = "projects/beta/pyproject.toml";
const SETUPTOOLS: &str = "[build-system]\nrequires = [\"setuptools>=77\"]\nbuild-backend = \"setuptools.build_meta\"\n";

/// Gives `beta` another build backend and its code another place, with an error of type and an untested module beside it.
fn shaped(it: &Sandbox, backend: &str, place: &str, module: &str) {
    it.replace(MANIFEST, "[build-system]\nrequires = [\"uv_build>=0.8\"]\nbuild-backend = \"uv_build\"\n", backend);
    let code = it.read("projects/beta/src/beta/__init__.py");
    it.remove("projects/beta/src");
    it.write(&format!("projects/beta/{place}"), code);
    it.replace("projects/beta/tests/test_beta.py", "from beta import", &format!("from {module} import"));
}

fn wrong(it: &Sandbox, place: &str) {
    let text = "\"\"\"W.\"\"\"\n\n\n".to_owned() + "nothing = 1 / 0\n" + &"x = 1\n".repeat(50);
    it.write(&format!("projects/beta/{place}"), text);
}

fn row(what: &'static str, stage: &'static str, plant: fn(&Sandbox)) -> Planted {
    let (project, outcome, file, line, says) = ("beta", "success", None, None, "");
    Planted { what, stage, project, plant, outcome, file, line, says }
}

fn bad(what: &'static str, stage: &'static str, plant: fn(&Sandbox), file: &'static str, line: u32) -> Planted {
    let says = if stage == "pytest" { "coverage" } else { "division-by-zero" };
    Planted { outcome: "failure", file: Some(file), line: Some(line), says, ..row(what, stage, plant) }
}

fn where_lib(it: &Sandbox) {
    let more = "\n[tool.setuptools.packages.find]\nwhere = [\"lib\"]\n";
    shaped(it, &format!("{SETUPTOOLS}{more}"), "lib/odd/__init__.py", "odd");
}

fn namespace(it: &Sandbox) {
    let more = "\n[tool.setuptools.packages.find]\ninclude = [\"acme*\"]\n";
    shaped(it, &format!("{SETUPTOOLS}{more}"), "acme/words/__init__.py", "acme.words");
}

fn two_packages(it: &Sandbox) {
    let more = "\n[tool.setuptools]\npackages = [\"beta\", \"other\"]\n";
    shaped(it, &format!("{SETUPTOOLS}{more}"), "beta/__init__.py", "beta");
    it.write("projects/beta/other/__init__.py", "\"\"\"O.\"\"\"\n");
}

fn modules(it: &Sandbox) {
    let more = "\n[tool.setuptools]\npy-modules = [\"words\", \"more\"]\n";
    shaped(it, &format!("{SETUPTOOLS}{more}"), "words.py", "words");
    it.write("projects/beta/more.py", "\"\"\"M.\"\"\"\n");
}

fn package_dir(it: &Sandbox) {
    let backend = "[build-system]\nrequires = [\"hatchling\"]\nbuild-backend = \"hatchling.build\"\n\n\
                   [tool.hatch.build.targets.wheel]\nsources = [\"code\"]\nonly-include = [\"code/words\"]\n";
    shaped(it, backend, "code/words/__init__.py", "words");
}

/// A project that is run from where it stands: a package and a module beside it.
fn application(it: &Sandbox) {
    shaped(it, "", "app/__init__.py", "app");
    it.replace("projects/beta/uv.lock", "editable", "virtual");
    it.write("projects/beta/main.py", "\"\"\"M.\"\"\"\n");
}

#[test]
fn a_clean_project_of_any_shape_is_green() {
    check_planted(&[
        row("setuptools, packages below lib/", "pytest", where_lib),
        row("setuptools, packages below lib/", "type-check", where_lib),
        row("setuptools, a namespace package", "pytest", namespace),
        row("setuptools, a namespace package", "type-check", namespace),
        row("setuptools, modules", "pytest", modules),
        row("setuptools, modules", "type-check", modules),
        row("hatchling, sources elsewhere", "pytest", package_dir),
        row("hatchling, sources elsewhere", "type-check", package_dir),
        row("no build backend", "pytest", application),
        row("no build backend", "type-check", application),
    ]);
}

#[test]
fn and_all_of_its_code_is_looked_at() {
    check_planted(&[
        bad(
            "a package beside the one that has the project's name",
            "pytest",
            |it| {
                two_packages(it);
                wrong(it, "other/bad.py");
            },
            "projects/beta/other/bad.py",
            4,
        ),
        bad(
            "a package beside the one that has the project's name",
            "type-check",
            |it| {
                two_packages(it);
                wrong(it, "other/bad.py");
            },
            "projects/beta/other/bad.py",
            4,
        ),
        bad(
            "a part of a namespace package",
            "type-check",
            |it| {
                namespace(it);
                wrong(it, "acme/more/bad.py");
            },
            "projects/beta/acme/more/bad.py",
            4,
        ),
        bad(
            "one of several modules",
            "type-check",
            |it| {
                modules(it);
                wrong(it, "more.py");
            },
            "projects/beta/more.py",
            4,
        ),
        bad(
            "a module beside the package of an application",
            "pytest",
            |it| {
                application(it);
                wrong(it, "main.py");
            },
            "projects/beta/main.py",
            4,
        ),
        Planted {
            line: None,
            says: "not-measured",
            ..bad(
                "a module that the project does not name among its packages",
                "pytest",
                |it| {
                    wrong(it, "src/beta/bad.py");
                    it.append(MANIFEST, "\n[tool.xtask]\npackages = [\"src/beta/__init__.py\"]\n");
                },
                "projects/beta/src/beta/bad.py",
                4,
            )
        },
    ]);
}
