//! What two revisions have in common, as far as that can be said without looking closely.
//!
//! Pure. Must not say that something is the same when it may not be.

use std::sync::Arc;

use camino::Utf8Path;

use super::{Project, Scene, Side, beside};
use crate::tree::Tree;

impl Scene {
    /// Do both revisions have the same projects in the same directories?
    pub fn same_dirs(&self, other: &Scene) -> bool {
        std::ptr::eq(self, other)
            || self.projects.len() == other.projects.len()
                && self
                    .projects
                    .iter()
                    .zip(&other.projects)
                    .all(|(a, b)| a.name == b.name && a.dir.as_str() == b.dir.as_str())
    }

    /// The same, and the same locks for them, and is everything a link that is one in the other?
    pub(super) fn same_places(&self, other: &Scene) -> bool {
        let same_lock_dir = |(a, b): (&Project, &Project)| a.lock_dir.as_str() == b.lock_dir.as_str();
        self.same_dirs(other)
            && self.projects.iter().zip(&other.projects).all(same_lock_dir)
            && self.links == other.links
    }

    /// Where the places are the same: do manifests and lock say the same of whom this project needs?
    pub(super) fn same_said(&self, tree: &Tree, index: usize, other: &Side) -> bool {
        let (mine, theirs) = (&self.projects[index], &other.projects[index]);
        let path = beside(mine.lock_dir.as_str(), "pyproject.toml");
        let root = |scene: &Scene| scene.manifests.get(&path).map(Arc::as_ptr);
        Arc::ptr_eq(&mine.facts, &theirs.facts) && root(self) == root(other) && self.same_lock(tree, mine, other)
    }

    /// Do both revisions, this one with these files, have this very lock for the project?
    fn same_lock(&self, tree: &Tree, project: &Project, other: &Side) -> bool {
        let path = beside(project.lock_dir.as_str(), "uv.lock");
        self.locks.contains_key(&path) == other.locks.contains_key(&path)
            && tree.get(Utf8Path::new(&path)) == other.tree.get(Utf8Path::new(&path))
    }
}

impl Side {
    /// Do both revisions have this very lock for the project?
    pub fn same_lock(&self, project: &Project, other: &Side) -> bool {
        self.is_same_scene(other) || self.scene.same_lock(&self.tree, project, other)
    }
}
