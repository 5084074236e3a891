//! One life of the agent: the real workers with their books, between a simulated reader and simulated sinks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use millstream::delivery::{Form, Release};
use millstream::pipeline::WallClock;
use millstream::pipeline::chain::swap::Slot;
use millstream::pipeline::change::{Change, Verdict};
use millstream::pipeline::worker::{Berth, CHANGES_QUEUED, PARCELS_QUEUED, Reporting, Worker, WorkerReport};
use millstream::sources::file::CheckpointBook;
use millstream::sources::{LogParcel, Outlet};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::mill::{Kind, Mill};
use crate::random::Random;
use crate::reader::Reader;
use crate::sink::Sink;
use crate::witness::Witness;
use crate::world::{self, World};

/// When every schedule begins, in nanoseconds since the epoch.
const EPOCH: i64 = 1_700_000_000_000_000_000;

/// Shipments that wait for a sink, as in `pipeline/assembly.rs`.
const SHIPMENTS_QUEUED: usize = 2;

/// How one half of the sinks wants entries; the other wants rows.
const PACKED: Form = Form::Packed {
    request: 1 << 20,
    weight: 4 << 20,
};

/// Turns until every task has come as far as it can: each hop from reader to book takes one or two.
const TURNS: usize = 16;

/// Turns a drain with working sinks may take before it counts as stuck.
const PATIENCE: usize = 10_000;

/// A running agent.
pub struct Life {
    world: Arc<Mutex<World>>,
    book: Arc<CheckpointBook>,
    /// The reader.
    pub reader: Option<Reader>,
    /// The sinks of all pipelines.
    pub sinks: Vec<Sink>,
    inlets: Vec<mpsc::WeakSender<LogParcel>>,
    workers: Vec<JoinHandle<WorkerReport>>,
    /// Per pipeline, its way to change and its sinks.
    changing: Vec<(mpsc::Sender<Change>, Vec<Berth>)>,
    abort: CancellationToken,
    /// Whether a worker stopped early, or something was abandoned: what is settled stays behind.
    pub limps: Arc<Mutex<bool>>,
}

impl Life {
    /// Starts workers on a book.
    pub fn start(world: &Arc<Mutex<World>>, book: &Arc<CheckpointBook>, mill: &Mill, kinds: &[Kind]) -> Self {
        let abort = CancellationToken::new();
        let limps = Arc::new(Mutex::new(false));
        let (mut sinks, mut workers, mut inlets) = (Vec::new(), Vec::new(), Vec::new());
        let mut changing = Vec::new();
        let mut now = world.lock().unwrap();
        now.tell(format!("a life begins: {kinds:?}"));
        now.life = world::Life::new(kinds);
        for (pipeline, &kind) in kinds.iter().enumerate() {
            let mut to = Vec::new();
            for number in 0..now.sinks[pipeline] {
                let (inlet, receiver) = mpsc::channel(SHIPMENTS_QUEUED);
                sinks.push(Sink::new(pipeline, number, receiver));
                to.push(Berth {
                    name: number.to_string(),
                    inlet,
                    form: if number % 2 == 0 { PACKED } else { Form::Rows },
                    release: Release::default(),
                });
            }
            let source = Arc::new(Witness {
                world: world.clone(),
                book: book.clone(),
            });
            let pipe = u32::try_from(pipeline).unwrap();
            let (changes, wishes) = mpsc::channel(CHANGES_QUEUED);
            changing.push((changes, to.clone()));
            let worker = Worker {
                name: format!("{pipeline}"),
                chain: mill.chain(kind),
                sinks: to,
                sources: HashMap::from([(0, Reporting { source, pipe })]),
                clock: WallClock::starting_at(EPOCH + now.now),
                changes: wishes,
                pauses: mill.reloads().pauses("simulated"),
                siblings: CancellationToken::new(),
            };
            let (inlet, receiver) = mpsc::channel(PARCELS_QUEUED);
            inlets.push(inlet);
            let (abort, limping) = (abort.clone(), limps.clone());
            workers.push(tokio::spawn(worker.run(receiver, abort, move |_| {
                *limping.lock().unwrap() = true;
            })));
        }
        drop(now);
        Self {
            world: world.clone(),
            book: book.clone(),
            inlets: inlets.iter().map(mpsc::Sender::downgrade).collect(),
            reader: Some(Reader::new(
                world.clone(),
                book.clone(),
                Outlet::new(0, (0..).zip(inlets)),
            )),
            sinks,
            workers,
            changing,
            abort,
            limps,
        }
    }

    /// Has the stages of a pipeline that runs replaced, some of them by fresh ones, and some sinks by others that want entries
    /// in another form, as a reload does.
    pub fn swap(&mut self, pipeline: usize, kind: Kind, mill: &Mill, random: &mut Random) {
        let places = mill.stages(kind).into_iter().enumerate();
        let slots = places.map(|(place, stage)| {
            if random.chance(30) {
                return Slot::Kept(place);
            }
            Slot::Made {
                stage: Box::new(stage),
                adopts: Some(place),
            }
        });
        let (ready, _) = oneshot::channel();
        let (say, verdict) = oneshot::channel();
        let slots = slots.collect();
        let (changes, sinks) = &mut self.changing[pipeline];
        for sink in sinks.iter_mut().filter(|_| random.chance(30)) {
            sink.form = if sink.form == PACKED { Form::Rows } else { PACKED };
        }
        let change = Change {
            slots: Some(slots),
            sinks: sinks.clone(),
            sources: HashMap::new(),
            ready,
            verdict,
        };
        // One that has stopped, or has not made the last change yet, makes none.
        let _ = changes.try_send(change);
        let _ = say.send(Verdict::Go);
    }

    /// Lets every task come as far as it can, and notes which parcels were taken.
    pub async fn rest(&mut self) {
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
        let mut unsure = 0;
        if let Some(reader) = &mut self.reader {
            reader.hear().await;
            unsure = usize::from(reader.is_sending());
        }
        let mut world = self.world.lock().unwrap();
        let (now, parcels) = (world.now, world.life.parcels);
        for (pipeline, inlet) in self.inlets.iter().enumerate() {
            let waiting = inlet
                .upgrade()
                .map_or(0, |inlet| inlet.max_capacity() - inlet.capacity());
            let taken = parcels.saturating_sub(waiting + unsure);
            let known = &mut world.life.taken[pipeline];
            known.resize(taken.max(known.len()), now);
        }
    }

    /// Whether anything is lost for this life.
    pub fn limps(&self) -> bool {
        *self.limps.lock().unwrap()
    }

    /// The sinks take and accept something, in any order. False when there was nothing.
    pub fn serve(&mut self, random: &mut Random) -> bool {
        let mut world = self.world.lock().unwrap();
        let mut busy = false;
        for sink in &mut self.sinks {
            while random.chance(80) && sink.take(&mut world, random) {
                busy = true;
            }
            while random.chance(80) && sink.accept(&mut world, random) {
                busy = true;
            }
        }
        busy
    }

    /// Stops reading, lets the stages go of everything and waits for the sinks, as `Graph::drain` does. With `patient`
    /// sinks all of it arrives that can; without, the deadline passes at some point.
    pub async fn drain(mut self, random: &mut Random, patient: bool) {
        self.rest().await;
        let given_up = self.reader.as_ref().is_some_and(Reader::is_sending);
        self.world.lock().unwrap().cut_here(given_up);
        if let Some(reader) = self.reader.take() {
            reader.stop().await;
        }
        self.changing.clear();
        let mut turns = if patient { PATIENCE } else { random.below(30) };
        while turns > 0 && self.workers.iter().any(|worker| !worker.is_finished()) {
            self.serve(random);
            self.rest().await;
            turns -= 1;
        }
        if patient && turns == 0 {
            self.world
                .lock()
                .unwrap()
                .fail("a drain never ends although all that can be answered was");
        }
        self.abort.cancel();
        self.rest().await;
        if !patient {
            let mut world = self.world.lock().unwrap();
            self.sinks
                .iter_mut()
                .for_each(|sink| sink.die(&mut world, random));
        }
        self.book.end();
        let limps = self.limps();
        for (pipeline, worker) in self.workers.into_iter().enumerate() {
            let report = worker.await.unwrap();
            let mut world = self.world.lock().unwrap();
            let owed = world.owed(pipeline);
            if !given_up && !limps && report.owed_entries != owed {
                let told = report.owed_entries;
                world.fail(format!(
                    "pipeline {pipeline} says that it owes {told} entries, but it owes {owed}"
                ));
            }
        }
    }

    /// The process is gone in the middle of whatever it did.
    pub async fn crash(mut self, random: &mut Random) {
        for worker in &self.workers {
            worker.abort();
        }
        if let Some(reader) = self.reader.take() {
            reader.stop().await;
        }
        for worker in self.workers {
            // Aborted, or ended before.
            let _ = worker.await;
        }
        let mut world = self.world.lock().unwrap();
        self.sinks
            .iter_mut()
            .for_each(|sink| sink.die(&mut world, random));
    }
}
