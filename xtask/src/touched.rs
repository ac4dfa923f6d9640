//! Which projects a change may touch at all: cheap, and never wrong in saying no.
//!
//! Pure. Ten thousand projects are looked at for each plan, and few of them deserve a closer look.

use std::collections::{BTreeSet, HashSet};

use camino::{Utf8Path, Utf8PathBuf};

use crate::inputs;
use crate::side::{Project, Side};
use crate::tree::{self, Change};

/// What a change may touch, in either revision.
#[derive(Debug, Default)]
pub struct Touched {
    /// Projects whose own files, lock, or what else they name may differ.
    pub own: HashSet<String>,
    /// Directories of these, and changed directories that are needed and are no project.
    pub dirs: BTreeSet<Utf8PathBuf>,
}

impl Touched {
    /// What the changes between two revisions may touch.
    pub fn of(base: &Side, head: &Side, changes: &[Change]) -> Touched {
        let mut touched = Touched::default();
        let above = |it: &Change| {
            matches!(it.path.file_name(), Some(".python-version" | "pyproject.toml" | "uv.toml" | ".gitignore"))
        };
        let above = changes.iter().any(above);
        for side in [base, head] {
            let owners = changes.iter().filter_map(|it| side.owner(&it.path));
            touched.own.extend(owners.map(|it| it.name.clone()));
            let linked: HashSet<&str> =
                side.links.keys().filter_map(|it| side.owner(Utf8Path::new(it))).map(|it| it.name.as_str()).collect();
            for project in &side.projects {
                if linked.contains(project.name.as_str()) || looks_out(project, changes, above) {
                    touched.own.insert(project.name.clone());
                }
                let others = project.needs.iter().filter(|it| side.project_in(&it.dir).is_none());
                // A link in there may lead anywhere.
                let may =
                    |dir: &Utf8Path| !tree::below(changes, dir).is_empty() || side.links_below(dir).next().is_some();
                touched.dirs.extend(others.filter(|it| may(&it.dir)).map(|it| it.dir.clone()));
            }
        }
        // Settings alone can make a directory a project or none, and give its files to another.
        for (side, other) in [(base, head), (head, base)] {
            for project in side.projects.iter().filter(|it| other.project_in(&it.dir).is_none()) {
                touched.dirs.insert(project.dir.clone());
                touched.own.extend(other.owner(&project.dir).map(|it| it.name.clone()));
            }
        }
        for side in [base, head] {
            let own = touched.own.iter().filter_map(|it| side.project(it));
            touched.dirs.extend(own.map(|it| it.dir.clone()));
        }
        touched
    }
}

/// Does it read what is not below its own directory, and may that have changed? `above`: has any file of a kind changed
/// that is read above projects?
fn looks_out(project: &Project, changes: &[Change], above: bool) -> bool {
    project.facts.names_others()
        || is_changed(changes, &project.lock_dir.join("uv.lock"))
        || above && inputs::paths_above(project).iter().any(|it| is_changed(changes, it))
}

fn is_changed(changes: &[Change], path: &Utf8Path) -> bool {
    changes.binary_search_by(|it| it.path.as_str().cmp(path.as_str())).is_ok()
}
