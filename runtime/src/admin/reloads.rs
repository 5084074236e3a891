//! The metrics of reloads.

use std::time::{SystemTime, UNIX_EPOCH};

use prometheus::{Gauge, Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry};

/// Bounds of the time a pipeline stands still, in seconds: the promise is 10 ms for 99 of 100.
const PAUSES: [f64; 11] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1.0, 10.0,
];

/// The metrics of reloads.
#[derive(Clone)]
pub struct ReloadMetrics {
    pauses: HistogramVec,
    reloads: IntCounterVec,
    good: IntGauge,
    good_at: Gauge,
}

impl ReloadMetrics {
    /// Registers them.
    ///
    /// # Errors
    /// When a name is taken.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let pauses = HistogramVec::new(
            HistogramOpts::new(
                "millstream_reload_pause_seconds",
                "How long a pipeline stood still between two batches for a reload.",
            )
            .buckets(PAUSES.to_vec()),
            &["pipeline"],
        )?;
        let reloads = IntCounterVec::new(
            Opts::new("millstream_reloads_total", "Reloads asked for, by result."),
            &["result"],
        )?;
        let good = IntGauge::new(
            "millstream_config_last_load_successful",
            "Whether the manifest read last is the one that runs.",
        )?;
        let good_at = Gauge::new(
            "millstream_config_last_load_success_timestamp_seconds",
            "When the manifest that runs was loaded.",
        )?;
        registry.register(Box::new(pauses.clone()))?;
        registry.register(Box::new(reloads.clone()))?;
        registry.register(Box::new(good.clone()))?;
        registry.register(Box::new(good_at.clone()))?;
        Ok(Self {
            pauses,
            reloads,
            good,
            good_at,
        })
    }

    /// How long a pipeline stands still.
    #[must_use]
    pub fn pauses(&self, pipeline: &str) -> Histogram {
        self.pauses.with_label_values(&[pipeline])
    }

    /// A manifest was loaded at the start.
    pub fn started(&self) {
        self.good.set(1);
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.good_at.set(since.as_secs_f64());
    }

    /// A manifest was loaded again, or not.
    pub fn ended(&self, good: bool) {
        self.reloads
            .with_label_values(&[if good { "success" } else { "failure" }])
            .inc();
        if good {
            self.started();
        } else {
            self.good.set(0);
        }
    }
}
