//! What the hook has written, line by line. Pure.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

/// What a process did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Act {
    /// It began.
    #[serde(rename = "start")]
    Start,
    #[serde(rename = "read")]
    Read,
    #[serde(rename = "list")]
    List,
    /// It made a link to something.
    #[serde(rename = "linked")]
    Link,
    /// It started a command that names something.
    #[serde(rename = "named")]
    Name,
    /// It wrote something anew.
    #[serde(rename = "made")]
    Make,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Entry {
    #[serde(rename = "kind")]
    pub act: Act,
    /// Absolute.
    #[serde(default)]
    pub path: Utf8PathBuf,
    /// The test that ran, in pytest's words.
    pub test: Option<String>,
    /// `FILE:LINE` of the innermost line of the repository.
    pub at: Option<String>,
}

/// The lines in their order, which is that of time: whatever process wrote them, each was appended at once.
///
/// # Errors
/// When one cannot be read.
pub fn parse(text: &str) -> Result<Vec<Entry>> {
    let entry = |line| serde_json::from_str(line).with_context(|| format!("the hook has written `{line}`"));
    text.lines().map(entry).collect()
}

/// The lines that count: what somebody has made before it was read does not. A command's words come last, for who is
/// seen to read a file says more.
pub fn merge(entries: Vec<Entry>) -> Vec<Entry> {
    let mut made: BTreeSet<Utf8PathBuf> = BTreeSet::new();
    let (mut read, mut named) = (Vec::new(), Vec::new());
    for entry in entries {
        match entry.act {
            Act::Start => {}
            Act::Make => {
                made.insert(entry.path);
            }
            _ if made.contains(&entry.path) => {}
            Act::Name => named.push(entry),
            _ => read.push(entry),
        }
    }
    read.append(&mut named);
    read
}

/// The source behind a file of bytecode: who reads `__pycache__/a.cpython-311.pyc` reads `a.py`.
pub fn source(path: &Utf8Path) -> Utf8PathBuf {
    let of = || {
        let dir = path.parent().filter(|it| it.file_name() == Some("__pycache__"))?.parent()?;
        let stem = path.file_name()?.strip_suffix(".pyc")?;
        Some(dir.join(format!("{}.py", stem.split('.').next()?)))
    };
    of().unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_test_has_made_is_no_input() {
        let text = r#"{"kind":"start","path":"/e/python"}
{"kind":"read","path":"/r/a"}
{"kind":"named","path":"/r/c","test":"t.py::x (call)"}
{"kind":"made","path":"/r/a"}
{"kind":"made","path":"/r/b"}
{"kind":"read","path":"/r/b"}
{"kind":"read","path":"/r/c","at":"/r/t.py:3"}
"#;
        let found = merge(parse(text).expect("lines"));
        let shown: Vec<_> = found.iter().map(|it| (it.path.as_str(), it.act)).collect();
        assert_eq!(shown, [("/r/a", Act::Read), ("/r/c", Act::Read), ("/r/c", Act::Name)]);
        assert!(parse("{\"kind\":").is_err());
    }

    #[test]
    fn bytecode_stands_for_its_source() {
        assert_eq!(source("/r/__pycache__/a.cpython-311.pyc".into()), "/r/a.py");
        assert_eq!(source("/r/__pycache__/test_a.cpython-311-pytest-8.pyc".into()), "/r/test_a.py");
        assert_eq!(source("/r/a.pyc".into()), "/r/a.pyc");
    }
}
