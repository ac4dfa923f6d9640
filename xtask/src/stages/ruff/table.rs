//! A ruff table of a project with the lines its keys stand on.
//!
//! Pure: finds what a file says, judges nothing.

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use toml::{Table, Value};

/// A ruff table and the file it stands in.
#[derive(Debug)]
pub struct Source {
    /// Repo-relative.
    pub file: Utf8PathBuf,
    /// The table itself: all of a `ruff.toml`, `[tool.ruff]` of a `pyproject.toml`.
    pub table: Table,
    text: String,
    /// Where the table is in the file.
    prefix: &'static [&'static str],
}

/// Is this a file ruff takes settings from?
pub fn is_settings(file: &Utf8Path) -> bool {
    matches!(file.file_name(), Some("pyproject.toml" | "ruff.toml" | ".ruff.toml"))
}

impl Source {
    /// Reads a settings file; `None` for a `pyproject.toml` without a ruff table.
    ///
    /// # Errors
    /// When it is no TOML: the message and the line.
    pub fn parse(file: &Utf8Path, text: &str) -> Result<Option<Source>, (String, Option<u32>)> {
        let is_manifest = file.file_name() == Some("pyproject.toml");
        let prefix: &'static [&'static str] = if is_manifest { &["tool", "ruff"] } else { &[] };
        let table: Table = toml::from_str(text)
            .map_err(|error| (error.message().to_owned(), error.span().and_then(|span| line_at(text, span.start))))?;
        let mut value = Value::Table(table);
        for key in prefix {
            match value.as_table_mut().and_then(|it| it.remove(*key)) {
                Some(inner) => value = inner,
                None => return Ok(None),
            }
        }
        let Value::Table(table) = value else { return Ok(None) };
        Ok(Some(Source { file: file.to_owned(), table, text: text.to_owned(), prefix }))
    }

    /// The selectors under a key of `[lint]`, or at the top where it used to stand; with the path of the key.
    pub fn selectors(&self, key: &'static str) -> Option<(Vec<&'static str>, Vec<String>)> {
        let strings = |value: &Value| -> Option<Vec<String>> {
            Some(value.as_array()?.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        };
        let inner = self.table.get("lint").and_then(|lint| lint.get(key)).and_then(strings);
        match inner {
            Some(list) => Some((vec!["lint", key], list)),
            None => self.table.get(key).and_then(strings).map(|list| (vec![key], list)),
        }
    }

    /// The rows of `per-file-ignores`: path of the key, pattern, selectors.
    pub fn per_file(&self, key: &str) -> Vec<(Vec<String>, String, Vec<String>)> {
        let inner = self.table.get("lint").and_then(|lint| lint.get(key)).map(|it| (vec!["lint", key], it));
        let outer = self.table.get(key).map(|it| (vec![key], it));
        let mut rows = Vec::new();
        for (keys, value) in inner.into_iter().chain(outer) {
            for (pattern, list) in value.as_table().into_iter().flatten() {
                let mut path: Vec<String> = keys.iter().map(|it| (*it).to_owned()).collect();
                path.push(pattern.clone());
                let list = list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
                rows.push((path, pattern.clone(), list.collect()));
            }
        }
        rows
    }

    /// The line on which a key of the table stands.
    pub fn line(&self, keys: &[&str]) -> Option<u32> {
        let document = toml::de::DeTable::parse(&self.text).ok()?;
        let path: Vec<&str> = self.prefix.iter().chain(keys).copied().collect();
        let mut table = document.get_ref();
        let mut at = 0;
        for (depth, wanted) in path.iter().enumerate() {
            let (key, value) = table.iter().find(|(key, _)| key.get_ref().as_ref() == *wanted)?;
            at = key.span().start;
            match value.get_ref().as_table() {
                Some(inner) => table = inner,
                None if depth + 1 < path.len() => return None,
                None => {}
            }
        }
        line_at(&self.text, at)
    }
}

fn line_at(text: &str, at: usize) -> Option<u32> {
    u32::try_from(text.get(..at)?.matches('\n').count() + 1).ok()
}
