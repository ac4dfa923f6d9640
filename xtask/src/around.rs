//! What lies around the projects of a revision: the directories above them, and trees that are another tool's world.
//!
//! Pure. Asked only about paths that no list holds. A tree is another world by a file that its tool cannot do without, never
//! by its name. Must not read a file.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use crate::side::Side;

/// A kind of tree that no stage looks into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum World {
    Site,
    Dotnet,
    Python,
}

/// What makes a directory a site of documentation: the settings of its generator.
const SITES: &[&str] = &[
    "book.toml",
    "docusaurus.config.cjs",
    "docusaurus.config.js",
    "docusaurus.config.mjs",
    "docusaurus.config.ts",
    "mint.json",
    "mkdocs.yaml",
    "mkdocs.yml",
];
/// Locks that a Python project has for itself.
const LOCKS: &[&str] = &["pdm.lock", "poetry.lock", "uv.lock"];
/// What two worlds share: definitions that code is made of on both sides.
const SHARED: &[&str] = &["avsc", "avdl", "capnp", "fbs", "graphql", "proto", "thrift", "wsdl", "xsd"];

impl World {
    fn reason(self) -> &'static str {
        match self {
            World::Site => "a site of documentation that belongs to no project",
            World::Dotnet => "a .NET solution, which no stage reads",
            World::Python => "a Python project with a lock of its own, under none of `projects` and needed by none",
        }
    }

    /// May a project read this file of such a tree all the same?
    fn shares(self, path: &Utf8Path) -> bool {
        let extension = path.extension().unwrap_or_default();
        let is_python = matches!(extension, "py" | "pyi" | "ipynb");
        SHARED.contains(&extension) || path.as_str().ends_with(".schema.json") || (is_python && self != World::Python)
    }
}

/// What lies around the projects of one revision.
#[derive(Debug)]
pub struct Around {
    /// The directories that projects are below; the root is always one.
    above: BTreeSet<Utf8PathBuf>,
    worlds: BTreeMap<Utf8PathBuf, World>,
}

impl Default for Around {
    /// Nothing but the root.
    fn default() -> Around {
        Around { above: BTreeSet::from([Utf8PathBuf::new()]), worlds: BTreeMap::new() }
    }
}

impl Around {
    /// What lies around the projects of this revision.
    pub fn of(side: &Side) -> Around {
        let Around { mut above, mut worlds } = Around::default();
        for project in &side.projects {
            for dir in project.dir.ancestors().skip(1) {
                // Who is above this one was noted with it.
                if !above.insert(dir.to_owned()) {
                    break;
                }
            }
        }
        for (path, _) in side.tree.iter() {
            let (dir, name) = path.as_str().rsplit_once('/').unwrap_or(("", path.as_str()));
            let dir = Utf8Path::new(dir);
            let world = if SITES.contains(&name) {
                World::Site
            } else if name.ends_with(".sln") || name.ends_with(".slnx") {
                World::Dotnet
            } else if LOCKS.contains(&name)
                && side.tree.get(&dir.join("pyproject.toml")).is_some()
                && side.facts_in(dir).is_none()
            {
                World::Python
            } else {
                continue;
            };
            if !above.contains(dir) {
                worlds.entry(dir.to_owned()).or_insert(world);
            }
        }
        Around { above, worlds }
    }

    /// A path as it is seen from each directory above projects that holds it, the root first.
    pub fn views<'a>(&'a self, path: &'a Utf8Path) -> impl Iterator<Item = &'a Utf8Path> {
        let mut dirs: Vec<&Utf8Path> = path.ancestors().skip(1).filter(|it| self.above.contains(*it)).collect();
        dirs.reverse();
        dirs.into_iter().filter_map(|it| path.strip_prefix(it).ok())
    }

    /// Why a path is nobody's for the tree that it stands in; `None` when that says nothing.
    pub fn foreign(&self, path: &Utf8Path) -> Option<&'static str> {
        let mut worlds = path.ancestors().skip(1).filter_map(|it| self.worlds.get(it));
        worlds.find(|it| !it.shares(path)).map(|it| it.reason())
    }
}
