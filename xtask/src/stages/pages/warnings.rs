//! Sphinx's warnings as findings with the file and line of the repository.
//!
//! Must not drop a warning that it does not understand: such a one becomes a finding without a place.

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};

use super::modules;
use crate::context::{self, Context};
use crate::discover::Project;
use crate::environments::{self, Kind};
use crate::verdict::Case;

const LOCATE: &str = include_str!("locate.py");

/// Where `ci/sphinx/conf.py` keeps the docstrings as sphinx parsed them.
pub const RECORD: &str = "docstrings.jsonl";

/// The rule of a warning that names no type.
const UNTYPED: &str = "sphinx";

/// One warning as sphinx writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    // The report of a crash stands in the same file.
    let warnings = parse(text.split("\nVersions\n========\n").next().unwrap_or_default());
    let docstrings = docstring_lines(ctx, project, scratch, &warnings)?;
    let mut cases = Vec::new();
    for (warning, docstring) in warnings.into_iter().zip(docstrings) {
        let raised = traceback_place(ctx, tree, &warning.detail);
        let place = raised.map(|(path, line)| (path, Some(line))).or_else(|| {
            // The line that sphinx gives for a docstring is no line of the file.
            let (path, line) = docstring.or_else(|| Some((warning.path.clone()?, warning.line)))?;
            Some((in_repository(ctx, tree, &path)?, line))
        });
        let (path, line) = place.unwrap_or_else(|| place_of(ctx, project, &warning.message));
        let plain = |text: &str| text.replace(&format!("{tree}/"), "");
        // What was raised stands below a message that ends with a colon.
        let last = warning.detail.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().trim();
        let message = match warning.message.strip_suffix(':') {
            Some(head) => format!("{head}: {last}"),
            None => warning.message,
        };
        let case = if is_of_network(&format!("{message}\n{}", warning.detail)) {
            Case::error(&warning.rule, plain(&message))
        } else {
            Case::fail(&warning.rule, plain(&message))
        };
        cases.push(case.detail(plain(&warning.detail)).at(path, line));
    }
    Ok(cases)
}

/// Is the machine at fault, which reaches nobody, and not the project?
fn is_of_network(text: &str) -> bool {
    let signs = ["ConnectionError", "NameResolutionError", "ConnectTimeout", "ReadTimeout", "ProxyError", "SSLError"];
    text.contains("failed to reach any of the inventories") && signs.iter().any(|it| text.contains(it))
}

/// Where a warning belongs that names no file: a setting, the module whose import failed, else the documentation.
fn place_of(ctx: &Context, project: &Project, message: &str) -> Spot {
    if let Some((_, rest)) = message.split_once("config value ") {
        return setting(ctx, project, rest.split(' ').next().unwrap_or_default());
    }
    let module = message.split_once("failed to import '").and_then(|(_, rest)| rest.split('\'').next());
    let source = module.and_then(|it| modules::of(project).into_iter().find(|(name, _)| name == it));
    (source.map_or_else(|| home(project), |(_, path)| path), None)
}

/// Where a word of a message stands in the project's own conf.py, if it has one.
pub fn setting(ctx: &Context, project: &Project, message: &str) -> Spot {
    let conf = project.docs().join("conf.py");
    let Ok(text) = std::fs::read_to_string(ctx.repo.abs(&conf)) else { return (home(project), None) };
    let words = message.split([' ', '\'', '`', '"', '(', ')', ',', ':', ';']).filter(|it| it.len() > 2);
    let is_in = |word: &str, line: &str| {
        let is_set = line.split_once('=').is_some_and(|(name, _)| name.trim() == word);
        is_set || ['\'', '"'].iter().any(|quote| line.contains(&format!("{quote}{word}{quote}")))
    };
    let line = words.filter_map(|word| text.lines().position(|line| is_in(word, line))).next();
    (conf, line.and_then(|at| u32::try_from(at + 1).ok()))
}

/// The documentation's directory, or the manifest of a project that has written none.
pub fn home(project: &Project) -> Utf8PathBuf {
    let docs = project.docs();
    if project.files.iter().any(|it| it.starts_with(&docs)) { docs } else { project.path("pyproject.toml") }
}

/// The innermost place of a traceback that is in the repository: where an import of ours failed.
pub fn traceback_place(ctx: &Context, tree: &Utf8Path, detail: &str) -> Option<(Utf8PathBuf, u32)> {
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

/// Each warning once: sphinx repeats what it meets in several passes.
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
    let mut unique: Vec<Warning> = Vec::new();
    for mut warning in found {
        // The type of a message of several lines stands at its very end.
        if let Some((detail, rule)) = split_rule(warning.detail.trim_end())
            && warning.rule == UNTYPED
        {
            (warning.detail, warning.rule) = (detail.trim_end().to_owned(), rule.to_owned());
        }
        // autodoc wraps an exception in one of its own that repeats it on one endless line.
        if let Some((raised, wrapped)) = warning.detail.rsplit_once("\nThe above exception was the direct cause")
            && wrapped.lines().any(|line| line.starts_with("ImportError: (") && line.contains("Traceback"))
        {
            warning.detail = raised.trim_end().to_owned();
        }
        if !unique.contains(&warning) {
            unique.push(warning);
        }
    }
    unique
}

/// A text that ends with the type of a warning, and that type.
fn split_rule(text: &str) -> Option<(&str, &str)> {
    let (message, rule) = text.strip_suffix(']')?.rsplit_once(" [")?;
    let is_type = !rule.is_empty() && rule.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-'));
    is_type.then_some((message, rule))
}

/// `path:line: WARNING: message [type]`, with parts left out; `None` for a line that goes on with the one before.
fn parse_line(line: &str) -> Option<Warning> {
    let (at, level) = ["WARNING: ", "ERROR: ", "CRITICAL: ", "SEVERE: "]
        .iter()
        .filter_map(|level| line.find(level).map(|at| (at, level)))
        .filter(|(at, _)| *at == 0 || line[..*at].ends_with(": "))
        .min()?;
    let (place, message) = (line[..at].trim_end_matches(": "), &line[at + level.len()..]);
    let (message, rule) = split_rule(message).unwrap_or((message, UNTYPED));
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

/// A file and a line of it.
type Spot = (Utf8PathBuf, Option<u32>);

/// For each warning in a docstring, the file and line that it means.
fn docstring_lines(
    ctx: &Context,
    project: &Project,
    scratch: &Utf8Path,
    warnings: &[Warning],
) -> Result<Vec<Option<Spot>>> {
    let question =
        |it: &Warning| Some(format!("{}\t{}\t{}\n", it.path.as_ref()?, it.object.as_ref()?, it.line.unwrap_or(1)));
    let asked: Vec<Option<String>> = warnings.iter().map(question).collect();
    if asked.iter().all(Option::is_none) {
        return Ok(vec![None; warnings.len()]);
    }
    let questions = scratch.join("questions.txt");
    context::write(&questions, asked.iter().flatten().map(String::as_str).collect::<String>())?;
    let python = environments::python(&ctx.out, project, Kind::Dev);
    let call = ctx.call(python).args(["-I", "-c", LOCATE, questions.as_str(), scratch.join(RECORD).as_str()]);
    let done = ctx.run(&call)?;
    if done.code != 0 {
        return Err(done.refused("looking up docstrings"));
    }
    let mut answers = done.stdout.lines().map(|it| {
        let (path, line) = it.rsplit_once('\t')?;
        Some((Utf8PathBuf::from(path), line.parse().ok().filter(|line| *line > 0)))
    });
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
        let text =
            "/t/a.rst:1: WARNING: first\n\nmore\n/t/a.rst:2: WARNING: second:\nx = [1]\n [autodoc.import_object]\n";
        let found = parse(text);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].detail.as_str(), found[0].rule.as_str()), ("\nmore\n", "sphinx"));
        assert_eq!((found[1].detail.as_str(), found[1].rule.as_str()), ("x = [1]", "autodoc.import_object"));
    }

    #[test]
    fn what_sphinx_repeats_is_one_warning() {
        let line = "/t/a.rst:7: WARNING: no title: no link will be generated [toc.no_title]\n";
        assert_eq!(parse(&line.repeat(3)).len(), 1);
    }
}
