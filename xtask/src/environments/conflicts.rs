//! `tool.uv.conflicts`: which extras and groups go into one environment when not all of them can.
//!
//! Pure. The project's default groups come first, then its other groups, then its extras, each in the order of the
//! manifest; whatever conflicts with one that is already in stays out, and is named.

use std::collections::BTreeSet;

use crate::discover::Project;
use crate::manifest::{self, Manifest};

/// Something that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Item {
    Group(String),
    Extra(String),
}

impl Item {
    fn flags(&self) -> [String; 2] {
        match self {
            Item::Group(name) => ["--group".to_owned(), name.clone()],
            Item::Extra(name) => ["--extra".to_owned(), name.clone()],
        }
    }

    fn words(&self) -> String {
        match self {
            Item::Group(name) => format!("group {name}"),
            Item::Extra(name) => format!("extra {name}"),
        }
    }
}

/// Sets of extras and groups of which no two can be installed together.
#[derive(Debug, Default)]
pub struct Conflicts {
    sets: Vec<BTreeSet<Item>>,
}

impl Conflicts {
    /// What the workspace's manifest and the project's own say about the project.
    pub(super) fn of(root: &Manifest, project: &Project) -> Conflicts {
        let mut sets = Vec::new();
        for manifest in [root, &project.manifest] {
            let found = manifest.at(&["tool", "uv", "conflicts"]).and_then(toml::Value::as_array);
            for set in found.into_iter().flatten().filter_map(toml::Value::as_array) {
                let items: BTreeSet<Item> = set.iter().filter_map(|it| item(it, &project.name)).collect();
                if items.len() > 1 && !sets.contains(&items) {
                    sets.push(items);
                }
            }
        }
        Conflicts { sets }
    }

    /// The flags for all extras that can be installed together, without groups: what ships.
    pub fn extras(&self, project: &Project) -> Vec<String> {
        if self.sets.is_empty() {
            return vec!["--all-extras".to_owned()];
        }
        self.choose(project, extras(project)).0.iter().flat_map(Item::flags).collect()
    }

    /// The extras that ship and cannot be installed beside those of [`Conflicts::extras`].
    pub fn extras_left_out(&self, project: &Project) -> Vec<String> {
        let left = self.choose(project, extras(project)).1.into_iter();
        left.filter_map(|it| if let Item::Extra(name) = it { Some(name) } else { None }).collect()
    }

    /// The flags for all groups and extras that can be installed together.
    pub fn dev(&self, project: &Project) -> Vec<String> {
        if self.sets.is_empty() {
            return vec!["--all-groups".to_owned(), "--all-extras".to_owned()];
        }
        let (taken, _) = self.choose(project, everything(project));
        std::iter::once("--no-default-groups".to_owned()).chain(taken.iter().flat_map(Item::flags)).collect()
    }

    /// In words, what is not in the development environment because it conflicts with what is.
    pub fn left_out(&self, project: &Project) -> Vec<String> {
        self.choose(project, everything(project)).1.iter().map(Item::words).collect()
    }

    fn choose(&self, project: &Project, candidates: Vec<Item>) -> (Vec<Item>, Vec<Item>) {
        let mut installed: BTreeSet<Item> = BTreeSet::new();
        let (mut taken, mut left) = (Vec::new(), Vec::new());
        for candidate in candidates {
            let mut with = installed.clone();
            reach(&project.manifest, &project.name, &candidate, &mut with);
            if self.sets.iter().any(|set| set.intersection(&with).count() > 1) {
                left.push(candidate);
            } else {
                installed = with;
                taken.push(candidate);
            }
        }
        (taken, left)
    }
}

/// An entry of a conflict set, when it is about this project.
fn item(entry: &toml::Value, project: &str) -> Option<Item> {
    if let Some(package) = entry.get("package").and_then(toml::Value::as_str)
        && manifest::normalise_name(package) != project
    {
        return None;
    }
    let text = |key: &str| entry.get(key).and_then(toml::Value::as_str).map(manifest::normalise_name);
    text("extra").map(Item::Extra).or_else(|| text("group").map(Item::Group))
}

fn extras(project: &Project) -> Vec<Item> {
    keys(&project.manifest, &["project", "optional-dependencies"]).into_iter().map(Item::Extra).collect()
}

fn everything(project: &Project) -> Vec<Item> {
    let groups = keys(&project.manifest, &["dependency-groups"]);
    let default: Vec<String> = match project.manifest.at(&["tool", "uv", "default-groups"]) {
        Some(toml::Value::Array(list)) => {
            list.iter().filter_map(toml::Value::as_str).map(manifest::normalise_name).collect()
        }
        Some(_) => groups.clone(),
        None => vec!["dev".to_owned()],
    };
    let (first, rest): (Vec<String>, Vec<String>) = groups.into_iter().partition(|it| default.contains(it));
    first.into_iter().chain(rest).map(Item::Group).chain(extras(project)).collect()
}

fn keys(manifest: &Manifest, table: &[&str]) -> Vec<String> {
    let table = manifest.at(table).and_then(toml::Value::as_table);
    table.map(|it| it.keys().map(|key| manifest::normalise_name(key)).collect()).unwrap_or_default()
}

/// Adds an item with everything it brings: groups include groups, extras name other extras of the same project.
fn reach(manifest: &Manifest, project: &str, item: &Item, found: &mut BTreeSet<Item>) {
    if !found.insert(item.clone()) {
        return;
    }
    let (table, name): (&[&str], &str) = match item {
        Item::Group(name) => (&["dependency-groups"], name),
        Item::Extra(name) => (&["project", "optional-dependencies"], name),
    };
    let Some(table) = manifest.at(table).and_then(toml::Value::as_table) else { return };
    let Some((_, list)) = table.iter().find(|(key, _)| manifest::normalise_name(key) == name) else { return };
    for entry in list.as_array().into_iter().flatten() {
        if let Some(group) = entry.get("include-group").and_then(toml::Value::as_str) {
            reach(manifest, project, &Item::Group(manifest::normalise_name(group)), found);
        }
        let Some(text) = entry.as_str().filter(|it| manifest::requirement_name(it) == project) else { continue };
        let named = text.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map_or("", |(inner, _)| inner);
        for extra in named.split(',').filter(|it| !it.trim().is_empty()) {
            reach(manifest, project, &Item::Extra(manifest::normalise_name(extra)), found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::Lock;

    fn project(text: &str) -> Project {
        let manifest = Manifest::parse("p/pyproject.toml".into(), text).expect("a manifest");
        Project {
            name: "p".to_owned(),
            dir: "p".into(),
            manifest,
            lock_dir: "p".into(),
            lock: Ok(Lock::default()),
            locals: Vec::new(),
            files: Vec::new(),
            packages: Vec::new(),
        }
    }

    fn flags(text: &str) -> (String, String, Vec<String>) {
        let project = project(text);
        let conflicts = Conflicts::of(&project.manifest, &project);
        (conflicts.dev(&project).join(" "), conflicts.extras(&project).join(" "), conflicts.left_out(&project))
    }

    #[test]
    fn without_conflicts_everything_is_in() {
        let (dev, extras, left) = flags("[project]\nname = 'p'");
        assert_eq!((dev.as_str(), extras.as_str()), ("--all-groups --all-extras", "--all-extras"));
        assert!(left.is_empty());
    }

    #[test]
    fn the_default_group_wins_and_one_of_each_set_is_in() {
        let text = "
            [project]
            name = 'p'
            [project.optional-dependencies]
            cpu = []
            gpu = []
            all = ['p[gpu]']
            [dependency-groups]
            alt = []
            dev = []
            more = [{ include-group = 'alt' }]
            [tool.uv]
            conflicts = [[{ extra = 'cpu' }, { extra = 'gpu' }], [{ group = 'alt' }, { group = 'dev' }],
                         [{ package = 'other', extra = 'cpu' }, { group = 'dev' }]]";
        let (dev, extras, left) = flags(text);
        // toml keeps tables sorted by key: `all` comes first and brings gpu with it.
        assert_eq!(dev, "--no-default-groups --group dev --extra all --extra gpu");
        assert_eq!(extras, "--extra all --extra gpu");
        assert_eq!(left, ["group alt", "group more", "extra cpu"]);
        let project = project(text);
        assert_eq!(Conflicts::of(&project.manifest, &project).extras_left_out(&project), ["cpu"]);
    }
}
