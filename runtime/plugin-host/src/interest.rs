//! Which columns a stage reads.

use crate::bindings;

/// In place of a column's name: all of them.
pub const EVERY: &str = "*";

/// Which columns a stage reads; the others do not cross.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// Timestamps.
    pub timestamps: bool,
    /// Lines.
    pub lines: bool,
    /// Streams and label sets.
    pub labels: bool,
    /// Extracted values by name, or [`EVERY`].
    pub fields: Vec<String>,
    /// Structured metadata by name, or [`EVERY`].
    pub metadata: Vec<String>,
    /// Whether it keeps rows back.
    pub holds: bool,
}

impl From<bindings::Interest> for Interest {
    fn from(interest: bindings::Interest) -> Self {
        let bindings::Interest {
            timestamps,
            lines,
            labels,
            fields,
            metadata,
            holds,
        } = interest;
        Self {
            timestamps,
            lines,
            labels,
            fields,
            metadata,
            holds,
        }
    }
}
