//! The command line: flags -> discover -> plan -> run -> report.
//!
//! The only file that prints results, writes reports and exits. Must not know any tool.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use clap::Parser;
use xtask::context::is_ci;
use xtask::decide::{self, Decision};
use xtask::discover::Repo;
use xtask::flags::{Command, Flags, How, Selection};
use xtask::handover::Handed;
use xtask::live::Live;
use xtask::plan::Job;
use xtask::recorded::Witness;
use xtask::revisions::Place;
use xtask::run::{self, Options, Record};
use xtask::tools::{self, Tools};
use xtask::{
    audit, check, clean, context, doctor, elsewhere, emission, emit, gitlab, graphview, image, init, junit, leave,
    planview, proc, report, times, verdicts,
};

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
        Command::Stage { stages, selection, plan, how } => {
            if stages == ["clear-cache"] {
                return clear_cache(&start.place()?.root);
            }
            let compares = selection.all || selection.base.is_some() || selection.head.is_some();
            let given = || std::env::var(emit::PLAN).ok().filter(|it| !compares && !it.is_empty());
            match plan.or_else(given) {
                Some(plan) => start.go_handed(&plan, &selection, &stages, &how),
                None if stages.is_empty() => bail!("name a stage, or hand a plan over with --plan"),
                None => start.go(&selection, &stages, &how),
            }
        }
        Command::Plan { selection, stages, json, explain } => {
            let decision = start.decide(&selection, &stages)?;
            if let Err(why) = decide::may_begin(&start.place()?, &decision) {
                anstream::eprintln!("warning: no run begins like this: {why:#}");
            }
            print(&match explain {
                Some(project) => decide::explain(&decision, &project, &stages)?,
                None if json => planview::json(&decision.plan),
                None => planview::table(&decision.plan),
            })?;
            // The process ends here: to free ten thousand projects one by one takes longer than to print about them.
            std::mem::forget(decision);
            Ok(0)
        }
        Command::Emit { check: Some(file), level, .. } => {
            let (words, code) =
                check::check(&start.repo()?, &start.here, &file, level, &|text| anstream::eprintln!("{text}"))?;
            print(&words)?;
            Ok(code)
        }
        Command::Emit { selection, output, part, .. } => start.emit(&selection, output.as_deref(), part.as_deref()),
        Command::Init { component } => start.init(&component),
        Command::Graph { selection, format } => {
            let decision = start.decide(&selection, &[])?;
            print(&graphview::draw(&decision.revisions.head, &decision.plan, format))?;
            Ok(0)
        }
        Command::Audit { run: Some(revision), stages, json, .. } => start.audit(&revision, &stages, json),
        Command::Audit { commits, head, json, .. } => {
            let place = start.place()?;
            let steps = audit::replay(&place, &head, commits)?;
            print(&if json { serde_json::to_string_pretty(&steps)? + "\n" } else { audit::table(&steps) })?;
            Ok(if steps.iter().any(|it| it.error.is_some()) { 2 } else { 0 })
        }
        Command::Image(wish) => {
            let repo = start.repo()?;
            let _lock = (!wish.name).then(|| only_one(&repo.abs("target/ci"))).transpose()?;
            print(&image::command(&repo, &wish, &|text| anstream::eprintln!("{text}"))?)?;
            Ok(0)
        }
        Command::Reproduce { what, how } => {
            let wanted = elsewhere::wanted(&start.here, &what)?;
            let selection = Selection { projects: wanted.projects, head: wanted.head, ..Selection::default() };
            start.go(&selection, &wanted.stages, &how)
        }
        Command::Times { files } => start.times(&files),
        Command::Doctor { json } => start.doctor(json),
        Command::Tools { fetch } => list_tools(&start.repo()?, fetch),
        Command::Clean { dry_run, tools } => tidy_up(&start.place()?.root, dry_run, tools),
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

    fn place(&self) -> Result<Place> {
        decide::place(&self.here, self.config.as_deref())
    }

    fn decide(&self, selection: &Selection, stages: &[String]) -> Result<Decision> {
        let place = self.place()?;
        let text = |it: std::ffi::OsString| it.into_string().ok();
        let vars = std::env::vars_os().filter_map(|(name, value)| text(name).zip(text(value))).collect();
        let decision = decide::decide(&place, selection, stages, vars)?;
        decision.revisions.warnings.iter().for_each(|it| anstream::eprintln!("warning: {it}"));
        Ok(decision)
    }

    fn audit(&self, revision: &str, stages: &[String], json: bool) -> Result<i32> {
        let place = self.place()?;
        let report = audit::rerun::run(&place, revision, stages, &|text| anstream::eprintln!("{text}"))?;
        print(&if json { serde_json::to_string_pretty(&report)? + "\n" } else { report.table() })?;
        Ok(report.exit_code())
    }

    fn doctor(&self, json: bool) -> Result<i32> {
        let place = self.place()?;
        let seen = doctor::look(&place, Repo::load_what_can_be(&self.here, self.config.as_deref())?, is_ci())?;
        let checks = doctor::judge(&seen);
        let colour = report::colour_wanted(std::io::stdout().is_terminal());
        print(&if json { doctor::json(&seen, &checks) } else { doctor::table(&checks, colour) })?;
        Ok(doctor::exit_code(&checks))
    }

    /// Decides, runs and reports.
    fn go(&self, selection: &Selection, stages: &[String], how: &How) -> Result<i32> {
        let started = Instant::now();
        let place = self.place()?;
        if let Some(revision) = &selection.head {
            let compares = !selection.all && selection.projects.is_empty();
            let at = elsewhere::At { revision, base: selection.base.as_deref(), compares };
            let args = arguments(selection, stages, how);
            return elsewhere::run(&place, &at, &args, &|text| anstream::eprintln!("{text}"));
        }
        let out = place.root.join("target/ci");
        let _lock = only_one(&out)?;
        let decision = self.decide(selection, stages)?;
        decide::may_begin(&place, &decision)?;
        let plan = decision.plan;
        anstream::eprint!("{}", planview::preamble(&plan));
        context::write(&out.join("plan.json"), planview::json(&plan))?;
        if plan.jobs.is_empty() {
            leave::nothing_together(&out)?;
            context::write(&out.join("junit.xml"), junit::text(&junit::nothing(&planview::nothing(&plan))))?;
            print(&planview::nothing(&plan))?;
            return Ok(0);
        }
        let handed = Handed { plan, ..Handed::default() };
        run(&self.repo()?, &place, &handed, how, started, self.config.as_deref())
    }

    /// Runs the jobs of a plan that was handed over, compares nothing, and reports.
    fn go_handed(&self, plan: &str, selection: &Selection, stages: &[String], how: &How) -> Result<i32> {
        let started = Instant::now();
        let handed = emission::handed(&self.here, plan)?;
        if handed.plan.jobs.is_empty() {
            // The job that has nothing to do has no repository either.
            let said = planview::nothing(&handed.plan);
            context::write(&self.here.join("target/ci/junit.xml"), junit::text(&junit::nothing(&said)))?;
            print(&said)?;
            return Ok(0);
        }
        let handed = handed.only(stages, &selection.projects)?;
        if handed.plan.jobs.is_empty() {
            bail!("the plan that was handed over has no job of {}", stages.join(", "));
        }
        let repo = self.repo()?;
        let out = repo.root.join("target/ci");
        let _lock = only_one(&out)?;
        anstream::eprint!("{}", planview::preamble(&handed.plan));
        context::write(&out.join("plan.json"), planview::json(&handed.plan))?;
        run(&repo, &self.place()?, &handed, how, started, self.config.as_deref())
    }

    /// Keeps how long jobs took, in the file that is committed.
    fn times(&self, files: &[Utf8PathBuf]) -> Result<i32> {
        let place = self.place()?;
        let names: BTreeSet<String> =
            self.decide(&Selection { all: true, ..Selection::default() }, &[])?.plan.jobs.iter().map(Job::id).collect();
        let files: Vec<Utf8PathBuf> = files.iter().map(|it| self.here.join(it)).collect();
        let count = times::keep(&place.root, &place.root.join("target/ci"), &files, &|id| names.contains(id))?;
        print(&format!("{} has the times of {count} of {} jobs\n", times::KEPT, names.len()))?;
        Ok(0)
    }

    /// Sets up a repository and shows its first plan.
    fn init(&self, component: &str) -> Result<i32> {
        let done = init::init(&self.here, component)?;
        print(&done.words(component))?;
        let root = Start { here: done.root.clone(), config: None };
        print(&init::beside(&done, &root.place()?)?)?;
        let plan = root.decide(&Selection { all: true, ..Selection::default() }, &[])?.plan;
        print(&format!("\n{}\n", planview::table(&plan)))?;
        print("next: look through ci/, commit, then `xtask ci --all`\n")?;
        Ok(i32::from(!done.left.is_empty()))
    }

    /// Writes the child pipeline.
    fn emit(&self, selection: &Selection, output: Option<&Utf8Path>, part: Option<&str>) -> Result<i32> {
        let decision = self.decide(selection, &[])?;
        let place = self.place()?;
        decide::may_begin(&place, &decision)?;
        let (text, said) = emission::make(&place, &decision, part)?;
        anstream::eprint!("{said}");
        match output {
            Some(file) => context::write(&self.here.join(file), text)?,
            None => print(&text)?,
        }
        Ok(0)
    }
}

/// The same wish as words, for a run elsewhere; but for the revisions.
fn arguments(selection: &Selection, stages: &[String], how: &How) -> Vec<String> {
    let mut words = vec!["ci".to_owned()];
    let mut list = |flag: &str, values: &[String]| {
        if !values.is_empty() {
            words.push(flag.to_owned());
            words.extend(values.iter().cloned());
        }
    };
    list("--stage", stages);
    list("--project", &selection.projects);
    let jobs: Vec<String> = how.jobs.iter().map(u16::to_string).collect();
    list("--jobs", &jobs);
    words.extend(selection.all.then(|| "--all".to_owned()));
    words.extend(how.fail_fast.then(|| "--fail-fast".to_owned()));
    words
}

/// Runs a plan and reports.
fn run(
    repo: &Repo,
    place: &Place,
    handed: &Handed,
    how: &How,
    started: Instant,
    config: Option<&Utf8Path>,
) -> Result<i32> {
    let began = gitlab::read::now()?;
    let out = &place.root.join("target/ci");
    let plan = &handed.plan;
    let todo = run::todo(repo, plan)?;
    if !repo.no_projects.is_empty() {
        let list: Vec<&str> = repo.no_projects.iter().map(|it| it.as_str()).collect();
        anstream::eprintln!("no project, for it has no [project] table, so nothing looks at it: {}", list.join(", "));
    }
    leave::prepare(out, handed)?;
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
    let cores = xtask::threads::processors();
    let witness = Witness::new(place, plan);
    let options = Options {
        jobs: how.jobs.map_or(cores, usize::from),
        fail_fast: how.fail_fast,
        ci: is_ci(),
        outside: verdicts::outside(out, handed)?,
        tags: witness.as_ref().map(|it| it.tags(&repo.config.docker_build)).unwrap_or_default(),
    };
    let mut records = run::run(repo, &tools, &todo, out, &options, &live);
    live.close();
    record(witness, repo, &tools, &mut records, out);
    leave::junit(out, &records)?;
    times::write(out, &records)?;
    if !handed.run.is_empty() {
        verdicts::write(out, &handed.run, &records)?;
    }
    let colour = report::colour_wanted(std::io::stdout().is_terminal());
    print(&report::summary(&records, started.elapsed(), colour, config))?;
    let notes = leave::gitlab(out, &gitlab::read::input(repo, &tools, out, &records, began)?)?;
    print(&notes.iter().map(|it| format!("note: {it}\n")).collect::<String>())?;
    if !handed.run.is_empty() {
        print(&elsewhere::line(plan, &emission::around(place, &tools)))?;
    }
    let code = report::exit_code(&records, proc::cancelled());
    // What holds it back is red in another job of the pipeline, and nothing here is.
    let held_back = code == 0 && !handed.elsewhere.is_empty() && records.iter().any(|it| it.blocked);
    Ok(if held_back { emit::HELD_BACK } else { code })
}

/// Keeps the verdicts of a run; that it cannot is no matter of the run.
fn record(witness: Result<Witness>, repo: &Repo, tools: &Tools, records: &mut [Record], out: &Utf8Path) {
    match witness.and_then(|it| it.keep(repo, tools, records, out)) {
        Ok(taken) if taken.changed > 0 => anstream::eprintln!(
            "{} verdicts are not kept: what they read has changed while they ran, so run again",
            taken.changed
        ),
        Ok(_) => {}
        Err(error) => anstream::eprintln!("warning: the verdicts of this run are not kept: {error:#}"),
    }
}

/// Two runs in one work tree would write the same files.
fn only_one(out: &Utf8Path) -> Result<std::fs::File> {
    leave::only_one(out, &|text| anstream::eprintln!("{text}"))
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

fn tidy_up(root: &Utf8Path, dry_run: bool, with_tools: bool) -> Result<i32> {
    let cache = with_tools.then(tools::cache_dir).transpose()?;
    let out = root.join("target/ci");
    let paths = clean::targets(root, &out, cache.as_deref())?;
    let _lock = if out.is_dir() && !dry_run { Some(only_one(&out)?) } else { None };
    let verb = if dry_run { "would delete" } else { "deletes" };
    let lines: Vec<String> = paths.iter().map(|path| format!("{verb} {path}\n")).collect();
    print(&if lines.is_empty() { "nothing to delete\n".to_owned() } else { lines.concat() })?;
    if !dry_run {
        clean::delete(&paths)?;
    }
    Ok(0)
}

/// Deletes what runs have left; in a job of GitLab also what its cache holds, for which something must stay.
fn clear_cache(root: &Utf8Path) -> Result<i32> {
    let cache = root.join(emit::UV_CACHE);
    if is_ci() && cache.parent().is_some_and(|it| it.is_dir()) {
        context::remake(&cache)?;
        context::write(&cache.join("cleared"), "")?;
    }
    tidy_up(root, false, false)
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
