//! The local packages that build others: `build-system.requires` asks for them, `[tool.uv.sources]` says where they are.
//!
//! No lock names them as needed, since they are not installed. Must not build anything.

use std::borrow::Cow;
use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use super::{Project, Repo};
use crate::facts;
use crate::manifest::{self, Manifest};

/// A local package that builds another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Builder {
    pub name: String,
    /// Repo-relative.
    pub dir: Utf8PathBuf,
}

impl Repo {
    /// What builds the project and the local packages that it reaches, what that needs, and what builds that; sorted.
    pub fn builders(&self, project: &Project) -> Vec<Builder> {
        let mut found = BTreeSet::new();
        let mut queue: Vec<Utf8PathBuf> = vec![project.dir.clone()];
        queue.extend(project.locals.iter().map(|it| it.path.clone()));
        while let Some(dir) = queue.pop() {
            for builder in self.builders_of(&dir) {
                // It runs while it builds, with what it needs for that.
                let needed = self.project_in(&builder.dir).into_iter().flat_map(|it| &it.locals);
                let needed = needed.map(|it| Builder { name: it.name.clone(), dir: it.path.clone() });
                for it in std::iter::once(builder.clone()).chain(needed) {
                    if found.insert(it.clone()) {
                        queue.push(it.dir);
                    }
                }
            }
        }
        found.into_iter().collect()
    }

    fn builders_of(&self, dir: &Utf8Path) -> Vec<Builder> {
        let Some(own) = self.manifest_in(dir) else { return Vec::new() };
        let asked = facts::builds(&own);
        // A member inherits what the root of its workspace says about names that it says nothing of.
        let home = self.project_in(dir).map_or(dir, |it| &it.lock_dir);
        let root = if home == dir { None } else { self.manifest_in(home) };
        let of_root = own.inherited_sources(root.as_deref()).into_iter().map(|it| (home, it));
        let sources = own.local_sources().into_iter().map(|it| (dir, it)).chain(of_root);
        let found = sources.filter(|(_, it)| asked.contains(&it.0)).filter_map(|(base, (name, path))| {
            let member = || self.projects.iter().find(|it| it.name == name && it.lock_dir == home);
            let dir = match path {
                Some(path) => manifest::resolve(base, &path)?,
                None => member()?.dir.clone(),
            };
            Some(Builder { name, dir })
        });
        found.collect()
    }

    /// The manifest in a directory, be it a project's or not.
    fn manifest_in(&self, dir: &Utf8Path) -> Option<Cow<'_, Manifest>> {
        if let Some(project) = self.project_in(dir) {
            return Some(Cow::Borrowed(&project.manifest));
        }
        let path = dir.join("pyproject.toml");
        Manifest::parse(&path, &std::fs::read_to_string(self.abs(&path)).ok()?).ok().map(Cow::Owned)
    }
}
