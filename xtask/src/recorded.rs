//! The verdicts that runs have given, by fingerprint: `target/ci/recorded/PROJECT.STAGE/`.
//!
//! For each verdict a small record, the list of inputs that it was given for, and its log. A broken or missing store is
//! a warning, never a failure. Must not decide what a verdict is worth: nothing is reused from here yet.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use crate::context;
use crate::facts::Digest;
use crate::inputs::{Line, Part};
use crate::sources::hex;
use crate::verdict::{Outcome, Verdict};

mod unsteady;
mod witness;

pub use unsteady::UNSTEADY;
pub use witness::{Taken, Witness};

/// How the files are written; another number is not read.
const SCHEMA: u32 = 1;
/// How many verdicts of one stage of one project are kept, the newest.
const KEPT: usize = 16;
/// How much of a log is kept, its end.
const LOG: u64 = 1 << 20;

/// One verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub schema: u32,
    pub project: String,
    pub stage: String,
    /// Of the list of inputs, in hexadecimal.
    pub fingerprint: String,
    /// "pass", "fail", "error" or "skip".
    pub outcome: String,
    /// The names of the cases that make it red, sorted.
    pub red: Vec<String>,
    /// Seconds since 1970.
    pub when: u64,
    /// The commit that was checked out; `None` without git.
    pub commit: Option<String>,
    /// Was the work tree just that commit?
    pub clean: bool,
    /// What the verdict rests on and no list of inputs holds.
    pub with: With,
}

/// Verdicts by project and stage.
pub type ByJob = BTreeMap<(String, String), Vec<Kept>>;

/// What can change a verdict beside the inputs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct With {
    /// The hash of this program.
    pub xtask: String,
    /// "linux-amd64" and so on.
    pub platform: String,
    /// The version of the interpreter that runs the tools.
    pub python: String,
    /// That of the project's own environments, where the stage uses one.
    pub environment: Option<String>,
    /// When the vulnerability database was built, where the stage uses it.
    pub database: Option<String>,
    /// How many waivers of this stage had not expired: they end on a day, not by a change.
    pub waivers: usize,
}

impl Kept {
    /// What is compared: two verdicts are the same when this is.
    pub fn same_as(&self, other: &Kept) -> bool {
        (&self.outcome, &self.red) == (&other.outcome, &other.red)
    }

    /// In words, for people.
    pub fn told(&self) -> String {
        match self.red.as_slice() {
            [] => self.outcome.clone(),
            [one] => format!("{} ({one})", self.outcome),
            [first, rest @ ..] => format!("{} ({first} and {} more)", self.outcome, rest.len()),
        }
    }
}

/// The outcome as it is written.
pub fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Fail => "fail",
        Outcome::Error => "error",
        Outcome::Skip => "skip",
    }
}

/// The names of the cases that make a verdict red.
pub fn red(verdict: &Verdict) -> Vec<String> {
    let mut names: Vec<String> = verdict.cases.iter().filter(|it| it.is_red()).map(|it| it.name.clone()).collect();
    names.sort();
    names
}

/// Where verdicts are kept.
#[derive(Debug, Clone)]
pub struct Store {
    dir: Utf8PathBuf,
}

impl Store {
    /// The store below `target/ci`.
    pub fn at(out: &Utf8Path) -> Store {
        Store { dir: out.join("recorded") }
    }

    fn path(&self, project: &str, stage: &str, fingerprint: &str, ending: &str) -> Utf8PathBuf {
        let short = fingerprint.get(..32).unwrap_or(fingerprint);
        self.dir.join(format!("{project}.{stage}")).join(format!("{short}.{ending}"))
    }

    /// Where the log of a verdict is.
    pub fn log(&self, kept: &Kept) -> Utf8PathBuf {
        self.path(&kept.project, &kept.stage, &kept.fingerprint, "log")
    }

    /// Where the log of the verdict is that this one has taken the place of, when it said something else.
    pub fn earlier_log(&self, kept: &Kept) -> Utf8PathBuf {
        self.path(&kept.project, &kept.stage, &kept.fingerprint, "earlier.log")
    }

    /// Keeps a verdict with its list and the end of its log, in place of an older one for the same list. Where that one
    /// was another, its log stays too.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, kept: &Kept, list: &[Line], log: &Utf8Path) -> Result<()> {
        let path = |ending| self.path(&kept.project, &kept.stage, &kept.fingerprint, ending);
        if self
            .get(&kept.project, &kept.stage, &kept.fingerprint)
            .is_ok_and(|it| it.is_some_and(|it| !it.same_as(kept)))
        {
            std::fs::rename(path("log"), path("earlier.log")).unwrap_or_default();
        }
        // The record is written last: where it is, the others are too.
        context::write(&path("list"), text(list)?)?;
        context::write(&path("log"), tail(log).unwrap_or_default())?;
        context::write(&path("json"), serde_json::to_string(kept)? + "\n")?;
        self.forget(&path("json"))
    }

    /// Removes the oldest verdicts beside this one.
    fn forget(&self, newest: &Utf8Path) -> Result<()> {
        let Some(dir) = newest.parent() else { return Ok(()) };
        let mut found = Vec::new();
        for entry in dir.read_dir_utf8().with_context(|| format!("could not list {dir}"))? {
            let path = entry.with_context(|| format!("could not list {dir}"))?.into_path();
            if path.extension() == Some("json") {
                let modified = path.metadata().and_then(|it| it.modified()).ok();
                found.push((modified, path));
            }
        }
        found.sort();
        let old = found.len().saturating_sub(KEPT);
        for (_, path) in found.iter().take(old).filter(|it| it.1 != newest) {
            for ending in ["json", "list", "log", "earlier.log"] {
                // Another run may have been faster.
                let _ = std::fs::remove_file(path.with_extension(ending));
            }
        }
        Ok(())
    }

    /// The verdict for a fingerprint; `None` when there is none.
    ///
    /// # Errors
    /// When there is one that cannot be read.
    pub fn get(&self, project: &str, stage: &str, fingerprint: &str) -> Result<Option<Kept>> {
        let path = self.path(project, stage, fingerprint, "json");
        if !path.exists() {
            return Ok(None);
        }
        Ok(Some(read(&path)?).filter(|it| it.fingerprint == fingerprint))
    }

    /// The list of inputs of a verdict: what explains why another list has none.
    ///
    /// # Errors
    /// When it is not there or cannot be read.
    pub fn list(&self, kept: &Kept) -> Result<Vec<Line>> {
        let path = self.path(&kept.project, &kept.stage, &kept.fingerprint, "list");
        let text = std::fs::read_to_string(&path).with_context(|| format!("could not read {path}"))?;
        let line = |it: &str| {
            let (part, of, key, value): (Part, String, String, String) = serde_json::from_str(it)?;
            Ok(Line { part, of, key, value })
        };
        let lines: Result<Vec<Line>> = text.lines().map(line).collect();
        lines.with_context(|| format!("{path} is no list of inputs"))
    }

    /// Every verdict that can be read, by project and stage, the newest last; and a warning for each that cannot.
    pub fn all(&self) -> (ByJob, Vec<String>) {
        let (mut found, mut warnings) = (ByJob::new(), Vec::new());
        for dir in entries(&self.dir, &mut warnings).into_iter().filter(|it| it.is_dir()) {
            for path in entries(&dir, &mut warnings).into_iter().filter(|it| it.extension() == Some("json")) {
                match read(&path) {
                    Ok(kept) => found.entry((kept.project.clone(), kept.stage.clone())).or_default().push(kept),
                    Err(error) => warnings.push(format!("{error:#}")),
                }
            }
        }
        found.values_mut().for_each(|it| it.sort_by_key(|it| it.when));
        (found, warnings)
    }
}

fn entries(dir: &Utf8Path, warnings: &mut Vec<String>) -> Vec<Utf8PathBuf> {
    if !dir.exists() {
        return Vec::new();
    }
    match dir.read_dir_utf8() {
        Ok(entries) => entries.flatten().map(camino::Utf8DirEntry::into_path).collect(),
        Err(error) => {
            warnings.push(format!("could not list {dir}: {error}"));
            Vec::new()
        }
    }
}

fn read(path: &Utf8Path) -> Result<Kept> {
    let text = std::fs::read_to_string(path).with_context(|| format!("could not read {path}"))?;
    let kept: Kept = serde_json::from_str(&text).with_context(|| format!("{path} is no verdict"))?;
    if kept.schema != SCHEMA {
        bail!("{path} is written in another way ({})", kept.schema);
    }
    Ok(kept)
}

/// A list as text, a line for each: paths can hold whatever they like.
fn text(list: &[Line]) -> Result<String> {
    let mut text = String::new();
    for Line { part, of, key, value } in list {
        text += &serde_json::to_string(&(part, of, key, value))?;
        text.push('\n');
    }
    Ok(text)
}

fn tail(log: &Utf8Path) -> Result<Vec<u8>> {
    let mut file = std::fs::File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LOG)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A fingerprint as it is written.
pub fn written(fingerprint: &Digest) -> String {
    hex(fingerprint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(fingerprint: &str, when: u64) -> Kept {
        Kept {
            schema: SCHEMA,
            project: "a".to_owned(),
            stage: "ruff".to_owned(),
            fingerprint: fingerprint.to_owned(),
            outcome: "pass".to_owned(),
            red: Vec::new(),
            when,
            commit: None,
            clean: false,
            with: With::default(),
        }
    }

    #[test]
    fn what_is_kept_comes_back_and_garbage_is_a_warning() {
        let dir = tempfile::tempdir().expect("a directory");
        let out = Utf8Path::from_path(dir.path()).expect("UTF-8");
        let store = Store::at(out);
        assert_eq!(store.all(), (BTreeMap::new(), Vec::new()));
        let log = out.join("log");
        std::fs::write(&log, "words").expect("a file");
        let line =
            Line { part: Part::Own, of: "a".to_owned(), key: "odd\npath\t\"".to_owned(), value: "file 1".to_owned() };
        let fingerprint = "5".repeat(64);
        store.keep(&kept(&fingerprint, 7), std::slice::from_ref(&line), &log).expect("kept");
        let found = store.get("a", "ruff", &fingerprint).expect("read").expect("there");
        assert_eq!(found, kept(&fingerprint, 7));
        assert_eq!(store.list(&found).expect("a list"), [line]);
        assert_eq!(std::fs::read_to_string(store.log(&found)).expect("a log"), "words");
        assert_eq!(store.get("a", "ruff", &"6".repeat(64)).expect("read"), None);

        std::fs::write(out.join("recorded/a.ruff/half.json"), "{\"schema\":").expect("a file");
        std::fs::write(out.join("recorded/stray"), "x").expect("a file");
        let (all, warnings) = store.all();
        assert_eq!((all.len(), warnings.len()), (1, 1), "{warnings:?}");
    }

    #[test]
    fn the_oldest_go() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::at(Utf8Path::from_path(dir.path()).expect("UTF-8"));
        for number in 0..KEPT + 3 {
            store.keep(&kept(&format!("{number:064x}"), 1), &[], Utf8Path::new("/nowhere")).expect("kept");
            // All of one second: the order is that of the file system's own clock.
            let path = store.path("a", "ruff", &format!("{number:064x}"), "json");
            let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(number as u64);
            std::fs::File::open(&path).and_then(|it| it.set_modified(time)).unwrap_or_default();
        }
        let (all, _) = store.all();
        assert!(all[&("a".to_owned(), "ruff".to_owned())].len() <= KEPT + 1);
    }
}
