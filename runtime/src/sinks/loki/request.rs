//! A finished request, on its way until it is settled.

use bytes::Bytes;
use millstream_wire::loki_push::message::{Entry, Stream};
use millstream_wire::loki_push::{PushEncoder, PushError, StreamBuffer, decode};
use tokio::time::Instant;

use crate::delivery::Receipt;
use crate::delivery::spool::Package;

use super::streams::Sealed;

/// The receipt of a shipment that has rows in a request, and when the shipment came.
#[derive(Clone, Debug)]
pub struct Part {
    /// Settled when the request is.
    pub receipt: Receipt,
    /// When the sink got it.
    pub arrived: Instant,
}

/// A finished request.
#[derive(Debug)]
pub struct Request {
    /// Protobuf in a snappy block.
    pub body: Bytes,
    /// How many entries.
    pub entries: usize,
    /// Their text and metadata.
    pub bytes: usize,
    /// Whose rows they are.
    pub parts: Vec<Part>,
    /// Whether it is in the spool.
    pub stored: bool,
}

impl Request {
    /// A request for these parts.
    #[must_use]
    pub fn new(sealed: Sealed, parts: Vec<Part>) -> Self {
        Self {
            body: sealed.body,
            entries: sealed.entries,
            bytes: sealed.bytes,
            parts,
            stored: false,
        }
    }

    /// Two requests with half the entries each, to be sent in this order; `None` when there is but one.
    ///
    /// Unpacks the body instead of remembering where entries begin: splitting is rare, and the memory would be
    /// spent on every entry. Both halves carry all receipts, so a shipment may settle later than its last row
    /// arrives, never sooner.
    ///
    /// # Errors
    /// When the body cannot be read or written, which only a fault of ours could cause.
    pub fn halve(&self) -> Result<Option<(Self, Self)>, PushError> {
        if self.entries < 2 {
            return Ok(None);
        }
        // The body is ours, so what it declares is true.
        let streams = decode(&self.body, usize::MAX)?.streams;
        let mut left = streams.iter().map(|stream| stream.entries.len()).sum::<usize>() / 2;
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for stream in &streams {
            let (head, tail) = stream.entries.split_at(left.min(stream.entries.len()));
            left -= head.len();
            first.push((stream, head));
            second.push((stream, tail));
        }
        let mut encoder = PushEncoder::default();
        Ok(Some((
            self.half(&mut encoder, &first)?,
            self.half(&mut encoder, &second)?,
        )))
    }

    fn half(&self, encoder: &mut PushEncoder, streams: &[(&Stream, &[Entry])]) -> Result<Self, PushError> {
        let (mut entries, mut bytes) = (0, 0);
        let mut buffers = Vec::with_capacity(streams.len());
        for (stream, rows) in streams {
            let mut buffer = StreamBuffer::default();
            for row in *rows {
                let time = row.timestamp.map_or(0, |time| time.nanoseconds());
                let pairs = row
                    .structured_metadata
                    .iter()
                    .map(|pair| (pair.name.as_str(), pair.value.as_str()));
                bytes += row.line.len()
                    + pairs
                        .clone()
                        .map(|(name, value)| name.len() + value.len())
                        .sum::<usize>();
                buffer.push(time, &row.line, pairs);
            }
            entries += rows.len();
            buffers.push((stream.labels.as_str(), buffer));
        }
        let body = encoder.encode(buffers.iter().map(|(labels, buffer)| (*labels, buffer)))?;
        Ok(Self {
            body: Bytes::copy_from_slice(body),
            entries,
            bytes,
            parts: self.parts.clone(),
            stored: self.stored,
        })
    }

    /// All of it was delivered, or dropped on purpose and counted.
    pub fn settle(self) {
        for part in self.parts {
            part.receipt.settle();
        }
    }

    /// Gives up: the shipments never settle in this run. Says how many rows that leaves; none, when the spool has them.
    pub fn abandon(self) -> u64 {
        for part in self.parts {
            part.receipt.abandon();
        }
        if self.stored { 0 } else { self.entries as u64 }
    }
}

impl From<Request> for Package {
    fn from(request: Request) -> Self {
        let arrived = request.parts.iter().map(|part| part.arrived).min();
        Self {
            payload: request.body,
            rows: request.entries,
            bytes: request.bytes,
            receipts: request.parts.into_iter().map(|part| part.receipt).collect(),
            arrived: arrived.unwrap_or_else(Instant::now),
            stored: request.stored,
        }
    }
}

impl From<Package> for Request {
    fn from(package: Package) -> Self {
        let arrived = package.arrived;
        let parts = package
            .receipts
            .into_iter()
            .map(|receipt| Part { receipt, arrived });
        Self {
            body: package.payload,
            entries: package.rows,
            bytes: package.bytes,
            parts: parts.collect(),
            stored: package.stored,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use millstream_batch::{Labels, LogBatch};
    use proptest::prelude::*;

    use super::*;
    use crate::delivery::receipt::Settlements;
    use crate::sinks::loki::streams::Streams;

    fn request(lines: &[(bool, String)]) -> Request {
        let batch = LogBatch {
            timestamps: (0..lines.len() as i64).collect(),
            lines: lines.iter().map(|(_, line)| line.as_str()).collect(),
            streams: lines.iter().map(|(stream, _)| u32::from(*stream)).collect(),
            labels: vec![Labels::from_pairs([("a", "0")]), Labels::from_pairs([("a", "1")])],
            ..LogBatch::default()
        };
        let mut streams = Streams::new(usize::MAX);
        assert_eq!(streams.fill(&batch, 0), lines.len());
        Request::new(streams.seal().unwrap(), Vec::new())
    }

    fn entries(request: &Request) -> Vec<(String, i64, String)> {
        let streams = decode(&request.body, usize::MAX).unwrap().streams;
        streams
            .iter()
            .flat_map(|stream| stream.entries.iter().map(|entry| (stream.labels.clone(), entry)))
            .map(|(labels, entry)| (labels, entry.timestamp.unwrap().nanoseconds(), entry.line.clone()))
            .collect()
    }

    proptest! {
        #[test]
        fn halves_are_the_whole_in_order(lines in proptest::collection::vec((any::<bool>(), ".{0,20}"), 2..40)) {
            let whole = request(&lines);
            let (first, second) = whole.halve().unwrap().unwrap();
            prop_assert_eq!(first.entries, lines.len() / 2);
            prop_assert_eq!(first.entries + second.entries, whole.entries);
            prop_assert_eq!(first.bytes + second.bytes, whole.bytes);
            prop_assert_eq!([entries(&first), entries(&second)].concat(), entries(&whole));
        }
    }

    #[test]
    fn one_entry_has_no_halves() {
        assert!(request(&[(true, "one".to_owned())]).halve().unwrap().is_none());
    }

    #[test]
    fn a_shipment_settles_with_the_last_half() {
        let settlements = Arc::new(Settlements::default());
        let mut whole = request(&[(true, "one".to_owned()), (true, "two".to_owned())]);
        whole.parts.push(Part {
            receipt: settlements.receipt(7),
            arrived: Instant::now(),
        });
        let (first, second) = whole.halve().unwrap().unwrap();
        whole.settle();
        first.settle();
        assert!(settlements.take().is_empty());
        second.settle();
        assert_eq!(settlements.take(), [7]);
    }
}
