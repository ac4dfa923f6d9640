//! What a stage may read of a project: the readable list behind its fingerprint.
//!
//! Pure. Selection, explanation, cache and image tag rest on this one list: what is not in it changes no verdict. Two
//! revisions affect a stage differently exactly when their lists differ.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use hmac_sha256::Hash;
use serde::{Deserialize, Serialize};

use crate::facts::{Digest, Facts};
use crate::locked::Scope;
use crate::manifest;
use crate::place::{Named, Place};
use crate::side::{Project, Side};
use crate::sources::hex;
use crate::stages::{self, Closure, Own, Stage};
use crate::tree::{self, Entry, Mode};

mod focus;

use focus::of_lock;
pub use focus::{ALL, Focus, Lock};

/// One line of a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    pub part: Part,
    /// The project or directory that it is about; empty for the policy.
    pub of: String,
    /// What it is: a path, `package NAME`, `setting NAME`.
    pub key: String,
    /// Its content.
    pub value: String,
}

/// What a line is about, the nearest first: the order in which reasons are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The project's own files, and further files that it names.
    Own,
    /// A local package that it needs.
    Local,
    /// Its lock.
    Lock,
    /// What lies above it: the workspace's root, the Python version.
    Above,
    /// `ci/`.
    Policy,
}

/// The list of a stage of a project, sorted, no line twice.
pub fn list(side: &Side, project: &Project, stage: &Stage) -> Vec<Line> {
    let mut lines = own(side, project, stage, ALL);
    let sight = sight(side, project, stage);
    let seen = |scope: Scope| sight.scope.is_some_and(|it| scope <= it);
    for (dir, _) in side.closure(project).into_iter().filter(|(_, scope)| seen(*scope)) {
        lines.extend(of_local(side, &dir, sight.depth, ALL));
    }
    lines.sort();
    lines.dedup();
    lines
}

/// The part of the list that is not about local packages.
pub fn own(side: &Side, project: &Project, stage: &Stage, focus: Focus) -> Vec<Line> {
    if stage.name == "docker-build" && !project.facts.image {
        return of_files(side, project, Own::Manifest, focus);
    }
    let mut lines = without_waivers(side, project, stage, focus);
    if let Some(image) = image(project, stage) {
        lines.extend(without_waivers(side, project, image, focus));
    }
    if focus.policy {
        // An exception of one stage is none of another's, whatever both read.
        let waivers = side.policy.waivers(stage, &project.name).into_iter();
        lines.extend(waivers.map(|(key, value)| Line { part: Part::Policy, of: String::new(), key, value }));
    }
    lines.sort();
    lines.dedup();
    lines
}

fn without_waivers(side: &Side, project: &Project, stage: &Stage, focus: Focus) -> Vec<Line> {
    let mut lines = Vec::new();
    lines.extend(of_files(side, project, side.policy.own(stage), focus));
    if reads_inputs(stage) {
        let part = |(path, value)| Line { part: Part::Own, of: project.name.clone(), key: path, value };
        // A text that is kept above the project is a text like any other: it goes into the wheel and the pages.
        let all = side.policy.own(stage) == Own::All;
        let counts = |it: &&String| all || !project.facts.documents.contains(it);
        let outside = project.facts.outside.iter().filter(counts).flat_map(|it| outside(side, project, it));
        lines.extend(extra(side, project).into_iter().chain(outside).map(part));
    }
    if let Some(scope) = scope(stage.reads.closure) {
        if !matches!(focus.lock, Lock::Nothing) {
            lines.extend(of_lock(side, project, scope, stage.reads.closure == Closure::Manifests, focus.lock));
        }
        lines.extend(above(side, project));
    }
    if focus.policy {
        let policy = side.policy.lines(stage, &side.tree).into_iter();
        lines.extend(policy.map(|(key, value)| Line { part: Part::Policy, of: String::new(), key, value }));
    }
    lines
}

/// How much of local packages a stage of a project sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sight {
    /// For what the project must need them: `None` when the stage sees none.
    pub scope: Option<Scope>,
    pub depth: Depth,
}

/// How much of a local package is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Depth {
    /// What its manifest says to those who install it.
    Manifest,
    /// The same and its groups, which uv notes in every lock that has the package.
    Locked,
    /// Its manifest without the groups, and its code.
    Code,
}

/// What a stage of a project sees of local packages.
pub fn sight(side: &Side, project: &Project, stage: &Stage) -> Sight {
    if stage.name == "docker-build" && !project.facts.image {
        return Sight { scope: None, depth: Depth::Manifest };
    }
    let closure = image(project, stage).map_or(stage.reads.closure, |it| it.reads.closure);
    let depth = match closure {
        Closure::Runtime | Closure::Dev => Depth::Code,
        // Where there is no lock, none can be stale.
        Closure::Manifests if side.lock(project).is_some() => Depth::Locked,
        Closure::Manifests | Closure::Shipped | Closure::Nothing => Depth::Manifest,
    };
    Sight { scope: scope(closure), depth }
}

/// docker-build, where its image is what the stage looks at.
pub fn image(project: &Project, stage: &Stage) -> Option<&'static Stage> {
    let is_subject = project.facts.image && matches!(stage.name, "sbom" | "vulnerabilities");
    is_subject.then(|| &stages::STAGES[stages::position("docker-build")])
}

/// What those who need a local package see of it.
pub fn of_local(side: &Side, dir: &Utf8Path, depth: Depth, focus: Focus) -> Vec<Line> {
    let other = side.project_in(dir);
    let of = other.map_or_else(|| dir.to_string(), |it| it.name.clone());
    let found = match other {
        Some(other) => shipped(side, other, depth, focus),
        None => foreign(side, dir),
    };
    let mut lines: Vec<Line> =
        found.into_iter().map(|(key, value)| Line { part: Part::Local, of: of.clone(), key, value }).collect();
    lines.sort();
    lines.dedup();
    lines
}

/// The hash of a list: equal lists, equal verdicts.
pub fn fingerprint(stage: &Stage, lines: &[Line]) -> Digest {
    let mut hash = Hash::new();
    for line in lines {
        for text in [&line.of, &line.key, &line.value] {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
    }
    hash.update(stage.name);
    hash.update(env!("CARGO_PKG_VERSION"));
    hash.finalize()
}

/// Do the files that a project names by hand count for this stage?
fn reads_inputs(stage: &Stage) -> bool {
    matches!(stage.reads.own, Own::Tested | Own::All) || stage.reads.closure == Closure::Dev
}

fn scope(closure: Closure) -> Option<Scope> {
    match closure {
        Closure::Nothing => None,
        Closure::Manifests | Closure::Dev => Some(Scope::Dev),
        Closure::Shipped | Closure::Runtime => Some(Scope::Runtime),
    }
}

fn value(entry: Entry) -> String {
    let mode = match entry.mode {
        Mode::File => "file",
        Mode::Executable => "executable",
        Mode::Link => "link",
        Mode::Submodule => "submodule",
    };
    format!("{mode} {}", entry.id.to_hex())
}

/// The files of a project that a stage reads, links followed.
fn of_files(side: &Side, project: &Project, own: Own, focus: Focus) -> Vec<Line> {
    let owner = project.owner();
    let found = chosen(side, project, focus, &|path| owner.is_read(path, own)).into_iter();
    found.map(|(key, value)| Line { part: Part::Own, of: project.name.clone(), key, value }).collect()
}

/// Those files of a project that are asked for and in focus, links followed.
fn chosen(side: &Side, project: &Project, focus: Focus, wanted: &dyn Fn(&Utf8Path) -> bool) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let Some(changes) = focus.files else {
        for (path, entry) in side.files(project).filter(|(path, _)| wanted(path)) {
            found.push((path.to_string(), value(entry)));
            follow(side, path, &mut found);
        }
        return found;
    };
    let is_ours = |path: &Utf8Path| side.owner(path).is_some_and(|it| it.dir == project.dir) && wanted(path);
    for change in tree::below(changes, &project.dir) {
        if let Some(entry) = side.tree.get(&change.path).filter(|_| is_ours(&change.path)) {
            found.push((change.path.to_string(), value(entry)));
        }
    }
    for link in side.links_below(&project.dir).filter(|it| focus.links && is_ours(it)) {
        follow(side, link, &mut found);
    }
    found
}

/// What a link leads to, as far as that is in the repository, and what the links lead to that are found there.
fn follow(side: &Side, path: &Utf8Path, found: &mut Vec<(String, String)>) {
    if !side.links.contains_key(path.as_str()) {
        return;
    }
    let (mut queue, mut seen) = (vec![path.to_owned()], BTreeSet::new());
    while let Some(link) = queue.pop() {
        let mut links = Vec::new();
        let target = side.real(&link, &mut links);
        found.extend(links.iter().filter_map(|it| Some((it.to_string(), value(side.tree.get(it)?)))));
        let Some(target) = target.filter(|it| seen.insert(it.clone())) else { continue };
        if let Some(entry) = side.tree.get(&target) {
            found.push((target.to_string(), value(entry)));
            continue;
        }
        for (path, entry) in side.tree.under(&target) {
            found.push((path.to_string(), value(entry)));
            if entry.mode == Mode::Link {
                queue.push(path.to_owned());
            }
        }
    }
}

/// What a link leads to: paths and contents.
pub fn followed(side: &Side, path: &Utf8Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    follow(side, path, &mut found);
    found
}

/// Files that a project names by hand, and archives that its sources name.
pub fn extra(side: &Side, project: &Project) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for text in &project.facts.inputs {
        for path in matching(side, &project.dir, text) {
            found.extend(side.tree.get(&path).map(|entry| (path.to_string(), value(entry))));
            follow(side, &path, &mut found);
        }
    }
    for path in project.facts.archives.iter().filter_map(|it| manifest::resolve(&project.dir, it)) {
        let entry = side.tree.get(&path).map_or_else(|| "missing".to_owned(), value);
        found.push((path.into_string(), entry));
    }
    found
}

/// The files that a text of the manifest stands for that leads out of the project's directory. A directory that the
/// project itself is in is only where something begins, such as the root of the repository.
pub fn outside(side: &Side, project: &Project, text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for path in Named::above(&project.dir, text).map_or_else(Vec::new, |it| meant(side, &it)) {
        found.extend(side.tree.get(&path).map(|entry| (path.to_string(), value(entry))));
        follow(side, &path, &mut found);
    }
    found
}

/// The files that a glob relative to a directory stands for.
pub fn matching(side: &Side, dir: &Utf8Path, text: &str) -> Vec<Utf8PathBuf> {
    Named::new(dir, text).map_or_else(Vec::new, |it| meant(side, &it))
}

fn meant(side: &Side, named: &Named) -> Vec<Utf8PathBuf> {
    if side.tree.get(&named.fixed).is_some() {
        return if named.matches(&named.fixed) { vec![named.fixed.clone()] } else { Vec::new() };
    }
    let below = side.tree.under(&named.fixed).map(|it| it.0);
    below.filter(|path| named.matches(path)).map(Utf8Path::to_owned).collect()
}

/// What those who install a project see of it.
fn shipped(side: &Side, project: &Project, depth: Depth, focus: Focus) -> Vec<(String, String)> {
    let manifest = project.dir.join("pyproject.toml");
    let groups = project.facts.groups.filter(|_| depth == Depth::Locked);
    let groups = groups.map(|it| (format!("{manifest} [dependency-groups]"), hex(&it)));
    let mut found = vec![(manifest.into_string(), hex(&project.facts.ship))];
    found.extend(groups);
    // Whether a readme is there decides whether the package builds; what it says does not.
    for text in &project.facts.documents {
        let paths = matching(side, &project.dir, text);
        let is_there = if paths.is_empty() { "missing" } else { "there" };
        found.push((format!("document {}", project.dir.join(text)), is_there.to_owned()));
    }
    found.extend(ignored(side, project));
    if depth == Depth::Code {
        let owner = project.owner();
        found.extend(chosen(side, project, focus, &|path| owner.place(path) == Place::Code));
        found.extend(extra(side, project));
        let data = project.facts.outside.iter().filter(|it| !project.facts.documents.contains(it));
        found.extend(data.flat_map(|it| outside(side, project, it)));
    }
    found
}

/// A local package that is no project of the repository: nothing is known of its files, so all of them count.
pub fn foreign(side: &Side, dir: &Utf8Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (path, entry) in side.tree.under(dir) {
        found.push((path.to_string(), value(entry)));
        follow(side, path, &mut found);
    }
    if found.is_empty() { vec![(dir.to_string(), "missing".to_owned())] } else { found }
}

/// The `.gitignore` file that a build backend obeys: the nearest.
fn ignored(side: &Side, project: &Project) -> Vec<(String, String)> {
    if !project.facts.ignores {
        return Vec::new();
    }
    let files = project.dir.ancestors().map(|it| it.join(".gitignore"));
    let found = files.filter_map(|it| Some((it.to_string(), value(side.tree.get(&it)?))));
    found.take(1).collect()
}

/// What lies above the project and decides how its environment is made.
fn above(side: &Side, project: &Project) -> Vec<Line> {
    let mut found = ignored(side, project);
    let versions = project.dir.ancestors().map(|it| it.join(".python-version"));
    found.extend(versions.filter_map(|it| Some((it.to_string(), value(side.tree.get(&it)?)))));
    for dir in project.lock_dir.ancestors() {
        let path = dir.join("uv.toml");
        let file = side.tree.get(&path);
        found.extend(file.map(|it| (path.to_string(), value(it))));
        let table = side.facts_in(dir).filter(|it| it.uv.is_some() || dir == project.lock_dir);
        let digest = |it: &Facts| it.uv.map_or_else(String::new, |it| hex(&it));
        found.extend(table.map(|it| (format!("{} [tool.uv]", dir.join("pyproject.toml")), digest(it))));
        // uv takes the settings that it finds first.
        if file.is_some() || table.is_some_and(|it| it.uv.is_some()) {
            break;
        }
    }
    found.into_iter().map(|(key, value)| Line { part: Part::Above, of: project.name.clone(), key, value }).collect()
}

/// The files that some stage of a project reads in a directory and in all above it: the directory, and the file's name.
pub fn upward(project: &Project) -> impl Iterator<Item = (&Utf8Path, &'static str)> {
    let (dir, lock_dir) = (&*project.dir, &*project.lock_dir);
    let ignores = project.facts.ignores.then_some((dir, ".gitignore"));
    [(dir, ".python-version"), (lock_dir, "pyproject.toml"), (lock_dir, "uv.toml")].into_iter().chain(ignores)
}
