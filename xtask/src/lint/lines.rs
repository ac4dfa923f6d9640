//! In which line of a YAML text a key stands: by indentation, for the parser does not say. Pure.

use std::collections::HashMap;

/// The lines of a text, with an index of its top-level keys.
#[derive(Debug)]
pub struct Lines<'a> {
    lines: Vec<&'a str>,
    /// Top-level key to the places (from 0) where it stands.
    top: HashMap<String, Vec<usize>>,
}

impl<'a> Lines<'a> {
    pub fn of(text: &'a str) -> Lines<'a> {
        let lines: Vec<&str> = text.lines().collect();
        let mut top: HashMap<String, Vec<usize>> = HashMap::new();
        for (number, line) in lines.iter().enumerate() {
            if indent(line) == Some(0)
                && let Some(key) = key(line)
            {
                top.entry(key).or_default().push(number);
            }
        }
        Lines { lines, top }
    }

    /// The line (from 1) of the last key of a path that can be found; the first of several unless `last`.
    pub fn find(&self, path: &[String], last: bool) -> Option<usize> {
        let (first, rest) = path.split_first()?;
        let places = self.top.get(first)?;
        let mut at = if last && rest.is_empty() { *places.last()? } else { *places.first()? };
        for (nth, segment) in rest.iter().enumerate() {
            let hits: Vec<usize> =
                self.below(at).filter(|(_, name)| name == segment).map(|(number, _)| number).collect();
            // A deeper key of the same name is another one.
            let Some(level) = hits.iter().map(|it| indent(self.lines[*it])).min() else { break };
            let mut hits = hits.into_iter().filter(|it| indent(self.lines[*it]) == level);
            let hit = if last && nth + 1 == rest.len() { hits.next_back() } else { hits.next() };
            at = hit.unwrap_or(at);
        }
        Some(at + 1)
    }

    /// The keys in the block under a line.
    fn below(&self, at: usize) -> impl Iterator<Item = (usize, String)> + '_ {
        let level = indent(self.lines[at]).unwrap_or(0);
        let block = self.lines.iter().enumerate().skip(at + 1).take_while(move |(_, line)| {
            indent(line).is_none_or(|it| it > level || (it == level && line.trim_start().starts_with("- ")))
        });
        block.filter_map(|(number, line)| key(line.trim_start().trim_start_matches("- ")).map(|key| (number, key)))
    }
}

/// The indentation of a line that says something.
fn indent(line: &str) -> Option<usize> {
    let rest = line.trim_start();
    (!rest.is_empty() && !rest.starts_with('#')).then_some(line.len() - rest.len())
}

/// `key` of `key: value`, without its quotes.
fn key(line: &str) -> Option<String> {
    let line = line.trim_start();
    if let Some(rest) = line.strip_prefix('"') {
        let end = rest.find("\":")?;
        return serde_json::from_str(&format!("\"{}\"", &rest[..end])).ok();
    }
    if let Some(rest) = line.strip_prefix('\'') {
        return Some(rest[..rest.find("':")?].replace("''", "'"));
    }
    let end = line.find(": ").or_else(|| line.ends_with(':').then(|| line.len() - 1))?;
    Some(line[..end].trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_where_they_stand() {
        let text = "a:\n  b: 1\n'c d':\n- x: 1\n  y: 2\n\"e\\\"f\":\n  script:\n    - echo\n  cache:\n    key: x\na:\n  b: 2\n";
        let lines = Lines::of(text);
        let find = |path: &[&str], last| lines.find(&path.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>(), last);
        assert_eq!(find(&["a"], false), Some(1));
        assert_eq!(find(&["a"], true), Some(11));
        assert_eq!(find(&["c d", "y"], false), Some(5));
        assert_eq!(find(&["e\"f", "cache", "key"], false), Some(10));
        assert_eq!(find(&["e\"f", "cache", "nothing"], false), Some(9), "the nearest that is there");
        assert_eq!(find(&["nothing"], false), None);
    }
}
