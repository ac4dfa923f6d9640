//! What differs between two lists of inputs.
//!
//! Pure. Must not say it in words.

use std::collections::{BTreeMap, BTreeSet};

use crate::inputs::{Line, Part};

/// One key whose value differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub part: Part,
    pub of: String,
    pub key: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

impl Difference {
    /// What became of the thing as a whole.
    pub fn state(&self) -> Option<&'static str> {
        let is = |value: &Option<String>, word: &str| value.as_deref().is_some_and(|it| it.starts_with(word));
        if is(&self.after, "missing") {
            Some("is gone")
        } else if is(&self.before, "missing") {
            Some("is new")
        } else if is(&self.after, "unreadable") || is(&self.before, "unreadable") {
            Some("cannot be read")
        } else if is(&self.after, "without") || is(&self.before, "without") {
            Some("does not know the project")
        } else {
            None
        }
    }
}

/// What differs between two sorted lists.
pub fn differences(old: &[Line], new: &[Line]) -> Vec<Difference> {
    let (before, after): (BTreeSet<&Line>, BTreeSet<&Line>) = (old.iter().collect(), new.iter().collect());
    type Values = (Option<String>, Option<String>);
    let mut found: BTreeMap<(Part, &str, &str), Values> = BTreeMap::new();
    for line in before.difference(&after) {
        found.entry((line.part, &line.of, &line.key)).or_default().0 = Some(line.value.clone());
    }
    for line in after.difference(&before) {
        found.entry((line.part, &line.of, &line.key)).or_default().1 = Some(line.value.clone());
    }
    let of = |((part, of, key), (before, after)): ((Part, &str, &str), _)| Difference {
        part,
        of: of.to_owned(),
        key: key.to_owned(),
        before,
        after,
    };
    found.into_iter().map(of).collect()
}
