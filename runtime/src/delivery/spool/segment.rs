//! A segment: a file of records, written once from its beginning to its end.
//!
//! Its name is the number of its first record. It is never cut off or written over: what follows the last whole
//! record is what a crash or a full disk left, and is passed over.

use std::io;
use std::path::{Path, PathBuf};

use super::record::{HEADER, Header, Record};
use crate::disk::DiskFile;

/// How a segment's name ends.
const ENDING: &str = ".spool";

/// How much of a payload is read at once to see whether it is whole.
const PIECE: usize = 64 << 10;

/// What the store knows of a segment.
#[derive(Debug)]
pub struct Segment {
    /// The number of its first record.
    pub first: u64,
    /// The number behind its last record.
    pub end: u64,
    /// The bytes of its whole records.
    pub size: u64,
    /// Rows in it that were not handed out yet.
    pub rows: u64,
    /// Their bytes of text.
    pub bytes: u64,
}

impl Segment {
    /// An empty one, which begins with this record.
    #[must_use]
    pub fn new(first: u64) -> Self {
        Self {
            first,
            end: first,
            size: 0,
            rows: 0,
            bytes: 0,
        }
    }

    /// Its file in the spool's folder.
    #[must_use]
    pub fn path(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{:020}{ENDING}", self.first))
    }

    /// The first record's number of a segment with this name; `None`: it is no segment.
    #[must_use]
    pub fn named(name: &str) -> Option<u64> {
        let digits = name.strip_suffix(ENDING)?;
        (digits.len() == 20).then(|| digits.parse().ok())?
    }

    /// A record was put behind the others.
    pub fn push(&mut self, size: u64, rows: u32, bytes: u64) {
        self.end += 1;
        self.size += size;
        self.rows += u64::from(rows);
        self.bytes += bytes;
    }

    /// A record is not in it any more.
    pub fn take(&mut self, rows: u32, bytes: u64) {
        self.rows = self.rows.saturating_sub(u64::from(rows));
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

/// A segment of an earlier run, and where in it the record `from` begins.
#[derive(Debug)]
pub struct Scanned {
    /// What is in it; rows count from `from` on.
    pub segment: Segment,
    /// Where `from` begins, or the end when it comes later.
    pub offset: u64,
    /// Bytes behind the last whole record.
    pub broken: u64,
}

/// Looks what is in a segment, up to the record `before` (the next segment has that one and those behind). With
/// `whole` payloads are read too: the last segment may end in what was being written at a crash.
///
/// # Errors
/// When the disk says no.
pub fn scan(file: &dyn DiskFile, first: u64, from: u64, before: u64, whole: bool) -> io::Result<Scanned> {
    let size = file.size()?;
    let mut segment = Segment::new(first);
    let mut offset = 0;
    while segment.end < before
        && let Some(header) = header(file, segment.size, segment.end)?
    {
        if segment.size + header.size() > size || (whole && read(file, segment.size, &header)?.is_none()) {
            break;
        }
        let wanted = segment.end >= from;
        let (rows, bytes) = if wanted {
            (header.rows, header.bytes)
        } else {
            (0, 0)
        };
        segment.push(header.size(), rows, bytes);
        if !wanted {
            offset = segment.size;
        }
    }
    Ok(Scanned {
        offset,
        broken: size - segment.size,
        segment,
    })
}

/// The header at `offset`; `None` when there is none of the record with this number.
///
/// # Errors
/// When the disk says no.
pub fn header(file: &dyn DiskFile, offset: u64, number: u64) -> io::Result<Option<Header>> {
    let mut bytes = [0; HEADER];
    let there = file.read_at(&mut bytes, offset)?;
    Ok(Header::decode(&bytes).filter(|header| there == HEADER && header.number == number))
}

/// The record with this header at `offset`; `None` when its payload is not what was stored.
///
/// # Errors
/// When the disk says no.
pub fn read(file: &dyn DiskFile, offset: u64, header: &Header) -> io::Result<Option<Record>> {
    // In pieces, so that a length that is a lie costs no memory.
    let mut payload = Vec::new();
    while payload.len() < header.length {
        let begin = payload.len();
        payload.resize(header.length.min(begin + PIECE), 0);
        let at = offset + (HEADER + begin) as u64;
        if file.read_at(&mut payload[begin..], at)? < payload.len() - begin {
            return Ok(None);
        }
    }
    Ok(header.with(payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_numbers_do() {
        let path = Segment::new(42).path(Path::new("/s"));
        assert_eq!(path, Path::new("/s/00000000000000000042.spool"));
        assert_eq!(Segment::named("00000000000000000042.spool"), Some(42));
        for other in [
            "cursor",
            "42.spool",
            "00000000000000000042.spool.new",
            "0000000000000000004x.spool",
        ] {
            assert_eq!(Segment::named(other), None, "{other}");
        }
    }
}
