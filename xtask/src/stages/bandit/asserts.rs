//! Where an `assert` is no finding: the policy's own patterns, taken out of what bandit is given and matched here.
//!
//! bandit matches them with the whole path, and its `*` does not stop at a `/`: a package named `test_kit`, or a project
//! in a directory of that name, would be tests from end to end. Here a pattern is about the path within the project. Pure.

use anyhow::{Context as _, Result, bail};
use camino::Utf8Path;
use glob::{MatchOptions, Pattern};
use serde_yaml::Value;

/// bandit's test for `assert`.
pub const RULE: &str = "B101";

const WITHIN: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: false };

/// The policy in two parts.
#[derive(Debug)]
pub struct Policy {
    /// What bandit is given.
    pub config: String,
    allowed: Vec<Pattern>,
}

impl Policy {
    /// From the text of `ci/bandit.yaml`.
    ///
    /// # Errors
    /// When it is no YAML, or a pattern in it is no glob.
    pub fn parse(text: &str) -> Result<Policy> {
        let mut config: Value = serde_yaml::from_str(text).context("is no YAML")?;
        let skips = config
            .get_mut("assert_used")
            .and_then(Value::as_mapping_mut)
            .and_then(|it| it.remove("skips"))
            .unwrap_or_default();
        let mut allowed = Vec::new();
        for it in skips.as_sequence().into_iter().flatten() {
            let Some(glob) = it.as_str() else { bail!("`assert_used.skips` is a list of patterns") };
            allowed.push(Pattern::new(glob).with_context(|| format!("`{glob}` in `assert_used.skips` is no glob"))?);
        }
        let config = serde_yaml::to_string(&config).context("could not be written for bandit")?;
        Ok(Policy { config, allowed })
    }

    /// May this file of the project in `dir` use `assert`?
    pub fn allows(&self, dir: &Utf8Path, file: &Utf8Path) -> bool {
        let inner = file.strip_prefix(dir).unwrap_or(file);
        self.allowed.iter().any(|it| it.matches_with(inner.as_str(), WITHIN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_about_the_path_within_the_project() {
        let text = "skips: [B404]\nassert_used:\n  skips: ['**/tests/**', '**/test_*.py']\n";
        let policy = Policy::parse(text).expect("a policy");
        assert!(policy.config.contains("B404") && !policy.config.contains("tests"), "{}", policy.config);
        let allows = |dir: &str, file: &str| policy.allows(dir.into(), format!("{dir}/{file}").as_str().into());
        assert!(allows("p/a", "tests/x.py") && allows("p/a", "src/a/tests/b/x.py") && allows("p/a", "src/test_x.py"));
        assert!(!allows("p/a", "src/test_kit/a.py") && !allows("p/tests", "src/a.py") && !allows("p/test_a", "a.py"));
        assert!(Policy::parse("assert_used: {skips: ['[']}").is_err() && Policy::parse("a: b: c").is_err());
    }
}
