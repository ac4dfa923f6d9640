//! What processes say and how they are called, as text for people.
//!
//! Pure: must not start or read anything.

use super::Call;

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
