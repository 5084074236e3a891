//! The graph: the running sources, workers and sinks of a manifest.
//!
//! It starts from the sinks back to the sources, so that nothing is read before there is somewhere to put it, and
//! drains in the order of travel: sources stop → workers flush and end → sinks send what they have and end →
//! checkpoints are saved. Each step ends the next by closing its inlet. A worker ends when all it shipped is settled or
//! abandoned, so a sink that died does not hold a drain up. When the deadline passes, what is left is abandoned too.
//! What was left is reported, by sink and by pipeline, and read again at the next start.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use millstream_plugin_host::STACK_SIZE;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle as Task;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::assembly::{Assembly, Sink, Source};
use super::sample_worker;
use super::worker::{Worker, WorkerReport};
use crate::admin::{Families, Health};
use crate::causes;
use crate::delivery::spool::Shelf;
use crate::sinks::report::SinkReport;
use crate::sources::LogParcel;
use crate::sources::file::CheckpointBook;

/// How long everything gets beyond the drain's deadline to see that it was told to stop.
const ABORT_GRACE: Duration = Duration::from_secs(2);

/// Stack of a thread that reads files: no guest runs on it.
const READER_STACK: usize = 1 << 20;

/// What a graph needs of the process.
#[derive(Clone)]
pub struct Surroundings {
    /// The agent's metrics.
    pub families: Families,
    /// Who is well.
    pub health: Arc<Health>,
    /// The checkpoints.
    pub book: Arc<CheckpointBook>,
    /// The spools.
    pub shelf: Shelf,
}

/// A thread cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot start the thread of {what}")]
pub struct StartError {
    what: String,
    source: io::Error,
}

/// What a drain left behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DrainReport {
    /// Whether everything ended before the deadline.
    pub in_time: bool,
    /// Rows that each sink could not deliver; those that left nothing are not named.
    pub left: BTreeMap<String, u64>,
    /// Entries that each pipeline will read again; those that read nothing again are not named.
    pub again: BTreeMap<String, u64>,
}

impl DrainReport {
    /// Whether everything that was read has arrived.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.in_time && self.left.is_empty() && self.again.is_empty()
    }
}

/// The running sources, workers and sinks of a manifest.
pub struct Graph {
    sources: Vec<Ending<()>>,
    workers: Vec<(String, Ending<WorkerReport>)>,
    sample_workers: Vec<Ending<()>>,
    sinks: Vec<(String, Task<SinkReport>)>,
    stop_sources: CancellationToken,
    abort: CancellationToken,
    book: Arc<CheckpointBook>,
}

/// Something that ends by itself once told, with a last word: a task, or a thread.
enum Ending<T> {
    Task(Task<T>),
    Thread(oneshot::Receiver<T>, JoinHandle<()>),
    /// Its last word was heard.
    Ended,
}

impl Graph {
    /// Starts an assembly.
    ///
    /// # Errors
    /// When the machine gives no thread; what has started by then is stopped again, and nothing was read.
    pub fn start(assembly: Assembly, around: &Surroundings) -> Result<Self, StartError> {
        let mut graph = Self {
            sources: Vec::new(),
            workers: Vec::new(),
            sample_workers: Vec::new(),
            sinks: Vec::new(),
            stop_sources: CancellationToken::new(),
            abort: CancellationToken::new(),
            book: around.book.clone(),
        };
        let started = graph.start_all(assembly, around);
        if started.is_err() {
            graph.stop_sources.cancel();
            graph.abort.cancel();
        }
        started.map(|()| graph)
    }

    fn start_all(&mut self, assembly: Assembly, around: &Surroundings) -> Result<(), StartError> {
        let Assembly {
            sinks,
            workers,
            sample_workers,
            sources,
        } = assembly;
        for (name, sink, inlet) in sinks {
            let abort = self.abort.clone();
            let task = match sink {
                Sink::Loki(sink) => tokio::spawn(sink.run(inlet, abort)),
                Sink::RemoteWrite(sink) => tokio::spawn(sink.run(inlet, abort)),
                Sink::Console(sink) => tokio::spawn(sink.run(inlet, abort)),
            };
            self.sinks.push((name, task));
        }
        for (to, inlet) in sample_workers {
            let work = sample_worker::run(inlet, to, self.abort.clone());
            self.sample_workers.push(Ending::Task(tokio::spawn(work)));
        }
        for (worker, inlet) in workers {
            self.start_worker(worker, inlet, around)?;
        }
        for (name, source) in sources {
            let stop = self.stop_sources.clone();
            self.sources.push(match source {
                Source::File(source) => thread(&format!("source `{name}`"), READER_STACK, move || {
                    source.run(stop)
                })?,
                Source::Prometheus(source) => Ending::Task(tokio::spawn(source.run(stop))),
            });
        }
        Ok(())
    }

    fn start_worker(
        &mut self,
        worker: Worker,
        inlet: mpsc::Receiver<LogParcel>,
        around: &Surroundings,
    ) -> Result<(), StartError> {
        let what = format!("pipeline `{}`", worker.name);
        let (abort, health) = (self.abort.clone(), around.health.clone());
        health.well(&what);
        let component = what.clone();
        let name = worker.name.clone();
        let ending = thread(&what, STACK_SIZE, move || async move {
            let aborted = abort.clone();
            let stopped = |error| {
                // Once told to abort, ends of all kinds are expected.
                if !aborted.is_cancelled() {
                    let error = causes::told(&error);
                    tracing::error!(
                        component,
                        error,
                        "pipeline stopped; its files will be read again from here"
                    );
                    health.ill(&component, &error);
                }
            };
            worker.run(inlet, abort, stopped).await
        })?;
        self.workers.push((name, ending));
        Ok(())
    }

    /// Ends everything in the order of travel; what is not done by `deadline` is abandoned.
    pub async fn drain(self, deadline: Duration) -> DrainReport {
        let Self {
            mut sources,
            mut workers,
            mut sample_workers,
            mut sinks,
            stop_sources,
            abort,
            book,
        } = self;
        let mut report = DrainReport::default();
        stop_sources.cancel();
        let mut ended = async || {
            for ending in sources.iter_mut().chain(&mut sample_workers) {
                ending.done().await;
            }
            for (name, ending) in &mut workers {
                // Of one that panicked nobody knows.
                let again = ending.done().await.map_or(0, |report| report.owed_entries);
                if again > 0 {
                    report.again.insert(name.clone(), again);
                }
            }
            while let Some((name, sink)) = sinks.last_mut() {
                // A sink that panicked has abandoned all it had; how much, nobody knows.
                let left = sink.await.map_or(0, |report| report.left_rows);
                if left > 0 {
                    report.left.insert(name.clone(), left);
                }
                sinks.pop();
            }
        };
        let in_time = timeout(deadline, ended()).await.is_ok();
        if !in_time {
            abort.cancel();
            if timeout(ABORT_GRACE, ended()).await.is_err() {
                tracing::error!("parts of the graph do not stop; they are left to themselves");
            }
        }
        report.in_time = in_time;
        book.end();
        if let Err(error) = book.save() {
            let error = causes::told(&error);
            tracing::error!(
                error,
                "checkpoints not saved; what came after the last save will be read again"
            );
        }
        report
    }
}

impl<T> Ending<T> {
    /// Waits for the end and its last word; there is none from what panicked or was asked before.
    async fn done(&mut self) -> Option<T> {
        let word = match self {
            Self::Task(task) => task.await.ok(),
            Self::Thread(done, _) => done.await.ok(),
            Self::Ended => return None,
        };
        if let Self::Thread(_, handle) = std::mem::replace(self, Self::Ended) {
            // It has said its last word, or died: joining cannot block for long.
            let _ = handle.join();
        }
        word
    }
}

/// A thread with a tokio runtime of its own, running one future.
fn thread<F: Future<Output: Send + 'static>>(
    what: &str,
    stack: usize,
    work: impl FnOnce() -> F + Send + 'static,
) -> Result<Ending<F::Output>, StartError> {
    let failed = |source| StartError {
        what: what.into(),
        source,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    let (say, done) = oneshot::channel();
    // Backquotes are for messages; tools that list threads show the first 15 characters.
    let name: String = what.chars().filter(|c| *c != '`').collect();
    let handle = std::thread::Builder::new()
        .name(name)
        .stack_size(stack)
        .spawn(move || {
            // Whoever waited may have gone.
            let _ = say.send(runtime.block_on(work()));
        })
        .map_err(failed)?;
    Ok(Ending::Thread(done, handle))
}
