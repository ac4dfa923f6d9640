//! `init`: the policy and the parent pipeline, written into a repository that has only Python projects.
//!
//! Overwrites nothing: what is there already is left and said. Must not run a stage.

use std::collections::BTreeSet;
use std::io::Write as _;

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};

use crate::{config, files, manifest};

mod policy;

/// The component of this version in a project called as this one.
pub const COMPONENT: &str = concat!("$CI_SERVER_FQDN/platform/xtask/python-monorepo@", env!("CARGO_PKG_VERSION"));

/// What `init` has done.
#[derive(Debug, Default)]
pub struct Done {
    /// The root of the repository.
    pub root: Utf8PathBuf,
    /// Written now.
    pub written: Vec<String>,
    /// There already, and the same.
    pub same: Vec<String>,
    /// There already, and different: left as it is.
    pub left: Vec<String>,
    /// Directories of projects.
    pub projects: Vec<String>,
    /// Those among them without a lock of their own or of a workspace above them.
    pub unlocked: Vec<String>,
}

/// Writes what is missing.
///
/// # Errors
/// When no project is found, `component` is none, or a file cannot be read or written.
pub fn init(here: &Utf8Path, component: &str) -> Result<Done> {
    let plain = component.chars().all(|it| it.is_ascii_graphic() && !"\"'#{}[],".contains(it));
    if !plain || !component.contains('/') || !component.contains('@') {
        bail!("`{}` is no component; write it like {COMPONENT}", component.escape_debug());
    }
    let here = here.canonicalize_utf8().with_context(|| format!("could not find {here}"))?;
    let root = here.ancestors().find(|dir| dir.join(".git").exists()).unwrap_or(&here).to_owned();
    let listed = files::list(&root)?;
    let projects = projects(&root, &listed)?;
    if projects.is_empty() {
        bail!("no Python project under {root}: a directory with a pyproject.toml that has a [project] table");
    }
    let locked =
        |dir: &&String| !Utf8Path::new(dir.as_str()).ancestors().any(|it| root.join(it).join("uv.lock").is_file());
    let unlocked = projects.iter().filter(locked).cloned().collect();
    let mut done = Done { root: root.clone(), unlocked, ..Done::default() };
    for (path, text) in policy::FILES {
        let text = text()?;
        let text = if *path == config::FILE { settings(&text, &projects, &root) } else { text };
        done.write(path, &text)?;
    }
    done.write(".gitlab-ci.yml", &parent(component))?;
    done.write(".gitignore", IGNORED)?;
    done.projects = projects;
    Ok(done)
}

const IGNORED: &str = "/target/\n.venv/\n__pycache__/\n*.egg-info/\n.pytest_cache/\n.coverage\n";

impl Done {
    fn write(&mut self, path: &str, text: &str) -> Result<()> {
        let file = self.root.join(path);
        if let Some(dir) = file.parent() {
            std::fs::create_dir_all(dir).with_context(|| format!("could not create {dir}"))?;
        }
        match std::fs::File::create_new(&file) {
            Ok(mut new) => {
                new.write_all(text.as_bytes()).with_context(|| format!("could not write {file}"))?;
                self.written.push(path.to_owned());
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                let same = std::fs::read_to_string(&file).is_ok_and(|it| it == text);
                if same { &mut self.same } else { &mut self.left }.push(path.to_owned());
            }
            Err(error) => return Err(error).with_context(|| format!("could not write {file}")),
        }
        Ok(())
    }

    /// The listing, with what is still to be done by hand.
    pub fn words(&self, component: &str) -> String {
        let mut words = String::new();
        for (verb, paths) in [("wrote", &self.written), ("kept ", &self.same), ("left ", &self.left)] {
            for path in paths {
                words += &format!("{verb} {path}\n");
            }
        }
        if !self.left.is_empty() {
            words += "\nWhat was left was there before and differs; nothing is overwritten.\n";
        }
        if self.left.iter().any(|it| it == ".gitlab-ci.yml") {
            words += &format!("To .gitlab-ci.yml add:\n\n{}\n", include(component));
        }
        if self.left.iter().any(|it| it == ".gitignore") {
            words += "See that .gitignore has the line `/target/`.\n";
        }
        for dir in &self.unlocked {
            words += &format!("{dir} has no uv.lock: uv lock --project {}\n", crate::proc::quote(dir));
        }
        words
    }
}

/// Directories of projects, relative to the root, sorted; "." for the root itself.
fn projects(root: &Utf8Path, files: &[Utf8PathBuf]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for file in files.iter().filter(|it| it.file_name() == Some("pyproject.toml") && !it.starts_with("ci/tools")) {
        let text = std::fs::read_to_string(root.join(file)).with_context(|| format!("could not read {file}"))?;
        if manifest::Manifest::parse(file, &text)?.typed.project.is_some() {
            let dir = file.parent().map_or("", Utf8Path::as_str);
            found.push(if dir.is_empty() { "." } else { dir }.to_owned());
        }
    }
    found.sort();
    Ok(found)
}

/// The settings with the globs of these projects, and nothing that is only about this repository.
fn settings(text: &str, projects: &[String], root: &Utf8Path) -> String {
    let title = root.file_name().unwrap_or("Documentation");
    let mut result = String::new();
    for paragraph in text.split("\n\n") {
        let line = |line: &str| {
            if line.starts_with("projects = ") {
                let globs = globs(projects).into_iter().map(|it| toml::Value::from(it).to_string());
                format!("projects = [{}]", globs.collect::<Vec<_>>().join(", "))
            } else if line.starts_with("title = ") {
                format!("title = {}", toml::Value::from(title))
            } else {
                line.to_owned()
            }
        };
        // What is nobody's input here is of this repository; rules for what is usual are built in.
        let table = |it: &&str| !it.starts_with('#');
        let own = paragraph.lines().find(table).is_some_and(|it| it == "[[no-input]]");
        let kept = paragraph.lines().filter(|it| (!own || it.starts_with('#')) && !it.starts_with("exclude = "));
        let lines: Vec<String> = kept.map(line).collect();
        let example =
            "\n# [[no-input]]\n# paths = [\"Makefile\"]\n# reason = \"started by hand; no stage reads it\"\n\n";
        result += &(lines.join("\n") + if own { example } else { "\n\n" });
    }
    result.trim_end().to_owned() + "\n"
}

/// Globs that find these directories, and their future siblings where they are not at the root.
fn globs(projects: &[String]) -> BTreeSet<String> {
    let glob = |dir: &String| match dir.rsplit_once('/') {
        Some((parent, _)) => format!("{}/*", glob::Pattern::escape(parent)),
        None if dir == "." => ".".to_owned(),
        None => glob::Pattern::escape(dir),
    };
    projects.iter().map(glob).collect()
}

/// The lines that take in the component.
fn include(component: &str) -> String {
    format!("include:\n  - component: {component}\n    # inputs: {{image: ..., tags: [...]}}\n")
}

/// A parent pipeline that is nothing but the component, and when it runs: only the file itself can say that.
fn parent(component: &str) -> String {
    format!(
        "# Makes the child pipeline that a change needs, and runs it. What it does is decided in ci/.\n\
         workflow:\n  rules:\n    - if: $CI_PIPELINE_SOURCE == \"merge_request_event\"\n    \
         - if: $CI_COMMIT_BRANCH && $CI_OPEN_MERGE_REQUESTS && $CI_PIPELINE_SOURCE == \"push\"\n      when: never\n    \
         - if: $CI_COMMIT_BRANCH || $CI_COMMIT_TAG\n\n{}",
        include(component)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_find_the_projects_and_their_siblings() {
        let dirs = [".", "libs/a", "libs/b", "apps/x/y", "tool", "odd[1]/a"].map(str::to_owned);
        let globs: Vec<String> = globs(&dirs).into_iter().collect();
        assert_eq!(globs, [".", "apps/x/*", "libs/*", "odd[[]1[]]/*", "tool"]);
    }

    #[test]
    fn a_parent_passes_the_rules() {
        let text = parent(COMPONENT);
        assert_eq!(crate::lint::check(&text, &crate::lint::Options::any()), []);
    }

    #[test]
    fn settings_are_about_the_new_repository() {
        let (_, text) = policy::FILES.iter().find(|(path, _)| *path == config::FILE).expect("the settings");
        let text = settings(&text().expect("readable"), &["libs/a\"b".to_owned()], Utf8Path::new("/x/my repo"));
        let table: toml::Table = toml::from_str(&text).expect("valid TOML");
        assert_eq!(table["projects"].as_array().expect("a list").len(), 1);
        assert_eq!(table["pages"]["title"].as_str(), Some("my repo"));
        assert!(table.get("no-input").is_none() && !text.contains("rustfmt"), "{text}");
        assert!(!text.contains("xtask/"), "{text}");
        // What it shows as an example is one.
        let example: String =
            text.lines().skip_while(|it| *it != "# [[no-input]]").take(3).map(|it| it[2..].to_owned() + "\n").collect();
        assert!(toml::from_str::<toml::Table>(&example).is_ok_and(|it| it.contains_key("no-input")), "{example}");
    }
}
