//! A temporary directory with repositories, and short words for what tests do in it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use xtask::git::Git;
use xtask::tree::{Entry, Mode, Tree};

/// A directory that is deleted with this value, and one repository in it.
pub struct Place {
    dir: tempfile::TempDir,
    /// The repository.
    pub root: Utf8PathBuf,
}

impl Place {
    /// An empty directory `repo`.
    pub fn bare_directory() -> Place {
        let dir = tempfile::Builder::new().prefix("xtask-git-").tempdir().expect("a temporary directory");
        let base = Utf8PathBuf::from_path_buf(dir.path().canonicalize().expect("a real path")).expect("a UTF-8 path");
        let root = base.join("repo");
        std::fs::create_dir(&root).expect("a directory");
        Place { dir, root }
    }

    /// A repository without a commit.
    pub fn new() -> Place {
        let place = Place::bare_directory();
        place.git(&["init", "-q", "-b", "main"]);
        place
    }

    /// The directory around the repository.
    pub fn outside(&self, name: &str) -> Utf8PathBuf {
        Utf8Path::from_path(self.dir.path()).expect("UTF-8").canonicalize_utf8().expect("a real path").join(name)
    }

    /// Another directory of this place as the repository.
    pub fn git_in(&self, dir: &Utf8Path, args: &[&str]) -> String {
        let output = self.command(dir, args);
        assert!(output.status.success(), "git {args:?} in {dir}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// The same when it is to fail.
    pub fn git_fails(&self, args: &[&str]) {
        assert!(!self.command(&self.root, args).status.success(), "git {args:?} was to fail");
    }

    /// Runs git in the repository whether or not it can do that.
    pub fn git_may_fail(&self, args: &[&str]) {
        self.command(&self.root, args);
    }

    fn command(&self, dir: &Utf8Path, args: &[&str]) -> std::process::Output {
        let fixed = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "protocol.file.allow=always"];
        Command::new("git").args(fixed).args(args).current_dir(dir).envs(self.vars()).output().expect("git runs")
    }

    /// Runs git in the repository and returns what it prints.
    pub fn git(&self, args: &[&str]) -> String {
        self.git_in(&self.root, args)
    }

    /// Commits everything; the id.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Writes one file and commits; the id.
    pub fn step(&self, path: &str, text: &str) -> String {
        self.write(path, text);
        self.commit(&format!("{path}: {text}"))
    }

    /// A path of any bytes in the repository.
    pub fn path(&self, path: impl AsRef<[u8]>) -> PathBuf {
        self.root.as_std_path().join(Path::new(OsStr::from_bytes(path.as_ref())))
    }

    /// Writes a file, with the directories above it.
    pub fn write(&self, path: impl AsRef<[u8]>, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        std::fs::write(path, text).expect("written");
    }

    /// Makes a file executable, or not.
    pub fn chmod(&self, path: &str, mode: u32) {
        std::fs::set_permissions(self.path(path), PermissionsExt::from_mode(mode)).expect("a mode");
    }

    /// Makes a link, in the place of what was there.
    pub fn link(&self, target: &str, path: &str) {
        let _ = std::fs::remove_file(self.path(path));
        std::os::unix::fs::symlink(target, self.path(path)).expect("a link");
    }

    /// Deletes a file or a directory.
    pub fn remove(&self, path: &str) {
        let path = self.path(path);
        if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) }.expect("deleted");
    }

    /// A variable environment that no setting of a user reaches.
    pub fn vars(&self) -> Vec<(String, String)> {
        let path = std::env::var("PATH").expect("a PATH");
        [("PATH", path.as_str()), ("HOME", "/nonexistent"), ("GIT_CONFIG_NOSYSTEM", "1"), ("LC_ALL", "C")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec()
    }

    /// The repository as xtask sees it.
    pub fn open(&self) -> Git {
        self.open_at(&self.root, &[])
    }

    /// The same from another directory, with more variables.
    pub fn open_at(&self, dir: &Utf8Path, more: &[(&str, &str)]) -> Git {
        let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let git = Git::open_with(dir, self.vars().into_iter().chain(more));
        git.unwrap_or_else(|error| panic!("{error:#}")).expect("a repository")
    }

    /// A clone beside the repository, over the protocol and not by copying files.
    pub fn clone(&self, name: &str, flags: &[&str]) -> Utf8PathBuf {
        let (from, to) = (format!("file://{}", self.root), self.outside(name));
        self.git(&[&["clone", "-q"], flags, &[&from, to.as_str()]].concat());
        to
    }

    /// The work tree now is what a commit of everything makes of it. Commits.
    pub fn assert_work_tree_is_what_a_commit_would_hold(&self) -> Tree {
        let git = self.open();
        let before = self.git(&["ls-files", "-s", "-v"]);
        let disk = git.disk().unwrap_or_else(|error| panic!("{error:#}"));
        let tree = git.work_tree().unwrap_or_else(|error| panic!("{error:#}"));
        pretty_assert(&tree, &disk.files);
        for commit in self.git(&["rev-list", "--all"]).lines() {
            let cached = git.cached(commit).unwrap_or_else(|error| panic!("{error:#}"));
            let found = git.beside(&disk, commit, &cached).expect("a tree");
            pretty_assert(&found, &git.tree(commit).expect("a tree"));
        }
        assert_eq!(self.git(&["ls-files", "-s", "-v"]), before, "the index was written to");
        let commit = self.commit("everything");
        pretty_assert(&tree, &git.tree(&commit).expect("a tree"));
        tree
    }
}

/// Two trees are one, path by path.
pub fn pretty_assert(left: &Tree, right: &Tree) {
    let differ = xtask::tree::changes(left, right);
    assert!(differ.is_empty(), "{differ:#?}");
}

/// The paths of a tree.
pub fn paths(tree: &Tree) -> Vec<&str> {
    tree.iter().map(|it| it.0.as_str()).collect()
}

/// What is at a path, which must be there.
pub fn at(tree: &Tree, path: &str) -> Entry {
    tree.get(Utf8Path::new(path)).unwrap_or_else(|| panic!("{path} is not in {:?}", paths(tree)))
}

/// The mode of what is at a path.
pub fn mode(tree: &Tree, path: &str) -> Mode {
    at(tree, path).mode
}
