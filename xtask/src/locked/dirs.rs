//! Where the local packages are that a project reaches: small, since ten thousand projects reach a hundred thousand.
//!
//! Pure. Must not know a lock.

use std::collections::BTreeSet;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::Scope;
use crate::names::Names;

/// A local package that a project reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    /// As written, relative to the lock.
    pub dir: Utf8PathBuf,
    pub scope: Scope,
    /// The extras of the project that reach it, where it is reached by nothing but extras.
    pub by: BTreeSet<String>,
}

/// The local packages that a project reaches, in no order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dirs {
    /// The directories of those that are needed to run, without any extra: nearly all of them.
    plain: Names,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    others: Vec<Other>,
}

/// The directory, whether it is needed for groups alone, and by which extras, where by nothing else.
type Other = (Utf8PathBuf, bool, BTreeSet<String>);

impl Dirs {
    /// Each as in [`Local`].
    pub fn iter(&self) -> impl Iterator<Item = (&Utf8Path, Scope, &BTreeSet<String>)> {
        static NONE: BTreeSet<String> = BTreeSet::new();
        let plain = self.plain.iter().map(|it| (Utf8Path::new(it), Scope::Runtime, &NONE));
        let scope = |dev| if dev { Scope::Dev } else { Scope::Runtime };
        plain.chain(self.others.iter().map(move |it| (it.0.as_path(), scope(it.1), &it.2)))
    }
}

impl FromIterator<Local> for Dirs {
    fn from_iter<T: IntoIterator<Item = Local>>(all: T) -> Dirs {
        let is_plain = |it: &Local| {
            let dir = it.dir.as_str();
            it.scope == Scope::Runtime && it.by.is_empty() && !dir.is_empty() && !dir.contains(char::is_control)
        };
        let (plain, others) = all.into_iter().partition::<Vec<Local>, _>(is_plain);
        let others = others.into_iter().map(|it| (it.dir, it.scope != Scope::Runtime, it.by)).collect();
        Dirs { plain: plain.into_iter().map(|it| it.dir.into_string()).collect(), others }
    }
}

/// The local packages that each project reaches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Users(Vec<(String, Arc<Dirs>)>);

impl Users {
    /// Those of the project with this name.
    pub fn get(&self, name: &str) -> Option<&Arc<Dirs>> {
        self.at(name).ok().map(|it| &self.0[it].1)
    }

    /// Each project that is known, sorted by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Arc<Dirs>)> {
        self.0.iter().map(|it| (it.0.as_str(), &it.1))
    }

    /// One more, if it is not known yet.
    pub fn add(&mut self, name: &str, dirs: impl FnOnce() -> Arc<Dirs>) {
        if let Err(at) = self.at(name) {
            self.0.insert(at, (name.to_owned(), dirs()));
        }
    }

    fn at(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|it| it.0.as_str().cmp(name))
    }
}

impl FromIterator<(String, Arc<Dirs>)> for Users {
    fn from_iter<T: IntoIterator<Item = (String, Arc<Dirs>)>>(all: T) -> Users {
        let mut all: Vec<_> = all.into_iter().collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all.dedup_by(|a, b| a.0 == b.0);
        Users(all)
    }
}
