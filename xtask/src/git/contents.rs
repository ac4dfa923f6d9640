//! The contents of files that git holds, through one process that stays.
//!
//! Must not look at the work tree: what is only on the disk is read there.

use std::io::{BufRead, Read, Write};

use anyhow::{Context as _, Result, bail};

use super::Git;
use crate::proc::Dialogue;
use crate::tree::Id;

/// A `git cat-file --batch`. It ends with this value.
#[derive(Debug)]
pub struct Contents {
    dialogue: Dialogue,
}

impl Git {
    /// Starts reading contents.
    ///
    /// # Errors
    /// When git cannot be started.
    pub fn contents(&self) -> Result<Contents> {
        // By itself git keeps up to 96 MiB of what it has unpacked, and is hardly faster for it.
        let call = self.call(&["-c", "core.deltaBaseCacheLimit=16m", "cat-file", "--batch"]);
        Ok(Contents { dialogue: Dialogue::start(&call)? })
    }
}

impl Contents {
    /// The content of a file, or the target of a link.
    ///
    /// # Errors
    /// When git does not have it: in a partial clone whose remote is away, or for an id that was made from the disk.
    pub fn read(&mut self, id: Id) -> Result<Vec<u8>> {
        // One question, then its whole answer: neither side ever waits for the other with a full pipe.
        let asked = writeln!(self.dialogue.input, "{id}").and_then(|()| self.dialogue.input.flush());
        let mut header = String::new();
        let read = asked.and_then(|()| self.dialogue.output.read_line(&mut header));
        let words: Vec<&str> = header.trim_end().split(' ').collect();
        match (read, &words[..]) {
            (Ok(_), [_, kind, size]) => {
                let size: u64 = size.parse().with_context(|| format!("git gave no size for {id}: {header:?}"))?;
                let mut content = Vec::new();
                // The answer ends with a line break of its own.
                (&mut self.dialogue.output).take(size + 1).read_to_end(&mut content)?;
                if content.pop() != Some(b'\n') || content.len() as u64 != size {
                    bail!("git ended within the content of {id}: {}", self.dialogue.words());
                }
                if *kind != "blob" {
                    bail!("{id} is no file but a {kind}");
                }
                Ok(content)
            }
            (Ok(_), [_, "missing"]) => bail!(
                "git does not have the content {id}: this clone is partial or damaged; `git fetch --refetch origin` \
                 brings everything, `git fsck` says what is missing"
            ),
            _ => bail!(
                "git could not give the content {id} (in a partial clone it asks the remote for it): {}",
                self.dialogue.words()
            ),
        }
    }
}
