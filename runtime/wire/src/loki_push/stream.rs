//! The entries of one stream, each already in its final form.

use millstream_batch::{Labels, LogBatch};

use crate::protobuf;

/// Nanoseconds of a second.
const SECOND: i64 = 1_000_000_000;

/// Entries of one stream, encoded, in the order they were pushed.
#[derive(Clone, Debug, Default)]
pub struct StreamBuffer {
    bytes: Vec<u8>,
    entries: usize,
}

impl StreamBuffer {
    /// Appends a row of a batch: its timestamp, line and structured metadata. A row that does not exist has the
    /// time 0 and no text.
    pub fn push_row(&mut self, batch: &LogBatch, row: usize) {
        let timestamp = batch.timestamps.get(row).copied().unwrap_or_default();
        let metadata = batch
            .metadata
            .iter()
            .filter(|field| row < field.values.len() && field.present.get(row))
            .map(|field| (field.name.as_bytes(), field.values.get_bytes(row)));
        self.append(timestamp, batch.lines.get_bytes(row), metadata);
    }

    /// Appends an entry of its own.
    pub fn push<'a>(
        &mut self,
        timestamp: i64,
        line: &str,
        metadata: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    ) {
        self.append(
            timestamp,
            line.as_bytes(),
            metadata.map(|(name, value)| (name.as_bytes(), value.as_bytes())),
        );
    }

    // Bytes and not texts: the columns are UTF-8 by their own invariant, and checking each line again would cost
    // as much as copying it.
    fn append<'a>(
        &mut self,
        timestamp: i64,
        line: &[u8],
        metadata: impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone,
    ) {
        // Nanos are never negative, so the second is the one below.
        let (seconds, nanos) = (timestamp.div_euclid(SECOND), timestamp.rem_euclid(SECOND));
        let time = protobuf::int_len(seconds) + protobuf::int_len(nanos);
        let pairs: usize = metadata
            .clone()
            .map(|(name, value)| protobuf::delimited_len(protobuf::pair_len(name, value)))
            .sum();
        let length = protobuf::delimited_len(time) + protobuf::delimited_len(line.len()) + pairs;

        let out = &mut self.bytes;
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
        self.entries += 1;
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

    /// The entries as they stand in a stream message.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets the entries, keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries = 0;
    }
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
