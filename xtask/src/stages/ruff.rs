//! `ruff check` and `ruff format --check` for all projects in four processes.
//!
//! Each project is checked with a `ruff.toml` that is made here from `ci/ruff.toml` and what the project may add, in a
//! tree that holds nothing else. ruff is asked twice, once with and once without heeding comments: the difference is
//! what comments silence, and each of those is shown. Must not change a file of a project.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use toml::Table;

use super::batch::{self, Reads, Tree, count};
use crate::context::{self, Context};
use crate::discover::Project;
use crate::manifest;
use crate::proc::Done;
use crate::tools::Tool;
use crate::verdict::{Case, Verdict};

mod report;
mod settings;
mod table;

use report::{Diagnostic, SYNTAX, UNFORMATTED};
use table::Source;

/// The stage.
pub fn run(ctx: &Context, projects: &[&Project]) -> Result<Vec<Verdict>> {
    let path = ctx.repo.ci.join("ruff.toml");
    let text = std::fs::read_to_string(&path).with_context(|| format!("could not read {path}, the policy of ruff"))?;
    let policy: Table = toml::from_str(&text).with_context(|| format!("{path} is not valid TOML"))?;
    batch::fairly(ctx, projects, |projects, dir| check(ctx, &policy, projects, dir))
}

/// What the configuration of a project amounts to.
struct Configured {
    cases: Vec<Case>,
    notes: Vec<String>,
}

/// What ruff said about all projects.
struct Said {
    /// Every finding, comments or not.
    all: Vec<Diagnostic>,
    /// Those that comments leave.
    heeded: Vec<Diagnostic>,
    format: Vec<Diagnostic>,
    /// The files it looks at.
    seen: BTreeSet<Utf8PathBuf>,
}

fn check(ctx: &Context, policy: &Table, projects: &[&Project], dir: &Utf8Path) -> Result<Vec<Verdict>> {
    let tree = Tree::stage(ctx.repo, &dir.join("tree"), projects, Reads::Utf8, is_checked, batch::in_place)?;
    // ruff looks for settings upwards from where it starts, and the tree stands within the repository.
    context::write(&tree.root.join("ruff.toml"), "exclude = []\n")?;
    let configured =
        projects.iter().map(|project| configure(ctx, policy, project, &tree)).collect::<Result<Vec<_>>>()?;
    let said = if tree.is_empty() { None } else { Some(ask(ctx, &tree)?) };
    let mut verdicts = Vec::new();
    for (index, (project, configured)) in projects.iter().zip(configured).enumerate() {
        let mut cases = configured.cases;
        cases.extend(tree.unreadable[index].iter().cloned());
        if let Some(said) = &said {
            cases.extend(said.cases(&tree, index));
            cases.extend(tree.unseen(index, "ruff", &said.seen));
        }
        let files = tree.files[index].len();
        if files == 0 && cases.is_empty() {
            cases.push(Case::skip("ruff", format!("{} holds no Python file", project.dir)));
        }
        let mut verdict = Verdict::of(cases, format!("{} linted and formatted", count(files, "file")));
        verdict.notes = configured.notes;
        verdicts.push(verdict);
    }
    Ok(verdicts)
}

fn is_checked(file: &Utf8Path) -> bool {
    matches!(file.extension(), Some("py" | "pyi" | "ipynb"))
}

/// Writes the settings a project is checked with into the tree, and says what of its own has no effect.
fn configure(ctx: &Context, policy: &Table, project: &Project, tree: &Tree) -> Result<Configured> {
    let (mut cases, mut notes) = (Vec::new(), Vec::new());
    let mut sources: Vec<Source> = Vec::new();
    for file in project.files.iter().filter(|file| table::is_settings(file)) {
        let text = std::fs::read_to_string(ctx.repo.abs(file)).with_context(|| format!("could not read {file}"))?;
        match Source::parse(file, &text) {
            Ok(Some(source)) => sources.push(source),
            Ok(None) => {}
            Err((why, line)) => cases.push(Case::fail("policy", format!("is no valid TOML: {why}")).at(file, line)),
        }
    }
    // In one directory ruff takes `.ruff.toml` before `ruff.toml` before `pyproject.toml`.
    sources.sort_by_key(|it| {
        let rank = [".ruff.toml", "ruff.toml"].iter().position(|name| it.file.file_name() == Some(name)).unwrap_or(2);
        (it.file.parent().map(Utf8Path::to_owned), rank)
    });
    sources.dedup_by(|later, first| later.file.parent() == first.file.parent());
    let (own, nested): (Vec<Source>, Vec<Source>) =
        sources.into_iter().partition(|it| it.file.parent() == Some(&project.dir));
    let own = own.into_iter().next();
    for source in &nested {
        let (found, note) = settings::nested(policy, source)?;
        cases.extend(found);
        notes.push(note);
    }
    notes.extend(extends(ctx, project, own.as_ref()));
    let made = settings::of(&settings::Inputs {
        policy,
        own: own.as_ref(),
        first_party: project.packages.iter().filter_map(settings::module_name).collect(),
        requires_python: project.manifest.at(&["project", "requires-python"]).and_then(toml::Value::as_str),
    })?;
    cases.extend(made.cases);
    notes.extend(made.notes);
    context::write(&tree.root.join(&project.dir).join("ruff.toml"), made.text)?;
    Ok(Configured { cases, notes })
}

/// A remark when a project's settings do not start from the policy: an editor then shows something else than CI.
fn extends(ctx: &Context, project: &Project, own: Option<&Source>) -> Option<String> {
    let policy = ctx.relative(ctx.repo.ci.join("ruff.toml"))?;
    let named = own.and_then(|it| it.table.get("extend")).and_then(toml::Value::as_str);
    if named.and_then(|it| manifest::resolve(&project.dir, Utf8Path::new(it))).as_ref() == Some(&policy) {
        return None;
    }
    let up = "../".repeat(project.dir.components().count());
    let file = own.map_or_else(|| project.path("pyproject.toml"), |it| it.file.clone());
    Some(format!("{file} does not say `extend = \"{up}{policy}\"`, so an editor shows other findings than CI"))
}

/// Asks ruff everything there is to ask about a tree.
fn ask(ctx: &Context, tree: &Tree) -> Result<Said> {
    let ruff = |verb: &str, rest: &[&str]| -> Result<Done> {
        let call = ctx.call(ctx.tools.bin(Tool::Lint, "ruff")).cwd(&tree.root);
        ctx.run(
            &call.args([verb, "--no-cache", "--no-respect-gitignore", "--quiet"]).args(rest.iter().copied()).arg("."),
        )
    };
    let report = |what: &str, done: Done, codes: &[i32]| -> Result<Vec<Diagnostic>> {
        match report::parse(&done.stdout) {
            Ok(list) if codes.contains(&done.code) => Ok(list),
            _ => Err(done.refused(what)),
        }
    };
    let json = ["--output-format", "json"];
    let files = ruff("check", &["--show-files"])?;
    if files.code != 0 {
        return Err(files.refused("ruff check --show-files"));
    }
    let seen = files.stdout.lines().filter_map(|line| tree.find(line)).map(|(_, file)| file.to_owned()).collect();
    let all = report("ruff check", ruff("check", &[&json[..], &["--ignore-noqa"]].concat())?, &[0, 1])?;
    let heeded = report("ruff check", ruff("check", &json)?, &[0, 1])?;
    // 2 is also its code for a file that cannot be parsed, which its report names.
    let format = report("ruff format --check", ruff("format", &[&json[..], &["--check"]].concat())?, &[0, 1, 2])?;
    Ok(Said { all, heeded, format, seen })
}

impl Said {
    /// The cases of one project.
    fn cases(&self, tree: &Tree, index: usize) -> Vec<Case> {
        let mut cases = Vec::new();
        let own = |it: &Diagnostic| tree.find(&it.filename).filter(|(owner, _)| *owner == index).map(|(_, file)| file);
        let silenced = report::without(&self.all, &self.heeded);
        // Rules about comments themselves say something only where comments are heeded.
        let about_comments = report::without(&self.heeded, &self.all);
        for it in self.all.iter().chain(about_comments) {
            let Some(file) = own(it) else { continue };
            let text = tree.text(file);
            let is_silenced = silenced.iter().any(|other| other.key() == it.key());
            cases.push(if is_silenced { it.silenced(file, &text) } else { it.case(file, &text) });
        }
        let unparsable: BTreeSet<&str> =
            self.all.iter().filter(|it| it.code() == SYNTAX).map(|it| it.filename.as_str()).collect();
        let mut unformatted = BTreeSet::new();
        for it in &self.format {
            let Some(file) = own(it) else { continue };
            if it.code() == UNFORMATTED {
                if unformatted.insert(file) {
                    let message = "is not formatted; `ruff format` mends it, first here".to_owned();
                    let it = Diagnostic { code: Some("format".to_owned()), message, ..it.clone() };
                    cases.push(it.case(file, &tree.text(file)));
                }
            } else if !unparsable.contains(it.filename.as_str()) {
                let line = it.location.as_ref().map(|it| it.row);
                cases.push(Case::error(it.code(), format!("could not be formatted: {}", it.message)).at(file, line));
            }
        }
        for file in &tree.files[index] {
            let text = tree.text(file);
            if file.extension() != Some("ipynb") {
                cases.extend(report::left_alone(file, &text));
            } else if let Some(language) = report::other_language(&text) {
                cases.push(Case::skip("notebook", format!("is written in {language}, not in Python")).at(file, None));
            }
        }
        cases
    }
}
