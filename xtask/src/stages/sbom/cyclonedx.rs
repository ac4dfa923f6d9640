//! The CycloneDX document: syft's, with names, references, licences and edges that are right and stay the same.
//!
//! Pure. Takes over what is listed here and nothing else, so that a new field of syft's leaks no path.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use serde_json::{Map, Value, json};

use super::document::{self, Document, Part, is_public, list, text};
use super::stamp;

/// Fields of a component that are taken over as they are.
const FIELDS: &[&str] = &["type", "author", "publisher", "description", "copyright"];

/// Properties of a component that do not depend on where the scan ran.
const PROPERTIES: &[&str] =
    &["syft:location:0:path", "syft:package:foundBy", "syft:package:language", "syft:package:type"];

/// Edits a document of syft's.
///
/// # Errors
/// When it holds a component that nobody knows the name of.
pub fn edit(raw: &Value, document: &Document) -> Result<Value> {
    let mut components = Vec::new();
    let mut seen = BTreeSet::new();
    for component in list(raw, "components") {
        let purl = text(component, "purl");
        if let Some(part) = document.parts.get(purl) {
            if document::place(component) == part.place && seen.insert(purl) {
                components.push(edited(component, part));
            }
        } else if text(component, "type") == "operating-system" {
            components.push(operating_system(component));
        } else if purl.is_empty() {
            bail!("syft found {} {}, but says not what it is", text(component, "type"), text(component, "name"));
        }
    }
    components.sort_by_key(|it| [text(it, "name"), text(it, "version"), text(it, "bom-ref")].map(str::to_owned));

    let mut tools = list(&raw["metadata"]["tools"], "components").to_vec();
    tools.push(json!({ "type": "application", "name": "xtask", "version": env!("CARGO_PKG_VERSION") }));
    let mut dependencies: Vec<Value> = std::iter::once(&document.root)
        .chain(document.parts.values())
        .map(|part| json!({ "ref": part.reference, "dependsOn": document.edges.get(&part.reference).cloned().unwrap_or_default() }))
        .collect();
    dependencies.sort_by_key(|it| text(it, "ref").to_owned());
    let mut edited = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": document.time,
            "tools": { "components": tools },
            "component": root(document),
            "properties": properties(document),
        },
        "components": components,
        "dependencies": dependencies,
    });
    edited["serialNumber"] = format!("urn:uuid:{}", stamp::uuid(&edited)).into();
    Ok(edited)
}

fn edited(component: &Value, part: &Part) -> Value {
    let mut fields = Map::new();
    for key in FIELDS {
        if let Some(value) = component.get(*key) {
            fields.insert((*key).to_owned(), value.clone());
        }
    }
    fields.extend(named(part));
    let known = list(component, "properties").iter().filter(|it| PROPERTIES.contains(&text(it, "name")));
    let mut properties: Vec<Value> = known.cloned().collect();
    if let Some(owner) = &part.inside {
        properties.push(json!({ "name": "xtask:inside", "value": owner }));
    }
    match &part.local {
        Some(path) => {
            properties.push(json!({ "name": "xtask:first-party", "value": "true" }));
            properties.push(json!({ "name": "xtask:path", "value": path }));
        }
        None => {
            let public = list(component, "externalReferences").iter().filter(|it| is_public(text(it, "url")));
            let public: Vec<Value> = public.cloned().collect();
            if !public.is_empty() {
                fields.insert("externalReferences".to_owned(), public.into());
            }
        }
    }
    fields.insert("properties".to_owned(), properties.into());
    Value::Object(fields)
}

fn named(part: &Part) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("bom-ref".to_owned(), part.reference.clone().into());
    fields.insert("name".to_owned(), part.name.clone().into());
    fields.insert("version".to_owned(), part.version.clone().into());
    if let Some(purl) = &part.purl {
        fields.insert("purl".to_owned(), purl.clone().into());
    }
    if let Some(licences) = part.licence.cyclonedx() {
        fields.insert("licenses".to_owned(), licences);
    }
    fields
}

fn operating_system(component: &Value) -> Value {
    let fields = ["type", "bom-ref", "name", "version", "description"];
    let kept = fields.iter().filter_map(|key| Some(((*key).to_owned(), component.get(*key)?.clone())));
    Value::Object(kept.collect())
}

fn root(document: &Document) -> Value {
    let mut fields = named(&document.root);
    fields.insert("type".to_owned(), document.root_type.into());
    if let Some(path) = &document.root.local {
        let properties =
            json!([{ "name": "xtask:first-party", "value": "true" }, { "name": "xtask:path", "value": path }]);
        fields.insert("properties".to_owned(), properties);
    }
    Value::Object(fields)
}

fn properties(document: &Document) -> Vec<Value> {
    document.properties.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}
