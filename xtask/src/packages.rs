//! Which directories and modules are a project's own importable code: what coverage is measured on and the wheel must hold.
//!
//! Pure: works on the manifest and the list of files. A project that follows no convention says it in
//! `[tool.xtask] packages`.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use crate::discover::Project;
use crate::manifest::Manifest;
use crate::verdict::Case;

mod backend;

/// Directories beside the code that hold no package.
const NOT_CODE: &[&str] = &[
    "tests",
    "test",
    "docs",
    "doc",
    "documentation",
    "example",
    "examples",
    "scripts",
    "notebooks",
    "benchmark",
    "benchmarks",
    "build",
    "dist",
    "node_modules",
];

/// Modules beside the manifest that serve a tool.
const NO_MODULES: &[&str] = &["setup.py", "conftest.py", "noxfile.py", "tasks.py", "conf.py"];

/// The project's own packages and modules, repo-relative and sorted; empty when none can be found.
pub fn of(manifest: &Manifest, name: &str, dir: &Utf8Path, files: &[Utf8PathBuf]) -> Vec<Utf8PathBuf> {
    let declared = &manifest.typed.tool.xtask.packages;
    if !declared.is_empty() {
        return declared.iter().map(|it| dir.join(it)).collect();
    }
    let inner: Vec<&Utf8Path> =
        files.iter().filter(|it| it.extension() == Some("py")).filter_map(|it| it.strip_prefix(dir).ok()).collect();
    let from_backend = backend::packages(manifest, name, &inner);
    let is_built = manifest.at(&["build-system"]).is_some();
    let found = if from_backend.is_empty() { conventional(name, &inner, is_built) } else { from_backend };
    found.into_iter().map(|it| dir.join(it)).collect()
}

/// Code that looks importable and yet belongs to no package of the project, so that no stage measures or types it: a
/// finding where `[tool.xtask] packages` says so, which is to describe and not to leave out, otherwise a warning.
pub fn left_out(project: &Project, rule: &str, what: &str) -> Vec<Case> {
    let is_declared = !project.manifest.typed.tool.xtask.packages.is_empty();
    let make = if is_declared { Case::fail } else { Case::warn };
    let why =
        format!("this file is in no package of the project, so {what}; name its directory in `[tool.xtask] packages`");
    outside(project).into_iter().map(|file| make(rule, why.clone()).at(file.clone(), None)).collect()
}

fn outside(project: &Project) -> Vec<&Utf8PathBuf> {
    let is_package = |dir: &Utf8Path| project.files.binary_search(&dir.join("__init__.py")).is_ok();
    let importable = |file: &Utf8Path| {
        let inner = file.strip_prefix(&project.dir).unwrap_or(file);
        let Some(first) = inner.components().next() else { return false };
        let first = first.as_str();
        first == "src" || !NOT_CODE.contains(&first) && is_package(&project.dir.join(first))
    };
    let outside = |file: &Utf8Path| !project.packages.iter().any(|it| file.starts_with(it)) && !project.is_test(file);
    let files = project.files.iter().filter(|it| it.extension() == Some("py"));
    files.filter(|file| outside(file) && importable(file)).collect()
}

/// `src/*` packages and modules, or a package or module named like the project, or every top-level package. What is not
/// built is run from where it stands: there everything that can be imported counts.
fn conventional(name: &str, files: &[&Utf8Path], is_built: bool) -> BTreeSet<Utf8PathBuf> {
    let under_src: BTreeSet<Utf8PathBuf> = files
        .iter()
        .filter(|file| file.starts_with("src"))
        .filter_map(|file| file.components().nth(1))
        .map(|it| Utf8Path::new("src").join(it.as_str()))
        .collect();
    if !under_src.is_empty() {
        return under_src;
    }
    let module = name.replace('-', "_");
    let named = [Utf8PathBuf::from(&module), Utf8PathBuf::from(format!("{module}.py"))];
    for candidate in named {
        if is_built && files.iter().any(|file| file.starts_with(&candidate)) {
            return BTreeSet::from([candidate]);
        }
    }
    let tops = files.iter().filter(|it| it.components().count() > 1).filter_map(|it| it.components().next());
    let tops: BTreeSet<Utf8PathBuf> = tops.filter(|it| is_name(it.as_str())).map(|it| it.as_str().into()).collect();
    let mut packages: BTreeSet<Utf8PathBuf> =
        tops.iter().filter(|it| files.contains(&it.join("__init__.py").as_path())).cloned().collect();
    let is_module =
        |name: &str| !NO_MODULES.contains(&name) && !name.starts_with("test_") && !name.ends_with("_test.py");
    let modules = files.iter().filter(|file| file.components().count() == 1 && is_module(file.as_str()));
    if packages.is_empty() {
        // A directory without `__init__.py` is a package too, one that others may share.
        packages = tops;
    }
    if packages.is_empty() || !is_built {
        packages.extend(modules.map(|it| it.to_path_buf()));
    }
    packages
}

/// Can a directory of this name be imported, and is it meant to be?
fn is_name(dir: &str) -> bool {
    let is_word = dir.chars().all(|c| c.is_alphanumeric() || c == '_') && !dir.starts_with(|c: char| c.is_numeric());
    is_word && !NOT_CODE.contains(&dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(manifest: &str, files: &[&str], expected: &[&str]) {
        let manifest = Manifest::parse("p/pyproject.toml".into(), manifest).expect("a valid manifest");
        let files: Vec<Utf8PathBuf> = files.iter().map(Utf8PathBuf::from).collect();
        assert_eq!(of(&manifest, "my-pkg", "p".into(), &files), expected);
    }

    #[test]
    fn layouts() {
        let built = "[build-system]\nrequires = []\n";
        check("", &["p/src/a/__init__.py", "p/src/b.py", "p/tests/test_a.py"], &["p/src/a", "p/src/b.py"]);
        check(built, &["p/my_pkg/__init__.py", "p/other/__init__.py"], &["p/my_pkg"]);
        check(built, &["p/my_pkg.py", "p/setup.py"], &["p/my_pkg.py"]);
        check(built, &["p/tool/__init__.py", "p/tests/__init__.py", "p/main.py"], &["p/tool"]);
        check(built, &["p/acme/words/__init__.py", "p/tests/x.py", "p/.ci/x.py", "p/2/x.py"], &["p/acme"]);
        check("", &["p/main.py", "p/setup.py", "p/test_main.py", "p/conftest.py", "p/tests/x.py"], &["p/main.py"]);
        check("", &["p/my_pkg/__init__.py", "p/other/__init__.py", "p/m.py"], &["p/m.py", "p/my_pkg", "p/other"]);
        check("[tool.xtask]\npackages = ['odd']", &["p/odd/a.py", "p/src/a.py"], &["p/odd"]);
        check("", &["p/README.md"], &[]);
    }

    #[test]
    fn what_the_backend_is_told() {
        let x = &["p/lib/x/__init__.py", "p/lib/x/y/z.py", "p/lib/one.py", "p/x.py", "p/tests/t.py"][..];
        for (manifest, expected) in [
            ("[tool.hatch.build.targets.wheel]\npackages = ['lib/x']", &["p/lib/x"][..]),
            ("[tool.hatch.build.targets.wheel]\nonly-include = ['./lib/x/', 'x.py']", &["p/lib/x", "p/x.py"]),
            (
                "[tool.uv.build-backend]\nmodule-root = 'lib'\nmodule-name = ['x.y', 'one']",
                &["p/lib/one.py", "p/lib/x"],
            ),
            ("[tool.setuptools]\npy-modules = ['x']", &["p/x.py"]),
            ("[tool.setuptools]\npackages = ['x', 'x.y']\npackage-dir = { '' = 'lib' }", &["p/lib/x"]),
            ("[tool.setuptools]\npackages = ['odd']\npackage-dir = { odd = 'lib/x' }", &["p/lib/x"]),
            ("[tool.setuptools]\npackage-dir = { '' = 'lib' }", &["p/lib/one.py", "p/lib/x"]),
            ("[tool.setuptools.packages.find]\nwhere = ['lib']\ninclude = ['x*']", &["p/lib/x"]),
            ("[tool.setuptools.packages.find]\ninclude = ['lib*']", &["p/lib"]),
            ("[tool.flit.module]\nname = 'x'", &["p/x.py"]),
            ("[tool.pdm.build]\npackage-dir = 'lib'", &["p/lib/one.py", "p/lib/x"]),
            ("[tool.pdm.build]\nincludes = ['lib/x', 'README.md']", &["p/lib/x"]),
            ("[[tool.poetry.packages]]\ninclude = 'x'\nfrom = 'lib'", &["p/lib/x"]),
            ("[tool.maturin]\npython-source = 'lib'", &["p/lib/one.py", "p/lib/x"]),
        ] {
            check(&format!("[build-system]\nrequires = []\n{manifest}"), x, expected);
        }
    }
}
