//! A real log through a stage: lines in, entries out.
//!
//! A line that is a JSON entry is one only where the file is called `.jsonl`: then it may be dead letters, or the input of a
//! case. Time stands still, so what a stage holds for a timeout comes out at the end.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use millstream_batch::{DropCount, LogBatch};
use millstream_plugin_host::{Answer, Level, Limits, LogStage, Plugin};
use serde_json::Value;

use super::case::START;
use super::entry::Entry;
use super::mistake::Mistake;
use super::recorder::{Recorder, Series};
use crate::causes;

/// Entries per batch: what a busy file source hands over at once.
const BATCH: usize = 1000;

/// What is told of a log's way through a stage, as it happens.
pub trait Listener: Send {
    /// These came out.
    ///
    /// # Errors
    /// When they cannot be passed on.
    fn entries(&mut self, entries: &[Entry]) -> std::io::Result<()>;

    /// The stage logged.
    fn message(&mut self, level: Level, text: &str);
}

/// How it went.
#[derive(Debug, Default)]
pub struct Tally {
    /// Entries that went in.
    pub read: u64,
    /// Entries that came out.
    pub out: u64,
    /// Entries that were dropped, by reason.
    pub dropped: Vec<DropCount>,
    /// What the stage's metrics stand at.
    pub metrics: Vec<Series>,
}

impl Tally {
    /// Counts what came of a call and passes the entries on.
    fn take(&mut self, answer: Answer, listener: &mut dyn Listener) -> anyhow::Result<()> {
        let entries = Entry::all_of(&answer.output);
        self.out += entries.len() as u64;
        for drop in answer.drops {
            match self.dropped.iter_mut().find(|known| known.reason == drop.reason) {
                Some(known) => known.count = known.count.saturating_add(drop.count),
                None => self.dropped.push(drop),
            }
        }
        listener.entries(&entries).context("cannot print what came out")
    }
}

/// The entries of a log file, a batch at a time.
pub struct LogFile {
    lines: std::io::Split<BufReader<File>>,
    json: bool,
    read: i64,
}

impl LogFile {
    /// Opens it.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, Mistake> {
        let file = File::open(path)
            .map_err(|cause| Mistake::because(format!("cannot open the log {}", path.display()), cause))?;
        Ok(Self {
            lines: BufReader::new(file).split(b'\n'),
            json: path.extension().is_some_and(|extension| extension == "jsonl"),
            read: 0,
        })
    }

    /// The next entries; none at the end.
    ///
    /// # Errors
    /// When the file cannot be read, or a line of a `.jsonl` file is no entry.
    pub fn next_batch(&mut self) -> anyhow::Result<LogBatch> {
        let mut entries = Vec::with_capacity(BATCH);
        for line in self.lines.by_ref().take(BATCH) {
            let line = line.context("cannot read the log")?;
            let line = line.strip_suffix(b"\r").unwrap_or(&line);
            let mut entry = if self.json {
                serde_json::from_slice(line).map_err(|cause| {
                    Mistake::because(format!("line {} of the log is no entry", self.read + 1), cause)
                })?
            } else {
                Entry {
                    line: String::from_utf8_lossy(line).into_owned(),
                    ..Entry::default()
                }
            };
            entry.timestamp.get_or_insert(START + self.read);
            self.read += 1;
            entries.push(entry);
        }
        Ok(Entry::batch(&entries))
    }
}

/// Runs a log through a stage. To be called on a [`super::deep`] thread.
///
/// # Errors
/// When the stage refuses its settings or fails, or the log cannot be read.
pub fn run(
    plugin: &Plugin,
    settings: &Value,
    limits: &Limits,
    log: &Path,
    listener: &mut dyn Listener,
) -> anyhow::Result<Tally> {
    let events = Arc::new(Recorder::default());
    let mut file = LogFile::open(log)?;
    let mut stage = LogStage::new(plugin.clone(), settings, limits.clone(), events.clone())
        .map_err(|refusal| Mistake::because("the stage cannot be set up", refusal))?;
    let mut tally = Tally::default();
    loop {
        let batch = file.next_batch()?;
        let last = batch.is_empty();
        tally.read += batch.len() as u64;
        if stage.is_spent() {
            let released = stage
                .recycle(START)
                .context("the stage failed in a fresh instance")?;
            tally.take(released, listener)?;
        }
        let answer = if last {
            stage.flush(START)
        } else {
            stage.process(batch, START)
        };
        for (level, message) in events.take_messages() {
            listener.message(level, &message);
        }
        let answer = answer.map_err(|failed| {
            anyhow::anyhow!("{}", causes::told(&failed.error)).context(format!(
                "the stage failed on a batch that ends at line {} of the log",
                tally.read
            ))
        })?;
        tally.take(answer, listener)?;
        if last {
            tally.metrics = events.series();
            return Ok(tally);
        }
    }
}
