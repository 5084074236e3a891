//! A worker: one thread that carries parcels through the stages of a pipeline and keeps its ledger.
//!
//! Invariants: entries leave in the order they came per origin; a position is reported only when the ledger allows
//! it; the inlet is bounded, and a full sink stops the worker, which stops the reader.
//!
//! A thread and not a task, because stages are called synchronously and need a deep stack
//! ([`millstream_plugin_host::STACK_SIZE`]); it runs a small tokio runtime of its own to wait in.

use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use millstream_batch::LogBatch;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::chain::{Chain, Halted};
use super::clock::WallClock;
use crate::delivery::{Ledger, Load, Origin, Settlements, Shipment};
use crate::sources::{LogParcel, Settled};

/// Parcels that wait for a worker, at 256 KiB of text at most each: enough that reader and worker do not wait for
/// each other's every step, little enough that back-pressure arrives at once.
pub const PARCELS_QUEUED: usize = 4;

/// The least time between two ticks: a stage that always wants to be called now gets 1,000 calls a second, no more.
const SHORTEST_WAKE: Duration = Duration::from_millis(1);

/// A source as the worker reports to it: itself, and the number of this pipeline among those it feeds.
pub struct Reporting {
    /// The source.
    pub source: Arc<dyn Settled>,
    /// This pipeline's number at the source.
    pub pipe: u32,
}

/// One pipeline's worker.
pub struct Worker {
    /// The pipeline's name.
    pub name: String,
    /// Its stages.
    pub chain: Chain,
    /// Its sinks.
    pub sinks: Vec<mpsc::Sender<Shipment>>,
    /// Its sources by number.
    pub sources: HashMap<u32, Reporting>,
    /// The time stages are given.
    pub clock: WallClock,
}

/// Why a worker ended early.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// A stage demanded it.
    #[error(transparent)]
    Halted(#[from] Halted),
    /// A sink has gone.
    #[error("a sink has stopped")]
    SinkGone,
}

impl Worker {
    /// Works until the inlet closes, then flushes the stages and waits until all is settled or `abort` fires.
    ///
    /// # Errors
    /// When a stage with `on_error: halt` fails or a sink is gone; what is unsettled will be read again.
    pub async fn run(
        mut self,
        mut inlet: mpsc::Receiver<LogParcel>,
        abort: CancellationToken,
    ) -> Result<(), Stopped> {
        let settlements = Arc::new(Settlements::default());
        let mut ledger = Ledger::default();
        let mut ticked = Instant::now();
        loop {
            self.clock.follow();
            let wake = self
                .chain
                .wake_at()
                .map(|at| self.clock.instant(at).max(ticked + SHORTEST_WAKE));
            let out = tokio::select! {
                () = abort.cancelled() => return Ok(()),
                parcel = inlet.recv() => match parcel {
                    Some(parcel) => self.walk(parcel, &mut ledger)?,
                    None => break,
                },
                () = settlements.changed() => {
                    self.report(&settlements, &mut ledger);
                    continue;
                }
                () = until(wake) => {
                    ticked = Instant::now();
                    self.chain.tick(self.clock.now())?
                }
            };
            self.ship(out, &mut ledger, &settlements).await?;
            self.report(&settlements, &mut ledger);
        }
        let out = self.chain.flush(self.clock.now())?;
        self.ship(out, &mut ledger, &settlements).await?;
        self.sinks.clear();
        while ledger.unsettled() > 0 {
            self.report(&settlements, &mut ledger);
            if ledger.unsettled() == 0 {
                break;
            }
            tokio::select! {
                () = abort.cancelled() => break,
                () = settlements.changed() => {}
            }
        }
        self.report(&settlements, &mut ledger);
        Ok(())
    }

    fn walk(&mut self, parcel: LogParcel, ledger: &mut Ledger) -> Result<Vec<LogBatch>, Halted> {
        let LogParcel {
            source,
            origin,
            mut batch,
            ends,
        } = parcel;
        let first = ledger.enter(Origin { source, origin }, ends);
        batch.seqs = (first..first + batch.len() as u64).collect();
        self.chain.walk(batch, self.clock.now())
    }

    /// Ends the walk in the ledger and hands what came out to every sink.
    async fn ship(
        &mut self,
        out: Vec<LogBatch>,
        ledger: &mut Ledger,
        settlements: &Arc<Settlements>,
    ) -> Result<(), Stopped> {
        let receipt = settlements.receipt(ledger.walked(self.chain.owed()));
        for batch in out {
            let shipment = Shipment {
                load: Load::Logs(Arc::new(batch)),
                receipt: receipt.clone(),
            };
            for sink in &self.sinks {
                if sink.send(shipment.clone()).await.is_err() {
                    return Err(Stopped::SinkGone);
                }
            }
            shipment.receipt.settle();
        }
        receipt.settle();
        Ok(())
    }

    fn report(&self, settlements: &Settlements, ledger: &mut Ledger) {
        for walk in settlements.take() {
            for (origin, position) in ledger.settle(walk) {
                if let Some(reporting) = self.sources.get(&origin.source) {
                    reporting.source.settled(reporting.pipe, origin.origin, position);
                }
            }
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => pending().await,
    }
}
