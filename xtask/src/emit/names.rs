//! Names and words of others in a pipeline: what is not plain becomes plain, and no two become the same.
//!
//! Pure. GitLab expands `$`, strips numbers from the ends of names, keeps some words for itself, and allows 255 bytes; a name
//! made here meets none of that.

use crate::sources;

/// The longest that a project's name stays as it is.
const PLAIN: usize = 80;
/// The longest comment.
const COMMENT: usize = 200;

/// A project's name as a part of names and keys: lower-case letters, digits and `-`, or such with `_` and a hash.
///
/// A normalised name has no `_`, so what was made plain is never the name of another project.
pub fn slug(name: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.is_empty() && name.len() <= PLAIN && name.chars().all(plain) && !name.starts_with('-') {
        return name.to_owned();
    }
    let start: String = name.chars().filter(|c| plain(*c)).take(40).collect();
    let start = start.trim_matches('-');
    format!("{}_{}", if start.is_empty() { "x" } else { start }, &sources::sha256(name.as_bytes())[..16])
}

/// May a project's name stand in a shell command as it is?
pub fn is_plain(name: &str) -> bool {
    slug(name) == name
}

/// A text as one line of a comment: no control characters, no `$`, nothing that a reader cannot see.
pub fn comment(text: &str) -> String {
    let shown = |c: char| {
        let fine = if c.is_ascii() { (c.is_ascii_graphic() && c != '$') || c == ' ' } else { c.is_alphanumeric() };
        if fine { c } else { '?' }
    };
    let mut line: String = text.chars().take(COMMENT).map(shown).collect();
    if text.chars().nth(COMMENT).is_some() {
        line.push_str(" ...");
    }
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_apart() {
        for plain in ["image", "true", "a-1", "readings"] {
            assert_eq!(slug(plain), plain);
        }
        let long = "n".repeat(300);
        let odd = [
            "",
            ".a",
            "-a",
            "a b",
            "a_b",
            "A",
            "$(id)",
            "`id`",
            "a\nb",
            "$[[ inputs.x ]]",
            "\u{1f980}",
            "a: [1]",
            &long,
        ];
        let mut all: Vec<String> = odd.iter().map(|it| slug(it)).collect();
        for it in &all {
            assert!(it.len() <= 60 && it.contains('_'), "{it}");
            assert!(it.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)), "{it}");
        }
        all.sort();
        all.dedup();
        assert_eq!(all.len(), odd.len());
    }

    #[test]
    fn a_comment_is_one_line() {
        assert_eq!(comment("a\n- b: $(id) \u{85}\u{2028}\u{202e}\u{1f980} \u{fc}"), "a?- b: ?(id) ???? \u{fc}");
        assert_eq!(comment(&"x".repeat(500)).len(), COMMENT + 4);
    }
}
