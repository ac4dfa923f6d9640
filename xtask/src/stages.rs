//! The table of stages: start reading here.
//!
//! Every stage is a plain function. The command line, the runner, the documents and the emitted pipeline read the same
//! rows. To add one: write `stages/NAME.rs`, add a row, run `UPDATE_EXPECT=1 cargo test` to renew `docs/stages.md`.
//! Rows stand in the order in which a person thinks of them; the needs decide what runs when.

use anyhow::{Result, bail};

use crate::context::Context;
use crate::discover::Project;
use crate::environments::Kind;
use crate::suggest;
use crate::tools::Tool;
use crate::verdict::Verdict;

mod bandit;
mod batch;
mod build;
pub mod docker_build;
mod inline;
mod license_check;
pub mod lock;
mod pages;
mod pytest;
mod radon;
mod ruff;
mod sbom;
mod semgrep;
mod syntax;
mod type_check;
mod undeclared;
pub mod vulnerabilities;

/// One kind of check.
#[derive(Debug)]
pub struct Stage {
    /// What `cargo xtask stage NAME` takes, and what reports and job names say.
    pub name: &'static str,
    /// The GitLab stage it belongs to.
    pub group: &'static str,
    /// The programs behind it, for people.
    pub tool: &'static str,
    /// When it passes, for people.
    pub passes: &'static str,
    /// What it leaves, for people.
    pub leaves: &'static str,
    /// Stages of the same project that must not have failed; those that are not part of a run are not waited for.
    pub needs: &'static [&'static str],
    /// The needs whose files it reads: a run that has this stage has those too.
    pub takes: &'static [&'static str],
    /// What it may read: the content of its fingerprint.
    pub reads: Reads,
    /// Tools that are provisioned before it starts.
    pub tools: &'static [Tool],
    /// Environments of the project that are made before it starts.
    pub environments: &'static [Kind],
    /// The function.
    pub run: Run,
}

/// What a stage may read of the repository: the content of its fingerprint, beside its policy files and its tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reads {
    /// Of the project's own files.
    pub own: Own,
    /// Of its local dependencies and its lock.
    pub closure: Closure,
    /// Its policy files, relative to `ci/`; a directory ends in `/`.
    pub policy: &'static [&'static str],
}

/// Which of the project's own files. `pyproject.toml` is always one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Own {
    /// Nothing but the manifest.
    Manifest,
    /// Python files and notebooks, wherever they are, and the settings of checkers.
    Python,
    /// Python files that are neither tests nor documentation.
    Production,
    /// All but documentation (`docs/`, README and the like).
    Tested,
    /// All.
    All,
}

/// How far a stage looks beyond the project's own directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Closure {
    Nothing,
    /// Manifests of local dependencies, and the lock with all groups.
    Manifests,
    /// The same of what ships: no groups.
    Shipped,
    /// Code of what ships as well.
    Runtime,
    /// Code of all local dependencies, and the lock with all groups.
    Dev,
}

impl Reads {
    const NOTHING: Reads = Reads { own: Own::Manifest, closure: Closure::Nothing, policy: &[] };

    /// In words, for `docs/stages.md`.
    pub fn words(self) -> String {
        let own = match self.own {
            Own::Manifest => "its manifest",
            Own::Python => "its Python files",
            Own::Production => "its Python files without tests and docs",
            Own::Tested => "its files without docs and README",
            Own::All => "all its files",
        };
        let closure = match self.closure {
            Closure::Nothing => "",
            Closure::Manifests => "; manifests of local dependencies; the locked closure",
            Closure::Shipped => "; manifests of local dependencies that ship; the locked runtime closure",
            Closure::Runtime => "; code of local dependencies that ship; the locked runtime closure",
            Closure::Dev => "; code of local dependencies; the locked closure with all groups",
        };
        let policy: Vec<String> = self.policy.iter().map(|it| format!("`ci/{it}`")).collect();
        let policy = if policy.is_empty() { String::new() } else { format!("; {}", policy.join(", ")) };
        format!("{own}{closure}{policy}")
    }
}

/// How a stage runs. An `Err` means that the tool could not do its work.
#[derive(Debug, Clone, Copy)]
pub enum Run {
    /// For what needs the project's own environment.
    Each(fn(&Context, &Project) -> Result<Verdict>),
    /// For tools that read many trees in one process: one verdict for each project, in the same order.
    Batch(fn(&Context, &[&Project]) -> Result<Vec<Verdict>>),
    /// Started by hand only; locally it is a command of its own.
    Manual,
}

/// All stages.
pub const STAGES: &[Stage] = &[
    Stage {
        name: "clear-cache",
        group: ".pre",
        tool: "-",
        passes: "manual job; locally `cargo xtask clean`",
        leaves: "-",
        needs: &[],
        takes: &[],
        reads: Reads::NOTHING,
        tools: &[],
        environments: &[],
        run: Run::Manual,
    },
    Stage {
        name: "docker-build",
        group: "docker",
        tool: "docker, buildx or buildah",
        passes: "the image of a project that declares one builds from its locked closure; its tag is the hash of what goes in",
        leaves: "JUnit, image reference, archive",
        needs: &[],
        takes: &[],
        reads: Reads { own: Own::All, closure: Closure::Dev, policy: &["project.Dockerfile"] },
        tools: &[],
        environments: &[],
        run: Run::Each(docker_build::run),
    },
    Stage {
        name: "lock",
        group: "lock",
        tool: "uv",
        passes: "`uv lock --check` holds for the project and for everything that depends on it",
        leaves: "JUnit",
        needs: &[],
        takes: &[],
        reads: Reads { own: Own::Manifest, closure: Closure::Manifests, policy: &[] },
        tools: &[],
        environments: &[],
        run: Run::Each(lock::run),
    },
    Stage {
        name: "ruff",
        group: "lint",
        tool: "ruff",
        passes: "no finding under D, I, F with the google convention, and every file is formatted",
        leaves: "JUnit, code quality",
        needs: &[],
        takes: &[],
        reads: Reads { own: Own::Python, closure: Closure::Nothing, policy: &["ruff.toml"] },
        tools: &[Tool::Lint],
        environments: &[],
        run: Run::Batch(ruff::run),
    },
    Stage {
        name: "radon",
        group: "lint",
        tool: "radon",
        passes: "every module's maintainability index is A, every block's cyclomatic complexity B or better",
        leaves: "JUnit, code quality",
        needs: &[],
        takes: &[],
        reads: Reads { own: Own::Python, closure: Closure::Nothing, policy: &[] },
        tools: &[Tool::Lint],
        environments: &[],
        run: Run::Batch(radon::run),
    },
    Stage {
        name: "type-check",
        group: "typing",
        tool: "ty",
        passes: "no error-level diagnostic under the rule table in ci/ty.toml; warnings are counted and shown",
        leaves: "JUnit, code quality",
        needs: &[],
        takes: &[],
        reads: Reads { own: Own::Python, closure: Closure::Dev, policy: &["ty.toml"] },
        tools: &[Tool::Typing],
        environments: &[Kind::Dev],
        run: Run::Each(type_check::run),
    },
    Stage {
        name: "pytest",
        group: "test",
        tool: "pytest, pytest-cov",
        passes: "all tests pass, at least one ran, line coverage of the project's own code is at least 75 %",
        leaves: "JUnit, Cobertura, run times",
        needs: &[],
        takes: &[],
        reads: Reads { own: Own::Tested, closure: Closure::Dev, policy: &[] },
        tools: &[Tool::Test],
        environments: &[Kind::Dev],
        run: Run::Each(pytest::run),
    },
    Stage {
        name: "license-check",
        group: "license",
        tool: "pip-licenses",
        passes: "every distribution that ships has a licence on the list in ci/licenses.toml",
        leaves: "JUnit, licence table",
        needs: &[],
        takes: &[],
        reads: Reads { own: Own::Manifest, closure: Closure::Shipped, policy: &["licenses.toml"] },
        tools: &[Tool::License],
        environments: &[Kind::Runtime],
        run: Run::Each(license_check::run),
    },
    Stage {
        name: "bandit",
        group: "sast",
        tool: "bandit",
        passes: "no finding at or above the policy in ci/bandit.yaml and ci/xtask.toml",
        leaves: "JUnit, GitLab SAST",
        needs: &[],
        takes: &[],
        reads: Reads { own: Own::Python, closure: Closure::Nothing, policy: &["bandit.yaml"] },
        tools: &[Tool::Sast, Tool::Lint],
        environments: &[],
        run: Run::Batch(bandit::run),
    },
    Stage {
        name: "semgrep",
        group: "sast",
        tool: "semgrep",
        passes: "no finding from the rules in ci/semgrep/",
        leaves: "JUnit, GitLab SAST",
        needs: &[],
        takes: &[],
        reads: Reads { own: Own::Python, closure: Closure::Nothing, policy: &["semgrep/"] },
        tools: &[Tool::Sast, Tool::Lint],
        environments: &[],
        run: Run::Batch(semgrep::run),
    },
    Stage {
        name: "sbom",
        group: "sbom",
        tool: "syft",
        passes: "the SBOM of what ships names exactly the components of the lock's runtime closure",
        leaves: "JUnit, CycloneDX, SPDX",
        needs: &["docker-build"],
        takes: &[],
        reads: Reads { own: Own::Manifest, closure: Closure::Shipped, policy: &[] },
        tools: &[Tool::Sbom],
        environments: &[Kind::Runtime],
        run: Run::Each(sbom::run),
    },
    Stage {
        name: "vulnerabilities",
        group: "sbom",
        tool: "grype",
        passes: "no match at or above the policy in the SBOM; each says whether first-party code imports the package",
        leaves: "JUnit, GitLab dependency scanning, grype's report",
        needs: &["sbom"],
        takes: &["sbom"],
        reads: Reads { own: Own::Production, closure: Closure::Runtime, policy: &[] },
        tools: &[Tool::Grype],
        environments: &[Kind::Runtime],
        run: Run::Each(vulnerabilities::run),
    },
    Stage {
        name: "build",
        group: "build",
        tool: "uv build --wheel",
        passes: "the wheel builds, installs with its closure into an empty environment, and every module imports",
        leaves: "JUnit, wheel",
        needs: &[
            "lock",
            "ruff",
            "radon",
            "type-check",
            "pytest",
            "license-check",
            "bandit",
            "semgrep",
            "sbom",
            "vulnerabilities",
        ],
        takes: &[],
        reads: Reads { own: Own::All, closure: Closure::Runtime, policy: &[] },
        tools: &[],
        environments: &[],
        run: Run::Each(build::run),
    },
    Stage {
        name: "pages",
        group: "docs",
        tool: "sphinx",
        passes: "the documentation builds with warnings as errors; all projects are one site with an index",
        leaves: "JUnit, HTML site",
        needs: &[],
        takes: &[],
        reads: Reads { own: Own::All, closure: Closure::Dev, policy: &["sphinx/"] },
        tools: &[Tool::Docs],
        environments: &[Kind::Dev],
        run: Run::Each(pages::run),
    },
];

/// A stage by name.
///
/// # Errors
/// When there is none, with the nearest name.
pub fn find(name: &str) -> Result<&'static Stage> {
    let Some(stage) = STAGES.iter().find(|it| it.name == name) else {
        let names: Vec<&str> = STAGES.iter().map(|it| it.name).collect();
        bail!("there is no stage `{name}`{}", suggest::did_you_mean(name, &names));
    };
    Ok(stage)
}

/// The position of a stage in the table: the order of reports.
pub fn position(name: &str) -> usize {
    STAGES.iter().position(|it| it.name == name).unwrap_or(STAGES.len())
}
