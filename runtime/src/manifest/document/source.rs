//! `sources:` as written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::client::{AuthorizationDocument, BasicAuthDocument, ClientDocument, TlsDocument};
use super::text::{DurationText, SizeText};

/// Where entries or samples come from: one kind and its settings.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Source")]
pub enum SourceDocument {
    /// Tails files: log entries.
    File(Box<FileDocument>),
    /// Scrapes Prometheus endpoints: samples.
    Prometheus(Box<ScrapeDocument>),
}

/// Tails the files that globs find.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "FileSource")]
pub struct FileDocument {
    /// Globs of the files to read (`*`, `**`, `?`, `[..]`, `{a,b}`), relative to the manifest.
    #[schemars(required, length(min = 1))]
    pub include: Option<Vec<String>>,
    /// Globs of files to leave out.
    pub exclude: Option<Vec<String>>,
    /// Labels set on every entry, beside `filename`.
    pub labels: Option<BTreeMap<String, String>>,
    /// Where a file that was never read begins; default beginning.
    pub start_at: Option<StartAtWord>,
    /// Where files begin when checkpoints were there but none can be read (corrupt); default beginning.
    pub on_checkpoint_error: Option<OnCheckpointErrorWord>,
    /// The files' encoding, by its WHATWG name; default utf-8.
    pub encoding: Option<String>,
    /// The longest line; default 256KiB.
    pub max_line_size: Option<SizeText>,
    /// What becomes of longer lines; default truncate.
    pub on_long_line: Option<LongLineWord>,
    /// After this long without growth an unterminated last line is taken as it is; 0s is never, default 5s.
    pub idle_flush: Option<DurationText>,
    /// How often the globs are read again, beside file events; default 10s.
    pub rescan: Option<DurationText>,
}

/// Where a file that was never read begins.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "StartAt")]
pub enum StartAtWord {
    /// At its first byte.
    Beginning,
    /// At its end as found at the start; files that appear later are read from their beginning.
    End,
}

/// Where files begin when checkpoints were there but none can be read.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "OnCheckpointError")]
pub enum OnCheckpointErrorWord {
    /// At their first byte, whatever `start_at` says: lines are sent again, none is lost.
    Beginning,
    /// At their end as found at the start: no line is sent again, those not sent before are lost.
    End,
    /// The agent says what is wrong and does not start.
    Refuse,
}

/// What becomes of a line over the limit.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "LongLine")]
pub enum LongLineWord {
    /// Its first bytes are kept.
    Truncate,
    /// It is dropped and counted.
    Skip,
}

/// Scrapes Prometheus endpoints; the keys are those of Prometheus' `scrape_configs`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PrometheusSource")]
pub struct ScrapeDocument {
    /// The label `job`; default the source's name.
    pub job_name: Option<String>,
    /// Default http.
    pub scheme: Option<SchemeWord>,
    /// Default /metrics.
    pub metrics_path: Option<String>,
    /// Query parameters.
    pub params: Option<BTreeMap<String, Vec<String>>>,
    /// Default 60s.
    pub scrape_interval: Option<DurationText>,
    /// At most the interval; default 10s, or the interval if that is shorter.
    pub scrape_timeout: Option<DurationText>,
    /// Whether the target's own labels win over `job`, `instance` and the labels given here; default false.
    pub honor_labels: Option<bool>,
    /// Whether the target's timestamps are taken over; default true.
    pub honor_timestamps: Option<bool>,
    /// The largest response; 0 is no limit and the default.
    pub body_size_limit: Option<SizeText>,
    /// The most samples in a response; 0 is no limit and the default.
    pub sample_limit: Option<u64>,
    /// The targets.
    #[schemars(required, length(min = 1))]
    pub static_configs: Option<Vec<StaticConfigDocument>>,
    /// Name and password.
    pub basic_auth: Option<BasicAuthDocument>,
    /// A bearer token; better `${env:NAME}` than the token itself.
    pub bearer_token: Option<String>,
    /// A file that holds a bearer token, read again for every request.
    pub bearer_token_file: Option<String>,
    /// The `Authorization` header.
    pub authorization: Option<AuthorizationDocument>,
    /// Further headers.
    pub headers: Option<BTreeMap<String, String>>,
    /// How TLS peers are checked.
    pub tls_config: Option<TlsDocument>,
}

/// `http` or `https`.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Scheme")]
pub enum SchemeWord {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

/// Targets that share labels.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "StaticConfig")]
pub struct StaticConfigDocument {
    /// Each `host:port`.
    #[schemars(required, length(min = 1))]
    pub targets: Option<Vec<String>>,
    /// Labels of all of them.
    pub labels: Option<BTreeMap<String, String>>,
}

impl ScrapeDocument {
    /// The client keys.
    pub fn client(&self) -> ClientDocument<'_> {
        ClientDocument {
            basic_auth: self.basic_auth.as_ref(),
            bearer_token: self.bearer_token.as_deref(),
            bearer_token_file: self.bearer_token_file.as_deref(),
            authorization: self.authorization.as_ref(),
            headers: self.headers.as_ref(),
            tls_config: self.tls_config.as_ref(),
        }
    }
}
