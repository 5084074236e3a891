//! What a pipeline hands to a sink.

use std::sync::Arc;

use millstream_batch::{LogBatch, SampleBatch};

use super::receipt::Receipt;

/// Finished rows of one kind.
#[derive(Clone, Debug)]
pub enum Load {
    /// Log entries.
    Logs(Arc<LogBatch>),
    /// Samples.
    Samples(Arc<SampleBatch>),
}

/// A load and the receipt to settle when all of it has arrived (or was dropped on purpose and counted).
#[derive(Clone, Debug)]
pub struct Shipment {
    /// The rows.
    pub load: Load,
    /// Settled when done; clone it per request the rows are spread over.
    pub receipt: Receipt,
}
