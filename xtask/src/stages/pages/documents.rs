//! The documents as they lie there: what sphinx would pass over, or misread without naming the file.
//!
//! Must not look at what sphinx itself reports well.

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

use crate::context::Context;
use crate::discover::Project;
use crate::verdict::Case;

/// What is wrong with the documents before sphinx reads them.
///
/// # Errors
/// When one cannot be read.
pub fn check(ctx: &Context, project: &Project) -> Result<Vec<Case>> {
    let docs = project.path("docs");
    let there = ctx.repo.abs(&docs);
    if let Ok(kind) = there.symlink_metadata()
        && !kind.is_dir()
    {
        let what = if kind.is_symlink() {
            "a symbolic link: git holds the link and not the documents behind it; make it a directory that holds them"
        } else {
            "no directory; rename it, or make it a directory with an index.rst"
        };
        return Ok(vec![Case::error("docs", format!("`docs` is {what}")).at(docs, None)]);
    }
    let docs = project.docs();
    let mut cases = Vec::new();
    for file in project.files.iter().filter(|it| it.starts_with(&docs)) {
        if !matches!(file.extension(), Some("rst" | "ipynb" | "md")) || file.as_str().contains(".ipynb_checkpoints/") {
            continue;
        }
        let bytes = std::fs::read(ctx.repo.abs(file)).with_context(|| format!("could not read {file}"))?;
        match std::str::from_utf8(&bytes) {
            Err(error) => {
                let line = line_at(&bytes[..error.valid_up_to()]);
                cases.push(Case::error("encoding", "it is no UTF-8; save it as UTF-8").at(file, line));
            }
            Ok(text) if file.extension() == Some("ipynb") => {
                cases.extend(notebook(text).into_iter().map(|(case, line)| case.at(file, line)));
            }
            Ok(_) => {}
        }
    }
    Ok(cases)
}

/// The line, counted from 1, on which a text that is cut here ends.
fn line_at(before: &[u8]) -> Option<u32> {
    u32::try_from(before.iter().filter(|it| **it == b'\n').count() + 1).ok()
}

/// What is wrong with one notebook. nbsphinx takes what it cannot read for plain text.
fn notebook(text: &str) -> Vec<(Case, Option<u32>)> {
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => {
            let line = u32::try_from(error.line()).ok();
            return vec![(Case::error("notebook", format!("it is no notebook, since it is no JSON: {error}")), line)];
        }
    };
    let has_cells = value.get("cells").or_else(|| value.get("worksheets")).is_some_and(Value::is_array);
    if !has_cells || !value.get("nbformat").is_some_and(Value::is_u64) {
        let what = "it is JSON, but no notebook: one has a list of `cells` and a number `nbformat`";
        return vec![(Case::error("notebook", what), Some(1))];
    }
    let wish = |key: &str| value.pointer(&format!("/metadata/nbsphinx/{key}"));
    let line = |key: &str| {
        let at = text.lines().enumerate().filter(|(_, line)| line.contains(&format!("\"{key}\""))).last();
        at.and_then(|(at, _)| u32::try_from(at + 1).ok())
    };
    let mut cases = Vec::new();
    let has_tag = |cell: &Value, tag: &str| {
        let tags = cell.pointer("/metadata/tags").and_then(Value::as_array);
        tags.into_iter().flatten().any(|it| it == tag)
    };
    let cells = value.get("cells").and_then(Value::as_array);
    if cells.into_iter().flatten().any(|it| has_tag(it, SKIPS) && it.get("cell_type") == Some(&"code".into())) {
        let what = format!("a cell of it has the tag `{SKIPS}`; what is not run proves nothing: remove that");
        cases.push((Case::fail("notebook-not-run", what), line(SKIPS)));
    }
    if let Some(how) = wish("execute").filter(|it| *it != "always") {
        let what = format!("its metadata says `nbsphinx.execute`: {how}; what is not run proves nothing: remove that");
        cases.push((Case::fail("notebook-not-run", what), line("execute")));
    }
    if wish("allow_errors").is_some_and(|it| *it != Value::Bool(false)) {
        let what = "its metadata says `nbsphinx.allow_errors`, so that no cell of it can fail; mark the one cell that \
                    shows an error with the tag `raises-exception` instead";
        cases.push((Case::fail("notebook-errors", what), line("allow_errors")));
    }
    cases
}

/// The tag of a cell that is passed over.
const SKIPS: &str = "skip-execution";

/// Documents that became no page: markdown without a parser, and what `exclude_patterns` of the project keeps away. A text may
/// be part of another; a notebook that is passed over is one that has not run.
pub fn unread(project: &Project, html: &Utf8Path) -> Vec<Case> {
    let docs = project.docs();
    let left_out = project.files.iter().filter(|file| {
        let inner = file.strip_prefix(&docs).ok().filter(|it| !it.as_str().contains(".ipynb_checkpoints/"));
        inner.is_some_and(|it| !html.join(it.with_extension("html")).is_file())
    });
    let case = |file: &Utf8PathBuf| match file.extension()? {
        "md" => Some(Case::warn("not-published", MARKDOWN).at(file, None)),
        "rst" => Some(Case::warn("not-published", format!("no page is made of it: {EXCLUDED}")).at(file, None)),
        "ipynb" => Some(Case::fail("notebook-not-run", format!("it is not run: {EXCLUDED}")).at(file, None)),
        _ => None,
    };
    left_out.filter_map(case).collect()
}

/// Why sphinx passes a document over.
const EXCLUDED: &str = "`exclude_patterns` in conf.py keeps it away";

/// What to do about markdown.
pub const MARKDOWN: &str = "it is markdown, which sphinx reads only with a parser: add myst-parser to a dependency group \
                            and `extensions = [\"myst_parser\"]` to docs/conf.py, or write it as .rst";

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, rules: &[(&str, u32)]) {
        let found = notebook(text);
        let found: Vec<(&str, u32)> = found.iter().map(|(it, line)| (it.rule.as_str(), line.unwrap_or(0))).collect();
        assert_eq!(found, rules, "{text}");
    }

    #[test]
    fn notebooks() {
        let book = |metadata: &str| format!("{{\"cells\": [],\n\"metadata\": {metadata},\n\"nbformat\": 4}}");
        check(&book("{}"), &[]);
        check(&book("{\"nbsphinx\": {\"execute\": \"always\", \"allow_errors\": false}}"), &[]);
        check(&book("{\"nbsphinx\": {\n\"execute\": \"never\"}}"), &[("notebook-not-run", 3)]);
        check(&book("{\"nbsphinx\": {\"allow_errors\": true}}"), &[("notebook-errors", 2)]);
        let cell = "{\"cells\": [{\"cell_type\": \"code\",\n\"metadata\": {\"tags\": [\"skip-execution\"]}}], \"nbformat\": 4}";
        check(cell, &[("notebook-not-run", 2)]);
        check("", &[("notebook", 1)]);
        check("{\n\"cells\": [\n", &[("notebook", 3)]);
        check("{}", &[("notebook", 1)]);
        check("[]", &[("notebook", 1)]);
        check("{\"cells\": []}", &[("notebook", 1)]);
    }
}
