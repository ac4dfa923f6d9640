//! The SPDX document: syft's, with names, identifiers, licences and relationships that are right and stay the same.
//!
//! Pure. The same rules as for CycloneDX, in the other format's words.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use super::document::{Document, Part, is_public, list, text};
use super::stamp;

/// Fields of a package that are taken over as they are.
const FIELDS: &[&str] = &["supplier", "originator", "licenseConcluded", "copyrightText", "description", "homepage"];

const UNKNOWN: &str = "NOASSERTION";

/// Edits a document of syft's.
///
/// # Errors
/// When it describes nothing.
pub fn edit(raw: &Value, document: &Document) -> Result<Value> {
    let mut texts = Texts::of(raw);
    let mut packages = BTreeMap::new();
    let whole = list(raw, "packages").iter().find(|it| text(it, "SPDXID").starts_with("SPDXRef-DocumentRoot"));
    let whole = whole.context("the SPDX document of syft describes nothing")?;
    packages.insert(document.root.spdx_id.clone(), edited(whole, &document.root, &mut texts));
    for package in list(raw, "packages") {
        let purls = list(package, "externalRefs").iter().filter(|it| text(it, "referenceType") == "purl");
        let part = purls.filter_map(|it| document.parts.get(text(it, "referenceLocator"))).next();
        if let Some(part) = part {
            packages.entry(part.spdx_id.clone()).or_insert_with(|| edited(package, part, &mut texts));
        }
    }
    if let Some(Value::Object(root)) = packages.get_mut(&document.root.spdx_id) {
        root.insert("primaryPackagePurpose".to_owned(), document.root_type.to_uppercase().into());
    }
    let info = &raw["creationInfo"];
    let tools = list(info, "creators").iter().filter_map(Value::as_str).filter(|it| it.starts_with("Tool: "));
    let mut creators: Vec<String> = tools.map(str::to_owned).collect();
    creators.push(format!("Tool: xtask-{}", env!("CARGO_PKG_VERSION")));
    let mut edited = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": document.root.name,
        "creationInfo": {
            "created": document.time,
            "creators": creators,
            "licenseListVersion": info["licenseListVersion"],
        },
        "packages": packages.into_values().collect::<Vec<_>>(),
        "relationships": relationships(document),
    });
    let texts = texts.used();
    if !texts.is_empty() {
        edited["hasExtractedLicensingInfos"] = texts.into();
    }
    let what = format!("{}-{}", document.root.name, document.root.version);
    let what: String =
        what.chars().map(|c| if c.is_ascii_alphanumeric() || "-._".contains(c) { c } else { '-' }).collect();
    edited["documentNamespace"] = format!("https://spdx.org/spdxdocs/{what}-{}", stamp::uuid(&edited)).into();
    Ok(edited)
}

fn edited(package: &Value, part: &Part, texts: &mut Texts) -> Value {
    let mut fields = Map::new();
    for key in FIELDS {
        if let Some(value) = package.get(*key) {
            fields.insert((*key).to_owned(), value.clone());
        }
    }
    let download = text(package, "downloadLocation");
    let download = if is_public(download) { download } else { UNKNOWN };
    for (key, value) in [
        ("SPDXID", part.spdx_id.as_str()),
        ("name", &part.name),
        ("versionInfo", &part.version),
        ("downloadLocation", download),
        ("licenseDeclared", &texts.declared(package, part)),
    ] {
        fields.insert(key.to_owned(), value.into());
    }
    fields.insert("filesAnalyzed".to_owned(), false.into());
    if let Some(purl) = &part.purl {
        let reference =
            json!({ "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl });
        fields.insert("externalRefs".to_owned(), vec![reference].into());
    }
    Value::Object(fields)
}

fn relationships(document: &Document) -> Vec<Value> {
    let ids: BTreeMap<&str, &str> = std::iter::once(&document.root)
        .chain(document.parts.values())
        .map(|part| (part.reference.as_str(), part.spdx_id.as_str()))
        .collect();
    let root = document.root.spdx_id.as_str();
    let mut found = BTreeSet::from([("SPDXRef-DOCUMENT", "DESCRIBES", root)]);
    found.extend(document.parts.values().map(|part| (root, "CONTAINS", part.spdx_id.as_str())));
    for (from, needed) in &document.edges {
        let Some(from) = ids.get(from.as_str()) else { continue };
        let needed = needed.iter().filter_map(|to| ids.get(to.as_str()));
        found.extend(needed.map(|to| (*from, "DEPENDS_ON", *to)));
    }
    let value = |(from, kind, to)| json!({ "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to });
    found.into_iter().map(value).collect()
}

/// Licences without an identifier, with their texts.
struct Texts {
    known: BTreeMap<String, Value>,
    used: BTreeSet<String>,
}

impl Texts {
    fn of(raw: &Value) -> Texts {
        let known = list(raw, "hasExtractedLicensingInfos").iter();
        Texts { known: known.map(|it| (text(it, "licenseId").to_owned(), it.clone())).collect(), used: BTreeSet::new() }
    }

    /// What a package declares: a licence of the list, else syft's reference to a text, else one to a name.
    fn declared(&mut self, package: &Value, part: &Part) -> String {
        if let (Some(declared), true) = (part.licence.spdx(), part.licence.names().is_empty()) {
            return declared;
        }
        let found = text(package, "licenseDeclared");
        let references: Vec<String> = references(found);
        if !["", UNKNOWN, "NONE"].contains(&found) && references.iter().all(|it| self.known.contains_key(it)) {
            self.used.extend(references);
            return found.to_owned();
        }
        let mut all: Vec<String> = part.licence.spdx().into_iter().collect();
        for name in part.licence.names() {
            let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
            let id = format!("LicenseRef-{}", name.chars().map(plain).collect::<String>());
            let text = json!({ "licenseId": id, "name": name, "extractedText": name });
            self.known.entry(id.clone()).or_insert(text);
            self.used.insert(id.clone());
            all.push(id);
        }
        if all.is_empty() { UNKNOWN.to_owned() } else { all.join(" AND ") }
    }

    /// The entries that a package refers to, each with a name, which the standard asks for.
    fn used(self) -> Vec<Value> {
        let used = self.known.into_iter().filter(|(id, _)| self.used.contains(id));
        let named = used.map(|(id, mut entry)| {
            if text(&entry, "name").is_empty() {
                entry["name"] = id.trim_start_matches("LicenseRef-").into();
            }
            entry
        });
        named.collect()
    }
}

/// The references to texts in a licence expression.
fn references(expression: &str) -> Vec<String> {
    let words = expression.split(|c: char| c.is_whitespace() || c == '(' || c == ')');
    words.filter(|it| it.starts_with("LicenseRef-")).map(str::to_owned).collect()
}
