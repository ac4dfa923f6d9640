//! Which Python the tools run on, and which one an environment has.
//!
//! Finds interpreters and asks them; must not fetch one.

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};

use crate::discover::{Project, Repo};
use crate::{context, manifest, proc};

/// The least 3.x that the tools run on.
const OLDEST: u32 = 11;

/// The least 3.x of a project that has its tests run and its documentation built: what `ci/tools/pyproject.toml` says.
const OLDEST_OF_PROJECT: u32 = 10;

/// An interpreter of version 3.11 or newer: its real path, for a launcher may depend on the caller's directory or home.
///
/// # Errors
/// When there is none on `PATH`.
pub fn find() -> Result<(Utf8PathBuf, String)> {
    for name in ["python3", "python3.11", "python3.12", "python3.13", "python3.14", "python"] {
        let Some(path) = proc::find_on_path(name) else { continue };
        if let Some((executable, version)) = ask(&path, None)
            && minor_of(&version) >= OLDEST
        {
            return Ok((executable, version));
        }
    }
    bail!("no Python 3.11 or newer is on PATH; install one (Debian: apt-get install python3 python3-venv)")
}

/// radon and bandit read the code with the parser of the Python that they run on: it must be as new as the newest that a
/// project asks for. `None` when the usual one is, or there is no other.
pub fn new_enough_for(repo: &Repo, uv: &Utf8Path, cache: &Utf8Path, usual: &str) -> Option<(Utf8PathBuf, String)> {
    let requires = |it: &Project| it.manifest.at(&["project", "requires-python"])?.as_str().map(str::to_owned);
    let needed = repo.projects.iter().filter_map(requires).filter_map(|it| manifest::least_minor(&it)).max()?;
    if needed <= minor_of(usual) {
        return None;
    }
    let pyenv = of_pyenv();
    let on_path = (needed..needed + 3).filter_map(|it| proc::find_on_path(&format!("python3.{it}")));
    on_path.filter_map(|it| ask(&it, pyenv.as_deref())).next().or_else(|| {
        // uv knows more places, those that it has filled itself among them.
        let mut env = context::inherited(&["PATH", "HOME", "PYENV_ROOT", "UV_PYTHON_INSTALL_DIR"]);
        env.extend(pyenv.clone().map(|it| ("PYENV_VERSION".to_owned(), it)));
        let wanted = format!(">=3.{needed}");
        let found = proc::read(uv, &["python", "find", "--no-project", "--no-config", &wanted], cache, &env).ok()?;
        ask(Utf8Path::new(found.trim()), None)
    })
}

/// The real path of an interpreter, and its version; `pyenv` says which versions the programs of pyenv may start, where it
/// is not what its own settings choose.
fn ask(path: &Utf8Path, pyenv: Option<&str>) -> Option<(Utf8PathBuf, String)> {
    let code = "import sys; print(sys.executable); print('%d.%d.%d' % sys.version_info[:3])";
    let mut env = context::inherited(&["PATH", "HOME", "PYENV_ROOT", "PYENV_VERSION"]);
    env.extend(pyenv.map(|it| ("PYENV_VERSION".to_owned(), it.to_owned())));
    let output = proc::read(path, &["-I", "-c", code], Utf8Path::new("/"), &env).ok()?;
    let mut lines = output.lines();
    Some((lines.next()?.into(), lines.next()?.to_owned()))
}

/// Every version that pyenv has, for its variable `PYENV_VERSION`; `None` where its programs are not on `PATH`.
///
/// Without it they refuse to run but for the version that pyenv's own settings choose, and uv takes that for a fault.
pub fn of_pyenv() -> Option<String> {
    let path = std::env::var("PATH").ok()?;
    let shims = path.split(':').map(Utf8Path::new).filter(|it| it.file_name() == Some("shims"));
    let versions = shims.filter_map(|it| it.parent()?.join("versions").read_dir_utf8().ok()).next()?;
    let mut names: Vec<String> = versions.flatten().map(|it| it.file_name().to_owned()).collect();
    // The newest first: it is what `python3` will be.
    names.sort_by_key(|it| std::cmp::Reverse(it.split('.').map(|it| it.parse().unwrap_or(0)).collect::<Vec<u32>>()));
    (!names.is_empty()).then(|| names.join(":"))
}

/// The x of 3.x; 0 for a Python 2.
pub fn minor_of(version: &str) -> u32 {
    manifest::minor(version).unwrap_or(0)
}

/// Do pytest and sphinx run on this Python of a project?
///
/// # Errors
/// When it is too old, with where a newer one is named.
pub fn fits_overlay(version: &str) -> Result<()> {
    if minor_of(version) < OLDEST_OF_PROJECT {
        bail!(
            "pytest and sphinx need Python 3.{OLDEST_OF_PROJECT} or newer, and the project has {version}: `.python-version` and \
             `requires-python` say which it gets"
        );
    }
    Ok(())
}

/// The interpreter version of an environment, from its `pyvenv.cfg`.
///
/// # Errors
/// When there is none, or it does not say.
pub fn of_environment(environment: &Utf8Path) -> Result<String> {
    let path = environment.join("pyvenv.cfg");
    let text = std::fs::read_to_string(&path).with_context(|| format!("could not read {path}"))?;
    let value = text.lines().filter_map(|line| line.split_once('=')).find(|(key, _)| key.trim() == "version_info");
    value.map(|(_, value)| value.trim().to_owned()).with_context(|| format!("{path} names no version_info"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_may_have_an_older_python_than_the_tools() {
        let manifest = include_str!("../../../ci/tools/pyproject.toml");
        assert!(manifest.contains(&format!("requires-python = \">=3.{OLDEST_OF_PROJECT}\"")), "{manifest}");
        for (version, fits) in [("3.9.18", false), ("2.7.18", false), ("3.10.0", true), ("3.14.0rc1", true)] {
            assert_eq!(fits_overlay(version).is_ok(), fits, "{version}");
        }
    }
}
