//! Looks at what `doctor` judges: files, git, uv, tools, the machine.
//!
//! Changes nothing but its own directory `target/ci/doctor`, fetches nothing, asks no remote. Must not judge.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};

use super::{Fresh, GitSeen, Seen, local_dirs};
use crate::config::Config;
use crate::context::{self, Context};
use crate::discover::{Refused, Repo};
use crate::git::Git;
use crate::manifest::Manifest;
use crate::revisions::Place;
use crate::stages::{docker_build, lock, vulnerabilities};
use crate::tools::{self, Tools};
use crate::{proc, waivers};

/// How long uv is asked about locks, all in all: with thousands of them the stage is the place to ask.
const PATIENCE: Duration = Duration::from_secs(30);

/// Looks at everything.
///
/// # Errors
/// When the settings cannot be read, and when git cannot read its repository.
pub fn look(place: &Place, (repo, refused): (Repo, Vec<Refused>), ci: bool) -> Result<Seen> {
    let out = repo.abs("target/ci/doctor");
    for dir in ["home", "empty", "work"] {
        context::remake(&out.join(dir))?;
    }
    let settings = place.file.strip_prefix(&repo.root).unwrap_or(&place.file).to_owned();
    let texts = texts(&repo, &place.file, &settings)?;
    let manifests: BTreeMap<Utf8PathBuf, Manifest> =
        texts.iter().filter_map(|(path, text)| Some((path.clone(), Manifest::parse(path, text).ok()?))).collect();
    let mut there: BTreeSet<Utf8PathBuf> = local_dirs(&repo.projects, &manifests);
    there.retain(|dir| ["pyproject.toml", "setup.py", "setup.cfg"].iter().any(|it| repo.abs(dir).join(it).is_file()));
    let locks: BTreeSet<&Utf8PathBuf> = repo.projects.iter().map(|it| &it.lock_dir).collect();
    there.extend(locks.iter().map(|it| it.join("uv.lock")).filter(|it| repo.abs(it).is_file()));

    let opened = Tools::look(&repo);
    let words = |error: anyhow::Error| format!("{error:#}");
    let no_tools = || "it was not asked, for there are no tools".to_owned();
    let (mut fresh, mut database, mut engine) = (BTreeMap::new(), None, Err(no_tools()));
    if let Ok(tools) = &opened {
        let desk = Desk { repo: &repo, tools, out: &out, ci };
        engine = docker_build::builder(&desk.context("docker-build", "engine")).unwrap_or_else(|it| Err(words(it)));
        if tools.grype(&repo.config).exists() {
            let found = vulnerabilities::database_here(&desk.context("vulnerabilities", "database"));
            database = Some(found.unwrap_or_else(|it| Err(words(it))));
        }
        if tools.uv.is_file() {
            let asked: Vec<&Utf8PathBuf> = locks.into_iter().filter(|it| there.contains(&it.join("uv.lock"))).collect();
            fresh = desk.ask(&asked);
        }
    }
    let rows = opened.as_ref().map_err(|it| format!("{it:#}")).and_then(|it| it.rows(&repo.config).map_err(words));
    let git = Git::open(&repo.root)?.map(|git| of_git(&git, &repo.config)).transpose()?;
    let dirs = [Some(repo.root.clone()), tools::cache_dir().ok()];
    let free = dirs.into_iter().flatten().filter_map(|dir| free(&dir).map(|it| (dir, it))).collect();
    let (today, soon) = (waivers::today(), waivers::in_days(14));
    let engine = engine.map(str::to_owned);
    let stale_tools = opened.as_ref().ok().and_then(Tools::stale);
    let refused = refused.into_iter().map(|it| (it.path, words(it.why))).collect();
    Ok(Seen {
        refused,
        stale_tools,
        settings,
        texts,
        there,
        fresh,
        git,
        tools: rows,
        engine,
        database,
        free,
        ci,
        today,
        soon,
        repo,
    })
}

/// The settings and every manifest; one that is no text has no words to look at.
fn texts(repo: &Repo, file: &Utf8Path, settings: &Utf8Path) -> Result<BTreeMap<Utf8PathBuf, String>> {
    let mut texts = BTreeMap::new();
    let text = std::fs::read_to_string(file).with_context(|| format!("could not read {file}"))?;
    texts.insert(settings.to_owned(), text);
    for path in repo.files.iter().filter(|it| it.file_name() == Some("pyproject.toml")) {
        if let Ok(bytes) = std::fs::read(repo.abs(path)) {
            texts.insert(path.clone(), String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    Ok(texts)
}

fn of_git(git: &Git, config: &Config) -> Result<GitSeen> {
    let mut seen = GitSeen {
        is_shallow: git.is_shallow()?,
        remote: git.remote()?,
        remote_head: git.remote_head()?,
        current: git.current_branch()?,
        ..GitSeen::default()
    };
    seen.default = match (&config.default_branch, &seen.remote) {
        (Some(name), remote) => {
            let far = remote.iter().map(|it| format!("refs/remotes/{it}/{name}"));
            far.chain([format!("refs/heads/{name}")]).find(|it| git.resolve(it).is_ok())
        }
        (None, Some(_)) => git.default_branch()?,
        (None, None) => None,
    };
    if seen.default.is_none() && config.default_branch.is_none() {
        // As a plan does: the branch that is checked out says nothing about what has changed on it.
        let usual = ["main", "master"].map(|it| format!("refs/heads/{it}"));
        seen.default = usual.into_iter().find(|it| Some(it) != seen.current.as_ref() && git.resolve(it).is_ok());
    }
    if git.head()?.is_some() {
        seen.commits = Some(git.depth()?);
        if let Some(default) = &seen.default {
            seen.merge_base = git.merge_base("HEAD", default)?;
        }
    }
    Ok(seen)
}

/// What it takes to ask programs.
struct Desk<'a> {
    repo: &'a Repo,
    tools: &'a Tools,
    out: &'a Utf8Path,
    ci: bool,
}

/// Nothing is built here.
static NO_TAGS: BTreeMap<String, String> = BTreeMap::new();

impl Desk<'_> {
    fn context(&self, stage: &'static str, log: &str) -> Context<'_> {
        Context {
            repo: self.repo,
            tools: self.tools,
            out: self.out.to_owned(),
            stage,
            log: self.out.join("logs").join(format!("{log}.log")),
            ci: self.ci,
            selected: &[],
            stages: &[],
            tags: &NO_TAGS,
        }
    }

    /// What uv says of each lock, several asked at once, until patience ends.
    fn ask(&self, dirs: &[&Utf8PathBuf]) -> BTreeMap<Utf8PathBuf, Fresh> {
        let until = Instant::now() + PATIENCE;
        let (next, found) = (Mutex::new(dirs.iter()), Mutex::new(BTreeMap::new()));
        let work = || {
            while let Some(dir) = next.lock().ok().and_then(|mut it| it.next()) {
                let answer = if Instant::now() < until { self.ask_one(dir) } else { Fresh::NotAsked };
                if let Ok(mut found) = found.lock() {
                    found.insert((*dir).clone(), answer);
                }
            }
        };
        let threads = crate::threads::processors();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(work);
            }
        });
        found.into_inner().unwrap_or_default()
    }

    fn ask_one(&self, dir: &Utf8Path) -> Fresh {
        let log = format!("lock.{}", context::flat(dir));
        match lock::offline(&self.context("lock", &log), dir) {
            Ok(lock::Answer::Current) => Fresh::Current,
            Ok(lock::Answer::Fault("stale-lock", why, _)) => {
                Fresh::Stale(why.split(';').next().unwrap_or_default().replace("the lock is stale: ", ""))
            }
            Ok(lock::Answer::Fault("missing-path", ..)) => Fresh::Misled,
            Ok(lock::Answer::Fault(_, why, _)) => Fresh::Stale(why),
            Ok(lock::Answer::Trouble(words)) => Fresh::Unknown(cause(&words)),
            Err(error) => Fresh::Unknown(format!("{error:#}").replace('\n', " ")),
        }
    }
}

/// The line that says why, of several.
fn cause(words: &str) -> String {
    let line = words.lines().find_map(|it| it.trim().strip_prefix("cause: "));
    line.or(words.lines().next()).unwrap_or_default().trim().to_owned()
}

/// What is free where a directory is, in MiB; `None` where nobody can say.
fn free(dir: &Utf8Path) -> Option<u64> {
    let df = proc::find_on_path("df")?;
    let text = proc::read(&df, &["-Pk", dir.as_str()], dir, &context::inherited(&["PATH"])).ok()?;
    let row = text.lines().nth(1)?;
    row.split_whitespace().nth(3)?.parse::<u64>().ok().map(|kib| kib / 1024)
}
