//! The grammar of the command line, nothing else.

use camino::Utf8PathBuf;
use clap::{Args, Parser, Subcommand, ValueEnum};

/// The CI of a monorepo of Python projects: the same stages on a laptop and in GitLab.
#[derive(Debug, Parser)]
#[command(name = "xtask", bin_name = "cargo xtask", version, disable_help_subcommand = true)]
pub struct Flags {
    #[command(subcommand)]
    pub command: Command,
    /// Take the settings from this file instead of ci/xtask.toml; policy files are then those beside it.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<Utf8PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole pipeline.
    Ci {
        #[command(flatten)]
        selection: Selection,
        /// Run only these stages.
        #[arg(long = "stage", value_name = "NAME", num_args = 1..)]
        stages: Vec<String>,
        #[command(flatten)]
        how: How,
    },
    /// Run just these stages (and those whose files they read).
    Stage {
        /// Stage names, as in docs/stages.md; all of the plan where one is handed over.
        #[arg(value_name = "NAME")]
        stages: Vec<String>,
        #[command(flatten)]
        selection: Selection,
        /// Run just the jobs of this plan: a file that `plan --json` has written, or the text of one. Without the flag the
        /// variable XTASK_PLAN is asked, which every job of an emitted pipeline has.
        #[arg(long, value_name = "FILE|JSON", conflicts_with_all = ["all", "base", "head"])]
        plan: Option<String>,
        #[command(flatten)]
        how: How,
    },
    /// Decide what would run, and why; run nothing.
    Plan {
        #[command(flatten)]
        selection: Selection,
        /// Only these stages.
        #[arg(long = "stage", value_name = "NAME", num_args = 1..)]
        stages: Vec<String>,
        /// As JSON.
        #[arg(long, conflicts_with = "explain")]
        json: bool,
        /// Say why this project is in the plan or left out of it.
        #[arg(long, value_name = "PROJECT")]
        explain: Option<String>,
    },
    /// Write the child pipeline of GitLab that runs the plan.
    Emit {
        #[command(flatten)]
        selection: Selection,
        /// Where to; standard output without it.
        #[arg(long, short, value_name = "FILE")]
        output: Option<Utf8PathBuf>,
        /// One file of a pipeline that needs several: what a job of that pipeline asks for.
        #[arg(long, value_name = "N/M/CUT/BATCH", hide = true)]
        part: Option<String>,
        /// Make nothing: check this file, or standard input for `-`, against GitLab's schema and the rules beyond it.
        #[arg(long, value_name = "FILE", conflicts_with_all = ["output", "part", "all", "projects", "base", "head"])]
        check: Option<Utf8PathBuf>,
        /// Where the checked file stands; without it `.gitlab-ci.yml` and components are a project's own, the rest children.
        #[arg(long, value_enum, requires = "check")]
        level: Option<Level>,
    },
    /// Set up a repository that has only Python projects: policy in ci/, .gitlab-ci.yml, and a first plan.
    Init {
        /// The component that .gitlab-ci.yml includes, with its version.
        #[arg(long, value_name = "PATH@VERSION", default_value = crate::init::COMPONENT)]
        component: String,
    },
    /// Draw who needs whom, with what is affected marked.
    Graph {
        #[command(flatten)]
        selection: Selection,
        /// How to draw it.
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Replay history: what each commit would have selected. Nothing is checked out or run, except with --run.
    Audit {
        /// How many first-parent commits.
        #[arg(long, value_name = "N", default_value = "20")]
        commits: usize,
        /// The newest of them.
        #[arg(long, value_name = "REV", default_value = "HEAD")]
        head: String,
        /// Run everything at this revision, in a copy, and compare with the verdicts of earlier runs.
        #[arg(long, value_name = "REV", conflicts_with_all = ["commits", "head"])]
        run: Option<String>,
        /// With --run: only these stages.
        #[arg(long = "stage", value_name = "NAME", num_args = 1.., requires = "run")]
        stages: Vec<String>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Look for what is wrong here: git, base, projects, locks, rules, exceptions, tools; each with what mends it.
    Doctor {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Run again, at its commit and in a copy, what a job of a pipeline has run.
    Reproduce {
        /// The log of the job, or `target/ci/plan.json#PROJECT.STAGE`.
        #[arg(value_name = "JOB_LOG|PLAN_JSON#ID")]
        what: String,
        #[command(flatten)]
        how: How,
    },
    /// Build the image that CI jobs run in, unless it is there: xtask, the pinned tools, Python and git.
    Image(Image),
    /// Commit how long jobs take: puts the times of runs here, and of the files that jobs have left, into ci/times.json.
    Times {
        /// The `times.json` among the artifacts of a job.
        #[arg(value_name = "FILE")]
        files: Vec<Utf8PathBuf>,
    },
    /// List the tools: name, pinned version, found version, path.
    Tools {
        /// Fetch those that are not there yet.
        #[arg(long)]
        fetch: bool,
    },
    /// Delete what runs have left under target/ci.
    Clean {
        /// Only list what would be deleted.
        #[arg(long)]
        dry_run: bool,
        /// Delete the fetched tools and the vulnerability database in the user's cache as well.
        #[arg(long)]
        tools: bool,
    },
}

/// Which projects. Without a flag: those that the change can affect.
#[derive(Debug, Clone, Default, Args)]
pub struct Selection {
    /// Only these projects, by name or directory.
    #[arg(long = "project", value_name = "NAME", num_args = 1..)]
    pub projects: Vec<String>,
    /// All projects, whatever has changed.
    #[arg(long, conflicts_with = "projects")]
    pub all: bool,
    /// What the change since this revision can affect, instead of since the one that the surroundings tell.
    #[arg(long, value_name = "REV", conflicts_with_all = ["projects", "all"])]
    pub base: Option<String>,
    /// A revision instead of the work tree; nothing is checked out.
    #[arg(long, value_name = "REV")]
    pub head: Option<String>,
}

/// The image of CI jobs.
#[derive(Debug, Args)]
pub struct Image {
    /// linux/arm64 or linux/amd64; the platform of [docker-build] when not given.
    #[arg(long, value_name = "PLATFORM", value_parser = ["linux/arm64", "linux/amd64"])]
    pub platform: Option<String>,
    /// What its name starts with: a registry and path.
    #[arg(long, value_name = "NAME", env = "XTASK_IMAGE_REPOSITORY", default_value = "localhost/xtask-ci")]
    pub repository: String,
    /// Another base image than the one in ci/Dockerfile.
    #[arg(long, value_name = "IMAGE")]
    pub base: Option<String>,
    /// Another image to build xtask in.
    #[arg(long, value_name = "IMAGE")]
    pub rust: Option<String>,
    /// Push it to its registry and say by which digest it is there.
    #[arg(long)]
    pub push: bool,
    /// With --push: under this tag as well, which moves; where nothing is built, it is pulled for that.
    #[arg(long, value_name = "TAG", env = "XTASK_IMAGE_ALSO", requires = "push")]
    pub also: Option<String>,
    /// With --push: write `XTASK_IMAGE=NAME@DIGEST` to this file.
    #[arg(long, value_name = "FILE", requires = "push")]
    pub dotenv: Option<Utf8PathBuf>,
    /// Only say its name: the tag is the hash of what goes in.
    #[arg(long, conflicts_with = "push")]
    pub name: bool,
}

/// How a graph is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Dot,
    Mermaid,
    Json,
}

/// Where a file stands among the pipelines of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// The project's own pipeline.
    Parent,
    /// A child of it.
    Child,
    /// A child of a child.
    Grandchild,
}

/// How to run.
#[derive(Debug, Args)]
pub struct How {
    /// Go on after a failure, so that one run shows all findings (the default).
    #[arg(long)]
    pub keep_going: bool,
    /// Stop at the first failure.
    #[arg(long, conflicts_with = "keep_going")]
    pub fail_fast: bool,
    /// How many jobs at once; the number of cores when not given.
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
}
