//! What a pipeline hands to a sink.

use std::sync::Arc;

use millstream_batch::{LogBatch, SampleBatch};
use millstream_wire::loki_push::Packed;

use super::receipt::Receipt;

/// Finished rows of one kind.
#[derive(Clone, Debug)]
pub enum Load {
    /// Log entries.
    Logs(Arc<LogBatch>),
    /// Log entries as a part of a push request, for sinks that want them so.
    Packed(Arc<Packed>),
    /// Samples.
    Samples(Arc<SampleBatch>),
}

impl Load {
    /// How many rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        let rows = match self {
            Self::Logs(batch) => batch.len(),
            Self::Packed(packed) => packed.len(),
            Self::Samples(batch) => batch.len(),
        };
        rows as u64
    }
}

/// How a sink wants log entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As rows.
    Rows,
    /// Packed, unless that is much of what it puts into a request: a packed batch is not cut, so requests would become
    /// small.
    Packed {
        /// The most bytes of text and metadata of a request.
        request: usize,
        /// The most bytes of a request with labels and framing, before compression.
        weight: usize,
    },
}

impl Form {
    /// The part of a request that a packed batch may be. A third: parcels of 256 KiB of text are packed for requests
    /// of a million bytes, and requests are at least two thirds full.
    const PART: usize = 3;

    /// Whether a batch of so many bytes of text and metadata is to be packed.
    #[must_use]
    pub fn packs(self, bytes: usize) -> bool {
        match self {
            Self::Rows => false,
            Self::Packed { request, .. } => bytes <= request / Self::PART,
        }
    }

    /// Whether a packed batch may go as it is: one whose labels are longer than all requests is cut between rows.
    #[must_use]
    pub fn takes(self, packed: &Packed) -> bool {
        match self {
            Self::Rows => false,
            Self::Packed { weight, .. } => packed.length() <= weight,
        }
    }
}

/// A load and the receipt to settle when all of it has arrived (or was dropped on purpose and counted).
#[derive(Clone, Debug)]
pub struct Shipment {
    /// The rows.
    pub load: Load,
    /// Settled when done; clone it per request the rows are spread over.
    pub receipt: Receipt,
}
