//! The supply-chain rules of semgrep's platform, for repositories that have a token for it.
//!
//! Written from the tool's own help; it was never tried against the platform, which needs an account. So whatever does
//! not look like a report is an error, shown for every project, and never a pass.

use anyhow::Result;
use camino::Utf8Path;

use super::report::Report;
use crate::context::{self, Context};
use crate::tools::Tool;

/// The one variable of the caller that is passed on.
const TOKEN: &str = "SEMGREP_APP_TOKEN";

/// Has the caller an account?
pub fn has_token() -> bool {
    std::env::var(TOKEN).is_ok_and(|it| !it.trim().is_empty())
}

/// Runs the rules over the manifests and locks of the whole repository; paths in the report are repo-relative.
///
/// `semgrep ci` asks the platform for the rules, finds locks by itself and must stand in the git repository.
///
/// # Errors
/// When it cannot be reached, refuses the token, or leaves no report.
pub fn supply_chain(ctx: &Context, dir: &Utf8Path) -> Result<Report> {
    let output = dir.join("supply-chain.json");
    let mut call = ctx.call(ctx.tools.bin(Tool::Sast, "semgrep")).cwd(&ctx.repo.root);
    call.env.extend(super::environment(dir));
    call.env.extend(context::inherited(&[TOKEN]));
    let args = ["ci", "--supply-chain", "--no-suppress-errors", "--json", "--output", output.as_str()];
    let done = ctx.run(&call.args(args))?;
    let text = std::fs::read_to_string(&output).unwrap_or_default();
    match serde_json::from_str(&text) {
        // 1 says that there are findings.
        Ok(report) if matches!(done.code, 0 | 1) => Ok(report),
        _ => Err(done.refused("semgrep ci --supply-chain")),
    }
}
