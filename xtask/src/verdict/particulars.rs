//! What is known of a finding beside its words, and of the lines that tests ran: for reports that programs read.
//!
//! Pure data. Knows no tool's format and no report's.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;

/// How bad a finding is, by the word of the tool that found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Info,
    Low,
    /// The tool does not say.
    Unknown,
    Medium,
    High,
    Critical,
}

impl Severity {
    /// The severity that a tool's word means; what is none of the known words is unknown, never harmless.
    pub fn of(word: &str) -> Severity {
        match word.to_ascii_lowercase().as_str() {
            "critical" => Severity::Critical,
            "high" | "error" => Severity::High,
            "medium" | "moderate" | "warning" => Severity::Medium,
            "low" => Severity::Low,
            "info" | "negligible" | "note" => Severity::Info,
            _ => Severity::Unknown,
        }
    }
}

/// What is known of a finding beside its words. Every part may be absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Particulars {
    pub severity: Option<Severity>,
    /// What the rule is about, with nothing of this one place in it.
    pub title: Option<String>,
    /// The last line that it is about, counted from 1; the first is in the case's place.
    pub last_line: Option<u32>,
    /// Numbers of the Common Weakness Enumeration.
    pub weaknesses: Vec<u32>,
    /// A page about the rule.
    pub url: Option<String>,
    /// The version of the distribution that it is about.
    pub version: Option<String>,
    /// The version that no longer has it.
    pub fixed: Option<String>,
    /// Does the project ask for the distribution itself?
    pub direct: Option<bool>,
}

/// The number in "CWE-78" or "CWE-78: Improper ...".
pub fn weakness(text: &str) -> Option<u32> {
    let rest = text.trim().strip_prefix("CWE-").or_else(|| text.trim().strip_prefix("cwe-"))?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// Which lines of a project's own files its tests ran.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// By repo-relative path.
    pub files: BTreeMap<Utf8PathBuf, Lines>,
}

/// The lines of one file that count, each in ascending order and counted from 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines {
    pub covered: Vec<u32>,
    pub missed: Vec<u32>,
}

impl Coverage {
    /// How many lines ran, and how many there are.
    pub fn sum(&self) -> (u64, u64) {
        self.files.values().fold((0, 0), |(covered, all), it| {
            (covered + it.covered.len() as u64, all + (it.covered.len() + it.missed.len()) as u64)
        })
    }
}

/// A percentage with two digits, cut and not rounded: what is below a limit must not look as if it reached it.
pub fn percent(covered: u64, all: u64) -> String {
    let hundredths = (u128::from(covered) * 10_000).checked_div(u128::from(all)).unwrap_or(0);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_tools() {
        for (word, severity) in [
            ("CRITICAL", Severity::Critical),
            ("High", Severity::High),
            ("ERROR", Severity::High),
            ("WARNING", Severity::Medium),
            ("LOW", Severity::Low),
            ("Negligible", Severity::Info),
            ("UNDEFINED", Severity::Unknown),
            ("", Severity::Unknown),
        ] {
            assert_eq!(Severity::of(word), severity, "{word}");
        }
        assert_eq!(weakness("CWE-78: OS Command Injection"), Some(78));
        assert_eq!((weakness("CWE-"), weakness("OWASP A1"), weakness("CWE-99999999999")), (None, None, None));
    }

    #[test]
    fn figures_are_cut() {
        assert_eq!(percent(749_999, 1_000_000), "74.99");
        assert_eq!(percent(1, 1), "100.00");
        assert_eq!(percent(0, 0), "0.00");
    }
}
