//! Which paths are nobody's input: by the settings, and by rules that hold until the settings switch them off.
//!
//! Pure. A rule only speaks of paths that no list holds; it never takes one from a list. Must not know a revision.

use anyhow::{Context as _, Result};
use camino::Utf8Path;
use glob::{MatchOptions, Pattern};

use crate::config::{Config, NoInput};

/// The rules that hold everywhere: what they say must be true of any repository. What is not certain is not here, so that
/// it selects everything until somebody has thought about it.
const USUAL: &[(&[&str], &str)] = &[
    (
        &[
            "docs/**",
            "doc/**",
            "*.md",
            "*.rst",
            "**/AGENTS.md",
            "**/CHANGELOG*",
            "**/CLAUDE.md",
            "**/CODE_OF_CONDUCT*",
            "**/CONTRIBUTING*",
            "**/README*",
            "**/SECURITY.md",
            "AUTHORS*",
            "CITATION.cff",
            "CODEOWNERS",
            "COPYING*",
            "LICENCE*",
            "LICENSE*",
            "MAINTAINERS*",
            "NOTICE*",
        ],
        "texts about the repository that belong to no project",
    ),
    (
        &[".circleci/**", ".forgejo/**", ".gitea/**", ".github/**", ".gitlab-ci.yml", ".gitlab/**", ".woodpecker/**"],
        "settings of the forge and of pipelines, which no stage reads",
    ),
    (&["ci/times.json"], "how long jobs took; only estimates of pipelines depend on it"),
    (
        &[
            "**/.gitignore",
            "**/.gitkeep",
            ".agents/**",
            ".claude/**",
            ".codecov.yml",
            ".cursor/**",
            ".devcontainer/**",
            ".editorconfig",
            ".gemini/**",
            ".git-blame-ignore-revs",
            ".idea/**",
            ".mailmap",
            ".markdownlint*",
            ".pre-commit-config.yaml",
            ".readthedocs.y*ml",
            ".secrets.baseline",
            ".vscode/**",
            "codecov.y*ml",
            "renovate.json*",
        ],
        "settings of editors, of git and of other services; a .gitignore that a build backend obeys is an input all the same",
    ),
];

/// The rules that name paths nobody's input.
#[derive(Debug, Clone, Default)]
pub struct Rules(Vec<(Vec<Pattern>, String)>);

impl Rules {
    /// From `[[no-input]]` of the settings, and the usual ones after them unless `default-no-input = false`.
    ///
    /// # Errors
    /// When a path is no glob.
    pub fn new(config: &Config) -> Result<Rules> {
        let usual = USUAL.iter().filter(|_| config.default_no_input).map(|(paths, reason)| NoInput {
            paths: paths.iter().map(|it| (*it).to_owned()).collect(),
            reason: format!("{reason} (built-in rule)"),
        });
        Rules::of(config.no_input.iter().cloned().chain(usual))
    }

    /// Just these.
    ///
    /// # Errors
    /// When a path is no glob.
    pub fn of(rules: impl IntoIterator<Item = NoInput>) -> Result<Rules> {
        let of = |rule: NoInput| -> Result<(Vec<Pattern>, String)> {
            let pattern = |it: &String| Pattern::new(it).with_context(|| format!("`{it}` in [[no-input]] is no glob"));
            Ok((rule.paths.iter().map(pattern).collect::<Result<_>>()?, rule.reason))
        };
        Ok(Rules(rules.into_iter().map(of).collect::<Result<_>>()?))
    }

    /// The first rule that names this path: its number and reason.
    pub fn find(&self, path: &Utf8Path) -> Option<(usize, &str)> {
        let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
        let at = self.0.iter().position(|(all, _)| all.iter().any(|it| it.matches_with(path.as_str(), options)))?;
        Some((at, &self.0[at].1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Rules {
        let config = Config::parse("ci/xtask.toml".into(), text).expect("valid settings");
        Rules::new(&config).expect("globs")
    }

    #[test]
    fn what_is_nobodys_without_a_word_in_the_settings() {
        let usual = rules("projects = ['projects/*']");
        for path in
            ["README.md", "LICENSE", "docs/a/b.rst", ".github/workflows/x.yml", "libs/README.md", "a/.gitignore"]
        {
            assert!(usual.find(path.into()).is_some(), "{path}");
        }
        // What decides how files look when they are checked out, what is run by hand, what tools may find.
        for path in [".gitattributes", "Makefile", "scripts/x.py", "ruff.toml", "a/notes.md", "x/docs/a", "uv.toml"] {
            assert!(usual.find(path.into()).is_none(), "{path}");
        }
        let off = rules("projects = ['projects/*']\ndefault-no-input = false");
        assert!(off.find("README.md".into()).is_none());
    }

    #[test]
    fn the_settings_speak_first() {
        let both = rules("projects = ['p']\n[[no-input]]\npaths = ['docs/*']\nreason = 'ours'");
        assert_eq!(both.find("docs/a.md".into()), Some((0, "ours")));
        assert_eq!(both.find("docs/a/b.md".into()).map(|it| it.0), Some(1));
    }
}
