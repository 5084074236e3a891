//! A plugin at its place in a pipeline: with a name, a policy for failures, a breaker, and metrics.

use std::sync::Arc;
use std::time::Duration;

use millstream_batch::{Held, LogBatch};
use millstream_plugin_host::{Answer, CallError, Failed, Interest, LogStage};
use tokio::time::Instant;

use super::breaker::Breaker;
use super::dead_letters::{LetterBox, LetterError};
use super::events::{Events, LogBudget};
use super::metrics::{StageCounters, StageMetrics};
use crate::causes;
use crate::manifest::OnError;

/// A plugin at its place in a pipeline.
pub struct Stage {
    pipeline: String,
    name: String,
    inner: LogStage,
    on_error: OnError,
    counters: StageCounters,
    metrics: Arc<StageMetrics>,
    failures: LogBudget,
    breaker: Breaker,
    letters: LetterBox,
}

/// What a place in a pipeline gives a plugin.
pub struct Place {
    /// What becomes of rows it fails on.
    pub on_error: OnError,
    /// The metrics of stages.
    pub metrics: Arc<StageMetrics>,
    /// Its dead letters.
    pub letters: LetterBox,
}

/// How a failed call leaves its stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// It is called again.
    Going,
    /// The breaker has opened: it is passed by for a while.
    PassedBy,
}

impl Stage {
    /// A configured plugin, named for messages and metrics.
    #[must_use]
    pub fn new(events: &Events, inner: LogStage, place: Place) -> Self {
        let Place {
            on_error,
            metrics,
            letters,
        } = place;
        Self {
            pipeline: events.pipeline().into(),
            name: events.stage().into(),
            inner,
            on_error,
            counters: metrics.of(events.pipeline(), events.stage()),
            metrics,
            failures: LogBudget::default(),
            breaker: Breaker::default(),
            letters,
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

    /// Whether rows are to pass it by, because it keeps failing.
    pub fn is_passed_by(&mut self, now: i64) -> bool {
        let open = self.breaker.is_open(now);
        self.counters.breaker.set(i64::from(open));
        open
    }

    /// One batch.
    ///
    /// # Errors
    /// When the plugin fails; see [`Failed`].
    pub fn process(&mut self, batch: LogBatch, now: i64) -> Result<Answer, Box<Failed>> {
        self.counters.rows_in.inc_by(batch.len() as u64);
        self.timed(now, |inner| inner.process(batch, now))
    }

    /// The time asked for has come.
    ///
    /// # Errors
    /// Likewise.
    pub fn tick(&mut self, now: i64) -> Result<Answer, Box<Failed>> {
        self.timed(now, |inner| inner.tick(now))
    }

    /// No more batches will come.
    ///
    /// # Errors
    /// Likewise.
    pub fn flush(&mut self, now: i64) -> Result<Answer, Box<Failed>> {
        self.timed(now, |inner| inner.flush(now))
    }

    /// Replaces a worn instance by a fresh one; what that lets go of while it is fed the held rows. `None` when the
    /// instance is good, or the fresh one does not do.
    pub fn recycle(&mut self, now: i64) -> Option<Answer> {
        if !self.inner.is_spent() {
            return None;
        }
        match self.inner.recycle(now) {
            Ok(answer) => {
                self.counters.recycled.inc();
                self.observe(&answer);
                Some(answer)
            }
            Err(error) => {
                let error = causes::told(&error);
                tracing::error!(
                    pipeline = self.pipeline,
                    stage = self.name,
                    error,
                    "instance not recycled; the old one goes on"
                );
                None
            }
        }
    }

    /// Takes over what the stage in this place before it keeps back. That one is left as it is.
    ///
    /// # Errors
    /// When the plugin fails on it.
    pub fn adopt(&mut self, former: &Self, now: i64) -> Result<Answer, CallError> {
        let answer = self.inner.adopt(&former.inner, now)?;
        self.observe(&answer);
        Ok(answer)
    }

    /// Takes back what it holds, as it is.
    pub fn give_up(&mut self) -> LogBatch {
        self.counters.held.set(0);
        self.inner.give_up()
    }

    /// Counts a failed call and what it cost.
    pub fn note_failure(&mut self, failed: &Failed, took: Duration, now: i64) -> Left {
        self.metrics.failure(&self.counters, failed.error.kind());
        let Some(wait) = self.breaker.failed(took, now) else {
            return Left::Going;
        };
        self.counters.breaker.set(1);
        self.counters.breaker_opened.inc();
        let error = causes::told(&failed.error);
        tracing::error!(
            pipeline = self.pipeline, stage = self.name, error, on_error = ?self.on_error, ?wait,
            "stage keeps failing: entries pass it by under its on_error, then it is tried again"
        );
        Left::PassedBy
    }

    /// Counts rows that the stage is not to see again and logs the failure, not more often than a person can read.
    pub fn report(&mut self, error: &CallError, rows: &LogBatch) {
        self.metrics.refused(&self.counters, rows.len() as u64);
        if let Some(silent) = self.failures.allow() {
            let plugin = self.inner.plugin();
            tracing::error!(
                pipeline = self.pipeline, stage = self.name, plugin = plugin.name(), sha256 = &plugin.sha256()[..12],
                rows = rows.len(), entry = %Whose(rows), error = causes::told(error), on_error = ?self.on_error, silent,
                "stage failed"
            );
        }
    }

    /// Counts rows that pass the stage by.
    pub fn passes_by(&mut self, rows: usize) {
        self.counters.passed_by.inc_by(rows as u64);
    }

    /// Counts rows dropped because the stage failed on them.
    pub fn dropped(&self, rows: usize) {
        self.metrics.dropped("stage_error", rows as u64);
    }

    /// Keeps rows as dead letters.
    ///
    /// # Errors
    /// When they cannot be kept.
    pub fn put_aside(&mut self, rows: &LogBatch, error: &str, now: i64) -> Result<(), LetterError> {
        self.letters.put(rows, error, now)?;
        self.metrics.dropped("dead_letter", rows.len() as u64);
        Ok(())
    }

    /// Says that rows could not be kept as dead letters.
    pub fn could_not_put_aside(&mut self, error: &LetterError, rows: usize) {
        if let Some(silent) = self.failures.allow() {
            let error = causes::told(error);
            tracing::error!(
                pipeline = self.pipeline,
                stage = self.name,
                rows,
                error,
                silent,
                "no dead letter could be written: the entries pass on instead, marked"
            );
        }
    }

    fn timed(
        &mut self,
        now: i64,
        call: impl FnOnce(&mut LogStage) -> Result<Answer, Box<Failed>>,
    ) -> Result<Answer, Box<Failed>> {
        let started = self.counters.start();
        let result = call(&mut self.inner);
        self.counters.stop(started);
        match &result {
            Ok(answer) => {
                self.breaker.succeeded(now);
                self.observe(answer);
            }
            Err(failed) => self.observe(&failed.released),
        }
        result
    }

    /// Keeps the metrics.
    fn observe(&self, answer: &Answer) {
        let gauge = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        self.counters.held.set(gauge(self.inner.held().ids().len()));
        self.counters.memory.set(gauge(self.inner.memory()));
        self.counters.rows_out.inc_by(answer.output.len() as u64);
        for drop in &answer.drops {
            self.metrics.dropped(&drop.reason, u64::from(drop.count));
        }
    }

    /// When a call begins, to say what it took.
    #[must_use]
    pub fn clock() -> Instant {
        Instant::now()
    }
}

/// Says whose a batch's first row is: its labels, among them the file it came from. Its text may hold secrets.
struct Whose<'a>(&'a LogBatch);

impl std::fmt::Display for Whose<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let labels = self.0.labels_of(0);
        let mut between = "{";
        for (name, value) in labels.iter() {
            write!(f, "{between}{name}={value:?}")?;
            between = ", ";
        }
        f.write_str(if labels.is_empty() { "{}" } else { "}" })
    }
}
