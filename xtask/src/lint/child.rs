//! Rules that hold only in a child pipeline. Pure.

use super::Found;
use super::pipeline::Pipeline;
use super::rules::{CHILD_INCLUDE, CHILD_ONLY, CHILD_SOURCE, CHILD_WORKFLOW};
use super::tree::Node;

/// What `$CI_PIPELINE_SOURCE` never is in a child.
const SOURCES: &[&str] = &[
    "api",
    "chat",
    "external",
    "external_pull_request_event",
    "merge_request_event",
    "pipeline",
    "push",
    "schedule",
    "trigger",
    "web",
    "webide",
];

pub(super) fn check(pipeline: &Pipeline, found: &mut Found) {
    let root = pipeline.root;
    let ruled = root.at(&["workflow", "rules"]).is_some_and(|it| !it.items().is_empty());
    if !ruled && !pipeline.open && pipeline.jobs.iter().any(|job| job.node.get("rules").is_none()) {
        let message = "no `workflow:rules`: in a merge request's pipeline the jobs without `rules` are left out; \
                       write `workflow: {rules: [{when: always}]}`";
        found.add(CHILD_WORKFLOW, &["workflow"], message);
    }
    for job in &pipeline.jobs {
        for keyword in ["only", "except"] {
            if job.node.get(keyword).is_some() {
                let message = format!("`{}` has `{keyword}`, which looks at the parent and drops the job", job.name);
                found.add(CHILD_ONLY, &[&job.name, keyword], message);
            }
        }
        source(&[&job.name, "rules"], job.node.get("rules"), found);
    }
    source(&["workflow", "rules"], root.at(&["workflow", "rules"]), found);
    for include in root.get("include").map(Node::items).unwrap_or_default() {
        for text in include.texts().into_iter().filter(|it| it.contains('$')) {
            found.add(CHILD_INCLUDE, &["include"], format!("`{text}`: no variable is known where a child includes"));
        }
    }
}

fn source(place: &[&str], rules: Option<&Node>, found: &mut Found) {
    let conditions = rules.map(Node::items).unwrap_or_default().into_iter().filter_map(|it| it.get("if"));
    for condition in conditions.filter_map(Node::text) {
        let asked = condition.split("$CI_PIPELINE_SOURCE").skip(1).map(str::trim_start);
        for rest in asked.filter_map(|it| it.strip_prefix("==")) {
            let value = rest.trim_start().trim_start_matches(['"', '\'']);
            let value: String = value.chars().take_while(|it| it.is_ascii_alphanumeric() || *it == '_').collect();
            if SOURCES.contains(&value.as_str()) {
                let message = format!(
                    "`{condition}` never holds: in a child the source is parent_pipeline; test $CI_MERGE_REQUEST_ID"
                );
                found.add(CHILD_SOURCE, place, message);
            }
        }
    }
}
