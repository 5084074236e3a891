//! A worker: one thread that carries parcels through the stages of a pipeline and keeps its ledger. A pipeline has one or more, each
//! with its own stages, and every file goes through one of them.
//!
//! Invariants: entries leave in the order they came per origin; a position is reported only when the ledger allows
//! it, and then at once, also while a sink is full; the inlet is bounded, and a full sink stops the worker, which
//! stops the reader. A worker that stops early takes nothing more in, but still hears what becomes of what it shipped.
//! A [`Change`] takes effect between two batches, also while a sink is full; nothing is read, shipped or forgotten by it.
//!
//! What is ready at once is taken in a fixed order, so that a simulated schedule runs the same way every time.
//!
//! A thread and not a task, because stages are called synchronously and need a deep stack
//! ([`millstream_plugin_host::STACK_SIZE`]); it runs a small tokio runtime of its own to wait in.

use std::collections::{HashMap, VecDeque};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use millstream_batch::LogBatch;
use millstream_wire::loki_push::Packer;
use prometheus::Histogram;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::chain::{Chain, Halted};
use super::change::{Change, Verdict};
use super::clock::WallClock;
use super::finished::Finished;
use crate::delivery::{Form, Ledger, Origin, Receipt, Release, Settlements, Shipment};
use crate::sources::{LogParcel, Settled};
use crate::timer::until;

/// Parcels that wait for a worker, at 256 KiB of text at most each: enough that reader and worker do not wait for
/// each other's every step, little enough that back-pressure arrives at once.
pub const PARCELS_QUEUED: usize = 4;

/// Changes that wait for a worker: reloads come one by one.
pub const CHANGES_QUEUED: usize = 1;

/// The least time between two ticks: a stage that always wants to be called now gets 1,000 calls a second, no more.
const SHORTEST_WAKE: Duration = Duration::from_millis(1);

/// A source as the worker reports to it: itself, and the number of this pipeline among those it feeds.
#[derive(Clone)]
pub struct Reporting {
    /// The source.
    pub source: Arc<dyn Settled>,
    /// This pipeline's number at the source.
    pub pipe: u32,
}

/// A sink as the worker ships to it.
#[derive(Clone, Debug)]
pub struct Berth {
    /// The sink's name.
    pub name: String,
    /// The way in.
    pub inlet: mpsc::Sender<Shipment>,
    /// How it wants log entries.
    pub form: Form,
    /// Said when the manifest no longer names the sink.
    pub release: Release,
}

/// One pipeline's worker.
pub struct Worker {
    /// The pipeline's name.
    pub name: String,
    /// Its stages.
    pub chain: Chain,
    /// Its sinks.
    pub sinks: Vec<Berth>,
    /// Its sources by number.
    pub sources: HashMap<u32, Reporting>,
    /// The time stages are given.
    pub clock: WallClock,
    /// What is to change while it runs; closed when nothing will.
    pub changes: mpsc::Receiver<Change>,
    /// How long it stood still for changes.
    pub pauses: Histogram,
    /// Cancelled when another worker of the pipeline has stopped early: so does this one.
    pub siblings: CancellationToken,
}

/// Why a worker stopped early; what is unsettled will be read again.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// A stage demanded it.
    #[error(transparent)]
    Halted(#[from] Halted),
    /// A sink has gone.
    #[error("a sink has stopped")]
    SinkGone,
    /// Another worker of the pipeline stopped.
    #[error("another worker of the pipeline has stopped")]
    Sibling,
}

/// What a worker left behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkerReport {
    /// Entries that came in and that a start from the reported positions reads again.
    pub owed_entries: u64,
}

/// A worker's books.
#[derive(Default)]
struct Books {
    ledger: Ledger,
    settlements: Arc<Settlements>,
    /// What no sink's queue has taken yet, in order.
    waiting: VecDeque<Waiting>,
    /// Packs it.
    packer: Packer,
    /// Whether it was told that something was abandoned.
    told: bool,
}

/// A batch for a sink, before it is a shipment.
struct Waiting {
    berth: Berth,
    batch: Finished,
    receipt: Receipt,
}

impl Worker {
    /// Works until the inlet closes, then flushes the stages and waits until every shipment is settled or abandoned,
    /// or `abort` fires. `stopped` is called when a stage with `on_error: halt` fails or a sink is gone.
    pub async fn run(
        mut self,
        mut inlet: mpsc::Receiver<LogParcel>,
        abort: CancellationToken,
        stopped: impl FnOnce(Stopped),
    ) -> WorkerReport {
        let mut books = Books::default();
        if let Err(error) = self.work(&mut inlet, &abort, &mut books).await {
            stopped(error);
        }
        self.sinks.clear();
        books.waiting.clear();
        inlet.close();
        let mut waiting = 0;
        while let Ok(parcel) = inlet.try_recv() {
            waiting += parcel.batch.len() as u64;
        }
        loop {
            self.report(&mut books);
            if books.ledger.unsettled() == 0 {
                break;
            }
            tokio::select! {
                biased;
                () = abort.cancelled() => break,
                () = books.settlements.changed() => {}
                Some(change) = self.changes.recv() => change.leave(),
            }
        }
        // What sinks give up after an abort is in their reports.
        books.told |= abort.is_cancelled();
        self.report(&mut books);
        WorkerReport {
            owed_entries: books.ledger.owed() + waiting,
        }
    }

    /// Works until the inlet closes, the stages are flushed and the sinks have all; `abort` ends it at once.
    async fn work(
        &mut self,
        inlet: &mut mpsc::Receiver<LogParcel>,
        abort: &CancellationToken,
        books: &mut Books,
    ) -> Result<(), Stopped> {
        let mut ticked = Instant::now();
        let mut open = true;
        while open {
            self.clock.follow();
            let wake = self
                .chain
                .wake_at()
                .map(|at| self.clock.instant(at).max(ticked + SHORTEST_WAKE));
            let out = tokio::select! {
                biased;
                () = abort.cancelled() => return Ok(()),
                () = self.siblings.cancelled() => return Err(Stopped::Sibling),
                Some(change) = self.changes.recv() => {
                    self.change(change, abort, books).await?;
                    Vec::new()
                }
                () = books.settlements.changed() => {
                    self.report(books);
                    continue;
                }
                () = until(wake) => {
                    let out = self.chain.tick(self.clock.now())?;
                    // From its end: however long a tick takes, a parcel has its turn before the next.
                    ticked = Instant::now();
                    out
                }
                parcel = inlet.recv() => match parcel {
                    Some(parcel) => self.walk(parcel, &mut books.ledger)?,
                    None => {
                        open = false;
                        self.chain.flush(self.clock.now())?
                    }
                },
            };
            self.ship(out, books);
            self.hand_over(abort, books).await?;
            self.report(books);
        }
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

    /// Ends the walk in the ledger and lays out what came of it for every sink.
    fn ship(&self, out: Vec<LogBatch>, books: &mut Books) {
        let shipped = out.iter().flat_map(|batch| batch.seqs.iter().copied());
        let parts = shipped.chain(self.chain.debts().filter(|_| !out.is_empty()));
        let walk = books.ledger.walked(self.chain.owed(), parts);
        let receipt = books.settlements.receipt(walk);
        for batch in out {
            let batch = Finished::new(batch);
            for berth in &self.sinks {
                books.waiting.push_back(Waiting {
                    berth: berth.clone(),
                    batch: batch.clone(),
                    receipt: receipt.clone().until(&berth.release),
                });
            }
        }
        receipt.settle();
    }

    /// Gives the sinks what waits for them as they take it; goes on reporting meanwhile, and lets changes happen.
    async fn hand_over(&mut self, abort: &CancellationToken, books: &mut Books) -> Result<(), Stopped> {
        while let Some(waiting) = books.waiting.pop_front() {
            let load = waiting.batch.load(waiting.berth.form, &mut books.packer);
            let inlet = waiting.berth.inlet.clone();
            let mut room = pin!(inlet.reserve());
            let settlements = books.settlements.clone();
            loop {
                tokio::select! {
                    biased;
                    place = &mut room => {
                        let receipt = waiting.receipt;
                        place.map_err(|_| Stopped::SinkGone)?.send(Shipment { load, receipt });
                        break;
                    }
                    () = abort.cancelled() => return Ok(()),
                    () = self.siblings.cancelled() => return Err(Stopped::Sibling),
                    Some(change) = self.changes.recv() => {
                        books.waiting.push_front(waiting);
                        self.change(change, abort, books).await?;
                        break;
                    }
                    () = settlements.changed() => self.report(books),
                }
            }
        }
        Ok(())
    }

    /// Makes a change: first sees whether it can be made, then waits for the word that all others can make theirs.
    async fn change(
        &mut self,
        change: Change,
        abort: &CancellationToken,
        books: &mut Books,
    ) -> Result<(), Stopped> {
        let began = Instant::now();
        let Change {
            slots,
            sinks,
            sources,
            ready,
            mut verdict,
        } = change;
        let now = self.clock.now();
        let next = match slots.map(|slots| self.chain.prepare(slots, now)).transpose() {
            Ok(next) => next,
            Err(error) => {
                // Whoever asked may have gone.
                let _ = ready.send(Err(error.into()));
                return Ok(());
            }
        };
        let _ = ready.send(Ok(()));
        let go = tokio::select! {
            biased;
            () = abort.cancelled() => return Ok(()),
            word = &mut verdict => word == Ok(Verdict::Go),
        };
        if go {
            let out = match next {
                Some(next) => self.chain.swap(next, now)?,
                None => Vec::new(),
            };
            self.sinks = sinks;
            self.sources.extend(sources);
            self.redirect(books);
            self.ship(out, books);
        }
        self.pauses.observe(began.elapsed().as_secs_f64());
        Ok(())
    }

    /// Leads what waits for a sink to the one that has its name now; to one that the pipeline does not name any more nothing is owed.
    fn redirect(&self, books: &mut Books) {
        for waiting in std::mem::take(&mut books.waiting) {
            match self.sinks.iter().find(|sink| sink.name == waiting.berth.name) {
                Some(sink) => books.waiting.push_back(Waiting {
                    berth: sink.clone(),
                    ..waiting
                }),
                None => waiting.receipt.settle(),
            }
        }
    }

    /// Takes what has settled or was abandoned to the ledger, and the positions this allows to the sources.
    fn report(&self, books: &mut Books) {
        for walk in books.settlements.take() {
            for (origin, position) in books.ledger.settle(walk) {
                if let Some(reporting) = self.sources.get(&origin.source) {
                    reporting.source.settled(reporting.pipe, origin.origin, position);
                }
            }
        }
        for walk in books.settlements.take_abandoned() {
            books.ledger.abandon(walk);
            if !std::mem::replace(&mut books.told, true) {
                tracing::warn!(
                    pipeline = self.name,
                    "a sink gave entries up; they and what follows them will be read again at the next start"
                );
            }
        }
    }
}
