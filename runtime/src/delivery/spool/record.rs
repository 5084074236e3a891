//! One request on disk: a header of [`HEADER`] bytes and the payload, little-endian.
//!
//! | at | bytes | |
//! |---|---|---|
//! | 0 | 4 | `MSR1` |
//! | 4 | 4 | the payload's length |
//! | 8 | 8 | its number in the spool |
//! | 16 | 4 | how many rows it holds |
//! | 20 | 4 | 0 |
//! | 24 | 8 | their bytes of text |
//! | 32 | 8 | when it was stored, in milliseconds since the epoch |
//! | 40 | 8 | xxh3-64 of the payload |
//! | 48 | 8 | xxh3-64 of the 48 bytes before |
//!
//! Two checksums, so that a segment's records can be counted by their headers alone.

use bytes::Bytes;
use twox_hash::XxHash3_64;

/// The length of a header.
pub const HEADER: usize = 56;

const MAGIC: [u8; 4] = *b"MSR1";

/// A request as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its body; what it means is the sink's affair.
    pub payload: Bytes,
    /// How many rows it holds.
    pub rows: u32,
    /// Their bytes of text.
    pub bytes: u64,
    /// When it was stored, in milliseconds since the epoch.
    pub stored: i64,
}

/// The header of a record that is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The record's number in the spool.
    pub number: u64,
    /// The payload's length.
    pub length: usize,
    /// How many rows it holds.
    pub rows: u32,
    /// Their bytes of text.
    pub bytes: u64,
    /// When it was stored, in milliseconds since the epoch.
    pub stored: i64,
    sum: u64,
}

impl Record {
    /// How many bytes it takes on disk.
    #[must_use]
    pub fn size(&self) -> u64 {
        (HEADER + self.payload.len()) as u64
    }

    /// Its bytes on disk; `None` when the payload has over 4 GiB.
    #[must_use]
    pub fn encode(&self, number: u64) -> Option<Vec<u8>> {
        let length = u32::try_from(self.payload.len()).ok()?;
        let mut out = Vec::with_capacity(HEADER + self.payload.len());
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&number.to_le_bytes());
        out.extend_from_slice(&self.rows.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.bytes.to_le_bytes());
        out.extend_from_slice(&self.stored.to_le_bytes());
        out.extend_from_slice(&XxHash3_64::oneshot(&self.payload).to_le_bytes());
        let sum = XxHash3_64::oneshot(&out);
        out.extend_from_slice(&sum.to_le_bytes());
        out.extend_from_slice(&self.payload);
        Some(out)
    }
}

impl Header {
    /// Reads a header; `None` when it is not whole.
    #[must_use]
    pub fn decode(bytes: &[u8; HEADER]) -> Option<Self> {
        let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
        let half = |at: usize| u32::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
        (bytes.starts_with(&MAGIC) && XxHash3_64::oneshot(&bytes[..48]) == word(48)).then_some(Self {
            number: word(8),
            length: half(4) as usize,
            rows: half(16),
            bytes: word(24),
            stored: word(32).cast_signed(),
            sum: word(40),
        })
    }

    /// The record with this payload; `None` when it is not the one that was stored.
    #[must_use]
    pub fn with(&self, payload: Vec<u8>) -> Option<Record> {
        (payload.len() == self.length && XxHash3_64::oneshot(&payload) == self.sum).then(|| Record {
            payload: payload.into(),
            rows: self.rows,
            bytes: self.bytes,
            stored: self.stored,
        })
    }

    /// How many bytes the record takes on disk.
    #[must_use]
    pub fn size(&self) -> u64 {
        (HEADER + self.length) as u64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(payload: Vec<u8>) -> Record {
        Record {
            payload: payload.into(),
            rows: 3,
            bytes: 99,
            stored: -5,
        }
    }

    fn split(bytes: &[u8]) -> ([u8; HEADER], Vec<u8>) {
        (bytes[..HEADER].try_into().unwrap(), bytes[HEADER..].to_vec())
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(payload in proptest::collection::vec(any::<u8>(), 0..64), number in any::<u64>()) {
            let record = record(payload);
            let bytes = record.encode(number).unwrap();
            let (header, payload) = split(&bytes);
            let header = Header::decode(&header).unwrap();
            prop_assert_eq!((header.number, header.size()), (number, bytes.len() as u64));
            prop_assert_eq!(header.with(payload), Some(record));
        }

        #[test]
        fn no_changed_byte_passes(payload in proptest::collection::vec(any::<u8>(), 1..64), at in any::<usize>(), flip in 1u8..) {
            let mut bytes = record(payload).encode(7).unwrap();
            let at = at % bytes.len();
            bytes[at] ^= flip;
            let (header, payload) = split(&bytes);
            prop_assert!(Header::decode(&header).and_then(|header| header.with(payload)).is_none());
        }
    }
}
