//! What both formats say alike: what the document is about, and what each component is called in it.
//!
//! syft's own identifiers depend on paths and differ between its two formats; these follow from name and version.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;
use serde_json::Value;

use super::licence::Licence;

/// One document, whatever its format.
#[derive(Debug)]
pub struct Document {
    /// What it describes.
    pub root: Part,
    /// CycloneDX's word for what it describes.
    pub root_type: &'static str,
    /// Its components by the purl that syft gave them, the root left out.
    pub parts: BTreeMap<String, Part>,
    /// Who needs whom, by reference.
    pub edges: BTreeMap<String, BTreeSet<String>>,
    /// What GitLab asks a CycloneDX document for, to place its components.
    pub properties: Vec<(&'static str, String)>,
    /// RFC 3339.
    pub time: String,
}

/// A component.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// The `bom-ref`.
    pub reference: String,
    /// The SPDXID.
    pub spdx_id: String,
    pub name: String,
    pub version: String,
    /// Absent for code of this repository: it must never be taken for a package of that name on an index.
    pub purl: Option<String>,
    /// The repo-relative directory of code of this repository.
    pub local: Option<Utf8PathBuf>,
    pub licence: Licence,
    /// Where in the scanned tree syft found it; of several places the outermost.
    pub place: String,
    /// The distribution that carries it, where it is no distribution of its own.
    pub inside: Option<String>,
}

/// The characters that stand for themselves in a purl's version.
fn in_purl(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~".contains(c)
}

/// The purl of a Python package.
pub fn pypi(name: &str, version: &str) -> String {
    let mut text = format!("pkg:pypi/{name}@");
    for c in version.chars() {
        match c {
            c if in_purl(c) => text.push(c),
            c => text.extend(c.to_string().bytes().map(|byte| format!("%{byte:02X}"))),
        }
    }
    text
}

/// An SPDXID for a package of an ecosystem.
pub fn spdx_id(ecosystem: &str, name: &str, version: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '-' };
    let rest: String = format!("{name}-{version}").chars().map(plain).collect();
    format!("SPDXRef-Package-{ecosystem}-{rest}")
}

/// Makes SPDXIDs and references unique, in the order of the map: two names may differ only in characters that an SPDXID
/// cannot hold.
pub fn make_unique(parts: &mut BTreeMap<String, Part>) {
    let (mut ids, mut references) = (BTreeSet::new(), BTreeSet::new());
    for part in parts.values_mut() {
        for (seen, text, mark) in [(&mut ids, &mut part.spdx_id, '-'), (&mut references, &mut part.reference, '#')] {
            let plain = text.clone();
            for number in 2.. {
                if seen.insert(text.clone()) {
                    break;
                }
                *text = format!("{plain}{mark}{number}");
            }
        }
    }
}

/// Where syft found a component.
pub fn place(component: &Value) -> &str {
    let place = list(component, "properties").iter().find(|it| text(it, "name") == "syft:location:0:path");
    place.map_or("", |it| text(it, "value"))
}

/// Adds a part under the purl that syft gave it; what is found in several places is there once, at the outermost.
pub fn add(parts: &mut BTreeMap<String, Part>, purl: &str, part: Part) {
    let depth = |part: &Part| (part.place.split('/').count(), part.place.clone());
    if parts.get(purl).is_none_or(|known| depth(&part) < depth(known)) {
        parts.insert(purl.to_owned(), part);
    }
}

/// Is this an address that a stranger may see and use? Paths of this machine and credentials are not.
pub fn is_public(address: &str) -> bool {
    let Some((scheme, rest)) = address.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    matches!(scheme, "http" | "https" | "git+http" | "git+https") && !authority.contains('@')
}

/// A text of a JSON object.
pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A list of a JSON object; empty when there is none.
pub fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(pypi("a", "1!2.0+local.1"), "pkg:pypi/a@1%212.0%2Blocal.1");
        assert_eq!(spdx_id("python", "a", "1!2.0+local_1"), "SPDXRef-Package-python-a-1-2.0-local-1");
        let part = Part { spdx_id: "a".to_owned(), reference: "r".to_owned(), ..Part::default() };
        let mut parts: BTreeMap<String, Part> = ["x", "y", "z"].map(|key| (key.to_owned(), part.clone())).into();
        make_unique(&mut parts);
        let names: Vec<String> = parts.values().map(|it| format!("{} {}", it.spdx_id, it.reference)).collect();
        assert_eq!(names, ["a r", "a-2 r#2", "a-3 r#3"]);
    }

    #[test]
    fn addresses() {
        assert!(is_public("https://example.org/a@1"));
        for private in ["file:///home/me/a", "git+file:///a", "https://token@example.org/a", "/a", "git+ssh://git@h/a"]
        {
            assert!(!is_public(private), "{private}");
        }
    }
}
