//! What the steps of a build need to reach the package index: handed over as secrets, which no layer keeps.
//!
//! They are no part of the tag: the same sources through another mirror are the same image.

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};

use crate::context::{self, Context};
use crate::proc;

/// Where a secret is while a step runs.
const INSIDE: &str = "/run/secrets";
/// Variables of the caller that name a file of certificates.
const CERTIFICATES: &[&str] = &["SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"];
const PROXIES: &[&str] =
    &["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"];

/// The secrets of one build.
#[derive(Debug)]
pub struct Secrets {
    /// The variables, as shell commands.
    network: Utf8PathBuf,
    /// By name, with the file.
    pub files: Vec<(&'static str, Utf8PathBuf)>,
}

impl Secrets {
    /// Removes what was written.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self) -> Result<()> {
        context::remove(&self.network)
    }
}

/// Writes them beside the context.
///
/// # Errors
/// When the file cannot be written.
pub fn write(ctx: &Context, scratch: &Utf8Path) -> Result<Secrets> {
    let mut env = context::inherited(PROXIES);
    env.extend(context::index_env(ctx.repo.config.mirrors.python_index.as_deref()));
    // A fresh image has no cache to work from, and no keyring.
    for name in ["UV_OFFLINE", "UV_KEYRING_PROVIDER"] {
        env.remove(name);
    }
    let mut files = Vec::new();
    let authority = context::inherited(CERTIFICATES);
    if let Some(file) = CERTIFICATES.iter().filter_map(|it| authority.get(*it)).find(|it| Utf8Path::new(it).is_file()) {
        files.push(("ca", Utf8PathBuf::from(file)));
        for name in ["SSL_CERT_FILE", "PIP_CERT"] {
            env.insert(name.to_owned(), format!("{INSIDE}/ca"));
        }
    }
    if let Some(file) = env.remove("NETRC").filter(|it| Utf8Path::new(it).is_file()) {
        files.push(("netrc", Utf8PathBuf::from(file)));
        env.insert("NETRC".to_owned(), format!("{INSIDE}/netrc"));
    }
    let network = scratch.join("network");
    let text: String = env.iter().map(|(name, value)| format!("export {name}={}\n", proc::quote(value))).collect();
    context::remove(&network)?;
    context::write_secret(&network, &text)?;
    files.push(("network", network.clone()));
    Ok(Secrets { network, files })
}
