//! Prometheus remote write 1.0: protobuf in a snappy block.
//!
//! [`WriteEncoder`] writes series straight from a [`SampleBatch`](millstream_batch::SampleBatch); the prost
//! messages in [`message`] are for readers. As the protocol demands, labels go out sorted, without empty values,
//! `__name__` among them, and the samples of a series in the order they came.

mod encoder;
pub mod message;

use prost::Message as _;
use thiserror::Error;

use crate::snappy::{self, SnappyError};

pub use encoder::WriteEncoder;
pub use message::WriteRequest;

/// Why a body is no write request.
#[derive(Debug, Error)]
pub enum WriteError {
    /// It is not a snappy block, or too large a one.
    #[error("unpacking a remote-write request")]
    Snappy(#[from] SnappyError),
    /// What the block holds is not the message.
    #[error("decoding a remote-write request")]
    Protobuf(#[from] prost::DecodeError),
}

/// Reads a request body, at most `limit` bytes once unpacked.
///
/// # Errors
/// When the body is damaged or too large.
pub fn decode(body: &[u8], limit: usize) -> Result<WriteRequest, WriteError> {
    Ok(WriteRequest::decode(snappy::decompress(body, limit)?.as_slice())?)
}

#[cfg(test)]
mod tests;
