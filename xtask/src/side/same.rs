//! What two revisions have in common, as far as that can be said without looking closely.
//!
//! Pure. Must not say that something is the same when it may not be.

use camino::Utf8Path;

use super::{Project, Side, beside};

impl Side {
    /// Do both revisions have the same projects in the same directories?
    pub fn same_dirs(&self, other: &Side) -> bool {
        self.projects.len() == other.projects.len()
            && self.projects.iter().zip(&other.projects).all(|(a, b)| a.name == b.name && a.dir == b.dir)
    }

    /// Do both revisions have this very lock for the project?
    pub fn same_lock(&self, project: &Project, other: &Side) -> bool {
        let path = beside(project.lock_dir.as_str(), "uv.lock");
        let entry = |side: &Side| side.tree.get(Utf8Path::new(&path));
        self.locks.contains_key(&path) == other.locks.contains_key(&path) && entry(self) == entry(other)
    }
}
