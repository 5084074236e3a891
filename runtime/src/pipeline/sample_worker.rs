//! A worker for samples: from scrape sources to sinks.
//!
//! Scrapes cannot be read again, so there is no ledger here: a sample is owed to the sink's queue from the moment it
//! is handed over. Stages for samples have a world of their own (`sample-stage`), which is not published yet.

use std::sync::Arc;

use millstream_batch::SampleBatch;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::worker::Berth;
use crate::delivery::{Load, Receipt, Shipment};

/// Scrapes that wait for a worker: one per target that answers in the same moment.
pub const BATCHES_QUEUED: usize = 16;

/// Carries batches until the inlet closes or `abort` fires, to the sinks named at the time.
pub async fn run(
    mut inlet: mpsc::Receiver<SampleBatch>,
    mut sinks: watch::Receiver<Vec<Berth>>,
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
        let names: Vec<String> = sinks.borrow().iter().map(|berth| berth.name.clone()).collect();
        for name in names {
            if send(&name, &shipment, &mut sinks).await.is_none() {
                return;
            }
        }
    }
}

/// Hands a shipment to a sink, or to the one that takes its name while it waits; `None` when that has stopped.
async fn send(name: &str, shipment: &Shipment, sinks: &mut watch::Receiver<Vec<Berth>>) -> Option<()> {
    loop {
        let berth = sinks
            .borrow_and_update()
            .iter()
            .find(|berth| berth.name == name)
            .cloned();
        // The manifest no longer leads there.
        let Some(berth) = berth else { return Some(()) };
        tokio::select! {
            biased;
            sent = berth.inlet.send(shipment.clone()) => return sent.ok(),
            Ok(()) = sinks.changed() => {}
        }
    }
}
