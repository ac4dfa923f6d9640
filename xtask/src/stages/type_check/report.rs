//! ty's report in GitLab's Code Quality form. Pure.

use anyhow::Result;
use camino::Utf8PathBuf;
use serde::Deserialize;

/// How bad a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Warning,
    Error,
    /// ty could not read or check the file.
    Unchecked,
}

/// One diagnostic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub rule: String,
    pub message: String,
    pub level: Level,
    /// Relative to the root of the copy, which is laid out like the repository.
    pub path: Utf8PathBuf,
    pub line: Option<u32>,
    column: u32,
}

impl Diagnostic {
    /// What tells it from others in another run over the same lines.
    pub fn identity(&self) -> (Utf8PathBuf, Option<u32>, u32, String) {
        (self.path.clone(), self.line, self.column, self.rule.clone())
    }
}

#[derive(Deserialize)]
struct Raw {
    check_name: String,
    description: String,
    severity: String,
    location: Location,
}

#[derive(Deserialize)]
struct Location {
    path: Utf8PathBuf,
    positions: Positions,
}

#[derive(Deserialize)]
struct Positions {
    begin: Position,
}

#[derive(Deserialize)]
struct Position {
    line: u32,
    column: u32,
}

/// The diagnostics of a report.
///
/// # Errors
/// When it is no such report.
pub fn parse(json: &str) -> Result<Vec<Diagnostic>> {
    let raw: Vec<Raw> = serde_json::from_str(json)?;
    let one = |it: Raw| {
        let level = match (it.check_name.as_str(), it.severity.as_str()) {
            ("io" | "panic", _) | (_, "critical" | "blocker") => Level::Unchecked,
            (_, "major") => Level::Error,
            _ => Level::Warning,
        };
        let prefix = format!("{}: ", it.check_name);
        let message = it.description.strip_prefix(&prefix).unwrap_or(&it.description).to_owned();
        let begin = it.location.positions.begin;
        Diagnostic {
            rule: it.check_name,
            message,
            level,
            path: it.location.path,
            line: Some(begin.line),
            column: begin.column,
        }
    };
    Ok(raw.into_iter().map(one).collect())
}

/// How many files ty says it has looked at.
pub fn indexed(stderr: &str) -> Option<usize> {
    let rest = stderr.lines().find_map(|line| line.split_once("Indexed ")).map(|(_, rest)| rest)?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_places() {
        let one = |rule: &str, severity: &str| {
            format!(
                r#"{{"check_name":"{rule}","description":"{rule}: words","severity":"{severity}","fingerprint":"1",
                "location":{{"path":"p/a.py","positions":{{"begin":{{"line":3,"column":2}},"end":{{"line":3,"column":4}}}}}}}}"#
            )
        };
        let text = format!("[{},{},{}]", one("r", "major"), one("s", "minor"), one("io", "major"));
        let found = parse(&text).expect("a report");
        let levels: Vec<Level> = found.iter().map(|it| it.level).collect();
        assert_eq!(levels, [Level::Error, Level::Warning, Level::Unchecked]);
        assert_eq!((found[0].message.as_str(), found[0].path.as_str(), found[0].line), ("words", "p/a.py", Some(3)));
        assert!(parse("All checks passed!").is_err());
    }

    #[test]
    fn count_of_files() {
        assert_eq!(indexed("INFO Python version: Python 3.11\nINFO Indexed 13 file(s) in 0.002s\n"), Some(13));
        assert_eq!(indexed("nothing"), None);
    }
}
