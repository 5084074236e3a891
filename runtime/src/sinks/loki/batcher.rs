//! Collects shipments into requests, while the one before is on its way.
//!
//! A request is finished when it is full, the next packed shipment does not fit, or its first entry has waited
//! `batch_wait`; it is handed over when there is room behind the one on its way. Until then, one that is merely due
//! goes on growing: while a receiver is down, requests become full instead of many. When it is full, nothing more is
//! received: that is the back-pressure.

use std::sync::Arc;
use std::time::Duration;

use millstream_batch::LogBatch;
use millstream_wire::loki_push::Packed;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::causes;
use crate::delivery::{Load, Losses, Shipment};
use crate::timer::until;

use super::limits::Limits;
use super::metrics::Endpoint;
use super::outcome::REFUSED;
use super::request::{Part, Request};
use super::settings::LokiSettings;
use super::streams::Streams;

/// Collects shipments into requests.
#[derive(Debug)]
pub struct Batcher {
    sink: String,
    wait: Duration,
    limits: Limits,
    refused: Losses,
    counts: Arc<Endpoint>,
    streams: Streams,
    parts: Vec<Part>,
    /// When the first entry of the request came.
    opened: Option<Instant>,
    /// The shipment that did not fit as a whole.
    pending: Option<Pending>,
}

#[derive(Debug)]
struct Pending {
    load: Rest,
    part: Part,
}

/// What is left of a shipment.
#[derive(Debug)]
enum Rest {
    /// The rows from this one on.
    Rows(Arc<LogBatch>, usize),
    /// All of it.
    Packed(Arc<Packed>),
}

impl Rest {
    fn rows(&self) -> u64 {
        let rows = match self {
            Self::Rows(batch, next) => batch.len() - next,
            Self::Packed(packed) => packed.len(),
        };
        rows as u64
    }
}

impl Batcher {
    /// For the sink of this name.
    #[must_use]
    pub fn new(sink: &str, settings: &LokiSettings, counts: Arc<Endpoint>) -> Self {
        Self {
            sink: sink.to_owned(),
            wait: settings.batch_wait,
            limits: settings.limits.clone(),
            refused: Losses::default(),
            counts,
            streams: Streams::new(settings.batch_size),
            parts: Vec::new(),
            opened: None,
            pending: None,
        }
    }

    /// Runs until the inlet is closed and all is handed over, or until `abort`; says how many rows that left here.
    /// Cancels `draining` when the inlet closes.
    pub async fn run(
        mut self,
        mut inlet: mpsc::Receiver<Shipment>,
        outlet: mpsc::Sender<Request>,
        abort: &CancellationToken,
        draining: &CancellationToken,
    ) -> u64 {
        let mut closed = false;
        loop {
            self.fill();
            if closed && self.streams.is_empty() {
                return 0;
            }
            let full = self.pending.is_some() || self.streams.is_full();
            let deadline = self.opened.map(|opened| opened + self.wait);
            let due = full
                || deadline.is_some_and(|deadline| Instant::now() >= deadline)
                || closed && !self.streams.is_empty();
            tokio::select! {
                biased;
                () = abort.cancelled() => return self.abandon(inlet).await,
                permit = outlet.reserve(), if due => match permit {
                    Ok(permit) => if let Some(request) = self.seal() { permit.send(request) },
                    // The pusher only goes before us when aborted.
                    Err(_) => return self.abandon(inlet).await,
                },
                () = until(deadline), if !due => {}
                shipment = inlet.recv(), if !full && !closed => match shipment {
                    Some(shipment) => self.take(shipment),
                    None => {
                        closed = true;
                        draining.cancel();
                    }
                },
            }
        }
    }

    /// Takes a shipment in.
    fn take(&mut self, shipment: Shipment) {
        let part = Part {
            receipt: shipment.receipt,
            arrived: Instant::now(),
        };
        match shipment.load {
            Load::Logs(batch) => {
                let (batch, refused) = self.limits.apply(batch);
                for refusal in &refused {
                    self.counts.dropped(refusal.reason, 1, refusal.bytes as u64);
                    if let Some(entries) = self.refused.add(1) {
                        let (sink, reason) = (&self.sink, refusal.reason);
                        error!(sink, reason, entries, "dropped entries over the sink's `limits`");
                    }
                }
                let load = Rest::Rows(batch, 0);
                self.pending = Some(Pending { load, part });
            }
            Load::Packed(packed) => {
                let load = Rest::Packed(packed);
                self.pending = Some(Pending { load, part });
            }
            // A manifest that leads samples here is refused before anything starts.
            Load::Samples(batch) => {
                error!(
                    sink = self.sink,
                    samples = batch.len(),
                    "dropped samples: Loki takes log entries only"
                );
                self.counts.dropped(REFUSED, batch.len() as u64, 0);
                part.receipt.settle();
            }
        }
    }

    /// Moves the pending shipment's rows into the request, as far as they fit.
    fn fill(&mut self) {
        let Some(Pending { load, part }) = self.pending.take() else {
            return;
        };
        let before = self.streams.len();
        let rest = match load {
            Rest::Rows(batch, from) => {
                let next = self.streams.fill(&batch, from);
                (next < batch.len()).then_some(Rest::Rows(batch, next))
            }
            Rest::Packed(packed) if self.streams.has_room(&packed) => {
                self.streams.add(&packed);
                None
            }
            Rest::Packed(packed) => Some(Rest::Packed(packed)),
        };
        if self.streams.len() > before {
            self.opened.get_or_insert(part.arrived);
            self.parts.push(part.clone());
        }
        match rest {
            Some(load) => self.pending = Some(Pending { load, part }),
            // The parts of its requests hold its receipt now.
            None => part.receipt.settle(),
        }
    }

    fn seal(&mut self) -> Option<Request> {
        self.opened = None;
        let entries = self.streams.len();
        let parts = std::mem::take(&mut self.parts);
        match self.streams.seal() {
            Ok(sealed) => Some(Request::new(sealed, parts)),
            // Only a request over 4 GiB; nothing smaller can be sent again, so it is a drop like any other.
            Err(error) => {
                error!(
                    sink = self.sink,
                    entries,
                    error = causes::told(&error),
                    "dropped entries"
                );
                self.counts.dropped(REFUSED, entries as u64, 0);
                for part in parts {
                    part.receipt.settle();
                }
                None
            }
        }
    }

    /// Gives up what is here and what still comes in.
    async fn abandon(self, mut inlet: mpsc::Receiver<Shipment>) -> u64 {
        let mut rows = self.streams.len() as u64;
        for part in self.parts {
            part.receipt.abandon();
        }
        if let Some(pending) = self.pending {
            rows += pending.load.rows();
            pending.part.receipt.abandon();
        }
        inlet.close();
        while let Some(shipment) = inlet.recv().await {
            rows += shipment.load.rows();
            shipment.receipt.abandon();
        }
        rows
    }
}

#[cfg(test)]
mod tests;
