//! What differs between the files of commits, and between those of a commit and the index.
//!
//! Must not compare the work tree: git would have to read files for that, and `disk` has.

use std::collections::HashMap;
use std::iter::Peekable;

use anyhow::{Result, bail};

use super::{Git, fields, unreadable};
use crate::tree::{self, Change, Entry, Id, Mode};

impl Git {
    /// What differs between the files of two commits, sorted by path. A rename is a file gone and a file come.
    ///
    /// # Errors
    /// When a commit or one of its directories is not there.
    pub fn changes(&self, base: &str, head: &str) -> Result<Vec<Change>> {
        let (base, head) = (self.full(base)?, self.full(head)?);
        self.raw(&["diff-tree", "-r", &base, &head])
    }

    /// What differs between the files of a commit and the index, sorted by path. A file that is only intended to be added
    /// counts as there.
    ///
    /// # Errors
    /// As [`Git::changes`].
    pub fn cached(&self, commit: &str) -> Result<Vec<Change>> {
        self.raw(&["diff-index", "--cached", "--ita-visible-in-index", &self.full(commit)?])
    }

    /// What differs between each of these commits and the other that stands with it, by the first of the two.
    ///
    /// # Errors
    /// As [`Git::changes`].
    pub fn steps(&self, pairs: &[(&str, &str)]) -> Result<HashMap<String, Vec<Change>>> {
        let input: String = pairs.iter().map(|(commit, parent)| format!("{commit} {parent}\n")).collect();
        let listing = self.run_with(&self.raw_args(&["diff-tree", "-r", "--stdin", "--always"]), input.as_bytes())?;
        let mut fields = fields(&listing).peekable();
        let mut found = HashMap::new();
        while let Some(commit) = fields.next() {
            let commit = Id::from_hex(&String::from_utf8_lossy(commit))?.to_hex();
            found.insert(commit, self.differences("diff-tree", &mut fields)?);
        }
        // Of a commit that is not there git says nothing here.
        match pairs.iter().find(|it| !found.contains_key(it.0)) {
            Some((commit, parent)) => {
                bail!("git could not compare {commit} with {parent}; `git fsck` says what is missing")
            }
            None => Ok(found),
        }
    }

    /// What a command of git prints of differences.
    fn raw(&self, command: &[&str]) -> Result<Vec<Change>> {
        let listing = self.run(&self.raw_args(command))?;
        let mut fields = fields(&listing).peekable();
        let found = self.differences(command[0], &mut fields)?;
        match fields.next() {
            Some(rest) => bail!(unreadable(command[0], rest)),
            None => Ok(found),
        }
    }

    fn raw_args<'a>(&'a self, command: &[&'a str]) -> Vec<&'a str> {
        let flags = ["-z", "--raw", "--no-renames", "--no-abbrev", "--ignore-submodules=none"];
        let others = ["--no-ext-diff", "--no-textconv", "--no-relative"];
        let mut args = [&command[..1], &flags[..], &others[..], &command[1..], &["--"]].concat();
        args.extend(Some(self.prefix.as_str()).filter(|it| !it.is_empty()));
        args
    }

    /// Reads differences as far as there are any; sorted by path.
    fn differences<'a>(
        &self,
        command: &str,
        fields: &mut Peekable<impl Iterator<Item = &'a [u8]>>,
    ) -> Result<Vec<Change>> {
        let mut found = Vec::new();
        while let Some(meta) = fields.next_if(|it| it.starts_with(b":")) {
            let text = std::str::from_utf8(meta).unwrap_or_default().trim_start_matches(':');
            let words: Vec<&str> = text.split(' ').collect();
            let ([mode_before, mode_after, before, after, _], Some(path)) = (&words[..], fields.next()) else {
                bail!(unreadable(command, meta));
            };
            let entry = |mode: &str, id: &str| -> Result<Option<Entry>> {
                Mode::from_octal(mode).map(|mode| Ok(Entry { mode, id: Id::from_hex(id)? })).transpose()
            };
            let (before, after) = (entry(mode_before, before)?, entry(mode_after, after)?);
            if let Some(path) = path.strip_prefix(self.prefix.as_bytes()) {
                found.push(Change { path: tree::text(path).into_owned().into(), before, after });
            }
        }
        found.sort_by(|a, b| a.path.as_str().cmp(b.path.as_str()));
        Ok(found)
    }
}
