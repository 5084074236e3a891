//! The metrics of stages.

use std::sync::atomic::{AtomicI64, Ordering};

use prometheus::core::Collector;
use prometheus::{CounterVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};
use tokio::time::Instant;

/// The families, registered once per process.
pub struct StageMetrics {
    rows_in: IntCounterVec,
    rows_out: IntCounterVec,
    held: IntGaugeVec,
    memory: IntGaugeVec,
    calls: IntCounterVec,
    seconds: CounterVec,
    failures: IntCounterVec,
    failed_rows: IntCounterVec,
    breaker: IntGaugeVec,
    breaker_opened: IntCounterVec,
    passed_by: IntCounterVec,
    recycled: IntCounterVec,
    dropped: IntCounterVec,
}

/// The metrics of one stage.
pub struct StageCounters {
    pipeline: String,
    stage: String,
    pub(super) rows_in: IntCounter,
    pub(super) rows_out: IntCounter,
    pub(super) held: Share,
    pub(super) memory: Share,
    pub(super) breaker: Share,
    pub(super) breaker_opened: IntCounter,
    pub(super) passed_by: IntCounter,
    pub(super) recycled: IntCounter,
    calls: IntCounter,
    seconds: prometheus::Counter,
}

/// What one worker's stage adds to a gauge that tells the sum over all workers; nothing once it is gone.
pub(super) struct Share {
    gauge: IntGauge,
    own: AtomicI64,
}

impl Share {
    fn of(gauge: IntGauge) -> Self {
        Self {
            gauge,
            own: AtomicI64::new(0),
        }
    }

    pub(super) fn set(&self, value: i64) {
        let before = self.own.swap(value, Ordering::Relaxed);
        if value != before {
            self.gauge.add(value - before);
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.set(0);
    }
}

impl StageMetrics {
    /// Registers the families.
    ///
    /// # Errors
    /// When a name is taken.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        fn keep<C: Collector + Clone + 'static>(
            registry: &Registry,
            family: C,
        ) -> Result<C, prometheus::Error> {
            registry.register(Box::new(family.clone()))?;
            Ok(family)
        }
        let place = ["pipeline", "stage"];
        let counter = |name: &str, help: &str, labels: &[&str]| {
            IntCounterVec::new(Opts::new(name, help), labels).and_then(|family| keep(registry, family))
        };
        let gauge = |name: &str, help: &str| {
            IntGaugeVec::new(Opts::new(name, help), &place).and_then(|family| keep(registry, family))
        };
        Ok(Self {
            rows_in: counter(
                "millstream_stage_rows_in_total",
                "Rows given to the stage.",
                &place,
            )?,
            rows_out: counter(
                "millstream_stage_rows_out_total",
                "Rows the stage passed on.",
                &place,
            )?,
            held: gauge("millstream_stage_held_rows", "Rows the stage keeps back.")?,
            memory: gauge(
                "millstream_stage_memory_bytes",
                "Linear memory of the stage's instances.",
            )?,
            calls: counter(
                "millstream_stage_calls_total",
                "Batches given to the stage.",
                &place,
            )?,
            seconds: CounterVec::new(
                Opts::new(
                    "millstream_stage_seconds_total",
                    "Time spent in the stage, crossing included.",
                ),
                &place,
            )
            .and_then(|family| keep(registry, family))?,
            failures: counter(
                "millstream_stage_failures_total",
                "Calls that failed, by kind.",
                &["pipeline", "stage", "kind"],
            )?,
            failed_rows: counter(
                "millstream_stage_failed_rows_total",
                "Rows the stage failed on: what its on_error was applied to.",
                &place,
            )?,
            breaker: gauge(
                "millstream_stage_breaker_open",
                "In how many workers rows pass the stage by because it keeps failing.",
            )?,
            breaker_opened: counter(
                "millstream_stage_breaker_opened_total",
                "How often the stage was taken out of the way because it kept failing.",
                &place,
            )?,
            passed_by: counter(
                "millstream_stage_passed_by_rows_total",
                "Rows that passed the stage by while its breaker was open; its on_error was applied to them.",
                &place,
            )?,
            recycled: counter(
                "millstream_stage_recycled_total",
                "Instances replaced because of their memory or number of calls.",
                &place,
            )?,
            dropped: counter(
                "loki_process_dropped_lines_total",
                "Lines dropped on purpose by stages, by reason.",
                &["reason"],
            )?,
        })
    }

    /// The metrics of one stage.
    #[must_use]
    pub fn of(&self, pipeline: &str, stage: &str) -> StageCounters {
        let place = &[pipeline, stage];
        StageCounters {
            pipeline: pipeline.into(),
            stage: stage.into(),
            rows_in: self.rows_in.with_label_values(place),
            rows_out: self.rows_out.with_label_values(place),
            held: Share::of(self.held.with_label_values(place)),
            memory: Share::of(self.memory.with_label_values(place)),
            breaker: Share::of(self.breaker.with_label_values(place)),
            breaker_opened: self.breaker_opened.with_label_values(place),
            passed_by: self.passed_by.with_label_values(place),
            recycled: self.recycled.with_label_values(place),
            calls: self.calls.with_label_values(place),
            seconds: self.seconds.with_label_values(place),
        }
    }

    pub(super) fn failure(&self, of: &StageCounters, kind: &str) {
        self.failures
            .with_label_values(&[&of.pipeline, &of.stage, kind])
            .inc();
    }

    pub(super) fn refused(&self, of: &StageCounters, rows: u64) {
        self.failed_rows
            .with_label_values(&[&of.pipeline, &of.stage])
            .inc_by(rows);
    }

    pub(super) fn dropped(&self, reason: &str, rows: u64) {
        self.dropped.with_label_values(&[reason]).inc_by(rows);
    }
}

impl StageCounters {
    pub(super) fn start(&self) -> Instant {
        self.calls.inc();
        Instant::now()
    }

    pub(super) fn stop(&self, started: Instant) {
        self.seconds.inc_by(started.elapsed().as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_is_the_sum_over_workers_that_are_there() {
        let registry = Registry::new();
        let metrics = StageMetrics::register(&registry).unwrap();
        let (one, other) = (metrics.of("app", "multiline"), metrics.of("app", "multiline"));
        let held = || metrics.held.with_label_values(&["app", "multiline"]).get();
        one.held.set(3);
        other.held.set(4);
        assert_eq!(held(), 7);
        one.held.set(1);
        assert_eq!(held(), 5);
        drop(other);
        assert_eq!(held(), 1);
    }
}
