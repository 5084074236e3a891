//! The road of a line in one thread: read, split, each stage, group, encode, compress.
//!
//! No queue, no clock, no network but what the caller sends: what is left is the work itself, hop by hop, the same on every run.
//! `hops` times it, and `count` counts its instructions. The code is the agent's own; only what connects the hops is written here.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use millstream::sinks::loki::streams::Streams;
use millstream::sources::file::encoding::Codec;
use millstream::sources::file::lines::{Limit, Lines, Rows};
use millstream::sources::file::settings::LongLine;
use millstream::stages::bundled;
use millstream_batch::{Labels, LogBatch};
use millstream_plugin_host::{Host, Level, Limits, LogStage, MetricKind, StageEvents};
use millstream_wire::loki_push::Packer;
use serde_json::{Value, json};

use super::twin::Twin;

/// Bytes read at once, as the file source does.
const CHUNK: usize = 256 << 10;

/// Bytes of a request, as the user's manifest says.
const REQUEST: usize = 1_000_000;

/// A part of the road.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hop {
    /// Bytes from the file.
    Read,
    /// Bytes to rows.
    Split,
    /// The stage of this place.
    Stage(usize),
    /// Rows by stream.
    Group,
    /// Encoded.
    Encode,
    /// Compressed, and a request made of it.
    Compress,
    /// A request, sent and answered.
    Send,
    /// A stage that does nothing but reads the same columns as the one of this place.
    Cross(usize),
}

/// Is told when a hop begins and ends.
pub trait Watch {
    /// Runs a hop.
    fn over<T>(&mut self, hop: Hop, run: impl FnOnce() -> T) -> T;
}

/// The user's stages by name, with their settings.
#[must_use]
pub fn users_stages() -> [(&'static str, Value); 4] {
    [
        (
            "multiline",
            json!({ "firstline": r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\.\d{3}" }),
        ),
        (
            "regex",
            json!({ "expression": ".*(?P<level>INFO|WARN|ERROR|DEBUG|TRACE).*" }),
        ),
        ("labels", json!({ "values": { "level": "level" } })),
        (
            "static_labels",
            json!({ "values": { "service_name": "ticketon", "job": "var-log-collector" } }),
        ),
    ]
}

/// A stage, inside or out.
pub enum Step {
    /// As the agent runs it.
    Sandboxed(Box<LogStage>),
    /// The same, and before it a stage that does nothing with the same columns: what it costs to cross.
    Probed(Box<LogStage>, Box<LogStage>),
    /// Its twin.
    Native(Box<Twin>),
}

impl Step {
    fn process(&mut self, batch: LogBatch) -> anyhow::Result<LogBatch> {
        match self {
            Self::Sandboxed(stage) | Self::Probed(_, stage) => {
                let answer = stage.process(batch, 1);
                Ok(answer.map_err(|failed| anyhow::anyhow!(failed.error))?.output)
            }
            Self::Native(twin) => twin.process(batch, 1),
        }
    }
}

/// The user's stages in the sandbox.
///
/// # Errors
/// When one cannot be set up.
pub fn sandboxed() -> anyhow::Result<Vec<Step>> {
    let host = Host::new(None)?;
    let stage = |(name, settings): &(&str, Value)| -> anyhow::Result<Step> {
        let plugin = host.load(name, bundled::component(name).context("not bundled")?)?;
        let stage = LogStage::new(plugin, settings, Limits::default(), Arc::new(Silent))?;
        Ok(Step::Sandboxed(Box::new(stage)))
    };
    users_stages().iter().map(stage).collect()
}

/// The same with probes.
///
/// # Errors
/// Likewise.
pub fn probed() -> anyhow::Result<Vec<Step>> {
    let host = Host::new(None)?;
    let nothing = host.load("empty", millstream::authoring::bench::EMPTY)?;
    let probe = |step| -> anyhow::Result<Step> {
        let Step::Sandboxed(stage) = step else {
            return Ok(step);
        };
        let settings = millstream::authoring::bench::columns(stage.interest());
        let probe = LogStage::new(nothing.clone(), &settings, Limits::default(), Arc::new(Silent))?;
        Ok(Step::Probed(Box::new(probe), stage))
    };
    sandboxed()?.into_iter().map(probe).collect()
}

/// Their native twins.
///
/// # Errors
/// When one refuses its settings.
pub fn native() -> anyhow::Result<Vec<Step>> {
    let [multiline, regex, labels, static_labels] = users_stages();
    let twins = [
        Twin::new::<millstream_plugin_multiline::Multiline>(&multiline.1)?,
        Twin::new::<millstream_plugin_regex::Regex>(&regex.1)?,
        Twin::new::<millstream_plugin_labels::LabelsStage>(&labels.1)?,
        Twin::new::<millstream_plugin_static_labels::StaticLabels>(&static_labels.1)?,
    ];
    Ok(twins.map(|twin| Step::Native(Box::new(twin))).into())
}

/// What arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arrived {
    /// Entries.
    pub entries: usize,
    /// Bytes of the requests.
    pub packed: usize,
}

/// Takes a log over the road once.
///
/// # Errors
/// When the log cannot be read or a stage fails.
pub fn travel(
    log: &Path,
    steps: &mut [Step],
    watch: &mut impl Watch,
    post: &mut dyn FnMut(&Bytes) -> anyhow::Result<()>,
) -> anyhow::Result<Arrived> {
    let mut file = File::open(log).context("cannot open the log")?;
    let limit = Limit {
        max: usize::MAX,
        action: LongLine::Truncate,
    };
    let codec = Codec::named("utf-8").map_err(|_| anyhow::anyhow!("UTF-8 is not known"))?;
    let labels = Labels::from_pairs([("filename", "/var/log/ticketon/application.log")]);
    let mut rows = Rows::new();
    let mut sink = Sink {
        packer: Packer::default(),
        streams: Streams::new(REQUEST),
        arrived: Arrived::default(),
        post,
    };
    let (mut buffer, mut kept) = (vec![0; CHUNK], 0);
    loop {
        let (read, whole) = watch.over(Hop::Read, || -> std::io::Result<_> {
            let read = file.read(&mut buffer[kept..])?;
            let mut bytes = buffer[..kept + read].iter();
            Ok((
                read,
                bytes.rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1),
            ))
        })?;
        let filled = kept + read;
        let mut lines = watch.over(Hop::Split, || Lines::new(&buffer[..whole], 0, codec, limit));
        loop {
            let more = watch.over(Hop::Split, || lines.fill(&mut rows));
            if !more && read > 0 {
                break;
            }
            if rows.is_empty() {
                break;
            }
            let batch = watch.over(Hop::Split, || batch(&mut rows, &labels));
            sink.take(stages(batch, steps, watch)?, watch)?;
        }
        watch.over(Hop::Read, || buffer.copy_within(whole..filled, 0));
        kept = filled - whole;
        if read == 0 {
            break;
        }
    }
    sink.seal(watch)?;
    Ok(sink.arrived)
}

fn batch(rows: &mut Rows, labels: &Labels) -> LogBatch {
    let (lines, _) = rows.take();
    let rows = lines.len();
    LogBatch {
        timestamps: vec![1; rows],
        lines,
        streams: vec![0; rows],
        labels: vec![labels.clone()],
        seqs: vec![0; rows],
        ..LogBatch::default()
    }
}

fn stages(mut batch: LogBatch, steps: &mut [Step], watch: &mut impl Watch) -> anyhow::Result<LogBatch> {
    for (place, step) in steps.iter_mut().enumerate() {
        if let Step::Probed(probe, _) = step {
            let copy = batch.clone();
            let answer = watch.over(Hop::Cross(place), || probe.process(copy, 1));
            answer.map_err(|failed| anyhow::anyhow!(failed.error))?;
        }
        batch = watch.over(Hop::Stage(place), || step.process(batch))?;
    }
    Ok(batch)
}

struct Sink<'a> {
    packer: Packer,
    streams: Streams,
    arrived: Arrived,
    post: &'a mut dyn FnMut(&Bytes) -> anyhow::Result<()>,
}

impl Sink<'_> {
    fn take(&mut self, batch: LogBatch, watch: &mut impl Watch) -> anyhow::Result<()> {
        watch.over(Hop::Group, || self.packer.group(&batch, 0..batch.len()));
        watch.over(Hop::Encode, || self.packer.encode(&batch));
        let packed = watch.over(Hop::Compress, || Arc::new(self.packer.compress()));
        watch.over(Hop::Encode, || drop(batch));
        if !self.streams.has_room(&packed) {
            self.seal(watch)?;
        }
        watch.over(Hop::Compress, || self.streams.add(&packed));
        if self.streams.is_full() {
            self.seal(watch)?;
        }
        Ok(())
    }

    fn seal(&mut self, watch: &mut impl Watch) -> anyhow::Result<()> {
        if !self.streams.is_empty() {
            let sealed = watch.over(Hop::Compress, || self.streams.seal())?;
            self.arrived.entries += sealed.entries;
            self.arrived.packed += sealed.body.len();
            watch.over(Hop::Send, || (self.post)(&sealed.body))?;
        }
        Ok(())
    }
}

/// Events that nobody hears.
pub struct Silent;

impl StageEvents for Silent {
    fn log(&self, _: Level, _: &str) {}
    fn register(&self, _: MetricKind, _: &str, _: &str, _: &[String], _: &[f64]) -> Result<u32, String> {
        Ok(0)
    }
    fn add(&self, _: u32, _: &[String], _: f64) {}
    fn set(&self, _: u32, _: &[String], _: f64) {}
}
