//! pages: the project's documentation by sphinx, warnings as errors, as one directory of the common site.
//!
//! Sphinx runs in the project's own environment on a clean copy of the project, under `ci/sphinx/conf.py`. Notebooks are
//! executed. Must not leave a half-written page: the site gets a directory only when it is complete.

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};

use super::undeclared::Watch;
use crate::context::{self, Context};
use crate::discover::Project;
use crate::environments::{self, Kind};
use crate::proc::{Call, Done};
use crate::sources;
use crate::tools::Tool;
use crate::verdict::{Case, Verdict};

mod site;
mod warnings;

const LAUNCH: &str = include_str!("pages/launch.py");

/// Files that can be the first page of a documentation.
const INDEX: &[&str] = &["index.rst", "index.ipynb", "index.md", "index.txt"];

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
        match crash(project, &desk, &done) {
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
        return Ok(Verdict::of(cases, ""));
    }
    let pages = count_pages(&desk.html)?;
    if pages == 0 || !desk.html.join("index.html").is_file() {
        bail!("sphinx ended well but left no index.html");
    }
    let _ = std::fs::remove_file(desk.html.join(".buildinfo"));
    site::publish(ctx, project, &desk.html)?;
    Ok(Verdict::of(Vec::new(), format!("{pages} pages")))
}

impl Desk {
    fn set_up(ctx: &Context, project: &Project) -> Result<Desk> {
        let scratch = ctx.scratch(Some(project))?;
        let tree = scratch.join("tree");
        sources::copy(ctx.repo, &tree, project.files.iter().chain(&ctx.repo.inputs(project)))?;
        let docs = tree.join(&project.dir).join("docs");
        if !INDEX.iter().any(|it| docs.join(it).is_file()) {
            context::write(&docs.join("index.rst"), generated_index(project, &docs))?;
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

    fn call(&self, ctx: &Context, project: &Project, version: &str) -> Result<Call> {
        let python = environments::python(&ctx.out, project, Kind::Dev);
        // `lib/pythonX.Y/site-packages` stands three levels below the environment's root.
        let root = self.overlay.ancestors().nth(3).context("the docs tools are in an environment")?;
        let templates = [self.scratch.join("jupyter"), root.join("share/jupyter")];
        let pandoc = self.overlay.join("pypandoc/files");
        if !pandoc.join("pandoc").is_file() {
            bail!("the docs tools have no pandoc at {pandoc}; `cargo xtask clean --tools` fetches them anew");
        }
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
        ] {
            call = call.env(name, value);
        }
        let config = ctx.repo.ci.join("sphinx");
        Ok(call
            .args(["-B", self.launcher.as_str(), self.overlay.as_str(), "sphinx"])
            .args(["-b", "html", "-E", "-a", "-W", "--keep-going", "--no-color", "-c", config.as_str()])
            .args(["-d", self.scratch.join("doctrees").as_str(), "-w", self.warnings.as_str()])
            .args([self.docs.as_str(), self.html.as_str()]))
    }
}

/// The first page of a project that has written none: its README and every module.
fn generated_index(project: &Project, docs: &Utf8Path) -> String {
    let title = &project.name;
    let mut text = format!("{title}\n{}\n\n", "=".repeat(title.len()));
    for module in modules(project) {
        text += &format!(
            "{module}\n{}\n\n.. automodule:: {module}\n   :members:\n   :ignore-module-all:\n\n",
            "-".repeat(module.len())
        );
    }
    let others = docs.read_dir_utf8().into_iter().flatten().flatten();
    let mut pages: Vec<String> = others
        .filter(|it| matches!(it.path().extension(), Some("rst" | "ipynb")))
        .filter_map(|it| it.path().file_stem().map(str::to_owned))
        .collect();
    pages.sort();
    if !pages.is_empty() {
        text += ".. toctree::\n\n";
        pages.iter().for_each(|page| text += &format!("   {page}\n"));
    }
    text
}

/// The dotted names of the modules of a project's own packages.
fn modules(project: &Project) -> Vec<String> {
    let mut found = Vec::new();
    for package in &project.packages {
        let base = package.parent().unwrap_or(Utf8Path::new(""));
        for file in project.files.iter().filter(|it| it.starts_with(package) && it.extension() == Some("py")) {
            let Ok(inner) = file.with_extension("").strip_prefix(base).map(ToOwned::to_owned) else { continue };
            let dotted = inner.as_str().replace('/', ".");
            let dotted = dotted.strip_suffix(".__init__").unwrap_or(&dotted).to_owned();
            if !dotted.ends_with("__main__") {
                found.push(dotted);
            }
        }
    }
    found.sort();
    found
}

/// What stopped sphinx: a notebook that does not run is the project's fault, anything else is not known to be.
fn crash(project: &Project, desk: &Desk, done: &Done) -> Result<Case> {
    let text = format!("{}\n{}", done.stdout, done.stderr);
    let Some((_, rest)) = text.split_once("NotebookError: ") else { return Err(done.refused("sphinx")) };
    let lines: Vec<&str> =
        rest.lines().map(str::trim_end).take_while(|it| !it.contains("You can ignore this")).collect();
    let head = lines.first().copied().unwrap_or_default();
    let file = head.split_once(" in ").map(|(_, file)| file.trim_end_matches(':')).unwrap_or_default();
    let last = lines.iter().rfind(|line| !line.trim().is_empty()).copied().unwrap_or(head);
    let path = desk.docs.join(file);
    let line = std::fs::read_to_string(&path).ok().and_then(|notebook| failing_line(&notebook, &lines));
    let path = path.strip_prefix(&desk.tree).map(ToOwned::to_owned).unwrap_or_else(|_| project.path("docs"));
    Ok(Case::fail("notebook", last.trim()).at(path, line).detail(lines.join("\n")))
}

/// The line of the notebook's file that holds the source line at which a traceback's last arrow points.
fn failing_line(notebook: &str, traceback: &[&str]) -> Option<u32> {
    let arrow = traceback.iter().rfind(|line| line.trim_start().starts_with("---"))?;
    let code = arrow.split_once("> ")?.1.split_once(' ')?.1.trim();
    // In the file the line is a JSON string.
    let quoted = serde_json::to_string(code).ok()?;
    let at = notebook.lines().position(|line| line.contains(quoted.trim_matches('"')))?;
    u32::try_from(at + 1).ok()
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
