//! Who needs whom among what ships, by the lock: the edges of the SBOM, and the shortest way to each component.
//!
//! Pure. Extras count only where somebody asks for them, conditions only where they hold, as the installer does it;
//! the metadata of installed packages cannot tell either.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::lock::{Dependency, Lock, Package};
use crate::manifest::normalise_name;

/// The graph below a project, by normalised names: one interpreter has one version of each.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Closure {
    /// What each component needs directly.
    pub edges: BTreeMap<String, BTreeSet<String>>,
    /// The shortest way from the project to each component, both included.
    pub chains: BTreeMap<String, Vec<String>>,
    /// The versions that the lock has for each third-party component here; several where it does not choose.
    pub versions: BTreeMap<String, BTreeSet<String>>,
}

impl Closure {
    /// What a component needs directly among those that are `there`; the way through one that is not counts as direct.
    pub fn needed(&self, name: &str, there: &dyn Fn(&str) -> bool) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut seen = BTreeSet::from([name]);
        let mut queue: Vec<&str> = vec![name];
        while let Some(from) = queue.pop() {
            for to in self.edges.get(from).into_iter().flatten().filter(|it| seen.insert(it.as_str())) {
                if there(to) {
                    found.insert(to.clone());
                } else {
                    queue.push(to);
                }
            }
        }
        found
    }
}

/// One thing to visit: a package by itself, or with one of its extras.
type Node<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

/// The closure of a project with these of its extras; a condition that is not in `markers` is taken to hold.
pub fn of(lock: &Lock, project: &str, extras: &BTreeSet<String>, markers: &BTreeMap<String, bool>) -> Closure {
    let mut found = Closure::default();
    let Some(own) = lock.own(project) else { return found };
    let mut by_name: BTreeMap<&str, Vec<&Package>> = BTreeMap::new();
    for package in &lock.packages {
        by_name.entry(package.name.as_str()).or_default().push(package);
    }
    found.chains.insert(project.to_owned(), vec![project.to_owned()]);
    let mut seen: BTreeSet<Node> = BTreeSet::new();
    let mut queue: VecDeque<(&Package, Option<&str>)> = VecDeque::from([(own, None)]);
    queue.extend(extras.iter().map(|extra| (own, Some(extra.as_str()))));
    while let Some((package, extra)) = queue.pop_front() {
        if !seen.insert((&package.name, package.version.as_deref(), extra)) {
            continue;
        }
        let from = normalise_name(&package.name);
        found.edges.entry(from.clone()).or_default();
        if let (None, Some(version)) = (package.local(), &package.version) {
            found.versions.entry(from.clone()).or_default().insert(version.clone());
        }
        for dependency in dependencies(package, extra) {
            if dependency.marker.as_ref().is_some_and(|it| markers.get(it) == Some(&false)) {
                continue;
            }
            let to = normalise_name(&dependency.name);
            if from != to {
                found.edges.entry(from.clone()).or_default().insert(to.clone());
            }
            let way = found.chains.get(&from).cloned().unwrap_or_default();
            found.chains.entry(to.clone()).or_insert_with(|| way.into_iter().chain([to]).collect());
            let candidates = by_name.get(dependency.name.as_str()).into_iter().flatten();
            for next in candidates.filter(|it| dependency.version.is_none() || it.version == dependency.version) {
                queue.push_back((next, None));
                queue.extend(dependency.extra.iter().map(|extra| (*next, Some(extra.as_str()))));
            }
        }
    }
    found
}

fn dependencies<'a>(package: &'a Package, extra: Option<&str>) -> &'a [Dependency] {
    match extra {
        None => &package.dependencies,
        Some(extra) => package.optional_dependencies.get(extra).map_or(&[], Vec::as_slice),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"
        [[package]]
        name = "app"
        source = { virtual = "." }
        dependencies = [{ name = "web", extra = ["tls"] }, { name = "old", marker = "python_version < '3'" }]
        [package.optional-dependencies]
        cli = [{ name = "click" }]
        gpu = [{ name = "cuda" }]
        [[package]]
        name = "web"
        version = "1"
        dependencies = [{ name = "core" }]
        [package.optional-dependencies]
        tls = [{ name = "ssl" }]
        slow = [{ name = "snail" }]
        [[package]]
        name = "core"
        version = "1"
        dependencies = [{ name = "web" }]
        [[package]]
        name = "ssl"
        version = "1"
        dependencies = [{ name = "core" }]
        [[package]]
        name = "click"
        version = "1"
        [[package]]
        name = "cuda"
        version = "1"
        [[package]]
        name = "old"
        version = "1"
        [[package]]
        name = "snail"
        version = "1"
    "#;

    #[test]
    fn only_extras_that_are_asked_for_and_conditions_that_hold() {
        let lock = Lock::parse("uv.lock".into(), LOCK).expect("a valid lock");
        let markers = BTreeMap::from([("python_version < '3'".to_owned(), false)]);
        let found = of(&lock, "app", &BTreeSet::from(["cli".to_owned()]), &markers);
        let edges: Vec<String> = found
            .edges
            .iter()
            .map(|(from, to)| format!("{from}: {}", to.iter().map(String::as_str).collect::<Vec<_>>().join(" ")))
            .collect();
        assert_eq!(edges, ["app: click web", "click: ", "core: web", "ssl: core", "web: core ssl"]);
        assert_eq!(found.chains["ssl"], ["app", "web", "ssl"]);
        assert_eq!(found.chains["core"], ["app", "web", "core"]);
        assert!(!found.chains.contains_key("old"));
        assert!(!found.versions.contains_key("app") && found.versions["web"].contains("1"));
    }

    #[test]
    fn the_way_through_what_is_not_there() {
        let lock = Lock::parse("uv.lock".into(), LOCK).expect("a valid lock");
        let found = of(&lock, "app", &BTreeSet::new(), &BTreeMap::new());
        let needed = |there: &dyn Fn(&str) -> bool| found.needed("app", there).into_iter().collect::<Vec<_>>();
        assert_eq!(needed(&|_| true), ["old", "web"]);
        assert_eq!(needed(&|it| it != "web"), ["core", "old", "ssl"]);
        assert!(needed(&|_| false).is_empty(), "a cycle ends");
    }

    #[test]
    fn of_an_unknown_project_it_is_empty() {
        let lock = Lock::parse("uv.lock".into(), LOCK).expect("a valid lock");
        assert_eq!(of(&lock, "nobody", &BTreeSet::new(), &BTreeMap::new()), Closure::default());
    }
}
