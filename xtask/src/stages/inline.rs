//! Comments in the sources that ask a tool to look away: `# noqa: F401`, `# nosec B602`, `# nosemgrep: rule-id`.
//!
//! One that names the finding's rule is honoured, and shown. One that names nothing asks for silence about whatever
//! may ever stand on that line: it has no effect. Pure.

use crate::verdict::{Case, Status};

/// What the comments of a line say to a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Nothing.
    None,
    /// Silence, without a word about what.
    Blanket,
    /// Silence about these.
    Rules(Vec<String>),
}

/// Reads `# WORD`, `# WORD: RULE, RULE` or `# WORD RULE because ...` from a line; `is_rule` tells a rule from prose.
pub fn wish(line: &str, words: &[&str], is_rule: impl Fn(&str) -> bool) -> Wish {
    let mut found = Wish::None;
    for (at, _) in line.match_indices('#') {
        let comment = line[at + 1..].trim_start();
        let Some(rest) = words.iter().find_map(|word| strip_word(comment, word)) else { continue };
        let rest = rest.trim_start().strip_prefix(':').unwrap_or(rest);
        let words = rest.split([',', ' ', '\t', '#', '[', ']']).filter(|it| !it.is_empty());
        let rules: Vec<String> = words.take_while(|it| is_rule(it)).map(str::to_owned).collect();
        found = match (found, rules.is_empty()) {
            (Wish::Rules(mut old), _) => {
                old.extend(rules);
                Wish::Rules(old)
            }
            (_, true) => Wish::Blanket,
            (_, false) => Wish::Rules(rules),
        };
    }
    found
}

/// What follows a word at the start of a comment, in any case; it must not be the start of a longer word.
fn strip_word<'a>(comment: &'a str, word: &str) -> Option<&'a str> {
    let head = comment.get(..word.len())?;
    let rest = &comment[word.len()..];
    let ends = !rest.starts_with(|c: char| c.is_alphanumeric() || c == '-' || c == '_');
    (head.eq_ignore_ascii_case(word) && ends).then_some(rest)
}

/// A finding with what an inline comment does to it: shown as excepted, or still red with a word about the comment.
pub fn apply(finding: Case, wish: &Wish, comment: &str, is_named: impl Fn(&str) -> bool) -> Case {
    match wish {
        Wish::Rules(rules) if rules.iter().any(|it| is_named(it)) => excepted(finding, comment),
        Wish::Blanket => {
            let message = format!("{} (a `# {comment}` that names no rule has no effect)", finding.message);
            Case { message, ..finding }
        }
        _ => finding,
    }
}

/// A finding that a comment excepts by name.
pub fn excepted(finding: Case, comment: &str) -> Case {
    let reason = format!("excepted in the source by `# {comment}` with its name: {}", finding.message);
    Case { status: Status::Skip, message: reason, detail: String::new(), ..finding }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(word: &str) -> bool {
        word.len() == 4 && word.starts_with(|c: char| c.is_ascii_uppercase())
    }

    #[test]
    fn comments_are_read_as_the_tools_read_them() {
        let rules = |list: &[&str]| Wish::Rules(list.iter().map(|it| (*it).to_owned()).collect());
        let read = |line| wish(line, &["noqa", "nosec"], code);
        assert_eq!(read("import os"), Wish::None);
        assert_eq!(read("import os  # noqa"), Wish::Blanket);
        assert_eq!(read("import os  # NOQA : F401"), rules(&["F401"]));
        assert_eq!(read("import os  #noqa:F401,D100 re-exported"), rules(&["F401", "D100"]));
        assert_eq!(read("call()  # nosec B602 - a constant"), rules(&["B602"]));
        assert_eq!(read("call()  # nosec - a constant"), Wish::Blanket);
        assert_eq!(read("x = 1  # noqanything"), Wish::None);
        assert_eq!(read("x = 1  # type: ignore # noqa: F401  # nosec B101"), rules(&["F401", "B101"]));
        assert_eq!(read("x = '#'  # ü noqa"), Wish::None);
    }
}
