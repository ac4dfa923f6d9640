//! What git knows: commits, the files of a commit, what differs between two.
//!
//! Asks the git command line, with the settings of the user and the variables of the caller kept from changing an
//! answer. Must not know projects or stages, and must not write to the repository but for what `fetch` brings.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};

use crate::proc::{self, Call, Output};
use crate::threads::joined;
use crate::tree::{self, Builder, Entry, Id, Mode, Tree};

mod contents;
mod copy;
mod differences;
mod disk;
mod find;
mod hash;
mod history;
mod index;
mod listed;
mod mounts;
mod walk;

pub use contents::Contents;
pub use disk::{Disk, work_tree_without_git};
pub use find::{Found, find};
pub use history::First;
pub use listed::{Listed, Trust};
pub use mounts::trust;

/// The time limit of a command that works on the disk alone.
const LOCAL: Duration = Duration::from_secs(600);

/// Variables of git that say how to reach a remote or where its installation is; every other `GIT_*` is left behind,
/// because it would name another repository or change what is printed.
const PASSED: &[&str] = &[
    "GIT_ALLOW_PROTOCOL",
    "GIT_ASKPASS",
    "GIT_ATTR_NOSYSTEM",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
    "GIT_EXEC_PATH",
    "GIT_PROXY_COMMAND",
    "GIT_PROXY_SSL_CAINFO",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSH_VARIANT",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "GIT_SSL_CERT",
    "GIT_SSL_KEY",
    "GIT_SSL_NO_VERIFY",
];

/// What every command begins with: settings that must not depend on whose machine it is.
const FIXED: &[&str] = &[
    "--no-pager",
    "--no-optional-locks",
    "--no-replace-objects",
    "--literal-pathspecs",
    "-c",
    "safe.directory=*",
    "-c",
    "core.fsmonitor=false",
    "-c",
    // It would hide a new file whose name differs from another's by case alone.
    "core.ignoreCase=false",
    "-c",
    // These two would hide changes that leave size and time as they were.
    "core.trustctime=true",
    "-c",
    "core.checkStat=default",
    "-c",
    "color.ui=false",
    "-c",
    "diff.ignoreSubmodules=none",
    "-c",
    "log.showSignature=false",
    "-c",
    "gc.auto=0",
    "-c",
    "maintenance.auto=false",
];

/// A git repository, seen from a directory of its work tree. All paths are relative to that directory.
#[derive(Debug, Clone)]
pub struct Git {
    program: Utf8PathBuf,
    env: BTreeMap<String, String>,
    /// The directory that is looked at.
    root: Utf8PathBuf,
    /// The top of the work tree: `root` or a directory above it.
    top: Utf8PathBuf,
    /// From `top` to `root`: empty, or with a `/` at its end.
    prefix: String,
}

impl Git {
    /// The repository that `root` is in; `None` when it is in none.
    ///
    /// # Errors
    /// When there is a `.git` but no git, and when git cannot read what is there.
    pub fn open(root: &Utf8Path) -> Result<Option<Git>> {
        let text = |it: std::ffi::OsString| it.into_string().ok();
        Git::open_with(root, std::env::vars_os().filter_map(|(name, value)| text(name).zip(text(value))))
    }

    /// The same, for a caller whose environment is not that of this process.
    ///
    /// # Errors
    /// As [`Git::open`].
    pub fn open_with(root: &Utf8Path, vars: impl IntoIterator<Item = (String, String)>) -> Result<Option<Git>> {
        let root = root.canonicalize_utf8().with_context(|| format!("could not find {root}"))?;
        if !root.ancestors().any(|dir| dir.join(".git").exists()) {
            return Ok(None);
        }
        let env = environment(vars);
        let Some(program) = proc::find_on_path("git") else {
            bail!("{root} is in a git repository, but git is not on PATH; install it (Debian: apt-get install git)");
        };
        Git { program, env, top: root.clone(), root, prefix: String::new() }.located().map(Some)
    }

    /// The repository in another directory.
    fn at(&self, root: &Utf8Path) -> Result<Git> {
        Git { root: root.to_owned(), top: root.to_owned(), prefix: String::new(), ..self.clone() }.located()
    }

    /// Fills in where the work tree begins.
    fn located(mut self) -> Result<Git> {
        let words = self.text(&["rev-parse", "--is-inside-work-tree", "--show-prefix"])?;
        let (inside, prefix) = words.split_once('\n').unwrap_or((&words, ""));
        if inside != "true" {
            bail!(self.not_a_work_tree());
        }
        self.prefix = prefix.strip_suffix('\n').unwrap_or(prefix).to_owned();
        let top = self.root.as_str().strip_suffix(self.prefix.trim_end_matches('/'));
        let top = top.with_context(|| format!("git says that {} ends with `{}`", self.root, self.prefix))?;
        self.top = Utf8PathBuf::from(if self.prefix.is_empty() { top } else { top.trim_end_matches('/') });
        if self.top.as_str().is_empty() {
            self.top = "/".into();
        }
        Ok(self)
    }

    /// Why git takes the root for no work tree, and what to do.
    fn not_a_work_tree(&self) -> String {
        let value = |name: &str| self.text(&["config", "--get", name]).unwrap_or_default().trim_end().to_owned();
        let (root, elsewhere) = (&self.root, value("core.worktree"));
        if root.components().any(|it| it.as_str() == ".git") {
            format!("{root} is no work tree of git but a part of its own files; work in a checkout")
        } else if !elsewhere.is_empty() {
            format!(
                "git's setting core.worktree says that the work tree of {root} is {elsewhere}; work there, or `git config \
                 --unset core.worktree`"
            )
        } else if value("core.bare") == "true" {
            format!("git's setting core.bare says that {root} has no work tree; `git config core.bare false` if it has")
        } else {
            format!("{root} is no work tree of git; work in a checkout")
        }
    }

    /// The directory that all paths are relative to, absolute.
    pub fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// The full id of the commit that a revision names.
    ///
    /// # Errors
    /// When it names none, with what to do.
    pub fn resolve(&self, revision: &str) -> Result<String> {
        let full = format!("{revision}^{{commit}}");
        let odd = revision.is_empty() || revision.starts_with(['-', '^']) || revision.contains(['\0', '\n']);
        if !odd {
            let found = self.ask(&["rev-parse", "--verify", "--quiet", &full])?;
            let id = String::from_utf8_lossy(&found.stdout).trim().to_owned();
            if found.code == 0 && Id::from_hex(&id).is_ok() {
                return Ok(id);
            }
        }
        let shown: String = revision.chars().take(100).collect();
        bail!(
            "{shown:?} names no commit that is in {}; `git fetch origin` brings what the remote has (`git fetch \
             --unshallow origin` in a shallow clone), `git branch --all` lists the branches",
            self.top
        );
    }

    /// The same, without asking git where the revision is a full id: whatever is then asked about it says if it is not there.
    fn full(&self, revision: &str) -> Result<String> {
        if Id::from_hex(revision).is_ok() { Ok(revision.to_owned()) } else { self.resolve(revision) }
    }

    /// The commit that is checked out; `None` before the first one.
    ///
    /// # Errors
    /// When git cannot say.
    pub fn head(&self) -> Result<Option<String>> {
        let found = self.ask(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])?;
        let id = String::from_utf8_lossy(&found.stdout).trim().to_owned();
        Ok((found.code == 0 && !id.is_empty()).then_some(id))
    }

    /// Is this commit here, with nothing fetched to find out?
    ///
    /// # Errors
    /// When git cannot be asked.
    pub fn has(&self, commit: &str) -> Result<bool> {
        if Id::from_hex(commit).is_err() {
            return Ok(false);
        }
        let call = self.call(&["cat-file", "-e", &format!("{commit}^{{commit}}")]);
        Ok(proc::output(&call.env("GIT_NO_LAZY_FETCH", "1"), b"")?.code == 0)
    }

    /// The files of a commit.
    ///
    /// # Errors
    /// When the commit or one of its directories is not there.
    pub fn tree(&self, commit: &str) -> Result<Tree> {
        let commit = self.full(commit)?;
        let args = ["ls-tree", "-r", "-z", "--full-tree", &commit, "--", &self.prefix];
        let listing = self.run(&args[..if self.prefix.is_empty() { 5 } else { 7 }])?;
        let files = memchr::memchr_iter(0, &listing).count();
        let meta = memchr::memchr(b'\t', &listing).map_or(0, |it| it + 2);
        let mut builder = Builder::sized(files, listing.len().saturating_sub(files * meta));
        for row in fields(&listing) {
            let (meta, path) = split_tab(row).with_context(|| unreadable("ls-tree", row))?;
            let mut words = meta.split(' ');
            let (mode, id) = (words.next().and_then(Mode::from_octal), words.nth(1).map(Id::from_hex));
            let (Some(mode), Some(Ok(id))) = (mode, id) else { bail!(unreadable("ls-tree", row)) };
            if let Some(path) = path.strip_prefix(self.prefix.as_bytes()) {
                builder.push(&tree::text(path), Entry { mode, id });
            }
        }
        drop(listing);
        Ok(builder.finish())
    }

    /// A command in `root`.
    fn call(&self, args: &[&str]) -> Call {
        // A command on commits must not depend on where it is run; only what is on the disk is asked for below `root`.
        let is_below = matches!(args.first(), Some(&"ls-files" | &"check-ignore"));
        let cwd = if is_below || self.prefix.is_empty() { &self.root } else { &self.top };
        let args = FIXED.iter().chain(args).map(|it| (*it).to_owned()).collect();
        Call { program: self.program.clone(), args, cwd: cwd.clone(), env: self.env.clone(), timeout: LOCAL }
    }

    /// Runs a command whatever its exit code means.
    fn ask(&self, args: &[&str]) -> Result<Output> {
        proc::output(&self.call(args), b"")
    }

    /// Runs a command that must end with exit code 0, and gives what it has printed.
    fn run(&self, args: &[&str]) -> Result<Vec<u8>> {
        self.run_with(args, b"")
    }

    /// The same with standard input.
    fn run_with(&self, args: &[&str], input: &[u8]) -> Result<Vec<u8>> {
        let output = proc::output(&self.call(args), input)?;
        if output.code != 0 {
            bail!("`git {}` in {} failed: {}", args.join(" "), self.root, words(&output));
        }
        Ok(output.stdout)
    }

    /// The same for a command that prints text.
    fn text(&self, args: &[&str]) -> Result<String> {
        String::from_utf8(self.run(args)?).with_context(|| format!("`git {}` printed no UTF-8", args.join(" ")))
    }
}

/// What git itself says about a failure.
fn words(output: &Output) -> String {
    let words = output.stderr.trim();
    if words.is_empty() { format!("exit code {}", output.code) } else { words.to_owned() }
}

/// The caller's environment without what would lead git elsewhere, and with what makes it predictable.
fn environment(vars: impl IntoIterator<Item = (String, String)>) -> BTreeMap<String, String> {
    let stays = |name: &str| {
        !name.starts_with("GIT_")
            || PASSED.contains(&name)
            || name.starts_with("GIT_CONFIG_KEY_")
            || name.starts_with("GIT_CONFIG_VALUE_")
    };
    let mut env: BTreeMap<String, String> = vars.into_iter().filter(|(name, _)| stays(name)).collect();
    let fixed = [
        ("LC_ALL", "C"),
        ("LANGUAGE", "C"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_DISCOVERY_ACROSS_FILESYSTEM", "1"),
        // Parents that somebody has made up here could lead to a base after the change.
        ("GIT_GRAFT_FILE", "/dev/null"),
    ];
    for (name, value) in fixed {
        env.insert(name.to_owned(), value.to_owned());
    }
    env
}

/// What stands between NUL bytes.
fn fields(listing: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = listing;
    let next = move || {
        let is_left = !rest.is_empty();
        let (field, further) = rest.split_at(memchr::memchr(0, rest).unwrap_or(rest.len()));
        rest = further.get(1..).unwrap_or_default();
        is_left.then_some(field)
    };
    std::iter::from_fn(next).filter(|it| !it.is_empty())
}

/// What git says of a path, and the path.
fn split_tab(row: &[u8]) -> Option<(&str, &[u8])> {
    let tab = row.iter().position(|byte| *byte == b'\t')?;
    Some((std::str::from_utf8(&row[..tab]).ok()?, &row[tab + 1..]))
}

fn unreadable(command: &str, row: &[u8]) -> String {
    format!("`git {command}` printed what cannot be read: {:?}", String::from_utf8_lossy(row))
}
