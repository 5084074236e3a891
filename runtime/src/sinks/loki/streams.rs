//! The request being collected: packed batches by stream.
//!
//! A batch comes packed by the worker that made it, or as rows, which are packed here as far as they fit. Either way a stream
//! costs one look into a table per batch and not per row.
//!
//! Buffers are kept from one request to the next as long as their stream goes on, because growing one from nothing
//! copies it twice.
//!
//! Sizes are counted as Loki counts them: text and structured metadata. Labels and framing are not part of
//! `batch_size`, but of the [`WEIGHT`] that bounds memory: a million empty lines are no bytes of text.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use millstream_batch::{Labels, LogBatch};
use millstream_wire::loki_push::{Packed, Packer, PushEncoder, StreamBuffer};
use millstream_wire::snappy::SnappyError;

/// The most a request may weigh (text, metadata, labels, framing), as a multiple of `batch_size`. Four, so that only
/// entries far shorter than their framing, or hundreds of streams, end a request before `batch_size` does.
pub const WEIGHT: usize = 4;

/// The least bound on weight: a tiny `batch_size` must not make a request of every entry for its labels' sake.
const WEIGHT_FLOOR: usize = 64 * 1024;

/// What an entry weighs beside its text: the tags and lengths of entry, timestamp and line, at most.
const ENTRY: usize = 32;

/// What a pair of metadata weighs beside its text, and a label: quotes, tags, lengths.
const PAIR: usize = 12;

/// What buffers may hold in reserve over a request's weight, as a multiple. Two, for streams that take turns at
/// being the largest; beyond that all start anew.
const RESERVE: usize = 2;

/// What is kept to pack and encode in, as a multiple of a request's weight. Four, for the message and its block, here
/// and there; beyond that it is the trace of a single row far larger than requests are.
const SCRATCH: usize = 4;

/// The entries of the request being collected.
#[derive(Debug)]
pub struct Streams {
    limit: usize,
    entries: usize,
    bytes: usize,
    weight: usize,
    streams: Vec<Stream>,
    slots: HashMap<Arc<str>, usize>,
    // Boxed: their tables are kilobytes, which every async function that takes the sink would hold again.
    packer: Box<Packer>,
    encoder: Box<PushEncoder>,
}

#[derive(Debug)]
struct Stream {
    text: Arc<str>,
    buffer: StreamBuffer,
    // The largest its buffer has been: about its capacity.
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
            slots: HashMap::new(),
            packer: Box::default(),
            encoder: Box::default(),
        }
    }

    /// Takes rows of `batch` from row `from` on until no more fit; says which row is next.
    pub fn fill(&mut self, batch: &LogBatch, from: usize) -> usize {
        let next = self.fitting(batch, from);
        if next > from {
            let packed = self.packer.pack(batch, from..next);
            self.add(&Arc::new(packed));
        }
        next
    }

    /// Whether all of a packed batch fits. When there is nothing else, any does: what is too much for a request is not packed.
    #[must_use]
    pub fn has_room(&self, packed: &Packed) -> bool {
        self.is_empty()
            || !self.is_full()
                && self.bytes + packed.text() <= self.limit
                && self.weight + packed.length() + packed.chunks().len() * ENTRY <= heaviest(self.limit)
    }

    /// Takes a packed batch.
    pub fn add(&mut self, packed: &Arc<Packed>) {
        for (number, chunk) in packed.chunks().iter().enumerate() {
            let slot = self.slot(&chunk.labels);
            if let Some(stream) = self.streams.get_mut(slot) {
                if stream.buffer.is_empty() {
                    self.weight += stream.text.len() + ENTRY;
                }
                stream.buffer.push_chunk(packed, number);
                self.weight += chunk.length;
            }
        }
        self.entries += packed.len();
        self.bytes += packed.text();
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
        !self.is_empty() && self.has_reached(self.bytes, self.weight)
    }

    fn has_reached(&self, bytes: usize, weight: usize) -> bool {
        bytes >= self.limit || weight >= heaviest(self.limit)
    }

    /// The request with all entries; afterwards there is none. On error they are gone all the same.
    ///
    /// # Errors
    /// When the request is too large for a snappy block (4 GiB).
    pub fn seal(&mut self) -> Result<Sealed, SnappyError> {
        let streams = self.streams.iter();
        let streams = streams.map(|stream| (&*stream.text, &stream.buffer));
        let body = self.encoder.encode(streams).map(Bytes::copy_from_slice);
        let sealed = body.map(|body| Sealed {
            body,
            entries: self.entries,
            bytes: self.bytes,
        });
        self.clear();
        sealed
    }

    /// The row up to which rows from `from` on fit.
    fn fitting(&self, batch: &LogBatch, from: usize) -> usize {
        let mut seen = vec![false; batch.labels.len()];
        let (mut bytes, mut weight) = (self.bytes, self.weight);
        let mut none = self.is_empty();
        for row in from..batch.len() {
            let (text, pairs) = batch.size_of(row);
            if !none && (bytes + text > self.limit || self.has_reached(bytes, weight)) {
                return row;
            }
            none = false;
            bytes += text;
            weight += text + ENTRY + pairs * PAIR;
            let set = batch.streams.get(row).map_or(usize::MAX, |&set| set as usize);
            if let Some(seen) = seen.get_mut(set).filter(|seen| !**seen) {
                *seen = true;
                weight += batch.labels.get(set).map_or(0, label_weight);
            }
        }
        batch.len()
    }

    fn slot(&mut self, labels: &Arc<str>) -> usize {
        if let Some(&slot) = self.slots.get(labels) {
            return slot;
        }
        self.slots.insert(labels.clone(), self.streams.len());
        self.streams.push(Stream {
            text: labels.clone(),
            buffer: StreamBuffer::default(),
            peak: 0,
        });
        self.streams.len() - 1
    }

    /// Forgets the entries, and the streams that had none: they have ended, and must not pile up.
    fn clear(&mut self) {
        let before = self.streams.len();
        self.streams.retain(|stream| !stream.buffer.is_empty());
        if self.streams.len() < before {
            let streams = self.streams.iter().enumerate();
            self.slots = streams
                .map(|(slot, stream)| (stream.text.clone(), slot))
                .collect();
        }
        for stream in &mut self.streams {
            stream.peak = stream.peak.max(stream.buffer.plain_len());
            stream.buffer.clear();
        }
        if self.streams.iter().map(|stream| stream.peak).sum::<usize>()
            > heaviest(self.limit).saturating_mul(RESERVE)
        {
            for stream in &mut self.streams {
                (stream.buffer, stream.peak) = (StreamBuffer::default(), 0);
            }
        }
        if self.scratch() > heaviest(self.limit).saturating_mul(SCRATCH) {
            (self.packer, self.encoder) = (Box::default(), Box::default());
        }
        (self.entries, self.bytes, self.weight) = (0, 0, 0);
    }

    /// Bytes of memory kept to pack and encode in.
    fn scratch(&self) -> usize {
        self.packer.held() + self.encoder.held()
    }
}

/// The most a request of `limit` bytes of text may weigh.
#[must_use]
pub fn heaviest(limit: usize) -> usize {
    limit.saturating_mul(WEIGHT).max(WEIGHT_FLOOR)
}

/// What a stream's labels weigh, at most.
fn label_weight(labels: &Labels) -> usize {
    let pairs = labels.iter();
    pairs.fold(ENTRY, |sum, (name, value)| sum + name.len() + value.len() + PAIR)
}

#[cfg(test)]
mod tests;
