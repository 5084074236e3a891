//! Snappy's block format (not the framed one), which Loki push and remote write wrap their messages in.
//!
//! A block is the length of its content and then elements: bytes to take as they are, or to copy from what was written before,
//! so and so far back. Elements made from one content may thus stand behind those of another, which is how a block is put
//! together from parts that were compressed apart ([`begin`], [`Compressor::elements`]).
//!
//! A block begins with the length of its content. Nobody may trust that number: it is checked against the
//! caller's limit and against what a block of this size could hold at all before a byte is allocated.

use prost::encoding::{encode_varint, encoded_len_varint};
use thiserror::Error;

/// The most bytes one byte of a block can stand for: a copy element writes up to 64 bytes and takes 3, so the
/// ratio stays below 22.
const DENSEST: usize = 22;

/// Why a block could not be written or read.
#[derive(Debug, Error)]
pub enum SnappyError {
    /// The content is larger than the caller takes.
    #[error("the snappy block declares {declared} bytes of content, more than the {limit} accepted")]
    TooLarge {
        /// What the block says it holds.
        declared: usize,
        /// What the caller accepts.
        limit: usize,
    },
    /// The content is larger than a block of this size can hold.
    #[error("the snappy block declares {declared} bytes of content but has only {packed} bytes itself")]
    Implausible {
        /// What the block says it holds.
        declared: usize,
        /// The block's own size.
        packed: usize,
    },
    /// The content is too large for the format (4 GiB).
    #[error("compressing {bytes} bytes into a snappy block")]
    Compress {
        /// The content's size.
        bytes: usize,
        /// What the encoder said.
        source: snap::Error,
    },
    /// The block is damaged.
    #[error("decompressing a snappy block of {packed} bytes")]
    Decompress {
        /// The block's own size.
        packed: usize,
        /// What the decoder said.
        source: snap::Error,
    },
}

/// Compresses into a buffer that it keeps, so that steady traffic allocates nothing.
pub struct Compressor {
    encoder: snap::raw::Encoder,
    // As long as the largest block so far could have become; only its front is ever handed out. Growing is the
    // only time it is zeroed.
    block: Vec<u8>,
}

impl Default for Compressor {
    fn default() -> Self {
        Self {
            encoder: snap::raw::Encoder::new(),
            block: Vec::new(),
        }
    }
}

impl Compressor {
    /// The block for `content`, valid until the next call.
    ///
    /// # Errors
    /// When the content is too large for the format.
    pub fn compress(&mut self, content: &[u8]) -> Result<&[u8], SnappyError> {
        let most = snap::raw::max_compress_len(content.len());
        if self.block.len() < most {
            self.block.resize(most, 0);
        }
        let length = self
            .encoder
            .compress(content, &mut self.block)
            .map_err(|source| SnappyError::Compress {
                bytes: content.len(),
                source,
            })?;
        Ok(self.block.get(..length).unwrap_or_default())
    }

    /// Bytes of memory that it keeps.
    #[must_use]
    pub fn held(&self) -> usize {
        self.block.capacity()
    }

    /// Appends the elements for `content` to a block that was begun with the length of all its contents.
    ///
    /// # Errors
    /// When the content is too large for the format.
    pub fn elements(&mut self, content: &[u8], block: &mut Vec<u8>) -> Result<(), SnappyError> {
        let whole = self.compress(content)?;
        block.extend_from_slice(
            whole
                .get(encoded_len_varint(content.len() as u64)..)
                .unwrap_or_default(),
        );
        Ok(())
    }
}

/// Begins a block whose elements, appended one after the other, make `length` bytes of content.
///
/// # Errors
/// When that is too large for the format.
pub fn begin(length: usize, block: &mut Vec<u8>) -> Result<(), SnappyError> {
    let (given, max) = (length as u64, u64::from(u32::MAX));
    if given > max {
        return Err(SnappyError::Compress {
            bytes: length,
            source: snap::Error::TooBig { given, max },
        });
    }
    encode_varint(given, block);
    Ok(())
}

impl std::fmt::Debug for Compressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compressor")
            .field("block", &self.block.len())
            .finish_non_exhaustive()
    }
}

/// The block for `content`.
///
/// # Errors
/// When the content is too large for the format.
pub fn compress(content: &[u8]) -> Result<Vec<u8>, SnappyError> {
    snap::raw::Encoder::new()
        .compress_vec(content)
        .map_err(|source| SnappyError::Compress {
            bytes: content.len(),
            source,
        })
}

/// The content of `block`, if that is at most `limit` bytes.
///
/// # Errors
/// When the block is damaged, or declares more than `limit` or more than it can hold.
pub fn decompress(block: &[u8], limit: usize) -> Result<Vec<u8>, SnappyError> {
    let damaged = |source| SnappyError::Decompress {
        packed: block.len(),
        source,
    };
    let declared = snap::raw::decompress_len(block).map_err(damaged)?;
    if declared > limit {
        return Err(SnappyError::TooLarge { declared, limit });
    }
    if declared > block.len().saturating_mul(DENSEST) {
        return Err(SnappyError::Implausible {
            declared,
            packed: block.len(),
        });
    }
    snap::raw::Decoder::new().decompress_vec(block).map_err(damaged)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_goes_in_comes_out(content in proptest::collection::vec(0u8..4, 0..5000)) {
            let mut compressor = Compressor::default();
            let block = compressor.compress(&content).unwrap().to_vec();
            prop_assert_eq!(&compress(&content).unwrap(), &block);
            prop_assert_eq!(decompress(&block, content.len()).unwrap(), content);
        }

        #[test]
        fn a_block_of_parts_is_their_contents_in_a_row(parts in proptest::collection::vec(proptest::collection::vec(0u8..4, 0..5000), 0..6)) {
            let mut compressor = Compressor::default();
            let (whole, mut block) = (parts.concat(), Vec::new());
            begin(whole.len(), &mut block).unwrap();
            for part in &parts {
                compressor.elements(part, &mut block).unwrap();
            }
            prop_assert_eq!(decompress(&block, whole.len()).unwrap(), whole);
        }

        #[test]
        fn random_blocks_never_panic(block in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decompress(&block, 1 << 20);
        }
    }

    #[test]
    fn the_densest_content_is_still_plausible() {
        let zeros = vec![0; 1 << 20];
        assert_eq!(
            decompress(&compress(&zeros).unwrap(), zeros.len()).unwrap(),
            zeros
        );
    }

    #[test]
    fn declared_lengths_are_checked_before_they_are_allocated() {
        let lie = [0xff, 0xff, 0xff, 0xff, 0x0f, 0x00];
        assert!(matches!(
            decompress(&lie, usize::MAX),
            Err(SnappyError::Implausible { packed: 6, .. })
        ));
        assert!(matches!(
            decompress(&lie, 100),
            Err(SnappyError::TooLarge { limit: 100, .. })
        ));
        assert!(
            matches!(decompress(&[], 100), Ok(content) if content.is_empty())
                || decompress(&[], 100).is_err()
        );
    }

    #[test]
    fn what_no_block_can_hold_is_refused() {
        assert!(begin(u32::MAX as usize, &mut Vec::new()).is_ok());
        let refused = begin(u32::MAX as usize + 1, &mut Vec::new());
        assert!(matches!(
            refused,
            Err(SnappyError::Compress {
                bytes: 0x1_0000_0000,
                ..
            })
        ));
    }

    #[test]
    fn the_buffer_is_reused() {
        let mut compressor = Compressor::default();
        compressor.compress(&[7; 1000]).unwrap();
        let before = compressor.block.as_ptr();
        assert_eq!(
            decompress(compressor.compress(b"short").unwrap(), 100).unwrap(),
            b"short"
        );
        assert_eq!(compressor.block.as_ptr(), before);
    }
}
