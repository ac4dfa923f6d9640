//! What lies beside projects and is read all the same: settings above them, texts and data that manifests name, links.
//!
//! Each case is a few literal files and a change of one or two of them, with the whole selection.

use xtask::tree::Mode;

use super::drive;
use super::render::Files;

const LIBRARY: &str = "[project]\nname = \"lib\"\nversion = \"1\"\n[build-system]\nrequires = [\"hatchling\"]\nbuild-backend = \"hatchling.build\"\n";
const USER: &str = "[project]\nname = \"app\"\nversion = \"1\"\ndependencies = [\"lib\"]\n[tool.uv.sources]\nlib = { path = \"../lib\" }\n";

/// `lib`, and `app` that needs it, with these further files.
fn files(more: &[(&str, &str)]) -> Files {
    let usual = [
        ("ci/xtask.toml", "projects = [\"projects/*\"]\n"),
        ("projects/lib/pyproject.toml", LIBRARY),
        ("projects/lib/lib.py", "x = 1\n"),
        ("projects/app/pyproject.toml", USER),
        ("projects/app/app.py", "y = 1\n"),
    ];
    let of = |(path, text): &(&str, &str)| {
        let mode = if text.starts_with("-> ") { Mode::Link } else { Mode::File };
        ((*path).to_owned(), (mode, text.trim_start_matches("-> ").as_bytes().to_vec()))
    };
    usual.iter().chain(more).map(of).collect()
}

/// The projects with their stages, or `everything`; the base has the first files, head has the second ones over them.
#[track_caller]
fn check(base: &[(&str, &str)], head: &[(&str, &str)], expected: &[&str]) {
    let after = [base, head].concat();
    let affected = drive::affected(&files(base), &files(&after), None);
    let names =
        |it: &Vec<(&'static xtask::stages::Stage, _)>| it.iter().map(|it| it.0.name).collect::<Vec<_>>().join(" ");
    let found: Vec<String> = match affected.everything {
        Some(_) => vec!["everything".to_owned()],
        None => affected.projects.iter().map(|(name, stages)| format!("{name}: {}", names(stages))).collect(),
    };
    assert_eq!(found, expected, "{head:?}");
}

const LOCKED: &str = "lock type-check pytest license-check sbom vulnerabilities build pages";
const ALL: &str =
    "docker-build lock ruff radon type-check pytest license-check bandit semgrep sbom vulnerabilities build pages";
const CODE: &str = "type-check pytest vulnerabilities build pages";

#[test]
fn how_uv_works_is_said_above() {
    let all = [format!("app: {LOCKED}"), format!("lib: {LOCKED}")];
    let (both, lib) = ([all[0].as_str(), all[1].as_str()], [all[1].as_str()]);
    // `app` has a [tool.uv] of its own, so uv looks no further; `lib` has none.
    check(&[], &[("uv.toml", "no-index = true\n")], &lib);
    check(&[], &[("pyproject.toml", "[tool.uv]\nno-index = true\n")], &lib);
    let near = [("projects/uv.toml", "offline = true\n")];
    check(&near, &[("uv.toml", "no-index = true\n")], &[]);
    check(&near, &[("projects/uv.toml", "offline = false\n")], &lib);
    check(&[], &[("pyproject.toml", "[tool.ruff]\nline-length = 3\n")], &[]);
    check(&[], &[("projects/.python-version", "3.12\n")], &both);
}

#[test]
fn a_shared_readme_is_for_its_project() {
    let lib = format!("{LIBRARY}[tool.x]\ny = 1\n")
        .replace("version = \"1\"", "version = \"1\"\nreadme = \"../../README.md\"");
    let base = [("projects/lib/pyproject.toml", lib.as_str()), ("README.md", "A text.\n")];
    // Although a rule names every text at the root nobody's: a list goes before any rule.
    check(&base, &[("README.md", "Another.\n")], &["lib: build pages"]);
}

#[test]
fn data_that_a_manifest_names_is_for_dependants_too() {
    let lib = format!("{LIBRARY}[tool.hatch.build.targets.wheel.force-include]\n\"../../schemas\" = \"lib/schemas\"\n");
    let base = [("projects/lib/pyproject.toml", lib.as_str()), ("schemas/a.json", "{}\n")];
    check(&base, &[("schemas/a.json", "[]\n")], &[&format!("app: {CODE}"), "lib: type-check pytest build pages"]);
    // Where something begins is no input.
    let lib = format!("{LIBRARY}[tool.setuptools_scm]\nroot = \"../..\"\n");
    let base = [("projects/lib/pyproject.toml", lib.as_str()), ("schemas/a.json", "{}\n")];
    check(&base, &[("schemas/a.json", "[]\n")], &["everything"]);
}

#[test]
fn links_are_followed_to_the_end() {
    let base = [
        ("projects/lib/data", "-> ../../shared/first"),
        ("shared/first", "-> second"),
        ("shared/second/x.json", "{}\n"),
        ("shared/second/more", "-> ../third"),
        ("shared/third/y.json", "{}\n"),
    ];
    let found = [&format!("app: {CODE}")[..], "lib: pytest build pages"];
    check(&base, &[("shared/second/x.json", "[]\n")], &found);
    check(&base, &[("shared/third/y.json", "[]\n")], &found);
    check(&base, &[("shared/first", "-> third")], &found);
    // In a circle, and out of the repository.
    check(&[], &[("projects/lib/data", "-> data")], &found);
    check(&[], &[("projects/lib/data", "-> ../../../etc")], &found);
}

#[test]
fn what_is_read_by_name_may_be_a_link() {
    let lock = |version: &str| {
        format!(
            "version = 1\n[[package]]\nname = \"lib\"\nversion = \"1\"\nsource = {{ editable = \".\" }}\ndependencies = [{{ name = \
             \"six\" }}]\n[[package]]\nname = \"six\"\nversion = \"{version}\"\nsource = {{ registry = \"https://pypi.org/simple\" }}\n"
        )
    };
    let (one, two) = (lock("1"), lock("2"));
    let base = [("projects/lib/uv.lock", "-> ../app/data/locks/lib"), ("projects/app/data/locks/lib", one.as_str())];
    let found = ["app: pytest build pages", &format!("lib: {LOCKED}")];
    check(&base, &[("projects/app/data/locks/lib", &two)], &found);
    // A manifest, over two links; what a rule or nobody names selects everything all the same.
    let lib = LIBRARY.replace("version = \"1\"", "version = \"2\"");
    let base = [
        ("projects/lib/pyproject.toml", "-> ../app/lib.toml"),
        ("projects/app/lib.toml", "-> data/lib.toml"),
        ("projects/app/data/lib.toml", LIBRARY),
    ];
    check(&base, &[("projects/app/data/lib.toml", &lib)], &[&format!("app: {LOCKED}"), &format!("lib: {ALL}")]);
    let base = [("projects/lib/.python-version", "-> ../../versions/lib"), ("versions/lib", "3.12\n")];
    check(&base, &[("versions/lib", "3.13\n")], &["everything"]);
    let base = [("ci/ruff.toml", "-> ../projects/app/ruff.toml"), ("projects/app/ruff.toml", "line-length = 99\n")];
    check(
        &base,
        &[("projects/app/ruff.toml", "line-length = 98\n")],
        &["app: ruff radon type-check pytest bandit semgrep build pages", "lib: ruff"],
    );
}

#[test]
fn a_dependency_behind_a_link_is_found() {
    let base = [
        ("ci/xtask.toml", "projects = [\"projects/*\"]\nexclude = [\"projects/lib\"]\n"),
        ("projects/app/pyproject.toml", &USER.replace("../lib", "../../vendored")),
        ("vendored", "-> other"),
        ("other/pyproject.toml", LIBRARY),
        ("other/lib.py", "x = 1\n"),
    ];
    check(&base, &[("other/lib.py", "x = 2\n")], &[&format!("app: {LOCKED}")]);
}

#[test]
fn the_nearest_ignore_file_counts() {
    let base = [(".gitignore", "*.tmp\n"), ("projects/lib/.gitignore", "*.out\n")];
    check(&base, &[(".gitignore", "*.py\n")], &[]);
    check(&[], &[(".gitattributes", "* text\n")], &["everything"]);
}
