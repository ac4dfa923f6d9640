//! What a stage is given: the repository, its tools, where to write, and how to describe a process.
//!
//! This is where "started clean" is kept: a call begins with a chosen environment, an empty home and the stage's own
//! directory, never with what the caller's shell happened to hold.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};

use crate::config::NotChecked;
use crate::discover::{Project, Repo};
use crate::proc::{self, Call, Done};
use crate::sources;
use crate::tools::Tools;
use crate::verdict::Verdict;

/// Variables that tell how to reach the network and where programs are; everything else is left behind.
const PASSED: &[&str] = &[
    "PATH",
    "TZ",
    "PYENV_ROOT",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "PIP_CERT",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SYSTEM_VERSION_COMPAT",
];

/// Variables that name package indexes and their credentials, for uv and pip alone.
const INDEX: &[&str] = &[
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "UV_INDEX_STRATEGY",
    "UV_KEYRING_PROVIDER",
    "UV_NATIVE_TLS",
    "UV_SYSTEM_CERTS",
    "UV_OFFLINE",
    "UV_HTTP_TIMEOUT",
    "UV_CONCURRENT_DOWNLOADS",
    "UV_LINK_MODE",
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "NETRC",
];

/// Is this a CI machine?
pub fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|it| it == "true" || it == "1")
}

/// The caller's values of these variables, where set.
pub fn inherited(names: &[&str]) -> BTreeMap<String, String> {
    names.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?))).collect()
}

/// The environment of every stage process: how to reach the network, an empty home, one language, no bytecode in the sources.
pub fn clean_env(home: &Utf8Path) -> BTreeMap<String, String> {
    let mut env = inherited(PASSED);
    for (name, value) in [
        ("HOME", home.as_str()),
        ("XDG_CONFIG_HOME", home.as_str()),
        ("XDG_CACHE_HOME", home.as_str()),
        ("XDG_DATA_HOME", home.as_str()),
        ("LANG", "C.UTF-8"),
        ("LC_ALL", "C.UTF-8"),
        ("PYTHONDONTWRITEBYTECODE", "1"),
        ("PYTHONUNBUFFERED", "1"),
        ("PYTHONUTF8", "1"),
        ("NO_COLOR", "1"),
    ] {
        env.insert(name.to_owned(), value.to_owned());
    }
    env
}

/// The further variables of uv and pip: indexes, credentials, uv's own cache.
pub fn index_env(mirror: Option<&str>) -> BTreeMap<String, String> {
    let mut env = inherited(INDEX);
    env.extend(std::env::vars().filter(|(name, _)| {
        name.starts_with("UV_INDEX_") && (name.ends_with("_USERNAME") || name.ends_with("_PASSWORD"))
    }));
    if let (None, Ok(home)) = (env.get("NETRC"), std::env::var("HOME")) {
        let netrc = format!("{home}/.netrc");
        if std::path::Path::new(&netrc).is_file() {
            env.insert("NETRC".to_owned(), netrc);
        }
    }
    if let Some(mirror) = mirror {
        env.insert("UV_DEFAULT_INDEX".to_owned(), mirror.to_owned());
        env.insert("PIP_INDEX_URL".to_owned(), mirror.to_owned());
    }
    env
}

/// What a stage works with. One value for each job.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    /// The repository, read once.
    pub repo: &'a Repo,
    /// The provisioned tools.
    pub tools: &'a Tools,
    /// `target/ci`, absolute.
    pub out: Utf8PathBuf,
    /// The stage's name.
    pub stage: &'static str,
    /// Where every process of this job writes its output.
    pub log: Utf8PathBuf,
    /// Is this a CI machine (`CI=true`)?
    pub ci: bool,
    /// The names of the projects that this run checks.
    pub selected: &'a [String],
    /// The names of the stages that this run has: what another stage has left is of this run only if it is one of them.
    pub stages: &'a [&'static str],
    /// The tags of the projects' images, by project; they follow from what goes in.
    pub tags: &'a BTreeMap<String, String>,
}

impl Context<'_> {
    /// A process to describe further: clean environment, empty home, the job's scratch directory, the stage's time limit.
    pub fn call(&self, program: impl Into<Utf8PathBuf>) -> Call {
        Call {
            program: program.into(),
            args: Vec::new(),
            cwd: self.out.join("empty"),
            env: clean_env(&self.out.join("home")),
            timeout: self.repo.config.timeout(self.stage),
        }
    }

    /// A `uv` process: with the package indexes and uv's cache, without any user settings.
    pub fn uv(&self) -> Call {
        let mut call = self.call(&self.tools.uv);
        call.env.extend(self.tools.uv_env(&self.repo.config));
        call.arg("--no-progress")
    }

    /// Runs a process with its output in the job's log.
    ///
    /// # Errors
    /// When it cannot start, is ended, or takes too long; see [`proc::run`].
    pub fn run(&self, call: &Call) -> Result<Done> {
        proc::run(call, &self.log)
    }

    /// An empty directory for this job alone: `target/ci/work/STAGE[/PROJECT]`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn scratch(&self, project: Option<&Project>) -> Result<Utf8PathBuf> {
        let mut dir = self.out.join("work").join(self.stage);
        if let Some(project) = project {
            dir.push(&project.name);
        }
        remake(&dir)?;
        Ok(dir)
    }

    /// The directory for what a stage leaves for people and for other stages: `target/ci/reports/PROJECT/`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn reports(&self, project: &Project) -> Result<Utf8PathBuf> {
        let dir = self.out.join("reports").join(&project.name);
        std::fs::create_dir_all(&dir).with_context(|| format!("could not create {dir}"))?;
        Ok(dir)
    }

    /// The verdict of a stage that could not be checked here: a skip with its reason, or an error where that is the policy.
    pub fn not_checked(&self, reason: impl Into<String>) -> Verdict {
        let is_error = self.repo.config.not_checked(self.stage, self.ci) == NotChecked::Error;
        Verdict::not_checked(&reason.into(), is_error)
    }

    /// A repo-relative path as the reports show it, from an absolute one; `None` for a path outside the repository.
    pub fn relative(&self, path: impl AsRef<Utf8Path>) -> Option<Utf8PathBuf> {
        path.as_ref().strip_prefix(&self.repo.root).ok().map(Utf8Path::to_owned)
    }
}

/// Makes a directory anew, empty.
///
/// # Errors
/// When the old one cannot be removed or the new one not made.
pub fn remake(dir: &Utf8Path) -> Result<()> {
    if dir.symlink_metadata().is_ok() {
        std::fs::remove_dir_all(dir).with_context(|| format!("could not empty {dir}"))?;
    }
    std::fs::create_dir_all(dir).with_context(|| format!("could not create {dir}"))
}

/// Removes a file that need not be there.
///
/// # Errors
/// When it is there and cannot be removed.
pub fn remove(path: &Utf8Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("could not remove {path}"))
        }
        _ => Ok(()),
    }
}

/// Writes a file as a whole: to a temporary name beside it, then renamed.
///
/// # Errors
/// When the directory or the file cannot be written.
pub fn write(path: &Utf8Path, text: impl AsRef<[u8]>) -> Result<()> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).with_context(|| format!("could not create {dir}"))?;
    }
    // Two threads may write one path at once: each has a temporary file of its own.
    let temporary = Utf8PathBuf::from(format!("{path}.{}-{}.new", std::process::id(), proc::unique()));
    std::fs::write(&temporary, text).with_context(|| format!("could not write {temporary}"))?;
    std::fs::rename(&temporary, path).with_context(|| format!("could not write {path}"))
}

/// A path as the name of one file or directory: another for each path, and never too long.
pub fn flat(path: &Utf8Path) -> String {
    sources::sha256(path.as_str().as_bytes())[..16].to_owned()
}

/// Writes a new file that only its owner may read: nobody sees it before its mode is set.
///
/// # Errors
/// When it is there already, or cannot be written.
pub fn write_secret(path: &Utf8Path, text: &str) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).with_context(|| format!("could not write {path}"))
}
