//! pages: the project's documentation by sphinx, warnings as errors, as one directory of the common site.
//!
//! Sphinx runs in the project's own environment on a clean copy of the project, under `ci/sphinx/conf.py`. Notebooks are
//! executed. Must not leave a half-written page: the site gets a directory only when it is complete.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};

use super::undeclared::Watch;
use crate::context::{self, Context};
use crate::discover::{FIRST_PAGES, Project};
use crate::environments::{self, Kind};
use crate::proc::Call;
use crate::sources;
use crate::tools::Tool;
use crate::verdict::{Case, Status, Verdict};

mod crash;
mod documents;
mod modules;
mod site;
mod warnings;

const LAUNCH: &str = include_str!("pages/launch.py");

/// Where things are for one run of sphinx.
struct Desk {
    scratch: Utf8PathBuf,
    /// The clean copy of the project's files and of further ones that it declares as inputs.
    tree: Utf8PathBuf,
    /// The documentation's sources in it.
    docs: Utf8PathBuf,
    html: Utf8PathBuf,
    warnings: Utf8PathBuf,
    launcher: Utf8PathBuf,
    /// `site-packages` of the pinned docs tools.
    overlay: Utf8PathBuf,
}

/// Builds the documentation and renews the site's index.
///
/// # Errors
/// When sphinx crashes for a reason that is not the project's, or leaves no page.
pub fn run(ctx: &Context, project: &Project) -> Result<Verdict> {
    let mut known = documents::check(ctx, project)?;
    if known.iter().any(|it| it.status == Status::Error) {
        return Ok(Verdict::of(known, ""));
    }
    let desk = Desk::set_up(ctx, project)?;
    let version = site::version(ctx, project);
    let watch = Watch::set_up(ctx, project, &desk.scratch)?;
    let done = ctx.run(&watch.on(ctx, desk.call(ctx, project, &version)?))?;
    let text = std::fs::read_to_string(&desk.warnings).unwrap_or_default();
    let mut cases = warnings::cases(ctx, project, &desk.tree, &desk.scratch, &text)?;
    if !matches!(done.code, 0..=2) {
        return Err(done.refused("sphinx"));
    }
    let undeclared = watch.cases(ctx, project)?;
    if done.code == 2 {
        match crash::case(ctx, project, &desk.tree, &done) {
            Ok(case) => cases.push(case),
            // What is not declared is not in the copy: that may well be why it crashed.
            Err(error) if !undeclared.is_empty() => cases.push(Case::error("sphinx", format!("{error:#}"))),
            Err(error) => return Err(error),
        }
    }
    cases.extend(undeclared);
    if cases.is_empty() && done.code != 0 {
        return Err(done.refused("sphinx"));
    }
    if !cases.is_empty() {
        known.extend(cases);
        return Ok(Verdict::of(known, ""));
    }
    if !desk.html.join("index.html").is_file() {
        bail!(
            "sphinx left no index.html: what it imports ended the interpreter (`os._exit`), or docs/conf.py names \
             another root document"
        );
    }
    let pages = count_pages(&desk.html)?;
    let _ = std::fs::remove_file(desk.html.join(".buildinfo"));
    known.extend(documents::unread(project, &desk.html));
    site::publish(ctx, project, &desk.html)?;
    Ok(Verdict::of(known, format!("{pages} pages")))
}

impl Desk {
    fn set_up(ctx: &Context, project: &Project) -> Result<Desk> {
        let scratch = ctx.scratch(Some(project))?;
        let tree = scratch.join("tree");
        sources::copy(ctx.repo, &tree, project.files.iter().chain(&ctx.repo.inputs(project)))?;
        let docs = tree.join(project.docs());
        if !FIRST_PAGES.iter().any(|it| docs.join(it).is_file()) {
            context::write(&docs.join("index.rst"), modules::page(project, &docs))?;
        }
        let environment = environments::path(&ctx.out, project, Kind::Dev);
        let overlay = ctx.tools.overlay(&ctx.repo.config, Tool::Docs, &environment)?;
        let launcher = scratch.join("launch.py");
        context::write(&launcher, LAUNCH)?;
        let desk = Desk {
            html: scratch.join("html"),
            warnings: scratch.join("warnings.txt"),
            scratch,
            tree,
            docs,
            launcher,
            overlay,
        };
        desk.write_kernel(ctx, project)?;
        Ok(desk)
    }

    /// A Jupyter kernel that is this very interpreter with the same packages.
    fn write_kernel(&self, ctx: &Context, project: &Project) -> Result<()> {
        let python = environments::python(&ctx.out, project, Kind::Dev);
        let kernel = serde_json::json!({
            "argv": [python, "-B", self.launcher, self.overlay, "kernel", "-f", "{connection_file}"],
            "display_name": "xtask",
            "language": "python",
        });
        context::write(&self.scratch.join("jupyter/kernels/xtask/kernel.json"), kernel.to_string())
    }

    /// Where modules of a project are imported from that is not installed.
    fn roots(&self, project: &Project) -> String {
        let parents = project.packages.iter().filter(|_| project.not_packaged().is_some()).filter_map(|it| it.parent());
        let parents: BTreeSet<String> = parents.map(|it| self.tree.join(it).into_string()).collect();
        parents.into_iter().collect::<Vec<_>>().join("\n")
    }

    fn call(&self, ctx: &Context, project: &Project, version: &str) -> Result<Call> {
        let python = environments::python(&ctx.out, project, Kind::Dev);
        // `lib/pythonX.Y/site-packages` stands three levels below the environment's root.
        let root = self.overlay.ancestors().nth(3).context("the docs tools are in an environment")?;
        let templates = [self.scratch.join("jupyter"), root.join("share/jupyter")];
        let pandoc = self.overlay.join("pypandoc/files");
        if !pandoc.join("pandoc").is_file() {
            bail!("the docs tools have no pandoc at {pandoc}; `cargo xtask clean --tools` fetches them anew");
        }
        let temporary = self.scratch.join("tmp");
        context::remake(&temporary)?;
        let mut call = ctx.call(python).cwd(&self.scratch);
        let path = format!("{pandoc}:{}", call.env.get("PATH").cloned().unwrap_or_default());
        for (name, value) in [
            ("PATH", path.as_str()),
            ("HOME", self.scratch.join("home").as_str()),
            ("JUPYTER_PATH", &format!("{}:{}", templates[0], templates[1])),
            ("JUPYTER_CONFIG_DIR", self.scratch.join("jupyter/config").as_str()),
            ("JUPYTER_DATA_DIR", self.scratch.join("jupyter").as_str()),
            ("JUPYTER_RUNTIME_DIR", self.scratch.join("jupyter/runtime").as_str()),
            ("JUPYTER_PREFER_ENV_PATH", "0"),
            ("IPYTHONDIR", self.scratch.join("ipython").as_str()),
            ("MPLCONFIGDIR", self.scratch.join("matplotlib").as_str()),
            ("SOURCE_DATE_EPOCH", "315532800"),
            ("XTASK_PROJECT", &project.name),
            ("XTASK_VERSION", version),
            ("XTASK_DOCS", self.docs.as_str()),
            ("XTASK_OWN", &own(project)),
            ("XTASK_ROOTS", &self.roots(project)),
            ("XTASK_DOCSTRINGS", self.scratch.join(warnings::RECORD).as_str()),
            // Where sphinx leaves a file when it stops.
            ("TMPDIR", temporary.as_str()),
        ] {
            call = call.env(name, value);
        }
        let config = ctx.repo.ci.join("sphinx");
        Ok(call
            .args(["-B", self.launcher.as_str(), self.overlay.as_str(), "sphinx"])
            .args(["-b", "html", "-E", "-a", "-W", "-T", "--keep-going", "--no-color", "-c", config.as_str()])
            .args(["-d", self.scratch.join("doctrees").as_str(), "-w", self.warnings.as_str()])
            .args([self.docs.as_str(), self.html.as_str()]))
    }
}

/// The names that first-party modules begin with.
fn own(project: &Project) -> String {
    project.packages.iter().filter_map(|it| it.file_stem()).collect::<Vec<_>>().join("\n")
}

fn count_pages(dir: &Utf8Path) -> Result<usize> {
    let mut pages = 0;
    for entry in dir.read_dir_utf8().with_context(|| format!("sphinx left no directory {dir}"))? {
        let path = entry?.into_path();
        if path.is_dir() {
            pages += count_pages(&path)?;
        } else if path.extension() == Some("html") {
            pages += 1;
        }
    }
    Ok(pages)
}
