//! A sorted set of names in one text: ten thousand projects ask for a hundred thousand names, and few are ever looked up.
//!
//! Pure. Must not know what the names are of.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Names, none of which is empty or holds a line break.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Names(Box<str>);

impl Names {
    /// Is it one of them?
    pub fn contains(&self, name: &str) -> bool {
        self.iter().any(|it| it == name)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Makes those of others its own.
    pub fn add(&mut self, others: &Names) {
        if !others.is_empty() {
            *self = self.iter().chain(others.iter()).map(str::to_owned).collect();
        }
    }

    /// All of them, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.lines()
    }
}

impl FromIterator<String> for Names {
    fn from_iter<T: IntoIterator<Item = String>>(names: T) -> Names {
        let sorted: BTreeSet<String> = names.into_iter().collect();
        Names(sorted.into_iter().collect::<Vec<_>>().join("\n").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_there_as_a_whole_or_not() {
        let names: Names = ["b-c", "a", "b-c", "d"].map(str::to_owned).into_iter().collect();
        assert_eq!(names.iter().collect::<Vec<_>>(), ["a", "b-c", "d"]);
        let found = ["a", "b", "c", "b-c", "d", "", "a\nb-c"].map(|it| names.contains(it));
        assert_eq!(found, [true, false, false, true, true, false, false]);
        assert!(!Names::default().contains(""));
    }
}
