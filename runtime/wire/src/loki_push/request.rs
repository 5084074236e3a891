//! From stream buffers to a request body.

use crate::protobuf;
use crate::snappy::{self, Compressor, SnappyError};

use super::stream::{Piece, StreamBuffer};

/// Puts requests together in buffers that it keeps.
#[derive(Debug, Default)]
pub struct PushEncoder {
    // What is not compressed yet.
    plain: Vec<u8>,
    body: Vec<u8>,
    length: usize,
    compressor: Compressor,
}

impl PushEncoder {
    /// The body of a request with these streams (labels as text, entries) in this order, valid until the next call.
    /// Streams without entries are left out.
    ///
    /// # Errors
    /// When the request is too large for a snappy block (4 GiB).
    pub fn encode<'a>(
        &mut self,
        streams: impl IntoIterator<Item = (&'a str, &'a StreamBuffer), IntoIter: Clone>,
    ) -> Result<&[u8], SnappyError> {
        let streams = streams.into_iter().filter(|(_, entries)| !entries.is_empty());
        self.length = streams
            .clone()
            .map(|(labels, entries)| protobuf::delimited_len(message_len(labels, entries)))
            .sum();
        self.body.clear();
        self.plain.clear();
        snappy::begin(self.length, &mut self.body)?;
        for (labels, entries) in streams {
            protobuf::begin(1, message_len(labels, entries), &mut self.plain);
            protobuf::bytes(1, labels.as_bytes(), &mut self.plain);
            for piece in entries.pieces() {
                match piece {
                    Piece::Plain(plain) => self.plain.extend_from_slice(plain),
                    Piece::Elements(elements) => {
                        self.squeeze()?;
                        self.body.extend_from_slice(elements);
                    }
                }
            }
        }
        self.squeeze()?;
        Ok(&self.body)
    }

    /// How many bytes the last request had before compression.
    #[must_use]
    pub fn message_len(&self) -> usize {
        self.length
    }

    /// Bytes of memory that it keeps.
    #[must_use]
    pub fn held(&self) -> usize {
        self.plain.capacity() + self.body.capacity() + self.compressor.held()
    }

    /// Compresses what is not.
    fn squeeze(&mut self) -> Result<(), SnappyError> {
        if !self.plain.is_empty() {
            self.compressor.elements(&self.plain, &mut self.body)?;
            self.plain.clear();
        }
        Ok(())
    }
}

/// The bytes of a stream message.
fn message_len(labels: &str, entries: &StreamBuffer) -> usize {
    protobuf::delimited_len(labels.len()) + entries.length()
}
