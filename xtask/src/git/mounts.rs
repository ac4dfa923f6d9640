//! Which directories can be known again by their times: it depends on the file system they are on.
//!
//! Must not look into them.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::listed::Trust;

/// File systems of this machine alone that give a directory new times whenever a name comes, goes or becomes another.
/// Others (networks, FUSE, what a virtual machine shares with its host) are often late with it, or never do it.
const LOCAL: &[&str] = &["ext2", "ext3", "ext4", "xfs", "btrfs", "tmpfs", "zfs", "f2fs", "bcachefs"];

/// Which directories of a work tree can be known again; `None` where that is not sure of any. What has changed in the
/// time before this one that is given is not settled yet: a file system may show one time for two changes.
pub fn trust(root: &Path, settled: Duration) -> Option<Trust> {
    let mounts = std::fs::read("/proc/self/mountinfo").ok()?;
    let root = root.canonicalize().ok()?;
    let dev = root.metadata().ok()?.dev();
    let until = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?.checked_sub(settled)?;
    let until = (i64::try_from(until.as_secs()).ok()?, i64::from(until.subsec_nanos()));
    is_local(&mounts, dev, root.as_os_str().as_bytes()).then_some(Trust { dev, until })
}

/// Do the directories of this device show by their times that a name has come or gone? `mounts` is what Linux says in
/// `/proc/self/mountinfo`, `root` is one of them.
fn is_local(mounts: &[u8], dev: u64, root: &[u8]) -> bool {
    let (major, minor) = ((dev >> 8) & 0xfff | (dev >> 32) & !0xfff, dev & 0xff | (dev >> 12) & 0xffff_ff00);
    let device = format!("{major}:{minor}");
    let mounts: Vec<(&[u8], Vec<u8>, &[u8])> = mounts.split(|it| *it == b'\n').filter_map(mount).collect();
    // What a file system is does not depend on where it is mounted.
    let mut same = mounts.iter().filter(|it| it.0 == device.as_bytes()).peekable();
    if same.peek().is_some() {
        // The layers of an image do not change. Those that somebody lays over a directory may, below what one sees.
        return same.any(|(_, at, kind)| is_among(LOCAL, kind) || *kind == b"overlay" && at == b"/");
    }
    // A subvolume of btrfs has a device that is mounted nowhere.
    let above =
        |at: &[u8]| at == b"/" || root.strip_prefix(at).is_some_and(|it| matches!(it.first(), None | Some(b'/')));
    let nearest = mounts.iter().filter(|it| above(&it.1)).max_by_key(|it| it.1.len());
    nearest.is_some_and(|it| it.2 == b"btrfs")
}

fn is_among(names: &[&str], name: &[u8]) -> bool {
    names.iter().any(|it| it.as_bytes() == name)
}

/// The device, the place and the kind of what a line says is mounted.
fn mount(line: &[u8]) -> Option<(&[u8], Vec<u8>, &[u8])> {
    let words: Vec<&[u8]> = line.split(|it| *it == b' ').collect();
    let dash = words.iter().position(|it| *it == b"-")?;
    Some((words.get(2)?, unescaped(words.get(4)?), words.get(dash + 1)?))
}

/// Blanks and the like stand there as a backslash and three octal digits.
fn unescaped(word: &[u8]) -> Vec<u8> {
    let mut found = Vec::with_capacity(word.len());
    let mut rest = word;
    while let Some((first, after)) = rest.split_first() {
        let octal = after.get(..3).filter(|_| *first == b'\\').and_then(|it| std::str::from_utf8(it).ok());
        match octal.and_then(|it| u8::from_str_radix(it, 8).ok()) {
            Some(byte) => {
                found.push(byte);
                rest = &after[3..];
            }
            None => {
                found.push(*first);
                rest = after;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_systems_that_can_be_trusted() {
        let mounts = b"22 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw\n\
            30 22 0:40 / /home rw - btrfs /dev/sdb rw,subvol=/\n\
            31 22 0:50 / /with\\040blank rw master:3 - nfs4 server:/ rw\n\
            32 22 0:51 / /merged rw - overlay overlay rw,lowerdir=/a,upperdir=/b\n\
            33 30 0:52 / /home/fuse rw - fuse.sshfs host:/ rw\n\
            34 22 8:256 / /far rw - xfs /dev/sdq rw\n\
            broken line\n";
        let image = b"1 0 0:60 / / rw - overlay overlay rw\n2 1 0:61 / /builds rw - 9p share rw\n";
        // As Linux puts a device into one number: eight bits of the minor one below, the rest above.
        let dev = |major: u64, minor: u64| major << 8 | minor & 0xff | (minor & !0xff) << 12;
        for (is_trusted, mounts, dev, root) in [
            (true, &mounts[..], dev(259, 2), "/work"),
            (true, mounts, dev(8, 256), "/far/away"),
            // A subvolume is another device than the one that is mounted.
            (true, mounts, dev(0, 77), "/home/me/repo"),
            (true, mounts, dev(0, 77), "/home"),
            (false, mounts, dev(0, 77), "/homely"),
            (false, mounts, dev(0, 77), "/with blank/repo"),
            (false, mounts, dev(0, 77), "/home/fuse/repo"),
            (false, mounts, dev(0, 50), "/home/me/repo"),
            (false, mounts, dev(0, 51), "/merged/repo"),
            (false, mounts, dev(0, 52), "/home/fuse/repo"),
            (true, image, dev(0, 60), "/repo"),
            (false, image, dev(0, 61), "/builds/repo"),
            (false, b"", dev(8, 1), "/"),
        ] {
            assert_eq!(is_local(mounts, dev, root.as_bytes()), is_trusted, "{dev} {root}");
        }
    }
}
