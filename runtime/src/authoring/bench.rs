//! What a plugin costs: per line, per byte, in memory and at the start, against the stage that does nothing.
//!
//! The empty stage gets the columns that the plugin reads, in the same batches, round about with it: what it costs is the
//! crossing, and the rest is the plugin's own. Only calls are timed; batches are made outside. The median of the rounds is
//! told, because what else the machine does makes single rounds slow and none fast, though waiting for a processor is not counted.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use millstream_batch::LogBatch;
use millstream_plugin_host::{Host, Interest, Limits, LogStage, Plugin};
use serde::Serialize;
use serde_json::{Value, json};

use super::entry::Entry;
use super::log_file::LogFile;
use super::mistake::Mistake;
use super::recorder::Recorder;
use super::stopwatch::Stopwatch;
use crate::causes;

include!(concat!(env!("OUT_DIR"), "/empty.rs"));

/// Lines per batch.
const BATCH: usize = 1000;

/// Rounds; odd, so that one is in the middle.
const ROUNDS: usize = 7;

/// How long a stage works in a round.
const ROUND: Duration = Duration::from_millis(250);

/// At most so much of a log is kept in memory for the rounds.
const LOG_BYTES: usize = 32 << 20;

/// What a plugin costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// Lines per batch.
    pub batch: usize,
    /// Mean bytes of a line.
    pub line_bytes: f64,
    /// Nanoseconds per line through the plugin.
    pub ns_per_line: f64,
    /// Likewise through the stage that does nothing.
    pub empty_ns_per_line: f64,
    /// 10^6 bytes of lines per second.
    pub mb_per_second: f64,
    /// Bytes of memory of the instance afterwards.
    pub memory: usize,
    /// Bytes of memory of the empty stage's instance.
    pub empty_memory: usize,
    /// Milliseconds from the component to compiled code.
    pub compile_ms: f64,
    /// Milliseconds from compiled code to a configured instance.
    pub start_ms: f64,
    /// The slowest and the fastest round, in nanoseconds per line.
    pub slowest: f64,
    /// See `slowest`.
    pub fastest: f64,
}

/// Measures a component. To be called on a [`super::deep`] thread.
///
/// # Errors
/// When the plugin cannot be loaded, refuses its settings or fails, or the log cannot be read.
pub fn measure(
    host: &Host,
    name: &str,
    component: &[u8],
    settings: &Value,
    limits: &Limits,
    log: Option<&Path>,
) -> anyhow::Result<Figures> {
    let batches = match log {
        Some(log) => of_log(log)?,
        None => vec![made_up()],
    };
    let (lines, bytes) = batches.iter().fold((0, 0), |(lines, bytes), batch| {
        (lines + batch.len(), bytes + batch.lines.bytes().len())
    });
    let watch = Stopwatch::of_this_thread();
    let (plugin, compiled) = watch.time(|| host.load(name, component));
    let plugin = plugin?;
    let (stage, started) = watch.time(|| configured(&plugin, settings, limits));
    let mut stage = stage?;
    let same_columns = columns(stage.interest());
    let mut empty = configured(&host.load("empty", EMPTY)?, &same_columns, limits)?;
    let (mut own, mut crossing) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        crossing.push(round(&watch, &mut empty, &batches)?);
        own.push(round(&watch, &mut stage, &batches)?);
    }
    let (ns_per_line, empty_ns_per_line) = (median(&mut own), median(&mut crossing));
    let line_bytes = bytes as f64 / lines as f64;
    Ok(Figures {
        batch: BATCH.min(lines),
        line_bytes,
        ns_per_line,
        empty_ns_per_line,
        mb_per_second: line_bytes / ns_per_line * 1e3,
        memory: stage.memory(),
        empty_memory: empty.memory(),
        compile_ms: compiled.as_secs_f64() * 1e3,
        start_ms: started.as_secs_f64() * 1e3,
        slowest: own[ROUNDS - 1],
        fastest: own[0],
    })
}

fn configured(plugin: &Plugin, settings: &Value, limits: &Limits) -> anyhow::Result<LogStage> {
    LogStage::new(
        plugin.clone(),
        settings,
        limits.clone(),
        Arc::new(Recorder::default()),
    )
    .map_err(|refusal| Mistake::because("the stage cannot be set up", refusal).into())
}

/// The empty stage's settings: the columns another one reads.
#[must_use]
pub fn columns(interest: &Interest) -> Value {
    json!({
        "timestamps": interest.timestamps,
        "lines": interest.lines,
        "labels": interest.labels,
        "fields": interest.fields,
        "metadata": interest.metadata,
    })
}

/// Nanoseconds per line.
fn round(watch: &Stopwatch, stage: &mut LogStage, batches: &[LogBatch]) -> anyhow::Result<f64> {
    let (mut spent, mut lines) = (Duration::ZERO, 0);
    for batch in batches.iter().cycle() {
        let copy = batch.clone();
        // As an agent does: a guest whose memory only grows costs its replacements, too.
        if stage.is_spent() {
            let (fresh, took) = watch.time(|| stage.recycle(super::case::START));
            fresh.context("the stage failed in a fresh instance")?;
            spent += took;
        }
        let (answer, took) = watch.time(|| stage.process(copy, super::case::START));
        spent += took;
        lines += batch.len();
        answer.map_err(|failed| {
            anyhow::anyhow!("{}", causes::told(&failed.error)).context("the stage failed")
        })?;
        if spent >= ROUND {
            break;
        }
    }
    // What it holds must not pile up over the rounds.
    stage.flush(super::case::START).map_err(|failed| {
        anyhow::anyhow!("{}", causes::told(&failed.error)).context("the stage failed in flush")
    })?;
    Ok(spent.as_secs_f64() * 1e9 / lines as f64)
}

/// The one in the middle; leaves them sorted.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn of_log(path: &Path) -> anyhow::Result<Vec<LogBatch>> {
    let mut file = LogFile::open(path)?;
    let (mut batches, mut bytes) = (Vec::new(), 0);
    while bytes < LOG_BYTES {
        let batch = file
            .next_batch()
            .with_context(|| format!("cannot measure with {}", path.display()))?;
        if batch.is_empty() {
            break;
        }
        bytes += batch.bytes();
        batches.push(batch);
    }
    if batches.is_empty() {
        return Err(Mistake::new(format!("the log {} is empty", path.display())).into());
    }
    Ok(batches)
}

/// A batch of an application's lines, about 138 bytes each; every tenth speaks of a card.
fn made_up() -> LogBatch {
    let entry = |row: usize| {
        let (level, message) = match row % 10 {
            0 => (
                "INFO ",
                "paid orderId=6301 card=4111-1111-1111-1111 amount=126000".to_owned(),
            ),
            1 | 6 => (
                "WARN ",
                format!(
                    "slow query took={}ms sql=select * from seat where id=?",
                    200 + row % 700
                ),
            ),
            _ => (
                "DEBUG",
                format!("lock acquired key=seat:{}:{} ttl=300s", 1000 + row, row % 97),
            ),
        };
        Entry {
            line: format!(
                "2026-01-08 14:42:{:02}.{:03} {level} 1 --- [nio-8080-exec-{}] c.t.seat.SeatLockRepository              : {message}",
                row / 1000 % 60,
                row % 1000,
                row % 10
            ),
            timestamp: Some(super::case::START + row as i64),
            labels: [(
                "filename".to_owned(),
                "/var/log/ticketon/application.log".to_owned(),
            )]
            .into(),
            ..Entry::default()
        }
    };
    Entry::batch(&(0..BATCH).map(entry).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_one_in_the_middle() {
        assert_eq!(median(&mut [3.0, 1.0, 100.0]), 3.0);
    }

    #[test]
    fn the_made_up_log_is_about_as_long_as_a_real_one() {
        let batch = made_up();
        let mean = batch.lines.bytes().len() / batch.len();
        assert!((125..150).contains(&mean), "{mean}");
    }

    #[test]
    fn the_empty_stage_takes_any_columns_and_costs_little() {
        let settings =
            json!({ "lines": true, "labels": true, "timestamps": true, "fields": ["*"], "metadata": ["m"] });
        let figures = crate::authoring::deep(|| {
            measure(
                &Host::new(None)?,
                "empty",
                EMPTY,
                &settings,
                &Limits::default(),
                None,
            )
        })
        .unwrap();
        assert!(
            figures.ns_per_line > 0.0 && figures.ns_per_line < 10_000.0,
            "{figures:?}"
        );
        assert!(
            figures.memory > 0 && figures.memory == figures.empty_memory,
            "{figures:?}"
        );
    }
}
