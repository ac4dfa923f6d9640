//! Reads the policy of settings that lie outside the repository.
//!
//! Must not read anything else beside them.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};

use crate::policy;
use crate::stages::STAGES;

/// The policy files beside settings that are not in the repository.
///
/// # Errors
/// When a directory or a file of it cannot be read.
pub fn policy(dir: &Utf8Path) -> Result<BTreeMap<Utf8PathBuf, Vec<u8>>> {
    let named = STAGES.iter().flat_map(|it| it.reads.policy.iter().copied());
    let mut found = BTreeMap::new();
    for name in named.chain([policy::UV]).chain(policy::IN_PARTS.iter().copied()) {
        let mut queue = vec![dir.join(name.trim_end_matches('/'))];
        while let Some(path) = queue.pop() {
            if path.is_dir() && name.ends_with('/') {
                for entry in path.read_dir_utf8().with_context(|| format!("could not list {path}"))? {
                    queue.push(entry.with_context(|| format!("could not list {path}"))?.into_path());
                }
            } else if path.is_file() {
                let bytes = std::fs::read(&path).with_context(|| format!("could not read {path}"))?;
                found.insert(path.strip_prefix(dir).unwrap_or(&path).to_owned(), bytes);
            }
        }
    }
    Ok(found)
}
