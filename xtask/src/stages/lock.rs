//! lock: does each `uv.lock` still say what the manifests say, for the project and for everything that depends on it?
//!
//! A dependency added to a library makes the locks of its dependants stale, and `--frozen` hides that everywhere else.
//! Must not write a lock.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};

use crate::context::{self, Context};
use crate::discover::Project;
use crate::environments;
use crate::proc::{self, Call, Done};
use crate::verdict::{Case, Verdict};

/// What uv thinks of one lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Current,
    /// The project is at fault: the rule, what is wrong, uv's own words.
    Fault(&'static str, String, String),
    /// uv could not tell.
    Trouble(String),
}

/// What was asked before in this run, by the absolute directory of the lock: workspace members share one.
static ASKED: Mutex<BTreeMap<Utf8PathBuf, Arc<OnceLock<Answer>>>> = Mutex::new(BTreeMap::new());

/// Checks the project's lock and those of its dependants that do not report for themselves in this run.
///
/// # Errors
/// When a process cannot be started.
pub fn run(ctx: &Context, project: &Project) -> Result<Verdict> {
    let mut cases = vec![case(ctx, project, &project.lock_dir, None)?];
    let mut seen = vec![&project.lock_dir];
    let mut left_to_others = 0;
    for dependant in ctx.repo.dependants(project) {
        if seen.contains(&&dependant.lock_dir) {
            continue;
        }
        if ctx.selected.contains(&dependant.name) {
            left_to_others += 1;
            continue;
        }
        seen.push(&dependant.lock_dir);
        cases.push(case(ctx, project, &dependant.lock_dir, Some(&dependant.name))?);
    }
    let what = format!("{} locks checked", seen.len());
    let verdict = Verdict::of(cases, what);
    Ok(match left_to_others {
        0 => verdict,
        n => verdict.note(format!("{n} dependants report on their own locks in this run")),
    })
}

fn case(ctx: &Context, project: &Project, dir: &Utf8Path, dependant: Option<&str>) -> Result<Case> {
    let file = dir.join("uv.lock");
    let whose = dependant.map(|it| format!(" (`{it}` depends on this project)")).unwrap_or_default();
    if let Some(owner) = ctx.repo.project_in(dir)
        && ctx.repo.abs(&file).is_file()
        && owner.files.binary_search(&file).is_err()
    {
        let why =
            format!("git ignores this lock, so nobody else gets it{whose}; take it out of .gitignore and commit it");
        return Ok(Case::fail("ignored-lock", why).at(file, Some(1)));
    }
    // A file that is not there cannot be the place of a finding.
    let place = if ctx.repo.abs(&file).is_file() { file.clone() } else { dir.join("pyproject.toml") };
    Ok(match ask(ctx, project, dir)? {
        Answer::Current => Case::pass(format!("{file} is current")),
        Answer::Fault(rule, why, words) => Case::fail(rule, format!("{why}{whose}")).at(place, Some(1)).detail(words),
        Answer::Trouble(words) => {
            let (first, rest) = words.split_once('\n').unwrap_or((&words, ""));
            Case::error("lock", format!("uv could not check {file}{whose}: {first}")).at(place, None).detail(rest)
        }
    })
}

/// uv's answer, asked once for each lock in a run.
fn ask(ctx: &Context, project: &Project, dir: &Utf8Path) -> Result<Answer> {
    let key = ctx.repo.abs(dir);
    let cell = {
        let mut asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(asked.entry(key.clone()).or_default())
    };
    let mut asked_here = Ok(());
    let answer = cell.get_or_init(|| {
        check(ctx, project, dir, &key).unwrap_or_else(|error| {
            let words = format!("{error:#}");
            asked_here = Err(error);
            Answer::Trouble(words)
        })
    });
    asked_here?;
    if !ctx.log.exists() {
        let text = format!("{dir}/uv.lock was checked by another job of this run: {answer:?}\n");
        context::write(&ctx.log, text)?;
    }
    Ok(answer.clone())
}

fn check(ctx: &Context, project: &Project, dir: &Utf8Path, absolute: &Utf8Path) -> Result<Answer> {
    answer(ctx, dir, absolute, &[]).with_context(|| format!("could not check the lock of {}", project.name))
}

/// What uv can tell of a lock, given by its repo-relative directory, without a network.
///
/// # Errors
/// When uv cannot be started.
pub fn offline(ctx: &Context, dir: &Utf8Path) -> Result<Answer> {
    answer(ctx, dir, &ctx.repo.abs(dir), &["--offline"])
}

fn answer(ctx: &Context, dir: &Utf8Path, absolute: &Utf8Path, further: &[&str]) -> Result<Answer> {
    // The metadata of a local package can be dynamic: then uv runs its build backend to learn it.
    let scratch = ctx.out.join("work").join("lock").join(context::flat(dir));
    context::remake(&scratch)?;
    let call = environments::metadata_outside(beside_mirror(ctx), &scratch, "")?;
    let done =
        ctx.run(&call.args(["lock", "--check"]).args(further.to_vec()).arg("--project").arg(absolute.as_str()))?;
    let fix = format!("`uv lock --project {}`", proc::quote_dir(dir));
    judge(&done, &fix)
}

/// uv with the mirror of the settings as a further index. As the only one it would make every lock stale that names the
/// index it stands for.
fn beside_mirror(ctx: &Context) -> Call {
    let mut call = ctx.uv();
    if let Some(mirror) = &ctx.repo.config.mirrors.python_index {
        let own = context::index_env(None);
        call.env.remove("UV_DEFAULT_INDEX");
        call.env.extend(own.get("UV_DEFAULT_INDEX").map(|it| ("UV_DEFAULT_INDEX".to_owned(), it.clone())));
        let indexes: Vec<&str> = own.get("UV_INDEX").map(String::as_str).into_iter().chain([mirror.as_str()]).collect();
        call = call.env("UV_INDEX", indexes.join(" "));
    }
    call
}

/// Tells what uv's words mean: its exit code is 1 for a stale lock and for most of its own troubles alike.
fn judge(done: &Done, fix: &str) -> Result<Answer> {
    if done.code == 0 {
        return Ok(Answer::Current);
    }
    let words = words(&done.stderr);
    let fault = |rule, text: String| Ok(Answer::Fault(rule, text, words.clone()));
    let says = |text: &str| done.stderr.contains(text);
    if says("needs to be updated") {
        return fault(
            "stale-lock",
            format!("the lock is stale: it does not say what the manifests say; {fix} renews it"),
        );
    }
    if says("Unable to find lockfile") {
        return fault("missing-lock", format!("there is no lock; {fix} writes it"));
    }
    if let Some(why) = environments::no_python(&done.stderr) {
        return Ok(Answer::Trouble(format!("it {why}")));
    }
    if says("network was disabled") || says("Failed to fetch") || says("error sending request") {
        return Ok(Answer::Trouble(words));
    }
    if says("No solution found") {
        return fault(
            "unsatisfiable",
            format!("no set of packages satisfies the manifests; change them, then run {fix}"),
        );
    }
    if says("Distribution not found at") {
        return fault(
            "missing-path",
            format!("a local dependency is not where the manifest says; correct it, then run {fix}"),
        );
    }
    if says("Failed to parse") {
        return fault("unreadable", format!("uv cannot read the manifest or the lock; correct it, then run {fix}"));
    }
    Ok(Answer::Trouble(words))
}

/// uv's own words without its progress lines.
fn words(stderr: &str) -> String {
    let chatter = ["Using CPython", "Resolved ", "   Building ", "      Built ", "Updating "];
    let lines = stderr.lines().filter(|line| !line.trim().is_empty());
    lines.filter(|line| !chatter.iter().any(|it| line.starts_with(it))).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(code: i32, stderr: &str) -> String {
        let done = Done { code, stdout: String::new(), stderr: stderr.to_owned(), tail: String::new() };
        match judge(&done, "`uv lock`").expect("an answer") {
            Answer::Current => "current".to_owned(),
            Answer::Fault(rule, ..) => rule.to_owned(),
            Answer::Trouble(words) => format!("trouble: {}", words.lines().next().unwrap_or_default()),
        }
    }

    #[test]
    fn what_uv_means() {
        assert_eq!(rule(0, "Resolved 2 packages in 1ms"), "current");
        let stale = "Resolved 3 packages in 145ms\nerror: The lockfile at `uv.lock` needs to be updated, but `--check` was provided.";
        assert_eq!(rule(1, stale), "stale-lock");
        let none =
            "error: No solution found when resolving dependencies\n  cause: Because only idna<=3.20 is available";
        assert_eq!(rule(1, none), "unsatisfiable");
        let offline = "error: No solution found when resolving dependencies\nhint: Packages were unavailable because the network was disabled.";
        assert_eq!(rule(1, offline), "trouble: error: No solution found when resolving dependencies");
        let refused =
            "error: Request failed after 3 retries in 6.2s\n  cause: Failed to fetch: http://127.0.0.1:9/simple/idna/";
        assert_eq!(rule(2, refused), "trouble: error: Request failed after 3 retries in 6.2s");
        assert_eq!(rule(1, "error: Distribution not found at: file:///x"), "missing-path");
        assert_eq!(rule(2, "error: Failed to parse `uv.lock`"), "unreadable");
        assert_eq!(rule(1, "error: Unable to find lockfile at `uv.lock`, but `--check` was provided."), "missing-lock");
        let none = rule(2, "error: No interpreter found for Python >=3.19\nhint: downloads are set to 'never'");
        assert!(
            none.starts_with("trouble: it needs a Python that is not here (No interpreter found for Python >=3.19)")
        );
        assert!(none.contains("downloads = true"), "{none}");
    }
}
