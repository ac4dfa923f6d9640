//! `cargo xtask clean`: takes away what runs have left, and nothing else.
//!
//! Only `target/ci` of this repository and, when asked, this program's own cache directory.

use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};

/// What would be deleted.
///
/// # Errors
/// When the directory is not really in the repository: what a symbolic link points at may be somebody else's.
pub fn targets(root: &Utf8Path, out: &Utf8Path, cache: Option<&Utf8Path>) -> Result<Vec<Utf8PathBuf>> {
    let mut found = Vec::new();
    if let Ok(real) = out.canonicalize_utf8()
        && (out.is_symlink() || !root.canonicalize_utf8().is_ok_and(|it| real.starts_with(it)))
    {
        bail!("{out} leads to {real} through a symbolic link; what it points at is not deleted");
    }
    if out.is_dir() {
        for entry in out.read_dir_utf8().with_context(|| format!("could not list {out}"))? {
            found.push(entry?.into_path());
        }
    }
    if let Some(cache) = cache {
        // Only what this program makes there: the directory may be one that the user named.
        found.extend(["tools", "grype-db", "engine"].iter().map(|it| cache.join(it)).filter(|it| it.exists()));
    }
    found.sort();
    Ok(found)
}

/// Deletes them.
///
/// # Errors
/// When one cannot be deleted; those before it are gone.
pub fn delete(paths: &[Utf8PathBuf]) -> Result<()> {
    for path in paths {
        let meta = path.symlink_metadata().with_context(|| format!("could not look at {path}"))?;
        let result = if meta.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
        result.with_context(|| format!("could not delete {path}"))?;
    }
    Ok(())
}
