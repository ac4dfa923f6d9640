//! One wheel of one local package, built from a clean tree, once in a run whoever asks first.
//!
//! Must not judge what is in it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};

use super::tree;
use crate::context::{self, Context};
use crate::proc::{Done, last_words};
use crate::sources;

/// What archives say as the time of their files, unless their build backend knows better: the wheel of the same
/// content is the same wheel, whichever commit it is built from.
pub const EPOCH: &str = "1580601600";

/// What became of a build.
#[derive(Debug, Clone)]
pub enum Built {
    /// The wheel.
    Wheel(Utf8PathBuf),
    /// The project cannot be built as it is.
    Broken {
        /// The backend's last words.
        why: String,
        /// The end of its output.
        tail: String,
    },
}

type Slot = Arc<OnceLock<Result<Built, String>>>;

/// One slot for each package and interpreter version.
static WHEELS: Mutex<BTreeMap<(Utf8PathBuf, String), Slot>> = Mutex::new(BTreeMap::new());

/// The wheel of the package in a repo-relative directory.
///
/// # Errors
/// When it could not be tried: no network, no space.
pub fn build(ctx: &Context, dir: &Utf8Path, environment: &Utf8Path) -> Result<Built> {
    let version = python_version(environment)?;
    let key = (ctx.repo.abs(dir), version);
    let slot = Arc::clone(WHEELS.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default());
    slot.get_or_init(|| make(ctx, dir, environment).map_err(|error| format!("{error:#}")))
        .clone()
        .map_err(anyhow::Error::msg)
}

fn make(ctx: &Context, dir: &Utf8Path, environment: &Utf8Path) -> Result<Built> {
    let id = sources::sha256(format!("{dir} {}", python_version(environment)?).as_bytes());
    let work = ctx.out.join("work").join("wheels").join(format!("{}-{}", dir.file_name().unwrap_or("root"), &id[..8]));
    let (root, out) = (work.join("tree"), work.join("dist"));
    context::remake(&work)?;
    match ctx.repo.project_in(dir) {
        Some(project) => tree::stage(ctx.repo, project, &root)?,
        None => tree::stage_dir(ctx.repo, dir, &root)?,
    }
    let source = root.join(dir);
    let call = ctx.uv().args(["build", "--wheel", "--no-create-gitignore", "--out-dir"]).arg(out.as_str());
    let call = call.arg("--python").arg(environment.join("bin").join("python").as_str()).arg(source.as_str());
    let done = ctx.run(&call.cwd(&source).env("SOURCE_DATE_EPOCH", EPOCH))?;
    if done.code != 0 {
        if let Some(line) = trouble_elsewhere(&done) {
            return Err(done.refused(&format!("`uv build --wheel` of {dir} ({line})")));
        }
        // Paths as in the repository: the clean tree is gone with the next run.
        let plain = |text: &str| text.replace(&format!("{root}/"), "");
        return Ok(Built::Broken { why: plain(&last_words(&done.stderr)), tail: plain(&done.tail) });
    }
    let mut wheels = Vec::new();
    for entry in out.read_dir_utf8().with_context(|| format!("could not list {out}"))? {
        let path = entry?.into_path();
        if path.extension() == Some("whl") {
            wheels.push(path);
        }
    }
    match wheels.as_slice() {
        [wheel] => Ok(Built::Wheel(wheel.clone())),
        _ => bail!("`uv build --wheel` of {dir} left {} wheels in {out}", wheels.len()),
    }
}

/// The line that says that the machine is at fault, if one does: uv's own words, not the backend's.
fn trouble_elsewhere(done: &Done) -> Option<&str> {
    const SIGNS: &[&str] = &[
        "Failed to fetch:",
        "error sending request",
        "dns error",
        "Network connectivity is disabled",
        "Connection refused",
        "Connection reset",
        "operation timed out",
        "No space left on device",
        "No interpreter found",
    ];
    done.stderr.lines().map(str::trim).find(|line| SIGNS.iter().any(|it| line.contains(it)))
}

/// The interpreter version of an environment.
fn python_version(environment: &Utf8Path) -> Result<String> {
    let path = environment.join("pyvenv.cfg");
    let text = std::fs::read_to_string(&path).with_context(|| format!("could not read {path}"))?;
    let version = text.lines().find_map(|line| line.strip_prefix("version_info = "));
    version.map(str::to_owned).with_context(|| format!("{path} names no version_info"))
}
