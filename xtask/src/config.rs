//! `ci/xtask.toml`: where the projects are, what the policy is, how each stage is set.
//!
//! Reads that one file and gives back typed settings; every unknown key is an error. Must not look at a project.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

use crate::stages;

mod docker;
mod exceptions;
pub mod gitlab;

pub use docker::DockerBuild;
pub use exceptions::{NoInput, Waiver, check_no_input, check_waiver};

/// The file that marks the repository root.
pub const FILE: &str = "ci/xtask.toml";

/// Everything `ci/xtask.toml` says.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Globs, relative to the root, of directories that may hold a project.
    pub projects: Vec<String>,
    /// Globs of directories that are no projects after all.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Stage name to time limit ("90s", "10m", "1h"); `default` for the others.
    #[serde(default)]
    pub timeout: BTreeMap<String, Limit>,
    /// Stage name to what "not checked" means: `skip` or `error`. Without an entry: `error` where `CI=true`, else `skip`.
    #[serde(default)]
    pub not_checked: BTreeMap<String, NotChecked>,
    /// Which Python interpreters environments may use.
    #[serde(default)]
    pub python: Python,
    #[serde(default)]
    pub radon: Radon,
    #[serde(default)]
    pub pytest: Pytest,
    #[serde(default)]
    pub bandit: Bandit,
    #[serde(default)]
    pub semgrep: Semgrep,
    #[serde(default)]
    pub vulnerabilities: Vulnerabilities,
    #[serde(default)]
    pub docker_build: DockerBuild,
    #[serde(default)]
    pub pages: Pages,
    #[serde(default)]
    pub gitlab: gitlab::Gitlab,
    /// grype by version and sha256 of its release archives; the stage that needs it says so when it is not pinned.
    #[serde(default)]
    pub grype: Release,
    /// Where to fetch from instead of the usual places.
    #[serde(default)]
    pub mirrors: Mirrors,
    /// The branch that changes are compared with, where it is not the remote's default branch.
    #[serde(default)]
    pub default_branch: Option<String>,
    /// Paths that are nobody's input, each with its reason; any other path outside the projects selects everything.
    #[serde(default)]
    pub no_input: Vec<NoInput>,
    /// Do the usual rules about such paths hold as well: texts at the root, settings of editors and of the forge?
    #[serde(default = "yes")]
    pub default_no_input: bool,
    /// Exceptions for the whole repository, each with owner, reason and expiry date.
    #[serde(default)]
    pub waiver: Vec<Waiver>,
}

/// What "could not be checked" means for a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotChecked {
    /// A loud skip.
    Skip,
    /// An error, exit code 2.
    Error,
}

/// A time limit as text: a number and `s`, `m` or `h`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub struct Limit(pub Duration);

impl TryFrom<String> for Limit {
    type Error = String;

    fn try_from(text: String) -> Result<Limit, String> {
        let wrong = || format!("`{text}` is no time limit: write a number and s, m or h, like \"90s\" or \"10m\"");
        let unit = text.chars().last().ok_or_else(wrong)?;
        let factor = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            _ => return Err(wrong()),
        };
        let number: u64 = text[..text.len() - 1].trim().parse().map_err(|_| wrong())?;
        if number == 0 {
            return Err(wrong());
        }
        Ok(Limit(Duration::from_secs(number.saturating_mul(factor))))
    }
}

/// `[python]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Python {
    /// May uv download an interpreter when none fits? Off by default: an interpreter is an input like any other.
    pub downloads: bool,
}

/// `[radon]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Radon {
    /// The worst maintainability rank that passes.
    pub maintainability: char,
    /// The worst cyclomatic complexity rank that passes.
    pub complexity: char,
}

impl Default for Radon {
    fn default() -> Radon {
        Radon { maintainability: 'A', complexity: 'B' }
    }
}

/// `[pytest]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Pytest {
    /// The least line coverage in percent; exact, never rounded.
    pub coverage: f64,
    /// How many of the slowest tests the report names.
    pub durations: usize,
}

impl Default for Pytest {
    fn default() -> Pytest {
        Pytest { coverage: 75.0, durations: 10 }
    }
}

/// `[bandit]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Bandit {
    /// The least severity that fails: low, medium or high.
    pub severity: String,
    /// The least confidence that fails: low, medium or high.
    pub confidence: String,
}

impl Default for Bandit {
    fn default() -> Bandit {
        Bandit { severity: "low".to_owned(), confidence: "low".to_owned() }
    }
}

/// `[semgrep]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Semgrep {
    /// Further rule files, directories or registry names (`p/python`), beside all of `ci/semgrep/`.
    pub extra_rules: Vec<String>,
}

/// `[vulnerabilities]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Vulnerabilities {
    /// The least severity that fails: negligible, low, medium, high or critical. Unknown severities always fail.
    pub severity: String,
    /// The same for packages of the image's operating system.
    pub image_severity: String,
    /// Operating system packages fail only when a fixed version exists.
    pub image_only_fixed: bool,
    /// A directory with a grype database that is used as it is; without it, the user's cache, updated once a run.
    pub database: Option<String>,
    /// Where grype asks for a newer database instead of its own address.
    pub database_url: Option<String>,
    /// How old the database may be.
    pub database_max_age: Limit,
}

impl Default for Vulnerabilities {
    fn default() -> Vulnerabilities {
        Vulnerabilities {
            severity: "medium".to_owned(),
            image_severity: "high".to_owned(),
            image_only_fixed: true,
            database: None,
            database_url: None,
            database_max_age: Limit(Duration::from_secs(5 * 24 * 3600)),
        }
    }
}

/// `[pages]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Pages {
    /// The title of the site's index page.
    pub title: String,
}

impl Default for Pages {
    fn default() -> Pages {
        Pages { title: "Documentation".to_owned() }
    }
}

/// A tool that is fetched as a release archive.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Release {
    /// The one version that is used; empty when the settings name none.
    pub version: String,
    /// "linux-amd64" and so on, to the archive's sha256 in hexadecimal.
    pub sha256: BTreeMap<String, String>,
}

/// `[mirrors]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Mirrors {
    /// A Python package index, for pip and uv.
    pub python_index: Option<String>,
    /// The address of the grype release archive, with `{version}` and `{platform}`.
    pub grype: Option<String>,
    /// A Go module proxy, for `go install`.
    pub go_proxy: Option<String>,
}

impl Config {
    /// Reads and checks the settings.
    ///
    /// # Errors
    /// When the file is missing, is no TOML, has a key that is not known here, or names a stage that does not exist.
    pub fn load(file: &Utf8Path) -> Result<Config> {
        let text = std::fs::read_to_string(file).with_context(|| format!("could not read {file}"))?;
        Config::parse(file, &text)
    }

    /// Parses the settings; `file` is only for messages.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(file: &Utf8Path, text: &str) -> Result<Config> {
        let config: Config = toml::from_str(text).with_context(|| format!("{file} is not valid"))?;
        for name in config.timeout.keys().filter(|name| *name != "default").chain(config.not_checked.keys()) {
            stages::find(name).with_context(|| format!("in {file}"))?;
        }
        for waiver in &config.waiver {
            stages::find(&waiver.stage).with_context(|| format!("in a [[waiver]] of {file}"))?;
            check_waiver(waiver).with_context(|| format!("in a [[waiver]] of {file}"))?;
        }
        for rule in &config.no_input {
            check_no_input(rule).with_context(|| format!("{file} is not valid"))?;
        }
        config.check_words().with_context(|| format!("{file} is not valid"))?;
        Ok(config)
    }

    fn check_words(&self) -> Result<()> {
        one_of("bandit.severity", &self.bandit.severity, &["low", "medium", "high"])?;
        one_of("bandit.confidence", &self.bandit.confidence, &["low", "medium", "high"])?;
        let severities = ["negligible", "low", "medium", "high", "critical"];
        one_of("vulnerabilities.severity", &self.vulnerabilities.severity, &severities)?;
        one_of("vulnerabilities.image-severity", &self.vulnerabilities.image_severity, &severities)?;
        self.docker_build.check()?;
        self.gitlab.check()?;
        one_of("radon.maintainability", &self.radon.maintainability.to_string(), &["A", "B", "C"])?;
        one_of("radon.complexity", &self.radon.complexity.to_string(), &["A", "B", "C", "D", "E", "F"])?;
        if !(0.0..=100.0).contains(&self.pytest.coverage) {
            bail!("pytest.coverage is a percentage between 0 and 100, not {}", self.pytest.coverage);
        }
        Ok(())
    }

    /// The time limit of a stage.
    pub fn timeout(&self, stage: &str) -> Duration {
        let fallback = Duration::from_secs(15 * 60);
        let general = self.timeout.get("default").map_or(fallback, |limit| limit.0);
        // An image for another machine is built under emulation, which takes its time.
        let usual = match stage {
            "docker-build" => general.max(2 * fallback),
            "image" => general.max(8 * fallback),
            _ => general,
        };
        self.timeout.get(stage).map_or(usual, |limit| limit.0)
    }

    /// What "not checked" means for a stage.
    pub fn not_checked(&self, stage: &str, ci: bool) -> NotChecked {
        let fallback = if ci { NotChecked::Error } else { NotChecked::Skip };
        self.not_checked.get(stage).copied().unwrap_or(fallback)
    }
}

fn yes() -> bool {
    true
}

/// May a project give this setting ("pytest.coverage") this value? What the settings' own file may say, it may.
///
/// # Errors
/// When the value is of another type or out of bounds.
pub fn check_setting(setting: &str, value: &toml::Value) -> Result<()> {
    let (table, key) = setting.split_once('.').with_context(|| format!("`{setting}` is no `table.key`"))?;
    let mut all: toml::Table = toml::from_str("projects = []\ngrype = { version = '', sha256 = {} }")?;
    all.insert(table.to_owned(), toml::Table::from_iter([(key.to_owned(), value.clone())]).into());
    let config: Config = all.try_into().with_context(|| format!("{setting} cannot be {value}"))?;
    config.check_words()
}

fn one_of(key: &str, value: &str, allowed: &[&str]) -> Result<()> {
    if !allowed.contains(&value) {
        bail!("{key} = \"{value}\" is not known; it is one of: {}", allowed.join(", "));
    }
    Ok(())
}

/// The directory of the policy files: the one the settings are in.
pub fn directory(file: &Utf8Path) -> Utf8PathBuf {
    file.parent().map_or_else(|| Utf8PathBuf::from("."), Utf8Path::to_owned)
}
