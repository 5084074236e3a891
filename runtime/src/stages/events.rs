//! What a stage says, carried to the log and the metrics page.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use millstream_plugin_host::{Level, MetricKind, StageEvents};
use tokio::time::Instant;

use super::guest_metrics::GuestMetrics;

/// Log lines a stage may write at once, and per [`LogBudget::PERIOD`] after, unless the manifest says otherwise.
pub const LOG_LINES: u32 = 20;

/// The longest log line of a stage that is shown, in bytes.
const LOG_LINE_SIZE: usize = 2048;

/// Receives what one stage says.
pub struct Events {
    pipeline: String,
    stage: String,
    metrics: Arc<GuestMetrics>,
    budget: Mutex<LogBudget>,
}

impl Events {
    /// For the stage of this name in this pipeline.
    #[must_use]
    pub fn new(pipeline: &str, stage: &str, metrics: Arc<GuestMetrics>) -> Self {
        Self {
            pipeline: pipeline.into(),
            stage: stage.into(),
            metrics,
            budget: Mutex::default(),
        }
    }

    /// The same with so many log lines per 10 s.
    #[must_use]
    pub fn with_log_rate(mut self, lines: u32) -> Self {
        self.budget = Mutex::new(LogBudget::of(lines));
        self
    }

    /// The pipeline's name.
    #[must_use]
    pub fn pipeline(&self) -> &str {
        &self.pipeline
    }

    /// The stage's name.
    #[must_use]
    pub fn stage(&self) -> &str {
        &self.stage
    }
}

impl StageEvents for Events {
    fn log(&self, level: Level, message: &str) {
        let Some(silent) = self.budget.lock().unwrap_or_else(PoisonError::into_inner).allow() else {
            return;
        };
        let message = &message[..message.floor_char_boundary(LOG_LINE_SIZE)];
        let (pipeline, stage) = (&self.pipeline, &self.stage);
        match level {
            Level::Trace => tracing::trace!(target: "plugin", pipeline, stage, silent, "{message}"),
            Level::Debug => tracing::debug!(target: "plugin", pipeline, stage, silent, "{message}"),
            Level::Info => tracing::info!(target: "plugin", pipeline, stage, silent, "{message}"),
            Level::Warn => tracing::warn!(target: "plugin", pipeline, stage, silent, "{message}"),
            Level::Error => tracing::error!(target: "plugin", pipeline, stage, silent, "{message}"),
        }
    }

    fn register(
        &self,
        kind: MetricKind,
        name: &str,
        help: &str,
        label_names: &[String],
        buckets: &[f64],
    ) -> Result<u32, String> {
        self.metrics.register(kind, name, help, label_names, buckets)
    }

    fn add(&self, metric: u32, label_values: &[String], value: f64) {
        self.metrics
            .add(metric, &self.pipeline, &self.stage, label_values, value);
    }

    fn set(&self, metric: u32, label_values: &[String], value: f64) {
        self.metrics
            .set(metric, &self.pipeline, &self.stage, label_values, value);
    }
}

/// Lets so many log lines through per period and counts the others.
#[derive(Debug)]
pub struct LogBudget {
    lines: u32,
    began: Option<Instant>,
    written: u32,
    silent: u64,
}

impl Default for LogBudget {
    fn default() -> Self {
        Self::of(LOG_LINES)
    }
}

impl LogBudget {
    const PERIOD: Duration = Duration::from_secs(10);

    /// So many lines per period.
    #[must_use]
    pub fn of(lines: u32) -> Self {
        Self {
            lines,
            began: None,
            written: 0,
            silent: 0,
        }
    }

    /// Whether a line may be written now, and how many were not since the last one.
    pub fn allow(&mut self) -> Option<u64> {
        let now = Instant::now();
        if self
            .began
            .is_none_or(|began| now.duration_since(began) >= Self::PERIOD)
        {
            self.began = Some(now);
            self.written = 0;
        }
        if self.written >= self.lines {
            self.silent += 1;
            return None;
        }
        self.written += 1;
        Some(std::mem::take(&mut self.silent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_budget_opens_again_and_tells_what_was_silenced() {
        let mut budget = LogBudget::default();
        let allowed = (0..100).filter(|_| budget.allow().is_some()).count();
        assert_eq!(allowed, LOG_LINES as usize);
        tokio::time::advance(LogBudget::PERIOD).await;
        assert_eq!(budget.allow(), Some(100 - u64::from(LOG_LINES)));
        assert_eq!(budget.allow(), Some(0));
    }
}
