//! What the sink shows of itself: Alloy's `loki_write_*` names and labels, so that its dashboards work unchanged.
//!
//! As in Alloy, sent bytes are counted as they go out (compressed). Dropped bytes are always text and metadata;
//! Alloy mixes the two.

use prometheus::core::{AtomicU64, GenericCounter, GenericCounterVec};
use prometheus::{Histogram, HistogramOpts, HistogramVec, Opts, Registry, exponential_buckets};

use crate::transport::endpoint::authority;

use super::outcome::{RATE_LIMITED, REFUSED, TOO_LONG};
use super::settings::LokiSettings;

type Counter = GenericCounter<AtomicU64>;
type CounterVec = GenericCounterVec<AtomicU64>;

/// Which endpoint.
const ENDPOINT: [&str; 2] = ["host", "tenant"];

/// The metrics of all Loki sinks of the process.
#[derive(Debug)]
pub struct LokiMetrics {
    sent_bytes: CounterVec,
    sent_entries: CounterVec,
    dropped_bytes: CounterVec,
    dropped_entries: CounterVec,
    retries: CounterVec,
    duration: HistogramVec,
    size: HistogramVec,
    latency: HistogramVec,
}

impl LokiMetrics {
    /// Registers them; once per process.
    ///
    /// # Errors
    /// When one of the names is taken.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |name: &str, help: &str, labels: &[&str]| {
            let counter = CounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let histogram = |name: &str, help: &str, buckets: Vec<f64>, labels: &[&str]| {
            let histogram = HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets), labels)?;
            registry.register(Box::new(histogram.clone()))?;
            Ok::<_, prometheus::Error>(histogram)
        };
        let reasons = ["host", "tenant", "reason"];
        let statuses = ["status_code", "host", "tenant"];
        let seconds = prometheus::DEFAULT_BUCKETS.to_vec();
        Ok(Self {
            sent_bytes: counter(
                "loki_write_sent_bytes_total",
                "Bytes sent and accepted, compressed.",
                &ENDPOINT,
            )?,
            sent_entries: counter(
                "loki_write_sent_entries_total",
                "Entries sent and accepted.",
                &ENDPOINT,
            )?,
            dropped_bytes: counter(
                "loki_write_dropped_bytes_total",
                "Bytes of text and metadata given up, by reason.",
                &reasons,
            )?,
            dropped_entries: counter(
                "loki_write_dropped_entries_total",
                "Entries given up, by reason.",
                &reasons,
            )?,
            retries: counter(
                "loki_write_batch_retries_total",
                "Requests that were repeated.",
                &ENDPOINT,
            )?,
            duration: histogram(
                "loki_write_request_duration_seconds",
                "Time until a request was answered; status_code -1 is no answer.",
                seconds.clone(),
                &statuses,
            )?,
            size: histogram(
                "loki_write_request_size_bytes",
                "Size of requests, compressed.",
                exponential_buckets(1024.0, 4.0, 8)?,
                &ENDPOINT,
            )?,
            latency: histogram(
                "loki_write_entry_propagation_latency_seconds",
                "Time from a shipment's arrival at the sink until its rows in a request were accepted or dropped.",
                [seconds, vec![30.0, 60.0, 300.0, 1800.0]].concat(),
                &ENDPOINT,
            )?,
        })
    }

    /// The metrics of one endpoint; what counts losses starts at 0, so that an alert sees the first one.
    #[must_use]
    pub fn endpoint(&self, settings: &LokiSettings) -> Endpoint {
        let (host, tenant) = (
            authority(&settings.url),
            settings.tenant_id.clone().unwrap_or_default(),
        );
        let labels = [host.as_str(), tenant.as_str()];
        let endpoint = Endpoint {
            sent_bytes: self.sent_bytes.with_label_values(&labels),
            sent_entries: self.sent_entries.with_label_values(&labels),
            retries: self.retries.with_label_values(&labels),
            size: self.size.with_label_values(&labels),
            latency: self.latency.with_label_values(&labels),
            dropped_bytes: self.dropped_bytes.clone(),
            dropped_entries: self.dropped_entries.clone(),
            duration: self.duration.clone(),
            host,
            tenant,
        };
        for reason in [REFUSED, RATE_LIMITED, TOO_LONG] {
            endpoint.dropped(reason, 0, 0);
        }
        endpoint
    }
}

/// The metrics of one endpoint.
#[derive(Debug)]
pub struct Endpoint {
    /// Compressed bytes accepted.
    pub sent_bytes: Counter,
    /// Entries accepted.
    pub sent_entries: Counter,
    /// Requests repeated.
    pub retries: Counter,
    /// Compressed sizes of requests.
    pub size: Histogram,
    /// From arrival to settlement.
    pub latency: Histogram,
    dropped_bytes: CounterVec,
    dropped_entries: CounterVec,
    duration: HistogramVec,
    host: String,
    tenant: String,
}

impl Endpoint {
    /// Entries were given up.
    pub fn dropped(&self, reason: &str, entries: u64, bytes: u64) {
        let labels = [&self.host, &self.tenant, reason];
        self.dropped_entries.with_label_values(&labels).inc_by(entries);
        self.dropped_bytes.with_label_values(&labels).inc_by(bytes);
    }

    /// A request was answered, or (`None`) was not.
    pub fn answered(&self, status: Option<u16>, seconds: f64) {
        let status = status.map_or_else(|| "-1".to_owned(), |status| status.to_string());
        self.duration
            .with_label_values(&[&status, &self.host, &self.tenant])
            .observe(seconds);
    }

    /// How many entries were given up for this reason.
    #[must_use]
    pub fn dropped_entries(&self, reason: &str) -> u64 {
        self.dropped_entries
            .with_label_values(&[&self.host, &self.tenant, reason])
            .get()
    }
}
