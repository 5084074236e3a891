//! What a log source hands to a pipeline, and what it hears back.

use millstream_batch::LogBatch;

/// Entries read from one origin (for the file source: one generation of one file), in order.
#[derive(Clone, Debug)]
pub struct LogParcel {
    /// Which source; set by the outlet.
    pub source: u32,
    /// The source's own number for the origin.
    pub origin: u64,
    /// The entries; `seqs` is empty, the worker numbers them.
    pub batch: LogBatch,
    /// Per row, the origin's position once the row is settled (for files: the byte offset behind its line end).
    pub ends: Vec<u64>,
}

/// How a source hears that all up to a position has settled.
pub trait Settled: Send + Sync {
    /// Everything before `position` of `origin` is settled in the pipeline numbered `pipe`.
    fn settled(&self, pipe: u32, origin: u64, position: u64);
}
