//! How much of a list goes into a report that must not get larger than a limit. Pure.

use serde_json::Value;

use crate::verdict::Severity;

/// What a report may have. GitLab documents no such limit for JSON reports: this is the one of JUnit, which its workers
/// read in the same way.
pub const LIMIT: usize = 30_000_000;
/// Room for what stands around the list, and for the entry that says what is left out.
const AROUND: usize = 100_000;

/// An entry and how much it matters.
#[derive(Debug, Clone)]
pub struct Entry {
    pub severity: Severity,
    pub value: Value,
}

/// The entries that fit, in their order, and how many do not: those that matter least.
pub fn fit(entries: Vec<Entry>, limit: usize) -> (Vec<Value>, usize) {
    let sizes: Vec<usize> = entries.iter().map(|it| it.value.to_string().len() + 2).collect();
    let mut keep = vec![true; entries.len()];
    let mut room = limit.saturating_sub(AROUND);
    if sizes.iter().sum::<usize>() > room {
        let mut order: Vec<usize> = (0..entries.len()).collect();
        order.sort_by_key(|index| (std::cmp::Reverse(entries[*index].severity), *index));
        for index in order {
            keep[index] = sizes[index] <= room;
            // Once something is left out, nothing that matters less may take its place.
            room = if keep[index] { room - sizes[index] } else { 0 };
        }
    }
    let left_out = keep.iter().filter(|it| !**it).count();
    let kept = entries.into_iter().zip(keep).filter(|(_, keep)| *keep);
    (kept.map(|(entry, _)| entry.value).collect(), left_out)
}

/// A list as JSON with a line for each entry.
pub fn lines(entries: &[Value]) -> String {
    let lines: Vec<String> = entries.iter().map(Value::to_string).collect();
    if lines.is_empty() { "[]\n".to_owned() } else { format!("[\n{}\n]\n", lines.join(",\n")) }
}
