//! Fingerprints: what tells a finding from others and stays the same when the lines above it move.
//!
//! Pure. Made of the project, the stage, the rule, the file, the text of the line and a counter for findings that are
//! alike in all of these. The number of the line and the message are no part of it: both change while the finding stays.

use std::collections::BTreeMap;

use super::Lines;
use crate::run::Record;
use crate::sources::sha256;
use crate::verdict::Case;

/// Longer lines are made by machines; their beginning says enough.
const MOST: usize = 1_000;

/// Gives out the fingerprints of one report: findings that are alike are counted.
#[derive(Debug)]
pub struct Prints<'a> {
    lines: &'a Lines,
    seen: BTreeMap<String, u32>,
}

/// A finding on its way into a report.
#[derive(Debug, Clone)]
pub struct Finding<'a> {
    pub record: &'a Record,
    pub case: &'a Case,
    /// 64 hexadecimal digits.
    pub print: String,
}

impl<'a> Prints<'a> {
    pub fn new(lines: &'a Lines) -> Prints<'a> {
        Prints { lines, seen: BTreeMap::new() }
    }

    /// The cases of a record that are wanted, from top to bottom of each file, with their fingerprints.
    pub fn findings<'r>(&mut self, record: &'r Record, wanted: impl Fn(&Case) -> bool) -> Vec<Finding<'r>> {
        let mut cases: Vec<&Case> = record.verdict.cases.iter().filter(|it| wanted(it)).collect();
        cases.sort_by(|a, b| (&a.place, &a.rule, &a.name).cmp(&(&b.place, &b.rule, &b.name)));
        cases.into_iter().map(|case| Finding { record, case, print: self.of(record, case) }).collect()
    }

    fn of(&mut self, record: &Record, case: &Case) -> String {
        let text = case.place.as_ref().and_then(|it| self.lines.get(&it.path)?.get(&it.line?));
        let text: Vec<&str> = text.map(|it| it.split_whitespace().collect()).unwrap_or_default();
        let text: String = text.join(" ").chars().take(MOST).collect();
        let path = case.place.as_ref().map_or("", |it| it.path.as_str());
        let package = case.package.as_deref().unwrap_or_default();
        let key = [&record.project, record.stage.name, &case.rule, path, package, &text].join("\0");
        let number = self.seen.entry(key.clone()).or_insert(0);
        *number += 1;
        sha256(format!("{key}\0{number}").as_bytes())
    }
}
