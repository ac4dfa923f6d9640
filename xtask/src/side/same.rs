//! What two revisions have in common, as far as that can be said without looking closely.
//!
//! Pure. Must not say that something is the same when it may not be.

use std::sync::Arc;

use camino::Utf8Path;

use super::{Project, Side, beside};

impl Side {
    /// Do both revisions have the same projects in the same directories?
    pub fn same_dirs(&self, other: &Side) -> bool {
        self.projects.len() == other.projects.len()
            && self
                .projects
                .iter()
                .zip(&other.projects)
                .all(|(a, b)| a.name == b.name && a.dir.as_str() == b.dir.as_str())
    }

    /// The same, and the same locks for them, and is everything a link that is one in the other?
    pub(super) fn same_places(&self, other: &Side) -> bool {
        let same_lock_dir = |(a, b): (&Project, &Project)| a.lock_dir.as_str() == b.lock_dir.as_str();
        self.same_dirs(other)
            && self.projects.iter().zip(&other.projects).all(same_lock_dir)
            && self.links == other.links
    }

    /// Where the places are the same: do manifests and lock say the same of whom this project needs?
    pub(super) fn same_said(&self, index: usize, other: &Side) -> bool {
        let (mine, theirs) = (&self.projects[index], &other.projects[index]);
        let root = |side: &Side| side.manifests.get(&beside(mine.lock_dir.as_str(), "pyproject.toml")).map(Arc::as_ptr);
        Arc::ptr_eq(&mine.facts, &theirs.facts) && root(self) == root(other) && self.same_lock(mine, other)
    }

    /// Do both revisions have this very lock for the project?
    pub fn same_lock(&self, project: &Project, other: &Side) -> bool {
        let path = beside(project.lock_dir.as_str(), "uv.lock");
        let entry = |side: &Side| side.tree.get(Utf8Path::new(&path));
        self.locks.contains_key(&path) == other.locks.contains_key(&path) && entry(self) == entry(other)
    }
}
