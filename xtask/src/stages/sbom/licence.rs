//! Which licence an SBOM states for a component: what its author declared, in the form the two standards can hold.
//!
//! Pure. Says what is declared and nothing about whether it is allowed: that is the `license-check` stage.

use serde_json::{Value, json};

use super::shipped::Installed;

/// A longer "name" is the text of a licence in the wrong field.
const LONGEST_NAME: usize = 100;

/// The classifiers that name one licence. `BSD License` and the like name a family: they stay names.
const CLASSIFIERS: &[(&str, &str)] = &[
    ("Apache Software License", "Apache-2.0"),
    ("Boost Software License 1.0 (BSL-1.0)", "BSL-1.0"),
    ("GNU Affero General Public License v3", "AGPL-3.0-only"),
    ("GNU Affero General Public License v3 or later (AGPLv3+)", "AGPL-3.0-or-later"),
    ("GNU General Public License v2 (GPLv2)", "GPL-2.0-only"),
    ("GNU General Public License v2 or later (GPLv2+)", "GPL-2.0-or-later"),
    ("GNU General Public License v3 (GPLv3)", "GPL-3.0-only"),
    ("GNU General Public License v3 or later (GPLv3+)", "GPL-3.0-or-later"),
    ("GNU Lesser General Public License v2 (LGPLv2)", "LGPL-2.0-only"),
    ("GNU Lesser General Public License v2 or later (LGPLv2+)", "LGPL-2.0-or-later"),
    ("GNU Lesser General Public License v3 (LGPLv3)", "LGPL-3.0-only"),
    ("GNU Lesser General Public License v3 or later (LGPLv3+)", "LGPL-3.0-or-later"),
    ("ISC License (ISCL)", "ISC"),
    ("MIT License", "MIT"),
    ("MIT No Attribution License (MIT-0)", "MIT-0"),
    ("Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0"),
    ("Python Software Foundation License", "PSF-2.0"),
    ("The Unlicense (Unlicense)", "Unlicense"),
    ("Universal Permissive License (UPL)", "UPL-1.0"),
    ("zlib/libpng License", "Zlib"),
];

/// What is stated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Licence {
    expression: Option<String>,
    ids: Vec<String>,
    names: Vec<String>,
}

impl Licence {
    /// From what the metadata declares, then what syft recognised (a CycloneDX `licenses` array), then the classifiers.
    pub fn of(recognised: Option<&Value>, installed: Option<&Installed>) -> Licence {
        let declared = installed.and_then(|it| it.license.as_deref());
        if let Some(expression) = declared.filter(|it| is_expression(it)) {
            return Licence { expression: Some(expression.to_owned()), ..Licence::default() };
        }
        let mut found = Licence::default();
        for entry in recognised.and_then(Value::as_array).into_iter().flatten() {
            let text = |keys: &str| entry.pointer(keys).and_then(Value::as_str).map(str::to_owned);
            if let Some(expression) = text("/expression").filter(|it| is_expression(it)) {
                return Licence { expression: Some(expression), ..Licence::default() };
            }
            match (text("/license/id"), text("/license/name")) {
                (Some(id), _) => found.ids.push(id),
                (None, Some(name)) if is_expression(&name) => found.ids.push(name),
                (None, Some(name)) => found.names.extend(short(&name)),
                (None, None) => {}
            }
        }
        if found.ids.is_empty() {
            for classifier in installed.map(|it| it.classified.as_slice()).unwrap_or_default() {
                match CLASSIFIERS.iter().find(|(name, _)| name == classifier) {
                    Some((_, id)) => found.ids.push((*id).to_owned()),
                    None if found.names.is_empty() => found.names.extend(short(classifier)),
                    None => {}
                }
            }
            if !found.ids.is_empty() {
                found.names.clear();
            }
        }
        for list in [&mut found.ids, &mut found.names] {
            list.sort();
            list.dedup();
        }
        found
    }

    /// The `licenses` array of a CycloneDX component; `None` when nothing is known.
    pub fn cyclonedx(&self) -> Option<Value> {
        if let Some(expression) = &self.expression {
            return Some(json!([{ "expression": expression }]));
        }
        let as_id = |id: &String| match spdx::license_id(id) {
            Some(_) => json!({ "license": { "id": id } }),
            None => json!({ "license": { "name": id } }),
        };
        let entries: Vec<Value> = self
            .ids
            .iter()
            .map(as_id)
            .chain(self.names.iter().map(|name| json!({ "license": { "name": name } })))
            .collect();
        (!entries.is_empty()).then_some(Value::Array(entries))
    }

    /// The `licenseDeclared` of an SPDX package, from whole licences alone; `None` when there is none.
    pub fn spdx(&self) -> Option<String> {
        if self.expression.is_some() {
            return self.expression.clone();
        }
        match self.ids.as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            several => {
                let bracketed = several.iter().map(|it| if it.contains(' ') { format!("({it})") } else { it.clone() });
                Some(bracketed.collect::<Vec<_>>().join(" AND "))
            }
        }
    }

    /// Licences that have no identifier.
    pub fn names(&self) -> &[String] {
        &self.names
    }
}

fn is_expression(text: &str) -> bool {
    spdx::Expression::parse(text).is_ok()
}

fn short(name: &str) -> Option<String> {
    let name = name.trim();
    (!name.is_empty() && name.len() <= LONGEST_NAME && !name.chars().any(char::is_control)).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installed(license: Option<&str>, classified: &[&str]) -> Installed {
        Installed {
            name: "a".to_owned(),
            version: "1".to_owned(),
            written: "1".to_owned(),
            imports: Vec::new(),
            copies: Vec::new(),
            license: license.map(str::to_owned),
            classified: classified.iter().map(|it| (*it).to_owned()).collect(),
        }
    }

    fn check(recognised: Value, license: Option<&str>, classified: &[&str], cyclonedx: &str, spdx: Option<&str>) {
        let found = Licence::of(Some(&recognised), Some(&installed(license, classified)));
        assert_eq!(found.cyclonedx().map(|it| it.to_string()).unwrap_or_default(), cyclonedx);
        assert_eq!(found.spdx().as_deref(), spdx);
    }

    #[test]
    fn the_first_source_that_says_something_counts() {
        let mit = json!([{ "license": { "id": "MIT" } }]);
        let both = "MIT OR Apache-2.0";
        check(mit.clone(), Some(both), &[], &format!(r#"[{{"expression":"{both}"}}]"#), Some(both));
        check(mit.clone(), Some("free as in beer"), &["BSD License"], r#"[{"license":{"id":"MIT"}}]"#, Some("MIT"));
        let ids = r#"[{"license":{"id":"Apache-2.0"}},{"license":{"id":"MIT"}}]"#;
        check(json!([]), None, &["MIT License", "Apache Software License"], ids, Some("Apache-2.0 AND MIT"));
        check(json!([]), None, &["BSD License"], r#"[{"license":{"name":"BSD License"}}]"#, None);
        check(json!([]), None, &[], "", None);
    }

    #[test]
    fn a_whole_text_in_the_name_is_no_name() {
        let text = json!([{ "license": { "name": "Copyright (c) 2005\nAll rights reserved." } }]);
        check(text, None, &["BSD License"], r#"[{"license":{"name":"BSD License"}}]"#, None);
        check(json!([{ "license": { "name": "x".repeat(101) } }]), None, &[], "", None);
        let name = json!([{ "license": { "name": "Apache 2.0" } }]);
        check(name.clone(), None, &[], r#"[{"license":{"name":"Apache 2.0"}}]"#, None);
        check(name, None, &["Apache Software License"], r#"[{"license":{"id":"Apache-2.0"}}]"#, Some("Apache-2.0"));
    }
}
