//! What jobs keep for later pipelines: uv's downloads, by machine and by what the locks say.
//!
//! Pure. A job with one lock has that lock's cache; those with several share one, of all the locks of the repository, whose
//! name does not depend on which projects a change happens to bring together. After a change of a lock the cache of the base
//! is taken. Verdicts are not kept: nothing reuses them yet.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;

use super::names;
use super::units::{Known, Unit};
use super::yaml::Cache;
use crate::plan::Plan;
use crate::sources;

/// Where uv keeps what it has fetched, relative to the root: GitLab caches nothing outside of the project's directory.
pub const UV_CACHE: &str = "target/uv-cache";

/// What names caches.
pub struct Keys<'a> {
    plan: &'a Plan,
    known: &'a BTreeMap<String, Known>,
    /// Of all locks, now and at the base.
    all: [String; 2],
}

type Locks<'a> = BTreeSet<(&'a Utf8Path, &'a str)>;

impl<'a> Keys<'a> {
    pub fn of(plan: &'a Plan, known: &'a BTreeMap<String, Known>) -> Keys<'a> {
        let [now, before] = locks(known.values());
        Keys { plan, known, all: [hash(&now), hash(&before)] }
    }

    /// The cache of a job, which reads it; `None` where uv has nothing to fetch.
    pub fn cache(&self, unit: &Unit) -> Option<Cache> {
        let fetches = |it: &&usize| {
            let stage = self.plan.jobs[**it].stage;
            !stage.environments.is_empty() || matches!(stage.name, "lock" | "build")
        };
        let projects = unit.jobs.iter().filter(fetches).map(|it| self.plan.jobs[*it].project.as_str());
        let projects: BTreeSet<&str> = projects.collect();
        if projects.is_empty() {
            return None;
        }
        let [now, before] = locks(projects.iter().filter_map(|it| self.known.get(*it)));
        let (word, [now, before]) = match now.first() {
            Some((dir, _)) if now.len() == 1 => (slug_of(dir), [hash(&now), hash(&before)]),
            _ => ("all".to_owned(), self.all.clone()),
        };
        let key = |hash: &str| format!("uv-{}-{word}-{hash}", unit.platform.arch());
        let fallback_keys = (before != now).then(|| key(&before)).into_iter().collect();
        Some(Cache { key: key(&now), fallback_keys, paths: vec![format!("{UV_CACHE}/")], policy: "pull" })
    }
}

/// Locks with what names their content, now and at the base; where that is not known, it is as now.
fn locks<'a>(known: impl Iterator<Item = &'a Known>) -> [Locks<'a>; 2] {
    let mut found = [Locks::new(), Locks::new()];
    for it in known {
        let Some((dir, id)) = &it.lock else { continue };
        found[0].insert((dir, id));
        found[1].insert((dir, it.lock_before.as_ref().unwrap_or(id)));
    }
    found
}

fn hash(locks: &Locks) -> String {
    let text: String = locks.iter().map(|(dir, id)| format!("{dir} {id}\n")).collect();
    sources::sha256(text.as_bytes())[..12].to_owned()
}

/// A directory as a word in a key.
fn slug_of(dir: &Utf8Path) -> String {
    match dir.file_name() {
        None => "root".to_owned(),
        Some(name) => names::slug(name),
    }
}
