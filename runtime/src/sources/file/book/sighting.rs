//! What the book is asked about files, and what it answers.

use crate::sources::file::checkpoint::Checkpoint;
use crate::sources::file::identity::{FileId, Identity};

/// Where to read on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    /// The number of the file's entries.
    pub origin: u64,
    /// The first byte to read.
    pub offset: u64,
    /// The path under which it was first read.
    pub path: String,
}

/// A file as it was found, to be compared with what is known.
#[derive(Clone, Copy, Debug)]
pub struct Sighting<'a> {
    /// The source's name.
    pub source: &'a str,
    /// The path under which it was found.
    pub path: &'a str,
    /// Where it lies.
    pub id: FileId,
    /// When it was made, in nanoseconds since the Unix epoch, where the file system knows.
    pub born: Option<u64>,
    /// Its first bytes.
    pub head: &'a [u8],
    /// How many it has.
    pub size: u64,
    /// The numbers of the pipes its entries go into.
    pub pipes: &'a [u32],
}

impl Sighting<'_> {
    /// Whether it is what was read, if it has the identity.
    pub(super) fn fits(&self, known: &Checkpoint) -> bool {
        let as_old = known
            .born
            .zip(self.born)
            .is_none_or(|(known, born)| known == born);
        !known.deleted && as_old && known.offset <= self.size && known.fingerprint.matches(self.head)
    }
}

/// A file about to be read for the first time.
#[derive(Clone, Copy, Debug)]
pub struct Beginning<'a> {
    /// The source's name.
    pub source: &'a str,
    /// The path under which it was found.
    pub path: &'a str,
    /// Which file.
    pub identity: Identity,
    /// Where reading starts.
    pub offset: u64,
    /// The numbers of the pipes its entries go into.
    pub pipes: &'a [u32],
}
