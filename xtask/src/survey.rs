//! Reads a revision as the plan needs it: from a tree and something that gives the content of its files.
//!
//! Nothing is read twice: what two revisions share is parsed once. Does no input or output itself; the reader does.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use toml::{Table, Value};

use crate::config::Config;
use crate::facts::Facts;
use crate::locked::{Locked, Lockfile, Packages, Users};
use crate::policy::{IN_PARTS, Policy};
use crate::side::{self, Contents, Globs, Side};
use crate::tree::{Change, Entry, Id, Mode, Tree, is_changed};

pub mod followed;
pub mod known;

use known::Known;

/// Gives the content of a file of the revision.
pub type Reader<'a> = dyn FnMut(&Utf8Path, Entry) -> Result<Vec<u8>> + 'a;

/// The settings that a revision is read with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The text of `ci/xtask.toml`.
    pub text: String,
    /// Where it is, for messages.
    pub file: Utf8PathBuf,
    /// Repo-relative directory of the policy files; `None` when they are outside the repository.
    pub dir: Option<Utf8PathBuf>,
    /// The policy files outside the repository, with their contents.
    pub outside: BTreeMap<Utf8PathBuf, Vec<u8>>,
}

/// What has been parsed so far, by content.
#[derive(Debug, Default)]
pub struct Memo {
    manifests: HashMap<Id, Arc<Facts>>,
    locks: HashMap<Id, Arc<Lockfile>>,
    /// By the lock's content and whether it is for one project alone: the local packages of those who use it.
    dirs: HashMap<(Id, bool), Arc<Lockfile>>,
    policies: HashMap<String, Arc<Policy>>,
    packages: Packages,
    /// What an earlier process has parsed; what is asked for goes from there into the fields above.
    earlier: Known,
    /// Was anything parsed that no earlier process has parsed?
    is_new: bool,
}

/// Reads a revision. `other` is the one that it is compared with, if that was read before; `changes` is all that differs
/// between the two, sorted by path: only a lock of these is read as a whole. Without changes, every lock is.
///
/// # Errors
/// On bad input, naming the file, and when the reader fails.
pub fn side(
    tree: Tree,
    settings: &Settings,
    memo: &mut Memo,
    other: Option<&Side>,
    changes: Option<&[Change]>,
    read: &mut Reader,
) -> Result<Side> {
    let config = Config::parse(&settings.file, &settings.text)?;
    let globs = Globs::new(&config.projects, &config.exclude)?;
    let scene = |it: &&Side| it.globs == globs && !changes.is_none_or(|it| it.iter().any(side::is_scenery));
    if let Some(other) = other.filter(scene) {
        let policy = memo.policy(&tree, settings, &config, read)?;
        return other.with(tree, policy);
    }
    let mut contents = Contents { globs, ..Contents::default() };
    let (manifests, locks) = side::manifests(&tree, &contents.globs);
    for (path, entry) in manifests {
        let facts = memo.manifest(Utf8Path::new(&path), entry, read)?;
        contents.manifests.insert(path, facts);
    }
    contents.dirs = side::lock_dirs(&contents.globs, &contents.manifests);
    let mut users: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (dir, lock_dir) in &contents.dirs {
        let facts = &contents.manifests[&side::beside(dir.as_str(), "pyproject.toml")];
        users.entry(lock_dir.as_str()).or_default().extend(facts.name.as_deref());
    }
    for (dir, names) in users {
        let path = Utf8PathBuf::from(side::beside(dir, "uv.lock"));
        let Some(entry) = locks.get(dir).copied() else { continue };
        let lock = if changes.is_none_or(|it| is_changed(it, &path)) {
            memo.lock(&path, entry, read)?
        } else {
            let manifest = contents.manifests.get(&side::beside(dir, "pyproject.toml"));
            memo.locals(&path, entry, &names, manifest.is_none_or(|it| it.workspace.is_none()), read)?
        };
        contents.locks.insert(path.into_string(), lock);
    }
    for (path, entry) in tree.iter().filter(|(_, entry)| entry.mode == Mode::Link) {
        // A target that is no text leads nowhere that could be followed.
        if let Ok(target) = String::from_utf8(read(path, entry)?) {
            contents.links.insert(path.to_string(), target);
        }
    }
    let policy = memo.policy(&tree, settings, &config, read)?;
    Side::new(tree, contents, policy, other)
}

impl Memo {
    /// Forgets what is of no use to those who go on from this revision: what neither has changed nor is in it.
    pub fn leave(&mut self, tree: &Tree) {
        let is_read = |path: &Utf8Path| matches!(path.file_name(), Some("uv.lock" | "pyproject.toml"));
        let ids: HashSet<Id> = tree.iter().filter(|(path, _)| is_read(path)).map(|(_, entry)| entry.id).collect();
        let count = self.locks.len();
        self.manifests.retain(|id, _| ids.contains(id));
        self.locks.retain(|id, _| ids.contains(id));
        self.dirs.retain(|user, _| ids.contains(&user.0));
        if self.locks.len() < count {
            self.packages.sweep();
        }
    }

    fn manifest(&mut self, path: &Utf8Path, entry: Entry, read: &mut Reader) -> Result<Arc<Facts>> {
        if let Some(known) = self.manifests.get(&entry.id) {
            return Ok(known.clone());
        }
        let facts = match self.earlier.manifests.remove(&entry.id) {
            Some(facts) => facts,
            None => {
                let bytes = read(path, entry)?;
                let text = std::str::from_utf8(&bytes).with_context(|| format!("{path} is no UTF-8"))?;
                if entry.mode == Mode::Link {
                    bail!(
                        "{path} is a link to {}, which is no file of this repository; put a file there",
                        text.escape_debug()
                    );
                }
                self.is_new = true;
                Arc::new(Facts::parse(path, text)?)
            }
        };
        self.manifests.insert(entry.id, facts.clone());
        Ok(facts)
    }

    fn policy(&mut self, tree: &Tree, settings: &Settings, config: &Config, read: &mut Reader) -> Result<Arc<Policy>> {
        let key = identity(tree, settings, config);
        if let Some(known) = self.policies.get(&key) {
            return Ok(known.clone());
        }
        let policy = Arc::new(policy(tree, settings, config, read)?);
        self.policies.insert(key, policy.clone());
        Ok(policy)
    }

    /// A lock as a whole.
    fn lock(&mut self, path: &Utf8Path, entry: Entry, read: &mut Reader) -> Result<Arc<Lockfile>> {
        if let Some(known) = self.locks.get(&entry.id) {
            return Ok(known.clone());
        }
        let bytes = read(path, entry)?;
        let text = std::str::from_utf8(&bytes).with_context(|| format!("{path} is no UTF-8"));
        let parsed = text.and_then(|text| Locked::parse_with(path, text, &mut self.packages));
        let parsed = Arc::new(parsed.map_or_else(broken, Lockfile::Whole));
        self.locks.insert(entry.id, parsed.clone());
        Ok(parsed)
    }

    /// Just the local packages that each of the lock's projects reaches: those with these names, and it may be others.
    fn locals(
        &mut self,
        path: &Utf8Path,
        entry: Entry,
        names: &[&str],
        alone: bool,
        read: &mut Reader,
    ) -> Result<Arc<Lockfile>> {
        let key = (entry.id, alone);
        if let Some(users) = self.earlier.dirs.remove(&key) {
            self.dirs.insert(key, Arc::new(Lockfile::Locals(users)));
        }
        let mut users = Users::default();
        if let Some(lock) = self.dirs.get(&key)
            && let Lockfile::Locals(known) = &**lock
        {
            if names.iter().all(|it| known.get(it).is_some()) {
                return Ok(lock.clone());
            }
            users = known.clone();
        }
        let lock = match self.locks.get(&entry.id).and_then(|it| it.scanned()).filter(|_| alone) {
            Some(lock) => Arc::new(Lockfile::Whole(lock)),
            None if alone => scan(path, &read(path, entry)?),
            None => self.lock(path, entry, read)?,
        };
        let Lockfile::Whole(lock) = &*lock else { return Ok(lock) };
        self.is_new = true;
        for name in names {
            users.add(name, || Arc::new(lock.local_dirs(name, alone).into_iter().collect()));
        }
        let found = Arc::new(Lockfile::Locals(users));
        self.dirs.insert(key, found.clone());
        Ok(found)
    }
}

/// The part of a lock that is about local packages.
fn scan(path: &Utf8Path, bytes: &[u8]) -> Arc<Lockfile> {
    let text = std::str::from_utf8(bytes).with_context(|| format!("{path} is no UTF-8"));
    Arc::new(text.and_then(|text| Locked::scan(path, text)).map_or_else(broken, Lockfile::Whole))
}

fn broken(error: anyhow::Error) -> Lockfile {
    Lockfile::Broken(format!("{error:#}"))
}

/// What a policy is made from: equal texts, equal policies.
fn identity(tree: &Tree, settings: &Settings, config: &Config) -> String {
    let mut text = settings.text.clone();
    for (path, bytes) in &settings.outside {
        text += &format!("\n{path} {}", crate::sources::sha256(bytes));
    }
    let further = config.semgrep.extra_rules.iter().map(|it| Utf8PathBuf::from(it.trim_start_matches("./")));
    for dir in settings.dir.clone().into_iter().chain(further) {
        for (path, entry) in tree.under(&dir).chain(tree.get(&dir).map(|entry| (dir.as_path(), entry))) {
            text += &format!("\n{path} {:?} {}", entry.mode, entry.id.to_hex());
        }
    }
    text
}

fn policy(tree: &Tree, settings: &Settings, config: &Config, read: &mut Reader) -> Result<Policy> {
    let table: Table = toml::from_str(&settings.text).with_context(|| format!("{} is not valid", settings.file))?;
    let mut policy = Policy { dir: settings.dir.clone(), settings: table, ..Policy::default() };
    let mut get = |name: &str| -> Result<Option<String>> {
        let bytes = match &settings.dir {
            None => settings.outside.get(Utf8Path::new(name)).cloned(),
            Some(dir) => {
                let path = dir.join(name);
                tree.get(&path).map(|entry| read(&path, entry)).transpose()?
            }
        };
        Ok(bytes.map(|it| String::from_utf8_lossy(&it).into_owned()))
    };
    if let Some(text) = get(IN_PARTS[1])? {
        policy.tools = Some(Locked::parse(Utf8Path::new("ci/tools/uv.lock"), &text).map_err(|it| format!("{it:#}")));
    }
    if let Some(text) = get(IN_PARTS[2])? {
        let table: Table = toml::from_str(&text).unwrap_or_default();
        policy.groups = table.get("dependency-groups").and_then(Value::as_table).cloned().unwrap_or_default();
    }
    let names: BTreeSet<Utf8PathBuf> = match &settings.dir {
        None => settings.outside.keys().filter(|it| it.starts_with("semgrep")).cloned().collect(),
        Some(dir) => {
            let rules = dir.join("semgrep");
            let below = tree.under(&rules).map(|(path, _)| path);
            below.filter_map(|it| it.strip_prefix(dir).ok().map(Utf8Path::to_owned)).collect()
        }
    };
    for name in names.iter().filter(|it| matches!(it.extension(), Some("yaml" | "yml" | "json"))) {
        if let Some(text) = get(name.as_str())? {
            policy.add_rules(&text);
        }
    }
    for extra in &config.semgrep.extra_rules {
        let path = Utf8PathBuf::from(extra.trim_start_matches("./").trim_end_matches('/'));
        if tree.get(&path).is_some() || tree.is_dir(&path) {
            policy.further.push(path);
        }
        // What further rules look at is not read here.
        policy.beyond_python = true;
    }
    policy.outside =
        settings.outside.iter().map(|(path, bytes)| (path.clone(), crate::sources::sha256(bytes))).collect();
    Ok(policy)
}
