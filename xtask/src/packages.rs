//! Which directories and modules are a project's own importable code: what coverage is measured on and the wheel must hold.
//!
//! Pure: works on the manifest and the list of files. A project that follows no convention says it in
//! `[tool.xtask] packages`.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use crate::manifest::Manifest;

/// Directories beside the code that hold no package.
const NOT_CODE: &[&str] = &["tests", "test", "docs", "doc", "examples", "scripts", "benchmarks", "build", "dist"];

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
    let from_backend = backend_packages(manifest);
    let from_backend: BTreeSet<Utf8PathBuf> =
        from_backend.into_iter().filter(|it| inner.iter().any(|file| file.starts_with(it))).collect();
    let found = if from_backend.is_empty() { conventional(name, &inner) } else { from_backend };
    found.into_iter().map(|it| dir.join(it)).collect()
}

/// Code that looks importable and yet belongs to no package of the project, so that no stage measures or types it.
pub fn left_out(project: &crate::discover::Project) -> Vec<&Utf8PathBuf> {
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

/// What the build backend is told.
fn backend_packages(manifest: &Manifest) -> Vec<Utf8PathBuf> {
    let strings = |keys: &[&str]| -> Vec<String> {
        match manifest.at(keys) {
            Some(toml::Value::Array(list)) => list.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect(),
            Some(toml::Value::String(one)) => vec![one.clone()],
            _ => Vec::new(),
        }
    };
    let hatch = strings(&["tool", "hatch", "build", "targets", "wheel", "packages"]);
    if !hatch.is_empty() {
        return hatch.into_iter().map(Utf8PathBuf::from).collect();
    }
    let modules = strings(&["tool", "uv", "build-backend", "module-name"]);
    let root = strings(&["tool", "uv", "build-backend", "module-root"]).pop().unwrap_or_else(|| "src".to_owned());
    modules.iter().map(|it| Utf8Path::new(&root).join(it.replace('.', "/"))).collect()
}

/// `src/*` packages and modules, or a package or module named like the project, or every top-level package.
fn conventional(name: &str, files: &[&Utf8Path]) -> BTreeSet<Utf8PathBuf> {
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
        if files.iter().any(|file| file.starts_with(&candidate)) {
            return BTreeSet::from([candidate]);
        }
    }
    let packages: BTreeSet<Utf8PathBuf> = files
        .iter()
        .filter(|file| file.file_name() == Some("__init__.py") && file.components().count() == 2)
        .filter_map(|file| file.parent())
        .filter(|dir| !NOT_CODE.contains(&dir.as_str()))
        .map(Utf8Path::to_owned)
        .collect();
    if !packages.is_empty() {
        return packages;
    }
    let is_module =
        |name: &str| !NO_MODULES.contains(&name) && !name.starts_with("test_") && !name.ends_with("_test.py");
    files
        .iter()
        .filter(|file| file.components().count() == 1 && is_module(file.as_str()))
        .map(|it| it.to_path_buf())
        .collect()
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
        check("", &["p/src/a/__init__.py", "p/src/b.py", "p/tests/test_a.py"], &["p/src/a", "p/src/b.py"]);
        check("", &["p/my_pkg/__init__.py", "p/other/__init__.py"], &["p/my_pkg"]);
        check("", &["p/my_pkg.py", "p/setup.py"], &["p/my_pkg.py"]);
        check("", &["p/tool/__init__.py", "p/tests/__init__.py"], &["p/tool"]);
        check("[tool.hatch.build.targets.wheel]\npackages = ['lib/x']", &["p/lib/x/__init__.py"], &["p/lib/x"]);
        check("[tool.xtask]\npackages = ['odd']", &["p/odd/a.py", "p/src/a.py"], &["p/odd"]);
        check("", &["p/main.py", "p/setup.py", "p/test_main.py", "p/conftest.py", "p/tests/x.py"], &["p/main.py"]);
        check("", &["p/README.md"], &[]);
    }
}
