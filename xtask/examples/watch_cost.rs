//! What the watch on undeclared reads costs pytest: `cargo run --release --example watch_cost -- PAIRS [PROJECT...]`, at the root of a
//! repository in which `cargo xtask stage pytest` has run.
//!
//! Runs each project's pytest as the stage has last run it, in alternating pairs with the hook and without, and says the
//! median and the spread of the ratio of CPU time (user and system, children included). Must not be needed by xtask or
//! its tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use camino::Utf8Path;

/// Runs a command and prints the CPU seconds that it took with all that it has started.
const MEASURE: &str = "import resource, subprocess, sys\n\
                       code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode\n\
                       used = resource.getrusage(resource.RUSAGE_CHILDREN)\n\
                       print(code, used.ru_utime + used.ru_stime)\n";

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [pairs, projects @ ..] = &words[..] else { bail!("usage: watch_cost PAIRS [PROJECT...]") };
    let pairs: usize = pairs.parse().context("PAIRS is a number")?;
    let root = std::env::current_dir()?;
    let work = root.join("target/ci/work/pytest");
    let mut names: Vec<String> = projects.to_vec();
    if names.is_empty() {
        let entries = std::fs::read_dir(&work).with_context(|| format!("could not list {}", work.display()))?;
        names.extend(entries.flatten().map(|it| it.file_name().to_string_lossy().into_owned()));
        names.sort();
    }
    println!(
        "project        without     with   ratio: median  quartiles      least  most   of the least times   ({pairs} pairs, \
         CPU seconds)"
    );
    let (mut all, mut sums) = (Vec::new(), [0.0, 0.0]);
    for name in &names {
        let (mut without, mut with) = Bench::new(&root, name)?.pairs(pairs)?;
        let mut ratios: Vec<f64> = without.iter().zip(&with).map(|(without, with)| with / without).collect();
        all.extend(ratios.clone());
        let medians = [at(&mut without, 0.5), at(&mut with, 0.5)];
        sums = [sums[0] + medians[0], sums[1] + medians[1]];
        // On a noisy machine the least times of many say more than the middle of the ratios.
        let least = at(&mut with, 0.0) / at(&mut without, 0.0);
        println!("{name:<14} {:>7.3}  {:>7.3}  {}  {least:.3}", medians[0], medians[1], spread(&mut ratios));
    }
    println!("{:<14} {:>7.3}  {:>7.3}  {}", "all", sums[0], sums[1], spread(&mut all));
    println!("sum of the medians: {:+.1} %", (sums[1] / sums[0] - 1.0) * 100.0);
    Ok(())
}

fn spread(ratios: &mut [f64]) -> String {
    let [low, half, high] = [0.25, 0.5, 0.75].map(|part| at(ratios, part));
    let [least, most] = [0.0, 1.0].map(|part| at(ratios, part));
    format!("{half:>14.3}  {low:.3} {high:.3}  {least:.3}  {most:.3}")
}

/// What stands at this part of the sorted values.
fn at(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values.get((last as f64 * part).round() as usize).copied().unwrap_or(f64::NAN)
}

/// One project's pytest.
struct Bench {
    project: PathBuf,
    python: PathBuf,
    scratch: PathBuf,
    env: BTreeMap<String, String>,
    watch: String,
    /// What loads the hook, here and out of the way.
    loader: [PathBuf; 2],
}

impl Bench {
    fn new(root: &Path, name: &str) -> Result<Bench> {
        let scratch = root.join("target/ci/work/pytest").join(name);
        let path = scratch.join("plan.json");
        let text = std::fs::read_to_string(&path);
        let text = text.with_context(|| format!("no {}: run `cargo xtask stage pytest` first", path.display()))?;
        let plan: serde_json::Value = serde_json::from_str(&text)?;
        let last: Vec<&str> = plan["last"].as_array().into_iter().flatten().filter_map(|it| it.as_str()).collect();
        let environment = root.join("target/ci/envs").join(name).join("dev");
        let home = scratch.join("home");
        let home = Utf8Path::from_path(&home).context("a UTF-8 path")?;
        let mut env = xtask::context::clean_env(home);
        let path = format!("{}:{}", environment.join("bin").display(), env.get("PATH").cloned().unwrap_or_default());
        env.extend([
            ("PATH".to_owned(), path),
            ("VIRTUAL_ENV".to_owned(), environment.display().to_string()),
            ("HYPOTHESIS_STORAGE_DIRECTORY".to_owned(), scratch.join("hypothesis").display().to_string()),
        ]);
        if !last.is_empty() {
            env.insert("XTASK_LAST".to_owned(), last.join(":"));
        }
        let lib = std::fs::read_dir(environment.join("lib"))?.flatten().next().context("no lib/python3.x")?;
        let site = lib.path().join("site-packages");
        let (log, target, tree) = (scratch.join("reads.jsonl"), root.join("target"), scratch.join("tree"));
        let [log, root, target, tree] = [&log, root, &target, &tree].map(|it| it.display());
        Ok(Bench {
            project: plan["project"].as_str().context("plan.json names no project")?.into(),
            python: environment.join("bin/python"),
            env,
            watch: format!("{log}\n{root}/\n{target}/\n{tree}/"),
            loader: [site.join("0-xtask-watch.pth"), site.join("0-xtask-watch.aside")],
            scratch,
        })
    }

    /// CPU seconds without the hook and with it, pair by pair; which of the two goes first takes turns.
    fn pairs(&self, count: usize) -> Result<(Vec<f64>, Vec<f64>)> {
        let (mut without, mut with) = (Vec::new(), Vec::new());
        // Caches are filled for both.
        for watched in [true, false] {
            self.once(watched)?;
        }
        for pair in 0..count {
            for watched in [pair % 2 == 0, pair % 2 != 0] {
                let seconds = self.once(watched)?;
                if watched { with.push(seconds) } else { without.push(seconds) }
            }
        }
        Ok((without, with))
    }

    fn once(&self, watched: bool) -> Result<f64> {
        let _ = std::fs::remove_file(self.scratch.join("reads.jsonl"));
        let [here, aside] = &self.loader;
        if !watched {
            std::fs::rename(here, aside).with_context(|| format!("could not move {}", here.display()))?;
        }
        let measured = self.measure(watched);
        if !watched {
            std::fs::rename(aside, here).with_context(|| format!("could not move {}", aside.display()))?;
        }
        let written = self.scratch.join("reads.jsonl").exists();
        ensure!(written == watched, "the hook was {}", if written { "not away" } else { "not there" });
        measured
    }

    fn measure(&self, watched: bool) -> Result<f64> {
        let mut command = Command::new(&self.python);
        command.args(["-I", "-S", "-c", MEASURE]).arg(&self.python);
        command.args([self.scratch.join("launch.py"), self.scratch.join("plan.json")]);
        command.env_clear().envs(&self.env).current_dir(&self.project).stdin(Stdio::null());
        if watched {
            command.env("XTASK_WATCH", &self.watch);
        }
        let output = command.output().context("could not start Python")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        match text.trim().split_once(' ') {
            Some(("0", seconds)) => Ok(seconds.parse()?),
            _ => bail!(
                "pytest of {} ended with {text:?}: {}",
                self.project.display(),
                String::from_utf8_lossy(&output.stderr)
            ),
        }
    }
}
