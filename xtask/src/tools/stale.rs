//! Does the lock of the tools still say what their manifest asks for?
//!
//! Pure, and without uv: every run asks. Looks at names and versions by group, and at the Python that is asked for; must
//! not resolve anything.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use crate::manifest::normalise_name;

/// What a group asks for: names with what they say of versions.
type Group = BTreeSet<(String, String)>;

/// The first thing that the two disagree about, for people.
pub fn stale(manifest: &str, lock: &str) -> Option<String> {
    let (Ok(manifest), Ok(lock)) = (manifest.parse::<Table>(), lock.parse::<Table>()) else {
        return Some("one of the two is not valid TOML".to_owned());
    };
    let python = |it: Option<&Value>| it.and_then(Value::as_str).map(versions).unwrap_or_default();
    let project = manifest.get("project").and_then(Value::as_table);
    let (asked, locked) =
        (python(project.and_then(|it| it.get("requires-python"))), python(lock.get("requires-python")));
    if asked != locked {
        return Some(format!("`requires-python` is `{asked}`, in the lock `{locked}`"));
    }
    let (asked, locked) = (asked_for(&manifest), locked_for(&lock));
    let names: BTreeSet<&String> = asked.keys().chain(locked.keys()).collect();
    let none = Group::new();
    names.into_iter().find_map(|name| {
        let (asked, locked) = (asked.get(name).unwrap_or(&none), locked.get(name).unwrap_or(&none));
        let words = |it: &(String, String)| format!("`{}{}`", it.0, it.1);
        let missing = asked.difference(locked).next().map(|it| format!("{} is not in the lock", words(it)));
        let left = || locked.difference(asked).next().map(|it| format!("{} is in the lock alone", words(it)));
        missing.or_else(left).map(|it| format!("group `{name}`: {it}"))
    })
}

fn asked_for(manifest: &Table) -> BTreeMap<String, Group> {
    let groups = manifest.get("dependency-groups").and_then(Value::as_table).cloned().unwrap_or_default();
    groups.keys().map(|it| (normalise_name(it), group(&groups, it, &mut Vec::new()))).collect()
}

/// A group with those that it includes.
fn group(groups: &Table, name: &str, above: &mut Vec<String>) -> Group {
    let normal = normalise_name(name);
    let found = groups.iter().find(|it| normalise_name(it.0) == normal).and_then(|it| it.1.as_array());
    if above.contains(&normal) {
        return Group::new();
    }
    above.push(normal);
    let mut all = Group::new();
    for entry in found.into_iter().flatten() {
        if let Some(text) = entry.as_str() {
            let text = text.split(';').next().unwrap_or_default();
            let end = text.find(|c: char| "[<>=!~@ (".contains(c)).unwrap_or(text.len());
            let rest = text[end..].rsplit_once(']').map_or(&text[end..], |it| it.1);
            let exact = if rest.contains('@') { String::new() } else { versions(rest) };
            all.insert((normalise_name(text[..end].trim()), exact));
        } else if let Some(inner) = entry.get("include-group").and_then(Value::as_str) {
            all.extend(group(groups, inner, above));
        }
    }
    above.pop();
    all
}

fn locked_for(lock: &Table) -> BTreeMap<String, Group> {
    let packages = lock.get("package").and_then(Value::as_array);
    let root = packages.into_iter().flatten().find(|it| {
        let source = it.get("source");
        ["virtual", "editable"]
            .iter()
            .any(|kind| source.and_then(|it| it.get(kind)).and_then(Value::as_str) == Some("."))
    });
    let groups = root.and_then(|it| it.get("metadata")?.get("requires-dev")?.as_table());
    let of = |entries: &Value| {
        let text = |it: &Value, key: &str| it.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let entries = entries.as_array().into_iter().flatten();
        entries.map(|it| (normalise_name(&text(it, "name")), versions(&text(it, "specifier")))).collect()
    };
    groups.into_iter().flatten().map(|(name, entries)| (normalise_name(name), of(entries))).collect()
}

/// What is said of versions, in one order and without spaces.
fn versions(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_whitespace() && !"()".contains(*c)).collect();
    let mut parts: Vec<&str> = text.split(',').filter(|it| !it.is_empty()).collect();
    parts.sort_unstable();
    parts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "requires-python = \">=3.11\"\n[[package]]\nname = \"t\"\nsource = { virtual = \".\" }\n\
                        [package.metadata.requires-dev]\nlint = [{ name = \"ruff\", specifier = \">=1,<2\" }]\n\
                        more = [{ name = \"a-b\", extras = [\"x\"] }, { name = \"ruff\", specifier = \">=1,<2\" }]\n";

    fn manifest(lint: &str) -> String {
        format!(
            "[project]\nrequires-python = \">=3.11\"\n[dependency-groups]\nlint = {lint}\n\
             more = [\"A_b[x] ; python_version > '3'\", {{ include-group = \"Lint\" }}]\n"
        )
    }

    #[test]
    fn what_is_the_same_in_other_words_is_not_stale() {
        assert_eq!(stale(&manifest("[\"Ruff <2, >=1\"]"), LOCK), None);
        assert_eq!(stale(&manifest("[\"ruff(>=1,<2)\"]"), LOCK), None);
    }

    #[test]
    fn the_first_difference_is_named() {
        let rows = [
            ("[\"ruff>=1,<3\"]", "group `lint`: `ruff<3,>=1` is not in the lock"),
            ("[]", "group `lint`: `ruff<2,>=1` is in the lock alone"),
            ("[\"ruff>=1,<2\", \"radon\"]", "group `lint`: `radon` is not in the lock"),
        ];
        for (lint, wanted) in rows {
            assert_eq!(stale(&manifest(lint), LOCK).as_deref(), Some(wanted));
        }
        let other = LOCK.replace("3.11", "3.12");
        let wanted = "`requires-python` is `>=3.11`, in the lock `>=3.12`";
        assert_eq!(stale(&manifest("[\"ruff>=1,<2\"]"), &other).as_deref(), Some(wanted));
        assert!(stale("[", LOCK).is_some() && stale(&manifest("[\"ruff>=1,<2\"]"), "").is_some());
    }
}
