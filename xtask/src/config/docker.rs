//! `[docker-build]` of the settings: how images of projects are built, what they are called, where they go.
//!
//! Must not know a builder.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use serde::Deserialize;

use super::one_of;

/// `[docker-build]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct DockerBuild {
    /// `docker`, `buildx`, `buildah`, or `auto` for the first of them that works here.
    pub builder: String,
    /// `linux/arm64` or `linux/amd64`.
    pub platform: String,
    /// Base image per platform, where it is not the usual one; pinned when it ends in `@sha256:...`.
    pub base: BTreeMap<String, String>,
    /// What image names start with: a registry and path, or a local name.
    pub repository: String,
    /// What they start with where `CI=true`, and that they are pushed there: a registry and path, in which `$NAME` stands
    /// for a variable of the job, like "$CI_REGISTRY_IMAGE". Empty: nothing is pushed.
    pub push: String,
    /// Debian packages that every image gets.
    pub packages: Vec<String>,
    /// Install all dependency groups, as for a job image, instead of just what ships.
    pub all_groups: bool,
    /// Never ask a registry: the base image must be there already.
    pub offline: bool,
}

impl Default for DockerBuild {
    fn default() -> DockerBuild {
        DockerBuild {
            builder: "auto".to_owned(),
            platform: "linux/arm64".to_owned(),
            base: BTreeMap::new(),
            repository: "localhost/xtask".to_owned(),
            push: String::new(),
            packages: Vec::new(),
            all_groups: false,
            offline: false,
        }
    }
}

impl DockerBuild {
    /// The base image of the platform. The names are complete, since only docker knows what a short one stands for.
    pub fn base(&self) -> &str {
        let usual = match self.platform.as_str() {
            "linux/amd64" => "docker.io/amd64/python:3.11-slim-bookworm",
            _ => "docker.io/arm64v8/python:3.11-slim-bookworm",
        };
        self.base.get(&self.platform).map_or(usual, String::as_str)
    }

    /// Are the values such that a builder takes them?
    ///
    /// # Errors
    /// At the first that none would.
    pub fn check(&self) -> Result<()> {
        one_of("docker-build.builder", &self.builder, &["auto", "docker", "buildx", "buildah"])?;
        one_of("docker-build.platform", &self.platform, &["linux/arm64", "linux/amd64"])?;
        for platform in self.base.keys() {
            one_of("a key of docker-build.base", platform, &["linux/arm64", "linux/amd64"])?;
        }
        for package in &self.packages {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
            if !package.starts_with(|c: char| c.is_ascii_alphanumeric()) || !package.chars().all(plain) {
                bail!("docker-build.packages: `{package}` is no name of a Debian package");
            }
        }
        let word = |c: char| c.is_ascii_alphanumeric() || "._-/:${}".contains(c);
        if !self.push.chars().all(word) {
            bail!(
                "docker-build.push = \"{}\" is no registry and path: write it like \"$CI_REGISTRY_IMAGE\"",
                self.push.escape_debug()
            );
        }
        Ok(())
    }
}
