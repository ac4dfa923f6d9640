//! `target/ci` before and after a run: what earlier runs left is taken away, the reports of this one are written.
//!
//! Must not know what is in a report: `junit.rs` and `gitlab.rs` do.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};
use camino::Utf8Path;

use crate::handover::Handed;
use crate::run::Record;
use crate::{context, gitlab, images, junit, verdicts};

/// Holds `target/ci` for one run, waiting for another to end: two in one work tree would write the same files.
///
/// # Errors
/// When it cannot be made or locked.
pub fn only_one(out: &Utf8Path, say: &dyn Fn(&str)) -> Result<std::fs::File> {
    if out.is_symlink() {
        // What runs leave is emptied again and again: it must not be somebody else's directory.
        bail!("{out} is a symbolic link; remove it, and make `target` the link where the space is elsewhere");
    }
    std::fs::create_dir_all(out).with_context(|| format!("could not create {out}, where runs leave everything"))?;
    let path = out.join("lock");
    let file = std::fs::File::create(&path).with_context(|| format!("could not create {path}"))?;
    if file.try_lock().is_err() {
        say(&format!("another run works in {out}; waiting for it to end"));
        file.lock().with_context(|| format!("could not lock {path}"))?;
    }
    Ok(file)
}

/// Makes `target/ci` ready: what earlier runs left of these jobs must not be taken for this run's.
///
/// # Errors
/// When something cannot be removed or made.
pub fn prepare(out: &Utf8Path, handed: &Handed) -> Result<()> {
    let plan = &handed.plan;
    for dir in ["home", "empty", "work"] {
        context::remake(&out.join(dir))?;
    }
    if !handed.run.is_empty() {
        // What came from other jobs is theirs to report; their verdicts and what they have made stays.
        for dir in ["junit", "logs", "gitlab"] {
            context::remake(&out.join(dir))?;
        }
        remove_images_of_others(out, handed)?;
    }
    for (project, image) in &handed.images {
        // As if docker-build had left it.
        let text = format!("{}\n", serde_json::to_string_pretty(image)?);
        context::write(&out.join("reports").join(project).join(images::FILE), text)?;
    }
    for job in &plan.jobs {
        let name = format!("{}.{}", job.project, job.stage.name);
        for stale in [format!("logs/{name}.log"), format!("logs/{}.log", job.stage.name)] {
            remove_if_there(&out.join(stale))?;
        }
        remove_series(&out.join("junit"), &name)?;
        for kind in ["dev", "runtime"] {
            remove_if_there(&out.join(format!("logs/{}.environment-{kind}.log", job.project)))?;
        }
    }
    nothing_together(out)
}

/// Where a runner keeps its work tree, there may be images of an earlier pipeline: those that no job of this one has made go.
fn remove_images_of_others(out: &Utf8Path, handed: &Handed) -> Result<()> {
    let jobs = &handed.plan.jobs;
    let mut others: BTreeSet<&str> = jobs.iter().map(|it| it.project.as_str()).collect();
    for maker in jobs.iter().filter(|it| it.stage.name == images::MAKER) {
        others.remove(maker.project.as_str());
    }
    let not_made = others.into_iter().filter(|it| !verdicts::is_done(out, &handed.run, it, images::MAKER));
    not_made.map(|it| out.join("reports").join(it).join(images::FILE)).try_for_each(|it| remove_if_there(&it))
}

/// Removes what runs leave of all their jobs together.
///
/// # Errors
/// When something cannot be removed.
pub fn nothing_together(out: &Utf8Path) -> Result<()> {
    remove_series(out, "junit")?;
    context::remake(&out.join("gitlab"))
}

/// Removes `NAME.xml`, `NAME-2.xml` and so on.
fn remove_series(dir: &Utf8Path, name: &str) -> Result<()> {
    (1..)
        .map(|number| dir.join(numbered(name, number)))
        .take_while(|it| it.exists())
        .try_for_each(|it| remove_if_there(&it))
}

/// The name of a file that may have to be split.
fn numbered(name: &str, number: usize) -> String {
    if number == 1 { format!("{name}.xml") } else { format!("{name}-{number}.xml") }
}

fn remove_if_there(path: &Utf8Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("could not remove {path}"))
        }
        _ => Ok(()),
    }
}

/// Writes the JUnit files: one for each job, and all of them together.
///
/// # Errors
/// When one cannot be written.
pub fn junit(out: &Utf8Path, records: &[Record]) -> Result<()> {
    let write = |dir: &Utf8Path, name: &str, texts: Vec<String>| -> Result<()> {
        (1..).zip(texts).try_for_each(|(number, text)| context::write(&dir.join(numbered(name, number)), text))
    };
    for record in records {
        let name = format!("{}.{}", record.project, record.stage.name);
        write(&out.join("junit"), &name, junit::files(&name, &[record], junit::Limits::FILE))?;
    }
    let all: Vec<&Record> = records.iter().collect();
    write(out, "junit", junit::files("xtask", &all, junit::Limits::GITLAB))
}

/// Writes the reports for GitLab; what they could not hold is returned.
///
/// # Errors
/// When one cannot be written.
pub fn gitlab(out: &Utf8Path, input: &gitlab::Input) -> Result<Vec<String>> {
    let made = gitlab::reports(input);
    for file in &made.files {
        context::write(&out.join("gitlab").join(&file.name), &file.text)?;
    }
    Ok(made.notes)
}
