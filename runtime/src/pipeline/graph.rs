//! The graph: the running sources, workers and sinks of a manifest.
//!
//! It begins empty and becomes what an assembly says ([`Graph::apply`]), at the start and at every reload. It drains in the order
//! of travel: sources stop → workers flush and end → sinks send what they have and end →
//! checkpoints are saved. Each step ends the next by closing its inlet. A worker ends when all it shipped is settled or
//! abandoned, so a sink that died does not hold a drain up. When the deadline passes, what is left is abandoned too.
//! What was left is reported, by sink and by pipeline, and read again at the next start.

mod apply;
mod ending;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use millstream_batch::SampleBatch;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle as Task;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::change::Change;
use super::numbers::Numbers;
use super::succession::{RunningStages, StageSpec};
use super::worker::{Berth, WorkerReport};
use crate::admin::{Families, Health};
use crate::causes;
use crate::delivery::spool::Shelf;
use crate::manifest::{SinkKind, SourceKind};
use crate::sinks::report::SinkReport;
use crate::sinks::succession::Estate;
use crate::sources::LogParcel;
use crate::sources::file::CheckpointBook;
use ending::Ending;

pub use apply::ApplyError;
pub use ending::StartError;

/// How long everything gets beyond the drain's deadline to see that it was told to stop.
const ABORT_GRACE: Duration = Duration::from_secs(2);

/// How long a sink that the manifest no longer names goes on delivering what it has.
const LEAVE_DEADLINE: Duration = Duration::from_secs(30);

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
    around: Surroundings,
    numbers: Numbers,
    sources: BTreeMap<String, RunningSource>,
    logs: BTreeMap<String, RunningLogs>,
    samples: BTreeMap<String, RunningSamples>,
    sinks: BTreeMap<String, RunningSink>,
    /// Gone from the manifest, and not yet at their end.
    leaving_logs: Vec<(String, Task<WorkerReport>)>,
    leaving_samples: Vec<Ending<()>>,
    leaving_sinks: Vec<(String, Task<SinkReport>)>,
    stop_sources: CancellationToken,
    abort: CancellationToken,
}

struct RunningSource {
    kind: SourceKind,
    feeds: Vec<String>,
    rest: CancellationToken,
    stop: CancellationToken,
    ending: Ending<()>,
}

struct RunningLogs {
    pipe: u32,
    workers: Vec<RunningWorker>,
    specs: Vec<StageSpec>,
    halted: Arc<AtomicBool>,
}

struct RunningWorker {
    inlet: mpsc::Sender<LogParcel>,
    changes: mpsc::Sender<Change>,
    ending: Ending<WorkerReport>,
}

impl RunningLogs {
    fn is_halted(&self) -> bool {
        self.halted.load(Ordering::Acquire)
    }

    /// Closes the ways in and waits until all workers have ended; what they say together.
    fn ended(self) -> impl Future<Output = WorkerReport> + Send + 'static {
        // Before anything is waited for: a worker ends once nothing leads into it.
        let endings: Vec<_> = self.workers.into_iter().map(|worker| worker.ending).collect();
        async move {
            let mut all = WorkerReport::default();
            for mut ending in endings {
                // Of one that panicked nobody knows.
                all.owed_entries += ending.done().await.unwrap_or_default().owed_entries;
            }
            all
        }
    }
}

struct RunningSamples {
    inlet: mpsc::Sender<SampleBatch>,
    berths: watch::Sender<Vec<Berth>>,
    ending: Ending<()>,
}

struct RunningSink {
    kind: SinkKind,
    berth: Berth,
    retire: CancellationToken,
    estate: Estate,
    abort: CancellationToken,
    task: Task<SinkReport>,
}

impl Graph {
    /// A graph of nothing.
    #[must_use]
    pub fn empty(around: Surroundings) -> Self {
        Self {
            around,
            numbers: Numbers::default(),
            sources: BTreeMap::new(),
            logs: BTreeMap::new(),
            samples: BTreeMap::new(),
            sinks: BTreeMap::new(),
            leaving_logs: Vec::new(),
            leaving_samples: Vec::new(),
            leaving_sinks: Vec::new(),
            stop_sources: CancellationToken::new(),
            abort: CancellationToken::new(),
        }
    }

    /// By pipeline, the stages that run; none of pipelines that have halted.
    #[must_use]
    pub fn stages(&self) -> BTreeMap<String, RunningStages> {
        let running = self.logs.iter().filter(|(_, running)| !running.is_halted());
        let stages = |running: &RunningLogs| RunningStages {
            specs: running.specs.clone(),
            workers: running.workers.len(),
        };
        running
            .map(|(name, running)| (name.clone(), stages(running)))
            .collect()
    }

    pub(super) fn around(&self) -> &Surroundings {
        &self.around
    }

    pub(super) fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    /// The way into a sink that runs with these settings.
    pub(super) fn sink(&self, name: &str, kind: &SinkKind) -> Option<Berth> {
        let running = self.sinks.get(name)?;
        (running.kind == *kind && !running.task.is_finished()).then(|| running.berth.clone())
    }

    /// The number of a pipeline for log entries that runs, and the ways into its workers.
    pub(super) fn log_pipeline(&self, name: &str) -> Option<(u32, Vec<mpsc::Sender<LogParcel>>)> {
        let running = self.logs.get(name).filter(|running| !running.is_halted())?;
        let inlets = running.workers.iter().map(|worker| worker.inlet.clone());
        Some((running.pipe, inlets.collect()))
    }

    /// Whether a pipeline of this name has stopped by itself.
    pub(super) fn has_halted(&self, name: &str) -> bool {
        self.logs.get(name).is_some_and(RunningLogs::is_halted)
    }

    /// The way into a pipeline for samples that runs.
    pub(super) fn sample_pipeline(&self, name: &str) -> Option<mpsc::Sender<SampleBatch>> {
        let running = self.samples.get(name)?;
        (!running.inlet.is_closed()).then(|| running.inlet.clone())
    }

    /// Whether a source of these settings runs and feeds these pipelines.
    pub(super) fn has_source(&self, name: &str, kind: &SourceKind, feeds: &[String]) -> bool {
        let running = self.sources.get(name);
        running.is_some_and(|running| running.kind == *kind && running.feeds == feeds)
    }

    /// Ends everything in the order of travel; what is not done by `deadline` is abandoned.
    pub async fn drain(mut self, deadline: Duration) -> DrainReport {
        let mut report = DrainReport::default();
        self.stop_sources.cancel();
        let in_time = timeout(deadline, self.end(&mut report)).await.is_ok();
        if !in_time {
            self.abort.cancel();
            if timeout(ABORT_GRACE, self.end(&mut report)).await.is_err() {
                tracing::error!("parts of the graph do not stop; they are left to themselves");
            }
        }
        report.in_time = in_time;
        let book = &self.around.book;
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

    /// Waits for the end of everything, in the order of travel; may be asked again where it was broken off.
    async fn end(&mut self, report: &mut DrainReport) {
        while let Some(mut last) = self.sources.last_entry() {
            last.get_mut().ending.done().await;
            last.remove();
        }
        // Nothing but the sources led into the pipelines, and nothing but the pipelines into the sinks.
        for (_, running) in std::mem::take(&mut self.samples) {
            self.leaving_samples.push(running.ending);
        }
        for (name, running) in std::mem::take(&mut self.logs) {
            self.leaving_logs.push((name, tokio::spawn(running.ended())));
        }
        while let Some(ending) = self.leaving_samples.last_mut() {
            ending.done().await;
            self.leaving_samples.pop();
        }
        while let Some((name, ended)) = self.leaving_logs.last_mut() {
            // Of one that panicked nobody knows.
            let again = ended.await.map_or(0, |report| report.owed_entries);
            if again > 0 {
                *report.again.entry(name.clone()).or_default() += again;
            }
            self.leaving_logs.pop();
        }
        for (name, running) in std::mem::take(&mut self.sinks) {
            drop(running.berth);
            self.leaving_sinks.push((name, running.task));
        }
        while let Some((name, sink)) = self.leaving_sinks.last_mut() {
            // A sink that panicked has abandoned all it had; how much, nobody knows.
            let left = sink.await.map_or(0, |report| report.left_rows);
            if left > 0 {
                *report.left.entry(name.clone()).or_default() += left;
            }
            self.leaving_sinks.pop();
        }
    }
}
