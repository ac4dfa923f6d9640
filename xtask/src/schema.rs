//! GitLab's published schema of `.gitlab-ci.yml`, asked through `check-jsonschema`, which carries it.
//!
//! The file is handed over as JSON: the validator's own YAML reader knows no `spec` header and is many times slower. Must
//! not know a rule of its own; those are in `lint`.

use std::time::Duration;

use anyhow::{Context as _, Result};
use camino::Utf8Path;
use serde::Deserialize;

use crate::config::Config;
use crate::proc::{self, Call};
use crate::tools::{Tool, Tools};
use crate::{context, lint};

/// Thousands of jobs take a few seconds; more than this is a fault.
const LIMIT: Duration = Duration::from_secs(300);

/// What `check-jsonschema --output-format json` writes, as far as it is of use.
#[derive(Debug, Deserialize)]
struct Report {
    #[serde(default)]
    errors: Vec<Complaint>,
    #[serde(default)]
    parse_errors: Vec<serde_json::Value>,
    #[serde(default)]
    checked_paths: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Complaint {
    path: String,
    message: String,
    #[serde(default)]
    best_deep_match: Option<Deep>,
}

/// Where several shapes were possible: the complaint of the nearest one.
#[derive(Debug, Deserialize)]
struct Deep {
    path: String,
    message: String,
}

/// What the schema says against a pipeline, a line for each complaint; none when it is valid.
///
/// # Errors
/// When the text is no YAML, the validator cannot be provided or run, or did not look at what it was given.
pub fn check(tools: &Tools, config: &Config, text: &str, say: &dyn Fn(&str)) -> Result<Vec<String>> {
    let documents = lint::documents(text)?;
    tools.provide(config, Tool::Gitlab, say)?;
    let dir = tempfile_dir()?;
    let result = ask(tools, &dir, &documents);
    std::fs::remove_dir_all(&dir).with_context(|| format!("could not remove {dir}"))?;
    result
}

fn ask(tools: &Tools, dir: &Utf8Path, documents: &[serde_json::Value]) -> Result<Vec<String>> {
    let mut call = Call {
        program: tools.bin(Tool::Gitlab, "check-jsonschema"),
        args: Vec::new(),
        cwd: dir.to_owned(),
        env: context::clean_env(dir),
        timeout: LIMIT,
    }
    .args([
        "--builtin-schema",
        "vendor.gitlab-ci",
        "--regex-variant",
        "nonunicode",
        "--output-format",
        "json",
        "--verbose",
    ]);
    for (nth, document) in documents.iter().enumerate() {
        let path = dir.join(format!("pipeline{nth}.json"));
        context::write(&path, serde_json::to_string(document)?)?;
        call = call.arg(path.into_string());
    }
    let output = proc::output(&call, b"")?;
    let report: Report = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("check-jsonschema ended with exit code {}: {}", output.code, output.stderr.trim()))?;
    let clean = report.errors.is_empty();
    if !report.parse_errors.is_empty() || !matches!((output.code, clean), (0, true) | (1, false)) {
        anyhow::bail!("check-jsonschema ended with exit code {}: {}", output.code, output.stderr.trim());
    }
    if clean && report.checked_paths.len() != documents.len() {
        anyhow::bail!("check-jsonschema looked at {} of {} documents", report.checked_paths.len(), documents.len());
    }
    Ok(report.errors.into_iter().map(shown).collect())
}

fn shown(it: Complaint) -> String {
    let (path, message) = match it.best_deep_match {
        Some(deep) => (deep.path, deep.message),
        None => (it.path, it.message),
    };
    let message: String = message.chars().take(300).collect();
    format!("{}: {message}", path.trim_start_matches("$."))
}

fn tempfile_dir() -> Result<camino::Utf8PathBuf> {
    let base = camino::Utf8PathBuf::from_path_buf(std::env::temp_dir())
        .map_err(|path| anyhow::anyhow!("{} is no UTF-8 path", path.display()))?;
    let dir = base.join(format!("xtask-schema-{}-{}", std::process::id(), proc::unique()));
    std::fs::create_dir(&dir).with_context(|| format!("could not create {dir}"))?;
    Ok(dir)
}
