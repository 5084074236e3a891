//! The Loki sink: pushes entries to Loki's HTTP API.
//!
//! [`batcher`] collects rows into requests ([`streams`] groups and encodes them as they come), [`push`] sends them,
//! [`outcome`] says what an answer means.
//!
//! Invariants:
//! - Entries of one stream arrive in the order they were shipped: one request is on its way at a time, a refused one
//!   is repeated before the next is sent, and the halves of a split one go in order.
//! - A receipt is dropped only when its rows were accepted, or dropped and counted. What `abort` cuts off is
//!   abandoned and reported.
//! - Memory: the request being collected, [`QUEUED`] waiting, one on its way. All are bounded by `batch_size`.
//!
//! Not several requests at a time: Loki answers when an entry is in its ingesters' memory, so one connection with
//! the next request ready carries tens of MB/s, more than Loki takes from one tenant by default (4 MB/s), and with
//! two in flight a refused one would be overtaken by the next one of the same stream.

pub mod batcher;
pub mod health;
pub mod metrics;
pub mod outcome;
pub mod push;
pub mod request;
pub mod send;
pub mod settings;
pub mod streams;

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::delivery::Shipment;
use crate::sinks::report::SinkReport;
use crate::transport::Jitter;

pub use metrics::LokiMetrics;
pub use settings::LokiSettings;

use batcher::Batcher;
use push::Pusher;

/// How many finished requests wait behind the one on its way. One, so that the next leaves the moment the last is
/// answered; more would only be memory, since nothing is sent faster.
pub const QUEUED: usize = 1;

/// A Loki sink.
#[derive(Debug)]
pub struct LokiSink {
    batcher: Batcher,
    pusher: Pusher,
}

impl LokiSink {
    /// A sink named `name` in the manifest. `client` comes from [`crate::transport::client`] with these settings.
    #[must_use]
    pub fn new(
        name: String,
        settings: LokiSettings,
        client: reqwest::Client,
        metrics: Arc<LokiMetrics>,
    ) -> Self {
        Self::with_jitter(name, settings, client, &metrics, Jitter::random())
    }

    fn with_jitter(
        name: String,
        settings: LokiSettings,
        client: reqwest::Client,
        metrics: &LokiMetrics,
        jitter: Jitter,
    ) -> Self {
        let counts = Arc::new(metrics.endpoint(&settings));
        Self {
            batcher: Batcher::new(&name, settings.batch_size, settings.batch_wait, counts.clone()),
            pusher: Pusher::new(name, settings, client, counts, jitter),
        }
    }

    /// Delivers shipments until the inlet is closed and all of them have arrived, or until `abort`.
    pub async fn run(self, inlet: mpsc::Receiver<Shipment>, abort: CancellationToken) -> SinkReport {
        let (outlet, queue) = mpsc::channel(QUEUED);
        // Cancelled when the inlet closes: a wait between attempts is then cut short once, because the drain has a
        // deadline and the receiver may be back.
        let draining = CancellationToken::new();
        let (unsent, unanswered) = tokio::join!(
            self.batcher.run(inlet, outlet, &abort, &draining),
            self.pusher.run(queue, &abort, &draining)
        );
        SinkReport {
            left_rows: unsent + unanswered,
        }
    }
}

#[cfg(test)]
mod tests;
