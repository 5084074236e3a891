//! Where a source pours into: the inlets of every pipeline that names it.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use millstream_batch::SampleBatch;
use tokio::sync::mpsc;

use super::lanes::Lanes;
use super::parcel::LogParcel;

/// The pipelines have gone: the source should stop.
#[derive(Debug, thiserror::Error)]
#[error("every pipeline of this source has stopped")]
pub struct Closed;

/// The way into a worker.
type Inlet = mpsc::Sender<LogParcel>;

/// A log source's way out. Waits while a worker is full: back-pressure reaches the reader.
#[derive(Clone, Debug)]
pub struct Outlet {
    source: u32,
    lanes: Arc<Lanes>,
    pipes: Vec<Pipe>,
}

/// A pipeline, by its number and its workers.
#[derive(Clone, Debug)]
struct Pipe {
    number: u32,
    workers: Vec<Inlet>,
}

impl Pipe {
    /// Which of its workers a lane leads to.
    fn place(&self, lane: u32) -> usize {
        lane as usize % self.workers.len().max(1)
    }
}

impl Outlet {
    /// An outlet of source number `source` into these pipelines of one worker, each with its number.
    #[must_use]
    pub fn new(source: u32, pipes: impl IntoIterator<Item = (u32, Inlet)>) -> Self {
        let pipes = pipes.into_iter().map(|(number, worker)| (number, vec![worker]));
        Self::spread(source, Arc::new(Lanes::from(source)), pipes)
    }

    /// An outlet into pipelines of any number of workers, over which files are spread by their lanes.
    #[must_use]
    pub fn spread(
        source: u32,
        lanes: Arc<Lanes>,
        pipes: impl IntoIterator<Item = (u32, Vec<Inlet>)>,
    ) -> Self {
        let pipes = pipes.into_iter();
        Self {
            source,
            lanes,
            pipes: pipes.map(|(number, workers)| Pipe { number, workers }).collect(),
        }
    }

    /// The numbers of the pipelines it feeds.
    #[must_use]
    pub fn numbers(&self) -> Vec<u32> {
        self.pipes.iter().map(|pipe| pipe.number).collect()
    }

    /// Whether it feeds one pipeline only.
    #[must_use]
    pub fn is_single(&self) -> bool {
        self.pipes.len() == 1
    }

    /// The lanes of the source's files.
    #[must_use]
    pub fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    /// A number for the workers that a lane leads to: the same for lanes that lead to the same ones.
    #[must_use]
    pub fn way(&self, lane: u32) -> u64 {
        self.pipes.iter().fold(0, |way: u64, pipe| {
            let (workers, place) = (pipe.workers.len() as u64, pipe.place(lane) as u64);
            way.wrapping_mul(workers).wrapping_add(place)
        })
    }

    fn workers(&self, lane: u32) -> impl Iterator<Item = &Inlet> {
        self.pipes
            .iter()
            .filter_map(move |pipe| pipe.workers.get(pipe.place(lane)))
    }

    /// Whether the workers of a lane have places for several parcels: worth turning to a file for. One that has stopped has.
    #[must_use]
    pub fn has_room(&self, lane: u32) -> bool {
        self.workers(lane)
            .all(|worker| worker.is_closed() || worker.capacity() >= room(worker))
    }

    /// Whether a parcel for this lane would have to wait.
    #[must_use]
    pub fn is_full(&self, lane: u32) -> bool {
        self.workers(lane)
            .any(|worker| !worker.is_closed() && worker.capacity() == 0)
    }

    /// Waits until one of these lanes has room; for ever when there is none.
    pub async fn wait_for_room(&self, lanes: impl IntoIterator<Item = u32>) {
        let of_lane = |lane| async move {
            for worker in self.workers(lane) {
                // The places are given back at once: what takes them comes later, and from here.
                let _ = worker.reserve_many(room(worker)).await.map(drop);
            }
        };
        let mut waits: Vec<Pin<Box<_>>> = lanes.into_iter().map(|lane| Box::pin(of_lane(lane))).collect();
        poll_fn(|context| {
            let mut waits = waits.iter_mut();
            if waits.any(|wait| wait.as_mut().poll(context).is_ready()) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    /// Hands a parcel to every pipeline, to the worker of its lane. One that has stopped is passed over: its positions stay where
    /// they are, so it will read the same again, and the others go on.
    ///
    /// # Errors
    /// When all pipelines have stopped.
    pub async fn send(&self, mut parcel: LogParcel, lane: u32) -> Result<(), Closed> {
        parcel.source = self.source;
        let mut workers = self.workers(lane).peekable();
        let mut taken = self.pipes.is_empty();
        while let Some(worker) = workers.next() {
            if workers.peek().is_none() {
                taken |= worker.send(parcel).await.is_ok();
                break;
            }
            taken |= worker.send(parcel.clone()).await.is_ok();
        }
        if taken { Ok(()) } else { Err(Closed) }
    }
}

/// How many places count as room: half of all, so that a reader is not woken for every parcel.
fn room(worker: &Inlet) -> usize {
    worker.max_capacity().div_ceil(2)
}

/// A sample source's way out.
#[derive(Clone, Debug)]
pub struct SampleOutlet {
    pipes: Vec<mpsc::Sender<SampleBatch>>,
}

impl SampleOutlet {
    /// An outlet into these pipelines.
    #[must_use]
    pub fn new(pipes: Vec<mpsc::Sender<SampleBatch>>) -> Self {
        Self { pipes }
    }

    /// Hands a batch to every pipeline; one that has stopped is passed over.
    ///
    /// # Errors
    /// When all pipelines have stopped.
    pub async fn send(&self, batch: SampleBatch) -> Result<(), Closed> {
        let Some((last, others)) = self.pipes.split_last() else {
            return Ok(());
        };
        let mut taken = false;
        for pipe in others {
            taken |= pipe.send(batch.clone()).await.is_ok();
        }
        taken |= last.send(batch).await.is_ok();
        if taken { Ok(()) } else { Err(Closed) }
    }
}
