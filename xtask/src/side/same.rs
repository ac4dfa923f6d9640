//! What two revisions have in common, as far as that can be said without looking closely.
//!
//! Pure. Must not say that something is the same when it may not be.

use super::{Project, Side};

impl Side {
    /// Do both revisions have the same projects in the same directories?
    pub fn same_dirs(&self, other: &Side) -> bool {
        self.projects.len() == other.projects.len()
            && self.projects.iter().zip(&other.projects).all(|(a, b)| a.name == b.name && a.dir == b.dir)
    }

    /// Do both revisions have this very lock for the project?
    pub fn same_lock(&self, project: &Project, other: &Side) -> bool {
        let path = project.lock_dir.join("uv.lock");
        self.locks.contains_key(&path) == other.locks.contains_key(&path)
            && self.tree.get(&path) == other.tree.get(&path)
    }
}
