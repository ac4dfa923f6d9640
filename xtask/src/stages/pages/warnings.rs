//! Sphinx's warnings as findings with the file and line of the repository.
//!
//! Must not drop a warning that it does not understand: such a one becomes a finding without a place.

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};

use crate::context::{self, Context};
use crate::discover::Project;
use crate::environments::{self, Kind};
use crate::verdict::Case;

const LOCATE: &str = include_str!("locate.py");

/// One warning as sphinx writes it.
#[derive(Debug, PartialEq, Eq)]
struct Warning {
    path: Option<Utf8PathBuf>,
    /// The object whose docstring it is in.
    object: Option<String>,
    line: Option<u32>,
    rule: String,
    message: String,
    detail: String,
}

/// The findings in the text of sphinx's warnings file.
pub fn cases(ctx: &Context, project: &Project, tree: &Utf8Path, scratch: &Utf8Path, text: &str) -> Result<Vec<Case>> {
    let warnings = parse(text);
    let starts = docstring_lines(ctx, project, scratch, &warnings)?;
    let mut cases = Vec::new();
    for (warning, start) in warnings.into_iter().zip(starts) {
        let raised = traceback_place(ctx, tree, &warning.detail);
        let last = warning.detail.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().trim();
        let message = if raised.is_some() { format!("{} {last}", warning.message) } else { warning.message };
        let case = Case::fail(&warning.rule, message).detail(warning.detail);
        if let Some((path, line)) = raised {
            cases.push(case.at(path, Some(line)));
            continue;
        }
        let place = warning.path.and_then(|path| in_repository(ctx, tree, &path));
        // The line that sphinx gives inside a docstring counts from the docstring's first line.
        let line = match start {
            Some(start) => Some(start + warning.line.unwrap_or(1).saturating_sub(1)),
            None => warning.line,
        };
        cases.push(match place {
            Some(path) => case.at(path, line),
            None => case.at(project.path("docs"), None),
        });
    }
    Ok(cases)
}

/// The innermost place of a traceback that is in the repository: where an import of ours failed.
fn traceback_place(ctx: &Context, tree: &Utf8Path, detail: &str) -> Option<(Utf8PathBuf, u32)> {
    let frames = detail.lines().rev().filter_map(|line| line.trim().strip_prefix("File \"")?.split_once("\", line "));
    frames
        .filter_map(|(path, rest)| {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            let path = in_repository(ctx, tree, Utf8Path::new(path)).filter(|it| !it.starts_with("target"))?;
            Some((path, digits.parse().ok()?))
        })
        .next()
}

/// The repo-relative path of a file that sphinx names: in the clean copy, or the source that an import led to.
fn in_repository(ctx: &Context, tree: &Utf8Path, path: &Utf8Path) -> Option<Utf8PathBuf> {
    let relative = path.strip_prefix(tree).map(ToOwned::to_owned).ok().or_else(|| ctx.relative(path))?;
    ctx.repo.abs(&relative).exists().then_some(relative)
}

fn parse(text: &str) -> Vec<Warning> {
    let mut found: Vec<Warning> = Vec::new();
    for line in text.lines() {
        match parse_line(line) {
            Some(warning) => found.push(warning),
            None => {
                if let Some(last) = found.last_mut() {
                    last.detail += line;
                    last.detail.push('\n');
                }
            }
        }
    }
    found
}

/// `path:line: WARNING: message [type]`, with parts left out; `None` for a line that goes on with the one before.
fn parse_line(line: &str) -> Option<Warning> {
    let (at, level) = ["WARNING: ", "ERROR: ", "CRITICAL: ", "SEVERE: "]
        .iter()
        .filter_map(|level| line.find(level).map(|at| (at, level)))
        .filter(|(at, _)| *at == 0 || line[..*at].ends_with(": "))
        .min()?;
    let (place, message) = (line[..at].trim_end_matches(": "), &line[at + level.len()..]);
    let (message, rule) = match message.rsplit_once(" [") {
        Some((message, rule)) if rule.ends_with(']') => (message, rule.trim_end_matches(']')),
        _ => (message, "sphinx"),
    };
    let (place, number) = match place.rsplit_once(':') {
        Some((place, number)) if number.parse::<u32>().is_ok() => (place, number.parse().ok()),
        Some((place, "<unknown>" | "")) => (place, None),
        _ => (place, None),
    };
    let (path, object) = match place.split_once(":docstring of ") {
        Some((path, object)) => (path, Some(object.to_owned())),
        None => (place, None),
    };
    let path = (path.starts_with('/')).then(|| Utf8PathBuf::from(path));
    Some(Warning {
        path,
        object,
        line: number,
        rule: rule.to_owned(),
        message: message.to_owned(),
        detail: String::new(),
    })
}

/// For each warning in a docstring, the line where that docstring begins.
fn docstring_lines(
    ctx: &Context,
    project: &Project,
    scratch: &Utf8Path,
    warnings: &[Warning],
) -> Result<Vec<Option<u32>>> {
    let asked: Vec<Option<String>> =
        warnings.iter().map(|it| Some(format!("{}\t{}\n", it.path.as_ref()?, it.object.as_ref()?))).collect();
    if asked.iter().all(Option::is_none) {
        return Ok(vec![None; warnings.len()]);
    }
    let questions = scratch.join("docstrings.txt");
    context::write(&questions, asked.iter().flatten().map(String::as_str).collect::<String>())?;
    let python = environments::python(&ctx.out, project, Kind::Dev);
    let done = ctx.run(&ctx.call(python).args(["-I", "-c", LOCATE, questions.as_str()]))?;
    if done.code != 0 {
        return Err(done.refused("looking up docstrings"));
    }
    let mut answers = done.stdout.lines().map(|it| it.parse::<u32>().ok().filter(|line| *line > 0));
    Ok(asked.into_iter().map(|it| it.and_then(|_| answers.next().flatten())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, path: Option<&str>, object: Option<&str>, line: Option<u32>, rule: &str, message: &str) {
        let found = parse(text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].path.as_deref(), path.map(Utf8Path::new), "{found:?}");
        assert_eq!(found[0].object.as_deref(), object, "{found:?}");
        assert_eq!((found[0].line, found[0].rule.as_str(), found[0].message.as_str()), (line, rule, message));
    }

    #[test]
    fn every_form() {
        check(
            "/t/a.rst:3: WARNING: Title underline too short. [docutils]",
            Some("/t/a.rst"),
            None,
            Some(3),
            "docutils",
            "Title underline too short.",
        );
        check(
            "/t/a.py:docstring of a.b.c:12: ERROR: Unexpected indentation. [docutils]",
            Some("/t/a.py"),
            Some("a.b.c"),
            Some(12),
            "docutils",
            "Unexpected indentation.",
        );
        check(
            "WARNING: autodoc: failed to import module 'x' [autodoc.import_object]\nNo module named 'x'",
            None,
            None,
            None,
            "autodoc.import_object",
            "autodoc: failed to import module 'x'",
        );
        check(
            "/t/ü b.rst: WARNING: document isn't included in any toctree",
            Some("/t/ü b.rst"),
            None,
            None,
            "sphinx",
            "document isn't included in any toctree",
        );
    }

    #[test]
    fn further_lines_belong_to_the_warning_before() {
        let found = parse("/t/a.rst:1: WARNING: first\n\nmore\n/t/a.rst:2: WARNING: second\n");
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].detail, "\nmore\n");
    }
}
