//! The resolved settings of a Loki sink; names and defaults are `loki.write`'s where the meaning is the same.

use std::fmt;
use std::time::Duration;

use url::Url;

use super::limits::Limits;
use super::streams::heaviest;
use crate::delivery::Form;
use crate::delivery::spool::SpoolSettings;
use crate::transport::{Backoff, ClientSettings, shown};

/// The resolved settings of a Loki sink.
#[derive(Clone, PartialEq)]
pub struct LokiSettings {
    /// The push endpoint.
    pub url: Url,
    /// Header `X-Scope-OrgID`.
    pub tenant_id: Option<String>,
    /// The longest an entry waits for others; default 1 s.
    pub batch_wait: Duration,
    /// The most bytes of text and metadata in a request; default 1 MiB. One larger entry goes alone.
    pub batch_size: usize,
    /// How failed requests are repeated; without a limit by default, because nothing is lost.
    pub backoff: Backoff,
    /// Of one request; default 10 s.
    pub remote_timeout: Duration,
    /// TLS, credentials, headers.
    pub client: ClientSettings,
    /// The queue on disk; none by default, for the files are the buffer.
    pub spool: Option<SpoolSettings>,
    /// What is not sent because Loki would refuse it.
    pub limits: Limits,
}

impl LokiSettings {
    /// The defaults, for this endpoint.
    #[must_use]
    pub fn new(url: Url) -> Self {
        Self {
            url,
            tenant_id: None,
            batch_wait: Duration::from_secs(1),
            batch_size: 1 << 20,
            backoff: Backoff {
                min: Duration::from_millis(500),
                max: Duration::from_secs(300),
                retries: None,
            },
            remote_timeout: Duration::from_secs(10),
            client: ClientSettings::default(),
            spool: None,
            limits: Limits::default(),
        }
    }

    /// How entries are wanted: limits are about rows.
    #[must_use]
    pub fn form(&self) -> Form {
        if self.limits == Limits::default() {
            Form::Packed {
                request: self.batch_size,
                weight: heaviest(self.batch_size),
            }
        } else {
            Form::Rows
        }
    }
}

/// By hand, because the URL may hold a password.
impl fmt::Debug for LokiSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LokiSettings")
            .field("url", &shown(&self.url))
            .field("tenant_id", &self.tenant_id)
            .field("batch_wait", &self.batch_wait)
            .field("batch_size", &self.batch_size)
            .field("backoff", &self.backoff)
            .field("remote_timeout", &self.remote_timeout)
            .field("client", &self.client)
            .field("spool", &self.spool)
            .field("limits", &self.limits)
            .finish()
    }
}
