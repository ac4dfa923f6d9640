//! The policy files as `init` writes them: those of this repository's own `ci/`.
//!
//! A release binary holds them, for where it is used there is no checkout of this repository. A debug build reads them from
//! the checkout that it was built in: otherwise each edit of the policy would compile xtask again.

use anyhow::Result;

/// A file by its path in the repository, and how to get its text.
pub type Entry = (&'static str, fn() -> Result<String>);

macro_rules! policy {
    ($($path:literal)*) => {
        /// Every file of `ci/`.
        pub const FILES: &[Entry] = &[$(($path, || text!($path))),*];
    };
}

#[cfg(any(test, not(debug_assertions)))]
macro_rules! text {
    ($path:literal) => {
        Ok(include_str!(concat!("../../../", $path)).to_owned())
    };
}

#[cfg(not(any(test, not(debug_assertions))))]
macro_rules! text {
    ($path:literal) => {{
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../", $path);
        anyhow::Context::with_context(std::fs::read_to_string(path), || {
            format!("could not read {path}: a debug build looks there; a release build holds its files")
        })
    }};
}

policy! {
    "ci/bandit.yaml"
    "ci/licenses.toml"
    "ci/project.Dockerfile"
    "ci/ruff.toml"
    "ci/semgrep/crypto.yaml"
    "ci/semgrep/deserialisation.yaml"
    "ci/semgrep/files.yaml"
    "ci/semgrep/injection.yaml"
    "ci/semgrep/network.yaml"
    "ci/semgrep/robustness.yaml"
    "ci/semgrep/secrets.yaml"
    "ci/semgrep/web.yaml"
    "ci/semgrep/xml.yaml"
    "ci/sphinx/conf.py"
    "ci/tools/pyproject.toml"
    "ci/tools/uv.lock"
    "ci/tools/uv.txt"
    "ci/ty.toml"
    "ci/xtask.toml"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_file_is_there() {
        let root = camino::Utf8Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a parent");
        let listed = crate::files::list(root).expect("the repository's files");
        // The image of CI jobs is built where xtask's sources are.
        let wanted = |it: &&str| it.starts_with("ci/") && !["ci/Dockerfile", "ci/times.json"].contains(it);
        let ours: Vec<&str> = listed.iter().map(|it| it.as_str()).filter(wanted).collect();
        let named: Vec<&str> = FILES.iter().map(|(path, _)| *path).collect();
        assert_eq!(named, ours, "name every file of ci/ in init/policy.rs");
    }
}
