//! type-check: ty over the project's own packages, under the rule table of `ci/ty.toml`.
//!
//! ty reads a copy of the sources in which comments that silence every rule are made powerless, so that neither they nor
//! a configuration file beside the sources can change what is reported. Imports resolve against the project's own
//! environment. Tests and notebooks are left out, as the policy has it.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};

use crate::context::{self, Context};
use crate::discover::Project;
use crate::environments::{self, Kind};
use crate::packages;
use crate::tools::Tool;
use crate::verdict::{Case, Particulars, Severity, Verdict};

mod comments;
mod report;
mod rules;

use comments::Strip;
use report::{Diagnostic, Level};

/// Checks the project's own packages.
///
/// # Errors
/// When the policy names a rule that ty does not know, when there is nothing to check, and when ty did not look at every file.
pub fn run(ctx: &Context, project: &Project) -> Result<Verdict> {
    let files = own_files(project);
    if files.is_empty() {
        bail!(
            "there is no Python file to check: no package of {} was found; name its directories in `[tool.xtask] packages`",
            project.name
        );
    }
    let scratch = ctx.scratch(Some(project))?;
    let rules = rules::merge(ctx, project)?;
    let sources = Sources::read(ctx, &files)?;

    let config = scratch.join("ty.toml");
    let checked = Tree { root: scratch.join("tree"), config: &config };
    context::write(&config, rules.config(&roots(project)))?;
    sources.write(&checked.root, Strip::Blanket)?;
    let found = checked.check(ctx, project, &files)?;

    // What a comment with a rule's name silences is honoured, and shown: the difference to a copy without any comment.
    let mut silenced = Vec::new();
    if sources.has_named_comments() {
        let bare = Tree { root: scratch.join("bare"), config: &config };
        sources.write(&bare.root, Strip::All)?;
        let seen: BTreeSet<_> = found.iter().map(Diagnostic::identity).collect();
        silenced = bare.check(ctx, project, &files)?;
        silenced.retain(|it| !seen.contains(&it.identity()));
    }

    let mut cases: Vec<Case> = found.iter().map(|it| it.case(&sources)).collect();
    cases.extend(sources.switched_off());
    cases.extend(silenced.iter().map(|it| {
        let reason = format!("silenced by a comment that names the rule: {}", it.message);
        Case { rule: it.rule.clone(), ..Case::skip(&it.rule, reason).at(it.path.clone(), it.line) }
    }));
    cases.extend(packages::left_out(project, "not-checked", "it was not checked"));
    let warnings = found.iter().filter(|it| it.level == Level::Warning).count();
    let mut verdict = Verdict::of(cases, format!("{} files", files.len()));
    verdict.notes.push(format!("{} files checked, {warnings} warnings", files.len()));
    verdict.notes.extend(rules.notes);
    verdict.notes.extend(sources.blanket_notes());
    Ok(verdict)
}

/// The Python files of the project's own packages, without its tests.
fn own_files(project: &Project) -> Vec<Utf8PathBuf> {
    let own = |file: &&Utf8PathBuf| project.packages.iter().any(|package| file.starts_with(package));
    let is_test = |file: &Utf8Path| {
        let inner = file.strip_prefix(&project.dir).unwrap_or(file);
        inner.components().any(|part| part.as_str() == "tests")
    };
    project.python_files().filter(own).filter(|file| !is_test(file)).cloned().collect()
}

/// The directories that the project's own modules are imported from.
fn roots(project: &Project) -> Vec<Utf8PathBuf> {
    let parents = project.packages.iter().map(|package| match package.file_name() {
        Some(_) if *package != project.dir => package.parent().unwrap_or(package).to_owned(),
        _ => package.clone(),
    });
    parents.collect::<BTreeSet<_>>().into_iter().collect()
}

/// The own files with their text.
struct Sources(Vec<Source>);

struct Source {
    path: Utf8PathBuf,
    bytes: Vec<u8>,
    comments: Vec<comments::Comment>,
}

impl Sources {
    fn read(ctx: &Context, files: &[Utf8PathBuf]) -> Result<Sources> {
        let read = |path: &Utf8PathBuf| {
            let bytes = std::fs::read(ctx.repo.abs(path)).with_context(|| format!("could not read {path}"))?;
            let comments = std::str::from_utf8(&bytes).map(comments::find).unwrap_or_default();
            Ok(Source { path: path.clone(), bytes, comments })
        };
        Ok(Sources(files.iter().map(read).collect::<Result<_>>()?))
    }

    fn write(&self, root: &Utf8Path, strip: Strip) -> Result<()> {
        for source in &self.0 {
            let mut bytes = source.bytes.clone();
            comments::strip(&mut bytes, &source.comments, strip);
            context::write(&root.join(&source.path), bytes)?;
        }
        Ok(())
    }

    fn has_named_comments(&self) -> bool {
        self.0.iter().flat_map(|it| &it.comments).any(|it| it.kind == comments::Kind::Named)
    }

    /// Each comment that would silence everything, in words.
    fn blanket_notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for source in &self.0 {
            for comment in source.comments.iter().filter(|it| it.kind == comments::Kind::Blanket) {
                notes.push(format!(
                    "{}:{}: `{}` names no rule and has no effect",
                    source.path, comment.line, comment.text
                ));
            }
        }
        notes
    }

    /// `@no_type_check` cannot be made powerless in a copy, so it is a finding.
    fn switched_off(&self) -> Vec<Case> {
        let mut cases = Vec::new();
        for source in &self.0 {
            for comment in source.comments.iter().filter(|it| it.kind == comments::Kind::NoTypeCheck) {
                let why = "`no_type_check` switches every rule off; silence one rule with `# ty: ignore[RULE]` instead";
                cases.push(Case::fail("no-type-check", why).at(source.path.clone(), Some(comment.line)));
            }
        }
        cases
    }

    fn line(&self, path: &Utf8Path, line: u32) -> Option<String> {
        let source = self.0.iter().find(|it| it.path == path)?;
        let text = String::from_utf8_lossy(&source.bytes);
        text.lines().nth(line.checked_sub(1)? as usize).map(|it| it.trim_end().to_owned())
    }
}

/// A copy of the sources and the settings it is checked under.
struct Tree<'a> {
    root: Utf8PathBuf,
    config: &'a Utf8Path,
}

impl Tree<'_> {
    fn check(&self, ctx: &Context, project: &Project, files: &[Utf8PathBuf]) -> Result<Vec<Diagnostic>> {
        // Files that are named one by one are checked whatever ty would exclude; a file of arguments has no length limit.
        let list = Utf8PathBuf::from(format!("{}.files", self.root));
        context::write(&list, files.iter().map(|it| format!("{it}\n")).collect::<String>())?;
        let call = ctx
            .call(ctx.tools.bin(Tool::Typing, "ty"))
            .cwd(&self.root)
            .args(["check", "--no-progress", "--verbose", "--output-format", "gitlab", "--project"])
            .arg(self.root.as_str())
            .args(["--config-file", self.config.as_str(), "--python"])
            .arg(environments::path(&ctx.out, project, Kind::Dev))
            .arg(format!("@{list}"));
        let done = ctx.run(&call)?;
        let Ok(found) = report::parse(&done.stdout) else { return Err(done.refused("ty")) };
        let unreadable = found.iter().any(|it| it.level == Level::Unchecked);
        if !(matches!(done.code, 0 | 1) || done.code == 2 && unreadable) {
            return Err(done.refused("ty"));
        }
        if let Some(foreign) = found.iter().find(|it| !files.contains(&it.path)) {
            bail!("ty reports on {}, which is none of the project's files: {}", foreign.path, foreign.message);
        }
        match report::indexed(&done.stderr) {
            Some(count) if count == files.len() => Ok(found),
            Some(count) => bail!("ty looked at {count} of {} files", files.len()),
            None => Err(done.refused("ty did not say how many files it looked at; it")),
        }
    }
}

impl Diagnostic {
    fn case(&self, sources: &Sources) -> Case {
        let case = match self.level {
            Level::Error => Case::fail(&self.rule, &self.message),
            Level::Warning => Case::warn(&self.rule, &self.message),
            Level::Unchecked => Case::error(&self.rule, format!("ty could not check this file: {}", self.message)),
        };
        let severity = match self.level {
            Level::Error => Severity::Medium,
            Level::Warning => Severity::Low,
            Level::Unchecked => Severity::High,
        };
        let line = self.line.and_then(|line| sources.line(&self.path, line));
        let case = case.at(self.path.clone(), self.line).detail(line.unwrap_or_default());
        case.with(Particulars { severity: Some(severity), ..Particulars::default() })
    }
}
