//! From a batch to chunks of a request: its rows by stream, encoded, and compressed where that is worth it.
//!
//! What comes out depends on the batch alone, so it can be made wherever the batch is still warm, on as many threads as
//! there are, once for several sinks. A request is then little more than the chunks behind each other: elements of a
//! snappy block refer to what lies before them by distance, and none of ours reaches beyond its own chunk.
//!
//! Invariants: rows of one stream keep their order and stand in one chunk; sets of labels that differ in internal ones
//! alone are one stream; chunks stand in the order of their first rows.
//!
//! Short chunks stay as they are: compressed alone they would hardly become smaller, and in a request they are
//! compressed with what stands beside them.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use millstream_batch::{Labels, LogBatch};

use super::stream::{append_row, stream_labels};
use crate::snappy::Compressor;

/// The least bytes of a chunk that is compressed alone.
pub(super) const ALONE: usize = 4 << 10;

/// The most bytes of labels that are remembered as text: a stage may make as many sets, as long, as it likes.
const KNOWN: usize = 1 << 20;

/// A label set that has no slot yet, in `memo`.
const UNKNOWN: u32 = u32::MAX;

/// Packs batches in buffers that it keeps.
#[derive(Debug, Default)]
pub struct Packer {
    /// Streams by their labels as rows have them.
    known: HashMap<Labels, Arc<str>>,
    known_bytes: usize,
    /// The streams of the batch at hand, and where to find each.
    slots: Vec<Slot>,
    texts: HashMap<Arc<str>, u32>,
    /// The slot of each of the batch's label sets.
    memo: Vec<u32>,
    /// The slot of each row, and the rows by slot.
    rows: Vec<u32>,
    order: Vec<u32>,
    first: usize,
    message: Vec<u8>,
    text: usize,
    compressor: Compressor,
}

/// A stream of the batch at hand.
#[derive(Debug)]
struct Slot {
    labels: Arc<str>,
    entries: usize,
    at: Range<usize>,
}

/// A packed batch.
#[derive(Debug)]
pub struct Packed {
    chunks: Vec<Chunk>,
    content: Vec<u8>,
    entries: usize,
    text: usize,
    length: usize,
}

/// The entries of one stream.
#[derive(Debug)]
pub struct Chunk {
    /// The stream's labels as text.
    pub labels: Arc<str>,
    /// How many entries.
    pub entries: usize,
    /// Their bytes in a stream message.
    pub length: usize,
    /// Whether the content is elements of a snappy block, or the entries as they are.
    pub(super) compressed: bool,
    at: Range<usize>,
}

impl Packed {
    /// The chunks.
    #[must_use]
    pub fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// How many entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Their bytes of text and metadata.
    #[must_use]
    pub fn text(&self) -> usize {
        self.text
    }

    /// The bytes of their stream messages, labels included, before compression.
    #[must_use]
    pub fn length(&self) -> usize {
        self.length
    }

    pub(super) fn content(&self, chunk: &Chunk) -> &[u8] {
        self.content.get(chunk.at.clone()).unwrap_or_default()
    }
}

impl Packer {
    /// Packs some rows of a batch.
    pub fn pack(&mut self, batch: &LogBatch, rows: Range<usize>) -> Packed {
        self.group(batch, rows);
        self.encode(batch);
        self.compress()
    }

    /// The first step of [`Self::pack`]: finds the streams of rows.
    pub fn group(&mut self, batch: &LogBatch, rows: Range<usize>) {
        self.slots.clear();
        self.texts.clear();
        self.memo.clear();
        self.memo.resize(batch.labels.len(), UNKNOWN);
        self.rows.clear();
        self.first = rows.start;
        for row in rows {
            let slot = self.slot(batch, row);
            if let Some(stream) = self.slots.get_mut(slot as usize) {
                stream.entries += 1;
            }
            self.rows.push(slot);
        }
    }

    /// The second step: encodes them, stream by stream.
    pub fn encode(&mut self, batch: &LogBatch) {
        self.sort();
        self.message.clear();
        self.text = 0;
        let mut order = self.order.iter();
        for slot in &mut self.slots {
            let begins = self.message.len();
            for &row in order.by_ref().take(slot.entries) {
                self.text += append_row(batch, self.first + row as usize, &mut self.message);
            }
            slot.at = begins..self.message.len();
        }
    }

    /// The last step: compresses what is long enough.
    pub fn compress(&mut self) -> Packed {
        let mut packed = Packed {
            chunks: Vec::with_capacity(self.slots.len()),
            content: Vec::new(),
            entries: self.rows.len(),
            text: self.text,
            length: 0,
        };
        for slot in self.slots.drain(..) {
            let plain = self.message.get(slot.at.clone()).unwrap_or_default();
            let begins = packed.content.len();
            // What the format does not take will not be taken in a request either, which says so.
            let compressed =
                plain.len() >= ALONE && self.compressor.elements(plain, &mut packed.content).is_ok();
            if !compressed {
                packed.content.extend_from_slice(plain);
            }
            packed.length += slot.labels.len() + plain.len();
            packed.chunks.push(Chunk {
                labels: slot.labels,
                entries: slot.entries,
                length: plain.len(),
                compressed,
                at: begins..packed.content.len(),
            });
        }
        packed
    }

    /// Bytes of memory that it keeps for entries.
    #[must_use]
    pub fn held(&self) -> usize {
        self.message.capacity() + self.compressor.held()
    }

    /// The rows by slot; rows of one slot keep their order.
    fn sort(&mut self) {
        let mut next = 0;
        let mut begins: Vec<usize> = Vec::with_capacity(self.slots.len());
        for slot in &self.slots {
            begins.push(next);
            next += slot.entries;
        }
        self.order.clear();
        self.order.resize(self.rows.len(), 0);
        for (row, &slot) in (0..).zip(&self.rows) {
            if let Some(place) = begins.get_mut(slot as usize) {
                if let Some(at) = self.order.get_mut(*place) {
                    *at = row;
                }
                *place += 1;
            }
        }
    }

    /// The slot of a row's stream.
    fn slot(&mut self, batch: &LogBatch, row: usize) -> u32 {
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

    fn resolve(&mut self, labels: &Labels) -> u32 {
        let text = match self.known.get(labels) {
            Some(text) => text.clone(),
            None => {
                let text: Arc<str> = stream_labels(labels).into();
                self.known_bytes += text.len();
                if self.known_bytes > KNOWN {
                    self.known.clear();
                    self.known_bytes = text.len();
                }
                self.known.insert(labels.clone(), text.clone());
                text
            }
        };
        if let Some(&slot) = self.texts.get(&text) {
            return slot;
        }
        // A batch has far fewer rows than that.
        let slot = u32::try_from(self.slots.len()).unwrap_or(UNKNOWN);
        self.texts.insert(text.clone(), slot);
        self.slots.push(Slot {
            labels: text,
            entries: 0,
            at: 0..0,
        });
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_remembered_up_to_a_bound_however_many_and_long_they_are() {
        let mut packer = Packer::default();
        for set in 0..3000 {
            let batch = LogBatch {
                timestamps: vec![1],
                lines: ["one"].into_iter().collect(),
                streams: vec![0],
                labels: vec![Labels::from_pairs([("a", format!("{set}{}", "x".repeat(1000)))])],
                ..LogBatch::default()
            };
            let packed = packer.pack(&batch, 0..1);
            assert!(packed.chunks()[0].labels.starts_with(&format!("{{a=\"{set}x")));
            let held: usize = packer.known.values().map(|text| text.len()).sum();
            assert!(held <= KNOWN && held == packer.known_bytes);
        }
    }
}
