//! The resolved settings of a remote-write sink; names and defaults are Prometheus' `queue_config`.

use std::collections::BTreeMap;
use std::time::Duration;

use url::Url;

use crate::delivery::spool::{SpoolSettings, WhenFull};
use crate::transport::{Backoff, ClientSettings};

/// The resolved settings of a remote-write sink.
#[derive(Clone, Debug, PartialEq)]
pub struct RemoteWriteSettings {
    /// The endpoint.
    pub url: Url,
    /// Set on every series that lacks them.
    pub external_labels: BTreeMap<String, String>,
    /// The most samples in a request; default 2000.
    pub max_samples_per_send: usize,
    /// How many samples wait in memory before the pipeline is held up; default 10,000 per shard in Prometheus.
    pub capacity: usize,
    /// The longest a sample waits for others; default 5 s.
    pub batch_send_deadline: Duration,
    /// How failed requests are repeated; default 30 ms to 5 s, without a limit.
    pub backoff: Backoff,
    /// Of one request; default 30 s.
    pub remote_timeout: Duration,
    /// TLS, credentials, headers.
    pub client: ClientSettings,
    /// The queue on disk; there is one by default, because a scrape cannot be read again, and the oldest samples make room
    /// when it is full, because the newest are what an alert waits for.
    pub spool: Option<SpoolSettings>,
}

impl RemoteWriteSettings {
    /// The defaults, for this endpoint.
    #[must_use]
    pub fn new(url: Url) -> Self {
        Self {
            url,
            external_labels: BTreeMap::new(),
            max_samples_per_send: 2000,
            capacity: 10_000,
            batch_send_deadline: Duration::from_secs(5),
            backoff: Backoff {
                min: Duration::from_millis(30),
                max: Duration::from_secs(5),
                retries: None,
            },
            remote_timeout: Duration::from_secs(30),
            client: ClientSettings::default(),
            spool: Some(SpoolSettings::new(WhenFull::DropOldest)),
        }
    }
}
