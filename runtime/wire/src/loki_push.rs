//! Loki's push request: protobuf in a snappy block.
//!
//! A [`Packer`] makes chunks of a batch, each the entries of one stream in their final form, most of them compressed. The
//! sender keeps one [`StreamBuffer`] per stream and appends chunks; a request is then these buffers behind their labels,
//! put together by a [`PushEncoder`], which compresses what is not. A line is thus copied once, when it is encoded, and
//! no entry allocates. The prost messages in [`message`] are for readers.

pub mod message;
mod pack;
mod request;
mod stream;

use prost::Message as _;
use thiserror::Error;

use crate::snappy::{self, SnappyError};

pub use message::PushRequest;
pub use pack::{Chunk, Packed, Packer};
pub use request::PushEncoder;
pub use stream::{StreamBuffer, stream_labels};

/// Why a body is no push request.
#[derive(Debug, Error)]
pub enum PushError {
    /// It is not a snappy block, or too large a one.
    #[error("unpacking a Loki push request")]
    Snappy(#[from] SnappyError),
    /// What the block holds is not the message.
    #[error("decoding a Loki push request")]
    Protobuf(#[from] prost::DecodeError),
}

/// Reads a request body, at most `limit` bytes once unpacked.
///
/// # Errors
/// When the body is damaged or too large.
pub fn decode(body: &[u8], limit: usize) -> Result<PushRequest, PushError> {
    Ok(PushRequest::decode(snappy::decompress(body, limit)?.as_slice())?)
}

#[cfg(test)]
mod tests;
