//! Rows grouped by stream, each encoded on arrival into its stream's buffer.
//!
//! A row costs one look into a table of slots: label sets are resolved once per batch and request, not per row.
//! Buffers are kept from one request to the next as long as their stream goes on, because growing a megabyte from
//! nothing copies it twice.
//!
//! Sizes are counted as Loki counts them: text and structured metadata. Labels and framing are not part of
//! `batch_size`, but of the [`WEIGHT`] that bounds memory: a million empty lines are no bytes of text.

use std::collections::HashMap;

use bytes::Bytes;
use millstream_batch::{Labels, LogBatch};
use millstream_wire::loki_push::{PushEncoder, StreamBuffer, stream_labels};
use millstream_wire::snappy::SnappyError;

/// The most a request may weigh (text, metadata, labels, framing), as a multiple of `batch_size`. Four, so that only
/// entries far shorter than their framing, or hundreds of streams, end a request before `batch_size` does.
pub const WEIGHT: usize = 4;

/// The least bound on weight: a tiny `batch_size` must not make a request of every entry for its labels' sake.
const WEIGHT_FLOOR: usize = 64 * 1024;

/// What an entry weighs beside its text: the tags and lengths of entry, timestamp and line, at most.
const ENTRY: usize = 32;

/// What a pair of metadata weighs beside its text.
const PAIR: usize = 12;

/// What buffers may hold in reserve over a request's weight, as a multiple. Two, for streams that take turns at
/// being the largest; beyond that all start anew.
const RESERVE: usize = 2;

/// How many label sets are remembered beyond the streams of a request (sets that differ only in internal labels).
const KNOWN: usize = 4096;

/// A label set that has no slot yet, in `memo`.
const UNKNOWN: usize = usize::MAX;

/// The rows of the request being collected.
#[derive(Debug)]
pub struct Streams {
    limit: usize,
    entries: usize,
    bytes: usize,
    weight: usize,
    streams: Vec<Stream>,
    // By the labels as rows have them, and by the text that goes out: sets that differ in internal labels alone are
    // one stream.
    known: HashMap<Labels, usize>,
    texts: HashMap<String, usize>,
    // The slot of each of the current batch's label sets.
    memo: Vec<usize>,
    // Boxed: its tables are kilobytes, which every async function that takes the sink would hold again.
    encoder: Box<PushEncoder>,
}

#[derive(Debug)]
struct Stream {
    text: String,
    buffer: StreamBuffer,
    // The largest the buffer has been: about its capacity.
    peak: usize,
}

/// A request's body and what is in it.
#[derive(Debug)]
pub struct Sealed {
    /// Protobuf in a snappy block.
    pub body: Bytes,
    /// How many entries.
    pub entries: usize,
    /// Their text and metadata.
    pub bytes: usize,
}

impl Streams {
    /// Nothing yet; requests hold at most `limit` bytes of text and metadata, or one larger entry.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            entries: 0,
            bytes: 0,
            weight: 0,
            streams: Vec::new(),
            known: HashMap::new(),
            texts: HashMap::new(),
            memo: Vec::new(),
            encoder: Box::default(),
        }
    }

    /// Takes rows of `batch` from row `from` on until no more fit; says which row is next.
    pub fn fill(&mut self, batch: &LogBatch, from: usize) -> usize {
        self.memo.clear();
        self.memo.resize(batch.labels.len(), UNKNOWN);
        for row in from..batch.len() {
            let (bytes, pairs) = size(batch, row);
            if !self.is_empty() && self.bytes + bytes > self.limit || self.is_full() {
                return row;
            }
            let slot = self.slot(batch, row);
            let Some(stream) = self.streams.get_mut(slot) else {
                return row;
            };
            stream.buffer.push_row(batch, row);
            self.entries += 1;
            self.bytes += bytes;
            self.weight += bytes + ENTRY + pairs * PAIR;
        }
        batch.len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// How many entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries
    }

    /// Whether nothing more may be added.
    #[must_use]
    pub fn is_full(&self) -> bool {
        !self.is_empty() && (self.bytes >= self.limit || self.weight >= self.heaviest())
    }

    /// The request with all entries; afterwards there is none. On error they are gone all the same.
    ///
    /// # Errors
    /// When the request is too large for a snappy block (4 GiB).
    pub fn seal(&mut self) -> Result<Sealed, SnappyError> {
        let streams = self
            .streams
            .iter()
            .map(|stream| (stream.text.as_str(), &stream.buffer));
        let body = self.encoder.encode(streams).map(Bytes::copy_from_slice);
        let sealed = body.map(|body| Sealed {
            body,
            entries: self.entries,
            bytes: self.bytes,
        });
        self.clear();
        sealed
    }

    fn heaviest(&self) -> usize {
        self.limit.saturating_mul(WEIGHT).max(WEIGHT_FLOOR)
    }

    /// The slot of a row's stream.
    fn slot(&mut self, batch: &LogBatch, row: usize) -> usize {
        let set = batch.streams.get(row).map_or(usize::MAX, |&set| set as usize);
        match self.memo.get(set) {
            Some(&slot) if slot != UNKNOWN => slot,
            Some(_) => {
                let slot = self.resolve(&batch.labels[set]);
                self.memo[set] = slot;
                slot
            }
            // A row without labels: a batch's invariant says there is none, and Loki will refuse it and say so.
            None => self.resolve(&Labels::default()),
        }
    }

    fn resolve(&mut self, labels: &Labels) -> usize {
        if let Some(&slot) = self.known.get(labels) {
            self.weigh(slot);
            return slot;
        }
        let text = stream_labels(labels);
        let slot = match self.texts.get(&text) {
            Some(&slot) => slot,
            None => {
                self.texts.insert(text.clone(), self.streams.len());
                self.streams.push(Stream {
                    text,
                    buffer: StreamBuffer::default(),
                    peak: 0,
                });
                self.streams.len() - 1
            }
        };
        self.known.insert(labels.clone(), slot);
        self.weigh(slot);
        slot
    }

    /// Counts a stream's labels when it gets its first entry of this request.
    fn weigh(&mut self, slot: usize) {
        if let Some(stream) = self.streams.get(slot)
            && stream.buffer.is_empty()
        {
            self.weight += stream.text.len() + ENTRY;
        }
    }

    /// Forgets the entries, and the streams that had none: they have ended, and must not pile up.
    fn clear(&mut self) {
        let before = self.streams.len();
        self.streams.retain(|stream| !stream.buffer.is_empty());
        if self.streams.len() < before {
            self.known.clear();
            self.texts.clear();
            self.texts.extend(
                self.streams
                    .iter()
                    .enumerate()
                    .map(|(slot, stream)| (stream.text.clone(), slot)),
            );
        } else if self.known.len() > self.streams.len() + KNOWN {
            self.known.clear();
        }
        for stream in &mut self.streams {
            stream.peak = stream.peak.max(stream.buffer.bytes().len());
            stream.buffer.clear();
        }
        if self.streams.iter().map(|stream| stream.peak).sum::<usize>()
            > self.heaviest().saturating_mul(RESERVE)
        {
            for stream in &mut self.streams {
                (stream.buffer, stream.peak) = (StreamBuffer::default(), 0);
            }
        }
        (self.entries, self.bytes, self.weight) = (0, 0, 0);
    }
}

/// A row's bytes of text and metadata, and its pairs of metadata.
fn size(batch: &LogBatch, row: usize) -> (usize, usize) {
    let line = batch.lines.get_bytes(row).len();
    let present = batch.metadata.iter().filter(|field| field.present.get(row));
    present.fold((line, 0), |(bytes, pairs), field| {
        (
            bytes + field.name.len() + field.values.get_bytes(row).len(),
            pairs + 1,
        )
    })
}

#[cfg(test)]
mod tests;
