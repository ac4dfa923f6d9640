//! Rules about the names of jobs. Pure.

use super::Found;
use super::pipeline::{KEYWORDS, Pipeline};
use super::rules::{HIDDEN_UNUSED, NAME_DISCOURAGED, NAME_GROUPED, NAME_LENGTH, NAME_RESERVED, NAME_TYPE};
use super::tree::Node;

/// Words that a YAML reader may take for something else than a text.
const WORDS: &[&str] = &["true", "false", "nil", "null", "~", "yes", "no", "on", "off", ""];
/// Keywords that only a job has: a keyword of the file that holds one of them was meant as a job.
const JOB_ONLY: &[&str] = &["script", "stage", "trigger", "needs"];

pub(super) fn check(pipeline: &Pipeline, found: &mut Found) {
    for (key, node) in pipeline.root.entries() {
        let key = key.word();
        // What `default` does not take has a rule of its own.
        if key != "default"
            && KEYWORDS.contains(&key.as_str())
            && let Some(own) = node.keys().find(|it| JOB_ONLY.contains(&it.as_str()))
        {
            let message = format!("`{key}` is a keyword of the file and no job, but it has `{own}`; rename the job");
            found.add(NAME_RESERVED, &[&key], message);
        }
    }
    for job in &pipeline.jobs {
        name(job, pipeline.options.minimum >= super::version(17, 6), found);
    }
    unused(pipeline, found);
}

fn name(job: &super::pipeline::Job, pages_by_keyword: bool, found: &mut Found) {
    let name = job.name.as_str();
    let place = [name];
    if !job.named {
        found.add(NAME_TYPE, &place, format!("the name `{name}` is read as a number or a yes or no; quote it"));
    }
    let length = name.chars().count();
    if length > 255 {
        found.add(NAME_LENGTH, &place, format!("the name `{}...` has {length} characters", super::start(name)));
    }
    if name == "pages:deploy" && job.stage == "deploy" {
        found.add(NAME_RESERVED, &place, "`pages:deploy` in the stage `deploy` is GitLab's own job");
    }
    let deploys = job.node.get("pages").is_some() || job.node.get("publish").is_some() || publishes(&job.node);
    if name == "pages" && (pages_by_keyword || !deploys) && job.node.get("pages").is_none() {
        let cure = if pages_by_keyword { "write `pages: true` in it" } else { "rename it" };
        found.add(NAME_DISCOURAGED, &place, format!("a job called `pages` is deployed to GitLab Pages; {cure}"));
    }
    if WORDS.contains(&name.to_lowercase().as_str()) {
        found.add(
            NAME_DISCOURAGED,
            &place,
            format!("`{name}` reads as no text in some versions of YAML; rename the job"),
        );
    }
    if let Some(group) = group(name) {
        let message = format!("`{name}` is shown and reported as `{group}`, together with every job of that group");
        found.add(NAME_GROUPED, &place, message);
    }
}

/// Does the job keep `public`, as one that is deployed does?
fn publishes(node: &Node) -> bool {
    let paths = node.at(&["artifacts", "paths"]).map(Node::items).unwrap_or_default();
    paths.iter().filter_map(|it| it.text()).any(|it| it.trim_matches('/') == "public")
}

/// What GitLab shows for a name whose end it strips: up to three of `[..]`, `1/3`, `1:3`, `1 3` behind blanks or colons.
pub(super) fn group(name: &str) -> Option<&str> {
    let separates = |c: char| c.is_whitespace() || c == ':' || c == '\u{8}';
    let mut rest = name.trim_end();
    for _ in 0..3 {
        let before = if rest.ends_with(']') {
            rest.match_indices('[').map(|(at, _)| &rest[..at]).find(|it| it.ends_with(separates))
        } else {
            let one = rest.trim_end_matches(|c: char| c.is_ascii_digit());
            let two = one.trim_end_matches(|c: char| separates(c) && c != '\u{8}' || c == '/' || c == '\\');
            let three = two.trim_end_matches(|c: char| c.is_ascii_digit());
            let all = one.len() < rest.len() && two.len() < one.len() && three.len() < two.len();
            (all && three.ends_with(separates)).then_some(three)
        };
        let Some(before) = before else { break };
        rest = before.trim_end_matches(separates);
    }
    (rest.len() < name.trim_end().len()).then_some(rest)
}

/// Hidden jobs that nothing in the file takes up.
fn unused(pipeline: &Pipeline, found: &mut Found) {
    // Hidden jobs of a file that is included are used elsewhere.
    if pipeline.jobs.is_empty() || pipeline.open {
        return;
    }
    let mut used = Vec::new();
    for (_, node) in pipeline.root.entries() {
        used.extend(node.get("extends").map(Node::items).unwrap_or_default().into_iter().filter_map(Node::text));
        references(node, &mut used);
    }
    for name in &pipeline.hidden {
        if !used.contains(&name.as_str()) && !is_anchored(pipeline.text, name) {
            let message = format!("nothing extends `{name}`, and with its leading dot it never runs");
            found.add(HIDDEN_UNUSED, &[name], message);
        }
    }
}

fn references<'a>(node: &'a Node, used: &mut Vec<&'a str>) {
    match node {
        Node::Tagged(_, inner) => used.extend(inner.items().first().and_then(|it| it.text())),
        Node::List(items) => items.iter().for_each(|it| references(it, used)),
        Node::Map(entries) => entries.iter().for_each(|(_, it)| references(it, used)),
        _ => {}
    }
}

/// Does the hidden job, or something in it, have an anchor, by which others take it up?
fn is_anchored(text: &str, name: &str) -> bool {
    let mut lines = text.lines().skip_while(|line| !line.trim_start_matches(['"', '\'']).starts_with(name));
    let head = lines.next();
    let block = lines.take_while(|line| line.is_empty() || line.starts_with([' ', '#', '-']));
    head.into_iter().chain(block).any(|line| line.contains(" &"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gitlab_strips_from_a_name() {
        for (name, shown) in [
            ("ruff: [a, b]", Some("ruff")),
            ("test 1/3", Some("test")),
            ("test 1:3", Some("test")),
            ("test 0 3", Some("test")),
            ("test: [a] 1/2", Some("test")),
            ("a 1 2 3 4", Some("a")),
            ("test 1/3 x", None),
            ("test-1/3", None),
            ("python 3.11 2", None),
            ("ruff[a]", None),
            ("1/3", None),
            ("units ruff", None),
        ] {
            assert_eq!(group(name), shown, "{name}");
        }
    }
}
