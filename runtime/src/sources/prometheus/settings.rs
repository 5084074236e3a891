//! The resolved settings of a scrape source; names and defaults are Prometheus' `scrape_config`.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::transport::ClientSettings;

/// A list of targets that share labels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StaticTargets {
    /// `host:port`, the `__address__`.
    pub targets: Vec<String>,
    /// Labels of all of them.
    pub labels: BTreeMap<String, String>,
}

/// The resolved settings of a scrape source.
#[derive(Clone, Debug, PartialEq)]
pub struct ScrapeSettings {
    /// The label `job`.
    pub job_name: String,
    /// `http` or `https`.
    pub scheme: String,
    /// Default `/metrics`.
    pub metrics_path: String,
    /// Query parameters.
    pub params: BTreeMap<String, Vec<String>>,
    /// Default 60 s.
    pub scrape_interval: Duration,
    /// Default 10 s, never above the interval.
    pub scrape_timeout: Duration,
    /// Whether labels of the target win over `job`, `instance` and target labels.
    pub honor_labels: bool,
    /// Whether timestamps of the exposition are taken over.
    pub honor_timestamps: bool,
    /// The largest response body in bytes; 0 is no limit.
    pub body_size_limit: u64,
    /// The most samples a scrape may have; 0 is no limit.
    pub sample_limit: u64,
    /// The targets.
    pub static_configs: Vec<StaticTargets>,
    /// TLS, credentials, headers.
    pub client: ClientSettings,
}

impl Default for ScrapeSettings {
    fn default() -> Self {
        Self {
            job_name: String::new(),
            scheme: "http".into(),
            metrics_path: "/metrics".into(),
            params: BTreeMap::new(),
            scrape_interval: Duration::from_secs(60),
            scrape_timeout: Duration::from_secs(10),
            honor_labels: false,
            honor_timestamps: true,
            body_size_limit: 0,
            sample_limit: 0,
            static_configs: Vec::new(),
            client: ClientSettings::default(),
        }
    }
}
