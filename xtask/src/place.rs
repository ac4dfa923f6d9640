//! What a file is to its project, who reads it, and which files a project names by hand.
//!
//! Pure. The plan's lists and the check of what a stage has really read rest on this one place, so that they cannot
//! disagree. Must not know a revision: a path and a few words about its project are all it sees.

use camino::{Utf8Path, Utf8PathBuf};

use crate::manifest;
use crate::stages::Own;

/// What a file is to its project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Manifest,
    Lock,
    Test,
    Document,
    /// Settings of tools that work on the sources.
    Setting,
    /// All else: code, data, whatever a build may take in.
    Code,
}

/// What must be known of a project to place its files.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    pub name: &'a str,
    /// Repo-relative.
    pub dir: &'a Utf8Path,
    /// Do its pytest settings name documents?
    pub tests_documents: bool,
}

const DOCUMENTS: &[&str] = &[
    "ADOPTERS",
    "AGENTS",
    "AUTHORS",
    "CHANGELOG",
    "CHANGES",
    "CLAUDE",
    "CODE_OF_CONDUCT",
    "CODEOWNERS",
    "CONTRIBUTING",
    "CONTRIBUTORS",
    "COPYING",
    "GEMINI",
    "GOVERNANCE",
    "HACKING",
    "HISTORY",
    "LICENCE",
    "LICENSE",
    "MAINTAINERS",
    "NEWS",
    "NOTICE",
    "README",
    "SECURITY",
];
const SETTINGS: &[&str] = &[
    ".bandit",
    ".coveragerc",
    ".dockerignore",
    ".editorconfig",
    ".flake8",
    ".pre-commit-config.yaml",
    ".pylintrc",
    ".pytest.ini",
    ".ruff.toml",
    ".semgrepignore",
    "Dockerfile",
    "mypy.ini",
    "noxfile.py",
    "pyrightconfig.json",
    "pytest.ini",
    "pytest.toml",
    "ruff.toml",
    "tox.ini",
    "ty.toml",
];
/// Settings that a checker obeys wherever they are, and the mark of a typed package.
const CHECKED: &[&str] = &[".bandit", ".ruff.toml", "py.typed", "ruff.toml", "ty.toml"];

impl Owner<'_> {
    /// What a file of the project is to it.
    pub fn place(&self, path: &Utf8Path) -> Place {
        // By text: this is asked of every file of a large repository.
        let inner = path.as_str().strip_prefix(self.dir.as_str()).unwrap_or(path.as_str()).trim_start_matches('/');
        let (first, is_dir) = inner.split_once('/').map_or((inner, false), |it| (it.0, true));
        let dashed = first.bytes().map(|it| if it == b'_' { b'-' } else { it });
        let own_package = !first.contains('-') && dashed.eq(self.name.bytes());
        match (first, is_dir) {
            ("pyproject.toml", false) => Place::Manifest,
            ("uv.lock", false) => Place::Lock,
            _ if own_package => Place::Code,
            ("tests" | "test", true) => Place::Test,
            ("docs" | "doc", true) => Place::Document,
            (it, true) if it.starts_with('.') => Place::Setting,
            (it, false) if SETTINGS.contains(&it) => Place::Setting,
            (it, false) if it == "conftest.py" || it.ends_with("_test.py") => Place::Test,
            (it, false) if it.starts_with("test_") && it.ends_with(".py") => Place::Test,
            (it, false) if is_document(it) => Place::Document,
            _ => Place::Code,
        }
    }

    /// Does a stage that reads `own` read this file of the project?
    pub fn is_read(&self, path: &Utf8Path, own: Own) -> bool {
        let place = self.place(path);
        let is_python = matches!(path.extension(), Some("py" | "pyi" | "ipynb"));
        match (place, own) {
            (Place::Manifest, _) => true,
            // A lock counts by its meaning.
            (Place::Lock, _) | (_, Own::Manifest) => false,
            (_, Own::All) => true,
            (_, Own::Python) => is_python || path.file_name().is_some_and(|it| CHECKED.contains(&it)),
            (place, Own::Production) => is_python && place == Place::Code,
            (place, Own::Tested) => place != Place::Document || self.tests_documents,
        }
    }
}

fn is_document(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).to_ascii_uppercase();
    let extension = name.rsplit_once('.').map_or("", |(_, it)| it);
    let is_text = matches!(extension, "" | "md" | "rst" | "txt" | "MIT" | "APACHE" | "BSD");
    is_text && DOCUMENTS.iter().any(|it| stem == *it || stem.starts_with(&format!("{it}-")))
}

/// What an entry of `[tool.xtask] inputs` stands for: a file, a directory with all below it, or a glob.
#[derive(Debug)]
pub struct Named {
    /// Repo-relative, `..` resolved.
    pattern: Utf8PathBuf,
    /// The part without wildcards: only what is at or below it can match.
    pub fixed: Utf8PathBuf,
    /// `None` for a plain path.
    glob: Option<glob::Pattern>,
}

impl Named {
    /// From an entry relative to a directory; `None` when it leaves the repository or is no glob.
    pub fn new(dir: &Utf8Path, text: &str) -> Option<Named> {
        let pattern = manifest::resolve(dir, Utf8Path::new(text))?;
        let compiled = glob::Pattern::new(pattern.as_str()).ok()?;
        let fixed: Utf8PathBuf = pattern.components().take_while(|it| !it.as_str().contains(['*', '?', '['])).collect();
        let glob = (fixed != pattern).then_some(compiled);
        Some(Named { pattern, fixed, glob })
    }

    /// From a text that leads out of a directory; `None` when it only says where something above begins.
    pub fn above(dir: &Utf8Path, text: &str) -> Option<Named> {
        Named::new(dir, text).filter(|it| !dir.starts_with(&it.fixed))
    }

    /// Is an entry one that can be read?
    ///
    /// # Errors
    /// When it is no glob, with what is wrong.
    pub fn check(text: &str) -> Result<(), glob::PatternError> {
        glob::Pattern::new(text).map(|_| ())
    }

    /// Is this file meant?
    pub fn matches(&self, path: &Utf8Path) -> bool {
        match &self.glob {
            Some(glob) => glob.matches_with(path.as_str(), WITHIN),
            None => path.starts_with(&self.pattern),
        }
    }

    /// Is a file that comes new to this directory meant, if its name fits?
    pub fn stands_in(&self, dir: &Utf8Path) -> bool {
        if self.glob.is_none() {
            return dir.starts_with(&self.pattern);
        }
        let parent = self.pattern.parent().unwrap_or(Utf8Path::new(""));
        let in_parent = glob::Pattern::new(parent.as_str()).is_ok_and(|it| it.matches_with(dir.as_str(), WITHIN));
        in_parent || self.matches(&dir.join("_"))
    }
}

/// `*` stays within a directory, `**` does not.
const WITHIN: glob::MatchOptions =
    glob::MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: false };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_input_means() {
        let meant = |text: &str, path: &str| Named::new("p/a".into(), text).expect("a glob").matches(path.into());
        assert!(meant("../../schemas/x.json", "schemas/x.json") && !meant("../../schemas/x", "schemas/x.json"));
        assert!(meant("../../schemas", "schemas/b/x.json") && meant("README.md", "p/a/README.md"));
        assert!(meant("../../schemas/**", "schemas/b/x.json") && meant("../../schemas/**", "schemas/x.json"));
        assert!(meant("../../schemas/*.json", "schemas/x.json") && !meant("../../schemas/*.json", "schemas/b/x.json"));
        assert!(meant("../../[[]x]", "[x]"));
        assert!(Named::above("p/a".into(), "../b").is_some() && Named::above("p/a".into(), "../../*").is_none());
        assert!(Named::new("p/a".into(), "../../../x").is_none() && Named::new("p".into(), "***").is_none());
    }

    #[test]
    fn which_directories_an_input_watches() {
        let watched = |text: &str, dir: &str| Named::new("p/a".into(), text).expect("a glob").stands_in(dir.into());
        assert!(watched("../../schemas/*.json", "schemas") && !watched("../../schemas/*.json", "schemas/b"));
        assert!(watched("../../schemas/**", "schemas/b") && watched("../../schemas/**", "schemas"));
        assert!(watched("../../schemas", "schemas/b") && !watched("../../schemas/x.json", "schemas"));
        assert!(watched("../../*", "") && !watched("../../*", "schemas"));
    }
}
