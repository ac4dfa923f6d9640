//! Which paths are nobody's input: by the settings, and by rules that hold until the settings switch them off.
//!
//! Pure. A rule only speaks of paths that no list holds; it never takes one from a list. Must not know a revision.

use anyhow::{Context as _, Result};
use camino::Utf8Path;
use glob::{MatchOptions, Pattern};

use crate::around::Around;
use crate::config::{Config, NoInput};

/// The rules that hold everywhere: what they say must be true of any repository. What is not certain is not here, so that
/// it selects everything until somebody has thought about it. They speak of the root, and in the same way of every directory
/// that has projects below it.
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
        &[
            ".azure-pipelines/**",
            ".buildkite/**",
            ".circleci/**",
            ".drone.yml",
            ".forgejo/**",
            ".gitea/**",
            ".github/**",
            ".gitlab-ci.yml",
            ".gitlab/**",
            ".travis.yml",
            ".woodpecker/**",
            "Jenkinsfile",
            "appveyor.yml",
            "azure-pipelines.y*ml",
            "bitbucket-pipelines.yml",
        ],
        "settings of the forge and of pipelines, which no stage reads",
    ),
    (&["ci/times.json"], "how long jobs took; only estimates of pipelines depend on it"),
    (
        &[
            "**/.gitignore",
            "**/.gitkeep",
            "*.code-workspace",
            ".agents/**",
            ".claude/**",
            ".claudeignore",
            ".codecov.yml",
            ".coderabbit.y*ml",
            ".codespellrc",
            ".codex/**",
            ".cursor/**",
            ".cursorignore",
            ".cursorrules",
            ".devcontainer/**",
            ".editorconfig",
            ".gemini/**",
            ".git-blame-ignore-revs",
            ".githooks/**",
            ".gitleaks.toml",
            ".gitleaksignore",
            ".gitpod.yml",
            ".husky/**",
            ".idea/**",
            ".kiro/**",
            ".lefthook.y*ml",
            ".lycheeignore",
            ".macroscope/**",
            ".mailmap",
            ".markdownlint*",
            ".mcp.json",
            ".opencode/**",
            ".pre-commit-config.yaml",
            ".prettierignore",
            ".prettierrc*",
            ".readthedocs.y*ml",
            ".renovaterc*",
            ".rstcheck.cfg",
            ".secrets.baseline",
            ".taplo.toml",
            ".trivyignore",
            ".typos.toml",
            ".vale.ini",
            ".vex/**",
            ".vim/**",
            ".vscode/**",
            ".windsurf/**",
            ".yamllint*",
            ".zed/**",
            "_typos.toml",
            "codecov.y*ml",
            "lefthook.y*ml",
            "sonar-project.properties",
            "trivy.yaml",
            "renovate.json*",
        ],
        "settings of editors, of git and of other services; a .gitignore that a build backend obeys is an input all the same",
    ),
    (
        &[
            ".bumpversion.cfg",
            ".bumpversion.toml",
            ".changelog/**",
            ".changes/**",
            ".changeset/**",
            ".cz.*",
            ".release-please-manifest.json",
            ".releaserc*",
            "cliff.toml",
            "cz.*",
            "newsfragments/**",
            "release-please-config.json",
        ],
        "notes and settings of releases, which are made of what was checked",
    ),
];

/// The rules that name paths nobody's input.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    all: Vec<(Vec<Pattern>, String)>,
    /// How many of them are the settings'; after these come the usual ones.
    written: usize,
}

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
        let all = Rules::of(config.no_input.iter().cloned().chain(usual))?;
        Ok(Rules { written: config.no_input.len(), ..all })
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
        let all: Vec<_> = rules.into_iter().map(of).collect::<Result<_>>()?;
        Ok(Rules { written: all.len(), all })
    }

    /// The first rule of the settings that names this path: its number and reason.
    pub fn written(&self, path: &Utf8Path) -> Option<(usize, &str)> {
        find(&self.all[..self.written], path)
    }

    /// What is usually nobody's, of which this path is: a number after those of the settings' rules, and the reason.
    pub fn usual(&self, path: &Utf8Path, around: &Around) -> Option<(usize, &str)> {
        let usual = &self.all[self.written..];
        if usual.is_empty() {
            return None;
        }
        let named = around.views(path).find_map(|it| find(usual, it)).map(|(at, why)| (self.written + at, why));
        named.or_else(|| Some((self.all.len(), around.foreign(path)?)))
    }
}

fn find<'a>(rules: &'a [(Vec<Pattern>, String)], path: &Utf8Path) -> Option<(usize, &'a str)> {
    let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
    let at = rules.iter().position(|(all, _)| all.iter().any(|it| it.matches_with(path.as_str(), options)))?;
    Some((at, &rules[at].1))
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
        let (usual, around) = (rules("projects = ['projects/*']"), Around::default());
        for path in
            ["README.md", "LICENSE", "docs/a/b.rst", ".github/workflows/x.yml", "libs/README.md", "a/.gitignore"]
        {
            assert!(usual.usual(path.into(), &around).is_some(), "{path}");
        }
        // What decides how files look when they are checked out, what is run by hand, what tools may find.
        for path in [".gitattributes", "Makefile", "scripts/x.py", "ruff.toml", "a/notes.md", "x/docs/a", "uv.toml"] {
            assert!(usual.usual(path.into(), &around).is_none(), "{path}");
        }
        let off = rules("projects = ['projects/*']\ndefault-no-input = false");
        assert!(off.usual("README.md".into(), &around).is_none());
    }

    #[test]
    fn the_settings_speak_first() {
        let both = rules("projects = ['p']\n[[no-input]]\npaths = ['docs/*']\nreason = 'ours'");
        assert_eq!(both.written("docs/a.md".into()), Some((0, "ours")));
        assert_eq!(both.written("docs/a/b.md".into()), None);
        assert_eq!(both.usual("docs/a/b.md".into(), &Around::default()).map(|it| it.0), Some(1));
    }
}
