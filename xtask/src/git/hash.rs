//! The ids that files on the disk would get if they were committed now.
//!
//! Writes nothing into the repository. Must not decide which files count.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::Git;
use crate::proc;
use crate::tree::Id;

impl Git {
    /// The ids of files, by paths relative to `root`, with the filters that a commit would apply (line ends, LFS).
    ///
    /// A file that was committed with CRLF under `text=auto`, and has changed since, gets the id of its normalised
    /// content: `hash-object` does not look at the index. It has changed either way.
    pub(super) fn hash_files(&self, paths: &[&[u8]]) -> Result<Vec<Id>> {
        let lines = paths.iter().flat_map(|path| quoted(&[self.prefix.as_bytes(), path].concat()));
        self.hash(&["hash-object", "--stdin-paths"], lines.collect(), paths.len())
    }

    /// The ids of files as they are, by absolute paths.
    fn hash_raw(&self, paths: &[PathBuf]) -> Result<Vec<Id>> {
        let lines = paths.iter().flat_map(|path| quoted(path.as_os_str().as_bytes()));
        self.hash(&["hash-object", "--no-filters", "--stdin-paths"], lines.collect(), paths.len())
    }

    /// The ids of the targets of links, by paths relative to `root`.
    ///
    /// `hash-object` would follow a link, so each target is laid down as a file for a moment. Where links are checked
    /// out as files (`core.symlinks=false`) the file itself holds the target.
    pub(super) fn hash_links(&self, paths: &[&[u8]]) -> Result<Vec<Id>> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let dir = std::env::temp_dir().join(format!("xtask-links-{}-{}", std::process::id(), proc::unique()));
        std::fs::create_dir(&dir).with_context(|| format!("could not create {}", dir.display()))?;
        let files: Result<Vec<PathBuf>> = paths
            .iter()
            .enumerate()
            .map(|(index, path)| {
                let path = self.on_disk(path);
                let Ok(target) = std::fs::read_link(&path) else { return Ok(path) };
                let file = dir.join(index.to_string());
                std::fs::write(&file, target.as_os_str().as_bytes())
                    .with_context(|| format!("could not write {}", file.display()))?;
                Ok(file)
            })
            .collect();
        let ids = files.and_then(|files| self.hash_raw(&files));
        // What is left in the directory for temporary files is nobody's harm.
        let _ = std::fs::remove_dir_all(&dir);
        ids
    }

    fn hash(&self, args: &[&str], input: Vec<u8>, count: usize) -> Result<Vec<Id>> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let printed = self.run_with(args, &input).context("a file has changed while it was read, or cannot be read")?;
        let printed = String::from_utf8(printed).context("`git hash-object` printed no UTF-8")?;
        let ids: Vec<Id> = printed.lines().map(Id::from_hex).collect::<Result<_>>()?;
        if ids.len() != count {
            bail!("`git hash-object` gave {} ids for {count} files", ids.len());
        }
        Ok(ids)
    }

    /// Where a path relative to `root` is.
    pub(super) fn on_disk(&self, path: &[u8]) -> PathBuf {
        self.root.as_std_path().join(Path::new(OsStr::from_bytes(path)))
    }
}

/// A path as a line that git reads back byte for byte, whatever is in it.
fn quoted(path: &[u8]) -> Vec<u8> {
    let mut line = vec![b'"'];
    for byte in path {
        match byte {
            b'"' | b'\\' => line.extend([b'\\', *byte]),
            b' '..=b'~' => line.push(*byte),
            _ => line.extend(format!("\\{byte:03o}").bytes()),
        }
    }
    line.extend(*b"\"\n");
    line
}
