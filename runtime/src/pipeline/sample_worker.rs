//! A worker for samples: from scrape sources to sinks.
//!
//! Scrapes cannot be read again, so there is no ledger here: a sample is owed to the sink's queue from the moment it
//! is handed over. Stages for samples have a world of their own (`sample-stage`), which is not published yet.

use std::sync::Arc;

use millstream_batch::SampleBatch;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::delivery::{Load, Receipt, Shipment};

/// Scrapes that wait for a worker: one per target that answers in the same moment.
pub const BATCHES_QUEUED: usize = 16;

/// Carries batches until the inlet closes or `abort` fires.
pub async fn run(
    mut inlet: mpsc::Receiver<SampleBatch>,
    sinks: Vec<mpsc::Sender<Shipment>>,
    abort: CancellationToken,
) {
    loop {
        let batch = tokio::select! {
            () = abort.cancelled() => return,
            batch = inlet.recv() => batch,
        };
        let Some(batch) = batch else { return };
        let shipment = Shipment {
            load: Load::Samples(Arc::new(batch)),
            receipt: Receipt::none(),
        };
        for sink in &sinks {
            if sink.send(shipment.clone()).await.is_err() {
                return;
            }
        }
    }
}
