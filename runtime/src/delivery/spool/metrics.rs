//! What spools show of themselves.

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use super::store::{EXPIRED, FULL, Loss, Store, UNREADABLE};

/// The metrics of all spools of the process.
#[derive(Clone, Debug)]
pub struct SpoolMetrics {
    bytes: IntGaugeVec,
    rows: IntGaugeVec,
    dropped: IntCounterVec,
    failures: IntCounterVec,
}

impl SpoolMetrics {
    /// Registers them; once per process.
    ///
    /// # Errors
    /// When one of the names is taken.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str| {
            let gauge = IntGaugeVec::new(Opts::new(name, help), &["sink"])?;
            registry.register(Box::new(gauge.clone())).map(|()| gauge)
        };
        let counter = |name: &str, help: &str, labels: &[&str]| {
            let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counter.clone())).map(|()| counter)
        };
        Ok(Self {
            bytes: gauge(
                "millstream_spool_bytes",
                "Bytes of disk that stored requests take.",
            )?,
            rows: gauge(
                "millstream_spool_rows",
                "Entries or samples that are stored and not delivered.",
            )?,
            dropped: counter(
                "millstream_spool_dropped_rows_total",
                "Entries or samples dropped from the spool, by reason.",
                &["sink", "reason"],
            )?,
            failures: counter(
                "millstream_spool_disk_failures_total",
                "Failed attempts to read or write the spool.",
                &["sink"],
            )?,
        })
    }

    /// Those of one sink's spool; what counts losses starts at 0, so that an alert sees the first one.
    #[must_use]
    pub fn of(&self, sink: &str) -> Gauges {
        for reason in [FULL, EXPIRED, UNREADABLE] {
            self.dropped.with_label_values(&[sink, reason]);
        }
        Gauges {
            bytes: self.bytes.with_label_values(&[sink]),
            rows: self.rows.with_label_values(&[sink]),
            dropped: self.dropped.clone(),
            failures: self.failures.with_label_values(&[sink]),
            sink: sink.to_owned(),
        }
    }
}

/// The metrics of one spool.
#[derive(Debug)]
pub struct Gauges {
    bytes: IntGauge,
    rows: IntGauge,
    dropped: IntCounterVec,
    failures: IntCounter,
    sink: String,
}

impl Gauges {
    /// What the store holds.
    pub(super) fn holds(&self, store: &Store) {
        self.bytes.set(i64::try_from(store.size()).unwrap_or(i64::MAX));
        self.rows.set(i64::try_from(store.rows()).unwrap_or(i64::MAX));
    }

    /// Rows were dropped.
    pub(super) fn lost(&self, loss: &Loss) {
        self.dropped
            .with_label_values(&[&self.sink, loss.reason])
            .inc_by(loss.rows);
    }

    /// The disk said no.
    pub(super) fn failed(&self) {
        self.failures.inc();
    }
}
