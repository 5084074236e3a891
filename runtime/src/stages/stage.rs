//! A plugin at its place in a pipeline: with a name, a policy for failures, and metrics.

use std::sync::Arc;

use millstream_batch::{Held, LogBatch};
use millstream_plugin_host::{Answer, CallError, Failed, Interest, LogStage};

use super::events::{Events, LogBudget};
use super::metrics::{StageCounters, StageMetrics};
use crate::causes;
use crate::manifest::OnError;

/// A plugin at its place in a pipeline.
pub struct Stage {
    name: String,
    inner: LogStage,
    on_error: OnError,
    counters: StageCounters,
    metrics: Arc<StageMetrics>,
    failures: LogBudget,
}

impl Stage {
    /// A configured plugin, named for messages and metrics.
    #[must_use]
    pub fn new(events: &Events, inner: LogStage, on_error: OnError, metrics: Arc<StageMetrics>) -> Self {
        let counters = metrics.of(events.pipeline(), events.stage());
        Self {
            name: events.stage().into(),
            inner,
            on_error,
            counters,
            metrics,
            failures: LogBudget::default(),
        }
    }

    /// Its name: the plugin's, and its number in the pipeline where the plugin occurs more than once.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What becomes of rows it fails on.
    #[must_use]
    pub fn on_error(&self) -> OnError {
        self.on_error
    }

    /// Which columns it reads.
    #[must_use]
    pub fn interest(&self) -> &Interest {
        self.inner.interest()
    }

    /// The rows it keeps back.
    #[must_use]
    pub fn held(&self) -> &Held {
        self.inner.held()
    }

    /// When it wants `tick`.
    #[must_use]
    pub fn wake_at(&self) -> Option<i64> {
        self.inner.wake_at()
    }

    /// One batch.
    ///
    /// # Errors
    /// When the plugin fails; see [`Failed`].
    pub fn process(&mut self, batch: LogBatch, now: i64) -> Result<Answer, Box<Failed>> {
        self.counters.rows_in.inc_by(batch.len() as u64);
        let timer = self.counters.start();
        let result = self.inner.process(batch, now);
        self.counters.stop(timer);
        self.count(result)
    }

    /// The time asked for has come.
    ///
    /// # Errors
    /// Likewise.
    pub fn tick(&mut self, now: i64) -> Result<Answer, Box<Failed>> {
        let result = self.inner.tick(now);
        self.count(result)
    }

    /// No more batches will come.
    ///
    /// # Errors
    /// Likewise.
    pub fn flush(&mut self, now: i64) -> Result<Answer, Box<Failed>> {
        let result = self.inner.flush(now);
        self.count(result)
    }

    /// Counts a failure and logs it, not more often than a person can read.
    pub fn report_failure(&mut self, error: &CallError, rows: usize) {
        self.metrics.failure(&self.counters, error.kind(), rows as u64);
        if self.on_error == OnError::Drop {
            self.metrics.dropped("stage_error", rows as u64);
        }
        if let Some(silent) = self.failures.allow() {
            let error = causes::told(error);
            tracing::error!(stage = self.name, rows, error, on_error = ?self.on_error, silent, "stage failed");
        }
    }

    fn count(&mut self, result: Result<Answer, Box<Failed>>) -> Result<Answer, Box<Failed>> {
        self.counters
            .held
            .set(i64::try_from(self.inner.held().ids().len()).unwrap_or(i64::MAX));
        self.counters
            .memory
            .set(i64::try_from(self.inner.memory()).unwrap_or(i64::MAX));
        if let Ok(answer) = &result {
            self.counters.rows_out.inc_by(answer.output.len() as u64);
            for drop in &answer.drops {
                self.metrics.dropped(&drop.reason, u64::from(drop.count));
            }
        }
        result
    }
}
