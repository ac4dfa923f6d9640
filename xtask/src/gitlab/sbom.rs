//! `gl-sbom-PROJECT.cdx.json`: the documents of the `sbom` stage as GitLab takes them. Pure.
//!
//! The same CycloneDX as in `reports/PROJECT/`, with GitLab's category for each component, on one line, and in several
//! files where it would be too large. GitLab's other properties are in the document from the start.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{File, Input, Made};

/// GitLab's documents say 5 MB, its database 1 MiB unless an administrator raises it. Split files cost nothing.
pub const LIMIT: usize = 1024 * 1024;
/// What a component can do without, from what is missed least.
const SPARE: &[&str] = &["properties", "description", "externalReferences", "copyright", "author", "publisher"];
const INPUT_FILE: &str = "gitlab:dependency_scanning:input_file:path";
const CATEGORY: &str = "gitlab:dependency_scanning:category";

/// The files of all documents that the run has left.
pub fn reports(input: &Input, limit: usize, made: &mut Made) {
    for (name, document) in &input.sboms {
        let mut document = document.clone();
        categorise(&mut document);
        for (index, part) in split(document, limit).into_iter().enumerate() {
            let number = if index == 0 { String::new() } else { format!(".{}", index + 1) };
            let name = format!("gl-sbom-{name}{number}.cdx.json");
            if part.len() > limit {
                made.notes.push(format!("{name} has {} bytes, GitLab may take no more than {limit}", part.len()));
            }
            made.files.push(File { name, text: part });
        }
    }
}

/// All that the `sbom` stage finds in a lock's closure ships.
fn categorise(document: &mut Value) {
    let properties = document["metadata"]["properties"].as_array();
    if !properties.is_some_and(|all| all.iter().any(|it| it["name"] == INPUT_FILE)) {
        return;
    }
    for component in components(document) {
        let category = json!({ "name": CATEGORY, "value": "production" });
        match component["properties"].as_array_mut() {
            Some(properties) => properties.push(category),
            None => component["properties"] = json!([category]),
        }
    }
}

fn components(document: &mut Value) -> &mut [Value] {
    document["components"].as_array_mut().map(Vec::as_mut_slice).unwrap_or_default()
}

/// The document as texts of at most `limit` bytes: as it is, without what it can do without, in parts.
fn split(mut document: Value, limit: usize) -> Vec<String> {
    let text = format!("{document}\n");
    if text.len() <= limit {
        return vec![text];
    }
    for component in components(&mut document) {
        let Some(fields) = component.as_object_mut() else { continue };
        for key in SPARE {
            let kept = fields.get(*key).and_then(Value::as_array).map(|it| {
                it.iter()
                    .filter(|it| it["name"].as_str().is_some_and(|it| it.starts_with("gitlab:")))
                    .cloned()
                    .collect()
            });
            match kept {
                Some(Value::Array(kept)) if !kept.is_empty() => fields.insert((*key).to_owned(), kept.into()),
                _ => fields.remove(*key),
            };
        }
    }
    let text = format!("{document}\n");
    if text.len() <= limit {
        return vec![text];
    }
    // Half as many components in each part until all fit; one component alone is never split.
    let all = components(&mut document).to_vec();
    let mut size = all.len().div_ceil(2);
    loop {
        let chunks: Vec<&[Value]> = all.chunks(size.max(1)).collect();
        let texts: Vec<String> =
            chunks.iter().enumerate().map(|(index, chunk)| part(&document, chunk, index + 1, chunks.len())).collect();
        if size <= 1 || texts.iter().all(|it| it.len() <= limit) {
            return texts;
        }
        size = size.div_ceil(2);
    }
}

/// The document with some of its components, and with the edges between those and what it is about.
fn part(document: &Value, chunk: &[Value], number: usize, of: usize) -> String {
    let mut part = document.clone();
    let root = &document["metadata"]["component"]["bom-ref"];
    let there: BTreeSet<&str> = chunk.iter().map(|it| &it["bom-ref"]).chain([root]).filter_map(Value::as_str).collect();
    let is_there = |it: &Value| it.as_str().is_some_and(|it| there.contains(it));
    part["components"] = chunk.into();
    if let Some(edges) = part["dependencies"].as_array_mut() {
        edges.retain(|it| is_there(&it["ref"]));
        for edge in edges {
            if let Some(to) = edge["dependsOn"].as_array_mut() {
                to.retain(is_there);
            }
        }
    }
    if let Some(properties) = part["metadata"]["properties"].as_array_mut() {
        properties.push(json!({ "name": "xtask:part", "value": format!("{number} of {of}") }));
    }
    part["serialNumber"] =
        format!("urn:uuid:{}", crate::sources::uuid(format!("{number} {}", document["serialNumber"]).as_bytes()))
            .into();
    format!("{part}\n")
}
