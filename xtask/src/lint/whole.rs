//! Rules about the file as a whole. Pure.

use super::pipeline::Pipeline;
use super::rules::{
    DEFAULT_KEYWORD, DEFAULT_TIMEOUT, DUPLICATE_KEY, JOBS_TOO_MANY, NO_VISIBLE_JOB, ONLY_EDGE_STAGES, STAGE_NAME, YAML,
    YAML_DEPTH, YAML_SIZE,
};
use super::tree::{self, Node};
use super::{Finding, Found};

/// 2 MiB of parsed objects.
const MOST_BYTES: usize = 2 * 1024 * 1024;
/// Lists and maps inside each other.
const MOST_DEPTH: usize = 100;
/// What has a default.
const DEFAULTS: &[&str] = &[
    "after_script",
    "artifacts",
    "before_script",
    "cache",
    "hooks",
    "id_tokens",
    "image",
    "interruptible",
    "retry",
    "services",
    "tags",
    "timeout",
];

/// The `spec` header of a component, where there is one, and the pipeline. Nothing where the text is none.
pub(super) fn documents(text: &str, found: &mut Found) -> Option<(Option<Node>, Node)> {
    let mut nodes = match tree::parse(text) {
        Ok(nodes) => nodes,
        Err((words, line)) => {
            found.list.push(Finding { rule: YAML, place: Vec::new(), line, message: words });
            return None;
        }
    };
    for node in &mut nodes {
        let mut twice = Vec::new();
        node.settle(&mut Vec::new(), &mut twice);
        for flaw in twice {
            let path: Vec<String> = flaw.path.iter().chain([&flaw.key]).cloned().collect();
            let first = found.lines.find(&path, false).map(|it| format!(" (first in line {it})")).unwrap_or_default();
            let message = format!("`{}` stands twice{first}; only the last one counts", path.join(":"));
            let line = found.lines.find(&path, true);
            found.list.push(Finding { rule: DUPLICATE_KEY, place: path, line, message });
        }
    }
    let header = nodes.len() == 2 && nodes[0].keys().eq(["spec".to_owned()]);
    let spec = header.then(|| nodes.remove(0));
    let mut nodes = nodes.into_iter();
    match (nodes.next(), nodes.next()) {
        (Some(body @ Node::Map(_)), None) => Some((spec, body)),
        (_, Some(_)) => {
            found.add(YAML, &[], "more than one document; only a `spec:` header may stand before the pipeline");
            None
        }
        _ => {
            found.add(YAML, &[], "the file is not a mapping of keywords and jobs");
            None
        }
    }
}

/// How much memory the parsed file takes, and how deep it is.
pub(super) fn sizes(body: &Node, found: &mut Found) {
    let bytes = body.ruby_size();
    if bytes > MOST_BYTES {
        let message = format!("about {bytes} bytes once parsed; GitLab takes {MOST_BYTES}: fewer or shorter jobs");
        found.add(YAML_SIZE, &[], message);
    }
    let depth = body.depth();
    if depth > MOST_DEPTH {
        found.add(YAML_DEPTH, &[], format!("{depth} lists and maps inside each other; GitLab takes {MOST_DEPTH}"));
    }
}

pub(super) fn check(pipeline: &Pipeline, found: &mut Found) {
    for key in pipeline.root.get("default").into_iter().flat_map(Node::keys) {
        if !DEFAULTS.contains(&key.as_str()) {
            let message = format!("`default` does not take `{key}`{}", super::nearest(&key, DEFAULTS.iter().copied()));
            found.add(DEFAULT_KEYWORD, &["default", &key], message);
        } else if key == "timeout" {
            found.add(DEFAULT_TIMEOUT, &["default", &key], "`default:timeout` has no effect; set it in each job");
        }
    }
    for stage in pipeline.root.get("stages").map(Node::items).unwrap_or_default() {
        match stage.text() {
            Some(name) if name.chars().count() > 255 => {
                found.add(
                    STAGE_NAME,
                    &["stages"],
                    format!("stage `{}...` has more than 255 characters", &super::start(name)),
                );
            }
            Some(_) => {}
            None if matches!(stage, Node::Tagged(..)) => {}
            None => found.add(STAGE_NAME, &["stages"], format!("stage `{}` is no text: quote it", stage.word())),
        }
    }
    if let Some(most) = pipeline.options.jobs.filter(|most| pipeline.jobs.len() > *most) {
        found.add(JOBS_TOO_MANY, &[], format!("{} jobs, where {most} are allowed", pipeline.jobs.len()));
    }
    if pipeline.open {
        return;
    }
    if pipeline.jobs.is_empty() {
        found.add(NO_VISIBLE_JOB, &[], "no job that is not hidden: GitLab creates no pipeline");
    } else if pipeline.jobs.iter().all(|job| [".pre", ".post"].contains(&job.stage.as_str())) {
        let place = [pipeline.jobs[0].name.as_str()];
        found.add(ONLY_EDGE_STAGES, &place, "all jobs are in .pre or .post: GitLab creates no pipeline");
    }
}
