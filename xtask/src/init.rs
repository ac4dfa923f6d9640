//! `init`: the policy and the parent pipeline, written into a repository that has only Python projects.
//!
//! Overwrites nothing: what is there already is left and said. Must not run a stage.

use std::collections::BTreeSet;
use std::io::Write as _;

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};

use crate::affected::{Account, Comparison};
use crate::revisions::{self, Place, Range};
use crate::rules::Rules;
use crate::{config, context, files};

mod beside;
mod policy;
mod projects;

use projects::Found;

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
    /// Manifests that cannot be read, and why.
    pub unreadable: Vec<(Utf8PathBuf, String)>,
    /// What only looks like a project, and what it is.
    pub left_out: Vec<(String, &'static str)>,
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
    let Found { projects, left_out, unreadable } = find(&root, &files::list(&root)?)?;
    if projects.is_empty() {
        bail!("no Python project under {root}: a directory with a pyproject.toml that has a [project] table");
    }
    let locked =
        |dir: &&String| !Utf8Path::new(dir.as_str()).ancestors().any(|it| root.join(it).join("uv.lock").is_file());
    let unlocked = projects.iter().filter(locked).cloned().collect();
    let left_out: Vec<_> = left_out.into_iter().collect();
    let mut done = Done { root: root.clone(), unlocked, unreadable, ..Done::default() };
    for (path, text) in policy::FILES {
        let text = text()?;
        let text = if *path == config::FILE { settings(&text, &projects, &left_out, &root) } else { text };
        done.write(path, &text)?;
    }
    done.write(".gitlab-ci.yml", &parent(component))?;
    done.write(".gitignore", IGNORED)?;
    (done.projects, done.left_out) = (projects, left_out);
    Ok(done)
}

fn find(root: &Utf8Path, files: &[Utf8PathBuf]) -> Result<Found> {
    let is_manifest = |it: &&Utf8PathBuf| it.file_name() == Some("pyproject.toml") && !it.starts_with("ci/tools");
    let read = |it: &Utf8PathBuf| -> Result<(Utf8PathBuf, String)> {
        let text = std::fs::read_to_string(root.join(it)).with_context(|| format!("could not read {it}"))?;
        Ok((it.clone(), text))
    };
    let manifests: Vec<_> = files.iter().filter(is_manifest).map(read).collect::<Result<_>>()?;
    projects::find(&manifests, &|dir| root.join(dir).join("uv.lock").is_file())
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
        for (file, why) in &self.unreadable {
            words += &format!("{file} makes no project, for it is not valid TOML: {why}\n");
        }
        for (glob, what) in &self.left_out {
            words += &format!(
                "{glob} is no project but {what}; if it is one, take it out of `exclude` in {}\n",
                config::FILE
            );
        }
        for dir in &self.unlocked {
            words += &format!(
                "{dir} has no uv.lock: uv lock --project {}\n",
                crate::proc::quote_dir(camino::Utf8Path::new(dir))
            );
        }
        words
    }
}

/// Adds rules to the settings that were written just now, for what lies beside the projects. Gives a line about them.
///
/// # Errors
/// When the repository cannot be read, as a plan reads it, or the settings cannot be written.
pub fn beside(done: &Done, place: &Place) -> Result<String> {
    if !done.written.iter().any(|it| it == config::FILE) {
        return Ok(String::new());
    }
    let side = revisions::read_head(place, &Range::default())?.head;
    let settings = std::fs::read_to_string(&place.file).with_context(|| format!("could not read {}", place.file))?;
    let rules = Rules::new(&config::Config::parse(&place.file, &settings)?)?;
    let comparison = Comparison::new(&side, &side, &[], &rules);
    let dirs: Vec<&Utf8Path> = side.projects.iter().map(|it| &*it.dir).collect();
    let unknown = side.tree.iter().map(|it| it.0).filter(|it| {
        let is_of_git = it.file_name().is_some_and(|it| OF_GIT.contains(&it));
        !is_of_git && matches!(comparison.account(it), Account::Unknown)
    });
    let mut beside = beside::Beside::new(unknown, &dirs);
    for project in &side.projects {
        let own: BTreeSet<&str> = side.files(project).flat_map(|it| it.0.components()).map(|it| it.as_str()).collect();
        for (file, _) in side.files(project) {
            if beside.is_settled() {
                break;
            }
            // What is large or no text is data, which names no place; a lock's paths are read anyway.
            let full = done.root.join(file);
            let small = full.metadata().is_ok_and(|it| it.is_file() && it.len() <= LARGEST);
            if small
                && file.file_name() != Some("uv.lock")
                && let Ok(text) = std::fs::read_to_string(&full)
            {
                beside.look(file, &text, &|name| own.contains(name));
            }
        }
    }
    let settings = settings.replacen(EXAMPLE, &format!("{EXAMPLE}{}", beside.settings()), 1);
    context::write(&place.file, settings)?;
    Ok(beside.words())
}

/// What git reads itself, and what it makes of the files that projects read.
const OF_GIT: &[&str] = &[".gitattributes", ".gitmodules", ".lfsconfig"];

/// In bytes, the largest file of a project that is looked through for names of what lies beside it.
const LARGEST: u64 = 512 << 10;

/// A rule, as a comment in the settings; further ones go after it.
const EXAMPLE: &str = "# [[no-input]]\n# paths = [\"Makefile\"]\n# reason = \"started by hand; no stage reads it\"\n";

/// The settings with the globs of these projects, and nothing that is only about this repository.
fn settings(text: &str, projects: &[String], left_out: &[(String, &str)], root: &Utf8Path) -> String {
    let title = root.file_name().unwrap_or("Documentation");
    let mut result = String::new();
    for paragraph in text.split("\n\n") {
        let line = |line: &str| {
            if line.starts_with("projects = ") {
                let list = |globs: &mut dyn Iterator<Item = String>| {
                    globs.map(|it| toml::Value::from(it).to_string()).collect::<Vec<_>>().join(", ")
                };
                let exclude = list(&mut left_out.iter().map(|it| it.0.clone()));
                let exclude = if exclude.is_empty() { String::new() } else { format!("\nexclude = [{exclude}]") };
                format!("projects = [{}]{exclude}", list(&mut projects::globs(projects).into_iter()))
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
        result += &lines.join("\n");
        result += &if own { format!("\n{EXAMPLE}\n") } else { "\n\n".to_owned() };
    }
    result.trim_end().to_owned() + "\n"
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
    fn a_parent_passes_the_rules() {
        let text = parent(COMPONENT);
        assert_eq!(crate::lint::check(&text, &crate::lint::Options::any()), []);
    }

    #[test]
    fn settings_are_about_the_new_repository() {
        let (_, text) = policy::FILES.iter().find(|(path, _)| *path == config::FILE).expect("the settings");
        let text = settings(
            &text().expect("readable"),
            &["libs/a\"b".to_owned()],
            &[("x/**".to_owned(), "")],
            Utf8Path::new("/x/my repo"),
        );
        let table: toml::Table = toml::from_str(&text).expect("valid TOML");
        assert_eq!(table["projects"].as_array().expect("a list").len(), 1);
        assert_eq!(table["exclude"].as_array().expect("a list")[0].as_str(), Some("x/**"));
        assert_eq!(table["pages"]["title"].as_str(), Some("my repo"));
        assert!(table.get("no-input").is_none() && !text.contains("rustfmt"), "{text}");
        assert!(!text.contains("xtask/"), "{text}");
        // What it shows as an example is one.
        let example: String =
            text.lines().skip_while(|it| *it != "# [[no-input]]").take(3).map(|it| it[2..].to_owned() + "\n").collect();
        assert!(toml::from_str::<toml::Table>(&example).is_ok_and(|it| it.contains_key("no-input")), "{example}");
    }
}
