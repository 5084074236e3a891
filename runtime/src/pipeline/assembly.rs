//! An assembly: what a plan adds to the running graph, made and connected but not started.
//!
//! All that can go wrong for a reason a person can mend (a certificate that cannot be read, an encoding that does not
//! exist) goes wrong here, so that a reload finds out before anything of the running graph changes. The first start is a reload of an
//! empty graph.
//!
//! A part whose settings are the same stays as it is. What reads files for its settings (certificates) is always made anew: the
//! files may have changed.

use std::collections::{BTreeMap, HashMap};
use std::io::Stdout;

use millstream_batch::SampleBatch;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::chain::swap::Slot;
use super::graph::{Graph, Surroundings};
use super::plan::{Plan, PlannedStages};
use super::sample_worker;
use super::succession::StageSpec;
use super::worker::{Berth, PARCELS_QUEUED, Reporting};
use crate::delivery::{Form, Release, Shipment};
use crate::manifest::{Manifest, PipelineEntry, Signal, SinkEntry, SinkKind, SourceKind};
use crate::sinks::console::ConsoleSink;
use crate::sinks::loki::LokiSink;
use crate::sinks::remote_write::RemoteWriteSink;
use crate::sources::file::FileSource;
use crate::sources::prometheus::PrometheusSource;
use crate::sources::{LogParcel, Outlet, SampleOutlet};
use crate::transport::ClientSettings;

/// Shipments that wait for a sink: a few while a request is put together, so that the workers do not wait for its every step. Each
/// is one batch, 256 KiB of text at most.
const SHIPMENTS_QUEUED: usize = 4;

/// A source or sink refuses.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up {what}")]
pub struct AssemblyError {
    what: String,
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// What a plan makes of a graph.
pub struct Assembly {
    pub(super) sinks: BTreeMap<String, SinkPart>,
    pub(super) logs: BTreeMap<String, LogPart>,
    pub(super) samples: BTreeMap<String, SamplePart>,
    pub(super) sources: BTreeMap<String, SourcePart>,
}

/// A sink of the graph to come.
pub(super) struct SinkPart {
    pub(super) kind: SinkKind,
    pub(super) berth: Berth,
    /// None: it runs, and stays.
    pub(super) made: Option<(Sink, mpsc::Receiver<Shipment>)>,
}

/// A pipeline for log entries.
pub(super) struct LogPart {
    pub(super) pipe: u32,
    /// Per worker, the way into it.
    pub(super) inlets: Vec<mpsc::Sender<LogParcel>>,
    /// The other ends. None: it runs, and is changed.
    pub(super) made: Option<Vec<mpsc::Receiver<LogParcel>>>,
    /// Per worker.
    pub(super) slots: Vec<Vec<Slot>>,
    pub(super) specs: Vec<StageSpec>,
    pub(super) berths: Vec<Berth>,
    pub(super) sources: HashMap<u32, Reporting>,
}

/// A pipeline for samples.
pub(super) struct SamplePart {
    pub(super) inlet: mpsc::Sender<SampleBatch>,
    /// None: it runs, and stays.
    pub(super) made: Option<mpsc::Receiver<SampleBatch>>,
    pub(super) berths: Vec<Berth>,
}

/// A source of the graph to come.
pub(super) struct SourcePart {
    pub(super) kind: SourceKind,
    /// The pipelines it feeds.
    pub(super) feeds: Vec<String>,
    /// None: it runs, and stays.
    pub(super) made: Option<MadeSource>,
}

/// A source that is not started.
pub(super) struct MadeSource {
    pub(super) source: Source,
    pub(super) rest: CancellationToken,
    /// A pipeline that it fed has stopped: it begins at the checkpoints.
    pub(super) rewinds: bool,
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

impl Assembly {
    /// Makes what `plan` adds to `graph`.
    ///
    /// # Errors
    /// When a source or sink cannot be set up.
    pub fn make(plan: Plan, graph: &Graph) -> Result<Self, AssemblyError> {
        let Plan {
            manifest,
            mut pipelines,
            ..
        } = plan;
        let mut assembly = Self {
            sinks: BTreeMap::new(),
            logs: BTreeMap::new(),
            samples: BTreeMap::new(),
            sources: BTreeMap::new(),
        };
        for (name, entry) in &manifest.sinks {
            let part = assembly.sink(name, entry, graph)?;
            assembly.sinks.insert(name.clone(), part);
        }
        for (name, pipeline) in &manifest.pipelines {
            match pipeline.signal {
                Signal::Samples => assembly.add_sample_pipeline(name, pipeline, graph),
                Signal::Logs => {
                    let stages = pipelines.remove(name).unwrap_or_default();
                    assembly.add_log_pipeline(name, pipeline, stages, graph);
                }
            }
        }
        for (name, entry) in &manifest.sources {
            let feeds: Vec<String> = manifest
                .pipelines
                .iter()
                .filter(|(_, pipeline)| pipeline.from.contains(name))
                .map(|(pipeline, _)| pipeline.clone())
                .collect();
            if !feeds.is_empty() {
                let part = assembly.source(name, &entry.kind, feeds, graph)?;
                assembly.sources.insert(name.clone(), part);
            }
        }
        warn_of_forgotten(&manifest, graph.around());
        Ok(assembly)
    }

    fn sink(&self, name: &str, entry: &SinkEntry, graph: &Graph) -> Result<SinkPart, AssemblyError> {
        let kind = entry.kind.clone();
        if let Some(berth) = graph.sink(name, &kind).filter(|_| !reads_files(&kind)) {
            return Ok(SinkPart {
                kind,
                berth,
                made: None,
            });
        }
        let around = graph.around();
        let families = &around.families;
        let refused = |error| AssemblyError {
            what: format!("sink `{name}`"),
            source: Box::new(error),
        };
        let sink = match &kind {
            SinkKind::Loki(settings) => {
                let client =
                    crate::transport::client(&settings.client, settings.remote_timeout).map_err(refused)?;
                let sink = LokiSink::new(name.to_owned(), settings.clone(), client, families.loki.clone());
                Sink::Loki(Box::new(sink.spooling(&around.shelf, &families.spools)))
            }
            SinkKind::RemoteWrite(settings) => {
                let client =
                    crate::transport::client(&settings.client, settings.remote_timeout).map_err(refused)?;
                let sink = RemoteWriteSink::new(name, settings.clone(), client, &families.remote_write);
                Sink::RemoteWrite(Box::new(sink.spooling(&around.shelf, &families.spools)))
            }
            SinkKind::Console(settings) => Sink::Console(ConsoleSink::new(name.to_owned(), settings.clone())),
        };
        let (inlet, receiver) = mpsc::channel(SHIPMENTS_QUEUED);
        let berth = Berth {
            name: name.to_owned(),
            inlet,
            form: form(&kind),
            release: Release::default(),
        };
        Ok(SinkPart {
            kind,
            berth,
            made: Some((sink, receiver)),
        })
    }

    fn berths(&self, pipeline: &PipelineEntry) -> Vec<Berth> {
        let to = pipeline.to.iter().filter_map(|sink| self.sinks.get(sink));
        to.map(|part| part.berth.clone()).collect()
    }

    fn add_sample_pipeline(&mut self, name: &str, pipeline: &PipelineEntry, graph: &Graph) {
        let (inlet, made) = match graph.sample_pipeline(name) {
            Some(inlet) => (inlet, None),
            None => {
                let (inlet, receiver) = mpsc::channel(sample_worker::BATCHES_QUEUED);
                (inlet, Some(receiver))
            }
        };
        let part = SamplePart {
            inlet,
            made,
            berths: self.berths(pipeline),
        };
        self.samples.insert(name.to_owned(), part);
    }

    fn add_log_pipeline(
        &mut self,
        name: &str,
        pipeline: &PipelineEntry,
        stages: PlannedStages,
        graph: &Graph,
    ) {
        let numbers = graph.numbers();
        let (pipe, inlets, made) = match graph.log_pipeline(name) {
            Some((pipe, inlets)) => (pipe, inlets, None),
            None => {
                let workers = 0..pipeline.workers;
                let (inlets, receivers) = workers.map(|_| mpsc::channel(PARCELS_QUEUED)).unzip();
                (numbers.pipeline(), inlets, Some(receivers))
            }
        };
        let reporting = Reporting {
            source: graph.around().book.clone(),
            pipe,
        };
        let sources = pipeline
            .from
            .iter()
            .map(|source| (numbers.source(source), reporting.clone()));
        let part = LogPart {
            pipe,
            inlets,
            made,
            slots: stages.slots,
            specs: stages.specs,
            berths: self.berths(pipeline),
            sources: sources.collect(),
        };
        self.logs.insert(name.to_owned(), part);
    }

    fn source(
        &self,
        name: &str,
        kind: &SourceKind,
        feeds: Vec<String>,
        graph: &Graph,
    ) -> Result<SourcePart, AssemblyError> {
        let is_new = |pipeline: &String| {
            let logs = self.logs.get(pipeline).is_some_and(|part| part.made.is_some());
            logs || self.samples.get(pipeline).is_some_and(|part| part.made.is_some())
        };
        let certificates = match kind {
            SourceKind::File(_) => false,
            SourceKind::Prometheus(settings) => has_certificates(&settings.client),
        };
        if graph.has_source(name, kind, &feeds) && !feeds.iter().any(is_new) && !certificates {
            return Ok(SourcePart {
                kind: kind.clone(),
                feeds,
                made: None,
            });
        }
        let rest = CancellationToken::new();
        let source = self.make_source(name, kind, &feeds, &rest, graph)?;
        let rewinds = feeds.iter().any(|pipeline| graph.has_halted(pipeline));
        Ok(SourcePart {
            kind: kind.clone(),
            feeds,
            made: Some(MadeSource {
                source,
                rest,
                rewinds,
            }),
        })
    }

    fn make_source(
        &self,
        name: &str,
        kind: &SourceKind,
        feeds: &[String],
        rest: &CancellationToken,
        graph: &Graph,
    ) -> Result<Source, AssemblyError> {
        let around = graph.around();
        let refused = |source| AssemblyError {
            what: format!("source `{name}`"),
            source,
        };
        match kind {
            SourceKind::File(settings) => {
                let pipes = feeds.iter().filter_map(|pipeline| self.logs.get(pipeline));
                let pipes = pipes.map(|part| (part.pipe, part.inlets.clone()));
                let numbers = graph.numbers();
                let outlet = Outlet::spread(numbers.source(name), numbers.lanes(name), pipes);
                let (book, metrics) = (around.book.clone(), around.families.files.clone());
                let source = FileSource::new(name, settings.clone(), outlet, book, metrics)
                    .map_err(|error| refused(error.into()))?;
                Ok(Source::File(Box::new(source.resting(rest.clone()))))
            }
            SourceKind::Prometheus(settings) => {
                let client = crate::transport::client(&settings.client, settings.scrape_timeout)
                    .map_err(|error| refused(error.into()))?;
                let pipes = feeds.iter().filter_map(|pipeline| self.samples.get(pipeline));
                let outlet = SampleOutlet::new(pipes.map(|part| part.inlet.clone()).collect());
                let source = PrometheusSource::new(name, settings, &client, &outlet, &around.families.scrape)
                    .map_err(|error| refused(error.into()))?;
                Ok(Source::Prometheus(source))
            }
        }
    }
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

/// How a sink wants log entries.
fn form(kind: &SinkKind) -> Form {
    match kind {
        SinkKind::Loki(settings) => settings.form(),
        SinkKind::RemoteWrite(_) | SinkKind::Console(_) => Form::Rows,
    }
}

/// Whether a sink was made of files that may have changed since.
fn reads_files(kind: &SinkKind) -> bool {
    match kind {
        SinkKind::Loki(settings) => has_certificates(&settings.client),
        SinkKind::RemoteWrite(settings) => has_certificates(&settings.client),
        SinkKind::Console(_) => false,
    }
}

fn has_certificates(client: &ClientSettings) -> bool {
    let tls = &client.tls;
    tls.ca_file.is_some() || tls.cert_file.is_some() || tls.key_file.is_some()
}
