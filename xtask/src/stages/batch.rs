//! What the stages share that look at many projects in one process: the clean tree they read, and fair blame.
//!
//! Must not know a tool: which files are wanted and what a report means is the stage's own business.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};

use crate::context::{Context, remake};
use crate::discover::{Project, Repo};
use crate::proc;
use crate::verdict::{Case, Verdict};

/// Sources staged for one run of a tool, and what each file is to whom.
#[derive(Debug)]
pub struct Tree {
    /// Absolute path of the tree; below it files have their repo-relative paths.
    pub root: Utf8PathBuf,
    /// The files that were staged, for each project in the order given: what the tool must have looked at.
    pub files: Vec<Vec<Utf8PathBuf>>,
    /// The files that no tool here could read, for each project.
    pub unreadable: Vec<Vec<Case>>,
    /// By the path in the tree: whose file it is, and its path in the repository.
    owners: BTreeMap<Utf8PathBuf, (usize, Utf8PathBuf)>,
    /// By the path in the repository: the path in the tree, where it is another.
    moved: BTreeMap<Utf8PathBuf, Utf8PathBuf>,
}

/// Which encodings a tool can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// UTF-8 and nothing else.
    Utf8,
    /// Whatever a file declares, as Python does.
    Declared,
}

impl Tree {
    /// Copies the wanted files of the projects into an empty directory; `place` says where a project stands there, which
    /// is its own directory unless that would mean something to the tool.
    ///
    /// # Errors
    /// When a file cannot be read or the tree not written.
    pub fn stage(
        repo: &Repo,
        root: &Utf8Path,
        projects: &[&Project],
        reads: Reads,
        wanted: impl Fn(&Utf8Path) -> bool,
        place: impl Fn(&Project) -> Utf8PathBuf,
    ) -> Result<Tree> {
        remake(root)?;
        let (files, unreadable) = (Vec::new(), Vec::new());
        // Tools name files by their real path, and `target` may be a link.
        let root = &root.canonicalize_utf8().with_context(|| format!("could not find {root}"))?;
        let mut tree =
            Tree { root: root.to_owned(), files, unreadable, owners: BTreeMap::new(), moved: BTreeMap::new() };
        let mut made = BTreeSet::new();
        for (index, project) in projects.iter().enumerate() {
            let (mut files, mut unreadable) = (Vec::new(), Vec::new());
            for file in project.files.iter().filter(|file| wanted(file)) {
                let bytes = std::fs::read(repo.abs(file)).with_context(|| format!("could not read {file}"))?;
                let is_text = std::str::from_utf8(&bytes).is_ok();
                if !is_text && !matches!(file.extension(), Some("py" | "pyi" | "ipynb")) {
                    continue; // A picture or an archive is no source of any kind.
                }
                if file.as_str().contains(char::is_control) {
                    // Reports have a path on a line, or in an attribute: this one could not be told from others.
                    let why = format!("{:?} has a control character in its name; rename it", file.as_str());
                    unreadable.push(Case::error("path", why));
                    continue;
                }
                if let Some(case) = encoding_fault(&bytes, reads) {
                    unreadable.push(case.at(file, line_of_fault(&bytes)));
                    continue;
                }
                let inner = file.strip_prefix(&project.dir).unwrap_or(file);
                let staged = place(project).join(inner);
                let target = root.join(&staged);
                let dir = target.parent().unwrap_or(root).to_owned();
                if made.insert(dir.clone()) {
                    std::fs::create_dir_all(&dir).with_context(|| format!("could not create {dir}"))?;
                }
                std::fs::write(&target, bytes).with_context(|| format!("could not write {target}"))?;
                if staged != *file {
                    tree.moved.insert(file.clone(), staged.clone());
                }
                tree.owners.insert(staged, (index, file.clone()));
                files.push(file.clone());
            }
            tree.files.push(files);
            tree.unreadable.push(unreadable);
        }
        Ok(tree)
    }

    /// Is there nothing to look at?
    pub fn is_empty(&self) -> bool {
        self.owners.is_empty()
    }

    /// All staged files as arguments that no tool takes for a flag.
    pub fn arguments<'a>(&self, files: impl IntoIterator<Item = &'a Utf8PathBuf>) -> Vec<String> {
        files.into_iter().map(|file| format!("./{file}")).collect()
    }

    /// The repo-relative path of a file as a tool names it (absolute, or relative to the tree), with its project.
    pub fn find(&self, named: &str) -> Option<(usize, &Utf8Path)> {
        let mut inner = Utf8Path::new(named).strip_prefix(&self.root).map_or(named, Utf8Path::as_str);
        while let Some(rest) = inner.strip_prefix("./") {
            inner = rest;
        }
        self.owners.get(Utf8Path::new(inner)).map(|(index, path)| (*index, path.as_path()))
    }

    /// The text of a staged file; bytes that are no UTF-8 are replaced, lines keep their numbers.
    pub fn text(&self, file: &Utf8Path) -> String {
        std::fs::read(self.root.join(self.moved.get(file).map_or(file, Utf8PathBuf::as_path)))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// One error for each staged file of a project that a report should name and does not.
    pub fn unseen(&self, index: usize, tool: &str, seen: &BTreeSet<Utf8PathBuf>) -> Vec<Case> {
        let missing = self.files[index].iter().filter(|file| !seen.contains(*file));
        missing
            .map(|file| Case::error("not-read", format!("{tool} did not look at this file")).at(file, None))
            .collect()
    }
}

fn encoding_fault(bytes: &[u8], reads: Reads) -> Option<Case> {
    let error = std::str::from_utf8(bytes).err()?;
    let declared = declares_encoding(bytes);
    if declared && reads == Reads::Declared {
        return None;
    }
    let wish = if declared { "store it as UTF-8" } else { "store it as UTF-8 or declare its encoding" };
    let at = error.valid_up_to();
    let message = format!("byte {at} of this file is not UTF-8, so it cannot be checked; {wish}");
    Some(Case::error("encoding", message))
}

/// The line of the first byte that is no UTF-8.
fn line_of_fault(bytes: &[u8]) -> Option<u32> {
    let at = std::str::from_utf8(bytes).err()?.valid_up_to();
    u32::try_from(bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1).ok()
}

/// Does one of the first two lines say `coding: NAME` in a comment, as PEP 263 has it?
fn declares_encoding(bytes: &[u8]) -> bool {
    bytes.split(|byte| *byte == b'\n').take(2).any(|line| {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_start();
        let after = line.split_once("coding").map(|(_, rest)| rest.trim_start_matches([':', '=']));
        line.starts_with('#')
            && (line.contains("coding:") || line.contains("coding="))
            && after.is_some_and(|rest| rest.trim_start().starts_with(|c: char| c.is_ascii_alphanumeric()))
    })
}

/// A project stands in a tree where it stands in the repository.
pub fn in_place(project: &Project) -> Utf8PathBuf {
    project.dir.clone()
}

/// Runs a batch; when the tool refuses it as a whole, runs each project alone, so that one project's bad input or
/// configuration is that project's error and nobody else's.
///
/// `work` gets a directory of its own to write in.
///
/// # Errors
/// When every project is refused: then it is not the projects that are at fault.
pub fn fairly(
    ctx: &Context,
    projects: &[&Project],
    work: impl Fn(&[&Project], &Utf8Path) -> Result<Vec<Verdict>>,
) -> Result<Vec<Verdict>> {
    let scratch = ctx.scratch(None)?;
    let started = Instant::now();
    let error = match work(projects, &scratch.join("all")) {
        Ok(verdicts) => return Ok(verdicts),
        Err(error) => error,
    };
    // A tool that took all its time would take it again for every project.
    let out_of_time = started.elapsed() >= ctx.repo.config.timeout(ctx.stage);
    if projects.len() == 1 || out_of_time || proc::cancelled() {
        return Err(error);
    }
    let mut verdicts = Vec::new();
    let mut refused = 0;
    for project in projects {
        let dir = scratch.join("alone").join(&project.name);
        match work(&[project], &dir) {
            Ok(one) => verdicts.extend(one),
            Err(alone) => {
                refused += 1;
                let text = format!("{alone:#}");
                let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
                verdicts.push(Verdict::one(Case::error(ctx.stage, first).detail(rest)));
            }
        }
    }
    if refused == projects.len() { Err(error) } else { Ok(verdicts) }
}

/// Runs processes side by side; their results in the order given.
pub fn side_by_side(ctx: &Context, calls: &[proc::Call]) -> Vec<Result<proc::Done>> {
    std::thread::scope(|scope| {
        let running: Vec<_> = calls.iter().map(|call| scope.spawn(|| ctx.run(call))).collect();
        let ended = running.into_iter().map(|it| it.join());
        ended.map(|it| it.unwrap_or_else(|_| Err(anyhow::anyhow!("xtask itself failed while a tool ran")))).collect()
    })
}

/// How many bytes of file names one command line takes: an operating system takes two million and the environment.
const LINE: usize = 1_000_000;

/// Files in as many parts as there must be command lines for them.
pub fn in_lines<'a>(files: &[&'a Utf8PathBuf]) -> Vec<Vec<&'a Utf8PathBuf>> {
    let mut parts: Vec<Vec<&Utf8PathBuf>> = Vec::new();
    let mut left = 0;
    for file in files {
        // The path as it is called, its end, and the pointer to it.
        let bytes = file.as_str().len() + "./".len() + 9;
        match parts.last_mut() {
            Some(part) if bytes <= left => part.push(file),
            _ => {
                parts.push(vec![file]);
                left = LINE;
            }
        }
        left = left.saturating_sub(bytes);
    }
    parts
}

/// "1 file", "2 files".
pub fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_files_are_many_command_lines() {
        let files: Vec<Utf8PathBuf> = (0..30_000).map(|it| format!("{}/{it}.py", "a".repeat(80)).into()).collect();
        let files: Vec<&Utf8PathBuf> = files.iter().collect();
        let parts = in_lines(&files);
        assert_eq!(parts.len(), 3);
        assert_eq!(parts.concat(), files);
        assert_eq!(in_lines(&files[..2]).len(), 1);
        assert!(in_lines(&[]).is_empty());
    }

    #[test]
    fn encodings() {
        let fault = |bytes: &[u8], reads| encoding_fault(bytes, reads).is_some();
        assert!(!fault("ü".as_bytes(), Reads::Utf8));
        assert!(fault(b"x = '\xe9'", Reads::Declared));
        assert!(fault(b"# -*- coding: latin-1 -*-\nx = '\xe9'", Reads::Utf8));
        assert!(!fault(b"# -*- coding: latin-1 -*-\nx = '\xe9'", Reads::Declared));
        assert!(!fault(b"#!/usr/bin/python\n# vim: set fileencoding=latin-1 :\nx = '\xe9'", Reads::Declared));
        assert!(fault(b"coding = 'latin-1'\nx = '\xe9'", Reads::Declared));
        assert!(fault(b"\n\n# coding: latin-1\nx = '\xe9'", Reads::Declared));
        assert_eq!(line_of_fault(b"a\nb\n\xe9"), Some(3));
    }
}
