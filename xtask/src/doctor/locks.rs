//! Is each lock there, in git, readable, and of today's manifests?
//!
//! Pure. Names are compared here, for every lock; versions and markers are uv's business, which was asked as far as it
//! can tell without a network.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::needs::{self, depends, is_dynamic, required};
use super::{Check, Finding, Fresh, Seen, some};
use crate::discover::Project;
use crate::lock::Lock;
use crate::manifest::{self, Manifest};
use crate::proc::quote;
use crate::proc::quote_dir;
use crate::tree::spelled;

/// Every lock of the repository.
pub fn check(seen: &Seen) -> Check {
    let mut users: BTreeMap<&Utf8PathBuf, Vec<&Project>> = BTreeMap::new();
    for project in &seen.repo.projects {
        users.entry(&project.lock_dir).or_default().push(project);
    }
    let mut findings = Vec::new();
    let mut good = 0;
    let mut not_asked = 0;
    let mut unknown: BTreeMap<&str, Vec<(&Utf8PathBuf, &Project)>> = BTreeMap::new();
    for (dir, projects) in &users {
        let found = one(seen, dir, projects);
        if let (None, Some(Fresh::Unknown(why))) = (&found, seen.fresh.get(*dir)) {
            unknown.entry(why).or_default().push((*dir, projects[0]));
            continue;
        }
        good += usize::from(found.is_none());
        not_asked += usize::from(found.is_none() && seen.fresh.get(*dir).is_none_or(|it| *it == Fresh::NotAsked));
        findings.extend(found);
    }
    if not_asked > 0 {
        let what = format!("uv was not asked about {not_asked} locks: it is not fetched yet, or they are too many");
        findings.push(Finding::note(what, "cargo xtask stage lock --all"));
    }
    findings.extend(unknown.into_iter().map(|(why, locks)| untold(why, &locks)));
    findings.extend(unused(seen, &users));
    Check::new("locks", format!("{good} of {} are as they should be", users.len()), findings)
}

/// What is wrong with a lock, the gravest alone.
fn one(seen: &Seen, dir: &Utf8Path, projects: &[&Project]) -> Option<Finding> {
    let file = dir.join("uv.lock");
    let fix = format!("uv lock --project {}", quote_dir(dir));
    let at = |it: Finding| Some(it.at(&file, None));
    if !seen.there.contains(&file) {
        return at(Finding::serious("the lock is missing", fix));
    }
    if !seen.repo.has(&file) {
        let how = format!("`git check-ignore -v {}` names the line to take out; then git add it", quote(file.as_str()));
        return at(Finding::serious("git ignores this lock, so nobody else gets it", how));
    }
    let lock = match &projects[0].lock {
        Ok(lock) => lock,
        Err(why) => {
            // uv does not write over what it cannot read.
            let fix = format!("rm {} && {fix}", quote(file.as_str()));
            let why = why.replace("; `uv lock` writes a new one", "").replace('\n', " ");
            return at(Finding::serious(format!("the lock cannot be read: {why}"), fix));
        }
    };
    let differing = differing(seen, lock, dir, projects);
    if !differing.is_empty() {
        let what = format!("the lock is stale: {}", some(&differing));
        return at(Finding::serious(what, fix));
    }
    match seen.fresh.get(dir) {
        Some(Fresh::Stale(why)) => at(Finding::serious(format!("the lock is stale: {why}"), fix)),
        _ => None,
    }
}

/// Locks of which uv cannot tell, all for one reason.
fn untold(why: &str, locks: &[(&Utf8PathBuf, &Project)]) -> Finding {
    let more = if locks.len() == 1 { String::new() } else { format!(" (this one and {} more)", locks.len() - 1) };
    let what = format!("uv cannot tell without a network whether the lock is stale{more}: {why}");
    let names: Vec<&str> = locks.iter().map(|it| it.1.name.as_str()).collect();
    let fix = if names.len() > 5 { "--all".to_owned() } else { format!("--project {}", names.join(" ")) };
    Finding::warning(what, format!("cargo xtask stage lock {fix}")).at(locks[0].0.join("uv.lock"), None)
}

/// Names that manifests ask for and the lock does not know of, or the other way round.
fn differing(seen: &Seen, lock: &Lock, dir: &Utf8Path, projects: &[&Project]) -> Vec<String> {
    let mut found = Vec::new();
    for package in &lock.packages {
        let Some(local) = package.local() else { continue };
        let Some(at) = manifest::resolve(dir, &local.path) else { continue };
        let path = at.join("pyproject.toml");
        let user = projects.iter().find(|it| it.dir == at);
        let parsed = user.is_none().then(|| Manifest::parse(&path, seen.text(&path)).ok()).flatten();
        let Some(manifest) = user.map(|it| &it.manifest).or(parsed.as_ref()) else { continue };
        if is_dynamic(manifest) || manifest.typed.project.is_none() {
            continue;
        }
        // The groups of others are none of this lock's business.
        let (wanted, known) = match user {
            Some(_) => (required(manifest), needs::names(package.metadata.all())),
            None => (depends(manifest), needs::names(&package.metadata.requires_dist)),
        };
        let mut say = |names: BTreeSet<&String>, verb: &str| {
            found.extend(names.into_iter().map(|name| format!("{path} {verb} `{name}`")));
        };
        say(wanted.difference(&known).collect(), "asks for");
        say(known.difference(&wanted).collect(), "no longer asks for");
    }
    found
}

/// Locks that nobody uses: of members of a workspace, and of projects that are none any more.
fn unused(seen: &Seen, users: &BTreeMap<&Utf8PathBuf, Vec<&Project>>) -> Vec<Finding> {
    let is_lock = |it: &&Utf8PathBuf| it.file_name() == Some("uv.lock");
    let of = |file: &Utf8PathBuf| {
        let dir = file.parent().unwrap_or(Utf8Path::new("")).to_owned();
        let member = seen.repo.project_in(&dir)?;
        let what = format!("nobody uses this lock: `{}` has that of {}", member.name, spelled(&member.lock_dir));
        let fix = format!("git rm {}", quote(file.as_str()));
        (!users.contains_key(&dir)).then(|| Finding::warning(what, fix).at(file, None))
    };
    seen.repo.files.iter().filter(is_lock).filter_map(of).collect()
}
