//! A lock as uv writes it: a beginning, and then one package after the other, each a block of text of its own.
//!
//! Pure. Neighbouring commits and neighbouring projects have most of their packages in common, to the byte: each block is
//! parsed once, however many locks hold it. A text that may be written in another way is parsed as a whole; must not
//! find anything else in a lock than that would.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::Arc;

use anyhow::Result;
use camino::Utf8Path;
use memchr::memmem;
use toml::{Table, Value};

use super::{LOCAL, Locked, Package, header, table};

/// How a package begins.
const BEGIN: &str = "[[package]]\n";

/// The packages that were parsed so far, by their text.
#[derive(Debug, Default)]
pub struct Packages {
    /// Two hashes of 64 bits with keys of this process: nobody can write two texts that are taken for one.
    keys: [RandomState; 2],
    known: HashMap<(u64, u64, usize), Block>,
}

/// One block that was parsed.
#[derive(Debug, Clone)]
struct Block {
    /// `None` for one without a name.
    package: Option<Arc<Package>>,
    look: Look,
}

/// What a block looks like without being parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// Its source may be local.
    Near,
    Far,
    /// It is written in another way than uv's: where it comes from cannot be told without parsing it.
    Odd,
}

impl Packages {
    /// Forgets those that no lock holds any more.
    pub fn sweep(&mut self) {
        self.known.retain(|_, it| it.package.as_ref().is_some_and(|it| Arc::strong_count(it) > 1));
    }

    /// The package of a block; `None` when it is not one of its own.
    fn block(&mut self, text: &str) -> Option<Block> {
        let [a, b] = &self.keys;
        let key = (a.hash_one(text), b.hash_one(text), text.len());
        if let Some(known) = self.known.get(&key) {
            return Some(known.clone());
        }
        let table: Table = toml::from_str(text).ok()?;
        let list = table.get("package").and_then(Value::as_array)?;
        // More than this one may belong to another package, or to all of the lock.
        let ([Value::Table(package)], 1) = (&list[..], table.len()) else { return None };
        let block = Block { package: Package::of(package, true).map(Arc::new), look: look(text) };
        self.known.insert(key, block.clone());
        Some(block)
    }
}

impl Locked {
    /// The whole lock, with packages that are known already; `path` is only for messages.
    ///
    /// # Errors
    /// When it is no TOML.
    pub fn parse_with(path: &Utf8Path, text: &str, packages: &mut Packages) -> Result<Locked> {
        match Locked::by_blocks(text, packages) {
            Some(locked) => Ok(locked),
            None => Locked::parse(path, text),
        }
    }

    /// From its blocks; `None` where the text may mean something else than they do.
    fn by_blocks(text: &str, packages: &mut Packages) -> Option<Locked> {
        let (first, blocks) = split(text)?;
        let beginning: Table = toml::from_str(first).ok()?;
        if beginning.contains_key("package") {
            return None;
        }
        let (mut found, mut near, mut is_odd) = (Vec::new(), Vec::new(), look(first) == Look::Odd);
        for block in blocks {
            let Block { package, look } = packages.block(block)?;
            is_odd |= look == Look::Odd;
            let Some(package) = package else { continue };
            near.extend((look == Look::Near).then_some(found.len() as u32));
            found.push(package);
        }
        Some(Locked { near: (!is_odd).then_some(near), ..Locked::of_packages(header(&beginning), found) })
    }

    /// What [`Locked::scan`] finds in the same text; `None` where that cannot be told from here.
    pub fn scanned(&self) -> Option<Locked> {
        let near = self.near.as_ref()?.iter().map(|it| self.packages[*it as usize].clone());
        Some(Locked::of_packages(Vec::new(), near.collect()))
    }

    /// Just the local packages, without reading the others: a lock is long and few of its packages are local.
    ///
    /// # Errors
    /// When one of them is no TOML.
    pub fn scan(path: &Utf8Path, text: &str) -> Result<Locked> {
        let Some((_, blocks)) = split(text).filter(|it| look(it.0) != Look::Odd) else {
            return Locked::parse(path, text);
        };
        let mut wanted = String::new();
        for block in blocks {
            match look(block) {
                Look::Near => wanted.push_str(block),
                Look::Far => {}
                Look::Odd => return Locked::parse(path, text),
            }
        }
        Ok(Locked::of(&table(path, &wanted)?, false))
    }
}

/// The text before the first package, and each package; `None` where a line may not be what it looks like.
fn split(text: &str) -> Option<(&str, impl Iterator<Item = &str>)> {
    // uv writes one package after the other, each `source` on a line. Where that may not be so, all is read.
    let has = |word: &str| memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    if memchr::memchr(b'\r', text.as_bytes()).is_some() || has("'''") || has("\"\"\"") {
        return None;
    }
    let begins = memmem::find_iter(text.as_bytes(), BEGIN.as_bytes());
    let mut starts: Vec<usize> = begins.filter(|at| *at == 0 || text.as_bytes()[at - 1] == b'\n').collect();
    let first = &text[..starts.first().copied().unwrap_or(text.len())];
    starts.push(text.len());
    let count = starts.len() - 1;
    Some((first, (0..count).map(move |it| &text[starts[it]..starts[it + 1]])))
}

/// What a block, or the text before the first, looks like.
fn look(text: &str) -> Look {
    let mut look = Look::Far;
    for line in telling(text) {
        if line == BEGIN {
            continue;
        }
        if line.starts_with("[[") || line.starts_with("[package.source") || line.starts_with("[ ") {
            return Look::Odd;
        }
        if line.trim_start().starts_with("source")
            && (line.contains("path") || LOCAL.iter().any(|it| line.contains(it)))
        {
            look = Look::Near;
        }
    }
    look
}

/// The lines of a lock that begin a table or name a source: few of many.
fn telling(text: &str) -> impl Iterator<Item = &str> {
    let bytes = text.as_bytes();
    let starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', bytes).map(|at| at + 1));
    starts.filter_map(move |at| {
        let first = bytes[at..].iter().find(|it| **it != b' ' && **it != b'\t')?;
        matches!(first, b'[' | b's').then(|| {
            let end = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |it| at + it + 1);
            &text[at..end]
        })
    })
}
