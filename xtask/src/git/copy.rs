//! A copy of the repository elsewhere, at one commit, that shares its objects. The repository itself is not touched.

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};

use super::{Git, words};
use crate::proc;

impl Git {
    /// Makes a copy in a directory that is not there yet, with this commit checked out; gives back what the directory
    /// that is looked at is called there.
    ///
    /// # Errors
    /// With git's own words when it cannot.
    pub fn copy_to(&self, dir: &Utf8Path, commit: &str) -> Result<Utf8PathBuf> {
        let quiet = ["-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false"];
        let clone = ["clone", "--quiet", "--shared", "--no-checkout", "--", self.top.as_str(), dir.as_str()];
        self.run(&[&quiet[..], &clone[..]].concat())?;
        let mut call = self.call(&[&quiet[..], &["checkout", "--quiet", "--detach", commit, "--"]].concat());
        call.cwd = dir.to_owned();
        let output = proc::output(&call, b"")?;
        if output.code != 0 {
            bail!("`git checkout {commit}` in {dir} failed: {}", words(&output));
        }
        let root = dir.join(&self.prefix);
        root.canonicalize_utf8().with_context(|| format!("{commit} has no directory {}", self.prefix))
    }
}
