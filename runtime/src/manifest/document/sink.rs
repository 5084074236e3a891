//! `sinks:` as written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::client::{AuthorizationDocument, BasicAuthDocument, ClientDocument, TlsDocument};
use super::text::{DurationText, SizeText};

/// Where entries or samples go: one kind and its settings.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Sink")]
pub enum SinkDocument {
    /// Pushes log entries to Loki.
    Loki(Box<LokiDocument>),
    /// Pushes samples to a Prometheus remote-write receiver.
    RemoteWrite(Box<RemoteWriteDocument>),
    /// Prints entries and samples on stdout.
    Console(ConsoleDocument),
}

/// Pushes log entries to Loki; the keys are those of Alloy's `loki.write` endpoint.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "LokiSink")]
pub struct LokiDocument {
    /// The push endpoint, such as `http://loki:3100/loki/api/v1/push`.
    #[schemars(required)]
    pub url: Option<String>,
    /// The tenant, sent as `X-Scope-OrgID`.
    pub tenant_id: Option<String>,
    /// The longest an entry waits for others; default 1s.
    pub batch_wait: Option<DurationText>,
    /// The most bytes in a request; default 1MiB.
    pub batch_size: Option<SizeText>,
    /// The first wait before a failed request is repeated; default 500ms.
    pub min_backoff_period: Option<DurationText>,
    /// The longest such wait; default 5m.
    pub max_backoff_period: Option<DurationText>,
    /// How often a failed request is repeated before its entries are dropped and counted; 0 is for ever and the default.
    pub max_backoff_retries: Option<u32>,
    /// The longest a request may take; default 10s.
    pub remote_timeout: Option<DurationText>,
    /// A queue on disk between pipeline and receiver; none unless written, for the files are the buffer.
    pub spool: Option<SpoolDocument>,
    /// What Loki is known to refuse: dropped and counted, or cut, before it is sent.
    pub limits: Option<LimitsDocument>,
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

impl LokiDocument {
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

/// Pushes samples to a Prometheus remote-write receiver; the keys are those of Prometheus' `remote_write`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RemoteWriteSink")]
pub struct RemoteWriteDocument {
    /// The receiver, such as `http://prometheus:9090/api/v1/write`.
    #[schemars(required)]
    pub url: Option<String>,
    /// Labels for every series that lacks them.
    pub external_labels: Option<BTreeMap<String, String>>,
    /// The longest a request may take; default 30s.
    pub remote_timeout: Option<DurationText>,
    /// How samples wait and requests are repeated.
    pub queue_config: Option<QueueDocument>,
    /// The queue on disk between pipeline and receiver.
    pub spool: Option<SpoolDocument>,
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

impl RemoteWriteDocument {
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

/// What is not sent; keys and meaning are those of Loki's `limits_config`, and nothing is limited by default.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Limits")]
pub struct LimitsDocument {
    /// The longest line.
    pub max_line_size: Option<SizeText>,
    /// Whether longer lines are cut instead of dropped; default false.
    pub max_line_size_truncate: Option<bool>,
    /// The most labels of a stream, `service_name` aside.
    pub max_label_names_per_series: Option<u64>,
    /// The longest name of a label, in bytes.
    pub max_label_name_length: Option<u64>,
    /// The longest value of a label, in bytes.
    pub max_label_value_length: Option<u64>,
}

/// A queue on disk: what is in it is sent after a crash, too.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Spool")]
pub struct SpoolDocument {
    /// Whether there is one; default true.
    pub enabled: Option<bool>,
    /// How much disk it may take; default 1GiB.
    pub max_size: Option<SizeText>,
    /// How long something may wait in it before it is dropped and counted; default for ever.
    pub max_age: Option<DurationText>,
    /// What happens when it is full; default block for log entries, drop_oldest for samples.
    pub when_full: Option<WhenFullWord>,
    /// What happens while the disk fails; default memory.
    pub on_disk_error: Option<OnDiskErrorWord>,
}

/// What happens when a spool is full.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "WhenFull")]
pub enum WhenFullWord {
    /// The pipeline waits.
    Block,
    /// The oldest are dropped and counted.
    DropOldest,
}

/// What happens while a spool's disk fails.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "OnDiskError")]
pub enum OnDiskErrorWord {
    /// What comes in is sent from memory, as without a spool.
    Memory,
    /// What comes in waits until the disk works again.
    Block,
}

/// How samples wait and requests are repeated.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "QueueConfig")]
pub struct QueueDocument {
    /// How many samples wait in memory before the pipeline is held up; default 10000.
    pub capacity: Option<u64>,
    /// The most samples in a request; default 2000.
    pub max_samples_per_send: Option<u64>,
    /// The longest a sample waits for others; default 5s.
    pub batch_send_deadline: Option<DurationText>,
    /// The first wait before a failed request is repeated; default 30ms.
    pub min_backoff: Option<DurationText>,
    /// The longest such wait; default 5s.
    pub max_backoff: Option<DurationText>,
}

/// Prints on stdout.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ConsoleSink")]
pub struct ConsoleDocument {
    /// Default text.
    pub format: Option<FormatWord>,
}

/// How rows are printed.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Format")]
pub enum FormatWord {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}
