//! Making a graph what an assembly says, while it runs.
//!
//! In this order: pipelines that are new start, waiting. Those that run say whether they can change; when one cannot, nothing
//! has changed. Then all change, each between two batches, and ship to the sinks to come. Sinks that are replaced give
//! what they have not delivered to the ones that take over. Sources whose settings or pipelines are others rest between two
//! parcels, and the ones in their place go on behind what they handed on. What is gone from the manifest drains by itself.
//!
//! Invariants: an entry that is on its way stays so, under the same number, in the same ledger; no file is read again; nothing is
//! delivered to a sink by two at a time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use millstream_plugin_host::STACK_SIZE;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::ending::{Ending, StartError, thread};
use super::{
    Graph, LEAVE_DEADLINE, READER_STACK, RunningLogs, RunningSamples, RunningSink, RunningSource,
    RunningWorker,
};
use crate::causes;
use crate::delivery::Shipment;
use crate::manifest::SourceKind;
use crate::pipeline::assembly::{
    Assembly, LogPart, MadeSource, SamplePart, Sink, SinkPart, Source, SourcePart,
};
use crate::pipeline::chain::Chain;
use crate::pipeline::chain::swap::Slot;
use crate::pipeline::change::{Change, Refusal, Verdict};
use crate::pipeline::clock::WallClock;
use crate::pipeline::sample_worker;
use crate::pipeline::worker::{CHANGES_QUEUED, Worker, WorkerReport};
use crate::sinks::report::SinkReport;
use crate::sinks::succession::{Estate, Remains, Succession};
use crate::sources::LogParcel;
use crate::stages::Stage;

/// How long all pipelines together may take to say whether they can change: longer than a few calls that run into their time
/// limits.
const ANSWER: Duration = Duration::from_secs(10);

/// How long a source gets to come to rest between two parcels before it is stopped where it is.
const REST: Duration = Duration::from_secs(5);

/// Why a graph is not what the assembly says.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// No thread can be had.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A pipeline cannot change; nothing has changed.
    #[error("pipeline `{pipeline}` cannot be changed")]
    Refused {
        /// Which.
        pipeline: String,
        /// Why.
        source: Refusal,
    },
    /// A pipeline does not answer; nothing has changed.
    #[error("pipeline `{pipeline}` did not come to the end of its batch within {} s", ANSWER.as_secs())]
    Silent {
        /// Which.
        pipeline: String,
    },
}

/// How the workers of a pipeline stop together: what one of them must not go on from, none of them may.
#[derive(Clone, Default)]
struct Halt {
    halted: Arc<AtomicBool>,
    siblings: CancellationToken,
}

/// A pipeline, for messages.
fn told(pipeline: &str) -> String {
    format!("pipeline `{pipeline}`")
}

impl Graph {
    /// Makes this graph what `assembly` says.
    ///
    /// # Errors
    /// When it cannot be; unless a source's thread cannot be had, nothing has changed then.
    pub async fn apply(&mut self, assembly: Assembly) -> Result<(), ApplyError> {
        let Assembly {
            sinks,
            mut logs,
            samples,
            sources,
        } = assembly;
        let begun = self.begin_pipelines(&mut logs)?;
        let verdicts = self.ask(&mut logs).await?;
        for verdict in verdicts {
            // A worker that died meanwhile has nothing to change.
            let _ = verdict.send(Verdict::Go);
        }
        self.logs_became(logs, begun);
        self.samples_became(samples);
        self.sinks_became(sinks);
        self.sources_became(sources).await
    }

    /// Starts the pipelines that are new; nothing comes in yet.
    fn begin_pipelines(
        &self,
        logs: &mut BTreeMap<String, LogPart>,
    ) -> Result<BTreeMap<String, RunningLogs>, StartError> {
        let mut begun = BTreeMap::new();
        for (name, part) in logs {
            if let Some(inlets) = part.made.take() {
                begun.insert(name.clone(), self.begin_pipeline(name, part, inlets)?);
            }
        }
        Ok(begun)
    }

    fn begin_pipeline(
        &self,
        name: &str,
        part: &mut LogPart,
        receivers: Vec<mpsc::Receiver<LogParcel>>,
    ) -> Result<RunningLogs, StartError> {
        let made = |slot| match slot {
            Slot::Made { stage, .. } => Some(*stage),
            // Nothing runs that could be kept.
            Slot::Kept(_) => None,
        };
        let halt = Halt::default();
        self.around.health.well(&told(name));
        let mut workers = Vec::with_capacity(receivers.len());
        let slots = std::mem::take(&mut part.slots);
        for ((receiver, slots), inlet) in receivers.into_iter().zip(slots).zip(&part.inlets) {
            let stages: Vec<Stage> = slots.into_iter().filter_map(made).collect();
            let (changes, wishes) = mpsc::channel(CHANGES_QUEUED);
            let worker = Worker {
                name: name.to_owned(),
                chain: Chain::new(stages),
                sinks: part.berths.clone(),
                sources: part.sources.clone(),
                clock: WallClock::start(),
                changes: wishes,
                pauses: self.around.families.reloads.pauses(name),
                siblings: halt.siblings.clone(),
            };
            workers.push(RunningWorker {
                inlet: inlet.clone(),
                changes,
                ending: self.start_worker(worker, receiver, halt.clone())?,
            });
        }
        Ok(RunningLogs {
            pipe: part.pipe,
            workers,
            specs: std::mem::take(&mut part.specs),
            halted: halt.halted,
        })
    }

    fn start_worker(
        &self,
        worker: Worker,
        inlet: mpsc::Receiver<LogParcel>,
        halt: Halt,
    ) -> Result<Ending<WorkerReport>, StartError> {
        let what = told(&worker.name);
        let (abort, health) = (self.abort.clone(), self.around.health.clone());
        let component = what.clone();
        thread(&what, STACK_SIZE, move || async move {
            let aborted = abort.clone();
            let stopped = |error| {
                // The first to stop says why; the others stop because of it. Once told to abort, ends of all kinds are expected.
                let first = !halt.halted.swap(true, Ordering::AcqRel);
                halt.siblings.cancel();
                if first && !aborted.is_cancelled() {
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
        })
    }

    /// Asks every pipeline that stays whether it can change. The answer are the words that wait for the verdict; when they are
    /// dropped, nothing changes.
    async fn ask(
        &mut self,
        logs: &mut BTreeMap<String, LogPart>,
    ) -> Result<Vec<oneshot::Sender<Verdict>>, ApplyError> {
        let mut verdicts = Vec::new();
        let mut answers = Vec::new();
        for (name, part) in logs {
            let Some(running) = self.logs.get(name).filter(|running| !running.is_halted()) else {
                continue;
            };
            for (worker, slots) in running.workers.iter().zip(std::mem::take(&mut part.slots)) {
                let (ready, answer) = oneshot::channel();
                let (say, verdict) = oneshot::channel();
                let mut kept = slots.iter().enumerate();
                let same = slots.len() == running.specs.len()
                    && kept.all(|(place, slot)| matches!(slot, Slot::Kept(from) if *from == place));
                let change = Change {
                    slots: (!same).then_some(slots),
                    sinks: part.berths.clone(),
                    sources: part.sources.clone(),
                    ready,
                    verdict,
                };
                let asked = worker.changes.send(change).await.is_ok();
                answers.push((name.clone(), asked, answer));
                verdicts.push(say);
            }
        }
        let all = async {
            for (pipeline, asked, answer) in &mut answers {
                let told = if *asked { answer.await.ok() } else { None };
                told.unwrap_or(Err(Refusal::Stopped))
                    .map_err(|source| ApplyError::Refused {
                        pipeline: pipeline.clone(),
                        source,
                    })?;
            }
            Ok::<(), ApplyError>(())
        };
        match timeout(ANSWER, all).await {
            Ok(told) => told.map(|()| verdicts),
            Err(_) => {
                let pipeline = answers
                    .into_iter()
                    .map(|(pipeline, ..)| pipeline)
                    .next()
                    .unwrap_or_default();
                Err(ApplyError::Silent { pipeline })
            }
        }
    }

    fn logs_became(&mut self, logs: BTreeMap<String, LogPart>, mut begun: BTreeMap<String, RunningLogs>) {
        let mut former = std::mem::take(&mut self.logs);
        for (name, part) in logs {
            let running = match begun.remove(&name) {
                Some(running) => {
                    // One of the name that has halted may still wait for its shipments.
                    if let Some(halted) = former.remove(&name) {
                        self.let_go(&name, halted, false);
                    }
                    running
                }
                None => match former.remove(&name) {
                    Some(running) => RunningLogs {
                        specs: part.specs,
                        ..running
                    },
                    None => continue,
                },
            };
            self.logs.insert(name, running);
        }
        for (name, gone) in former {
            self.let_go(&name, gone, true);
        }
    }

    /// A pipeline that nothing leads into any more flushes and ends by itself.
    fn let_go(&mut self, name: &str, gone: RunningLogs, retires: bool) {
        let (pipe, ended) = (gone.pipe, gone.ended());
        let book = self.around.book.clone();
        let ended = async move {
            let report = ended.await;
            if retires {
                book.retire(pipe);
            }
            report
        };
        self.leaving_logs.push((name.to_owned(), tokio::spawn(ended)));
    }

    fn samples_became(&mut self, samples: BTreeMap<String, SamplePart>) {
        let mut former = std::mem::take(&mut self.samples);
        for (name, part) in samples {
            let SamplePart { inlet, made, berths } = part;
            let running = match (former.remove(&name), made) {
                (Some(running), None) => {
                    // Nobody else listens; the worker may have ended with its sources.
                    let _ = running.berths.send(berths);
                    running
                }
                (_, Some(receiver)) => {
                    let (say, told) = watch::channel(berths);
                    let work = sample_worker::run(receiver, told, self.abort.clone());
                    RunningSamples {
                        inlet,
                        berths: say,
                        ending: Ending::Task(tokio::spawn(work)),
                    }
                }
                (None, None) => continue,
            };
            self.samples.insert(name, running);
        }
        for (_, RunningSamples { ending, .. }) in former {
            self.leaving_samples.push(ending);
        }
    }

    fn sinks_became(&mut self, sinks: BTreeMap<String, SinkPart>) {
        let mut former = std::mem::take(&mut self.sinks);
        for (name, part) in sinks {
            let SinkPart { kind, berth, made } = part;
            let before = former.remove(&name);
            let running = match (made, before) {
                (None, Some(before)) => before,
                (None, None) => continue,
                (Some((sink, inlet)), before) => {
                    let before = before.and_then(|before| {
                        if std::mem::discriminant(&before.kind) == std::mem::discriminant(&kind) {
                            before.retire.cancel();
                            Some((before.task, before.estate))
                        } else {
                            self.dismiss(&name, before);
                            None
                        }
                    });
                    let (retire, abort) = (CancellationToken::new(), self.abort.child_token());
                    let estate = Estate::default();
                    let succession = Succession {
                        inherited: Remains::None,
                        retire: retire.clone(),
                        estate: estate.clone(),
                    };
                    let task = tokio::spawn(deliver(sink, inlet, before, succession, abort.clone()));
                    RunningSink {
                        kind,
                        berth,
                        retire,
                        estate,
                        abort,
                        task,
                    }
                }
            };
            self.sinks.insert(name, running);
        }
        for (name, gone) in former {
            self.dismiss(&name, gone);
        }
    }

    /// A sink that nothing leads to any more delivers what it has, for a while; then nothing is owed to it.
    fn dismiss(&mut self, name: &str, gone: RunningSink) {
        let RunningSink {
            berth,
            abort,
            mut task,
            ..
        } = gone;
        let release = berth.release.clone();
        drop(berth);
        let sink = name.to_owned();
        let ended = async move {
            if let Ok(report) = timeout(LEAVE_DEADLINE, &mut task).await {
                return report.unwrap_or_default();
            }
            release.say();
            abort.cancel();
            let left = task.await.unwrap_or_default().left_rows;
            tracing::warn!(
                sink,
                left,
                "the sink is gone from the manifest and could not deliver all it had: the rest is dropped"
            );
            SinkReport::default()
        };
        self.leaving_sinks.push((name.to_owned(), tokio::spawn(ended)));
    }

    async fn sources_became(&mut self, sources: BTreeMap<String, SourcePart>) -> Result<(), ApplyError> {
        let stays = |name: &String| sources.get(name).is_some_and(|part| part.made.is_none());
        let (stay, mut go): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut self.sources)
            .into_iter()
            .partition(|(name, _)| stays(name));
        self.sources = stay;
        for source in go.values() {
            source.rest.cancel();
        }
        let rested = async {
            for source in go.values_mut() {
                source.ending.done().await;
            }
        };
        if timeout(REST, rested).await.is_err() {
            for source in go.values_mut() {
                source.stop.cancel();
                source.ending.done().await;
            }
        }
        for (name, part) in sources {
            let SourcePart { kind, feeds, made } = part;
            let Some(made) = made else { continue };
            if made.rewinds {
                self.around.book.rewind(&name);
            }
            let running = self.start_source(&name, made, kind, feeds)?;
            self.sources.insert(name, running);
        }
        Ok(())
    }

    fn start_source(
        &self,
        name: &str,
        made: MadeSource,
        kind: SourceKind,
        feeds: Vec<String>,
    ) -> Result<RunningSource, StartError> {
        let MadeSource { source, rest, .. } = made;
        let stop = self.stop_sources.child_token();
        let stopped = stop.clone();
        let ending = match source {
            Source::File(source) => thread(&format!("source `{name}`"), READER_STACK, move || {
                source.run(stopped)
            })?,
            Source::Prometheus(source) => {
                // Between two scrapes is all the rest it needs.
                let rest = rest.clone();
                Ending::Task(tokio::spawn(async move {
                    let stopped_or_resting = stopped.child_token();
                    let told = stopped_or_resting.clone();
                    tokio::spawn(async move {
                        tokio::select! {
                            () = rest.cancelled() => told.cancel(),
                            () = told.cancelled() => {}
                        }
                    });
                    source.run(stopped_or_resting).await;
                }))
            }
        };
        Ok(RunningSource {
            kind,
            feeds,
            rest,
            stop,
            ending,
        })
    }
}

/// Runs a sink once the one before it has ended, on what that one left.
async fn deliver(
    sink: Sink,
    inlet: mpsc::Receiver<Shipment>,
    before: Option<(JoinHandle<SinkReport>, Estate)>,
    mut succession: Succession,
    abort: CancellationToken,
) -> SinkReport {
    let mut left = 0;
    if let Some((before, estate)) = before {
        // One that panicked has abandoned what it had.
        left = before.await.unwrap_or_default().left_rows;
        succession.inherited = estate.take();
    }
    let mut report = match sink {
        Sink::Loki(sink) => sink.succeeding(succession).run(inlet, abort).await,
        Sink::RemoteWrite(sink) => sink.succeeding(succession).run(inlet, abort).await,
        Sink::Console(sink) => sink.run(inlet, abort).await,
    };
    report.left_rows += left;
    report
}
