//! How much of a list is written down, where two are compared: what is the same in both may be left out.
//!
//! Pure. Must not leave out what may differ.

use super::{Line, Part, value};
use crate::locked::{Lines, Lockfile, Scope};
use crate::side::{Project, Side};
use crate::tree::Change;

/// How much of a list is written down.
#[derive(Debug, Clone, Copy)]
pub struct Focus<'a> {
    /// Just these files, and what links lead to; without it, all.
    pub files: Option<&'a [Change]>,
    /// What links lead to.
    pub links: bool,
    /// What the lock means.
    pub lock: Lock<'a>,
    /// What the stage reads of the policy, waivers included.
    pub policy: bool,
}

/// How much of what the lock means to a project.
#[derive(Debug, Clone, Copy)]
pub enum Lock<'a> {
    All,
    Nothing,
    /// What it does not mean to this project of another revision.
    Unlike(&'a Side, &'a Project),
}

/// All of a list.
pub const ALL: Focus = Focus { files: None, links: true, lock: Lock::All, policy: true };

/// What the lock means to the project; `whole` with what it believes of the groups of local packages.
pub fn of_lock(side: &Side, project: &Project, scope: Scope, whole: bool, focus: Lock) -> Vec<Line> {
    let path = project.lock_dir.join("uv.lock");
    let id = side.tree.get(&path).map_or_else(|| "missing".to_owned(), value);
    let all = |lines: &[(_, _)]| lines.iter().map(text).collect();
    let found = match side.lock(project) {
        None => vec![(path.to_string(), "missing".to_owned())],
        Some(Lockfile::Broken(_)) => vec![(path.to_string(), format!("unreadable {id}"))],
        // Read in part only where it is the same at both revisions.
        Some(Lockfile::Locals(_)) => vec![(path.to_string(), format!("unchanged {id}"))],
        Some(Lockfile::Whole(lock)) => match (lock.lines(&project.name, scope, whole), focus) {
            // A lock that does not know its project says nothing about it, so all of it counts.
            (None, _) => vec![(path.to_string(), format!("without {} {id}", project.name))],
            (Some(lines), Lock::Unlike(other, its)) => match theirs(other, its, project, scope, whole) {
                Some(theirs) => unlike(&lines, &theirs),
                None => all(&lines),
            },
            (Some(lines), _) => all(&lines),
        },
    };
    let of = path.into_string();
    found.into_iter().map(|(key, value)| Line { part: Part::Lock, of: of.clone(), key, value }).collect()
}

type Shared = (std::sync::Arc<str>, std::sync::Arc<str>);

fn text(line: &Shared) -> (String, String) {
    (line.0.to_string(), line.1.to_string())
}

/// What the same lock means to the project of another revision.
fn theirs(other: &Side, its: &Project, project: &Project, scope: Scope, whole: bool) -> Lines {
    match other.lock(its).filter(|_| its.lock_dir == project.lock_dir)? {
        Lockfile::Whole(lock) => lock.lines(&its.name, scope, whole),
        _ => None,
    }
}

/// The lines of one sorted list that are not in another.
fn unlike(lines: &[Shared], others: &[Shared]) -> Vec<(String, String)> {
    let (mut found, mut rest) = (Vec::new(), others);
    for line in lines {
        while rest.first().is_some_and(|it| it != line && it < line) {
            rest = &rest[1..];
        }
        if rest.first() != Some(line) {
            found.push(text(line));
        }
    }
    found
}
