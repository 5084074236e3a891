//! What the remote-write sinks count, under Prometheus' own names where the meaning is the same, so that its
//! dashboards and alerts work unchanged. Registered once per process: sinks come and go with reloads.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use millstream_batch::SampleBatch;
use prometheus::{
    Error, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry,
};

use super::queue::Segment;
use super::settings::RemoteWriteSettings;

/// Prometheus' default bounds and those its queue manager adds.
const SECONDS: [f64; 15] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 60.0, 120.0, 300.0,
];

/// The labels of a queue.
const LABELS: [&str; 2] = ["remote_name", "url"];

/// The families.
#[derive(Clone, Debug)]
pub struct RemoteWriteMetrics {
    arrived: IntCounter,
    highest: Gauge,
    highest_seen: Arc<AtomicI64>,
    sent: IntCounterVec,
    failed: IntCounterVec,
    retried: IntCounterVec,
    bytes: IntCounterVec,
    pending: IntGaugeVec,
    capacity: IntGaugeVec,
    most: IntGaugeVec,
    highest_sent: GaugeVec,
    took: HistogramVec,
}

impl RemoteWriteMetrics {
    /// Creates the families and registers them.
    ///
    /// # Errors
    /// When the registry has one of them already.
    pub fn register(registry: &Registry) -> Result<Self, Error> {
        let opts = |name: &str, help: &str| Opts::new(format!("prometheus_remote_storage_{name}"), help);
        let counters = |name: &str, help: &str| {
            let family = IntCounterVec::new(opts(name, help), &LABELS)?;
            registry.register(Box::new(family.clone())).map(|()| family)
        };
        let gauges = |name: &str, help: &str| {
            let family = IntGaugeVec::new(opts(name, help), &LABELS)?;
            registry.register(Box::new(family.clone())).map(|()| family)
        };
        let arrived = IntCounter::with_opts(opts(
            "samples_in_total",
            "Samples that came to remote-write sinks.",
        ))?;
        let highest = Gauge::with_opts(opts(
            "highest_timestamp_in_seconds",
            "The highest timestamp that came to any remote-write sink, in seconds since the epoch.",
        ))?;
        let highest_sent = GaugeVec::new(
            opts(
                "queue_highest_sent_timestamp_seconds",
                "The highest timestamp delivered, in seconds since the epoch.",
            ),
            &LABELS,
        )?;
        let took = HistogramOpts::new(
            "prometheus_remote_storage_sent_batch_duration_seconds",
            "How long requests took, failed ones too.",
        );
        let took = HistogramVec::new(took.buckets(SECONDS.into()), &LABELS)?;
        registry.register(Box::new(arrived.clone()))?;
        registry.register(Box::new(highest.clone()))?;
        registry.register(Box::new(highest_sent.clone()))?;
        registry.register(Box::new(took.clone()))?;
        Ok(Self {
            arrived,
            highest,
            highest_seen: Arc::new(AtomicI64::new(i64::MIN)),
            sent: counters("samples_total", "Samples in requests, repeated ones too.")?,
            failed: counters(
                "samples_failed_total",
                "Samples that the receiver will never have.",
            )?,
            retried: counters(
                "samples_retried_total",
                "Samples in requests that failed and were repeated.",
            )?,
            bytes: counters("bytes_total", "Bytes of accepted requests, compressed.")?,
            pending: gauges(
                "samples_pending",
                "Samples that wait in the queue or are under way.",
            )?,
            capacity: gauges("shard_capacity", "How many samples the queue takes.")?,
            most: gauges("max_samples_per_send", "The most samples in a request.")?,
            highest_sent,
            took,
        })
    }

    /// The counters of one sink.
    pub(super) fn of(&self, name: &str, settings: &RemoteWriteSettings) -> SinkMetrics {
        let mut shown = settings.url.clone();
        shown.set_query(None);
        // These fail only for URLs that cannot have credentials in the first place.
        let _ = (shown.set_username(""), shown.set_password(None));
        let labels = [name, shown.as_str()];
        let count = |rows: usize| i64::try_from(rows).unwrap_or(i64::MAX);
        self.capacity
            .with_label_values(&labels)
            .set(count(settings.capacity));
        self.most
            .with_label_values(&labels)
            .set(count(settings.max_samples_per_send));
        SinkMetrics {
            sent: self.sent.with_label_values(&labels),
            failed: self.failed.with_label_values(&labels),
            retried: self.retried.with_label_values(&labels),
            bytes: self.bytes.with_label_values(&labels),
            pending: self.pending.with_label_values(&labels),
            highest_sent: self.highest_sent.with_label_values(&labels),
            took: self.took.with_label_values(&labels),
            own_pending: Arc::default(),
            url: shown.as_str().into(),
            families: self.clone(),
        }
    }
}

/// The counters of one sink.
#[derive(Clone, Debug)]
pub(super) struct SinkMetrics {
    sent: IntCounter,
    failed: IntCounter,
    retried: IntCounter,
    bytes: IntCounter,
    pending: IntGauge,
    highest_sent: Gauge,
    took: Histogram,
    // As `pending`, but of this run alone: a reload may have two sinks of one name for a while.
    own_pending: Arc<AtomicU64>,
    url: Arc<str>,
    families: RemoteWriteMetrics,
}

impl SinkMetrics {
    /// The endpoint as it is shown.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Samples have come in.
    pub(super) fn arrived(&self, batch: &SampleBatch) {
        let rows = batch.len() as u64;
        self.families.arrived.inc_by(rows);
        self.own_pending.fetch_add(rows, Ordering::Relaxed);
        self.pending.add(gauge(rows));
        if let Some(&highest) = batch.timestamps.iter().max()
            && self.families.highest_seen.fetch_max(highest, Ordering::Relaxed) < highest
        {
            self.families.highest.set(highest as f64 / 1000.0);
        }
    }

    /// Samples are in a request.
    pub(super) fn sent(&self, rows: usize) {
        self.sent.inc_by(rows as u64);
    }

    /// Samples were accepted.
    pub(super) fn accepted(&self, part: &[Segment], rows: usize, bytes: usize) {
        self.done(rows);
        self.bytes.inc_by(bytes as u64);
        let stamps = part.iter().flat_map(|segment| {
            segment
                .batch
                .timestamps
                .get(segment.rows.clone())
                .unwrap_or_default()
        });
        if let Some(&highest) = stamps.max() {
            let highest = highest as f64 / 1000.0;
            self.highest_sent.set(highest.max(self.highest_sent.get()));
        }
    }

    /// Samples were dropped.
    pub(super) fn failed(&self, rows: usize) {
        self.done(rows);
        self.failed.inc_by(rows as u64);
    }

    /// Samples will be sent again.
    pub(super) fn retried(&self, rows: usize) {
        self.retried.inc_by(rows as u64);
    }

    /// A request took this long.
    pub(super) fn took(&self, time: Duration) {
        self.took.observe(time.as_secs_f64());
    }

    /// Samples have come over from the sink before, to be sent.
    pub(super) fn taken_over(&self, rows: usize) {
        self.taken_back(rows);
    }

    /// Samples have left the queue for the spool.
    pub(super) fn handed_over(&self, rows: usize) {
        self.done(rows);
    }

    /// Samples have come back from the spool, to be sent.
    pub(super) fn taken_back(&self, rows: usize) {
        self.own_pending.fetch_add(rows as u64, Ordering::Relaxed);
        self.pending.add(gauge(rows as u64));
    }

    /// Samples were dropped from the spool.
    pub(super) fn lost(&self, rows: u64) {
        self.failed.inc_by(rows);
    }

    /// How many samples are neither delivered nor dropped; they do not count as pending any more.
    pub(super) fn take_pending(&self) -> u64 {
        let left = self.own_pending.swap(0, Ordering::Relaxed);
        self.pending.sub(gauge(left));
        left
    }

    fn done(&self, rows: usize) {
        self.own_pending.fetch_sub(rows as u64, Ordering::Relaxed);
        self.pending.sub(gauge(rows as u64));
    }
}

fn gauge(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
