//! Units over several files: those that wait for each other stay together.
//!
//! Pure. The same units and the same number give the same parts, whatever the texts are.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};

use super::units::{Cut, Unit};

/// How a pipeline is spread over files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    pub parts: usize,
    pub cut: Cut,
    /// At most this many projects share a job of a batch stage.
    pub batch: usize,
}

impl Split {
    /// What `emit --part` takes for one of them: number, of how many, cut, size of batches.
    pub fn word(&self, number: usize) -> String {
        let cut = match self.cut {
            Cut::Stage => "stage".to_owned(),
            Cut::Group => "group".to_owned(),
            Cut::Projects(size) => size.to_string(),
        };
        format!("{number}/{}/{cut}/{}", self.parts, self.batch)
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(word: &str) -> Result<(Split, usize)> {
        let wrong = || format!("`{word}` is no part of a pipeline, like 2/3/stage/100");
        let parts: Vec<&str> = word.split('/').collect();
        let [number, of, cut, batch] = parts[..] else { anyhow::bail!(wrong()) };
        let count = |it: &str| it.parse::<usize>().ok().filter(|it| *it > 0).with_context(wrong);
        let cut = match cut {
            "stage" => Cut::Stage,
            "group" => Cut::Group,
            size => Cut::Projects(count(size)?),
        };
        let split = Split { parts: count(of)?, cut, batch: count(batch)? };
        let number = Some(count(number)?).filter(|it| *it <= split.parts).with_context(wrong)?;
        Ok((split, number))
    }
}

/// Bytes that a job takes at least when GitLab has parsed it, and those of one entry in its part of the plan.
pub const JOB: usize = 2000;
const ENTRY: usize = 60;

/// About the bytes that units take.
pub fn weight(units: &[Unit]) -> usize {
    units.iter().map(|it| JOB + ENTRY * it.jobs.len()).sum()
}

/// Spreads units over so many parts, the largest families first, each to the part with the least work so far.
pub fn split(units: &[Unit], parts: usize) -> Vec<Vec<Unit>> {
    let mut family: Vec<usize> = (0..units.len()).collect();
    for (index, unit) in units.iter().enumerate() {
        for need in &unit.needs {
            let (a, b) = (root(&family, index), root(&family, *need));
            family[a.max(b)] = a.min(b);
        }
    }
    let mut families: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for index in 0..units.len() {
        families.entry(root(&family, index)).or_default().push(index);
    }
    let weight = |members: &[usize]| -> usize { members.iter().map(|it| JOB + ENTRY * units[*it].jobs.len()).sum() };
    let mut families: Vec<Vec<usize>> = families.into_values().collect();
    families.sort_by_key(|it| (std::cmp::Reverse(weight(it)), it[0]));
    let mut places: Vec<(usize, BTreeSet<usize>)> = vec![(0, BTreeSet::new()); parts];
    for members in families {
        let least = (0..parts).min_by_key(|it| (places[*it].0, *it)).unwrap_or_default();
        places[least].0 += weight(&members);
        places[least].1.extend(members);
    }
    places.into_iter().map(|(_, members)| picked(units, &members)).collect()
}

/// Some of the units, with their needs as positions among them.
fn picked(units: &[Unit], members: &BTreeSet<usize>) -> Vec<Unit> {
    let position: BTreeMap<usize, usize> = members.iter().enumerate().map(|(to, from)| (*from, to)).collect();
    let of = |index: &usize| {
        let unit = units[*index].clone();
        Unit { needs: unit.needs.iter().filter_map(|it| position.get(it).copied()).collect(), ..unit }
    };
    members.iter().map(of).collect()
}

fn root(family: &[usize], mut index: usize) -> usize {
    while family[index] != index {
        index = family[index];
    }
    index
}
