//! Keywords and values that old servers do not know, as one table. Pure.

use super::pipeline::{Job, Pipeline};
use super::rules::TOO_NEW;
use super::tree::Node;
use super::{Found, Version, version};

/// A keyword of a job, the value that is new (any where there is none), and since when.
const KEYWORDS: &[(&[&str], Option<&str>, Version)] = &[
    (&["trigger", "strategy"], Some("mirror"), version(18, 2)),
    (&["manual_confirmation"], None, version(17, 1)),
    (&["retry", "exit_codes"], None, version(17, 5)),
    (&["pages", "publish"], None, version(17, 9)),
    (&["pages", "path_prefix"], None, version(17, 9)),
    (&["pages", "expire_in"], None, version(17, 9)),
    (&["artifacts", "reports", "sarif"], None, version(18, 11)),
];

/// Reasons of `retry:when` that the newest schema has and the documentation of 18.11 has not: servers before it may refuse
/// the whole file.
pub const RETRY_REASONS: &[&str] = &[
    "no_updates_canceling",
    "no_updates_running",
    "runner_configuration_error",
    "runner_external_dependency_failure",
    "runner_interrupted",
    "server_timeout_canceling",
    "server_timeout_running",
    "stuck_pending_no_matching_runners",
    "stuck_pending_with_matching_runners",
];
/// From here on they are taken as known.
const RETRY_REASONS_SINCE: Version = version(19, 0);

pub(super) fn check(pipeline: &Pipeline, found: &mut Found) {
    let minimum = pipeline.options.minimum;
    for job in &pipeline.jobs {
        for (path, value, since) in KEYWORDS {
            let new = job.node.at(path).filter(|it| value.is_none_or(|value| it.is(value)));
            if new.is_some() && *since > minimum {
                let what = match value {
                    Some(value) => format!("{}: {value}", path.join(":")),
                    None => path.join(":"),
                };
                report(job, path, &what, *since, minimum, found);
            }
        }
        pages(job, minimum, found);
        let reasons = job.node.at(&["retry", "when"]).map(Node::items).unwrap_or_default();
        for reason in reasons.into_iter().filter_map(Node::text).filter(|it| RETRY_REASONS.contains(it)) {
            if minimum < RETRY_REASONS_SINCE {
                let what = format!("retry:when: {reason}");
                report(job, &["retry", "when"], &what, RETRY_REASONS_SINCE, minimum, found);
            }
        }
    }
}

fn report(job: &Job, path: &[&str], what: &str, since: Version, minimum: Version, found: &mut Found) {
    let place: Vec<&str> = [job.name.as_str()].into_iter().chain(path.iter().copied()).collect();
    let message =
        format!("`{what}` in `{}` is known since GitLab {since}; the pipeline must run on {minimum}", job.name);
    found.add(TOO_NEW, &place, message);
}

/// `pages` under another name, and a directory that is published without being kept.
fn pages(job: &Job, minimum: Version, found: &mut Found) {
    let Some(pages) = job.node.get("pages").filter(|it| **it != Node::Bool(false)) else { return };
    if job.name != "pages" && minimum < version(17, 6) {
        report(job, &["pages"], "pages in a job of another name", version(17, 6), minimum, found);
    }
    let published = pages.get("publish").and_then(Node::text).unwrap_or("public").trim_matches('/');
    let paths = job.node.at(&["artifacts", "paths"]).map(Node::items).unwrap_or_default();
    let kept = paths.iter().filter_map(|it| it.text()).any(|it| it.trim_matches('/') == published);
    if !kept && minimum < version(17, 10) {
        let what = format!("pages that publish `{published}` without `artifacts:paths`");
        report(job, &["pages"], &what, version(17, 10), minimum, found);
    }
}
