//! The command line: flags -> discover -> plan -> run -> report.
//!
//! The only file that prints results, writes reports and exits. Must not know any tool.

use std::io::{IsTerminal, Write};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use clap::Parser;
use xtask::decide::{self, Decision};
use xtask::discover::Repo;
use xtask::flags::{Command, Flags, How, Selection};
use xtask::live::Live;
use xtask::plan::Plan;
use xtask::revisions::Place;
use xtask::run::{self, Options, Record};
use xtask::tools::{self, Tools};
use xtask::verdicts::Witness;
use xtask::{audit, clean, context, doctor, graphview, junit, planview, proc, report};

fn main() {
    let flags = Flags::parse();
    let code = dispatch(flags).unwrap_or_else(|error| {
        anstream::eprintln!("error: {error:#}");
        2
    });
    std::process::exit(code);
}

fn dispatch(flags: Flags) -> Result<i32> {
    let here = std::env::current_dir().context("could not tell the current directory")?;
    let here =
        Utf8PathBuf::from_path_buf(here).map_err(|path| anyhow::anyhow!("{} is no UTF-8 path", path.display()))?;
    let start = Start { here, config: flags.config };
    match flags.command {
        Command::Ci { selection, stages, how } => start.go(&selection, &stages, &how),
        Command::Stage { stages, selection, how } => {
            if stages == ["clear-cache"] {
                return tidy_up(&start.repo()?, false, false);
            }
            start.go(&selection, &stages, &how)
        }
        Command::Plan { selection, stages, json, explain } => {
            let decision = start.decide(&selection, &stages)?;
            print(&match explain {
                Some(project) => decide::explain(&decision, &project, &stages)?,
                None if json => planview::json(&decision.plan),
                None => planview::table(&decision.plan),
            })?;
            Ok(0)
        }
        Command::Graph { selection, format } => {
            let decision = start.decide(&selection, &[])?;
            print(&graphview::draw(&decision.revisions.head, &decision.plan, format))?;
            Ok(0)
        }
        Command::Audit { run: Some(revision), stages, json, .. } => start.audit(&revision, &stages, json),
        Command::Audit { commits, head, json, .. } => {
            let place = decide::place(&start.here, start.config.as_deref())?;
            let steps = audit::replay(&place, &head, commits)?;
            print(&if json { serde_json::to_string_pretty(&steps)? + "\n" } else { audit::table(&steps) })?;
            Ok(if steps.iter().any(|it| it.error.is_some()) { 2 } else { 0 })
        }
        Command::Doctor { json } => start.doctor(json),
        Command::Tools { fetch } => list_tools(&start.repo()?, fetch),
        Command::Clean { dry_run, tools } => tidy_up(&start.repo()?, dry_run, tools),
    }
}

/// Where the command was started, and with which settings.
struct Start {
    here: Utf8PathBuf,
    config: Option<Utf8PathBuf>,
}

impl Start {
    fn repo(&self) -> Result<Repo> {
        Repo::load(&self.here, self.config.as_deref())
    }

    fn decide(&self, selection: &Selection, stages: &[String]) -> Result<Decision> {
        let place = decide::place(&self.here, self.config.as_deref())?;
        let text = |it: std::ffi::OsString| it.into_string().ok();
        let vars = std::env::vars_os().filter_map(|(name, value)| text(name).zip(text(value))).collect();
        decide::decide(&place, selection, stages, vars)
    }

    fn audit(&self, revision: &str, stages: &[String], json: bool) -> Result<i32> {
        let place = decide::place(&self.here, self.config.as_deref())?;
        let report = audit::rerun::run(&place, revision, stages, &|text| anstream::eprintln!("{text}"))?;
        print(&if json { serde_json::to_string_pretty(&report)? + "\n" } else { report.table() })?;
        Ok(report.exit_code())
    }

    fn doctor(&self, json: bool) -> Result<i32> {
        let place = decide::place(&self.here, self.config.as_deref())?;
        let seen = doctor::look(&place, self.repo()?, is_ci())?;
        let checks = doctor::judge(&seen);
        let colour = report::colour_wanted(std::io::stdout().is_terminal());
        print(&if json { doctor::json(&seen, &checks) } else { doctor::table(&checks, colour) })?;
        Ok(doctor::exit_code(&checks))
    }

    /// Decides, runs and reports.
    fn go(&self, selection: &Selection, stages: &[String], how: &How) -> Result<i32> {
        let started = Instant::now();
        if let Some(revision) = &selection.head {
            bail!(
                "only the work tree can be run; check {revision} out, or look with `cargo xtask plan --head {revision}`"
            );
        }
        let place = decide::place(&self.here, self.config.as_deref())?;
        let out = place.root.join("target/ci");
        let plan = self.decide(selection, stages)?.plan;
        anstream::eprint!("{}", planview::preamble(&plan));
        context::write(&out.join("plan.json"), planview::json(&plan))?;
        if plan.jobs.is_empty() {
            context::write(&out.join("junit.xml"), junit::text(&junit::nothing(&planview::nothing(&plan))))?;
            print(&planview::nothing(&plan))?;
            return Ok(0);
        }
        run(&self.repo()?, &place, &plan, &out, how, started)
    }
}

/// Runs a plan and reports.
fn run(repo: &Repo, place: &Place, plan: &Plan, out: &Utf8Path, how: &How, started: Instant) -> Result<i32> {
    let todo = run::todo(repo, plan)?;
    prepare(out, plan)?;
    let _lock = only_one(out)?;
    ctrlc::set_handler(|| {
        if proc::cancelled() {
            proc::kill_all();
            std::process::exit(130);
        }
        proc::cancel();
    })
    .context("could not listen for Ctrl-C")?;

    let tools = Tools::open(repo, &|text| anstream::eprintln!("{text}"))?;
    let live = Live::new(todo.len());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let options = Options { jobs: how.jobs.map_or(cores, usize::from), fail_fast: how.fail_fast, ci: is_ci() };
    let witness = Witness::new(place, plan);
    let records = run::run(repo, &tools, &todo, out, &options, &live);
    live.close();
    write_junit(out, &records)?;
    match witness.and_then(|it| it.keep(repo, &tools, &records, out)) {
        Ok(taken) if taken.changed > 0 => anstream::eprintln!(
            "{} verdicts are not kept: what they read has changed while they ran, so run again",
            taken.changed
        ),
        Ok(_) => {}
        Err(error) => anstream::eprintln!("warning: the verdicts of this run are not kept: {error:#}"),
    }
    let colour = report::colour_wanted(std::io::stdout().is_terminal());
    print(&report::summary(&records, started.elapsed(), colour))?;
    Ok(report::exit_code(&records, proc::cancelled()))
}

/// Is this a CI machine?
fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|it| it == "true" || it == "1")
}

/// Makes `target/ci` ready: what earlier runs left of these jobs must not be taken for this run's.
fn prepare(out: &Utf8Path, plan: &Plan) -> Result<()> {
    for dir in ["home", "empty", "work"] {
        context::remake(&out.join(dir))?;
    }
    for job in &plan.jobs {
        let name = format!("{}.{}", job.project, job.stage.name);
        for stale in [format!("logs/{name}.log"), format!("logs/{}.log", job.stage.name), format!("junit/{name}.xml")] {
            remove_if_there(&out.join(stale))?;
        }
        for kind in ["dev", "runtime"] {
            remove_if_there(&out.join(format!("logs/{}.environment-{kind}.log", job.project)))?;
        }
    }
    remove_if_there(&out.join("junit.xml"))
}

fn remove_if_there(path: &Utf8Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("could not remove {path}"))
        }
        _ => Ok(()),
    }
}

/// Two runs in one work tree would write the same files.
fn only_one(out: &Utf8Path) -> Result<std::fs::File> {
    let path = out.join("lock");
    let file = std::fs::File::create(&path).with_context(|| format!("could not create {path}"))?;
    if file.try_lock().is_err() {
        anstream::eprintln!("another run works in {out}; waiting for it to end");
        file.lock().with_context(|| format!("could not lock {path}"))?;
    }
    Ok(file)
}

fn write_junit(out: &Utf8Path, records: &[Record]) -> Result<()> {
    for record in records {
        let name = format!("{}.{}", record.project, record.stage.name);
        let one = junit::report(&name, &[record]);
        context::write(&out.join("junit").join(format!("{name}.xml")), junit::text(&one))?;
    }
    let all: Vec<&Record> = records.iter().collect();
    context::write(&out.join("junit.xml"), junit::text(&junit::report("xtask", &all)))
}

fn list_tools(repo: &Repo, fetch: bool) -> Result<i32> {
    let say = |text: &str| anstream::eprintln!("{text}");
    let tools = Tools::open(repo, &say)?;
    if fetch {
        for tool in tools::ALL {
            tools.provide(&repo.config, *tool, &say)?;
        }
    }
    let mut rows = vec![["name", "pinned", "found", "path"].map(str::to_owned)];
    rows.extend(tools.rows(&repo.config)?);
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let (a, b, c) = (width(0), width(1), width(2));
    let lines: Vec<String> =
        rows.iter().map(|row| format!("{:a$}  {:b$}  {:c$}  {}\n", row[0], row[1], row[2], row[3])).collect();
    print(&lines.concat())?;
    Ok(0)
}

fn tidy_up(repo: &Repo, dry_run: bool, with_tools: bool) -> Result<i32> {
    let cache = with_tools.then(tools::cache_dir).transpose()?;
    let paths = clean::targets(&repo.abs("target/ci"), cache.as_deref())?;
    let verb = if dry_run { "would delete" } else { "deletes" };
    let lines: Vec<String> = paths.iter().map(|path| format!("{verb} {path}\n")).collect();
    print(&if lines.is_empty() { "nothing to delete\n".to_owned() } else { lines.concat() })?;
    if !dry_run {
        clean::delete(&paths)?;
    }
    Ok(0)
}

/// Prints to standard output; a reader that went away is no error.
fn print(text: &str) -> Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(error).context("could not write to standard output")
        }
        _ => Ok(()),
    }
}
