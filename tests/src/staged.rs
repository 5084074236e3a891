//! Stages without an agent around them: what they say, the thread they need, a batch for them.

use std::io;
use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::thread;

use millstream_batch::{Labels, LogBatch};
use millstream_plugin_host::{Level, MetricKind, STACK_SIZE, StageEvents};

/// What a stage said.
#[derive(Default)]
pub struct Said(Mutex<Vec<(Level, String)>>);

impl Said {
    /// Its log lines so far.
    #[must_use]
    pub fn lines(&self) -> Vec<(Level, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Their texts.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        self.lines().into_iter().map(|(_, text)| text).collect()
    }
}

impl StageEvents for Said {
    fn log(&self, level: Level, message: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push((level, message.to_owned()));
    }

    fn register(&self, _: MetricKind, _: &str, _: &str, _: &[String], _: &[f64]) -> Result<u32, String> {
        Ok(0)
    }

    fn add(&self, _: u32, _: &[String], _: f64) {}

    fn set(&self, _: u32, _: &[String], _: f64) {}
}

/// Runs a case as the agent calls stages: on a thread with a deep stack, inside a runtime of its own.
///
/// # Errors
/// When there is no thread or no runtime to be had.
pub fn on_stage_thread(case: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let thread = thread::Builder::new()
        .stack_size(STACK_SIZE)
        .spawn(move || runtime.block_on(async { case() }))?;
    if let Err(panic) = thread.join() {
        resume_unwind(panic);
    }
    Ok(())
}

/// A batch of these lines.
#[must_use]
pub fn batch(lines: &[&str]) -> LogBatch {
    let rows = lines.len();
    LogBatch {
        timestamps: (0..).take(rows).collect(),
        lines: lines.iter().copied().collect(),
        streams: vec![0; rows],
        labels: vec![Labels::from_pairs([("job", "staged")])],
        seqs: (0..).take(rows).collect(),
        ..LogBatch::default()
    }
}
