//! Which files are not valid Python, and where.
//!
//! semgrep mends many a broken file for itself and says nothing, while what stands behind the break is not searched as
//! it is meant; bandit says that a file is broken, but not on which line. ruff's parser knows every version of the
//! language and is asked for this alone.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use camino::Utf8PathBuf;
use serde::Deserialize;

use super::batch::Tree;
use crate::context::Context;
use crate::tools::Tool;

#[derive(Deserialize)]
struct Diagnostic {
    filename: String,
    code: Option<String>,
    message: String,
    location: Option<Location>,
}

#[derive(Deserialize)]
struct Location {
    row: u32,
}

/// What is wrong, and the line.
pub type Invalid = BTreeMap<Utf8PathBuf, (String, Option<u32>)>;

/// The first syntax error of each file that has one.
///
/// # Errors
/// When ruff cannot do its work.
pub fn errors(ctx: &Context, tree: &Tree) -> Result<Invalid> {
    let call = ctx.call(ctx.tools.bin(Tool::Lint, "ruff")).cwd(&tree.root);
    let call = call
        .args(["check", "--isolated", "--no-cache", "--quiet", "--output-format", "json", "--ignore-noqa"])
        .args(["--target-version", "py314", "--config", "exclude = []", "--no-respect-gitignore"])
        // Some rule must be selected; its findings are not looked at.
        .args(["--select", "F401", "."]);
    let done = ctx.run(&call)?;
    let list: Vec<Diagnostic> = match serde_json::from_str(&done.stdout) {
        Ok(list) if matches!(done.code, 0 | 1) => list,
        Ok(_) => return Err(done.refused("ruff check")),
        Err(error) => return Err(anyhow!("{error}").context(done.refused("ruff check"))),
    };
    let mut found = BTreeMap::new();
    for it in list.into_iter().filter(|it| it.code.as_deref().is_none_or(|code| code == "invalid-syntax")) {
        if let Some((_, file)) = tree.find(&it.filename) {
            found.entry(file.to_owned()).or_insert((it.message, it.location.map(|it| it.row)));
        }
    }
    Ok(found)
}
