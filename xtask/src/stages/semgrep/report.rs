//! semgrep's JSON, as far as it is asked.
//!
//! Pure: turns entries into cases; which project they belong to is the stage's business.

use camino::Utf8Path;
use serde::Deserialize;
use serde_json::Value;

use crate::stages::inline::{self, Wish};
use crate::verdict::{Case, Particulars, Severity, one_line, weakness};

/// What one run says.
#[derive(Debug, Default, Deserialize)]
pub struct Report {
    pub results: Vec<Finding>,
    pub errors: Vec<Problem>,
    pub paths: Paths,
    #[serde(default)]
    pub time: Time,
}

/// What it looked at.
#[derive(Debug, Default, Deserialize)]
pub struct Paths {
    pub scanned: Vec<String>,
    #[serde(default)]
    pub skipped: Vec<Skipped>,
}

#[derive(Debug, Deserialize)]
pub struct Skipped {
    pub path: String,
    pub reason: String,
}

/// The rules it ran, by id.
#[derive(Debug, Default, Deserialize)]
pub struct Time {
    #[serde(default)]
    pub rules: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub struct Finding {
    pub check_id: String,
    pub path: String,
    pub start: Position,
    pub end: Position,
    pub extra: Extra,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Position {
    pub line: u32,
}

#[derive(Debug, Deserialize)]
pub struct Extra {
    pub message: String,
    #[serde(default)]
    pub severity: String,
    #[serde(default)]
    pub metadata: Value,
}

/// Something semgrep could not do.
#[derive(Debug, Deserialize)]
pub struct Problem {
    pub message: String,
    pub path: Option<String>,
    #[serde(rename = "type", default)]
    pub kind: Value,
    #[serde(default)]
    pub spans: Vec<Span>,
    pub rule_id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct Span {
    pub start: Position,
}

impl Finding {
    /// It as a case; a comment that names its rule excepts it, on its lines or on a line of its own just above.
    pub fn case(&self, file: &Utf8Path, text: &str, is_rule: impl Fn(&str) -> bool) -> Case {
        let message = one_line(&self.extra.message);
        let case = Case::fail(&self.check_id, message).at(file, Some(self.start.line)).detail(self.detail());
        let case = case.with(self.particulars());
        inline::apply(case, &self.wish(text, is_rule), "nosemgrep", |word| self.is_named(word))
    }

    fn is_named(&self, word: &str) -> bool {
        word == self.check_id || word.rsplit_once('.').is_some_and(|(_, id)| id == self.check_id)
    }

    fn wish(&self, text: &str, is_rule: impl Fn(&str) -> bool) -> Wish {
        let mut found = Wish::None;
        let first = self.start.line.saturating_sub(1);
        for (number, line) in (1..).zip(text.lines()).skip_while(|(number, _)| *number < first) {
            if number > self.end.line {
                break;
            }
            if number == first && number < self.start.line && !line.trim_start().starts_with('#') {
                continue;
            }
            match inline::wish(line, &["nosemgrep", "nosem"], |word| is_rule(word) || self.is_named(word)) {
                Wish::Rules(rules) if rules.iter().any(|it| self.is_named(it)) => return Wish::Rules(rules),
                Wish::Blanket => found = Wish::Blanket,
                _ => {}
            }
        }
        found
    }

    fn detail(&self) -> String {
        let mut parts = vec![format!("severity {}", self.extra.severity.to_lowercase())];
        parts.extend(self.weaknesses().into_iter().map(str::to_owned));
        parts.join(", ")
    }

    /// Its CWEs, as a rule's metadata names them: a text or a list of texts.
    fn weaknesses(&self) -> Vec<&str> {
        match self.extra.metadata.get("cwe") {
            Some(Value::String(cwe)) => vec![cwe],
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    fn particulars(&self) -> Particulars {
        Particulars {
            severity: Some(Severity::of(&self.extra.severity)),
            title: Some(self.check_id.clone()),
            last_line: Some(self.end.line),
            weaknesses: self.weaknesses().into_iter().filter_map(weakness).collect(),
            url: self.extra.metadata.get("source").and_then(Value::as_str).map(str::to_owned),
            ..Particulars::default()
        }
    }
}

impl Problem {
    /// "PartialParsing", "Timeout" and so on.
    pub fn kind(&self) -> &str {
        self.kind.as_str().or_else(|| self.kind.get(0)?.as_str()).unwrap_or("error")
    }

    /// The line it is about.
    pub fn line(&self) -> Option<u32> {
        let within = || self.kind.get(1)?.get(0)?.get("start")?.get("line")?.as_u64();
        self.spans.first().map(|it| it.start.line).or_else(|| u32::try_from(within()?).ok())
    }

    /// Its words on one line.
    pub fn words(&self) -> String {
        let rule = self.rule_id.as_ref().map(|it| format!(" (rule {it})")).unwrap_or_default();
        one_line(&self.message) + &rule
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Status;

    fn status(text: &str, start: u32, end: u32) -> Status {
        let finding = Finding {
            check_id: "no-shell".to_owned(),
            path: "a.py".to_owned(),
            start: Position { line: start },
            end: Position { line: end },
            extra: Extra { message: "m".to_owned(), severity: "ERROR".to_owned(), metadata: Value::Null },
        };
        finding.case("a.py".into(), text, |word| word == "other-rule").status
    }

    #[test]
    fn only_a_comment_with_the_rules_id_excepts() {
        assert_eq!(status("call()", 1, 1), Status::Fail);
        assert_eq!(status("call()  # nosemgrep", 1, 1), Status::Fail);
        assert_eq!(status("call()  # nosemgrep: other-rule", 1, 1), Status::Fail);
        assert_eq!(status("call()  # nosemgrep: other-rule, no-shell", 1, 1), Status::Skip);
        assert_eq!(status("call(\n 1)  # nosem: ci.semgrep.no-shell", 1, 2), Status::Skip);
        assert_eq!(status("# nosemgrep: no-shell\ncall()", 2, 2), Status::Skip);
        assert_eq!(status("other()  # nosemgrep: no-shell\ncall()", 2, 2), Status::Fail);
    }

    #[test]
    fn a_problem_says_its_kind_and_line() {
        let text = r#"{"message": "Syntax error\n at x", "path": "a.py", "level": "warn",
            "type": ["PartialParsing", [{"path": "a.py", "start": {"line": 3, "col": 1}}]]}"#;
        let problem: Problem = serde_json::from_str(text).expect("valid JSON");
        assert_eq!((problem.kind(), problem.line()), ("PartialParsing", Some(3)));
        assert_eq!(problem.words(), "Syntax error at x");
        let text = r#"{"message": "m", "type": "Timeout", "rule_id": "r"}"#;
        let problem: Problem = serde_json::from_str(text).expect("valid JSON");
        assert_eq!((problem.kind(), problem.line(), problem.words().as_str()), ("Timeout", None, "m (rule r)"));
    }
}
