//! What a project tells its build backend about where its code is.
//!
//! Pure. Only what stands in `pyproject.toml` is read; a `setup.py` or `setup.cfg` says what it says to Python alone.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use glob::Pattern;
use toml::Value;

use crate::manifest::Manifest;

/// The packages and modules that a backend is told of, relative to the project: those of which there is a file.
pub fn packages(manifest: &Manifest, name: &str, files: &[&Utf8Path]) -> BTreeSet<Utf8PathBuf> {
    let told = Told { manifest, module: name.replace('-', "_"), files };
    let readers = [Told::hatch, Told::uv, Told::setuptools, Told::flit, Told::pdm, Told::poetry, Told::maturin];
    let found = readers.iter().map(|read| read(&told)).find(|it| !it.is_empty()).unwrap_or_default();
    let is_there = |it: &Utf8PathBuf| files.iter().any(|file| file.starts_with(it));
    let found: BTreeSet<Utf8PathBuf> = found.into_iter().filter(is_there).collect();
    // One within another adds nothing.
    let within = |it: &Utf8PathBuf| it.ancestors().skip(1).any(|above| found.contains(above));
    found.iter().filter(|it| !within(it)).cloned().collect()
}

struct Told<'a> {
    manifest: &'a Manifest,
    /// The project's name as a module's.
    module: String,
    files: &'a [&'a Utf8Path],
}

impl Told<'_> {
    /// A list of texts, or one; empty when there is none.
    fn texts(&self, keys: &[&str]) -> Vec<String> {
        match self.manifest.at(keys) {
            Some(Value::Array(list)) => list.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect(),
            Some(Value::String(one)) => vec![one.clone()],
            _ => Vec::new(),
        }
    }

    fn text(&self, keys: &[&str]) -> Option<String> {
        self.manifest.at(keys).and_then(Value::as_str).map(str::to_owned)
    }

    /// Every package and module directly in a directory.
    fn all_in(&self, dir: &Utf8Path) -> Vec<Utf8PathBuf> {
        let inner = self.files.iter().filter_map(|it| it.strip_prefix(dir).ok());
        let first = inner.filter_map(|it| it.components().next()).map(|it| dir.join(it.as_str()));
        first.filter(|it| it.extension() == Some("py") || it.extension().is_none()).collect()
    }

    /// The outermost package of a dotted name: a directory or a module below `root`.
    fn outermost(&self, root: &str, dotted: &str) -> Vec<Utf8PathBuf> {
        let first = dotted.split(['.', '/']).next().unwrap_or(dotted);
        let root = join(root);
        vec![root.join(first), root.join(format!("{first}.py"))]
    }

    fn hatch(&self) -> Vec<Utf8PathBuf> {
        for table in [&["tool", "hatch", "build", "targets", "wheel"][..], &["tool", "hatch", "build"]] {
            for key in ["packages", "only-include"] {
                let list = self.texts(&[table, &[key]].concat());
                if !list.is_empty() {
                    return list.iter().map(|it| join(it)).collect();
                }
            }
        }
        Vec::new()
    }

    fn uv(&self) -> Vec<Utf8PathBuf> {
        let root = self.text(&["tool", "uv", "build-backend", "module-root"]);
        let mut names = self.texts(&["tool", "uv", "build-backend", "module-name"]);
        if names.is_empty() && root.is_some() {
            names.push(self.module.clone());
        }
        let root = root.unwrap_or_else(|| "src".to_owned());
        names.iter().flat_map(|it| self.outermost(&root, it)).collect()
    }

    fn setuptools(&self) -> Vec<Utf8PathBuf> {
        let tool = ["tool", "setuptools"];
        let dir_of = |package: &str| self.text(&["tool", "setuptools", "package-dir", package]);
        let root = dir_of("").unwrap_or_default();
        let names = self.texts(&[&tool[..], &["packages"]].concat());
        let mut found: Vec<Utf8PathBuf> = names
            .iter()
            .flat_map(|it| match dir_of(it) {
                Some(dir) => vec![join(&dir)],
                None => self.outermost(&root, it),
            })
            .collect();
        found
            .extend(self.texts(&[&tool[..], &["py-modules"]].concat()).iter().flat_map(|it| self.outermost(&root, it)));
        if !found.is_empty() {
            return found;
        }
        let find = |key: &str| {
            let under = |kind| self.texts(&["tool", "setuptools", "packages", kind, key]);
            [under("find"), under("find-namespace")].concat()
        };
        let (places, include) = (find("where"), find("include"));
        let included = |dir: &Utf8PathBuf| {
            let name = dir.file_name().unwrap_or_default();
            let fits = |glob: &String| {
                let first = glob.split('.').next().unwrap_or(glob);
                Pattern::new(first).is_ok_and(|it| it.matches(name))
            };
            include.is_empty() || include.iter().any(fits)
        };
        match (places.is_empty(), include.is_empty(), root.is_empty()) {
            (false, ..) => places.iter().flat_map(|it| self.all_in(&join(it))).filter(included).collect(),
            (true, false, _) => self.all_in(&join(&root)).into_iter().filter(included).collect(),
            (true, true, false) => self.all_in(&join(&root)),
            (true, true, true) => Vec::new(),
        }
    }

    fn flit(&self) -> Vec<Utf8PathBuf> {
        let name = self.text(&["tool", "flit", "module", "name"]);
        let name = name.or_else(|| self.text(&["tool", "flit", "metadata", "module"]));
        name.iter().flat_map(|it| [self.outermost("src", it), self.outermost("", it)].concat()).collect()
    }

    fn pdm(&self) -> Vec<Utf8PathBuf> {
        let includes = self.texts(&["tool", "pdm", "build", "includes"]);
        let dirs = includes.iter().filter(|it| !it.contains(['*', '?', '['])).map(|it| join(it));
        let dirs: Vec<Utf8PathBuf> = dirs.filter(|it| it.extension().is_none_or(|it| it == "py")).collect();
        let dir = self.text(&["tool", "pdm", "build", "package-dir"]).filter(|it| !join(it).as_str().is_empty());
        match (dirs.is_empty(), dir) {
            (true, Some(dir)) => self.all_in(&join(&dir)),
            _ => dirs,
        }
    }

    fn poetry(&self) -> Vec<Utf8PathBuf> {
        let list = self.manifest.at(&["tool", "poetry", "packages"]).and_then(Value::as_array);
        let one = |it: &Value| {
            let root = it.get("from").and_then(Value::as_str).unwrap_or_default();
            it.get("include").and_then(Value::as_str).map(|name| self.outermost(root, name))
        };
        list.into_iter().flatten().filter_map(one).flatten().collect()
    }

    fn maturin(&self) -> Vec<Utf8PathBuf> {
        let dir = self.text(&["tool", "maturin", "python-source"]);
        dir.map(|it| self.all_in(&join(&it))).unwrap_or_default()
    }
}

/// A path as people write it, without the parts that say "here".
fn join(text: &str) -> Utf8PathBuf {
    Utf8Path::new(text).components().map(|it| it.as_str()).filter(|it| *it != ".").collect()
}
