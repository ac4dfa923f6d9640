//! Which projects a change may touch at all: cheap, and never wrong in saying no.
//!
//! Pure. Ten thousand projects are looked at for each plan, and few of them deserve a closer look.

use std::collections::{BTreeSet, HashMap, HashSet};

use camino::Utf8Path;

use crate::inputs;
use crate::side::{Project, Side};
use crate::tree::{self, Change};

/// What a change may touch, in either revision.
#[derive(Debug, Default)]
pub struct Touched<'a> {
    /// Projects whose own files, lock, or what else they name may differ.
    pub own: HashSet<&'a str>,
    /// Directories of these, and changed directories that are needed and are no project.
    pub dirs: BTreeSet<&'a Utf8Path>,
}

impl<'a> Touched<'a> {
    /// What the changes between two revisions may touch.
    pub fn of(base: &'a Side, head: &'a Side, changes: &[Change]) -> Touched<'a> {
        let mut touched = Touched::default();
        let mut places: HashMap<&str, HashSet<&Utf8Path>> = HashMap::new();
        for path in changes.iter().map(|it| &it.path) {
            places.entry(path.file_name().unwrap_or_default()).or_default().extend(path.parent());
        }
        let is_changed = |dir: &Utf8Path, name: &str| places.get(name).is_some_and(|it| it.contains(dir));
        // What was made of the same once is looked at once.
        let sides = if base.is_same_scene(head) { vec![head] } else { vec![base, head] };
        for side in &sides {
            let owners = changes.iter().filter_map(|it| side.owner(&it.path));
            touched.own.extend(owners.map(|it| it.name.as_str()));
            let links = side.links.keys().filter_map(|it| side.owner(Utf8Path::new(it)));
            touched.own.extend(links.map(|it| it.name.as_str()));
            let looks_out = |it: &&Project| {
                it.facts.names_others()
                    || is_changed(&it.lock_dir, "uv.lock")
                    || inputs::upward(it).any(|(dir, name)| dir.ancestors().any(|it| is_changed(it, name)))
            };
            touched.own.extend(side.projects.iter().filter(looks_out).map(|it| it.name.as_str()));
            // A link in there may lead anywhere.
            let may = |dir: &&Utf8Path| !tree::below(changes, dir).is_empty() || side.links_below(dir).next().is_some();
            touched.dirs.extend(side.foreign.iter().map(AsRef::as_ref).filter(may));
        }
        // Settings alone can make a directory a project or none, and give its files to another.
        if !base.same_dirs(head) {
            for (side, other) in [(base, head), (head, base)] {
                for project in side.projects.iter().filter(|it| other.project_in(&it.dir).is_none()) {
                    touched.dirs.insert(&project.dir);
                    touched.own.extend(other.owner(&project.dir).map(|it| it.name.as_str()));
                }
            }
        }
        for side in sides {
            let own = touched.own.iter().filter_map(|it| side.project(it));
            touched.dirs.extend(own.map(|it| &*it.dir));
        }
        touched
    }
}
