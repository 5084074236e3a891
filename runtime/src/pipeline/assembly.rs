//! An assembly: every source, worker and sink of a plan, made and connected but not started.
//!
//! All that can go wrong for a reason a person can mend (a certificate that cannot be read, an encoding that does not
//! exist) goes wrong here, so that a reload finds out before the running graph stops.

use std::collections::{BTreeMap, HashMap};
use std::io::Stdout;

use millstream_batch::SampleBatch;
use tokio::sync::mpsc;

use super::chain::Chain;
use super::clock::WallClock;
use super::graph::Surroundings;
use super::plan::Plan;
use super::sample_worker;
use super::worker::{PARCELS_QUEUED, Reporting, Worker};
use crate::delivery::Shipment;
use crate::manifest::{Manifest, PipelineEntry, Signal, SinkEntry, SinkKind, SourceKind};
use crate::sinks::console::ConsoleSink;
use crate::sinks::loki::LokiSink;
use crate::sinks::remote_write::RemoteWriteSink;
use crate::sources::file::FileSource;
use crate::sources::prometheus::PrometheusSource;
use crate::sources::{LogParcel, Outlet, SampleOutlet};
use crate::stages::Stage;

/// Shipments that wait for a sink: two while one is being encoded, so that the worker never waits for the encoder's
/// every step. Each is one batch, 256 KiB of text at most.
const SHIPMENTS_QUEUED: usize = 2;

/// A source or sink refuses.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up {what}")]
pub struct AssemblyError {
    what: String,
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// Every source, worker and sink of a plan, connected.
pub struct Assembly {
    pub(super) sinks: Vec<(String, Sink, mpsc::Receiver<Shipment>)>,
    pub(super) workers: Vec<(Worker, mpsc::Receiver<LogParcel>)>,
    pub(super) sample_workers: Vec<(Vec<mpsc::Sender<Shipment>>, mpsc::Receiver<SampleBatch>)>,
    pub(super) sources: Vec<(String, Source)>,
}

/// A sink that is not started.
pub(super) enum Sink {
    Loki(Box<LokiSink>),
    RemoteWrite(Box<RemoteWriteSink>),
    Console(ConsoleSink<Stdout>),
}

/// A source that is not started.
pub(super) enum Source {
    File(Box<FileSource>),
    Prometheus(PrometheusSource),
}

/// The ways into the pipelines, by source name.
#[derive(Default)]
struct Inlets {
    logs: HashMap<String, Vec<mpsc::Sender<LogParcel>>>,
    samples: HashMap<String, Vec<mpsc::Sender<SampleBatch>>>,
}

/// Warns of spools whose sinks are gone from the manifest, or have no spool there any more.
fn warn_of_forgotten(manifest: &Manifest, around: &Surroundings) {
    let spooling = |entry: &SinkEntry| match &entry.kind {
        SinkKind::Loki(settings) => settings.spool.is_some(),
        SinkKind::RemoteWrite(settings) => settings.spool.is_some(),
        SinkKind::Console(_) => false,
    };
    let sinks = manifest.sinks.iter().filter(|(_, entry)| spooling(entry));
    let names: Vec<&str> = sinks.map(|(name, _)| name.as_str()).collect();
    for folder in around.shelf.forgotten(&names) {
        tracing::warn!(
            folder = %folder.display(),
            "a spool holds what no sink of the manifest will send: give the sink its name and spool back, or remove the folder"
        );
    }
}

impl Assembly {
    /// Makes and connects everything in the plan.
    ///
    /// # Errors
    /// When a source or sink cannot be set up.
    pub fn make(plan: Plan, around: &Surroundings) -> Result<Self, AssemblyError> {
        let Plan {
            manifest, mut stages, ..
        } = plan;
        let mut assembly = Self {
            sinks: Vec::new(),
            workers: Vec::new(),
            sample_workers: Vec::new(),
            sources: Vec::new(),
        };
        let sinks = assembly.add_sinks(&manifest, around)?;
        let numbers: BTreeMap<&str, u32> = manifest.sources.keys().map(String::as_str).zip(0..).collect();
        let mut inlets = Inlets::default();
        for (name, pipeline) in &manifest.pipelines {
            let to = pipeline
                .to
                .iter()
                .filter_map(|sink| sinks.get(sink).cloned())
                .collect();
            match pipeline.signal {
                Signal::Samples => assembly.add_sample_worker(pipeline, to, &mut inlets),
                Signal::Logs => {
                    let stages = stages.remove(name).unwrap_or_default();
                    assembly.add_worker(name, pipeline, stages, to, &numbers, &mut inlets, around);
                }
            }
        }
        assembly.add_sources(&manifest, &numbers, &mut inlets, around)?;
        warn_of_forgotten(&manifest, around);
        Ok(assembly)
    }

    fn add_sinks(
        &mut self,
        manifest: &Manifest,
        around: &Surroundings,
    ) -> Result<HashMap<String, mpsc::Sender<Shipment>>, AssemblyError> {
        let families = &around.families;
        let mut inlets = HashMap::new();
        for (name, entry) in &manifest.sinks {
            let refused = |error| AssemblyError {
                what: format!("sink `{name}`"),
                source: Box::new(error),
            };
            let sink = match &entry.kind {
                SinkKind::Loki(settings) => {
                    let client = crate::transport::client(&settings.client, settings.remote_timeout)
                        .map_err(refused)?;
                    let sink = LokiSink::new(name.clone(), settings.clone(), client, families.loki.clone());
                    Sink::Loki(Box::new(sink.spooling(&around.shelf, &families.spools)))
                }
                SinkKind::RemoteWrite(settings) => {
                    let client = crate::transport::client(&settings.client, settings.remote_timeout)
                        .map_err(refused)?;
                    let sink = RemoteWriteSink::new(name, settings.clone(), client, &families.remote_write);
                    Sink::RemoteWrite(Box::new(sink.spooling(&around.shelf, &families.spools)))
                }
                SinkKind::Console(settings) => {
                    Sink::Console(ConsoleSink::new(name.clone(), settings.clone()))
                }
            };
            let (inlet, receiver) = mpsc::channel(SHIPMENTS_QUEUED);
            self.sinks.push((name.clone(), sink, receiver));
            inlets.insert(name.clone(), inlet);
        }
        Ok(inlets)
    }

    fn add_sample_worker(
        &mut self,
        pipeline: &PipelineEntry,
        to: Vec<mpsc::Sender<Shipment>>,
        inlets: &mut Inlets,
    ) {
        let (inlet, receiver) = mpsc::channel(sample_worker::BATCHES_QUEUED);
        for source in &pipeline.from {
            inlets
                .samples
                .entry(source.clone())
                .or_default()
                .push(inlet.clone());
        }
        self.sample_workers.push((to, receiver));
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "what a pipeline is made of, each named once"
    )]
    fn add_worker(
        &mut self,
        name: &str,
        pipeline: &PipelineEntry,
        stages: Vec<Stage>,
        to: Vec<mpsc::Sender<Shipment>>,
        numbers: &BTreeMap<&str, u32>,
        inlets: &mut Inlets,
        around: &Surroundings,
    ) {
        let (inlet, receiver) = mpsc::channel(PARCELS_QUEUED);
        let mut sources = HashMap::new();
        for source in &pipeline.from {
            let pipes = inlets.logs.entry(source.clone()).or_default();
            let pipe = u32::try_from(pipes.len()).unwrap_or(u32::MAX);
            pipes.push(inlet.clone());
            if let Some(number) = numbers.get(source.as_str()) {
                sources.insert(
                    *number,
                    Reporting {
                        source: around.book.clone(),
                        pipe,
                    },
                );
            }
        }
        let worker = Worker {
            name: name.into(),
            chain: Chain::new(stages),
            sinks: to,
            sources,
            clock: WallClock::start(),
        };
        self.workers.push((worker, receiver));
    }

    fn add_sources(
        &mut self,
        manifest: &Manifest,
        numbers: &BTreeMap<&str, u32>,
        inlets: &mut Inlets,
        around: &Surroundings,
    ) -> Result<(), AssemblyError> {
        for (name, entry) in &manifest.sources {
            let what = || format!("source `{name}`");
            let source = match &entry.kind {
                SourceKind::File(settings) => {
                    let Some(pipes) = inlets.logs.remove(name) else {
                        continue;
                    };
                    let number = numbers.get(name.as_str()).copied().unwrap_or_default();
                    let (book, metrics) = (around.book.clone(), around.families.files.clone());
                    let outlet = Outlet::new(number, pipes);
                    let source = FileSource::new(name.as_str(), settings.clone(), outlet, book, metrics)
                        .map_err(|error| AssemblyError {
                            what: what(),
                            source: error.into(),
                        })?;
                    Source::File(Box::new(source))
                }
                SourceKind::Prometheus(settings) => {
                    let Some(pipes) = inlets.samples.remove(name) else {
                        continue;
                    };
                    let client = crate::transport::client(&settings.client, settings.scrape_timeout)
                        .map_err(|error| AssemblyError {
                            what: what(),
                            source: error.into(),
                        })?;
                    let (outlet, metrics) = (SampleOutlet::new(pipes), &around.families.scrape);
                    let source = PrometheusSource::new(name, settings, &client, &outlet, metrics).map_err(
                        |error| AssemblyError {
                            what: what(),
                            source: error.into(),
                        },
                    )?;
                    Source::Prometheus(source)
                }
            };
            self.sources.push((name.clone(), source));
        }
        Ok(())
    }
}
