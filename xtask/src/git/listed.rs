//! What lay beside the tracked files of each directory when it was read, as bytes that outlive the process: a directory
//! that has not changed since need not be read again.
//!
//! Pure. A directory is known by its inode, and what is remembered of it holds for the times it had and for the tracked
//! names it was held against: where any of these differ there is nothing to remember. Must not look at a directory, nor
//! decide where the bytes are kept.

use std::hash::{DefaultHasher, Hasher as _};

use anyhow::{Context as _, Result, bail};

use crate::sources;

/// Fewer directories than these are read faster than anything about them is kept.
pub const MANY: usize = 200;

/// Fewer directories than these are sooner read again by each plan than everything is written anew.
const WORTH: usize = 50;

/// More bytes than these are not kept.
const HUGE: usize = 64 << 20;

/// Seconds and nanoseconds since 1970.
pub type Time = (i64, i64);

/// What tells one directory from another, and from itself with other names in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    pub dev: u64,
    pub ino: u64,
    pub modified: Time,
    pub changed: Time,
}

/// Which directories can be known again by their stamp.
#[derive(Debug, Clone, Copy)]
pub struct Trust {
    /// The device they are on.
    pub dev: u64,
    /// What changed later than this might change again and show the same time.
    pub until: Time,
}

impl Trust {
    fn covers(&self, stamp: &Stamp) -> bool {
        // Whole seconds come from a file system that knows no shorter time.
        let settled = stamp.modified <= self.until && stamp.changed <= self.until && stamp.changed.1 != 0;
        settled && stamp.dev == self.dev
    }
}

/// A name in a directory that counts beside its tracked files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Not tracked.
    Untracked,
    /// Not tracked, and a link where tracked files would have a directory.
    Linked,
    /// Tracked, and no directory although there are tracked files below that name: in the middle of a merge.
    File,
}

/// The names that count, each with its kind before it and a NUL byte behind it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names(Vec<u8>);

impl Names {
    pub fn push(&mut self, kind: Kind, name: &[u8]) {
        self.0.push(match kind {
            Kind::Untracked => b'u',
            Kind::Linked => b'l',
            Kind::File => b'f',
        });
        self.0.extend(name);
        self.0.push(0);
    }

    pub fn iter(&self) -> impl Iterator<Item = (Kind, &[u8])> {
        self.0.split(|byte| *byte == 0).filter_map(|it| {
            let (kind, name) = it.split_first()?;
            let kind = match kind {
                b'l' => Kind::Linked,
                b'f' => Kind::File,
                _ => Kind::Untracked,
            };
            Some((kind, name))
        })
    }
}

/// A directory that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub ino: u64,
    /// Of its times and its tracked names, see [`sum`].
    pub sum: u64,
    pub names: Names,
}

/// What is remembered of the directories of one work tree.
#[derive(Debug, Default)]
pub struct Listed {
    /// Nothing is remembered, nor to be remembered, without.
    trust: Option<Trust>,
    /// The device of the directories.
    dev: u64,
    /// Sorted by inode.
    dirs: Vec<Seen>,
    /// How many of them no earlier process has written.
    fresh: usize,
}

impl Listed {
    /// The same, of use for directories that can be trusted so far.
    pub fn trusting(self, trust: Trust) -> Listed {
        Listed { trust: Some(trust), ..self }
    }

    /// Is any directory to be known again?
    pub fn is_used(&self) -> bool {
        self.trust.is_some()
    }

    /// What is remembered of a directory with this stamp and this sum.
    pub fn names(&self, stamp: &Stamp, sum: u64) -> Option<&Names> {
        if stamp.dev != self.dev {
            return None;
        }
        let seen = self.dirs.binary_search_by_key(&stamp.ino, |it| it.ino).ok().map(|it| &self.dirs[it])?;
        (seen.sum == sum).then_some(&seen.names)
    }

    /// Will a directory that has this stamp now have another one as soon as there are other names in it?
    pub fn is_settled(&self, stamp: &Stamp) -> bool {
        self.trust.is_some_and(|it| it.covers(stamp))
    }

    /// Remembers these directories and no others; so many of them were read, and not remembered before.
    pub fn replace(&mut self, mut dirs: Vec<Seen>, read: usize) {
        let Some(trust) = self.trust else { return };
        dirs.sort_unstable_by_key(|it| it.ino);
        (self.dev, self.dirs, self.fresh) = (trust.dev, dirs, self.fresh + read);
    }

    /// How many directories are remembered, and how many of them no earlier process has written.
    pub fn count(&self) -> (usize, usize) {
        (self.dirs.len(), self.fresh)
    }

    /// What an earlier process has written. `program` tells builds of this program apart: what another one has written
    /// counts for nothing.
    ///
    /// # Errors
    /// When the bytes are damaged.
    pub fn with(bytes: &[u8], program: &str) -> Result<Listed> {
        let (of, rest) = bytes.split_first_chunk().context("it has no beginning")?;
        if u64::from_le_bytes(*of) != sources::sum(program.as_bytes()) {
            return Ok(Listed::default());
        }
        let (sum, mut rest) = rest.split_first_chunk().context("it has no sum")?;
        if u64::from_le_bytes(*sum) != sources::sum(rest) {
            bail!("its content is not what was written");
        }
        let dev = number(&mut rest)?;
        let mut dirs = Vec::with_capacity(rest.len() / 24);
        while !rest.is_empty() {
            let (ino, sum) = (number(&mut rest)?, number(&mut rest)?);
            let length = usize::try_from(number(&mut rest)?)?;
            let (names, after) = rest.split_at_checked(length).context("it ends too early")?;
            rest = after;
            dirs.push(Seen { ino, sum, names: Names(names.to_vec()) });
        }
        Ok(Listed { dev, dirs, ..Listed::default() })
    }

    /// What is remembered, as bytes; `None` where that is little, or little of it is new.
    pub fn bytes(&self, program: &str) -> Option<Vec<u8>> {
        let length = self.dirs.iter().map(|it| 24 + it.names.0.len()).sum::<usize>();
        if self.dirs.len() < MANY || self.fresh < WORTH || length > HUGE {
            return None;
        }
        let mut bytes = Vec::with_capacity(24 + length);
        bytes.extend([0; 16]);
        bytes.extend(self.dev.to_le_bytes());
        for Seen { ino, sum, names } in &self.dirs {
            for number in [*ino, *sum, names.0.len() as u64] {
                bytes.extend(number.to_le_bytes());
            }
            bytes.extend(&names.0);
        }
        let sum = sources::sum(&bytes[16..]);
        bytes[..8].copy_from_slice(&sources::sum(program.as_bytes()).to_le_bytes());
        bytes[8..16].copy_from_slice(&sum.to_le_bytes());
        Some(bytes)
    }
}

/// Takes a number off the beginning.
fn number(rest: &mut &[u8]) -> Result<u64> {
    let (number, after) = rest.split_first_chunk().context("it ends too early")?;
    *rest = after;
    Ok(u64::from_le_bytes(*number))
}

/// What is read of a directory follows from what is in it, for which its stamp stands, and from what is tracked of it:
/// each name, in the order of the index, with a byte that says as what.
pub fn sum<'a>(stamp: &Stamp, tracked: impl Iterator<Item = (u8, &'a [u8])>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (seconds, nanos) in [stamp.modified, stamp.changed] {
        hasher.write_i64(seconds);
        hasher.write_i64(nanos);
    }
    for (kind, name) in tracked {
        hasher.write_u8(kind);
        hasher.write(name);
        hasher.write_u8(0);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRUST: Trust = Trust { dev: 7, until: (1000, 500) };

    fn stamp(ino: u64) -> Stamp {
        Stamp { dev: 7, ino, modified: (900, 1), changed: (1000, 500) }
    }

    fn many() -> Listed {
        let mut listed = Listed::default().trusting(TRUST);
        let dirs = (0..MANY as u64).rev().map(|number| {
            let mut names = Names::default();
            for at in 0..number % 4 {
                names.push([Kind::Untracked, Kind::Linked, Kind::File][at as usize], &[b'\n', 0xff, b'a' + at as u8]);
            }
            Seen { ino: number * 3, sum: number, names }
        });
        listed.replace(dirs.collect(), MANY);
        listed
    }

    #[test]
    fn what_is_written_is_read_back() {
        let listed = many();
        let bytes = listed.bytes("this").expect("much that is new");
        let back = Listed::with(&bytes, "this").expect("undamaged").trusting(TRUST);
        assert_eq!(back.dirs, listed.dirs);
        let names = back.names(&stamp(9), 3).expect("remembered");
        let expected: [(Kind, &[u8]); 3] =
            [(Kind::Untracked, b"\n\xffa"), (Kind::Linked, b"\n\xffb"), (Kind::File, b"\n\xffc")];
        assert_eq!(names.iter().collect::<Vec<_>>(), expected);
        // Another time or other tracked names, another directory, another device.
        assert_eq!(back.names(&stamp(9), 4), None);
        assert_eq!(back.names(&stamp(10), 3), None);
        assert_eq!(back.names(&Stamp { dev: 8, ..stamp(9) }, 3), None);
        assert_eq!(Listed::with(&bytes, "another").expect("undamaged").count(), (0, 0));
    }

    #[test]
    fn only_what_is_worth_it_is_written() {
        let mut few = many();
        few.dirs.pop();
        assert_eq!(few.bytes("this"), None);
        let mut old = many();
        old.fresh = WORTH - 1;
        assert_eq!(old.bytes("this"), None);
        old.fresh = WORTH;
        assert!(old.bytes("this").is_some());
        let mut huge = many();
        huge.dirs[0].names = Names(vec![b'u'; HUGE]);
        assert_eq!(huge.bytes("this"), None);
    }

    #[test]
    fn damage_is_noticed_at_each_byte() {
        let bytes = many().bytes("this").expect("much that is new");
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (at % 8);
            // Damage where the build is named makes it that of another build.
            let read = Listed::with(&damaged, "this");
            assert!(read.is_err() || at < 8 && read.is_ok_and(|it| it.dirs.is_empty()), "byte {at}");
            assert!(Listed::with(&bytes[..at], "this").is_err(), "cut off at {at}");
        }
        // Whoever mends the sum as well gets no panic.
        for at in (0..bytes.len()).step_by(7) {
            let mut edited = bytes[..at.max(24)].to_vec();
            edited.extend([0xff; 40]);
            let sum = sources::sum(&edited[16..]);
            edited[8..16].copy_from_slice(&sum.to_le_bytes());
            assert!(Listed::with(&edited, "this").is_err(), "edited at {at}");
        }
    }

    #[test]
    fn only_what_is_settled_is_remembered() {
        let listed = Listed::default().trusting(TRUST);
        for (is_settled, stamp) in [
            (true, stamp(1)),
            (false, Stamp { changed: (1000, 501), ..stamp(1) }),
            (false, Stamp { modified: (1001, 0), ..stamp(1) }),
            (false, Stamp { changed: (999, 0), ..stamp(1) }),
            (true, Stamp { modified: (999, 0), ..stamp(1) }),
            (false, Stamp { dev: 8, ..stamp(1) }),
        ] {
            assert_eq!(listed.is_settled(&stamp), is_settled, "{stamp:?}");
            assert!(!Listed::default().is_settled(&stamp));
        }
    }

    #[test]
    fn the_sum_tells_times_and_names_apart() {
        let of = |stamp: &Stamp, names: &[(u8, &str)]| sum(stamp, names.iter().map(|it| (it.0, it.1.as_bytes())));
        let one = stamp(1);
        let mut sums = vec![
            of(&one, &[]),
            of(&one, &[(b'f', "a")]),
            of(&one, &[(b's', "a")]),
            of(&one, &[(b'/', "a")]),
            of(&one, &[(b'f', "a"), (b'f', "b")]),
            of(&one, &[(b'f', "afb")]),
            of(&Stamp { modified: (900, 2), ..one }, &[(b'f', "a")]),
            of(&Stamp { changed: (900, 1), ..one }, &[(b'f', "a")]),
        ];
        let number = sums.len();
        sums.sort_unstable();
        sums.dedup();
        assert_eq!(sums.len(), number);
    }
}
