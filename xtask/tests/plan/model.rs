//! The brute-force model: what each stage of each project reads, written from the documents alone.
//!
//! Slow and plain on purpose. Must not use what it is compared with: of xtask it knows the table of stages, nothing else.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use toml::{Table, Value};
use xtask::stages::{self, Closure, Own, Run, STAGES, Stage};
use xtask::tree::Mode;

use super::model_needs::Needs;
use super::model_policy as policy;
use super::model_read::{self as read, Lock, Scope, join, parent, resolve};
use super::render::Files;

/// Project, stage.
pub type Selected = BTreeSet<(String, &'static str)>;

/// What a file is to its project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Manifest,
    Lock,
    Test,
    Document,
    Settings,
    Code,
}

/// A project of a revision.
pub struct Project {
    pub name: String,
    pub dir: String,
    pub table: Rc<Table>,
    /// The directory of its workspace; its own where it is in none.
    pub home: String,
    /// Paths relative to the root.
    pub files: Vec<String>,
}

/// A revision.
pub struct Revision<'a> {
    pub files: &'a Files,
    pub projects: BTreeMap<String, Project>,
    pub settings: Rc<Table>,
    // What was worked out already.
    pub needs: RefCell<BTreeMap<String, Rc<Needs>>>,
    seen: RefCell<BTreeMap<(String, bool), Vec<String>>>,
    locked: RefCell<BTreeMap<(String, bool, bool), String>>,
    policy: RefCell<BTreeMap<&'static str, Vec<String>>>,
    read: OnceCell<BTreeSet<String>>,
}

impl<'a> Revision<'a> {
    pub fn new(files: &'a Files) -> Revision<'a> {
        let settings = read::table(files, "ci/xtask.toml").unwrap_or_default();
        let (needs, seen, locked, policy, read) = Default::default();
        let mut revision = Revision { files, projects: BTreeMap::new(), settings, needs, seen, locked, policy, read };
        for path in files.keys().filter(|it| it.ends_with("/pyproject.toml")) {
            let dir = parent(path);
            let excluded = read::strings(revision.settings.get("exclude")).iter().any(|it| it == dir);
            let depth = dir.split('/').count();
            let table = read::table(files, path).unwrap_or_default();
            let name = read::at(&table, &["project", "name"]).and_then(Value::as_str).map(str::to_owned);
            let is_below = dir.starts_with("projects/") && (2..=3).contains(&depth);
            if let Some(name) = name.filter(|_| is_below && !excluded) {
                let home = read::home(files, dir);
                let project = Project { name: name.clone(), dir: dir.to_owned(), table, home, files: Vec::new() };
                revision.projects.insert(name, project);
            }
        }
        for path in files.keys() {
            let of = revision.projects.values_mut().filter(|it| path.starts_with(&format!("{}/", it.dir)));
            if let Some(deepest) = of.max_by_key(|it| it.dir.len()) {
                deepest.files.push(path.to_owned());
            }
        }
        revision
    }

    pub fn project_in(&self, dir: &str) -> Option<&Project> {
        self.projects.values().find(|it| it.dir == dir)
    }

    pub fn lock(&self, project: &Project) -> Lock {
        read::lock(self.files, &join(&project.home, "uv.lock"))
    }

    /// What is at a path; where that is a link, what is behind it as well.
    fn content(&self, path: &str, depth: usize) -> Vec<String> {
        let Some((mode, bytes)) = self.files.get(path) else { return Vec::new() };
        let text = String::from_utf8_lossy(bytes);
        let mut found = vec![format!("{path} {mode:?} {text}")];
        if *mode == Mode::Link && depth < 8 {
            for path in self.behind(path, &text) {
                found.extend(self.content(&path, depth + 1));
            }
        }
        found
    }

    fn behind(&self, link: &str, target: &str) -> Vec<String> {
        let Some(to) = resolve(parent(link), target) else { return Vec::new() };
        let below = format!("{to}/");
        self.files.keys().filter(|it| **it == to || it.starts_with(&below)).cloned().collect()
    }

    /// Everything a stage reads.
    pub fn list(&self, project: &Project, stage: &Stage) -> BTreeSet<String> {
        let mut lines = BTreeSet::new();
        self.read_by(project, stage, &mut lines);
        if project.is_image() && ["sbom", "vulnerabilities"].contains(&stage.name) {
            // What ships is the image: all that goes into it counts.
            self.read_by(project, stages::find("docker-build").expect("a stage"), &mut lines);
        }
        if stage.name != "docker-build" || project.is_image() {
            policy::waivers(&self.settings, project, stage, &mut lines);
        }
        lines
    }

    fn read_by(&self, project: &Project, stage: &Stage, lines: &mut BTreeSet<String>) {
        let reads = stage.reads;
        if stage.name == "docker-build" && !project.is_image() {
            return self.own(project, Own::Manifest, lines);
        }
        self.own(project, policy::own(self, stage, reads.own), lines);
        if reads.closure != Closure::Nothing {
            self.closure(project, reads.closure, lines);
            self.locked(project, reads.closure, lines);
            self.above(project, lines);
        }
        if reads.own >= Own::Tested || reads.closure == Closure::Dev {
            lines.extend(self.inputs(project));
        }
        let known = self.policy.borrow().get(stage.name).cloned();
        lines.extend(known.unwrap_or_else(|| {
            let lines = policy::lines(self, stage);
            self.policy.borrow_mut().insert(stage.name, lines.clone());
            lines
        }));
    }

    fn own(&self, project: &Project, own: Own, lines: &mut BTreeSet<String>) {
        for path in &project.files {
            let class = class(&project.dir, path);
            let is_python = [".py", ".pyi", ".ipynb"].iter().any(|it| path.ends_with(it));
            let is_read = match own {
                Own::Manifest => false,
                Own::Python => is_python || read::is_checked(path),
                Own::Production => is_python && !matches!(class, Class::Test | Class::Document),
                Own::Tested => class != Class::Document,
                Own::All => true,
            };
            if class == Class::Manifest || (is_read && class != Class::Lock) {
                lines.extend(self.content(path, 0).into_iter().map(|it| format!("own {it}")));
            }
        }
    }

    /// The files that a project names by hand.
    fn inputs(&self, project: &Project) -> Vec<String> {
        let mut found = Vec::new();
        for glob in read::strings(project.table_at(&["tool", "xtask", "inputs"])) {
            let Some(path) = resolve(&project.dir, glob.trim_end_matches("/**")) else { continue };
            let below = format!("{path}/");
            for file in self.files.keys() {
                if *file == path || (glob.ends_with("/**") && file.starts_with(&below)) {
                    found.extend(self.content(file, 0).into_iter().map(|it| format!("input {it}")));
                }
            }
        }
        found
    }

    /// The local dependencies as far as the stage looks at them.
    fn closure(&self, project: &Project, closure: Closure, lines: &mut BTreeSet<String>) {
        let with_code = matches!(closure, Closure::Runtime | Closure::Dev);
        let only_shipped = matches!(closure, Closure::Runtime | Closure::Shipped);
        for (dir, _) in self.reached(project).into_iter().filter(|(_, ships)| *ships || !only_shipped) {
            lines.insert(format!("needs {dir}"));
            // uv notes in a lock what the groups of its local packages ask for, whoever needs them.
            if let (Closure::Manifests, Lock::Read(_) | Lock::Garbage) = (closure, self.lock(project)) {
                let table = self.project_in(&dir).and_then(|it| it.table_at(&["dependency-groups"]));
                lines.insert(format!("groups of {dir} {}", table.map(Value::to_string).unwrap_or_default()));
            }
            let mut known = self.seen.borrow_mut();
            let seen = known.entry((dir.clone(), with_code)).or_insert_with(|| {
                self.project_in(&dir).map_or_else(|| self.foreign(&dir), |it| self.seen(it, with_code))
            });
            lines.extend(seen.iter().map(|it| format!("of {dir} {it}")));
        }
    }

    /// What those see of a project who need it; who sees its code sees all that the others do.
    fn seen(&self, project: &Project, with_code: bool) -> Vec<String> {
        let mut lines = vec![format!("manifest {}", read::short(&[read::shipped(&project.table)]))];
        if let Some(readme) = project.table_at(&["project", "readme"]).and_then(Value::as_str) {
            let is_there = project.files.contains(&join(&project.dir, readme));
            lines.push(format!("readme {is_there}"));
        }
        if with_code {
            let code = project.files.iter().filter(|it| class(&project.dir, it) == Class::Code);
            let code: Vec<String> = code.flat_map(|it| self.content(it, 0)).chain(self.inputs(project)).collect();
            lines.push(format!("code {}", read::short(&code)));
        }
        lines
    }

    /// Of a directory that is no project, everything counts.
    fn foreign(&self, dir: &str) -> Vec<String> {
        let below = format!("{dir}/");
        let files = self.files.keys().filter(|it| it.starts_with(&below));
        files.flat_map(|it| self.content(it, 0)).collect()
    }

    fn locked(&self, project: &Project, closure: Closure, lines: &mut BTreeSet<String>) {
        let scope = if matches!(closure, Closure::Runtime | Closure::Shipped) { Scope::Run } else { Scope::Groups };
        match self.lock(project) {
            Lock::Missing => drop(lines.insert("lock missing".to_owned())),
            Lock::Garbage => drop(lines.insert("lock unreadable".to_owned())),
            Lock::Read(table) => {
                let mut known = self.locked.borrow_mut();
                let whole = closure == Closure::Manifests;
                let key = (project.name.clone(), scope == Scope::Run, whole);
                let locked =
                    known.entry(key).or_insert_with(|| read::short(&read::locked(&table, &project.name, scope, whole)));
                lines.insert(format!("lock {locked}"));
            }
        }
    }

    /// What lies above a project and decides how its environment is made.
    fn above(&self, project: &Project, lines: &mut BTreeSet<String>) {
        for dir in std::iter::successors(Some(project.dir.as_str()), |it| (!it.is_empty()).then(|| parent(it))) {
            lines.extend(self.content(&join(dir, ".python-version"), 0));
        }
        // How uv works is said beside the lock, else by the nearest directory above that says anything.
        for dir in std::iter::successors(Some(project.home.as_str()), |it| (!it.is_empty()).then(|| parent(it))) {
            let file = self.content(&join(dir, "uv.toml"), 0);
            let manifest = read::table(self.files, &join(dir, "pyproject.toml")).unwrap_or_default();
            let says = read::at(&manifest, &["tool", "uv"]).is_some();
            let is_over = says || !file.is_empty();
            lines.extend(file);
            lines.extend(says.then(|| format!("uv of {dir} {}", read::uv(&manifest))));
            if is_over {
                break;
            }
        }
    }

    /// Is this path in somebody's list, or of a kind that is read in parts?
    fn knows(&self, path: &str) -> bool {
        let of_project = |it: &Project| {
            let homes = [&it.home, &it.dir];
            let read_in_parts =
                homes.iter().any(|dir| path == join(dir, "uv.lock") || path == join(dir, ".python-version"));
            let name = path.rsplit('/').next().unwrap_or_default();
            let is_above =
                parent(path).is_empty() || format!("{}/", it.home).starts_with(&format!("{}/", parent(path)));
            let read_in_parts = read_in_parts || (["pyproject.toml", "uv.toml"].contains(&name) && is_above);
            read_in_parts || it.files.iter().any(|it| it == path)
        };
        if policy::knows(path) || self.projects.values().any(of_project) {
            return true;
        }
        let read = self.read.get_or_init(|| {
            let stages = || STAGES.iter().filter(|it| !matches!(it.run, Run::Manual));
            let mut read = BTreeSet::new();
            for project in self.projects.values() {
                stages().for_each(|stage| read.extend(self.list(project, stage)));
                self.reached(project).keys().filter(|it| self.project_in(it).is_none()).for_each(|dir| {
                    read.extend(self.foreign(dir));
                });
            }
            read
        });
        let entry = format!("{path} ");
        read.iter().any(|it| it.contains(&entry))
    }
}

impl Project {
    fn is_image(&self) -> bool {
        self.table_at(&["tool", "xtask", "image"]).and_then(Value::as_bool) == Some(true)
    }

    fn table_at(&self, keys: &[&str]) -> Option<&Value> {
        read::at(&self.table, keys)
    }
}

fn class(dir: &str, path: &str) -> Class {
    let rest = &path[dir.len() + 1..];
    let first = rest.split('/').next().unwrap_or_default();
    let is_top = first == rest;
    let is_test_file = (rest.starts_with("test_") && rest.ends_with(".py")) || rest == "conftest.py";
    let is_document = ["README", "CHANGELOG", "LICENSE"].iter().any(|it| rest.starts_with(it));
    let is_settings = ["ruff.toml", ".coveragerc", "pytest.ini", "ty.toml", ".bandit"].contains(&rest);
    match first {
        "pyproject.toml" if is_top => Class::Manifest,
        "uv.lock" if is_top => Class::Lock,
        "tests" | "test" if !is_top => Class::Test,
        "docs" | "doc" if !is_top => Class::Document,
        _ if is_top && is_test_file => Class::Test,
        _ if is_top && is_document => Class::Document,
        _ if is_top && is_settings => Class::Settings,
        _ => Class::Code,
    }
}

/// Does a change lead from one revision to another over a path that is somebody's in between alone?
pub fn knows_what_is_unknown(base: &Revision, between: &Revision, head: &Revision) -> bool {
    let mut paths = differing(base, head);
    paths.any(|it| !base.knows(it) && !head.knows(it) && between.knows(it))
}

fn differing<'a>(base: &'a Revision, head: &'a Revision) -> impl Iterator<Item = &'a str> {
    let paths: BTreeSet<_> = base.files.keys().chain(head.files.keys()).collect();
    paths.into_iter().filter(|it| base.files.get(*it) != head.files.get(*it)).map(String::as_str)
}

/// What a change from one revision to another selects, and whether that is everything.
pub fn selected(base: &Revision, head: &Revision, no_input: impl Fn(&str) -> bool) -> (bool, Selected) {
    let stages: Vec<&Stage> = STAGES.iter().filter(|it| !matches!(it.run, Run::Manual)).collect();
    let unknown = |it: &str| !no_input(it) && !base.knows(it) && !head.knows(it);
    let everything = differing(base, head).any(unknown);
    let mut found = Selected::new();
    for (name, project) in &head.projects {
        for stage in &stages {
            let old = base.projects.get(name).map(|it| base.list(it, stage));
            if everything || old != Some(head.list(project, stage)) {
                found.insert((name.clone(), stage.name));
            }
        }
    }
    (everything, found)
}
