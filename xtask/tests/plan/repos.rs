//! Small random monorepos: what is in them, as values that edits can change. `render.rs` writes them as files.
//!
//! Must not know what any change affects.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use xtask::tree::Mode;

/// A third-party package: name, what it needs (with a marker where one is given), what its extra `fast` needs.
type Third = (&'static str, &'static [(&'static str, Option<&'static str>)], &'static [&'static str]);

pub const THIRD: &[Third] = &[
    ("alpha", &[("beta", None)], &[]),
    ("beta", &[], &[]),
    ("gamma", &[("beta", Some("sys_platform == 'win32'"))], &[]),
    ("delta", &[], &["epsilon"]),
    ("epsilon", &[], &[]),
];

/// A repository.
#[derive(Debug, Clone, Default)]
pub struct Repo {
    pub projects: Vec<Project>,
    /// Two below `projects/`, and the root of the repository.
    pub workspaces: [Workspace; 3],
    pub locks: BTreeMap<Home, Lock>,
    /// Files outside projects and `ci/`.
    pub files: BTreeMap<String, (Mode, String)>,
    pub ci: Ci,
}

#[derive(Debug, Clone)]
pub struct Project {
    pub name: String,
    pub place: Place,
    /// How often its directory was renamed.
    pub renamed: usize,
    /// Its files stay out of the repository; what others say of it stays.
    pub deleted: bool,
    /// A package that is copied when it is installed, not used where it is.
    pub copied: bool,
    pub image: bool,
    pub says_readme: bool,
    /// Which of the files below `schemas/` it names as its input: none, all, one.
    pub inputs: u8,
    pub version: u8,
    pub python: u8,
    pub comment: u8,
    pub needs: Vec<Need>,
    pub packages: Vec<(usize, Scope)>,
    /// Further tables of its manifest, by a name that `render.rs` knows.
    pub tables: BTreeMap<&'static str, u8>,
    pub files: BTreeMap<String, (Mode, String)>,
}

/// Where a project is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Alone,
    /// In the directory of another project.
    Inside(usize),
    Member(usize),
    /// The root of a workspace.
    Head(usize),
    /// Below a workspace that excludes it.
    Excluded(usize),
}

#[derive(Debug, Clone, Default)]
pub struct Workspace {
    pub used: bool,
    pub renamed: usize,
    /// Are the members listed one by one?
    pub listed: bool,
    /// Do the sources of members stand in the root?
    pub sources: bool,
    /// A setting of uv.
    pub setting: u8,
    pub comment: u8,
}

/// One project needs another.
#[derive(Debug, Clone)]
pub struct Need {
    pub to: usize,
    pub scope: Scope,
    /// With its extra?
    pub extra: bool,
    pub in_manifest: bool,
    pub in_lock: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Run,
    Extra,
    Group,
    Build,
}

pub const SCOPES: &[Scope] = &[Scope::Run, Scope::Extra, Scope::Group, Scope::Build];

/// Whose lock it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Home {
    Project(usize),
    Workspace(usize),
}

#[derive(Debug, Clone, Default)]
pub struct Lock {
    pub state: State,
    pub bumps: BTreeMap<usize, u8>,
    pub hashes: BTreeMap<usize, u8>,
    /// `requires-python`, markers, options, constraints.
    pub header: [u8; 4],
    /// Upload times, addresses, sizes.
    pub noise: u8,
    pub revision: u8,
    /// Are the packages in the other order?
    pub reversed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    #[default]
    Whole,
    Gone,
    Garbage,
}

#[derive(Debug, Clone, Default)]
pub struct Ci {
    /// Policy files, by the path below `ci/`.
    pub files: BTreeMap<&'static str, u8>,
    /// Settings, by a name that `render.rs` knows.
    pub settings: BTreeMap<&'static str, u8>,
    /// Waivers: stage and glob of projects.
    pub waivers: Vec<(usize, usize)>,
    /// Versions of tools in the lock.
    pub tools: BTreeMap<usize, u8>,
    /// What the groups of tools ask for.
    pub groups: BTreeMap<usize, u8>,
    /// A project that is none after all.
    pub exclude: Option<usize>,
}

impl Repo {
    pub fn dir(&self, index: usize) -> String {
        let project = &self.projects[index];
        let leaf = format!("{}{}", project.name, "z".repeat(project.renamed));
        match project.place {
            Place::Alone => format!("projects/{leaf}"),
            Place::Inside(other) => format!("{}/{leaf}", self.dir(other)),
            Place::Member(2) => format!("projects/r{leaf}"),
            Place::Member(at) => format!("{}/m{leaf}", self.root(at)),
            Place::Head(at) => self.root(at),
            Place::Excluded(at) => format!("{}/x{leaf}", self.root(at)),
        }
    }

    pub fn root(&self, workspace: usize) -> String {
        match workspace {
            2 => String::new(),
            at => format!("projects/w{at}{}", "z".repeat(self.workspaces[at].renamed)),
        }
    }

    pub fn home(&self, index: usize) -> Home {
        match self.projects[index].place {
            Place::Member(at) | Place::Head(at) => Home::Workspace(at),
            _ => Home::Project(index),
        }
    }

    pub fn lock_dir(&self, home: Home) -> String {
        match home {
            Home::Project(index) => self.dir(index),
            Home::Workspace(at) => self.root(at),
        }
    }

    pub fn members(&self, workspace: usize) -> impl Iterator<Item = usize> {
        (0..self.projects.len()).filter(move |it| self.home(*it) == Home::Workspace(workspace))
    }

    /// The project that is a workspace's root.
    pub fn head(&self, workspace: usize) -> Option<usize> {
        self.projects.iter().position(|it| it.place == Place::Head(workspace) && !it.deleted)
    }

    /// Writes every lock in other words: what it says stays.
    pub fn rewrite_locks(&mut self) {
        let homes: Vec<Home> = (0..self.projects.len()).map(|it| self.home(it)).collect();
        for home in homes {
            let lock = self.locks.entry(home).or_default();
            (lock.noise, lock.revision, lock.reversed) = (2, 2, true);
        }
    }

    /// A project and all who certainly need it, directly or not: what an extra needs is for those whose manifest asks for it.
    pub fn dependants(&self, index: usize) -> Vec<usize> {
        // A project, and whether only its extra leads to the first one.
        let mut found = vec![(index, false)];
        let leads = |need: &Need, (to, by_extra): (usize, bool)| {
            need.to == to && (!by_extra || (need.extra && need.in_manifest))
        };
        let mut next = 0;
        while let Some(at) = found.get(next).copied() {
            next += 1;
            for user in 0..self.projects.len() {
                let asks = |wanted: &dyn Fn(Scope) -> bool| self.asks(user, |it| wanted(it.scope) && leads(it, at));
                let always = asks(&|it| matches!(it, Scope::Run | Scope::Build)).then_some((user, false));
                let by_extra = asks(&|it| it == Scope::Extra).then_some((user, true));
                let new: Vec<_> = always.into_iter().chain(by_extra).filter(|it| !found.contains(it)).collect();
                found.extend(new);
            }
        }
        let by_group = |user: usize| self.asks(user, |need| found.iter().any(|it| leads(need, *it)));
        (0..self.projects.len()).filter(|it| found.iter().any(|at| at.0 == *it) || by_group(*it)).collect()
    }

    /// Does a project say, by its manifest or its lock, that it has such a need?
    fn asks(&self, index: usize, need: impl Fn(&Need) -> bool) -> bool {
        let has_lock = self.locks.get(&self.home(index)).is_none_or(|it| it.state == State::Whole);
        let mut needs = self.projects[index].needs.iter().filter(|it| it.in_manifest || (it.in_lock && has_lock));
        needs.any(need)
    }

    /// Adds a project; a place that cannot be is made one that can.
    pub fn add(&mut self, seed: &ProjectSeed) {
        let index = self.projects.len();
        let alone: Vec<usize> = (0..index)
            .filter(|it| matches!(self.projects[*it].place, Place::Alone) && !self.projects[*it].deleted)
            .collect();
        let place = match seed.place {
            Place::Inside(at) if !alone.is_empty() => Place::Inside(alone[at % alone.len()]),
            Place::Inside(_) => Place::Alone,
            Place::Head(at) if self.projects.iter().any(|it| it.place == Place::Head(at)) => Place::Member(at),
            Place::Head(at) if self.workspaces[at].used => Place::Member(at),
            Place::Excluded(at) if !self.workspaces[at].used => Place::Alone,
            other => other,
        };
        if let Place::Member(at) | Place::Head(at) = place {
            self.workspaces[at].used = true;
        }
        let name = format!("p{index}");
        let text = |path: &str, text: &str| (path.to_owned(), (Mode::File, text.to_owned()));
        let mut files = BTreeMap::from([
            text(&format!("src/{name}.py"), "code"),
            text("tests/test_a.py", "test"),
            text("docs/index.md", "docs"),
        ]);
        files.extend((!seed.flag(3)).then(|| text("README.md", "about")));
        let packages = seed.packages.iter().map(|(it, scope)| (usize::from(*it) % THIRD.len(), SCOPES[*scope % 3]));
        self.projects.push(Project {
            name,
            place,
            renamed: 0,
            deleted: false,
            copied: seed.flag(0),
            image: seed.flag(1),
            says_readme: !seed.flag(2),
            inputs: seed.inputs,
            version: 0,
            python: 0,
            comment: 0,
            needs: Vec::new(),
            packages: packages.collect(),
            tables: BTreeMap::new(),
            files,
        });
        if !seed.locked {
            self.locks.entry(self.home(index)).or_default().state = State::Gone;
        }
    }

    /// Lets a project need another, unless it does or there is none.
    pub fn connect(&mut self, from: usize, seed: &NeedSeed) {
        let to = usize::from(seed.to) % self.projects.len();
        let doubled = self.projects[from].needs.iter().any(|it| it.to == to);
        if to != from && !doubled {
            let (in_manifest, in_lock) = [(true, true), (true, false), (false, true)][seed.said];
            let in_lock = in_lock && seed.scope != Scope::Build;
            let need = Need { to, scope: seed.scope, extra: seed.extra, in_manifest: in_manifest || !in_lock, in_lock };
            self.projects[from].needs.push(need);
        }
    }
}

/// What a project is made from.
#[derive(Debug, Clone)]
pub struct ProjectSeed {
    pub place: Place,
    pub flags: u8,
    pub locked: bool,
    pub inputs: u8,
    pub packages: Vec<(u8, usize)>,
    pub needs: Vec<NeedSeed>,
}

impl ProjectSeed {
    /// A project that nobody needs and that needs nobody.
    pub fn unconnected() -> ProjectSeed {
        ProjectSeed { place: Place::Alone, flags: 0, locked: true, inputs: 0, packages: Vec::new(), needs: Vec::new() }
    }

    fn flag(&self, bit: u8) -> bool {
        self.flags & (1 << bit) != 0
    }
}

#[derive(Debug, Clone)]
pub struct NeedSeed {
    pub to: u8,
    pub scope: Scope,
    pub extra: bool,
    /// By manifest and lock, manifest alone, lock alone.
    pub said: usize,
}

pub fn need() -> impl Strategy<Value = NeedSeed> {
    let scope =
        prop_oneof![4 => Just(Scope::Run), 2 => Just(Scope::Extra), 2 => Just(Scope::Group), 1 => Just(Scope::Build)];
    let said = prop_oneof![3 => Just(0_usize), 1 => Just(1), 1 => Just(2)];
    (0..7_u8, scope, prop::bool::weighted(0.3), said).prop_map(|(to, scope, extra, said)| NeedSeed {
        to,
        scope,
        extra,
        said,
    })
}

pub fn project() -> impl Strategy<Value = ProjectSeed> {
    let place = prop_oneof![
        4 => Just(Place::Alone),
        3 => (0..3_usize).prop_map(Place::Member),
        1 => (0..2_usize).prop_map(Place::Head),
        1 => (0..4_usize).prop_map(Place::Inside),
        1 => (0..2_usize).prop_map(Place::Excluded),
    ];
    let inputs = prop_oneof![6 => Just(0_u8), 1 => Just(1), 1 => Just(2)];
    let packages = vec((0..5_u8, 0..3_usize), 0..3);
    let flags = prop_oneof![2 => Just(0_u8), 3 => 0..16_u8];
    (place, flags, prop::bool::weighted(0.85), inputs, packages, vec(need(), 0..3)).prop_map(
        |(place, flags, locked, inputs, packages, needs)| ProjectSeed { place, flags, locked, inputs, packages, needs },
    )
}

/// A repository with two to seven projects, mostly few.
pub fn repo() -> impl Strategy<Value = Repo> {
    let projects = prop_oneof![9 => vec(project(), 2..4), 1 => vec(project(), 4..8)];
    let workspaces = vec((any::<bool>(), any::<bool>()), 3);
    let waivers = vec((0..14_usize, 0..4_usize), 0..2);
    (projects, workspaces, waivers).prop_map(|(projects, workspaces, waivers)| {
        let mut repo = Repo::default();
        for (workspace, (listed, sources)) in repo.workspaces.iter_mut().zip(workspaces) {
            (workspace.listed, workspace.sources) = (listed, sources);
        }
        projects.iter().for_each(|it| repo.add(it));
        for (index, seed) in projects.iter().enumerate() {
            seed.needs.iter().for_each(|it| repo.connect(index, it));
        }
        repo.ci.waivers = waivers;
        for path in ["schemas/a.json", "schemas/b.json", "docs/a.md", "NOTES.md"] {
            repo.files.insert(path.to_owned(), (Mode::File, "text".to_owned()));
        }
        repo
    })
}
