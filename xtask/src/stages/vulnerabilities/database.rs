//! The vulnerability database: found or updated once in a run, and asked whether it is fit to use.
//!
//! Absent, too old and damaged are all "not checked", never a pass. A database that could not be renewed but is still
//! young enough is used, and the report says so.

use std::fs::File;
use std::sync::OnceLock;

use anyhow::{Context as _, Result, anyhow};
use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

use crate::context::{self, Context};
use crate::proc::{self, Call};

/// What a run knows about the database.
#[derive(Debug, Clone)]
pub enum Database {
    /// It can be used.
    Ready {
        dir: Utf8PathBuf,
        /// When it was built, in grype's words.
        built: String,
        /// What the reader should know.
        note: Option<String>,
    },
    /// It cannot, and why.
    Unfit(String),
}

/// What `grype db status` says.
#[derive(Debug, Deserialize)]
struct Status {
    valid: bool,
    #[serde(default)]
    built: String,
    error: Option<String>,
}

/// What this run has found.
static OPENED: OnceLock<Result<Database, String>> = OnceLock::new();

/// When the database was built that this run uses; `None` when it uses none.
pub fn used() -> Option<String> {
    match OPENED.get() {
        Some(Ok(Database::Ready { built, .. })) => Some(built.clone()),
        _ => None,
    }
}

/// Finds it; the first project of a run does, the others get the same answer.
///
/// # Errors
/// When grype cannot be asked.
pub fn open(ctx: &Context, scratch: &Utf8Path) -> Result<Database> {
    let opened = OPENED.get_or_init(|| find(ctx, scratch).map_err(|error| format!("{error:#}")));
    opened.clone().map_err(|error| anyhow!(error))
}

fn find(ctx: &Context, scratch: &Utf8Path) -> Result<Database> {
    let settings = &ctx.repo.config.vulnerabilities;
    let dir = directory(ctx);
    let failed = if settings.database.is_some() { None } else { update(ctx, scratch, &dir)? };
    match status(ctx, scratch, &dir)? {
        Ok(built) => {
            let note = failed.map(|it| format!("the database of {built} could not be updated: {it}"));
            Ok(Database::Ready { dir, built, note })
        }
        Err(why) => {
            let failed = failed.map(|it| format!("; updating it failed: {it}")).unwrap_or_default();
            Ok(Database::Unfit(why + &failed))
        }
    }
}

/// Where it is: the one that the settings name, or ours.
pub fn directory(ctx: &Context) -> Utf8PathBuf {
    let named = ctx.repo.config.vulnerabilities.database.as_ref();
    named.map_or_else(|| ctx.tools.cache.join("grype-db"), |dir| ctx.repo.abs(dir))
}

/// When the one that is there was built, or why it is not fit to use.
///
/// # Errors
/// When grype cannot be asked.
pub fn status(ctx: &Context, scratch: &Utf8Path, dir: &Utf8Path) -> Result<Result<String, String>> {
    let done = ctx.run(&grype(ctx, scratch, dir)?.args(["db", "status", "-o", "json"]))?;
    let Ok(status) = serde_json::from_str::<Status>(&done.stdout) else {
        return Err(done.refused("`grype db status`"));
    };
    if status.valid && done.code == 0 {
        return Ok(Ok(status.built));
    }
    let why = status.error.unwrap_or_else(|| done.tail.clone());
    let named = ctx.repo.config.vulnerabilities.database.as_deref();
    let place = named.map_or_else(String::new, |dir| format!(" in {dir}"));
    Ok(Err(format!("no usable vulnerability database{place}: {why}")))
}

/// Updates the database in the user's cache; gives back why it could not.
fn update(ctx: &Context, scratch: &Utf8Path, dir: &Utf8Path) -> Result<Option<String>> {
    let lock_path = Utf8PathBuf::from(format!("{dir}.lock"));
    // Two runs on one machine share the cache: one renews it, the other then finds it new.
    let lock = match File::create(&lock_path) {
        Ok(lock) => lock,
        // A file system that is read-only has what it has.
        Err(error) => {
            let cure = "XTASK_CACHE_DIR names a directory that can be written";
            return Ok(Some(format!("could not create {lock_path}: {error}; {cure}")));
        }
    };
    lock.lock().with_context(|| format!("could not lock {lock_path}"))?;
    let mut call = grype(ctx, scratch, dir)?.args(["db", "update"]);
    if let Some(url) = &ctx.repo.config.vulnerabilities.database_url {
        call = call.env("GRYPE_DB_UPDATE_URL", url);
    }
    match ctx.run(&call) {
        Ok(done) if done.code == 0 => Ok(None),
        Ok(done) => Ok(Some(done.tail.lines().last().unwrap_or("grype gave no reason").to_owned())),
        Err(error) if proc::cancelled() => Err(error),
        Err(error) => Ok(Some(format!("{error:#}").lines().next().unwrap_or_default().to_owned())),
    }
}

/// A grype that reads no settings but ours, asks nobody for news of itself, and leaves the database as it is.
pub fn grype(ctx: &Context, scratch: &Utf8Path, database: &Utf8Path) -> Result<Call> {
    // An empty file, by name: without one grype looks for a `.grype.yaml` in several places.
    context::write(&scratch.join("grype.yaml"), "")?;
    let age = ctx.repo.config.vulnerabilities.database_max_age.0.as_secs();
    let call = ctx.call(ctx.tools.grype(&ctx.repo.config)).cwd(scratch).args(["-c", "grype.yaml"]);
    let call = call.env("GRYPE_DB_CACHE_DIR", database.as_str()).env("GRYPE_DB_AUTO_UPDATE", "false");
    let call = call.env("GRYPE_DB_VALIDATE_AGE", "true").env("GRYPE_DB_MAX_ALLOWED_BUILT_AGE", format!("{age}s"));
    Ok(call.env("GRYPE_CHECK_FOR_APP_UPDATE", "false"))
}
