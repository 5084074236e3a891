//! What the scrape sources count. Registered once per process: sources come and go with reloads, the families stay.

use prometheus::{
    Error, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry,
};

/// Bounds in seconds: from a local endpoint to the usual scrape timeout.
const SECONDS: [f64; 9] = [0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The families.
#[derive(Clone, Debug)]
pub struct ScrapeMetrics {
    targets: IntGaugeVec,
    up: IntGaugeVec,
    scrapes: IntCounterVec,
    samples: IntCounterVec,
    bytes: IntCounterVec,
    missed: IntCounterVec,
    duration: HistogramVec,
    over_samples: IntCounter,
    over_size: IntCounter,
    duplicates: IntCounter,
}

impl ScrapeMetrics {
    /// Creates the families and registers them.
    ///
    /// # Errors
    /// When the registry has one of them already.
    pub fn register(registry: &Registry) -> Result<Self, Error> {
        let gauges = |name: &str, help: &str| {
            let family = IntGaugeVec::new(Opts::new(name, help), &["source"])?;
            registry.register(Box::new(family.clone())).map(|()| family)
        };
        let counters = |name: &str, help: &str, labels: &[&str]| {
            let family = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(family.clone())).map(|()| family)
        };
        let counter = |name: &str, help: &str| {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone())).map(|()| counter)
        };
        let duration = HistogramOpts::new(
            "millstream_scrape_duration_seconds",
            "How long scrapes took, failed ones too.",
        )
        .buckets(SECONDS.into());
        let duration = HistogramVec::new(duration, &["source"])?;
        registry.register(Box::new(duration.clone()))?;
        Ok(Self {
            targets: gauges("prometheus_scrape_targets_gauge", "Targets being scraped.")?,
            up: gauges(
                "millstream_scrape_targets_up",
                "Targets whose last scrape succeeded.",
            )?,
            scrapes: counters(
                "millstream_scrapes_total",
                "Scrapes by result: ok, or why they failed.",
                &["source", "result"],
            )?,
            samples: counters(
                "millstream_scrape_samples_total",
                "Samples in scraped bodies.",
                &["source"],
            )?,
            bytes: counters(
                "millstream_scrape_body_bytes_total",
                "Bytes of scraped bodies, unpacked.",
                &["source"],
            )?,
            missed: counters(
                "millstream_scrapes_missed_total",
                "Scrapes that were due while the one before was still under way or waiting for the pipeline.",
                &["source"],
            )?,
            duration,
            over_samples: counter(
                "prometheus_target_scrapes_exceeded_sample_limit_total",
                "Scrapes that failed because they exceeded the sample limit.",
            )?,
            over_size: counter(
                "prometheus_target_scrapes_exceeded_body_size_limit_total",
                "Scrapes that failed because they exceeded the body size limit.",
            )?,
            duplicates: counter(
                "prometheus_target_scrapes_sample_duplicate_timestamp_total",
                "Samples left out because their series came twice in a scrape.",
            )?,
        })
    }

    /// The counters of one source.
    pub(super) fn of(&self, source: &str) -> SourceMetrics {
        SourceMetrics {
            targets: self.targets.with_label_values(&[source]),
            up: self.up.with_label_values(&[source]),
            samples: self.samples.with_label_values(&[source]),
            bytes: self.bytes.with_label_values(&[source]),
            missed: self.missed.with_label_values(&[source]),
            duration: self.duration.with_label_values(&[source]),
            source: source.into(),
            families: self.clone(),
        }
    }
}

/// The counters of one source.
#[derive(Clone, Debug)]
pub(super) struct SourceMetrics {
    pub(super) targets: IntGauge,
    pub(super) up: IntGauge,
    pub(super) samples: IntCounter,
    pub(super) bytes: IntCounter,
    pub(super) missed: IntCounter,
    pub(super) duration: Histogram,
    source: String,
    families: ScrapeMetrics,
}

impl SourceMetrics {
    /// Counts a scrape with this result.
    pub(super) fn count(&self, result: &str) {
        self.families
            .scrapes
            .with_label_values(&[&*self.source, result])
            .inc();
        match result {
            "sample_limit" => self.families.over_samples.inc(),
            "body_size_limit" => self.families.over_size.inc(),
            _ => {}
        }
    }

    /// Counts samples that were left out.
    pub(super) fn duplicates(&self, samples: usize) {
        self.families.duplicates.inc_by(samples as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_registered_once_and_shared_by_sources() {
        let registry = Registry::new();
        let metrics = ScrapeMetrics::register(&registry).unwrap();
        assert!(ScrapeMetrics::register(&registry).is_err());
        metrics.of("a").count("ok");
        metrics.of("a").count("sample_limit");
        metrics.of("b").count("ok");
        assert_eq!(metrics.scrapes.with_label_values(&["a", "ok"]).get(), 1);
        assert_eq!(metrics.over_samples.get(), 1);
    }
}
