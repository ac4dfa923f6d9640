//! What processes say and how they are called, as text for people.
//!
//! Pure: must not start or read anything.

use camino::Utf8Path;

use super::Call;
use crate::tree;

/// How many lines of a log a message quotes.
const TAIL_LINES: usize = 15;

/// Some tools colour their output whatever they are told; a log and a report are plain text.
pub fn plain(bytes: Vec<u8>) -> String {
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if text.contains('\u{1b}') { anstream::adapter::strip_str(&text).to_string() } else { text }
}

/// The last lines of both outputs.
pub fn tail(stdout: &str, stderr: &str) -> String {
    let lines: Vec<&str> = stdout.lines().chain(stderr.lines()).filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].iter().map(|line| clip(line)).collect::<Vec<_>>().join("\n")
}

/// A line cut to what a terminal shows: some tools print a whole report as one line.
fn clip(line: &str) -> String {
    match line.char_indices().nth(400) {
        Some((end, _)) => format!("{} ...", &line[..end]),
        None => line.to_owned(),
    }
}

/// What one would type to run a call again.
pub fn command_line(call: &Call) -> String {
    std::iter::once(call.program.as_str())
        .chain(call.args.iter().map(String::as_str))
        .map(quote)
        .collect::<Vec<_>>()
        .join(" ")
}

/// A word as a POSIX shell would need it.
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// A repo-relative directory as the same shell would need it at the root, which has no name itself.
pub fn quote_dir(dir: &Utf8Path) -> String {
    quote(tree::spelled(dir))
}

/// The last line that reads like an exception, else the last of uv's own explanation.
pub fn last_words(stderr: &str) -> String {
    let lines: Vec<&str> = stderr.lines().map(|it| it.trim_matches([' ', '│', '╰', '├', '─', '▶', '×'])).collect();
    let is_exception = |line: &&&str| {
        let head = line.split(':').next().unwrap_or_default();
        !head.contains(' ') && (head.ends_with("Error") || head.ends_with("Exception")) && head.len() < line.len()
    };
    // What sums there are and should be comes after what they are of.
    let is_aside = |it: &str| ["hint:", "sha256:", "Expected:", "Computed:"].iter().any(|word| it.starts_with(word));
    let explained = || lines.iter().rfind(|it| !it.is_empty() && !is_aside(it));
    let said = lines.iter().rfind(is_exception).or_else(explained).copied().unwrap_or_default();
    ["error: ", "cause: ", "Caused by: "].iter().fold(said, |it, word| it.strip_prefix(word).unwrap_or(it)).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_a_word_of_a_command() {
        let words = ["", "projects/a", "my projects/a"].map(|it| quote_dir(Utf8Path::new(it)));
        assert_eq!(words, [".", "projects/a", "'my projects/a'"]);
    }

    #[test]
    fn last_words_are_the_exception() {
        let text = "  × Failed to build `/x`\n  ├─▶ The build backend returned an error\n  ╰─▶ Call to `hatchling.build.build_wheel` failed (exit status: 1)\n\n      [stderr]\n      Traceback (most recent call last):\n      ValueError: Unable to determine which files to ship\n\n      hint: This usually indicates a problem\n";
        assert_eq!(last_words(text), "ValueError: Unable to determine which files to ship");
        let text = "error: Failed to parse: `pyproject.toml`\n  Caused by: unknown field `nmae`\n";
        assert_eq!(last_words(text), "unknown field `nmae`");
        let text = "error: Failed to download `a==1`\n  cause: Hash mismatch for `a==1`\n\n         Expected:\n           sha256:00\n\n         \
                    Computed:\n           sha256:11\n\nhint: `a` (v1) was included\n";
        assert_eq!(last_words(text), "Hash mismatch for `a==1`");
    }
}
