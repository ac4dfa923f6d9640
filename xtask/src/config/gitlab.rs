//! `[gitlab]` of the settings: which server the emitted pipeline is for, and how it is cut into jobs.
//!
//! Must not know how a pipeline looks.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use super::Limit;

/// `[gitlab]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Gitlab {
    /// The oldest server that must understand the pipeline: no newer keyword is used.
    pub minimum_version: Version,
    /// Whose limits hold.
    pub tier: Tier,
    /// What becomes one job.
    pub jobs: Shape,
    /// How many jobs the runners take at once; only the estimate depends on it.
    pub runners: usize,
    /// How many processes one job can run at once; only the estimate depends on it.
    pub cores: usize,
    /// How long a job takes before its script begins; only the estimate depends on it.
    pub start_up: Limit,
    /// The platforms that projects are checked on, the first one being where everything else runs.
    pub platforms: Vec<Platform>,
    /// Which runners take the jobs of a platform; without an entry those with the tag `arm64` or `amd64`.
    pub tags: BTreeMap<Platform, Vec<String>>,
    /// The CI image of a platform, best with a digest; without an entry the one that the generator runs in.
    pub image: BTreeMap<Platform, String>,
    /// How long GitLab keeps artifacts, in its own words.
    pub expire_in: String,
    /// How often GitLab starts a job again that its runner or the server failed: 0, 1 or 2. Never one that found something.
    pub retry: u8,
    /// Keep uv's downloads in GitLab's cache.
    pub cache: bool,
    /// Publish the site on GitLab Pages, from the default branch.
    pub pages: bool,
}

impl Default for Gitlab {
    fn default() -> Gitlab {
        Gitlab {
            minimum_version: Version { major: 18, minor: 6 },
            tier: Tier::SelfManaged,
            jobs: Shape::Auto,
            runners: 2,
            cores: 4,
            start_up: Limit(Duration::from_secs(20)),
            platforms: vec![Platform::Arm64],
            tags: BTreeMap::new(),
            image: BTreeMap::new(),
            expire_in: "1 week".to_owned(),
            retry: 1,
            cache: true,
            pages: true,
        }
    }
}

/// A GitLab version, like "18.6".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Version {
    pub major: u32,
    pub minor: u32,
}

/// The oldest server that a pipeline can be emitted for: `pages` on a job of any name is of this version.
pub const OLDEST: Version = Version { major: 17, minor: 6 };

impl TryFrom<String> for Version {
    type Error = String;

    fn try_from(text: String) -> Result<Version, String> {
        let parts = text.split_once('.').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
        let (major, minor) = parts.ok_or_else(|| format!("`{text}` is no GitLab version: write it like \"18.6\""))?;
        let version = Version { major, minor };
        if version < OLDEST {
            return Err(format!("GitLab {text} is too old: the emitted pipeline needs {OLDEST} or newer"));
        }
        Ok(version)
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Whose limits hold: GitLab.com by plan, or a server of one's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    Free,
    Premium,
    Ultimate,
    SelfManaged,
}

impl Tier {
    /// How many jobs the active pipelines of a project may have.
    pub fn jobs(self) -> Option<usize> {
        match self {
            Tier::Free => Some(500),
            Tier::Premium => Some(20_000),
            Tier::Ultimate => Some(100_000),
            Tier::SelfManaged => None,
        }
    }
}

/// What becomes one job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// A stage of a project, as in the article.
    Stage,
    /// A group of stages of a project.
    Group,
    /// A project with all its stages.
    Project,
    /// Whichever ends first by estimate.
    Auto,
}

/// A machine that jobs run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Platform {
    #[serde(rename = "linux/arm64")]
    Arm64,
    #[serde(rename = "linux/amd64")]
    Amd64,
}

impl Platform {
    /// As a container engine writes it.
    pub fn name(self) -> &'static str {
        match self {
            Platform::Arm64 => "linux/arm64",
            Platform::Amd64 => "linux/amd64",
        }
    }

    /// The machine alone: in names, tags and cache keys.
    pub fn arch(self) -> &'static str {
        match self {
            Platform::Arm64 => "arm64",
            Platform::Amd64 => "amd64",
        }
    }
}

impl Gitlab {
    /// Are the values such that GitLab takes them?
    ///
    /// # Errors
    /// At the first that it would not.
    pub fn check(&self) -> Result<()> {
        for (key, value) in [("runners", self.runners), ("cores", self.cores)] {
            if value == 0 {
                bail!("gitlab.{key} is a number from 1 on");
            }
        }
        if self.retry > 2 {
            bail!("gitlab.retry = {} is too much: GitLab starts a job again at most twice", self.retry);
        }
        check_platforms("gitlab.platforms", &self.platforms)?;
        let plain = |it: &str| !it.trim().is_empty() && it.len() <= 255 && it.chars().all(|c| c.is_ascii_graphic());
        for (platform, tags) in &self.tags {
            if tags.is_empty() || tags.len() > 49 || !tags.iter().all(|it| plain(it)) {
                bail!("gitlab.tags of {} are 1 to 49 words without spaces", platform.name());
            }
        }
        for (platform, image) in &self.image {
            if !plain(image) {
                bail!("gitlab.image of {}: `{}` is no image name", platform.name(), image.escape_debug());
            }
        }
        let word = |c: char| c.is_ascii_alphanumeric() || c == ' ';
        if !self.expire_in.starts_with(|c: char| c.is_ascii_digit()) && self.expire_in != "never"
            || !self.expire_in.chars().all(word)
        {
            bail!("gitlab.expire-in = \"{}\" is no time: write it like \"1 week\"", self.expire_in.escape_debug());
        }
        Ok(())
    }
}

/// At least one platform, none twice.
///
/// # Errors
/// When it is not so.
pub fn check_platforms(key: &str, platforms: &[Platform]) -> Result<()> {
    match platforms {
        [] => bail!("{key} names no platform"),
        [a, rest @ ..] if rest.contains(a) => bail!("{key} names {} twice", a.name()),
        _ => Ok(()),
    }
}
