//! The remote-write sink: pushes samples to a Prometheus remote-write receiver.
//!
//! [`queue`] gathers rows into requests, [`spooled`] carries them over the disk, [`send`] delivers one request,
//! [`outcome`] says what an answer means.
//!
//! Invariants: one request is under way at a time, so the samples of a series arrive in the order they came; when
//! the queue is full the inlet is not read, and the pipeline waits; a receipt is dropped only once its rows were
//! accepted, rejected and counted, or stored in the spool: whatever else happens to this task, down to its being aborted, abandons it.
//!
//! Why no shards: Prometheus needs up to fifty because it replays a log of millions of series. One request of 2,000
//! samples per round trip carries 20,000 samples a second at 100 ms, far above what an agent scrapes, and order costs
//! nothing.

pub mod metrics;
pub mod outcome;
pub mod queue;
pub mod send;
pub mod settings;
mod spooled;

use std::pin::Pin;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::report::SinkReport;
use super::succession::{Remains, Succession};
use crate::delivery::spool::store::Loss;
use crate::delivery::spool::{Relay, Shelf, SpoolMetrics};
use crate::delivery::{Load, Receipt, Shipment};
use metrics::SinkMetrics;
use queue::{Parcel, Queue};
use send::Sender;
use spooled::Spooled;

pub use metrics::RemoteWriteMetrics;
pub use settings::RemoteWriteSettings;

/// A remote-write sink, ready to run.
#[derive(Debug)]
pub struct RemoteWriteSink {
    name: String,
    queue: Queue,
    relay: Option<Relay>,
    sender: Sender,
    metrics: SinkMetrics,
    succession: Succession,
}

/// A request under way; gives the sender back, and the request when it was not delivered.
type Sending = Pin<Box<dyn Future<Output = (Sender, Option<Parcel>)> + Send>>;

impl RemoteWriteSink {
    /// The sink called `name` in the manifest.
    #[must_use]
    pub fn new(
        name: &str,
        settings: RemoteWriteSettings,
        client: reqwest::Client,
        metrics: &RemoteWriteMetrics,
    ) -> Self {
        let metrics = metrics.of(name, &settings);
        let queue = Queue::new(
            settings.capacity,
            settings.max_samples_per_send,
            settings.batch_send_deadline,
        );
        let sender = Sender::new(name, settings, client, metrics.clone());
        Self {
            name: name.into(),
            queue,
            relay: None,
            sender,
            metrics,
            succession: Succession::default(),
        }
    }

    /// Takes over from another remote-write sink, and gives over to one.
    #[must_use]
    pub fn succeeding(mut self, succession: Succession) -> Self {
        self.succession = succession;
        self
    }

    /// With its spool on `shelf`, when the settings want one.
    #[must_use]
    pub fn spooling(mut self, shelf: &Shelf, metrics: &SpoolMetrics) -> Self {
        let own = self.metrics.clone();
        self.relay = self.sender.spool().map(|settings| {
            let on_loss = Box::new(move |loss: &Loss| own.lost(loss.rows));
            let name = &self.name;
            Relay::new(name, shelf.place(name), settings, metrics.of(name), on_loss)
        });
        self
    }

    /// Delivers what comes in until the inlet is closed and everything is delivered, or until `abort` fires. What is
    /// left then is abandoned and reported.
    pub async fn run(self, inlet: mpsc::Receiver<Shipment>, abort: CancellationToken) -> SinkReport {
        let Self {
            name,
            mut queue,
            relay,
            sender,
            metrics,
            succession:
                Succession {
                    inherited,
                    retire,
                    estate,
                },
        } = self;
        if let Remains::Parcels(parcels) = inherited {
            for parcel in parcels {
                metrics.taken_over(parcel.rows());
                queue.restore(parcel);
            }
        }
        if let Some(relay) = relay {
            let spooled = Spooled {
                name,
                queue,
                relay,
                sender,
                metrics,
                retire,
            };
            return Box::pin(spooled.run(inlet, abort)).await;
        }
        let mut inlet = Inlet(inlet);
        let mut idle = Some(sender);
        let mut sending: Option<Sending> = None;
        let mut open = true;
        let mut remains = Vec::new();
        loop {
            if let Some(mut sender) =
                idle.take_if(|_| !retire.is_cancelled() && queue.is_due(open, Instant::now()))
            {
                let parcel = queue.take();
                let retire = retire.clone();
                sending = Some(Box::pin(async move {
                    let copy = parcel.clone();
                    let delivered = sender.deliver(parcel, Some(&retire)).await;
                    if delivered {
                        copy.owed.into_iter().for_each(Receipt::settle);
                        return (sender, None);
                    }
                    (sender, Some(copy))
                }));
            }
            if !open && retire.is_cancelled() && sending.is_none() {
                while !queue.is_empty() {
                    remains.push(queue.take());
                }
            }
            if !open && queue.is_empty() && sending.is_none() {
                break;
            }
            tokio::select! {
                biased;
                () = abort.cancelled() => break,
                (sender, undelivered) = finished(&mut sending) => {
                    sending = None;
                    idle = Some(sender);
                    remains.extend(undelivered);
                }
                received = inlet.0.recv(), if open && queue.has_room() => match received {
                    Some(shipment) => accept(&name, shipment, &mut queue, &metrics),
                    None => open = false,
                },
                () = sleep_until(queue.deadline()), if sending.is_none() && !queue.is_empty() => {}
            }
        }
        // The request under way and the queue abandon their receipts when they are dropped.
        drop(sending);
        let left_rows = left_behind(&name, &metrics, &mut inlet, &remains);
        estate.put(Remains::Parcels(remains));
        SinkReport { left_rows }
    }
}

/// How many rows are neither delivered nor handed on, those in the inlet among them; says so.
fn left_behind(name: &str, metrics: &SinkMetrics, inlet: &mut Inlet, remains: &[Parcel]) -> u64 {
    let handed_on: usize = remains.iter().map(Parcel::rows).sum();
    let left = metrics.take_pending().saturating_sub(handed_on as u64) + inlet.abandon();
    if left > 0 {
        tracing::warn!(
            sink = name,
            samples = left,
            "stopped before all samples were delivered"
        );
    }
    left
}

/// The way in.
struct Inlet(mpsc::Receiver<Shipment>);

impl Inlet {
    /// Closes it and abandons what is in it; says how many rows that were.
    fn abandon(&mut self) -> u64 {
        self.0.close();
        let mut left = 0;
        while let Ok(shipment) = self.0.try_recv() {
            left += shipment.load.rows();
            shipment.receipt.abandon();
        }
        left
    }
}

/// The end of the request under way; never, when there is none.
async fn finished(sending: &mut Option<Sending>) -> (Sender, Option<Parcel>) {
    match sending {
        Some(sending) => sending.await,
        None => std::future::pending().await,
    }
}

fn accept(name: &str, shipment: Shipment, queue: &mut Queue, metrics: &SinkMetrics) {
    match shipment.load {
        Load::Samples(batch) => {
            metrics.arrived(&batch);
            queue.push(batch, shipment.receipt, Instant::now());
        }
        other => {
            // The manifest refuses such a pipeline. Never settled is the safe answer to a bug that let it through.
            tracing::error!(
                sink = name,
                entries = other.rows(),
                "log entries came to a sink for samples"
            );
            shipment.receipt.abandon();
        }
    }
}

#[cfg(test)]
mod tests;
