//! The model's answer to who needs whom: manifests and locks, with the extras that are asked for.
//!
//! Must not use what it is compared with.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::model::{Project, Revision};
use super::model_read::{self as read, Lock, Scope, join, resolve};

/// What a project asks of the directories of the repository.
pub type Needs = BTreeMap<String, Need>;

#[derive(Debug, Clone, Default)]
pub struct Need {
    /// It is needed whatever is asked of the project, not just by one of its extras or groups.
    always: bool,
    /// The extras of the project that need it.
    extras: BTreeSet<String>,
    /// The extras of it that the manifest asks for, anywhere.
    asks: BTreeSet<String>,
}

impl Need {
    /// Is it needed to build and run the project?
    fn run(&self) -> bool {
        self.always || !self.extras.is_empty()
    }

    fn wanted(&self) -> Vec<String> {
        std::iter::once(String::new()).chain(self.asks.iter().cloned()).collect()
    }
}

impl Revision<'_> {
    /// All that a project needs in the repository, and whether it ships with it.
    pub fn reached(&self, project: &Project) -> BTreeMap<String, bool> {
        let mut found = BTreeMap::new();
        let mut seen = BTreeSet::new();
        let mut queue: Vec<(String, String, bool)> = Vec::new();
        for (dir, need) in self.needs(project).iter() {
            queue.extend(need.wanted().into_iter().map(|part| (dir.clone(), part, need.run())));
        }
        while let Some((dir, part, ships)) = queue.pop() {
            if dir == project.dir || !seen.insert((dir.clone(), part.clone(), ships)) {
                continue;
            }
            *found.entry(dir.clone()).or_insert(ships) |= ships;
            // What its groups need is not for others, nor what extras need that nobody asks for.
            let further = self.project_in(&dir).map(|it| self.needs(it)).unwrap_or_default();
            for (dir, need) in further.iter() {
                if if part.is_empty() { need.always } else { need.extras.contains(&part) } {
                    queue.extend(need.wanted().into_iter().map(|part| (dir.clone(), part, ships)));
                }
            }
        }
        found
    }

    fn needs(&self, project: &Project) -> Rc<Needs> {
        let known = self.needs.borrow().get(&project.name).cloned();
        known.unwrap_or_else(|| {
            let needs = Rc::new(self.needs_of(project));
            self.needs.borrow_mut().insert(project.name.clone(), needs.clone());
            needs
        })
    }

    /// What a project itself needs: its manifest's sources and what its lock reaches, both.
    fn needs_of(&self, project: &Project) -> Needs {
        let mut found = Needs::new();
        let (run, groups) = read::asked(&project.table);
        let (base, extras) = read::asked_by(&project.table);
        let asks = read::extras_asked(&project.table);
        let mut sources = read::sources(&project.table, &project.dir);
        if project.home != project.dir {
            // What the root says about a name counts where the member asks for it; what a project says itself, always.
            let root = read::table(self.files, &join(&project.home, "pyproject.toml")).unwrap_or_default();
            let of_root = read::sources(&root, &project.home).into_iter();
            sources.extend(of_root.filter(|(name, _)| run.contains(name) || groups.contains(name)));
        }
        for (name, dir) in sources {
            let of_workspace = || self.projects.get(&name).filter(|it| it.home == project.home);
            let Some(dir) = dir.or_else(|| of_workspace().map(|it| it.dir.clone())) else { continue };
            let need = found.entry(dir).or_default();
            need.asks.extend(asks.get(&name).cloned().unwrap_or_default());
            // A source that nobody asks for counts as if all did.
            need.always |= base.contains(&name) || !(run.contains(&name) || groups.contains(&name));
            need.extras.extend(extras.iter().filter(|it| it.1.contains(&name)).map(|it| it.0.clone()));
        }
        if let Lock::Read(table) = self.lock(project) {
            let dirs = |scope: Scope| -> Vec<String> {
                let reached = read::reach(&table, &project.name, scope).unwrap_or_default();
                reached.into_iter().filter_map(|it| resolve(&project.home, read::local(it)?)).collect()
            };
            dirs(Scope::Base).into_iter().for_each(|dir| found.entry(dir).or_default().always = true);
            for extra in read::extras_of(&table, &project.name) {
                for dir in dirs(Scope::Extra(&extra)) {
                    found.entry(dir).or_default().extras.insert(extra.clone());
                }
            }
            for dir in dirs(Scope::Groups) {
                found.entry(dir).or_default();
            }
        }
        found.remove(&project.dir);
        found
    }
}
