//! A batch of log entries as columns.

use std::ops::Range;

use crate::field::Field;
use crate::labels::Labels;
use crate::text::TextColumn;

/// Log entries, one row each. All columns have the same length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogBatch {
    /// Nanoseconds since the Unix epoch.
    pub timestamps: Vec<i64>,
    /// The text of each entry, without its line end.
    pub lines: TextColumn,
    /// Per row, the index of its labels in `labels`.
    pub streams: Vec<u32>,
    /// The label sets of this batch; several may be equal, some may be unused.
    pub labels: Vec<Labels>,
    /// Values that stages extracted.
    pub fields: Vec<Field>,
    /// Structured metadata.
    pub metadata: Vec<Field>,
    /// Per row, the sequence number of the entry it stems from (the host's own; guests never see it).
    pub seqs: Vec<u64>,
}

impl LogBatch {
    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.timestamps.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.timestamps.is_empty()
    }

    /// The labels of a row; the empty set when the row does not exist.
    #[must_use]
    pub fn labels_of(&self, row: usize) -> Labels {
        self.streams
            .get(row)
            .and_then(|&stream| self.labels.get(stream as usize))
            .cloned()
            .unwrap_or_default()
    }

    /// The extracted column `name`.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| &*field.name == name)
    }

    /// The structured metadata column `name`.
    #[must_use]
    pub fn metadata(&self, name: &str) -> Option<&Field> {
        self.metadata.iter().find(|field| &*field.name == name)
    }

    /// Some of the rows, copied.
    #[must_use]
    pub fn rows(&self, rows: Range<usize>) -> Self {
        fn some<T: Clone>(of: &[T], rows: &Range<usize>) -> Vec<T> {
            of.get(rows.clone()).unwrap_or_default().to_vec()
        }
        let mut lines = TextColumn::default();
        for row in rows.clone() {
            lines.push_from(&self.lines, row);
        }
        let fields = |fields: &[Field]| {
            fields
                .iter()
                .map(|field| field.select(rows.clone().map(Some)))
                .collect()
        };
        Self {
            timestamps: some(&self.timestamps, &rows),
            lines,
            streams: some(&self.streams, &rows),
            labels: self.labels.clone(),
            fields: fields(&self.fields),
            metadata: fields(&self.metadata),
            seqs: some(&self.seqs, &rows),
        }
    }

    /// A row's bytes of text and structured metadata, which is what receivers count, and how many pairs of metadata it has.
    #[must_use]
    pub fn size_of(&self, row: usize) -> (usize, usize) {
        let line = self.lines.get_bytes(row).len();
        let present = self.metadata.iter().filter(|field| field.present.get(row));
        present.fold((line, 0), |(bytes, pairs), field| {
            (
                bytes + field.name.len() + field.values.get_bytes(row).len(),
                pairs + 1,
            )
        })
    }

    /// How many bytes the rows hold, about: text, metadata and fixed columns.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let beside = |fields: &[Field]| {
            fields
                .iter()
                .map(|field| field.values.bytes().len())
                .sum::<usize>()
        };
        self.lines.bytes().len() + beside(&self.fields) + beside(&self.metadata) + self.len() * 24
    }
}
