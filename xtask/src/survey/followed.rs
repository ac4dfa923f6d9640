//! Files that are read by name, where they are links: the tree says what is behind them, as if that lay there itself.
//!
//! Pure: the reader gives a link's target. Without this a change behind the link would change nothing at its place.

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};

use super::Reader;
use crate::side::links::real;
use crate::tree::{Change, Mode, Tree};

/// What is looked for under these names, in projects and above them.
const NAMES: &[&str] = &["pyproject.toml", "uv.lock", "uv.toml", ".python-version", ".python-versions"];

/// The tree with the content behind such links, and behind those in the policy's directory, at the place of the links;
/// `None` when it has none. A link that leads out of the repository, or nowhere, stays one.
///
/// # Errors
/// When the reader fails.
pub fn followed(tree: &Tree, policy: Option<&Utf8Path>, read: &mut Reader) -> Result<Option<Tree>> {
    let is_read = |path: &Utf8Path| {
        path.file_name().is_some_and(|it| NAMES.contains(&it))
            || policy.is_some_and(|it| !it.as_str().is_empty() && path.starts_with(it))
    };
    let mut changes = Vec::new();
    for (path, entry) in tree.iter().filter(|it| it.1.mode == Mode::Link && is_read(it.0)) {
        let mut failed = None;
        let mut target = |link: &Utf8Path| -> Option<String> {
            let entry = tree.get(link).filter(|it| it.mode == Mode::Link)?;
            let bytes = read(link, entry).map_err(|error| failed = Some(error)).ok()?;
            String::from_utf8(bytes).ok()
        };
        let found: Option<Utf8PathBuf> = real(path, &mut target, &mut Vec::new());
        if let Some(error) = failed {
            return Err(error);
        }
        let behind = found.and_then(|it| tree.get(&it)).filter(|it| matches!(it.mode, Mode::File | Mode::Executable));
        if behind.is_some() {
            changes.push(Change { path: path.to_owned(), before: Some(entry), after: behind });
        }
    }
    Ok((!changes.is_empty()).then(|| tree.patched(&changes, false)))
}
