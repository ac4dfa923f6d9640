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
mod docker_build;
mod inline;
mod license_check;
mod lock;
mod pages;
mod pytest;
mod radon;
mod ruff;
mod sbom;
mod semgrep;
mod syntax;
mod type_check;
mod vulnerabilities;

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

/// What a stage may read of the repository, beside its policy files and its tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// Nothing.
    Nothing,
    /// The project's own files.
    Own,
    /// The manifests and locks of the project and its local dependencies.
    Locks,
    /// Own files, those of its local dependencies, and the locked closure with all groups.
    Closure,
    /// The same closure without the groups: what ships.
    Runtime,
}

impl Reads {
    /// In words, for `docs/stages.md`.
    pub fn words(self) -> &'static str {
        match self {
            Reads::Nothing => "nothing",
            Reads::Own => "own files",
            Reads::Locks => "manifests and locks of the project and its local dependencies",
            Reads::Closure => "own files, local dependencies, locked closure",
            Reads::Runtime => "own files, local dependencies, runtime closure",
        }
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
        reads: Reads::Nothing,
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
        reads: Reads::Closure,
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
        reads: Reads::Locks,
        tools: &[],
        environments: &[],
        run: Run::Each(lock::run),
    },
    Stage {
        name: "ruff",
        group: "lint",
        tool: "ruff",
        passes: "no finding under D, I, F with the google convention, and every file is formatted",
        leaves: "JUnit",
        needs: &[],
        takes: &[],
        reads: Reads::Own,
        tools: &[Tool::Lint],
        environments: &[],
        run: Run::Batch(ruff::run),
    },
    Stage {
        name: "radon",
        group: "lint",
        tool: "radon",
        passes: "every module's maintainability index is A, every block's cyclomatic complexity B or better",
        leaves: "JUnit",
        needs: &[],
        takes: &[],
        reads: Reads::Own,
        tools: &[Tool::Lint],
        environments: &[],
        run: Run::Batch(radon::run),
    },
    Stage {
        name: "type-check",
        group: "typing",
        tool: "ty",
        passes: "no error-level diagnostic under the rule table in ci/ty.toml; warnings are counted and shown",
        leaves: "JUnit",
        needs: &[],
        takes: &[],
        reads: Reads::Closure,
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
        reads: Reads::Closure,
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
        reads: Reads::Runtime,
        tools: &[Tool::License],
        environments: &[Kind::Runtime],
        run: Run::Each(license_check::run),
    },
    Stage {
        name: "bandit",
        group: "sast",
        tool: "bandit",
        passes: "no finding at or above the policy in ci/bandit.yaml and ci/xtask.toml",
        leaves: "JUnit",
        needs: &[],
        takes: &[],
        reads: Reads::Own,
        tools: &[Tool::Sast, Tool::Lint],
        environments: &[],
        run: Run::Batch(bandit::run),
    },
    Stage {
        name: "semgrep",
        group: "sast",
        tool: "semgrep",
        passes: "no finding from the rules in ci/semgrep/",
        leaves: "JUnit",
        needs: &[],
        takes: &[],
        reads: Reads::Own,
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
        reads: Reads::Runtime,
        tools: &[Tool::Sbom],
        environments: &[Kind::Runtime],
        run: Run::Each(sbom::run),
    },
    Stage {
        name: "vulnerabilities",
        group: "sbom",
        tool: "grype",
        passes: "no match at or above the policy in the SBOM; each says whether first-party code imports the package",
        leaves: "JUnit, grype's report",
        needs: &["sbom"],
        takes: &["sbom"],
        reads: Reads::Runtime,
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
        reads: Reads::Runtime,
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
        reads: Reads::Closure,
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
