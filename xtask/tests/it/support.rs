//! A throw-away repository, the binary run in it, and its reports read back by a parser of their own.

use std::process::{Command, Stdio};

use camino::{Utf8Path, Utf8PathBuf};

/// A copy of the small clean repository in `tests/it/repo`, with this repository's own `ci/`.
///
/// `alpha` depends on idna, `gamma` on alpha (a path, not editable), `beta` on nothing: it is the neighbour that must
/// stay green.
pub struct Sandbox {
    _dir: tempfile::TempDir,
    pub root: Utf8PathBuf,
}

/// What a run of the binary said.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Both streams, for messages.
    pub fn all(&self) -> String {
        format!("exit code {}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

impl Sandbox {
    /// A fresh copy in a git repository with everything committed.
    pub fn new() -> Sandbox {
        Sandbox::in_directory("repo")
    }

    /// The same under a directory name of the caller's choice.
    pub fn in_directory(name: &str) -> Sandbox {
        let dir = tempfile::Builder::new().prefix("xtask-test-").tempdir().expect("a temporary directory");
        let base = Utf8PathBuf::from_path_buf(dir.path().canonicalize().expect("a real path")).expect("a UTF-8 path");
        let root = base.join(name);
        let here = Utf8Path::new(env!("CARGO_MANIFEST_DIR"));
        copy_tree(&here.join("tests/it/repo"), &root);
        copy_tree(&here.parent().expect("xtask has a parent").join("ci"), &root.join("ci"));
        let sandbox = Sandbox { _dir: dir, root };
        sandbox.git(&["init", "-q", "-b", "main"]);
        sandbox.commit("start");
        sandbox
    }

    /// Runs git and returns what it prints.
    pub fn git(&self, args: &[&str]) -> String {
        let identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"];
        let output = Command::new("git").args(identity).args(args).current_dir(&self.root).output().expect("git runs");
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Commits everything.
    pub fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
    }

    /// Writes a file, with its directories.
    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().expect("a file has a directory")).expect("a directory");
        std::fs::write(&path, text).unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// Adds text to the end of a file.
    pub fn append(&self, path: &str, text: &str) {
        self.write(path, self.read(path) + text);
    }

    /// Replaces a text that must be there.
    pub fn replace(&self, path: &str, from: &str, to: &str) {
        let old = self.read(path);
        assert!(old.contains(from), "{path} does not contain {from:?}");
        self.write(path, old.replace(from, to));
    }

    /// A file's text.
    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Removes a file or directory.
    pub fn remove(&self, path: &str) {
        let path = self.root.join(path);
        let result = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        result.unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// Gives a file or directory another name.
    pub fn rename(&self, from: &str, to: &str) {
        std::fs::rename(self.root.join(from), self.root.join(to)).unwrap_or_else(|error| panic!("{from}: {error}"));
    }

    /// Changes the mode of a file.
    pub fn chmod(&self, path: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(self.root.join(path), permissions).unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// The binary in this repository, in the environment of a person who is not on a CI machine.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(args).current_dir(&self.root).stdin(Stdio::null());
        for name in ["CI", "GITLAB_CI", "NO_COLOR", "CLICOLOR_FORCE", "SEMGREP_APP_TOKEN", "SOURCE_DATE_EPOCH"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs the binary to its end.
    pub fn xtask(&self, args: &[&str]) -> Ran {
        finish(&mut self.command(args))
    }

    /// Runs `uv` (the one that xtask fetched) in the repository, to renew a lock.
    pub fn uv(&self, args: &[&str]) {
        let output = Command::new(uv()).args(args).current_dir(&self.root).output().expect("uv runs");
        assert!(output.status.success(), "uv {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// The cases of one job's JUnit file.
    pub fn junit(&self, project: &str, stage: &str) -> Vec<Case> {
        cases(&self.read(&format!("target/ci/junit/{project}.{stage}.xml")))
    }
}

/// Runs a command to its end.
pub fn finish(command: &mut Command) -> Ran {
    let output = command.output().expect("xtask runs");
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The pinned uv: fetched by the binary under test, whose `tools` command says where it is.
pub fn uv() -> &'static str {
    static UV: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    UV.get_or_init(|| {
        let ran = Sandbox::new().xtask(&["tools"]);
        let row = ran.stdout.lines().find(|line| line.starts_with("uv ")).unwrap_or_else(|| panic!("{}", ran.all()));
        row.split_whitespace().last().expect("a path").to_owned()
    })
}

/// A test case as the XML file says it.
#[derive(Debug, Clone)]
pub struct Case {
    pub classname: String,
    pub name: String,
    /// "success", "failure", "error" or "skipped".
    pub outcome: &'static str,
    pub message: String,
    pub text: String,
    pub file: Option<String>,
    pub line: Option<u32>,
}

/// All cases of a JUnit text; checks what must hold for every such file.
pub fn cases(xml: &str) -> Vec<Case> {
    let document = roxmltree::Document::parse(xml).unwrap_or_else(|error| panic!("no XML: {error}\n{xml}"));
    let mut found = Vec::new();
    for node in document.descendants().filter(|node| node.has_tag_name("testcase")) {
        let child = node.children().find(|it| ["failure", "error", "skipped"].contains(&it.tag_name().name()));
        let outcome = match child.map(|it| it.tag_name().name()) {
            Some("failure") => "failure",
            Some("error") => "error",
            Some(_) => "skipped",
            None => "success",
        };
        let attribute = |name: &str| node.attribute(name).map(str::to_owned);
        found.push(Case {
            classname: attribute("classname").expect("every case has a classname"),
            name: attribute("name").expect("every case has a name"),
            outcome,
            message: child.and_then(|it| it.attribute("message")).unwrap_or_default().to_owned(),
            text: child.and_then(|it| it.text()).unwrap_or_default().to_owned(),
            file: attribute("file"),
            line: attribute("line").map(|it| it.parse().expect("a line is a number")),
        });
    }
    assert!(!found.is_empty(), "a report without a case:\n{xml}");
    let names: std::collections::BTreeSet<_> = found.iter().map(|it| (&it.classname, &it.name)).collect();
    assert_eq!(names.len(), found.len(), "two cases share classname and name:\n{xml}");
    for suite in document.descendants().filter(|node| node.has_tag_name("testsuite")) {
        let number =
            |name: &str| suite.attribute(name).map_or(0, |it| it.parse::<usize>().expect("a count is a number"));
        let count = |tag: &str| suite.descendants().filter(|it| it.has_tag_name(tag)).count();
        assert_eq!(number("tests"), count("testcase"), "{xml}");
        assert_eq!(number("failures"), count("failure"), "{xml}");
        assert_eq!(number("errors"), count("error"), "{xml}");
    }
    found
}

/// One planted mistake: what is done to the clean repository, and what must be reported.
pub struct Planted {
    /// What is planted, for the reader of a failure.
    pub what: &'static str,
    /// The stage that runs, alone.
    pub stage: &'static str,
    /// The project it is planted in.
    pub project: &'static str,
    /// Plants it.
    pub plant: fn(&Sandbox),
    /// What the project's report must hold: "failure", "error", "skipped", or "success" for a trap that is none.
    pub outcome: &'static str,
    /// The file that the report must name, repo-relative; `None` where there is none to name.
    pub file: Option<&'static str>,
    /// The line in it.
    pub line: Option<u32>,
    /// Words that the message or its text must contain.
    pub says: &'static str,
}

/// Plants each mistake in a repository of its own and checks the report, the exit code, the command that reproduces
/// it, and that the neighbours `beta` and `gamma` stay green where they do not depend on what was planted.
pub fn check_planted(rows: &[Planted]) {
    let mut missed = Vec::new();
    for row in rows {
        let sandbox = Sandbox::new();
        (row.plant)(&sandbox);
        let neighbour = if row.project == "beta" { "alpha" } else { "beta" };
        let ran = sandbox.xtask(&["stage", row.stage, "--project", row.project, neighbour]);
        if let Err(why) = judge(row, &sandbox, &ran, neighbour) {
            missed.push(format!("{} ({}): {why}\n{}", row.what, row.stage, ran.all()));
        }
    }
    println!("planted mistakes: {} of {} reported as they must be", rows.len() - missed.len(), rows.len());
    assert!(missed.is_empty(), "{} of {} rows:\n\n{}", missed.len(), rows.len(), missed.join("\n\n"));
}

fn judge(row: &Planted, sandbox: &Sandbox, ran: &Ran, neighbour: &str) -> Result<(), String> {
    let code = match row.outcome {
        "failure" => 1,
        "error" => 2,
        _ => 0,
    };
    if ran.code != code {
        return Err(format!("exit code {} instead of {code}", ran.code));
    }
    let cases = sandbox.junit(row.project, row.stage);
    let fits = |case: &&Case| {
        case.outcome == row.outcome
            && (row.file.is_none() || case.file.as_deref() == row.file)
            && (row.line.is_none() || case.line == row.line)
            && format!("{} {} {}", case.name, case.message, case.text).contains(row.says)
    };
    let Some(case) = cases.iter().find(fits) else {
        let wanted = format!("{} {:?}:{:?} {:?}", row.outcome, row.file, row.line, row.says);
        return Err(format!("no case fits {wanted}; there are:\n{cases:#?}"));
    };
    if let Some(file) = &case.file
        && !sandbox.root.join(file).exists()
    {
        return Err(format!("the report names {file}, which does not exist"));
    }
    if code != 0 && !ran.stdout.contains(&format!("cargo xtask stage {} --project {}", row.stage, row.project)) {
        return Err("the command that reproduces it is not printed".to_owned());
    }
    if let Some(case) =
        sandbox.junit(neighbour, row.stage).iter().find(|it| it.outcome == "failure" || it.outcome == "error")
    {
        return Err(format!("the neighbour {neighbour} is red: {case:?}"));
    }
    Ok(())
}

fn copy_tree(from: &Utf8Path, to: &Utf8Path) {
    std::fs::create_dir_all(to).expect("a directory");
    for entry in from.read_dir_utf8().unwrap_or_else(|error| panic!("{from}: {error}")) {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            if entry.file_name() != ".venv" {
                copy_tree(entry.path(), &target);
            }
        } else {
            std::fs::copy(entry.path(), &target).expect("a copy");
        }
    }
}
