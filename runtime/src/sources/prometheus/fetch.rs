//! Asking a target: one GET, its size and time bounded.

use std::sync::Arc;
use std::time::Duration;

use millstream_wire::exposition::Format;
use reqwest::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use reqwest::{Client, RequestBuilder, StatusCode, Url};
use thiserror::Error;

use super::settings::ScrapeSettings;
use super::targets::Target;
use crate::transport::{self, ClientError};

/// What we read, best first. Without `escaping=allow-utf-8`, so that endpoints bring names into the form every
/// receiver takes: Alloy's default, and the safer of Prometheus' two.
const ACCEPTED: &str = "application/openmetrics-text;version=1.0.0;q=0.5,\
                        application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

/// The largest body when `body_size_limit` is 0. An endpoint gone mad, or a small compressed body that unpacks
/// without end, must not take the agent's memory; real bodies stay a hundred times below.
const CEILING: u64 = 1 << 30;

/// Why a target gave no body.
#[derive(Debug, Error)]
pub enum FetchError {
    /// No answer, or not all of it.
    #[error("requesting {url}")]
    Request {
        /// Whom.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
    /// The credentials cannot be had.
    #[error("requesting {url}")]
    Credentials {
        /// Whom.
        url: String,
        /// Why.
        source: ClientError,
    },
    /// Not all of it in time.
    #[error("{url} did not answer within the scrape_timeout of {timeout:?}")]
    Timeout {
        /// Whom.
        url: String,
        /// How long was waited.
        timeout: Duration,
    },
    /// An answer other than 200.
    #[error("{url} answered {status}")]
    Status {
        /// Whom.
        url: String,
        /// What.
        status: StatusCode,
    },
    /// The body is too large.
    #[error("the body of {url} is larger than {limit} bytes")]
    BodySizeLimit {
        /// Whose.
        url: String,
        /// `body_size_limit`, or the ceiling.
        limit: u64,
    },
}

/// A body and how it is written.
#[derive(Debug)]
pub struct Page {
    /// The body, unpacked.
    pub body: Vec<u8>,
    /// Its format.
    pub format: Format,
}

/// Asks one target.
#[derive(Debug)]
pub struct Asker {
    client: Client,
    url: Url,
    settings: Arc<ScrapeSettings>,
    limit: u64,
    // Bodies of one target are alike in size.
    expected: usize,
}

impl Asker {
    /// For this target.
    #[must_use]
    pub fn new(client: Client, target: &Target, settings: Arc<ScrapeSettings>) -> Self {
        let limit = if settings.body_size_limit == 0 {
            CEILING
        } else {
            settings.body_size_limit
        };
        Self {
            client,
            url: target.url.clone(),
            settings,
            limit,
            expected: 0,
        }
    }

    /// The target as logs and errors show it: without credentials and parameters, which may be secret.
    #[must_use]
    pub fn shown(&self) -> String {
        let mut url = self.url.clone();
        url.set_query(None);
        // These fail only for URLs that cannot have credentials in the first place.
        let _ = (url.set_username(""), url.set_password(None));
        url.into()
    }

    /// Asks once.
    ///
    /// # Errors
    /// When there is no answer in time, or one that is not 200, or too large a one.
    pub async fn ask(&mut self) -> Result<Page, FetchError> {
        let timeout = self.settings.scrape_timeout;
        match tokio::time::timeout(timeout, self.read()).await {
            Ok(page) => page,
            Err(_) => Err(FetchError::Timeout {
                url: self.shown(),
                timeout,
            }),
        }
    }

    fn request(&self) -> Result<RequestBuilder, FetchError> {
        let seconds = self.settings.scrape_timeout.as_secs_f64();
        let request = self
            .client
            .get(self.url.clone())
            .header(USER_AGENT, concat!("millstream/", env!("CARGO_PKG_VERSION")))
            .header(ACCEPT, ACCEPTED)
            .header("X-Prometheus-Scrape-Timeout-Seconds", seconds.to_string());
        transport::authorize(request, &self.settings.client).map_err(|source| FetchError::Credentials {
            url: self.shown(),
            source,
        })
    }

    async fn read(&mut self) -> Result<Page, FetchError> {
        let failed = |source: reqwest::Error| FetchError::Request {
            url: self.shown(),
            source: source.without_url(),
        };
        let mut response = self.request()?.send().await.map_err(failed)?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status {
                url: self.shown(),
                status: response.status(),
            });
        }
        let content_type = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let format = Format::from_content_type(content_type);
        let mut body = Vec::with_capacity(self.expected);
        // Chunks come unpacked, so the limit is on what is held, and nothing beyond it is.
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() as u64 + chunk.len() as u64 > self.limit {
                return Err(FetchError::BodySizeLimit {
                    url: self.shown(),
                    limit: self.limit,
                });
            }
            body.extend_from_slice(&chunk);
        }
        self.expected = body.len();
        Ok(Page { body, format })
    }
}
