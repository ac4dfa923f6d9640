//! Undeclared reads: what a stage read of the repository although it is not in its list of inputs.
//!
//! pytest and sphinx run under a hook (`undeclared/watch.py`) that writes down what they open, list and start. What of it
//! is a file of the repository and not in the list makes the stage red: the plan would not select the stage when that
//! file changes. Must not weigh what was read: in the list or not is all.

use anyhow::{Result, bail};
use camino::{Utf8Path, Utf8PathBuf};

use crate::context::{self, Context};
use crate::discover::Project;
use crate::environments::{self, Kind};
use crate::proc::Call;
use crate::reads::Allowed;
use crate::stages;
use crate::verdict::Case;

mod advice;
mod log;

use advice::{Finding, Found};
use log::{Act, Entry};

const WATCH: &str = include_str!("undeclared/watch.py");
/// Executed by every interpreter of the environment at its start. The hook's bytecode is kept although the environment
/// of stages says otherwise: each process that a test starts would compile it anew.
const LOADER: &str = "import sys; _kept = sys.dont_write_bytecode; sys.dont_write_bytecode = False; import xtask_watch; \
                      sys.dont_write_bytecode = _kept\n";

/// One watched run.
#[derive(Debug)]
pub struct Watch {
    log: Utf8PathBuf,
    /// Where a copy of the project stands, if the stage works on one.
    tree: Utf8PathBuf,
}

impl Watch {
    /// Puts the hook into the project's `dev` environment. `scratch` is the stage's; its `tree`, if there is one, is the
    /// copy that the stage works on.
    ///
    /// # Errors
    /// When there is no environment or it cannot be written.
    pub fn set_up(ctx: &Context, project: &Project, scratch: &Utf8Path) -> Result<Watch> {
        let site = environments::site_packages(&environments::path(&ctx.out, project, Kind::Dev))?;
        // The name sorts before those of editable packages, whose code may already read something.
        for (name, text) in [("xtask_watch.py", WATCH), ("0-xtask-watch.pth", LOADER)] {
            let path = site.join(name);
            // pytest and pages share the environment and may be here at the same moment.
            if std::fs::read_to_string(&path).ok().as_deref() != Some(text) {
                context::write(&path, text)?;
            }
        }
        Ok(Watch { log: scratch.join("reads.jsonl"), tree: scratch.join("tree") })
    }

    /// A process that is watched, with every Python process that it starts.
    pub fn on(&self, ctx: &Context, call: Call) -> Call {
        let root = &ctx.repo.root;
        call.env("XTASK_WATCH", format!("{}\n{root}/\n{root}/target/\n{}/", self.log, self.tree))
    }

    /// One finding for each file or directory that was read and is not in the stage's list.
    ///
    /// # Errors
    /// When nothing was watched: then nobody knows what was read.
    pub fn cases(&self, ctx: &Context, project: &Project) -> Result<Vec<Case>> {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let entries = log::parse(&text)?;
        if !entries.iter().any(|it| it.act == Act::Start) {
            bail!("what the stage read could not be watched: {} was not written; see the log", self.log);
        }
        let stage = stages::find(ctx.stage)?;
        let allowed = Allowed::of(ctx.repo, project, stage);
        let mut findings: Vec<Finding> = Vec::new();
        for entry in log::merge(entries) {
            let Some(found) = self.found(ctx, &allowed, &entry) else { continue };
            if !findings.iter().any(|it| it.found == found) {
                let by = self.by(ctx, project, &entry);
                findings.push(Finding { found, by });
            }
        }
        let manifest = project.path("pyproject.toml");
        let text = std::fs::read_to_string(ctx.repo.abs(&manifest)).unwrap_or_default();
        Ok(advice::cases(ctx.repo, project, ctx.stage, &text, findings))
    }

    /// What of the repository was read, if it is not in the list.
    fn found(&self, ctx: &Context, allowed: &Allowed, entry: &Entry) -> Option<Found> {
        let path = self.resolve(ctx, allowed, &log::source(&entry.path))?;
        if ctx.repo.has(&path) {
            let found = if entry.act == Act::Name { Found::Named(path.clone()) } else { Found::File(path.clone()) };
            return (entry.act != Act::List && !allowed.file(&path)).then_some(found);
        }
        // That a command names a directory says nothing of what it reads there.
        let lists = matches!(entry.act, Act::List | Act::Link) && ctx.repo.under(&path).next().is_some();
        (lists && !allowed.directory(&path)).then_some(Found::Directory(path))
    }

    /// The file or directory of the repository behind a path; `None` when it is none, or is reached by a link in the list,
    /// with which the list holds what is behind it.
    fn resolve(&self, ctx: &Context, allowed: &Allowed, path: &Utf8Path) -> Option<Utf8PathBuf> {
        let inner = match path.strip_prefix(&self.tree) {
            // The copy holds what is in the list and what the stage itself has made.
            Ok(_) if path.exists() => return None,
            Ok(inner) => inner,
            Err(_) => path.strip_prefix(&ctx.repo.root).ok()?,
        };
        if ctx.repo.has(inner) || ctx.repo.under(inner).next().is_some() {
            return Some(inner.to_owned());
        }
        if let Some(link) = inner.ancestors().skip(1).find(|it| ctx.repo.has(it))
            && allowed.file(link)
        {
            return None;
        }
        // What is generated, ignored or elsewhere in the end is no file of the repository.
        let real = ctx.repo.abs(inner).canonicalize_utf8().ok()?;
        real.strip_prefix(&ctx.repo.root).ok().map(Utf8Path::to_owned)
    }

    /// Who read it, as far as that is known.
    fn by(&self, ctx: &Context, project: &Project, entry: &Entry) -> String {
        let at = entry.at.as_deref().and_then(|it| {
            let (file, line) = it.rsplit_once(':')?;
            let file = Utf8Path::new(file);
            let inner = file.strip_prefix(&self.tree).ok().or_else(|| file.strip_prefix(&ctx.repo.root).ok())?;
            Some(format!("{inner}:{line}"))
        });
        // pytest adds the phase: `tests/test_a.py::test_b (call)`.
        let test = entry.test.as_deref().map(|it| it.rsplit_once(" (").map_or(it, |(name, _)| name));
        match (test, at) {
            (Some(test), Some(at)) => format!("by {test} at {at}"),
            (Some(test), None) => format!("by {test}"),
            (None, Some(at)) => format!("at {at}"),
            (None, None) if ctx.stage == "pages" => format!("by the documentation of {}", project.name),
            (None, None) => format!("while {} ran", ctx.stage),
        }
    }
}
