//! Memory over time: two workers under a steady writer whose files rotate, for an hour or as long as `MINUTES` says.
//!
//! Not part of a run of all sections. What is flat in an hour of 2.5 million entries a minute is flat.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::ensure;
use tokio::time::{Instant, interval};

use super::bodies::Bodies;
use super::logs::{KINDS, manifest};
use super::spring;
use crate::agent::Agent;
use crate::process;

/// Files that are written to in turn.
const FILES: u64 = 4;

/// How often a piece is written to each, and how many entries that is.
const BEAT: Duration = Duration::from_millis(100);
const ENTRIES: u64 = 1000;

/// The size at which a file is moved aside, in bytes; the one moved aside before goes.
const ROTATES: usize = 64 << 20;

/// What was seen at a time.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Minutes since the first line.
    pub minute: f64,
    /// Entries sent so far.
    pub sent: f64,
    /// Resident bytes of the agent.
    pub resident: f64,
    /// Bytes of linear memory of all stages.
    pub guests: f64,
}

/// Runs for so many minutes and looks once a minute.
///
/// # Errors
/// When the agent does not run, or does not keep up.
pub fn measure(minutes: u64) -> anyhow::Result<Vec<Sample>> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(soak(minutes))
}

async fn soak(minutes: u64) -> anyhow::Result<Vec<Sample>> {
    let folder = tempfile::tempdir()?;
    let logs = folder.path().join("logs");
    fs::create_dir(&logs)?;
    let bodies = Bodies::forgetting()?;
    let text = manifest(KINDS[0].stages, "    workers: 2\n", 1)
        .replace("{url}", &bodies.push_url())
        .replace("{logs}", &logs.display().to_string());
    let agent = Agent::start(folder.path(), &text).await?;
    let mut writers = Vec::new();
    for file in 0..FILES {
        writers.push(Writer::new(&logs, file)?);
    }
    let (began, mut beat) = (Instant::now(), interval(BEAT));
    let (mut samples, mut written) = (Vec::new(), 0.0);
    while began.elapsed() < Duration::from_secs(minutes * 60) {
        beat.tick().await;
        for writer in &mut writers {
            written += writer.write()?;
        }
        let minute = began.elapsed().as_secs_f64() / 60.0;
        #[expect(clippy::cast_precision_loss, reason = "a few at most")]
        let due = samples.len() as f64;
        if minute >= due {
            samples.push(look(&agent, minute).await?);
        }
    }
    let last = look(&agent, began.elapsed().as_secs_f64() / 60.0).await?;
    // Ten seconds' worth: what is on its way or held.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let allowed = (FILES * ENTRIES * 100) as f64;
    ensure!(
        last.sent > written - allowed,
        "{} of {written} entries were sent",
        last.sent
    );
    samples.push(last);
    agent.stop().await?;
    Ok(samples)
}

async fn look(agent: &Agent, minute: f64) -> anyhow::Result<Sample> {
    Ok(Sample {
        minute,
        sent: agent.metric("loki_write_sent_entries_total").await?,
        resident: process::resident(agent.id())?,
        guests: agent.metric("millstream_stage_memory_bytes").await?,
    })
}

/// Writes a log that rotates.
struct Writer {
    path: std::path::PathBuf,
    file: File,
    size: usize,
    number: u64,
}

impl Writer {
    fn new(logs: &Path, file: u64) -> std::io::Result<Self> {
        let path = logs.join(format!("{file}.log"));
        Ok(Self {
            file: File::create(&path)?,
            path,
            size: 0,
            // Files that begin alike are taken for one that was copied.
            number: file * 7,
        })
    }

    fn write(&mut self) -> anyhow::Result<f64> {
        if self.size > ROTATES {
            fs::rename(&self.path, self.path.with_extension("log.1"))?;
            self.file = File::create(&self.path)?;
            self.size = 0;
        }
        let first = self.number;
        self.number += ENTRIES;
        let text: String = (first..self.number).map(spring::entry).collect();
        self.file.write_all(text.as_bytes())?;
        self.size += text.len();
        #[expect(clippy::cast_precision_loss, reason = "a thousand")]
        Ok(ENTRIES as f64)
    }
}
