//! The entries of one stream, each already in its final form.

use std::sync::Arc;

use millstream_batch::{Labels, LogBatch};

use super::pack::{Chunk, Packed};
use crate::protobuf;

/// Nanoseconds of a second.
const SECOND: i64 = 1_000_000_000;

/// Entries of one stream, encoded, in the order they were pushed: some as they are, some compressed before.
#[derive(Clone, Debug, Default)]
pub struct StreamBuffer {
    plain: Vec<u8>,
    runs: Vec<Run>,
    entries: usize,
    length: usize,
}

/// Compressed entries, and where they stand between those that are not.
#[derive(Clone, Debug)]
struct Run {
    packed: Arc<Packed>,
    chunk: usize,
    /// How much of the plain entries comes before it.
    after: usize,
}

/// A piece of a stream's content.
pub(super) enum Piece<'a> {
    /// Entries as they are.
    Plain(&'a [u8]),
    /// Elements of a snappy block.
    Elements(&'a [u8]),
}

impl StreamBuffer {
    /// Appends an entry of its own.
    pub fn push<'a>(
        &mut self,
        timestamp: i64,
        line: &str,
        metadata: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    ) {
        let before = self.plain.len();
        let metadata = metadata.map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        append(timestamp, line.as_bytes(), metadata, &mut self.plain);
        self.length += self.plain.len() - before;
        self.entries += 1;
    }

    /// Appends a chunk of a packed batch, which is not copied if it is compressed; one that is not there is none.
    pub fn push_chunk(&mut self, packed: &Arc<Packed>, chunk: usize) {
        let Some(found) = packed.chunks().get(chunk) else {
            return;
        };
        if found.compressed {
            self.runs.push(Run {
                packed: packed.clone(),
                chunk,
                after: self.plain.len(),
            });
        } else {
            self.plain.extend_from_slice(packed.content(found));
        }
        self.length += found.length;
        self.entries += found.entries;
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

    /// The bytes of the entries as they stand in a stream message.
    #[must_use]
    pub fn length(&self) -> usize {
        self.length
    }

    /// How many of them are kept as they are.
    #[must_use]
    pub fn plain_len(&self) -> usize {
        self.plain.len()
    }

    /// The content in order.
    pub(super) fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        let mut from = 0;
        let runs = self.runs.iter().flat_map(move |run| {
            let plain = self.plain.get(from..run.after).unwrap_or_default();
            from = run.after;
            let chunk: Option<&Chunk> = run.packed.chunks().get(run.chunk);
            let elements = chunk.map_or(&[][..], |chunk| run.packed.content(chunk));
            [Piece::Plain(plain), Piece::Elements(elements)]
        });
        let last = self.runs.last().map_or(0, |run| run.after);
        runs.chain([Piece::Plain(self.plain.get(last..).unwrap_or_default())])
    }

    /// Forgets the entries, keeps the memory.
    pub fn clear(&mut self) {
        self.plain.clear();
        self.runs.clear();
        self.entries = 0;
        self.length = 0;
    }
}

/// Appends a row of a batch as an entry: its timestamp, line and structured metadata. A row that does not exist has the
/// time 0 and no text. Says how many bytes its text and metadata are.
pub(super) fn append_row(batch: &LogBatch, row: usize, out: &mut Vec<u8>) -> usize {
    let timestamp = batch.timestamps.get(row).copied().unwrap_or_default();
    let metadata = batch
        .metadata
        .iter()
        .filter(|field| row < field.values.len() && field.present.get(row))
        .map(|field| (field.name.as_bytes(), field.values.get_bytes(row)));
    append(timestamp, batch.lines.get_bytes(row), metadata, out)
}

/// Appends an entry.
// Bytes and not texts: the columns are UTF-8 by their own invariant, and checking each line again would cost
// as much as copying it.
fn append<'a>(
    timestamp: i64,
    line: &[u8],
    metadata: impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone,
    out: &mut Vec<u8>,
) -> usize {
    // Nanos are never negative, so the second is the one below.
    let (seconds, nanos) = (timestamp.div_euclid(SECOND), timestamp.rem_euclid(SECOND));
    let time = protobuf::int_len(seconds) + protobuf::int_len(nanos);
    let (mut pairs, mut text) = (0, line.len());
    for (name, value) in metadata.clone() {
        pairs += protobuf::delimited_len(protobuf::pair_len(name, value));
        text += name.len() + value.len();
    }
    let length = protobuf::delimited_len(time) + protobuf::delimited_len(line.len()) + pairs;

    out.reserve(protobuf::delimited_len(length));
    let mut head = protobuf::Head::new();
    head.begin(2, length);
    head.begin(1, time);
    head.int(1, seconds);
    head.int(2, nanos);
    head.begin(2, line.len());
    out.extend_from_slice(head.bytes());
    out.extend_from_slice(line);
    for (name, value) in metadata {
        protobuf::pair(3, name, value, out);
    }
    text
}

/// The labels as a stream carries them: `{a="b", c="d"}` without the internal ones, whose names begin with `__`.
#[must_use]
pub fn stream_labels(labels: &Labels) -> String {
    if labels.iter().all(|(name, _)| !name.starts_with("__")) {
        return labels.to_string();
    }
    let mut builder = labels.to_builder();
    builder.retain(|name, _| !name.starts_with("__"));
    builder.build().to_string()
}
