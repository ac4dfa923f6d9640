//! From the wanted base to a commit that is here: looks, fetches, deepens.
//!
//! Must not choose what is wanted (that is `base`), and never fails: what cannot be found means everything.

use anyhow::{Context as _, Result, bail};

use super::Git;
use crate::base::{self, Surroundings, Wanted};
use crate::tree::Id;
use crate::verdict::one_line;

/// The commit to compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its full id; `None` when everything counts as changed.
    pub base: Option<String>,
    /// The row of the table in `base`.
    pub row: &'static str,
    /// Why, in a sentence for people.
    pub because: String,
}

/// The base of what is checked out.
pub fn find(git: Option<&Git>, surroundings: &Surroundings) -> Found {
    let choice = base::choose(surroundings);
    if choice.wanted == Wanted::Everything {
        return Found { base: None, row: choice.row, because: choice.because };
    }
    let sought = git.context("this directory is in no git repository").and_then(|git| seek(git, &choice.wanted));
    match sought {
        Ok(base) => Found { base: Some(base), row: choice.row, because: choice.because },
        Err(error) => {
            // Git's own words may be several lines.
            let words = one_line(&format!("{error:#}"));
            Found { base: None, row: choice.row, because: format!("{words} ({})", choice.because) }
        }
    }
}

fn seek(git: &Git, wanted: &Wanted) -> Result<String> {
    let head = git.head()?.context("there is no commit yet")?;
    match wanted {
        Wanted::Everything => bail!("nothing is compared with"),
        Wanted::Commit(id) => here(git, id),
        Wanted::Ancestor(id) => {
            let id = here(git, id)?;
            // In a shallow clone `not an ancestor` may only mean that the history is cut off before it.
            if !git.is_ancestor(&id, &head)? && !git.deepen(&[&head, &id], || git.is_ancestor(&id, &head))? {
                bail!("{id} is no ancestor of HEAD, so the branch was force-pushed");
            }
            Ok(id)
        }
        Wanted::MergeBase(with) => {
            let tip = tip(git, with)?;
            let mut found = git.merge_base(&head, &tip)?;
            if found.is_none() {
                git.deepen(&[&head, &tip], || {
                    found = git.merge_base(&head, &tip)?;
                    Ok(found.is_some())
                })?;
            }
            found.with_context(|| format!("HEAD and `{with}` ({tip}) have no commit in common"))
        }
    }
}

/// The full id of a commit, fetched when it is not here.
fn here(git: &Git, id: &str) -> Result<String> {
    if !git.has(id)? {
        git.fetch(id).with_context(|| format!("{id} is not here and could not be fetched"))?;
    }
    git.resolve(id)
}

/// The commit at the end of a branch: as last fetched, else a branch of this clone, else as the remote has it now.
fn tip(git: &Git, with: &str) -> Result<String> {
    if Id::from_hex(with).is_ok() {
        return here(git, with);
    }
    let remote = git.remote()?;
    let fetched = match &remote {
        Some(_) if with == base::DEFAULT => git.default_branch()?,
        Some(remote) => Some(format!("refs/remotes/{remote}/{with}")),
        None => None,
    };
    let names: Vec<&str> = if with == base::DEFAULT { vec!["main", "master"] } else { vec![with] };
    let current = git.current_branch()?;
    // The branch that is checked out says nothing about what has changed on it.
    let local = names.iter().map(|it| format!("refs/heads/{it}")).filter(|it| Some(it) != current.as_ref());
    for name in fetched.into_iter().chain(local) {
        if let Ok(id) = git.resolve(&name) {
            return Ok(id);
        }
    }
    if remote.is_none() {
        bail!("there is no remote, and no branch {} beside the one that is checked out", names.join(" or "));
    }
    let name = if with == base::DEFAULT { "HEAD".to_owned() } else { format!("refs/heads/{with}") };
    here(git, &git.remote_tip(&name)?)
}
