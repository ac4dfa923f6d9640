//! The only file that starts a process.
//!
//! Stage processes run through `duct`: a chosen environment, their own process group, a log, a time limit and a way
//! to be ended. What is asked of git runs the same way without a log, or stays for many questions (`Dialogue`). Short
//! commands of provisioning run through `xshell`.
//! Must not know what a tool means by its exit code: callers decide.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

mod path;
mod words;

pub use path::find_on_path;
use words::{command_line, plain, tail};
pub use words::{last_words, quote, quote_dir};

/// Set once by Ctrl-C or SIGTERM, or when a run stops at its first failure; never unset.
static CANCELLED: AtomicBool = AtomicBool::new(false);
/// The process groups that are running now.
static GROUPS: Mutex<Vec<i32>> = Mutex::new(Vec::new());

/// How long a process group gets between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(3);

/// One process to run, fully described: nothing is inherited but what is written here.
#[derive(Debug, Clone)]
pub struct Call {
    /// Absolute path of the program.
    pub program: Utf8PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its working directory.
    pub cwd: Utf8PathBuf,
    /// Its whole environment.
    pub env: BTreeMap<String, String>,
    /// After this it is ended and the call is an error.
    pub timeout: Duration,
}

impl Call {
    /// One more argument.
    pub fn arg(mut self, arg: impl Into<String>) -> Call {
        self.args.push(arg.into());
        self
    }

    /// More arguments.
    pub fn args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Call {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// One environment variable.
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Call {
        self.env.insert(name.to_owned(), value.into());
        self
    }

    /// Another working directory.
    pub fn cwd(mut self, cwd: impl Into<Utf8PathBuf>) -> Call {
        self.cwd = cwd.into();
        self
    }

    fn name(&self) -> &str {
        self.program.file_name().unwrap_or(self.program.as_str())
    }
}

/// A process that ended by itself.
#[derive(Debug)]
pub struct Done {
    /// Its exit code.
    pub code: i32,
    /// What it wrote to standard output; bytes that are no UTF-8 are replaced.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
    /// The last lines of both, for a message.
    pub tail: String,
}

impl Done {
    /// The error for an exit code that means "could not do its work".
    pub fn refused(&self, what: &str) -> anyhow::Error {
        anyhow::anyhow!("{what} ended with exit code {}\n{}", self.code, self.tail)
    }

    /// The same with the reason first, for programs that give it in their last words as uv does.
    pub fn explained(&self, what: &str) -> anyhow::Error {
        self.refused(&format!("{what} says \"{}\" and", last_words(&self.stderr)))
    }
}

/// Runs a process to its end, writing its command line and all its output to `log`.
///
/// # Errors
/// When it cannot be started, when its time is up, when it is ended by a signal, and when the run is cancelled.
pub fn run(call: &Call, log: &Utf8Path) -> Result<Done> {
    if cancelled() {
        bail!("cancelled before {} was started", call.name());
    }
    let mut log_file = open_log(log)?;
    writeln!(log_file, "$ cd {} && {}", quote(call.cwd.as_str()), command_line(call))?;
    let started = Instant::now();
    let (stdout, stderr) = (temporary()?, temporary()?);
    let ended = to_its_end(call, None, &stdout, &stderr)?;
    let stdout = plain(read_back(stdout)?);
    let stderr = plain(read_back(stderr)?);
    for text in [&stdout, &stderr] {
        log_file.write_all(text.as_bytes())?;
        if !text.is_empty() && !text.ends_with('\n') {
            writeln!(log_file)?;
        }
    }
    let tail = tail(&stdout, &stderr);
    let verdict = match ended {
        Ended::Code(code) => format!("exit code {code}"),
        Ended::Signal => "ended by a signal".to_owned(),
        Ended::TimedOut => format!("ended after the time limit of {:?}", call.timeout),
        Ended::Cancelled => "cancelled".to_owned(),
    };
    writeln!(log_file, "# {verdict}, {:.2} s\n", started.elapsed().as_secs_f64())?;
    match ended {
        Ended::Code(code) => Ok(Done { code, stdout, stderr, tail }),
        Ended::TimedOut => bail!(
            "{} did not end within its time limit of {} s (`[timeout]` in ci/xtask.toml); its last lines:\n{tail}",
            call.name(),
            call.timeout.as_secs()
        ),
        Ended::Signal => bail!("{} was ended by a signal; its last lines:\n{tail}", call.name()),
        Ended::Cancelled => bail!("cancelled while {} was running", call.name()),
    }
}

/// What a process without a log has written.
#[derive(Debug)]
pub struct Output {
    /// Its exit code.
    pub code: i32,
    /// Standard output, byte for byte.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: String,
}

/// Runs a process to its end with `input` on its standard input, and keeps what it writes byte for byte.
///
/// # Errors
/// When it cannot be started, when its time is up, when it is ended by a signal, and when the run is cancelled.
pub fn output(call: &Call, input: &[u8]) -> Result<Output> {
    if cancelled() {
        bail!("cancelled before {} was started", call.name());
    }
    let (mut stdin, stdout, stderr) = (temporary()?, temporary()?, temporary()?);
    stdin.write_all(input)?;
    stdin.seek(SeekFrom::Start(0))?;
    let ended = to_its_end(call, Some(stdin), &stdout, &stderr)?;
    let stderr = plain(read_back(stderr)?);
    match ended {
        Ended::Code(code) => Ok(Output { code, stdout: read_back(stdout)?, stderr }),
        Ended::TimedOut => bail!(
            "`{}` did not end within {} s; its last lines:\n{}",
            command_line(call),
            call.timeout.as_secs(),
            tail("", &stderr)
        ),
        Ended::Signal => {
            bail!("`{}` was ended by a signal; its last lines:\n{}", command_line(call), tail("", &stderr))
        }
        Ended::Cancelled => bail!("cancelled while {} was running", call.name()),
    }
}

fn to_its_end(call: &Call, input: Option<File>, stdout: &File, stderr: &File) -> Result<Ended> {
    let command = duct::cmd(call.program.as_std_path(), &call.args).dir(&call.cwd).full_env(&call.env);
    let command = match input {
        Some(file) => command.stdin_file(file),
        None => command.stdin_null(),
    };
    let handle = command
        .stdout_file(stdout.try_clone()?)
        .stderr_file(stderr.try_clone()?)
        .unchecked()
        .before_spawn(|command| {
            command.process_group(0);
            Ok(())
        })
        .start()
        .with_context(|| format!("could not start {}", call.program))?;
    let group = handle.pids().first().map_or(0, |pid| *pid as i32);
    groups().push(group);
    let ended = wait(&handle, group, call.timeout);
    groups().retain(|it| *it != group);
    // Whatever the process left running in its group has no reader any more.
    signal(group, Signal::SIGKILL);
    Ok(ended)
}

/// A process that answers one question after the other, and ends with its owner.
#[derive(Debug)]
pub struct Dialogue {
    child: Child,
    /// Where questions go.
    pub input: ChildStdin,
    /// Where answers come from.
    pub output: BufReader<ChildStdout>,
    stderr: File,
}

impl Dialogue {
    /// Starts it. The time limit of the call does not count: its owner decides how long it lives.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(call: &Call) -> Result<Dialogue> {
        let stderr = temporary()?;
        let mut child = std::process::Command::new(&call.program)
            .args(&call.args)
            .current_dir(&call.cwd)
            .env_clear()
            .envs(&call.env)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr.try_clone()?)
            .process_group(0)
            .spawn()
            .with_context(|| format!("could not start {}", call.program))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("{} has no pipes", call.program);
        };
        groups().push(child.id() as i32);
        Ok(Dialogue { child, input, output: BufReader::new(output), stderr })
    }

    /// What it has written to standard error so far, for a message.
    pub fn words(&self) -> String {
        let words = self.stderr.try_clone().map_err(anyhow::Error::from).and_then(read_back);
        words.map(plain).unwrap_or_default().trim().to_owned()
    }
}

impl Drop for Dialogue {
    fn drop(&mut self) {
        let group = self.child.id() as i32;
        groups().retain(|it| *it != group);
        signal(group, Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

enum Ended {
    Code(i32),
    Signal,
    TimedOut,
    Cancelled,
}

fn wait(handle: &duct::Handle, group: i32, timeout: Duration) -> Ended {
    let deadline = Instant::now() + timeout;
    loop {
        match handle.wait_timeout(Duration::from_millis(100)) {
            Ok(Some(output)) => {
                return match output.status.code() {
                    _ if cancelled() => Ended::Cancelled,
                    Some(code) => Ended::Code(code),
                    None => Ended::Signal,
                };
            }
            Ok(None) => {}
            Err(_) => return Ended::Signal,
        }
        let reason = if cancelled() {
            Ended::Cancelled
        } else if Instant::now() >= deadline {
            Ended::TimedOut
        } else {
            continue;
        };
        signal(group, Signal::SIGTERM);
        if !matches!(handle.wait_timeout(GRACE), Ok(Some(_))) {
            signal(group, Signal::SIGKILL);
            let _ = handle.wait();
        }
        return reason;
    }
}

/// Runs a short command and returns its standard output.
///
/// # Errors
/// With the command line and its own words when it cannot be started or exits with anything but 0.
pub fn read(program: &Utf8Path, args: &[&str], cwd: &Utf8Path, env: &BTreeMap<String, String>) -> Result<String> {
    let shell = xshell::Shell::new()?;
    shell.change_dir(cwd);
    let mut command = shell.cmd(program).args(args).env_clear().ignore_status().quiet();
    for (name, value) in env {
        command = command.env(name, value);
    }
    let output = command.output().with_context(|| format!("could not start {program}"))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("`{program} {}` ended with {}: {}", args.join(" "), output.status, words.trim());
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("`{program} {}` printed bytes that are no UTF-8", args.join(" ")))
}

/// Runs a program that talks to the user by itself: its standard output goes to `report` or is ours, as its standard error.
///
/// # Errors
/// When it cannot be started or is ended by a signal.
pub fn beside(call: &Call, report: Option<&Utf8Path>) -> Result<i32> {
    let command = duct::cmd(call.program.as_std_path(), &call.args).dir(&call.cwd).full_env(&call.env);
    let command = match report {
        Some(file) => command.stdout_file(open_log(file)?),
        None => command,
    };
    let output = command.stdin_null().unchecked().run();
    let output = output.with_context(|| format!("could not start {}", call.program))?;
    output.status.code().with_context(|| format!("{} was ended by a signal", call.name()))
}

/// From now on no process starts, and those that run are ended with their whole groups.
pub fn cancel() {
    CANCELLED.store(true, Ordering::SeqCst);
    for group in groups().iter() {
        signal(*group, Signal::SIGTERM);
    }
}

/// Was the run cancelled?
pub fn cancelled() -> bool {
    CANCELLED.load(Ordering::SeqCst)
}

/// Ends every running group at once: for the second Ctrl-C.
pub fn kill_all() {
    for group in groups().iter() {
        signal(*group, Signal::SIGKILL);
    }
}

fn groups() -> std::sync::MutexGuard<'static, Vec<i32>> {
    GROUPS.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn signal(group: i32, signal: Signal) {
    if group > 1 {
        // ESRCH is the usual answer: the group is already gone.
        let _ = killpg(Pid::from_raw(group), signal);
    }
}

fn open_log(log: &Utf8Path) -> Result<File> {
    if let Some(dir) = log.parent() {
        std::fs::create_dir_all(dir).with_context(|| format!("could not create {dir}"))?;
    }
    OpenOptions::new().create(true).append(true).open(log).with_context(|| format!("could not write {log}"))
}

/// An unnamed file: a pipe would block a chatty tool, and a child that outlives its parent would keep it open.
fn temporary() -> Result<File> {
    let path = std::env::temp_dir().join(format!(
        "xtask-{}-{:?}-{}",
        std::process::id(),
        std::thread::current().id(),
        unique()
    ));
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

/// A number that no other call in this process gets.
pub fn unique() -> usize {
    use std::sync::atomic::AtomicUsize;
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn read_back(mut file: File) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}
