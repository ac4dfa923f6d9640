//! Source files as the tools see them: copied into a clean tree, and hashed by content.
//!
//! A copy holds the files git would hold and nothing else, under the same repo-relative paths, so that no stray
//! configuration, ignore file or cache beside the sources can change what a tool looks at.

use std::hash::{DefaultHasher, Hasher as _};

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use hmac_sha256::Hash;

use crate::discover::{Project, Repo};

/// Copies repo-relative files to the same paths under `to`.
///
/// # Errors
/// When one cannot be read or written.
pub fn copy<'a>(repo: &Repo, to: &Utf8Path, files: impl IntoIterator<Item = &'a Utf8PathBuf>) -> Result<()> {
    for file in files {
        let target = to.join(file);
        if let Some(dir) = target.parent() {
            std::fs::create_dir_all(dir).with_context(|| format!("could not create {dir}"))?;
        }
        std::fs::copy(repo.abs(file), &target).with_context(|| format!("could not copy {file}"))?;
    }
    Ok(())
}

/// The hash of every local file that an environment of the project is built from; `None` when some are not known.
///
/// # Errors
/// When a file cannot be read.
pub fn closure_stamp(repo: &Repo, project: &Project) -> Result<Option<String>> {
    let mut hash = Hash::new();
    let mut projects = vec![project];
    let builders = repo.builders(project);
    for dir in project.locals.iter().map(|it| &it.path).chain(builders.iter().map(|it| &it.dir)) {
        // A local package outside the project globs has no list of files: nothing is known of it.
        let Some(other) = repo.project_in(dir) else { return Ok(None) };
        projects.push(other);
    }
    for project in projects {
        for file in project.files.iter().chain(&repo.inputs(project)) {
            let bytes = std::fs::read(repo.abs(file)).with_context(|| format!("could not read {file}"))?;
            for part in [file.as_str().as_bytes(), &bytes] {
                hash.update((part.len() as u64).to_le_bytes());
                hash.update(part);
            }
        }
    }
    Ok(Some(hex(&hash.finalize())))
}

/// Bytes as lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    // A plan writes millions of these: no formatting machinery.
    let digit = |it: u8| char::from(b"0123456789abcdef"[usize::from(it & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// The sha256 of a text or file content, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Hash::hash(bytes))
}

/// Tells contents apart that differ by accident. It need not withstand anybody, and is of use to this build alone.
pub fn sum(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

/// A UUID of the kind for own schemes (version 8), made of the content's sha256.
pub fn uuid(bytes: &[u8]) -> String {
    let hash = sha256(bytes);
    // The variant's two bits are 1 and 0.
    let variant = ["8", "9", "a", "b"][hash.as_bytes()[16] as usize % 4];
    format!("{}-{}-8{}-{variant}{}-{}", &hash[..8], &hash[8..12], &hash[13..16], &hash[17..20], &hash[20..32])
}
