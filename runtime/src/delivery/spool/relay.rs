//! The relay: carries packages from what makes them over the disk to what sends them.
//!
//! Invariants: one package at a time is in memory and not on disk, so back-pressure works as without a spool; a
//! package goes through memory only while the disk fails and all that is known to be stored has been handed on, so
//! order is kept (but what a spool holds that could not even be opened comes later);
//! a stored record leaves the store when its receipt is settled, and stays when that is abandoned.
//!
//! At the end, when the inlet closes, all that is stored is safe: it is sent for [`LINGER`] at most, and no longer than
//! the receiver takes it at once. The rest waits on disk for the next start.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Place;
use super::metrics::Gauges;
use super::record::Record;
use super::settings::{OnDiskError, SpoolSettings};
use super::store::{Loss, Refused, Store};
use crate::causes::told;
use crate::delivery::{Losses, Receipt, Settlements};
use crate::timer::until;

/// How long stored packages are still sent once nothing more comes in: most are gone by then, and an agent that is told
/// to stop should.
const LINGER: Duration = Duration::from_secs(5);

/// How often the disk is tried again while it fails.
const RETRY: Duration = Duration::from_secs(1);

/// How often the cursor is saved: what a crash repeats against what a sync costs.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// A request on its way.
#[derive(Debug)]
pub struct Package {
    /// Its body.
    pub payload: Bytes,
    /// How many rows it holds.
    pub rows: usize,
    /// Their bytes of text.
    pub bytes: usize,
    /// Settled when it is stored, or delivered, or dropped and counted.
    pub receipts: Vec<Receipt>,
    /// When its first row came.
    pub arrived: Instant,
    /// Whether it is on disk, and will be there at the next start unless it is settled.
    pub stored: bool,
}

/// What a relay left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Rows that are on disk, to be sent at the next start.
    pub stored: u64,
    /// Rows that are not: their receipts were abandoned.
    pub abandoned: u64,
}

/// Told of everything that is dropped from the store.
pub type OnLoss = Box<dyn Fn(&Loss) + Send>;

/// Carries packages over the disk.
pub struct Relay {
    sink: String,
    place: Place,
    settings: SpoolSettings,
    gauges: Gauges,
    on_loss: OnLoss,
    losses: Losses,
    store: Option<Store>,
    settlements: Arc<Settlements>,
    /// Came in, and is not stored.
    waiting: Option<Package>,
    /// Is to be handed on next.
    ready: Option<Ready>,
    /// Why nothing can be stored.
    writing: Option<Trouble>,
    /// Why nothing can be fetched.
    reading: Option<Trouble>,
    save_at: Option<Instant>,
}

/// A package to be handed on.
enum Ready {
    /// The store has it.
    Stored(Package),
    /// Nothing but memory has it.
    Memory(Package),
}

/// The disk fails.
struct Trouble {
    since: Instant,
    again: Instant,
}

/// Why the relay stops.
enum End {
    /// All is delivered or stored.
    Done,
    /// The time is up.
    Aborted,
}

/// By hand, for the callback.
impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relay")
            .field("place", &self.place)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Relay {
    /// For the sink of this name. Nothing is opened yet.
    #[must_use]
    pub fn new(sink: &str, place: Place, settings: SpoolSettings, gauges: Gauges, on_loss: OnLoss) -> Self {
        Self {
            sink: sink.to_owned(),
            place,
            settings,
            gauges,
            on_loss,
            losses: Losses::default(),
            store: None,
            settlements: Arc::default(),
            waiting: None,
            ready: None,
            writing: None,
            reading: None,
            save_at: None,
        }
    }

    /// Carries packages until the inlet is closed and all are delivered or safe, or until `abort`. `sent` says that
    /// whoever takes from the outlet has ended, `retire` that what is safe need not be sent from here.
    pub async fn run<T: Into<Package> + From<Package>>(
        mut self,
        mut inlet: mpsc::Receiver<T>,
        outlet: mpsc::Sender<T>,
        abort: &CancellationToken,
        sent: &CancellationToken,
        retire: &CancellationToken,
    ) -> Left {
        let end = self.carry(&mut inlet, &outlet, [abort, sent, retire]).await;
        drop(outlet);
        if let End::Done = end {
            // What is under way may still settle.
            tokio::select! {
                () = abort.cancelled() => {}
                () = sent.cancelled() => {}
            }
        }
        self.settle().await;
        self.save(true).await;
        inlet.close();
        let mut left = Left {
            stored: self.store.as_ref().map_or(0, Store::rows),
            abandoned: 0,
        };
        let mut abandoned: Vec<Package> = self.waiting.take().into_iter().collect();
        // What the store has stays there.
        if let Some(Ready::Memory(package)) = self.ready.take() {
            abandoned.push(package);
        }
        while let Ok(package) = inlet.try_recv() {
            abandoned.push(package.into());
        }
        for package in abandoned {
            left.abandoned += package.rows as u64;
            package.receipts.into_iter().for_each(Receipt::abandon);
        }
        if left.stored > 0 {
            let (sink, rows) = (&self.sink, left.stored);
            tracing::info!(
                sink,
                rows,
                "stopped with rows in the spool; they are sent at the next start"
            );
        }
        left
    }

    async fn carry<T: Into<Package> + From<Package>>(
        &mut self,
        inlet: &mut mpsc::Receiver<T>,
        outlet: &mpsc::Sender<T>,
        [abort, sent, retire]: [&CancellationToken; 3],
    ) -> End {
        let mut closed: Option<Instant> = None;
        loop {
            self.work().await;
            let now = Instant::now();
            if let Some(closed) = closed
                && self.waiting.is_none()
                && (self.ready.is_none()
                    || matches!(self.ready, Some(Ready::Stored(_)))
                        && (now >= closed + LINGER || retire.is_cancelled()))
            {
                return End::Done;
            }
            let wanted = self.waiting.is_some() || self.store.is_none();
            let wake = [
                self.writing
                    .as_ref()
                    .filter(|_| wanted)
                    .map(|trouble| trouble.again),
                self.reading.as_ref().map(|trouble| trouble.again),
                self.save_at,
                closed
                    .map(|closed| closed + LINGER)
                    .filter(|linger| *linger > now),
            ];
            let wake = wake.into_iter().flatten().min();
            tokio::select! {
                biased;
                () = abort.cancelled() => return End::Aborted,
                () = sent.cancelled() => return End::Done,
                () = self.settlements.changed() => self.settle().await,
                permit = outlet.reserve(), if self.ready.is_some() => {
                    if let (Ok(permit), Some(Ready::Stored(package) | Ready::Memory(package))) = (permit, self.ready.take()) {
                        permit.send(package.into());
                    }
                }
                package = inlet.recv(), if self.waiting.is_none() && closed.is_none() => match package {
                    Some(package) => self.waiting = Some(package.into()),
                    None => closed = Some(Instant::now()),
                },
                () = retire.cancelled(), if closed.is_some() && matches!(self.ready, Some(Ready::Stored(_))) => {}
                () = until(wake) => self.save(false).await,
            }
        }
    }

    /// Stores what waits and fetches what comes next, as far as the disk lets us.
    async fn work(&mut self) {
        self.store().await;
        self.fetch().await;
        let exhausted = self.store.as_ref().is_none_or(Store::is_exhausted);
        if self.writing.is_some()
            && self.settings.on_disk_error == OnDiskError::Memory
            && self.ready.is_none()
            && exhausted
        {
            self.ready = self.waiting.take().map(Ready::Memory);
        }
    }

    /// Stores what waits.
    async fn store(&mut self) {
        if is_early(self.writing.as_ref()) {
            return;
        }
        if self.store.is_none() {
            let (place, settings) = (self.place.clone(), self.settings.clone());
            // A panic in there leaves no store, as an error does.
            match spawn_blocking(move || Store::open(&place, settings)).await {
                Ok(Ok(store)) => {
                    self.gauges.holds(&store);
                    self.store = Some(store);
                }
                Ok(Err(error)) => return self.cannot_write(&told(&error)),
                Err(panicked) => return self.cannot_write(&told(&panicked)),
            }
        }
        let Some(package) = self.waiting.take() else {
            return;
        };
        let record = Record {
            payload: package.payload.clone(),
            rows: u32::try_from(package.rows).unwrap_or(u32::MAX),
            bytes: package.bytes as u64,
            stored: stamp(package.arrived),
        };
        match self.on_store(move |store| store.append(&record)).await {
            Some(Ok(())) => {
                package.receipts.into_iter().for_each(Receipt::settle);
                if let Some(trouble) = self.writing.take() {
                    let (sink, seconds) = (&self.sink, trouble.since.elapsed().as_secs_f64());
                    tracing::info!(sink, seconds, "the spool works again");
                }
            }
            Some(Err(Refused::Disk(error))) => {
                self.waiting = Some(package);
                self.cannot_write(&told(&error));
            }
            Some(Err(Refused::Full)) | None => self.waiting = Some(package),
        }
    }

    /// Fetches what comes next.
    async fn fetch(&mut self) {
        let wanted = self.ready.is_none() && self.store.as_ref().is_some_and(|store| !store.is_exhausted());
        if !wanted || is_early(self.reading.as_ref()) {
            return;
        }
        let now = stamp(Instant::now());
        match self.on_store(move |store| store.next(now)).await {
            Some(Ok(found)) => {
                self.reading = None;
                self.ready = found.map(|(number, record)| Ready::Stored(self.package(number, record)));
            }
            Some(Err(error)) => {
                self.gauges.failed();
                if self.reading.is_none() {
                    let (sink, error) = (&self.sink, told(&error));
                    tracing::error!(sink, error, "the spool cannot be read; it is tried again");
                }
                self.reading = Some(Trouble::after(self.reading.take()));
            }
            None => {}
        }
    }

    fn package(&self, number: u64, record: Record) -> Package {
        let age = stamp(Instant::now()).saturating_sub(record.stored);
        let age = Duration::from_millis(u64::try_from(age).unwrap_or(0));
        Package {
            rows: record.rows as usize,
            bytes: usize::try_from(record.bytes).unwrap_or(usize::MAX),
            payload: record.payload,
            receipts: vec![self.settlements.receipt(number)],
            stored: true,
            arrived: Instant::now().checked_sub(age).unwrap_or_else(Instant::now),
        }
    }

    /// Takes what is settled out of the store.
    async fn settle(&mut self) {
        let settled = self.settlements.take();
        if settled.is_empty() {
            return;
        }
        self.save_at.get_or_insert_with(|| Instant::now() + SAVE_EVERY);
        self.on_store(move |store| settled.into_iter().for_each(|number| store.settle(number)))
            .await;
    }

    /// Saves the cursor, when it is time.
    async fn save(&mut self, now: bool) {
        if !now && self.save_at.is_none_or(|at| at > Instant::now()) {
            return;
        }
        self.save_at = None;
        if let Some(Err(error)) = self.on_store(Store::save_cursor).await {
            self.save_at = Some(Instant::now() + RETRY);
            self.cannot_write(&told(&error));
        }
    }

    /// Does something with the store, where it may block; sees to what was lost. `None`: there is none.
    async fn on_store<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Store) -> T + Send + 'static,
    ) -> Option<T> {
        let mut store = self.store.take()?;
        let done = spawn_blocking(move || {
            let answer = work(&mut store);
            (store, answer)
        });
        // A panic in there would lose the store: it is opened anew.
        let (mut store, answer) = done.await.ok()?;
        for loss in store.take_losses() {
            self.gauges.lost(&loss);
            (self.on_loss)(&loss);
            if let Some(rows) = self.losses.add(loss.rows) {
                let (sink, reason) = (&self.sink, loss.reason);
                tracing::error!(sink, reason, rows, "dropped rows from the spool");
            }
        }
        self.gauges.holds(&store);
        self.store = Some(store);
        Some(answer)
    }

    /// Says once that the disk does not take anything.
    fn cannot_write(&mut self, error: &str) {
        self.gauges.failed();
        let sink = &self.sink;
        if self.writing.is_none() {
            match self.settings.on_disk_error {
                OnDiskError::Memory => tracing::error!(
                    sink,
                    error,
                    "the spool fails: what comes in is sent from memory until the disk works again"
                ),
                OnDiskError::Block => tracing::error!(
                    sink,
                    error,
                    "the spool fails: what comes in waits until the disk works again"
                ),
            }
        }
        self.writing = Some(Trouble::after(self.writing.take()));
    }
}

impl Trouble {
    /// Another failure, after `before`.
    fn after(before: Option<Self>) -> Self {
        let now = Instant::now();
        Self {
            since: before.map_or(now, |before| before.since),
            again: now + RETRY,
        }
    }
}

/// Whether it is too early to try again.
fn is_early(trouble: Option<&Trouble>) -> bool {
    trouble.is_some_and(|trouble| trouble.again > Instant::now())
}

/// A moment in milliseconds since the Unix epoch.
fn stamp(at: Instant) -> i64 {
    let epoch = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let then = epoch.saturating_sub(at.elapsed());
    i64::try_from(then.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
