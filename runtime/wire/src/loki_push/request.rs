//! From stream buffers to a request body.

use crate::protobuf;
use crate::snappy::{Compressor, SnappyError};

use super::stream::StreamBuffer;

/// Puts requests together in buffers that it keeps.
#[derive(Debug, Default)]
pub struct PushEncoder {
    message: Vec<u8>,
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
        streams: impl IntoIterator<Item = (&'a str, &'a StreamBuffer)>,
    ) -> Result<&[u8], SnappyError> {
        self.message.clear();
        for (labels, entries) in streams.into_iter().filter(|(_, entries)| !entries.is_empty()) {
            let length = protobuf::delimited_len(labels.len()) + entries.bytes().len();
            self.message.reserve(protobuf::delimited_len(length));
            protobuf::begin(1, length, &mut self.message);
            protobuf::bytes(1, labels.as_bytes(), &mut self.message);
            self.message.extend_from_slice(entries.bytes());
        }
        self.compressor.compress(&self.message)
    }

    /// How many bytes the last request had before compression.
    #[must_use]
    pub fn message_len(&self) -> usize {
        self.message.len()
    }
}
