//! Which file is this: device, inode and a fingerprint of its first bytes.
//!
//! Invariant: a fingerprint over n bytes matches every file whose first n bytes are the same, so it stays true
//! while the file grows and turns false when the file is written anew.
//!
//! Neither half is enough alone. The inode survives a rename but is reused after a deletion and kept by
//! copytruncate; the first bytes survive neither a truncation nor a reuse, but two files may begin alike. Where the
//! file system knows when a file was made, that tells a reused inode from the old one even then.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

/// How many of a file's first bytes the fingerprint covers at most: enough to hold several timestamps, and one
/// read of a page that is nearly always cached.
pub const HEAD: usize = 1024;

/// Where a file lies: the same for every name it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId {
    /// The file system.
    pub device: u64,
    /// The file in it.
    pub inode: u64,
}

impl FileId {
    /// Of a file that was looked at.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

/// When a file was made, in nanoseconds since the Unix epoch; `None` where the file system does not know.
#[must_use]
pub fn born(metadata: &Metadata) -> Option<u64> {
    let since = metadata
        .created()
        .ok()?
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()?;
    u64::try_from(since.as_nanos()).ok()
}

/// A file's time in nanoseconds since the Unix epoch; what came before that counts as then.
#[must_use]
pub fn nanos((seconds, nanos): (i64, i64)) -> u64 {
    u64::try_from(i128::from(seconds) * 1_000_000_000 + i128::from(nanos)).unwrap_or(0)
}

/// A hash of a file's first bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fingerprint {
    /// How many bytes it covers.
    pub len: u16,
    /// xxh3-64 of them.
    pub hash: u64,
}

impl Fingerprint {
    /// Of a file that begins with `head`; bytes behind [`HEAD`] do not count.
    #[must_use]
    pub fn of(head: &[u8]) -> Self {
        let head = &head[..head.len().min(HEAD)];
        Self {
            len: u16::try_from(head.len()).unwrap_or(u16::MAX),
            hash: XxHash3_64::oneshot(head),
        }
    }

    /// Whether a file that begins with `head` is the one this was taken from, grown or not.
    #[must_use]
    pub fn matches(&self, head: &[u8]) -> bool {
        head.get(..usize::from(self.len))
            .is_some_and(|known| XxHash3_64::oneshot(known) == self.hash)
    }

    /// Whether it covers all it ever will.
    #[must_use]
    pub fn is_full(&self) -> bool {
        usize::from(self.len) == HEAD
    }
}

/// What a file is recognised by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Where it lies.
    pub id: FileId,
    /// When it was made: an inode that is used again was made later.
    pub born: Option<u64>,
    /// How it begins.
    pub print: Fingerprint,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_the_grown_file_and_no_other() {
        let print = Fingerprint::of(b"2026-01-01 start");
        assert!(print.matches(b"2026-01-01 start"));
        assert!(print.matches(b"2026-01-01 start and more"));
        assert!(!print.matches(b"2026-01-02 start and more"));
        assert!(!print.matches(b"2026-01-01"), "shorter than what was hashed");
        assert!(Fingerprint::of(b"").matches(b"anything"));
    }

    #[test]
    fn covers_no_more_than_the_head() {
        let mut bytes = vec![b'a'; HEAD];
        let print = Fingerprint::of(&bytes);
        assert!(print.is_full());
        bytes.push(b'b');
        assert_eq!(Fingerprint::of(&bytes), print);
        assert!(print.matches(&bytes));
    }
}
