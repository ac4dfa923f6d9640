//! What was parsed of manifests and locks, as text that outlives the process: the next plan reads only what has changed.
//!
//! Pure. Everything is found by its content, and the text is of use only to the code that wrote it: the slightest doubt
//! and it counts for nothing. Must not decide where it is kept.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use super::Memo;
use crate::facts::Facts;
use crate::locked::{Dirs, Lockfile, Users};
use crate::sources;
use crate::tree::Id;

/// What an earlier process has parsed.
#[derive(Debug, Default)]
pub struct Known {
    pub(super) manifests: HashMap<Id, Arc<Facts>>,
    pub(super) dirs: HashMap<(Id, bool), Users>,
}

/// The text below the first line.
#[derive(Serialize, Deserialize)]
struct Written<I, F, D> {
    manifests: Vec<(I, F)>,
    /// Content of the lock, whether it is for one project alone, and by name the local packages of those who use it.
    locks: Vec<(I, bool, By<D>)>,
}

type By<D> = Vec<(String, D)>;

/// How many manifests and locks are worth writing down: fewer are read faster than the text about them is checked.
const MANY: usize = 50;

impl Memo {
    /// One that knows what an earlier process has written. `program` tells builds of this program apart: another one
    /// may read otherwise.
    ///
    /// # Errors
    /// When the text is damaged. That of another build is no error: it is as if there were none.
    pub fn with(text: &str, program: &str) -> Result<Memo> {
        let (first, rest) = text.split_once('\n').context("it has no first line")?;
        let (of, sum) = first.split_once(' ').context("its first line is damaged")?;
        if of != hash(program) {
            return Ok(Memo::default());
        }
        if sum != hash(rest) {
            bail!("its content is not what was written");
        }
        let written: Written<&str, Facts, Dirs> = serde_json::from_str(rest)?;
        let mut known = Known::default();
        for (id, facts) in written.manifests {
            known.manifests.insert(Id::from_hex(id)?, Arc::new(facts));
        }
        for (id, alone, users) in written.locks {
            let users = users.into_iter().map(|(name, dirs)| (name, Arc::new(dirs))).collect();
            known.dirs.insert((Id::from_hex(id)?, alone), users);
        }
        Ok(Memo { earlier: known, ..Memo::default() })
    }

    /// What was asked for since, as text; `None` when that is little, and when it is what an earlier process has written.
    ///
    /// # Errors
    /// When something of it cannot be written as JSON.
    pub fn text(&self, program: &str) -> Result<Option<String>> {
        let users = |lock: &Lockfile| if let Lockfile::Locals(users) = lock { users.iter().len() } else { 0 };
        let count = self.manifests.len() + self.dirs.values().map(|it| users(it)).sum::<usize>();
        if !self.is_new || count < MANY {
            return Ok(None);
        }
        let mut manifests: Vec<(String, &Arc<Facts>)> =
            self.manifests.iter().map(|(id, facts)| (id.to_hex(), facts)).collect();
        manifests.sort_by(|a, b| a.0.cmp(&b.0));
        let mut locks = Vec::new();
        for ((id, alone), lock) in &self.dirs {
            let Lockfile::Locals(users) = &**lock else { continue };
            let users: Vec<(String, &Dirs)> =
                users.iter().map(|(name, dirs)| (name.to_owned(), dirs.as_ref())).collect();
            locks.push((id.to_hex(), *alone, users));
        }
        locks.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        let manifests = manifests.into_iter().map(|(id, facts)| (id, facts.as_ref())).collect();
        let rest = serde_json::to_string(&Written { manifests, locks })?;
        Ok(Some(format!("{} {}\n{rest}", hash(program), hash(&rest))))
    }
}

/// A sum as text.
fn hash(text: &str) -> String {
    format!("{:016x}", sources::sum(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locked::{Local, Scope};

    fn memo() -> Memo {
        let mut memo = Memo { is_new: true, ..Memo::default() };
        for number in 0..MANY as u8 {
            let id = Id::new(&[number; 20]).expect("20 bytes");
            let text = format!("[project]\nname='p{number}'\n[tool.xtask]\ngitlab-platforms=['linux/amd64']\n");
            let facts = Facts::parse("pyproject.toml".into(), &text).expect("a manifest");
            memo.manifests.insert(id, Arc::new(facts));
            let local = |dir: &str, scope, by: &[&str]| {
                let by = by.iter().map(|it| (*it).to_owned()).collect();
                Local { dir: dir.into(), scope, by }
            };
            let dirs = [
                local("../a", Scope::Runtime, &["x", "y"]),
                local("../b", Scope::Dev, &[]),
                local("../c", Scope::Runtime, &[]),
            ];
            let users = [(format!("p{number}"), Arc::new(dirs.into_iter().collect()))];
            memo.dirs.insert((id, number % 2 == 0), Arc::new(Lockfile::Locals(users.into_iter().collect())));
        }
        memo
    }

    #[test]
    fn what_is_written_is_read_back() {
        let memo = memo();
        let text = memo.text("this").expect("JSON").expect("much that is new");
        let back = Memo::with(&text, "this").expect("undamaged");
        assert_eq!((back.earlier.manifests.len(), back.earlier.dirs.len()), (MANY, MANY));
        for (id, facts) in &memo.manifests {
            assert_eq!(back.earlier.manifests[id], *facts);
        }
        for (key, lock) in &memo.dirs {
            let Lockfile::Locals(users) = &**lock else { panic!("not the local packages alone") };
            assert_eq!(back.earlier.dirs[key], *users);
        }
        assert!(back.text("this").expect("JSON").is_none(), "nothing new was asked for");
        assert!(Memo::with(&text, "another").expect("undamaged").earlier.manifests.is_empty());
    }

    #[test]
    fn damage_is_noticed() {
        let text = memo().text("this").expect("JSON").expect("much that is new");
        for at in (0..text.len()).step_by(97).chain([text.len() - 1]) {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let Ok(damaged) = String::from_utf8(bytes) else { continue };
            // Damage where the build is named makes it the text of another build.
            let read = Memo::with(&damaged, "this");
            assert!(read.is_err() || at < 16 && read.is_ok_and(|it| it.earlier.manifests.is_empty()), "byte {at}");
            assert!(text.get(..at).is_none_or(|it| Memo::with(it, "this").is_err()), "cut off at {at}");
        }
    }
}
