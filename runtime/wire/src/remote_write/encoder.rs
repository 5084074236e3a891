//! From sample columns to a request body.

use std::ops::Range;

use millstream_batch::{Labels, SampleBatch};
use prost::encoding::{WireType, encode_key};

use crate::protobuf;
use crate::snappy::{Compressor, SnappyError};

/// Puts requests together in buffers that it keeps: `clear`, `push_rows` as often as needed, `finish`.
#[derive(Debug, Default)]
pub struct WriteEncoder {
    message: Vec<u8>,
    samples: usize,
    compressor: Compressor,
}

impl WriteEncoder {
    /// Begins a new request.
    pub fn clear(&mut self) {
        self.message.clear();
        self.samples = 0;
    }

    /// Appends these rows of a batch, with `external` labels on series that lack them. Rows beyond the batch are
    /// ignored. Neighbouring rows of one series share a message.
    pub fn push_rows(&mut self, batch: &SampleBatch, rows: Range<usize>, external: &Labels) {
        let none = Labels::default();
        let end = rows.end.min(batch.len());
        let mut row = rows.start;
        while row < end {
            let series = batch.series.get(row);
            let next = (row + 1..end)
                .find(|&next| batch.series.get(next) != series)
                .unwrap_or(end);
            let labels = series
                .and_then(|&index| batch.labels.get(index as usize))
                .unwrap_or(&none);
            let samples = (row..next).map(|row| {
                (
                    batch.values.get(row).copied().unwrap_or_default(),
                    batch.timestamps.get(row).copied().unwrap_or_default(),
                )
            });
            self.push(labels, external, samples);
            row = next;
        }
    }

    /// Appends a series with its samples (value, milliseconds), in order. Labels with an empty value are left out:
    /// to the protocol they do not exist.
    pub fn push(
        &mut self,
        labels: &Labels,
        external: &Labels,
        samples: impl Iterator<Item = (f64, i64)> + Clone,
    ) {
        let pairs: usize = merged(labels, external)
            .map(|(name, value)| {
                protobuf::delimited_len(protobuf::pair_len(name.as_bytes(), value.as_bytes()))
            })
            .sum();
        let points: usize = samples
            .clone()
            .map(|(_, at)| protobuf::delimited_len(sample_len(at)))
            .sum();

        let out = &mut self.message;
        protobuf::begin(1, pairs + points, out);
        for (name, value) in merged(labels, external) {
            protobuf::pair(1, name.as_bytes(), value.as_bytes(), out);
        }
        for (value, at) in samples {
            protobuf::begin(2, sample_len(at), out);
            // Written even when 0, the default: every reader takes it and lengths stay simple.
            encode_key(1, WireType::SixtyFourBit, out);
            out.extend_from_slice(&value.to_le_bytes());
            protobuf::int(2, at, out);
            self.samples += 1;
        }
    }

    /// How many samples since `clear`.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// How many bytes the request has so far, before it is compressed.
    #[must_use]
    pub fn size(&self) -> usize {
        self.message.len()
    }

    /// The body of the request, valid until the next call.
    ///
    /// # Errors
    /// When the request is too large for a snappy block (4 GiB).
    pub fn finish(&mut self) -> Result<&[u8], SnappyError> {
        self.compressor.compress(&self.message)
    }
}

fn sample_len(timestamp: i64) -> usize {
    1 + 8 + protobuf::int_len(timestamp)
}

/// Two sorted label sets as one, without empty values; where both have a name, the first wins.
fn merged<'a>(own: &'a Labels, external: &'a Labels) -> impl Iterator<Item = (&'a str, &'a str)> {
    let mut own = own.iter().peekable();
    let mut external = external.iter().peekable();
    std::iter::from_fn(move || match (own.peek(), external.peek()) {
        (Some((ours, _)), Some((theirs, _))) if theirs < ours => external.next(),
        (Some((ours, _)), Some((theirs, _))) => {
            if ours == theirs {
                external.next();
            }
            own.next()
        }
        (Some(_), None) => own.next(),
        (None, _) => external.next(),
    })
    .filter(|(_, value)| !value.is_empty())
}
