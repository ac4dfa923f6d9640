//! Random changes of a monorepo, each of which says in one line what it did.
//!
//! Must not know what any change affects.

use std::collections::BTreeMap;

use proptest::prelude::*;
use xtask::tree::Mode;

use super::render_ci::{self, GROUPS, POLICY, SETTINGS, TOOLS};
use super::repos::{Home, NeedSeed, Place, ProjectSeed, Repo, SCOPES, Scope, State, THIRD, need, project};

/// Where files of a project are put, changed and taken away.
const PLACES: &[&str] = &[
    "tests/test_a.py",
    "src/a.py",
    "README.md",
    "docs/index.md",
    "src/data.json",
    "src/tests/test_b.py",
    "tests/data.json",
    "test/test_c.py",
    "test_d.py",
    "conftest.py",
    "docs/conf.py",
    "doc/a.rst",
    "CHANGELOG.md",
    "LICENSE",
    "walk.ipynb",
    "src/typed.pyi",
    "ruff.toml",
    ".coveragerc",
    "pytest.ini",
    "src/py.typed",
    "Makefile",
    "src/README.md",
    ".python-version",
];
/// Tables of a manifest.
const TABLES: &[&str] = &["ruff", "pytest", "coverage", "setuptools", "packages", "override", "waiver"];
/// Files outside the projects: inputs by hand, nobody's, and such that nobody knows.
const OUTSIDE: &[&str] = &[
    "schemas/a.json",
    "schemas/b.json",
    "docs/a.md",
    "NOTES.md",
    "docs/b/c.md",
    "schemas/sub/c.json",
    ".python-version",
    "unknown.txt",
    "ci/unknown.txt",
    "projects/w0/stray.txt",
    "projects/stray/a.py",
];

/// A change: what it is, and numbers that choose where.
#[derive(Debug, Clone)]
pub struct Edit {
    kind: Kind,
    a: usize,
    b: usize,
    c: usize,
    /// For a new project.
    seed: Option<ProjectSeed>,
    need: NeedSeed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Write,
    Remove,
    Move,
    Executable,
    Link,
    RenameProject,
    RenameWorkspace,
    DeleteProject,
    AddProject,
    Connect,
    Disconnect,
    ToggleNeed,
    Package,
    Version,
    Python,
    Comment,
    Readme,
    Image,
    Inputs,
    Table,
    Workspace,
    Bump,
    Hash,
    Header,
    Noise,
    LockState,
    Policy,
    Setting,
    Waiver,
    Tool,
    Group,
    Exclude,
    Outside,
}

pub const KINDS: &[(u32, Kind)] = &[
    (8, Kind::Write),
    (3, Kind::Remove),
    (2, Kind::Move),
    (1, Kind::Executable),
    (2, Kind::Link),
    (1, Kind::RenameProject),
    (1, Kind::RenameWorkspace),
    (1, Kind::DeleteProject),
    (2, Kind::AddProject),
    (2, Kind::Connect),
    (1, Kind::Disconnect),
    (2, Kind::ToggleNeed),
    (2, Kind::Package),
    (1, Kind::Version),
    (1, Kind::Python),
    (1, Kind::Comment),
    (1, Kind::Readme),
    (1, Kind::Image),
    (1, Kind::Inputs),
    (3, Kind::Table),
    (2, Kind::Workspace),
    (4, Kind::Bump),
    (1, Kind::Hash),
    (2, Kind::Header),
    (2, Kind::Noise),
    (2, Kind::LockState),
    (2, Kind::Policy),
    (2, Kind::Setting),
    (2, Kind::Waiver),
    (1, Kind::Tool),
    (1, Kind::Group),
    (1, Kind::Exclude),
    (3, Kind::Outside),
];

/// A change of any kind.
pub fn edit() -> impl Strategy<Value = Edit> {
    let kinds = KINDS.iter().map(|(weight, kind)| (*weight, Just(*kind).boxed())).collect();
    let kind = proptest::strategy::Union::new_weighted(kinds);
    (kind, 0..64_usize, 0..64_usize, 0..64_usize, prop::option::weighted(0.1, project()), need())
        .prop_map(|(kind, a, b, c, seed, need)| Edit { kind, a, b, c, seed, need })
}

impl Edit {
    /// Does it, and says what it did; `None` when there was nothing to do.
    pub fn apply(&self, repo: &mut Repo) -> Option<String> {
        match self.kind {
            Kind::Policy | Kind::Setting | Kind::Waiver | Kind::Tool | Kind::Group => self.policy(repo),
            Kind::Bump | Kind::Hash | Kind::Header | Kind::Noise | Kind::LockState => self.lock(repo),
            Kind::AddProject => {
                let seed = self.seed.clone().unwrap_or_else(ProjectSeed::unconnected);
                repo.add(&seed);
                let index = repo.projects.len() - 1;
                seed.needs.iter().for_each(|it| repo.connect(index, it));
                Some(format!("add a project in {}", repo.dir(index)))
            }
            Kind::Outside => self.outside(repo),
            Kind::Workspace | Kind::RenameWorkspace => self.workspace(repo),
            Kind::Write | Kind::Remove | Kind::Move | Kind::Executable | Kind::Link => {
                let index = self.project(repo)?;
                let dir = repo.dir(index);
                let said = self.file(&mut repo.projects[index].files)?;
                Some(format!("{dir}: {said}"))
            }
            _ => {
                let index = self.project(repo)?;
                let name = repo.projects[index].name.clone();
                let said = self.manifest(repo, index)?;
                Some(format!("{name}: {said}"))
            }
        }
    }

    pub fn kind(&self) -> String {
        format!("{:?}", self.kind)
    }

    /// The project that is meant.
    pub fn project(&self, repo: &Repo) -> Option<usize> {
        let there: Vec<usize> = (0..repo.projects.len()).filter(|it| !repo.projects[*it].deleted).collect();
        (!there.is_empty()).then(|| there[self.a % there.len()])
    }

    fn file(&self, files: &mut BTreeMap<String, (Mode, String)>) -> Option<String> {
        let place = PLACES[self.b % PLACES.len()].to_owned();
        if self.kind == Kind::Write {
            files.insert(place.clone(), (Mode::File, format!("text {}", self.c % 3)));
            return Some(format!("write {place}"));
        }
        if self.kind == Kind::Link {
            let target = ["data.json", "../docs/index.md", "../../../schemas/a.json", "nowhere"][self.c % 4];
            let place = ["src/link.json", "docs/link.md", "tests/link"][self.b % 3];
            files.insert(place.to_owned(), (Mode::Link, target.to_owned()));
            return Some(format!("link {place} -> {target}"));
        }
        let there: Vec<String> = files.keys().cloned().collect();
        let old = there.get(self.c % there.len().max(1))?;
        match self.kind {
            Kind::Remove => files.remove(old),
            Kind::Move => {
                let entry = files.remove(old)?;
                files.insert(place.clone(), entry);
                return Some(format!("move {old} to {place}"));
            }
            _ => {
                let (mode, _) = files.get_mut(old).filter(|it| it.0 != Mode::Link)?;
                *mode = if *mode == Mode::File { Mode::Executable } else { Mode::File };
                return Some(format!("{old} becomes {mode:?}"));
            }
        };
        Some(format!("remove {old}"))
    }

    fn outside(&self, repo: &mut Repo) -> Option<String> {
        let place = OUTSIDE[self.a % OUTSIDE.len()];
        if self.b.is_multiple_of(3) {
            repo.files.remove(place)?;
            return Some(format!("remove {place}"));
        }
        repo.files.insert(place.to_owned(), (Mode::File, format!("text {}", self.c % 3)));
        Some(format!("write {place}"))
    }

    fn manifest(&self, repo: &mut Repo, index: usize) -> Option<String> {
        if self.kind == Kind::Connect {
            let before = repo.projects[index].needs.len();
            repo.connect(index, &self.need);
            let need = repo.projects[index].needs.get(before)?;
            return Some(format!("needs {need:?}"));
        }
        if self.kind == Kind::Exclude {
            let other = repo.ci.exclude.is_none().then_some(index);
            repo.ci.exclude = other;
            return Some(format!("excluded projects are now {other:?}"));
        }
        if self.kind == Kind::RenameProject && matches!(repo.projects[index].place, Place::Head(_)) {
            return None;
        }
        let project = &mut repo.projects[index];
        let some_need = project.needs.len().checked_sub(1).map(|last| self.b % (last + 1));
        Some(match self.kind {
            Kind::RenameProject => {
                project.renamed = 1 - project.renamed;
                "rename its directory".to_owned()
            }
            Kind::DeleteProject => {
                project.deleted = true;
                "delete it".to_owned()
            }
            Kind::Disconnect => format!("needs no longer {:?}", project.needs.remove(some_need?)),
            Kind::ToggleNeed => {
                let need = &mut project.needs[some_need?];
                match self.c % 3 {
                    0 => need.extra = !need.extra,
                    1 => need.in_manifest = !need.in_manifest,
                    _ => need.in_lock = !need.in_lock && need.scope != Scope::Build,
                }
                format!("needs now {need:?}")
            }
            Kind::Package => {
                let (third, scope) = (self.b % THIRD.len(), SCOPES[self.c % 3]);
                match project.packages.iter().position(|it| it.0 == third) {
                    Some(at) => drop(project.packages.remove(at)),
                    None => project.packages.push((third, scope)),
                }
                format!("toggle {} for {scope:?}", THIRD[third].0)
            }
            Kind::Version => turn("version", &mut project.version),
            Kind::Python => turn("requires-python", &mut project.python),
            Kind::Comment => turn("comment in the manifest", &mut project.comment),
            Kind::Readme => {
                project.says_readme = !project.says_readme;
                format!("readme in the manifest: {}", project.says_readme)
            }
            Kind::Image => {
                project.image = !project.image;
                format!("image = {}", project.image)
            }
            Kind::Inputs => turn("inputs by hand", &mut project.inputs),
            _ => {
                let table = TABLES[self.b % TABLES.len()];
                toggle(&mut project.tables, table, self.c);
                format!("table {table} {:?}", project.tables.get(table))
            }
        })
    }

    fn workspace(&self, repo: &mut Repo) -> Option<String> {
        let used: Vec<usize> = (0..3).filter(|it| repo.workspaces[*it].used).collect();
        let at = *used.get(self.a % used.len().max(1))?;
        let root = repo.root(at);
        let workspace = &mut repo.workspaces[at];
        let what = match self.b % 4 {
            _ if self.kind == Kind::RenameWorkspace && at < 2 => {
                workspace.renamed = 1 - workspace.renamed;
                "rename it".to_owned()
            }
            0 => {
                workspace.listed = !workspace.listed;
                format!("members listed: {}", workspace.listed)
            }
            1 => {
                workspace.sources = !workspace.sources;
                format!("sources in the root: {}", workspace.sources)
            }
            2 => turn("setting of uv", &mut workspace.setting),
            _ => turn("comment", &mut workspace.comment),
        };
        Some(format!("workspace `{root}`: {what}"))
    }

    fn lock(&self, repo: &mut Repo) -> Option<String> {
        let used = (0..3).filter(|it| repo.workspaces[*it].used).map(Home::Workspace);
        let mut homes: Vec<Home> = used.chain((0..repo.projects.len()).map(|it| repo.home(it))).collect();
        homes.dedup();
        let home = *homes.get(self.a % homes.len().max(1))?;
        let file = format!("uv.lock in `{}`", repo.lock_dir(home));
        let lock = repo.locks.entry(home).or_default();
        let third = self.b % THIRD.len();
        let what = match self.kind {
            Kind::Bump => turn(THIRD[third].0, lock.bumps.entry(third).or_default()),
            Kind::Hash => turn(&format!("hash of {}", THIRD[third].0), lock.hashes.entry(third).or_default()),
            Kind::Header => {
                let at = self.b % 4;
                turn(["requires-python", "markers", "options", "constraints"][at], &mut lock.header[at])
            }
            Kind::Noise => match self.b % 3 {
                0 => turn("addresses and times", &mut lock.noise),
                1 => turn("revision", &mut lock.revision),
                _ => {
                    lock.reversed = !lock.reversed;
                    "order".to_owned()
                }
            },
            _ => {
                lock.state = [State::Whole, State::Gone, State::Garbage][self.b % 3];
                format!("{:?}", lock.state)
            }
        };
        Some(format!("{file}: {what}"))
    }

    fn policy(&self, repo: &mut Repo) -> Option<String> {
        let ci = &mut repo.ci;
        Some(match self.kind {
            Kind::Policy => {
                let name = POLICY[self.a % POLICY.len()];
                turn(&format!("ci/{name}"), ci.files.entry(name).or_default())
            }
            Kind::Setting => {
                let names: Vec<&'static str> = SETTINGS.iter().map(|it| it.0).chain(["grype", "no-input"]).collect();
                let name = names[self.a % names.len()];
                toggle(&mut ci.settings, name, 0);
                format!("ci/xtask.toml: [{name}] {:?}", ci.settings.get(name))
            }
            Kind::Waiver => {
                let waiver = (self.a % 14, self.b % render_ci::GLOBS.len());
                match ci.waivers.iter().position(|it| *it == waiver) {
                    Some(at) => drop(ci.waivers.remove(at)),
                    None => ci.waivers.push(waiver),
                }
                format!("ci/xtask.toml: waivers {:?}", ci.waivers)
            }
            Kind::Tool => {
                let at = self.a % TOOLS.len();
                turn(&format!("ci/tools/uv.lock: {}", TOOLS[at].0), ci.tools.entry(at).or_default())
            }
            _ => {
                let at = self.a % GROUPS.len();
                turn(&format!("ci/tools/pyproject.toml: {}", GROUPS[at].0), ci.groups.entry(at).or_default())
            }
        })
    }
}

/// The next of three values: changes can take one another back.
fn turn(what: &str, value: &mut u8) -> String {
    *value = (*value + 1) % 3;
    format!("{what} is now {value}")
}

fn toggle(values: &mut BTreeMap<&'static str, u8>, key: &'static str, value: usize) {
    if values.remove(key).is_none() {
        values.insert(key, 1 + u8::try_from(value % 2).expect("one or two"));
    }
}
