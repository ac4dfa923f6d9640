//! A component: its `spec` header, and its pipeline with every input at its default. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::rules::{COMPONENT_GLOBAL, INPUT_SPEC, INPUT_UNDECLARED, INPUT_UNUSED, TOO_NEW};
use super::tree::Node;
use super::{Found, Options, Version, version};

const TYPES: &[&str] = &["array", "boolean", "number", "string"];
/// Keywords of the file that a component would impose on its user.
const GLOBAL: &[&str] = &["default", "stages", "workflow"];

/// Checks the header and puts the inputs into the pipeline.
pub(super) fn check(spec: &Node, body: &mut Node, options: &Options, found: &mut Found) {
    let mut values = BTreeMap::new();
    for (name, input) in spec.at(&["spec", "inputs"]).map(Node::entries).unwrap_or_default() {
        let name = name.word();
        values.insert(format!("inputs.{name}"), value(input));
        declared(&name, input, options.minimum, found);
    }
    for item in spec.at(&["spec", "component"]).map(Node::items).unwrap_or_default() {
        values.insert(format!("component.{}", item.word()), Node::Text("x".to_owned()));
        too_new("spec:component", version(18, 7), options.minimum, found);
    }
    let mut used = BTreeSet::new();
    fill(body, &values, &mut used);
    for name in &used {
        let (bare, pipe) = name.split_once('|').map_or((name.as_str(), ""), |(name, pipe)| (name.trim(), pipe));
        if pipe.contains("posix_escape") {
            too_new("posix_escape", version(18, 6), options.minimum, found);
        }
        if !values.contains_key(bare) {
            let near = super::nearest(bare, values.keys().map(String::as_str));
            found.add(
                INPUT_UNDECLARED,
                &["spec"],
                format!("`$[[ {bare} ]]` is used, but not declared in `spec`{near}"),
            );
        }
    }
    let used: BTreeSet<&str> = used.iter().map(|it| it.split('|').next().unwrap_or_default().trim()).collect();
    for name in values.keys().filter(|it| !used.contains(it.as_str())) {
        let short = name.split_once('.').map_or(name.as_str(), |(_, short)| short);
        found.add(INPUT_UNUSED, &["spec", "inputs", short], format!("`{name}` is declared and never used"));
    }
    for key in body.keys().filter(|key| GLOBAL.contains(&key.as_str())) {
        found.add(COMPONENT_GLOBAL, &[&key], format!("`{key}` would become that of every pipeline that includes this"));
    }
}

fn too_new(what: &str, since: Version, minimum: Version, found: &mut Found) {
    if since > minimum {
        let message = format!("`{what}` is known since GitLab {since}; the pipeline must run on {minimum}");
        found.add(TOO_NEW, &["spec"], message);
    }
}

fn declared(name: &str, input: &Node, minimum: Version, found: &mut Found) {
    let place = ["spec", "inputs", name];
    let kind = input.get("type").map_or_else(|| "string".to_owned(), Node::word);
    if !TYPES.contains(&kind.as_str()) {
        let near = super::nearest(&kind, TYPES.iter().copied());
        found.add(INPUT_SPEC, &place, format!("the input `{name}` is of no known type: `{kind}`{near}"));
        return;
    }
    let options = input.get("options").map(Node::items).unwrap_or_default();
    if options.len() > 50 {
        found.add(INPUT_SPEC, &place, format!("the input `{name}` has {} options; GitLab takes 50", options.len()));
    }
    if input.get("rules").is_some() {
        too_new("spec:inputs:rules", version(18, 7), minimum, found);
    }
    let Some(default) = input.get("default") else { return };
    let fits = matches!(
        (kind.as_str(), default),
        ("string", Node::Text(_)) | ("number", Node::Number(_)) | ("boolean", Node::Bool(_)) | ("array", Node::List(_))
    );
    if !fits && *default != Node::Null {
        let message = format!("the default of `{name}` is no {kind}: `{}`", default.word());
        found.add(INPUT_SPEC, &place, message);
    }
    if !options.is_empty() && !options.contains(&default) {
        let message = format!("the default of `{name}`, `{}`, is none of its options", default.word());
        found.add(INPUT_SPEC, &place, message);
    }
}

/// What stands for an input: its default, an option, or anything of its type.
fn value(input: &Node) -> Node {
    if let Some(default) = input.get("default").or_else(|| input.get("options")?.items().into_iter().next()) {
        return default.clone();
    }
    match input.get("type").map(Node::word).as_deref() {
        Some("number") => Node::Number("1".to_owned()),
        Some("boolean") => Node::Bool(true),
        Some("array") => Node::List(Vec::new()),
        _ => Node::Text("x".to_owned()),
    }
}

/// Replaces `$[[ ... ]]`: a text that is nothing else becomes the value itself, with its type.
fn fill(node: &mut Node, values: &BTreeMap<String, Node>, used: &mut BTreeSet<String>) {
    match node {
        Node::List(items) => items.iter_mut().for_each(|it| fill(it, values, used)),
        Node::Tagged(_, inner) => fill(inner, values, used),
        Node::Map(entries) => entries.iter_mut().for_each(|(key, value)| {
            fill(key, values, used);
            fill(value, values, used);
        }),
        Node::Text(text) if text.contains("$[[") => *node = filled(text, values, used),
        _ => {}
    }
}

fn filled(text: &str, values: &BTreeMap<String, Node>, used: &mut BTreeSet<String>) -> Node {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("$[[") {
        result.push_str(before);
        let Some((name, after)) = after.split_once("]]") else {
            result.push_str("$[[");
            rest = after;
            continue;
        };
        let name = name.trim();
        used.insert(name.to_owned());
        let value = values.get(name.split('|').next().unwrap_or_default().trim());
        if before.is_empty() && after.is_empty() && result.is_empty() {
            return value.cloned().unwrap_or_else(|| Node::Text("x".to_owned()));
        }
        result.push_str(&value.map_or_else(|| "x".to_owned(), Node::word));
        rest = after;
    }
    result.push_str(rest);
    Node::Text(result)
}
