//! The Loki sink: pushes entries to Loki's HTTP API.
//!
//! [`batcher`] collects packed batches into requests ([`streams`] joins them by stream; where there are [`limits`], it gets rows, takes
//! out what Loki would refuse and packs the others), a spool may keep them on disk, [`push`] sends them, [`outcome`] says what an answer means.
//!
//! Invariants:
//! - Entries of one stream arrive in the order they were shipped: one request is on its way at a time, a refused one
//!   is repeated before the next is sent, and the halves of a split one go in order.
//! - A receipt is settled only when its rows were accepted, dropped and counted, or stored in the spool. What `abort` cuts off is
//!   abandoned and reported.
//! - Memory: the request being collected, [`QUEUED`] waiting, one on its way. All are bounded by `batch_size`.
//!
//! Not several requests at a time: Loki answers when an entry is in its ingesters' memory, so one connection with
//! the next request ready carries tens of MB/s, more than Loki takes from one tenant by default (4 MB/s), and with
//! two in flight a refused one would be overtaken by the next one of the same stream.

pub mod batcher;
pub mod health;
pub mod limits;
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
use crate::delivery::spool::store::Loss;
use crate::delivery::spool::{Relay, Shelf, SpoolMetrics};
use crate::sinks::report::SinkReport;
use crate::sinks::succession::{Remains, Succession};
use crate::transport::Jitter;

pub use metrics::LokiMetrics;
pub use settings::LokiSettings;

use batcher::Batcher;
use push::{Pusher, Stops};

/// How many finished requests wait behind the one on its way. One, so that the next leaves the moment the last is
/// answered; more would only be memory, since nothing is sent faster.
pub const QUEUED: usize = 1;

/// A Loki sink.
#[derive(Debug)]
pub struct LokiSink {
    batcher: Batcher,
    relay: Option<Relay>,
    pusher: Pusher,
    succession: Succession,
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
            batcher: Batcher::new(&name, &settings, counts.clone()),
            relay: None,
            pusher: Pusher::new(name, settings, client, counts, jitter),
            succession: Succession::default(),
        }
    }

    /// With its spool on `shelf`, when the settings want one.
    #[must_use]
    pub fn spooling(mut self, shelf: &Shelf, metrics: &SpoolMetrics) -> Self {
        let counts = self.pusher.counts();
        self.relay = self.pusher.spool().map(|settings| {
            let on_loss = Box::new(move |loss: &Loss| counts.dropped(loss.reason, loss.rows, loss.bytes));
            let name = self.pusher.name();
            Relay::new(name, shelf.place(name), settings, metrics.of(name), on_loss)
        });
        self
    }

    /// Takes over from another Loki sink, and gives over to one.
    #[must_use]
    pub fn succeeding(mut self, succession: Succession) -> Self {
        self.succession = succession;
        self
    }

    /// Delivers shipments until the inlet is closed and all of them have arrived (or are in the spool), or until `abort`.
    pub async fn run(self, inlet: mpsc::Receiver<Shipment>, abort: CancellationToken) -> SinkReport {
        let (outlet, queue) = mpsc::channel(QUEUED);
        // Cancelled when the inlet closes: a wait between attempts is then cut short once, because the drain has a
        // deadline and the receiver may be back.
        let draining = CancellationToken::new();
        let collected = self.batcher.run(inlet, outlet, &abort, &draining);
        let Succession {
            inherited,
            retire,
            estate,
        } = self.succession;
        let stops = Stops {
            abort: &abort,
            draining: &draining,
            retire: &retire,
        };
        let mut remains = match inherited {
            Remains::Requests(requests) => requests,
            // Of another kind: nothing a Loki understands.
            Remains::None | Remains::Parcels(_) => Vec::new(),
        };
        let left_rows = match self.relay {
            None => {
                let (unsent, unanswered) =
                    tokio::join!(collected, self.pusher.run(queue, stops, &mut remains));
                unsent + unanswered
            }
            Some(relay) => {
                let (stored, ready) = mpsc::channel(QUEUED);
                let sent = CancellationToken::new();
                let pushed = async {
                    let left = self.pusher.run(ready, stops, &mut remains).await;
                    sent.cancel();
                    left
                };
                // Boxed: few sinks have one, and it would make the future of all larger.
                let relayed = Box::pin(relay.run(queue, stored, &abort, &sent, &retire));
                let (unsent, left, unanswered) = tokio::join!(collected, relayed, pushed);
                unsent + left.abandoned + unanswered
            }
        };
        estate.put(Remains::Requests(remains));
        SinkReport { left_rows }
    }
}

#[cfg(test)]
mod tests;
