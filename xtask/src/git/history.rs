//! How commits hang together, and what a remote can add to that.
//!
//! Must not decide which commit is compared with: that is `find`.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::{Git, fields, words};
use crate::proc;
use crate::tree::Id;

/// The time limit of a command that talks to a remote.
const REMOTE: Duration = Duration::from_secs(300);
/// How many commits a shallow clone is deepened by, one step after the other, before everything is fetched.
const STEPS: &[&str] = &["--deepen=50", "--deepen=200", "--deepen=1000", "--unshallow"];

/// A commit on the first-parent line of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct First {
    /// Its id.
    pub commit: String,
    /// Its first parent; `None` at the beginning of the history, and where a shallow clone is cut off.
    pub parent: Option<String>,
    /// The first line of its message.
    pub subject: String,
}

impl Git {
    /// The best common ancestor, as far as the history is here.
    ///
    /// # Errors
    /// When one of the revisions names no commit.
    pub fn merge_base(&self, a: &str, b: &str) -> Result<Option<String>> {
        let (a, b) = (self.full(a)?, self.full(b)?);
        let found = self.ask(&["merge-base", &a, &b])?;
        match found.code {
            0 => Ok(String::from_utf8_lossy(&found.stdout).lines().next().map(str::to_owned)),
            1 => Ok(None),
            _ => bail!("`git merge-base {a} {b}` failed: {}", words(&found)),
        }
    }

    /// Is `old` part of the history of `new`, as far as that is here?
    ///
    /// # Errors
    /// When one of the revisions names no commit.
    pub fn is_ancestor(&self, old: &str, new: &str) -> Result<bool> {
        let (old, new) = (self.full(old)?, self.full(new)?);
        let found = self.ask(&["merge-base", "--is-ancestor", &old, &new])?;
        match found.code {
            0 => Ok(true),
            1 => Ok(false),
            _ => bail!("`git merge-base --is-ancestor {old} {new}` failed: {}", words(&found)),
        }
    }

    /// Is the history cut off somewhere?
    ///
    /// # Errors
    /// When git cannot say.
    pub fn is_shallow(&self) -> Result<bool> {
        Ok(self.text(&["rev-parse", "--is-shallow-repository"])?.trim() == "true")
    }

    /// How many commits the history of `HEAD` has here.
    ///
    /// # Errors
    /// When there is no commit yet.
    pub fn depth(&self) -> Result<usize> {
        let text = self.text(&["rev-list", "--count", "HEAD"])?;
        text.trim().parse().with_context(|| format!("`git rev-list --count HEAD` printed {text:?}"))
    }

    /// The remote: `origin`, or the only one.
    ///
    /// # Errors
    /// When git cannot say.
    pub fn remote(&self) -> Result<Option<String>> {
        let text = self.text(&["remote"])?;
        let names: Vec<&str> = text.lines().collect();
        let chosen = names.iter().find(|it| **it == "origin").or(names.first().filter(|_| names.len() == 1));
        Ok(chosen.map(|it| (*it).to_owned()))
    }

    /// The full name of the ref that holds the remote's default branch, as last fetched.
    ///
    /// # Errors
    /// When git cannot say.
    pub fn default_branch(&self) -> Result<Option<String>> {
        let Some(remote) = self.remote()? else { return Ok(None) };
        let head = self.remote_head()?;
        let usual = ["main", "master"].map(|it| format!("refs/remotes/{remote}/{it}"));
        // A remote HEAD whose branch was deleted since is left behind by `git fetch --prune`.
        Ok(head.into_iter().chain(usual).find(|it| self.resolve(it).is_ok()))
    }

    /// What the remote's HEAD points to, as last fetched; its branch may be gone since.
    ///
    /// # Errors
    /// When git cannot say.
    pub fn remote_head(&self) -> Result<Option<String>> {
        let Some(remote) = self.remote()? else { return Ok(None) };
        let head = self.ask(&["symbolic-ref", "--quiet", &format!("refs/remotes/{remote}/HEAD")])?;
        Ok(Some(String::from_utf8_lossy(&head.stdout).trim().to_owned()).filter(|it| !it.is_empty()))
    }

    /// The full name of the branch that is checked out; `None` when `HEAD` is detached.
    ///
    /// # Errors
    /// When git cannot say.
    pub fn current_branch(&self) -> Result<Option<String>> {
        let head = self.ask(&["symbolic-ref", "--quiet", "HEAD"])?;
        Ok(Some(String::from_utf8_lossy(&head.stdout).trim().to_owned()).filter(|it| !it.is_empty()))
    }

    /// The commit that a ref of the remote points to now.
    ///
    /// # Errors
    /// When the remote does not answer, or has no such ref; with git's own words.
    pub fn remote_tip(&self, name: &str) -> Result<String> {
        let remote = self.needed_remote()?;
        let printed = self.talk(&["ls-remote", &remote, name])?;
        let printed = String::from_utf8_lossy(&printed).into_owned();
        let mut rows = printed.lines().filter_map(|it| it.split_once('\t'));
        match rows.find(|it| it.1 == name) {
            Some((id, _)) => Ok(Id::from_hex(id)?.to_hex()),
            None => bail!("the remote `{remote}` has no `{name}`"),
        }
    }

    /// Brings one commit from the remote. A complete clone stays complete: only a shallow one gets it without history.
    ///
    /// # Errors
    /// When there is no remote, and when it does not give the commit; with git's own words.
    pub fn fetch(&self, commit: &str) -> Result<()> {
        let remote = self.needed_remote()?;
        let id = Id::from_hex(commit)?.to_hex();
        let depth: &[&str] = if self.is_shallow()? { &["--depth=1"] } else { &[] };
        self.fetch_with(depth, &remote, &[&id])
    }

    /// Lengthens the history of a shallow clone step by step until it is enough, or complete.
    ///
    /// # Errors
    /// When the remote does not give more; with git's own words.
    pub fn deepen(&self, commits: &[&str], mut enough: impl FnMut() -> Result<bool>) -> Result<bool> {
        for step in STEPS {
            if enough()? {
                return Ok(true);
            }
            if !self.is_shallow()? {
                return Ok(false);
            }
            let remote = self.needed_remote()?;
            let all = self.fetch_with(&[step], &remote, commits);
            // A commit that was made here is unknown there: then the others have to do.
            let others = commits.get(1..).unwrap_or_default();
            match all {
                Err(_) if !others.is_empty() => self.fetch_with(&[step], &remote, others)?,
                other => other?,
            }
        }
        enough()
    }

    /// The first-parent line of a revision, the newest commit first.
    ///
    /// # Errors
    /// When the revision names no commit.
    pub fn first_parents(&self, revision: &str, count: usize) -> Result<Vec<First>> {
        let (commit, count) = (self.resolve(revision)?, format!("--max-count={count}"));
        let flags = ["log", "-z", "--first-parent", "--no-color", "--no-show-signature", "--no-decorate", "--no-notes"];
        let rest = ["--no-patch", "--encoding=UTF-8", "--format=%H%x1f%P%x1f%s", &count, &commit, "--"];
        let listing = self.run(&[&flags[..], &rest[..]].concat())?;
        let read = |row: &[u8]| {
            let row = String::from_utf8_lossy(row).into_owned();
            let mut parts = row.splitn(3, '\u{1f}').map(str::to_owned);
            let (Some(commit), Some(parents), Some(subject)) = (parts.next(), parts.next(), parts.next()) else {
                bail!("`git log` printed what cannot be read: {row:?}");
            };
            Ok(First { commit, parent: parents.split_whitespace().next().map(str::to_owned), subject })
        };
        fields(&listing).map(read).collect()
    }

    fn needed_remote(&self) -> Result<String> {
        self.remote()?.context("there is no remote `origin`, and no other that is the only one (`git remote -v`)")
    }

    fn fetch_with(&self, flags: &[&str], remote: &str, commits: &[&str]) -> Result<()> {
        let fixed = ["--quiet", "--no-tags", "--no-prune", "--no-write-fetch-head", "--no-recurse-submodules"];
        self.talk(&[&["fetch"], &fixed[..], flags, &["--", remote], commits].concat()).map(|_| ())
    }

    /// Runs a command that talks to a remote.
    fn talk(&self, args: &[&str]) -> Result<Vec<u8>> {
        let mut call = self.call(args);
        call.timeout = REMOTE;
        let output = proc::output(&call, b"")?;
        if output.code != 0 {
            bail!("`git {}` failed: {}", args.join(" "), words(&output));
        }
        Ok(output.stdout)
    }
}
