//! Rules about the values of a job's keywords. Pure.

use super::Found;
use super::pipeline::{Job, Pipeline};
use super::rules::{
    CACHE_COUNT, CACHE_FILES, CACHE_KEY, FALLBACK_KEYS, JOB_WITHOUT_SCRIPT, MANUAL_BLOCKS, PARALLEL, REPORT_DIRECTORY,
    RETRY, RETRY_SCRIPT, RETRY_WHEN, RULES_WITH_ONLY, SCRIPT_EMPTY, TAGS,
};
use super::tree::Node;

/// The reasons that `retry:when` knows in every version from 17 on.
const REASONS: &[&str] = &[
    "always",
    "api_failure",
    "archived_failure",
    "data_integrity_failure",
    "job_execution_timeout",
    "runner_system_failure",
    "runner_unsupported",
    "scheduler_failure",
    "script_failure",
    "stale_schedule",
    "stuck_or_timeout_failure",
    "unknown_failure",
    "unmet_prerequisites",
];

pub(super) fn check(pipeline: &Pipeline, found: &mut Found) {
    let root = pipeline.root;
    for (place, node) in [(vec!["default"], root.get("default")), (vec![], Some(root))] {
        let Some(node) = node else { continue };
        caches(&place, node, found);
        if !place.is_empty() {
            retry(&place, node, found);
            tags(&place, node, found);
        }
    }
    for job in &pipeline.jobs {
        let place = [job.name.as_str()];
        scripts(pipeline, job, found);
        caches(&place, &job.node, found);
        retry(&place, &job.node, found);
        tags(&place, &job.node, found);
        parallel(job, found);
        reports(job, found);
        rules(job, found);
    }
}

fn scripts(pipeline: &Pipeline, job: &Job, found: &mut Found) {
    let node = &job.node;
    let inherits = pipeline.open && node.get("extends").is_some();
    let starts = ["script", "run", "trigger"].iter().any(|it| node.get(it).is_some()) || job.is_trigger();
    if !starts && !inherits {
        // A job of the same name in what is included may have the script.
        if !(pipeline.open && !pipeline.component && matches!(node, Node::Map(_))) {
            let message = format!("`{}` is no job: it has neither `script` nor `run` nor `trigger`", job.name);
            found.add(JOB_WITHOUT_SCRIPT, &[&job.name], message);
        }
    }
    for keyword in ["script", "before_script", "after_script"] {
        // An empty before_script switches that of `default` off.
        let empty = node.get(keyword).is_some_and(Node::is_empty) && keyword == "script";
        if empty {
            found.add(SCRIPT_EMPTY, &[&job.name, keyword], format!("the script of `{}` is empty", job.name));
        }
    }
}

fn caches(place: &[&str], node: &Node, found: &mut Found) {
    let Some(all) = node.get("cache") else { return };
    let caches = all.items();
    let place: Vec<&str> = place.iter().copied().chain(["cache"]).collect();
    let inside = |key| -> Vec<&str> { place.iter().copied().chain([key]).collect() };
    if caches.len() > 4 {
        found.add(CACHE_COUNT, &place, format!("{} caches; GitLab takes 4", caches.len()));
    }
    for cache in caches {
        let keys = cache.get("fallback_keys").map(Node::items).unwrap_or_default();
        if keys.len() > 5 {
            found.add(FALLBACK_KEYS, &inside("fallback_keys"), format!("{} fallback keys; GitLab takes 5", keys.len()));
        }
        let prefix = cache.at(&["key", "prefix"]);
        for key in cache.get("key").into_iter().chain(prefix).chain(keys) {
            let Some(text) = key.text() else { continue };
            let bare = text.replace("%2f", "/").replace("%2F", "/").replace("%2e", ".").replace("%2E", ".");
            if bare.contains('/') {
                found.add(CACHE_KEY, &inside("key"), format!("the cache key `{text}` has a slash"));
            } else if bare.chars().all(|it| it == '.') {
                found.add(CACHE_KEY, &inside("key"), format!("the cache key `{text}` is only dots"));
            }
        }
        if let Some(files) = cache.at(&["key", "files"])
            && !(1..=2).contains(&files.items().len())
        {
            let message = format!("the cache key is made of {} files; GitLab takes one or two", files.items().len());
            found.add(CACHE_FILES, &inside("key"), message);
        }
    }
}

fn retry(place: &[&str], node: &Node, found: &mut Found) {
    let Some(retry) = node.get("retry") else { return };
    let place: Vec<&str> = place.iter().copied().chain(["retry"]).collect();
    let times = match retry {
        Node::Map(_) => retry.get("max"),
        it => Some(it),
    };
    let wrong = times.filter(|it| !matches!(it.number(), Some(0..=2)) && !is_interpolated(it));
    if let Some(times) = wrong {
        found.add(RETRY, &place, format!("`retry` is `{}`; GitLab takes 0, 1 or 2", times.word()));
    }
    let reasons: Vec<&str> =
        retry.get("when").map(Node::items).unwrap_or_default().into_iter().filter_map(Node::text).collect();
    for reason in &reasons {
        if !REASONS.contains(reason) && !super::versions::RETRY_REASONS.contains(reason) {
            let near = super::nearest(reason, REASONS.iter().copied());
            found.add(RETRY_WHEN, &place, format!("`retry:when` knows no `{reason}`{near}"));
        }
    }
    let never = times.and_then(Node::number) == Some(0);
    let scripts = reasons.is_empty() || reasons.iter().any(|it| ["always", "script_failure"].contains(it));
    if scripts && !never && retry.get("exit_codes").is_none() {
        let message = "retries a script that fails; name the runner's failures in `retry:when`";
        found.add(RETRY_SCRIPT, &place, message);
    }
}

/// A text with `$` in a place for a number stands for one.
fn is_interpolated(node: &Node) -> bool {
    node.text().is_some_and(|it| it.contains('$'))
}

fn tags(place: &[&str], node: &Node, found: &mut Found) {
    let count = node.get("tags").map_or(0, |it| it.items().len());
    if count >= 50 {
        let place: Vec<&str> = place.iter().copied().chain(["tags"]).collect();
        found.add(TAGS, &place, format!("{count} tags; GitLab takes fewer than 50"));
    }
}

fn parallel(job: &Job, found: &mut Found) {
    let Some(parallel) = job.node.get("parallel") else { return };
    let copies = match parallel.get("matrix") {
        Some(matrix) => {
            let product =
                |row: &Node| row.entries().iter().fold(1usize, |all, (_, it)| all.saturating_mul(it.items().len()));
            i64::try_from(matrix.items().into_iter().map(product).sum::<usize>()).unwrap_or(i64::MAX)
        }
        None if is_interpolated(parallel) => return,
        None => parallel.number().unwrap_or(0),
    };
    if !(1..=200).contains(&copies) {
        let message = format!("`parallel` makes {copies} jobs of `{}`; GitLab takes 1 to 200", job.name);
        found.add(PARALLEL, &[&job.name, "parallel"], message);
    }
}

fn reports(job: &Job, found: &mut Found) {
    let Some(reports) = job.node.at(&["artifacts", "reports"]) else { return };
    for (kind, value) in reports.entries() {
        let paths = value.get("path").map_or_else(|| value.items(), Node::items);
        for path in paths.into_iter().filter_map(Node::text) {
            let last = path.rsplit('/').next().unwrap_or_default();
            if last.is_empty() || last == "." || last == ".." {
                let kind = kind.word();
                let message = format!(
                    "the {kind} report `{path}` of `{}` is a directory; write `{path}*.xml` or the file",
                    job.name
                );
                found.add(REPORT_DIRECTORY, &[&job.name, "artifacts", "reports", &kind], message);
            }
        }
    }
}

fn rules(job: &Job, found: &mut Found) {
    let Some(rules) = job.node.get("rules") else { return };
    for keyword in ["only", "except"] {
        if job.node.get(keyword).is_some() {
            let message = format!("`{}` has `rules` and `{keyword}`", job.name);
            found.add(RULES_WITH_ONLY, &[&job.name, keyword], message);
        }
    }
    let blocks = |rule: &&Node| {
        let manual = rule.get("when").or_else(|| job.node.get("when")).is_some_and(|it| it.is("manual"));
        manual && rule.get("allow_failure").is_none() && job.node.get("allow_failure").is_none()
    };
    if rules.items().iter().any(blocks) {
        let message =
            format!("`{}` is manual by a rule without `allow_failure`: every later stage waits for a person", job.name);
        found.add(MANUAL_BLOCKS, &[&job.name, "rules"], message);
    }
}
