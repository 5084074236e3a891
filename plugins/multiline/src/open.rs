//! What is known of a block that is not complete, beside its row ids.

/// A block's text from earlier batches, and the time it gets.
///
/// Lines of the batch at hand are not copied here: they are joined straight from its column, unless the batch ends
/// before the block does.
#[derive(Debug, Default)]
pub(crate) struct Open {
    /// The lines of the first `carried` rows, joined.
    pub(crate) text: String,
    pub(crate) carried: usize,
    /// The timestamp of the line that opened the block, or the one it carries on.
    pub(crate) timestamp: i64,
    /// Whether `timestamp` is not that of the block's own first row.
    pub(crate) carries_on: bool,
}

impl Open {
    /// A block that opens at `timestamp`.
    pub(crate) fn at(timestamp: i64) -> Self {
        Self {
            timestamp,
            ..Self::default()
        }
    }

    /// The same for a new block in the same place; the memory stays.
    #[inline]
    pub(crate) fn begin(&mut self, timestamp: i64) {
        self.clear();
        self.timestamp = timestamp;
        self.carries_on = false;
    }

    /// A new block that goes on where `max_lines` ended the last.
    pub(crate) fn carry_on(&mut self) {
        self.clear();
        self.carries_on = true;
    }

    #[inline]
    fn clear(&mut self) {
        self.text.clear();
        self.carried = 0;
    }
}
