//! The memory that GitLab counts for a parsed file, by the sizes of Ruby's objects on a 64-bit machine.
//!
//! Pure. GitLab's limit is on this and not on the bytes of the file. Nothing, truth values and whole numbers take none.

/// A text: a slot of 40 bytes, and what does not fit in it.
pub fn text(bytes: usize) -> usize {
    if bytes > 23 { 41 + bytes } else { 40 }
}

/// A list itself, without what is in it.
pub fn list(items: usize) -> usize {
    if items > 3 { 40 + 8 * items } else { 40 }
}

/// A map itself, without its keys and values.
pub fn map(entries: usize) -> usize {
    if entries > 8 { 120 + 28 * entries.next_power_of_two() } else { 168 }
}
