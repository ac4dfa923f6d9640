//! gitlab-ci-local, pinned with its closure by the lock beside this file, on a repository with a remote.
//!
//! What it cannot do like GitLab is told here, where it matters. It runs jobs as shell processes, each in a copy of the
//! committed files; `xtask` on their PATH is the binary under test, which stands in for the CI image.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::OnceLock;

use camino::{Utf8Path, Utf8PathBuf};
use serde_yaml::Value;

use crate::support::{self, Case, Ran, finish};

/// A repository with a remote, whose default branch is one commit behind.
pub struct Checkout {
    _dir: tempfile::TempDir,
    base: Utf8PathBuf,
    pub root: Utf8PathBuf,
}

/// Installs the client where it is not there yet, and says where it is.
fn client() -> &'static Utf8Path {
    static CLIENT: OnceLock<Utf8PathBuf> = OnceLock::new();
    CLIENT.get_or_init(|| {
        provide("rsync", "rsync");
        provide("npm", "npm");
        let version = run(Command::new("node").arg("--version"));
        let major: u32 = version.trim_start_matches('v').split('.').next().and_then(|it| it.parse().ok()).unwrap_or(0);
        assert!(major >= 20, "gitlab-ci-local 4.61.1 needs Node 20 or newer; this is {version}");
        let here = Utf8Path::new(env!("CARGO_MANIFEST_DIR"));
        let dir = here.parent().expect("a parent").join("target/gitlab-client");
        std::fs::create_dir_all(&dir).expect("a directory");
        let pinned = |name: &str| std::fs::read(here.join("tests/gitlab").join(name)).expect("a pinned file");
        let lock = pinned("package-lock.json");
        let done = dir.join("installed-lock.json");
        // npm ci takes everything away first, so it runs only where something has changed.
        if std::fs::read(&done).ok().as_ref() != Some(&lock) {
            std::fs::write(dir.join("package.json"), pinned("package.json")).expect("writable");
            std::fs::write(dir.join("package-lock.json"), &lock).expect("writable");
            run(Command::new("npm").args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&dir));
            std::fs::write(&done, &lock).expect("writable");
        }
        dir.join("node_modules/.bin/gitlab-ci-local")
    })
}

/// A program of Debian's packages.
fn provide(program: &str, package: &str) {
    if xtask::proc::find_on_path(program).is_some() {
        return;
    }
    let root = run(Command::new("id").arg("-u")).trim() == "0";
    assert!(root, "`{program}` is not on PATH; install it (Debian, as root: apt-get install {package})");
    run(Command::new("apt-get").args(["update", "-q"]));
    run(Command::new("apt-get").args(["install", "-q", "-y", "--no-install-recommends", package]));
}

/// Runs a command that must succeed, and returns what it prints.
fn run(command: &mut Command) -> String {
    let ran = finish(command);
    assert_eq!(ran.code, 0, "{command:?}\n{}", ran.all());
    ran.stdout
}

impl Checkout {
    /// The sample projects `units` and `readings`, which needs it, with this repository's own policy and parent pipeline.
    pub fn new() -> Checkout {
        let dir = tempfile::Builder::new().prefix("xtask-gitlab-").tempdir().expect("a temporary directory");
        let base = Utf8PathBuf::from_path_buf(dir.path().canonicalize().expect("a real path")).expect("a UTF-8 path");
        let root = base.join("work");
        let checkout = Checkout { _dir: dir, root, base };
        let ours = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a parent");
        std::fs::create_dir_all(checkout.root.join("projects")).expect("a directory");
        for path in ["projects/units", "projects/readings", "ci", "templates", ".gitlab-ci.yml", ".gitignore"] {
            let to = checkout.root.join(path);
            run(Command::new("cp").arg("-r").args([&ours.join(path), &to]));
        }
        for stray in ["projects/units/.venv", "projects/readings/.venv"] {
            assert!(!checkout.root.join(stray).exists() || std::fs::remove_dir_all(checkout.root.join(stray)).is_ok());
        }
        // GitLab's cache is off: the client gives CI_PROJECT_DIR a path that is not where the jobs run.
        checkout.set("cache = true", "cache = false");
        checkout.set("[not-checked]\n", "[not-checked]\nvulnerabilities = \"skip\"\ndocker-build = \"skip\"\n");
        checkout.append(".gitignore", ".gitlab-ci-local/\n");
        run(Command::new("git").args(["init", "-q", "--bare", "-b", "main"]).arg(checkout.base.join("origin.git")));
        checkout.git(&["init", "-q", "-b", "main"]);
        checkout.git(&["remote", "add", "origin", "../origin.git"]);
        checkout.commit("start");
        checkout.git(&["push", "-q", "origin", "main"]);
        checkout.git(&["remote", "set-head", "origin", "main"]);
        checkout
    }

    /// Replaces a text of the settings that must be there.
    pub fn set(&self, from: &str, to: &str) {
        let settings = self.read("ci/xtask.toml");
        assert!(settings.contains(from), "ci/xtask.toml does not contain {from:?}");
        self.write("ci/xtask.toml", &settings.replace(from, to));
    }

    pub fn git(&self, args: &[&str]) -> String {
        let identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"];
        run(Command::new("git").args(identity).args(args).current_dir(&self.root))
    }

    pub fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub fn write(&self, path: &str, text: &str) {
        std::fs::write(self.root.join(path), text).unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    pub fn append(&self, path: &str, text: &str) {
        self.write(path, &(self.read(path) + text));
    }

    /// The commit that the remote has.
    pub fn pushed(&self) -> String {
        self.git(&["rev-parse", "origin/main"]).trim().to_owned()
    }

    /// A second checkout of the same commit, in which nothing has run.
    pub fn clone(&self, name: &str) -> Utf8PathBuf {
        let to = self.base.join(name);
        run(Command::new("git").args(["clone", "-q"]).args([&self.root, &to]));
        to
    }

    /// Runs jobs of the parent pipeline as a push to the default branch does; all of them without a name.
    pub fn pipeline(&self, jobs: &[&str]) -> Ran {
        // Variables of the command line do not reach a child; those of this file do.
        let variables = format!("CI_COMMIT_BEFORE_SHA: \"{}\"\n", self.pushed());
        self.write(".gitlab-ci-local-variables.yml", &variables);
        let ran = self.run(jobs);
        std::fs::remove_file(self.root.join(".gitlab-ci-local-variables.yml")).expect("removable");
        ran
    }

    /// Runs the child by itself: inside of the parent the client hides its failure.
    pub fn child(&self, text: &str) -> Ran {
        self.write("child-local.yml", &plain(text));
        self.run(&["--file", "child-local.yml", "--variable", "CI_PIPELINE_SOURCE=parent_pipeline"])
    }

    fn run(&self, args: &[&str]) -> Ran {
        // A job that fails ends on standard error: only together do the two say in which order things happened.
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$0\" \"$@\" 2>&1", client().as_str()]);
        command.args(["--force-shell-executor", "--shell-isolation", "--no-artifacts-to-source"]).args(args);
        let bin = self.base.join("bin");
        if !bin.exists() {
            std::fs::create_dir(&bin).expect("a directory");
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_xtask"), bin.join("xtask")).expect("a link");
        }
        // Where the client runs the child inside of the parent, nobody but the generator can make it readable for it.
        let bin = if args.is_empty() { self.mending() } else { bin };
        let path = format!("{bin}:{}", std::env::var("PATH").expect("a PATH"));
        command.env("PATH", path).env("NO_COLOR", "1").env_remove("GITLAB_CI").current_dir(&self.root);
        finish(&mut command)
    }

    /// A directory with an `xtask` that does to what it emits what `plain` does.
    fn mending(&self) -> Utf8PathBuf {
        let bin = self.base.join("mending");
        std::fs::create_dir_all(&bin).expect("a directory");
        let mend = r"/^    [A-Z_]*:$/{N;N;s/:\n      value: \(.*\)\n      expand: false$/: \1/}";
        let xtask = env!("CARGO_BIN_EXE_xtask");
        let script = format!("#!/bin/sh\n{xtask} \"$@\" || exit\n[ \"$1\" != emit ] || sed -i '{mend}' \"$3\"\n");
        std::fs::write(bin.join("xtask"), script).expect("writable");
        run(Command::new("chmod").arg("+x").arg(bin.join("xtask")));
        bin
    }

    /// Where the client keeps the artifacts of its jobs: a directory for each, without the generator's.
    pub fn artifacts(&self) -> Vec<Utf8PathBuf> {
        let dir = self.root.join(".gitlab-ci-local/artifacts");
        let entries = dir.read_dir_utf8().unwrap_or_else(|error| panic!("{dir}: {error}"));
        let paths = entries.map(|it| it.expect("an entry").into_path());
        paths.filter(|it| it.file_name() != Some("generate-child")).collect()
    }
}

/// The child as this version of the client can read it: it knows no `{value, expand}` for a variable of a job. It would
/// expand a `$` in the value, so there must be none.
fn plain(text: &str) -> String {
    let mut root: Value = serde_yaml::from_str(text).expect("YAML");
    for (_, job) in root.as_mapping_mut().expect("a mapping") {
        let Some(variables) = job.get_mut("variables").and_then(Value::as_mapping_mut) else { continue };
        for (_, variable) in variables {
            if let Some(value) = variable.get("value").cloned() {
                assert!(!value.as_str().expect("a text").contains('$'), "{value:?}");
                *variable = value;
            }
        }
    }
    serde_yaml::to_string(&root).expect("YAML")
}

/// Class name, name and outcome of every case in the JUnit files of these directories.
pub fn verdicts(dirs: &[Utf8PathBuf]) -> BTreeSet<(String, String, &'static str)> {
    let mut found = BTreeSet::new();
    for dir in dirs {
        let Ok(entries) = dir.join("target/ci/junit").read_dir_utf8() else { continue };
        for entry in entries {
            let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a report");
            found.extend(
                support::cases(&text)
                    .into_iter()
                    .map(|Case { classname, name, outcome, .. }| (classname, name, outcome)),
            );
        }
    }
    found
}

/// The files under `target/ci/KIND` of these directories.
pub fn kept(dirs: &[Utf8PathBuf], kind: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for dir in dirs {
        let top = dir.join("target/ci").join(kind);
        let mut rest = vec![top.clone()];
        while let Some(next) = rest.pop() {
            for entry in next.read_dir_utf8().into_iter().flatten() {
                let path = entry.expect("an entry").into_path();
                if path.is_dir() {
                    rest.push(path);
                } else {
                    found.insert(path.strip_prefix(&top).expect("below").to_string());
                }
            }
        }
    }
    found
}

/// When each job began and ended, as line numbers of what the client printed.
pub fn spans(log: &str) -> BTreeMap<String, (usize, usize)> {
    let mut spans: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (number, line) in log.lines().enumerate() {
        let Some((job, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        if rest.starts_with("starting shell") {
            spans.insert(job.to_owned(), (number, usize::MAX));
        } else if rest.starts_with("finished in") {
            // The last line says how long the pipeline took.
            let Some(span) = spans.get_mut(job) else { continue };
            span.1 = number;
        }
    }
    spans
}
