//! A batch of samples as columns.

use crate::labels::Labels;

/// Samples, one row each. All columns have the same length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SampleBatch {
    /// Per row, the index of its labels in `labels`; `__name__` is among them.
    pub series: Vec<u32>,
    /// The label sets of this batch.
    pub labels: Vec<Labels>,
    /// The values. A stale marker is the NaN with the bits [`SampleBatch::STALE`].
    pub values: Vec<f64>,
    /// Milliseconds since the Unix epoch.
    pub timestamps: Vec<i64>,
}

impl SampleBatch {
    /// The bits of the NaN that ends a series (prometheus/model/value/value.go, `StaleNaN`).
    pub const STALE: u64 = 0x7ff0_0000_0000_0002;

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Appends a sample of a series that is not yet in the label table.
    pub fn push(&mut self, labels: Labels, value: f64, timestamp: i64) {
        self.series
            .push(u32::try_from(self.labels.len()).unwrap_or(u32::MAX));
        self.labels.push(labels);
        self.values.push(value);
        self.timestamps.push(timestamp);
    }
}
