//! The images of projects: how they are called, where they go, and what docker-build leaves of one.
//!
//! Pure. The tag follows from the fingerprint of docker-build, so it is known before anything is built. Must not know a
//! builder or a registry.

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use crate::config::DockerBuild;
use crate::facts::Digest;
use crate::sources;

/// What docker-build leaves of an image, beside a project's reports; the `sbom` stage reads it.
pub const FILE: &str = "image.json";
/// The stage that makes them.
pub const MAKER: &str = "docker-build";

/// An image of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Name and tag.
    pub reference: String,
    /// A docker archive of it, absolute or relative to the repository root; without one it is in its registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<Utf8PathBuf>,
    /// Of an archive the image's id, the digest of its configuration; in a registry that of its manifest.
    pub digest: String,
    /// "linux/arm64" or "linux/amd64".
    pub platform: String,
}

impl Image {
    /// The name by which it is had from its registry: nothing that is pushed later changes what that is.
    pub fn pinned(&self) -> String {
        pinned(&self.reference, &self.digest)
    }
}

/// A name that no later push can move.
pub fn pinned(reference: &str, digest: &str) -> String {
    format!("{}@{digest}", split(reference).0)
}

/// A reference without and with just its tag; no tag where there is none.
pub fn split(reference: &str) -> (&str, &str) {
    match reference.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (reference, ""),
    }
}

/// The registry in a name that has one: what is before the first slash, where that can be no path.
pub fn host(reference: &str) -> Option<&str> {
    let (host, _) = reference.split_once('/')?;
    (host.contains(['.', ':']) || host == "localhost").then_some(host)
}

/// Is the registry on this machine? Then it needs no certificate, as for docker.
pub fn is_loopback(reference: &str) -> bool {
    let host = host(reference).unwrap_or_default();
    let name = if host.starts_with('[') { host } else { host.split(':').next().unwrap_or_default() };
    name == "localhost" || name.starts_with("127.") || name.starts_with("[::1]")
}

/// Where images go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Home {
    /// They stay on this machine, under names that start with this.
    Here(String),
    /// They are pushed, under names that start with this.
    Registry(String),
    /// They stay on this machine though they were to be pushed: this variable is not set.
    Unset(String, String),
}

impl Home {
    /// Where the settings want them; nothing is pushed but by a CI machine.
    pub fn of(settings: &DockerBuild, ci: bool, var: &dyn Fn(&str) -> Option<String>) -> Home {
        let here = settings.repository.clone();
        if !ci || settings.push.is_empty() {
            return Home::Here(here);
        }
        match expand(&settings.push, var) {
            Ok(name) => Home::Registry(name.trim_end_matches('/').to_owned()),
            Err(unset) => Home::Unset(here, unset),
        }
    }

    /// The name and tag of a project's image.
    pub fn reference(&self, project: &str, tag: &str) -> String {
        let (Home::Here(name) | Home::Registry(name) | Home::Unset(name, _)) = self;
        format!("{name}/{project}:{tag}")
    }
}

/// Puts the values of variables in the place of `$NAME` and `${NAME}`; else the name of one that is not set.
fn expand(text: &str, var: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out += before;
        let inner = after.strip_prefix('{').unwrap_or(after);
        let end = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inner.len());
        let name = &inner[..end];
        out += &var(name).filter(|it| !it.is_empty()).ok_or_else(|| name.to_owned())?;
        rest = &inner[end..];
        rest = if inner.len() < after.len() { rest.strip_prefix('}').unwrap_or(rest) } else { rest };
    }
    Ok(out + rest)
}

/// The tag: a hash of all that goes in, and of what the image is built on.
pub fn tag(settings: &DockerBuild, fingerprint: &Digest) -> String {
    let text = format!("{} {} {}", sources::hex(fingerprint), settings.platform, settings.base());
    sources::sha256(text.as_bytes())[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(push: &str, ci: bool) -> Home {
        let settings = DockerBuild { push: push.to_owned(), ..DockerBuild::default() };
        let var = |name: &str| (name == "CI_REGISTRY_IMAGE").then(|| "registry.example.org/group/repo".to_owned());
        Home::of(&settings, ci, &var)
    }

    #[test]
    fn where_images_go() {
        let registry = |it: &str| Home::Registry(it.to_owned());
        assert_eq!(home("$CI_REGISTRY_IMAGE", true), registry("registry.example.org/group/repo"));
        assert_eq!(home("${CI_REGISTRY_IMAGE}/images/", true), registry("registry.example.org/group/repo/images"));
        assert_eq!(home("r.example.org:5000/x", true), registry("r.example.org:5000/x"));
        assert_eq!(home("$CI_REGISTRY_IMAGE", false), Home::Here("localhost/xtask".to_owned()));
        assert_eq!(home("", true), Home::Here("localhost/xtask".to_owned()));
        assert_eq!(home("$OTHER/x", true), Home::Unset("localhost/xtask".to_owned(), "OTHER".to_owned()));
        assert_eq!(home("$CI_REGISTRY_IMAGE", true).reference("a", "1"), "registry.example.org/group/repo/a:1");
    }

    #[test]
    fn parts_of_names() {
        assert_eq!(split("r.example.org:5000/a/b"), ("r.example.org:5000/a/b", ""));
        assert_eq!(pinned("r.example.org:5000/a/b:1", "sha256:0"), "r.example.org:5000/a/b@sha256:0");
        assert_eq!((host("a/b:1"), host("a.b/c"), host("localhost/c")), (None, Some("a.b"), Some("localhost")));
        for name in ["localhost/a", "localhost:5000/a", "127.0.0.1:5000/a", "[::1]:5000/a"] {
            assert!(is_loopback(name), "{name}");
        }
        assert!(!is_loopback("registry.example.org/localhost") && !is_loopback("a/b"));
    }
}
