//! Comments that silence ty, found and made powerless without moving a character. Pure.
//!
//! Works on lines, not tokens: a comment's text inside a string is changed in the copy as well, which no rule sees.

/// What a comment does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Silences every rule.
    Blanket,
    /// Silences the rules that it names.
    Named,
    /// No comment, but the decorator that switches a function off.
    NoTypeCheck,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    pub kind: Kind,
    /// Counted from 1.
    pub line: u32,
    /// As it stands there.
    pub text: String,
    /// Where the word `ignore` begins, in bytes.
    word: usize,
}

/// Which comments lose their power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strip {
    Blanket,
    All,
}

const WORD: &str = "ignore";

/// All of them in a file.
pub fn find(text: &str) -> Vec<Comment> {
    let mut found = Vec::new();
    let mut start = 0;
    for (number, line) in text.split('\n').enumerate() {
        let number = number as u32 + 1;
        for (hash, _) in line.match_indices('#') {
            if let Some((at, kind, end)) = comment(&line[hash..]) {
                let text = line[hash..hash + end].trim_end().to_owned();
                found.push(Comment { kind, line: number, text, word: start + hash + at });
            }
        }
        let code = line.split('#').next().unwrap_or_default();
        if code.trim_start().starts_with('@') && code.contains("no_type_check") || is_aliased(code) {
            found.push(Comment { kind: Kind::NoTypeCheck, line: number, text: code.trim().to_owned(), word: start });
        }
        start += line.len() + 1;
    }
    found
}

/// `no_type_check` under another name would be used where its name is not seen.
fn is_aliased(code: &str) -> bool {
    let words: Vec<&str> =
        code.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|it| !it.is_empty()).collect();
    words.windows(2).any(|pair| pair == ["no_type_check", "as"])
        || code.trim_end().ends_with("no_type_check") && code.contains('=')
}

/// Reads `# type: ignore[...]` or `# ty: ignore[...]` from its hash on: where `ignore` begins, what it is, where it ends.
fn comment(text: &str) -> Option<(usize, Kind, usize)> {
    let rest = text[1..].trim_start();
    let rest = rest.strip_prefix("type").or_else(|| rest.strip_prefix("ty"))?.trim_start();
    let rest = rest.strip_prefix(':')?.trim_start();
    let at = text.len() - rest.len();
    let rest = rest.strip_prefix(WORD)?;
    if rest.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
        return None;
    }
    let end = text.len() - rest.len();
    let codes = rest.trim_start().strip_prefix('[').and_then(|it| it.split_once(']')).map(|(codes, _)| codes);
    let Some(codes) = codes else { return Some((at, Kind::Blanket, end)) };
    let end = end + rest.find(']').map_or(0, |it| it + 1);
    let mut codes =
        codes.split(',').map(|it| it.trim().trim_start_matches("ty:")).filter(|it| !it.is_empty()).peekable();
    let blanket = codes.peek().is_none() || codes.any(|it| it == "all");
    Some((at, if blanket { Kind::Blanket } else { Kind::Named }, end))
}

/// Overwrites the word `ignore` in them.
pub fn strip(bytes: &mut [u8], comments: &[Comment], which: Strip) {
    for comment in comments {
        let hit = match comment.kind {
            Kind::Blanket => true,
            Kind::Named => which == Strip::All,
            Kind::NoTypeCheck => false,
        };
        if hit {
            bytes[comment.word..comment.word + WORD.len()].fill(b'-');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripped(text: &str, which: Strip) -> String {
        let mut bytes = text.as_bytes().to_vec();
        strip(&mut bytes, &find(text), which);
        String::from_utf8(bytes).expect("still text")
    }

    #[test]
    fn blanket_comments_lose_their_power() {
        for comment in [
            "# type: ignore",
            "#type:ignore",
            "# ty: ignore",
            "#  ty :  ignore",
            "# type: ignore[]",
            "# ty: ignore[all]",
        ] {
            for text in
                [format!("ü = f()  {comment}"), format!("x  # noqa: X1 {comment} # more"), format!("{comment}\r\n")]
            {
                let copy = stripped(&text, Strip::Blanket);
                assert!(!copy.contains("ignore"), "{copy}");
                assert_eq!(copy.len(), text.len());
            }
        }
    }

    #[test]
    fn named_ones_keep_it() {
        let text = "a()  # ty: ignore[invalid-base, division-by-zero]\nb()  # type: ignore[override]  # why\n";
        assert_eq!(stripped(text, Strip::Blanket), text);
        assert!(!stripped(text, Strip::All).contains("ignore"));
        let found = find(text);
        assert_eq!((found[0].line, found[0].text.as_str()), (1, "# ty: ignore[invalid-base, division-by-zero]"));
        assert_eq!((found[1].line, found[1].kind), (2, Kind::Named));
    }

    #[test]
    fn other_text_is_left_alone() {
        for text in ["# type: ignored", "# ignore", "type: ignore", "# types: ignore", "# mypy: ignore-errors"] {
            assert!(find(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn functions_that_are_switched_off() {
        for text in [
            "@no_type_check",
            "  @typing.no_type_check",
            "from typing import no_type_check as n",
            "n = typing.no_type_check",
        ] {
            assert_eq!(find(text).len(), 1, "{text}");
        }
        assert!(find("from typing import no_type_check\n# @no_type_check").is_empty());
    }
}
