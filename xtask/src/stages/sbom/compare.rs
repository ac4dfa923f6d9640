//! Does the SBOM name exactly what the lock says ships? Three lists must agree: the lock's closure, what the
//! environment's interpreter finds, and what syft found.
//!
//! Pure. Every difference is an error, never a finding: an SBOM that is not of what ships says nothing.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;

use super::inventory::LockLines;
use super::shipped::{Installed, Locked, Shipped};
use crate::verdict::Case;

const RULE: &str = "component";

/// One case for each difference; `found` holds normalised names and versions as syft wrote them.
pub fn differences(
    shipped: &Shipped,
    found: &BTreeSet<(String, String)>,
    lock: &Utf8Path,
    lines: &LockLines,
) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut differs = |name: &str, version: &str, message: String| {
        cases.push(Case::error(RULE, message).about(name).at(lock, lines.find(name, version)));
    };
    let installed: BTreeSet<(String, String)> =
        shipped.installed.iter().map(|it| (it.name.clone(), it.written.clone())).collect();
    for (name, version) in installed.difference(found) {
        differs(
            name,
            version,
            format!("the SBOM lacks {name} {version}, which is installed in the runtime environment"),
        );
    }
    for (name, version) in found.difference(&installed) {
        differs(
            name,
            version,
            format!("the SBOM names {name} {version}, which the environment's interpreter does not find"),
        );
    }

    let by_lock: BTreeMap<&str, &Locked> = shipped.locked.iter().map(|it| (it.name.as_str(), it)).collect();
    let mut by_environment: BTreeMap<&str, Vec<&Installed>> = BTreeMap::new();
    for it in &shipped.installed {
        by_environment.entry(&it.name).or_default().push(it);
    }
    for locked in by_lock.values() {
        let version = locked.version.as_deref().unwrap_or_default();
        let there = by_environment.get(locked.name.as_str()).map_or(&[][..], Vec::as_slice);
        let message = match there {
            [] => format!("the SBOM lacks {} {version}, which the lock says ships", locked.name),
            [one] if locked.version.as_ref().is_none_or(|it| *it == one.version) => continue,
            [one] => {
                format!("{} is {version} in the lock, but {} in the runtime environment", locked.name, one.version)
            }
            several => format!("{} is installed {} times in the runtime environment", locked.name, several.len()),
        };
        differs(&locked.name, version, message);
    }
    for it in &shipped.installed {
        if !by_lock.contains_key(it.name.as_str()) {
            let message =
                format!("the SBOM names {} {}, which is not in the lock's runtime closure", it.name, it.version);
            differs(&it.name, &it.version, message);
        }
    }
    for path in &shipped.nameless {
        differs(path, "", format!("the runtime environment holds {path}, whose metadata says no name and version"));
    }
    cases
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locked(name: &str, version: Option<&str>) -> Locked {
        Locked {
            name: name.to_owned(),
            version: version.map(str::to_owned),
            conditional: false,
            local: version.is_none(),
        }
    }

    fn installed(name: &str, version: &str, written: &str) -> Installed {
        Installed {
            name: name.to_owned(),
            version: version.to_owned(),
            written: written.to_owned(),
            imports: Vec::new(),
            copies: Vec::new(),
            license: None,
            classified: Vec::new(),
        }
    }

    fn check(locked: Vec<Locked>, installed: Vec<Installed>, found: &[(&str, &str)], expected: &[&str]) {
        let shipped = Shipped { locked, installed, ..Shipped::default() };
        let found = found.iter().map(|(name, version)| ((*name).to_owned(), (*version).to_owned())).collect();
        let cases = differences(&shipped, &found, "uv.lock".into(), &LockLines::default());
        let messages: Vec<&str> = cases.iter().map(|it| it.message.as_str()).collect();
        assert_eq!(messages, expected);
    }

    #[test]
    fn agreement() {
        check(
            vec![locked("a", Some("1.0")), locked("own", None)],
            vec![installed("a", "1.0", "1.0.0"), installed("own", "3", "3")],
            &[("a", "1.0.0"), ("own", "3")],
            &[],
        );
    }

    #[test]
    fn each_kind_of_difference() {
        let one = || vec![installed("a", "1.0", "1.0")];
        check(
            vec![locked("a", Some("1.0"))],
            one(),
            &[],
            &["the SBOM lacks a 1.0, which is installed in the runtime environment"],
        );
        check(
            vec![locked("a", Some("1.0"))],
            one(),
            &[("a", "1.0"), ("b", "2")],
            &["the SBOM names b 2, which the environment's interpreter does not find"],
        );
        check(
            vec![locked("a", Some("1.1"))],
            one(),
            &[("a", "1.0")],
            &["a is 1.1 in the lock, but 1.0 in the runtime environment"],
        );
        check(vec![], one(), &[("a", "1.0")], &["the SBOM names a 1.0, which is not in the lock's runtime closure"]);
        check(vec![locked("a", Some("1.0"))], vec![], &[], &["the SBOM lacks a 1.0, which the lock says ships"]);
        let twice = vec![installed("a", "1.0", "1.0"), installed("a", "0.9", "0.9")];
        check(
            vec![locked("a", Some("1.0"))],
            twice,
            &[("a", "1.0"), ("a", "0.9")],
            &["a is installed 2 times in the runtime environment"],
        );
    }
}
