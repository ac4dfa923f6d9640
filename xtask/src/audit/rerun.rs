//! Runs everything at a revision, in a copy of the repository, and compares the verdicts with those that were recorded.
//!
//! The copy is under `target/ci/audit`; the work tree and the repository are not touched. This same program runs there.

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};

use super::holes::{Hole, Kind, Report, Suspect, Told, compare};
use crate::git::Git;
use crate::proc;
use crate::recorded::{Kept, Store};
use crate::revisions::Place;
use crate::{context, elsewhere, stages};

/// How often a stage is run again before its verdict is believed.
const AGAIN: usize = 3;

/// The copy and how to run in it.
struct Copy<'a> {
    place: &'a Place,
    git: &'a Git,
    /// `target/ci/audit`, absolute.
    dir: Utf8PathBuf,
    /// What the root of the repository is in the copy.
    root: Utf8PathBuf,
    commit: String,
    recorded: Store,
}

/// Runs everything at a revision and compares; only some stages when they are named.
///
/// # Errors
/// When there is no such revision, no recorded verdict, or the run there does not come about.
pub fn run(place: &Place, revision: &str, names: &[String], say: &dyn Fn(&str)) -> Result<Report> {
    for name in names {
        stages::find(name)?;
    }
    let git = Git::open(&place.root)?.with_context(|| format!("{} is in no git repository", place.root))?;
    let commit = git.resolve(revision)?;
    let recorded = Store::at(&place.root.join("target/ci"));
    let (before, warnings) = recorded.all();
    if before.is_empty() {
        bail!("no run has left a verdict in target/ci/recorded to compare with; `cargo xtask ci --all` does");
    }
    let dir = place.root.join("target/ci/audit");
    context::remake(&dir)?;
    let root = git.copy_to(&dir.join("tree"), &commit)?;
    let copy = Copy { place, git: &git, dir, root, commit, recorded };

    let mut args = vec!["ci", "--all"];
    args.extend(names.iter().flat_map(|it| ["--stage", it.as_str()]));
    say(&format!("runs everything at {revision} in a copy; its report will be in target/ci/audit/run.log"));
    copy.child(&args)?;
    let (now, _) = copy.store().all();
    if now.is_empty() {
        bail!("the run at {revision} gave no verdict; what it said is in target/ci/audit/run.log");
    }
    let found = compare(&before, &now);
    let mut holes = Vec::new();
    for (before, now) in &found.differing {
        say(&format!("{} of {} differs from what was recorded; runs it again", now.stage, now.project));
        holes.push(copy.examine(before, now)?);
    }
    if holes.is_empty() {
        let tree = copy.dir.join("tree");
        std::fs::remove_dir_all(&tree).with_context(|| format!("could not remove {tree}"))?;
    }
    let compared = found.equal + found.differing.len();
    let Copy { commit: revision, .. } = copy;
    Ok(Report { schema: 1, revision, compared, unknown: found.unknown, elsewhere: found.elsewhere, holes, warnings })
}

impl Copy<'_> {
    fn store(&self) -> Store {
        Store::at(&self.root.join("target/ci"))
    }

    /// This program in the copy.
    fn child(&self, args: &[&str]) -> Result<()> {
        let call = elsewhere::call(self.place, &self.root)?.args(args.to_vec());
        let code = proc::beside(&call, Some(&self.dir.join("run.log")))?;
        if !matches!(code, 0..=2) {
            bail!("`xtask {}` in {} ended with exit code {code}", args.join(" "), self.root);
        }
        Ok(())
    }

    /// Tells a hole from a stage that is flaky: the same inputs again, and again.
    fn examine(&self, before: &Kept, now: &Kept) -> Result<Hole> {
        let log = self.dir.join(format!("{}.{}.log", now.project, now.stage));
        let bytes = std::fs::read(self.store().log(now)).unwrap_or_default();
        context::write(&log, bytes)?;
        let mut again = Vec::new();
        let mut kind = Kind::Hole;
        while again.len() < AGAIN && kind == Kind::Hole {
            self.child(&["stage", &now.stage, "--project", &now.project])?;
            let Some(next) = self.store().get(&now.project, &now.stage, &now.fingerprint)? else {
                bail!("{} of {} gave no verdict when it was run again", now.stage, now.project);
            };
            if !next.same_as(now) {
                kind = Kind::Flaky;
            }
            again.push(next.told());
        }
        let told = |it: &Kept, log: &Utf8Path| Told {
            verdict: it.told(),
            commit: it.commit.clone(),
            clean: it.clean,
            log: log.strip_prefix(&self.place.root).unwrap_or(log).to_owned(),
        };
        let old_log = self.recorded.log(before);
        Ok(Hole {
            kind,
            project: now.project.clone(),
            stage: now.stage.clone(),
            fingerprint: now.fingerprint.clone(),
            recorded: told(before, &old_log),
            now: told(now, &log),
            again,
            suspects: self.suspects(before, now, &[&old_log, &log]),
        })
    }

    /// What differs between the two commits and is not in the list. Nothing, where that cannot be told.
    fn suspects(&self, before: &Kept, now: &Kept, logs: &[&Utf8Path]) -> Vec<Suspect> {
        let changes = before.commit.as_deref().map(|it| self.git.changes(it, &self.commit));
        let Some(Ok(changes)) = changes else { return Vec::new() };
        let list = self.store().list(now).unwrap_or_default();
        let words: String = logs
            .iter()
            .map(|it| String::from_utf8_lossy(&std::fs::read(it).unwrap_or_default()).into_owned())
            .collect();
        let outside = changes.iter().filter(|change| !list.iter().any(|it| it.key == change.path));
        let mut found: Vec<Suspect> = outside
            .map(|change| {
                let name = change.path.file_name().unwrap_or_default();
                Suspect { path: change.path.to_string(), named: words.contains(name) }
            })
            .collect();
        found.sort_by_key(|it| !it.named);
        found
    }
}
