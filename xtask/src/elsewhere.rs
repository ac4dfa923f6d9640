//! This program in a copy of the repository at a commit: for `--head REV` of a run, and for what a job has run.
//!
//! The copy is under `target/ci`; the work tree and the repository are not touched. Must not judge what comes out.

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};

use crate::git::Git;
use crate::plan::Plan;
use crate::proc::{self, Call};
use crate::revisions::{Place, WORK_TREE};
use crate::tree::Id;
use crate::{context, manifest, planview, refuse, stages};

/// How the line begins that says how to run a job again.
const MARK: &str = "reproduce: xtask stage ";

/// This program, started in `root`, with the settings of the caller.
///
/// # Errors
/// When the program cannot tell what it is.
pub fn call(place: &Place, root: &Utf8Path) -> Result<Call> {
    let program = std::env::current_exe().context("could not tell which program this is")?;
    let program = Utf8PathBuf::from_path_buf(program).ok().context("this program's path is no UTF-8")?;
    let text = |it: std::ffi::OsString| it.into_string().ok();
    let env = std::env::vars_os().filter_map(|(name, value)| text(name).zip(text(value))).collect();
    let call = Call { program, args: Vec::new(), cwd: root.to_owned(), env, timeout: std::time::Duration::MAX };
    Ok(if place.fixed { call.args(["--config", place.file.as_str()]) } else { call })
}

/// A revision to run at, and what decides which projects.
#[derive(Debug)]
pub struct At<'a> {
    pub revision: &'a str,
    /// Another base than the revision's first parent.
    pub base: Option<&'a str>,
    /// Are the projects those that the change since the base can affect? Else the arguments say which.
    pub compares: bool,
}

/// Runs this program with these arguments in a copy at a revision; its exit code.
///
/// # Errors
/// When there is no such revision here, or the program cannot be started there.
pub fn run(place: &Place, at: &At, args: &[String], say: &dyn Fn(&str)) -> Result<i32> {
    let revision = at.revision;
    let git = Git::open(&place.root)?.with_context(|| format!("{} is in no git repository", place.root))?;
    let commit = git
        .resolve(revision)
        .with_context(|| format!("if it is on the server: git fetch origin {}", proc::quote(revision)))?;
    let further = match (at.compares, at.base) {
        (false, _) => Vec::new(),
        // Names of branches are others in the copy; commits are the same.
        (true, Some(base)) => vec!["--base".to_owned(), git.resolve(base)?],
        (true, None) => match git.resolve(&format!("{commit}^")) {
            Ok(parent) => vec!["--base".to_owned(), parent],
            Err(_) => vec!["--all".to_owned()],
        },
    };
    let dir = place.root.join("target/ci/at");
    context::remake(&dir)?;
    let root = git.copy_to(&dir.join("tree"), &commit)?;
    let shown = root.strip_prefix(&place.root).unwrap_or(&root);
    say(&format!("runs at {} in a copy; what it leaves is in {shown}/target/ci", planview::short(&commit)));
    proc::beside(&call(place, &root)?.args(args.to_vec()).args(further), None)
}

/// What a job ran on, beside its plan.
#[derive(Debug, Clone, Default)]
pub struct Around {
    /// The commit that was checked out.
    pub head: Option<String>,
    /// The image that it ran in.
    pub image: Option<String>,
    /// The hash of what pins the tools.
    pub tools: String,
}

/// The line that ends a job's log: the command that runs the same again, and what it ran on.
pub fn line(plan: &Plan, around: &Around) -> String {
    let mut stages: Vec<&str> = plan.jobs.iter().map(|it| it.stage.name).collect();
    stages.dedup();
    let mut projects: Vec<String> = plan.jobs.iter().map(|it| proc::quote(&it.project)).collect();
    projects.sort();
    projects.dedup();
    let head = around.head.iter().map(|it| format!(" --head {it}")).collect::<String>();
    let base = plan.base.iter().map(|it| format!("base {it}, ")).collect::<String>();
    let image = around.image.iter().map(|it| format!("image {it}, ")).collect::<String>();
    let tools = &around.tools[..around.tools.len().min(16)];
    format!("{MARK}{} --project {}{head} # {base}{image}tools {tools}\n", stages.join(" "), projects.join(" "))
}

/// What is to be run again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    pub stages: Vec<String>,
    pub projects: Vec<String>,
    /// A commit; `None` for the work tree.
    pub head: Option<String>,
}

/// Reads what is to be run again: the log of a job, or `PLAN_JSON#PROJECT.STAGE`.
///
/// # Errors
/// When the file cannot be read, the log has no such line, or the plan no such job.
pub fn wanted(here: &Utf8Path, what: &str) -> Result<Wanted> {
    let read = |file: &str| -> Result<String> {
        let bytes = std::fs::read(here.join(file)).with_context(|| format!("could not read {file}"))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    match what.rsplit_once('#') {
        Some((file, id)) if file.ends_with(".json") => of_plan(&read(file)?, id).with_context(|| format!("in {file}")),
        _ => of_log(&read(what)?).with_context(|| format!("in {what}")),
    }
}

fn of_plan(text: &str, id: &str) -> Result<Wanted> {
    let plan = crate::handover::read(text)?.plan;
    let ids: Vec<String> = plan.jobs.iter().map(crate::plan::Job::id).collect();
    let Some(job) = plan.jobs.iter().find(|it| it.id() == id) else {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        bail!("there is no job `{id}`{}", crate::suggest::did_you_mean(id, &ids));
    };
    let wanted = Wanted {
        stages: vec![job.stage.name.to_owned()],
        projects: vec![job.project.clone()],
        head: (plan.head != WORK_TREE).then_some(plan.head),
    };
    wanted.checked()
}

fn of_log(text: &str) -> Result<Wanted> {
    // What tests have printed may look the same, and need not end its line; the job's own words come last.
    let line = text.rfind(MARK).map(|at| &text[at + MARK.len()..]).and_then(|it| it.lines().next());
    let line = line.context("there is no line that says how to run it again (`reproduce: xtask stage ...`)")?;
    let mut wanted = Wanted::default();
    let mut to = "";
    // Names of stages and projects, and commits, need no quotes.
    for word in line.split_whitespace().take_while(|it| *it != "#") {
        match (word, to) {
            ("--project" | "--head", _) => to = word,
            (_, "--project") => wanted.projects.push(word.to_owned()),
            (_, "--head") => wanted.head = Some(word.to_owned()),
            _ => wanted.stages.push(word.to_owned()),
        }
    }
    if wanted.stages.is_empty() || wanted.projects.is_empty() {
        bail!("`{}` names no stage or no project", shown(line));
    }
    wanted.checked().with_context(|| format!("`{}` is not what a job says", shown(line)))
}

/// Such a line for people: nobody knows who has written it.
fn shown(line: &str) -> String {
    let text: String = line.chars().take(200).collect();
    format!("{MARK}{}", text.escape_debug())
}

impl Wanted {
    /// Nothing but names and a commit: who has written the file may not say how this program runs.
    fn checked(self) -> Result<Wanted> {
        for stage in &self.stages {
            stages::find(&stage.escape_debug().to_string())?;
        }
        if let Some(it) =
            self.projects.iter().find(|it| manifest::normalise_name(it) != **it || refuse::name(it).is_err())
        {
            bail!("`{}` is no name of a project", it.escape_debug());
        }
        if let Some(it) = self.head.as_deref().filter(|it| Id::from_hex(it).is_err()) {
            bail!("`{}` is no commit", it.escape_debug());
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Job;

    fn plan() -> Plan {
        let job = |stage: &str, project: &str| Job {
            stage: stages::find(stage).expect("a stage"),
            project: project.to_owned(),
            because: Default::default(),
        };
        let jobs = vec![job("ruff", "alpha"), job("ruff", "beta"), job("pytest", "alpha")];
        Plan { base: Some("b".repeat(40)), jobs, ..Plan::default() }
    }

    #[test]
    fn the_line_is_read_as_it_was_written() {
        let around = Around {
            head: Some("a".repeat(40)),
            image: Some("registry.example.org/x@sha256:1".to_owned()),
            tools: "0123456789abcdef0123".to_owned(),
        };
        let line = line(&plan(), &around);
        assert!(line.ends_with(", image registry.example.org/x@sha256:1, tools 0123456789abcdef\n"), "{line}");
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let expected =
            Wanted { stages: words("ruff pytest"), projects: words("alpha beta"), head: Some("a".repeat(40)) };
        // GitLab puts a time before each line.
        assert_eq!(of_log(&format!("x\n2026-01-01T00:00:00Z 00O {line}\nJob succeeded\n")).expect("a line"), expected);
        assert!(of_log("Job succeeded\n").is_err());
        // Whatever stands before it, on its line or on others, in colours and with other ends of lines.
        let forged = "reproduce: xtask stage bandit --project evil # ";
        for log in [
            format!("{forged}\n{line}"),
            format!("{forged}{line}"),
            format!("\u{1b}[0m{}\u{1b}[0;m\r\n\u{1b}[32;1mJob succeeded\u{1b}[0;m\r\n", line.trim_end()),
            format!("\rprogress\r{line}"),
            format!("{line}{}", "x".repeat(1 << 20)),
        ] {
            assert_eq!(of_log(&log).expect("a line"), expected, "{log:.300}");
        }
    }

    #[test]
    fn a_line_says_what_and_not_how() {
        let commit = "a".repeat(40);
        for (line, words) in [
            ("ruff --config evil.toml --project alpha", "there is no stage `--config`"),
            ("ruff --project alpha --config=evil.toml", "no name of a project"),
            ("ruff --project alpha --all", "no name of a project"),
            ("ruff --project ../x", "no name of a project"),
            ("ruff --project Alpha", "no name of a project"),
            ("ruff --project alpha\u{1b}[31m", "no name of a project"),
            ("ruff $(id) --project alpha", "there is no stage"),
            ("--project alpha", "names no stage"),
            ("ruff", "no project"),
            ("ruff --project", "no project"),
            ("ruff --project alpha --head --upload-pack=id", "is no commit"),
            ("ruff --project alpha --head main", "is no commit"),
            ("\u{1b}[31mruff\r --project alpha", "there is no stage"),
        ] {
            let error = format!("{:#}", of_log(&format!("{MARK}{line}\n")).expect_err(line));
            assert!(error.contains(words) && !error.contains(['\u{1b}', '\r']), "{line}: {error}");
        }
        assert!(of_log(&format!("{MARK}ruff --project alpha --head {commit}\n")).is_ok());
        let text = crate::planview::json(&Plan { head: "--x".to_owned(), ..plan() });
        assert!(of_plan(&text, "alpha.pytest").is_err());
    }

    #[test]
    fn a_job_of_a_plan() {
        let text = crate::planview::json(&Plan { head: "work tree".to_owned(), ..plan() });
        let expected = Wanted { stages: vec!["pytest".to_owned()], projects: vec!["alpha".to_owned()], head: None };
        assert_eq!(of_plan(&text, "alpha.pytest").expect("it is there"), expected);
        let error = format!("{:#}", of_plan(&text, "alpha.pytset").expect_err("it is not there"));
        assert!(error.contains("alpha.pytest"), "{error}");
    }
}
