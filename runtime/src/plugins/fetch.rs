//! A bounded GET that follows redirects with care.

use std::time::Duration;

use http::header::{ACCEPT, LOCATION};
use http::{HeaderValue, StatusCode};
use reqwest::{Client, Response};
use thiserror::Error;
use url::{ParseError, Url};

use super::is_loopback;
use crate::transport::{ClientError, ClientSettings, authorize, client, shown};

/// The largest component: Python's, the largest there are, take 40 MB.
const MOST: usize = 256 << 20;

/// The longest a fetch may take: [`MOST`] over 20 Mbit/s.
const PATIENCE: Duration = Duration::from_secs(120);

/// The most redirects: a registry's to its store, and a few more.
const REDIRECTS: usize = 5;

/// Why something could not be fetched. Nothing of it shows a query or credentials.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The client or the request.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// No answer came, or none whole.
    #[error("no whole answer from {from}")]
    Answer {
        /// From where.
        from: String,
        /// Why.
        source: reqwest::Error,
    },
    /// The answer was no.
    #[error("{from} answers {status}")]
    Status {
        /// From where.
        from: String,
        /// Which.
        status: StatusCode,
    },
    /// It is too large.
    #[error("{from} sends more than {most} bytes")]
    TooLarge {
        /// From where.
        from: String,
        /// The most that is taken.
        most: usize,
    },
    /// A redirect leads nowhere.
    #[error("{from} redirects to no URL")]
    Redirect {
        /// From where.
        from: String,
        /// Why, if it named one.
        source: Option<ParseError>,
    },
    /// A redirect leads where nothing is fetched from.
    #[error("{from} redirects to {to}, which is not https")]
    Downgrade {
        /// From where.
        from: String,
        /// Where to.
        to: String,
    },
    /// One redirect after the other.
    #[error("{from} redirects more than {REDIRECTS} times")]
    Round {
        /// From where.
        from: String,
    },
}

/// Gets the component at a URL.
pub(super) async fn component(url: &Url, settings: &ClientSettings) -> Result<Vec<u8>, FetchError> {
    let getter = Getter::new(settings)?;
    let answer = getter.get(url, None, Credentials::Settings).await?;
    body(successful(answer, url)?, MOST).await
}

/// What a request is signed with.
#[derive(Clone, Copy)]
pub(super) enum Credentials<'a> {
    /// Nothing.
    None,
    /// What the settings say.
    Settings,
    /// A token that a registry gave.
    Token(&'a HeaderValue),
}

/// Gets things for one component.
pub(super) struct Getter<'a> {
    client: Client,
    settings: &'a ClientSettings,
}

impl<'a> Getter<'a> {
    pub(super) fn new(settings: &'a ClientSettings) -> Result<Self, FetchError> {
        Ok(Self {
            client: client(settings, PATIENCE)?,
            settings,
        })
    }

    /// The answer of `url`, or of where it redirects to, whatever its status. Credentials stay with the first host.
    pub(super) async fn get(
        &self,
        url: &Url,
        accept: Option<&'static str>,
        credentials: Credentials<'_>,
    ) -> Result<Response, FetchError> {
        let mut at = url.clone();
        for _ in 0..=REDIRECTS {
            let mut request = self.client.get(at.clone());
            if let Some(accept) = accept {
                request = request.header(ACCEPT, accept);
            }
            if at.origin() == url.origin() {
                request = match credentials {
                    Credentials::None => request,
                    Credentials::Settings => authorize(request, self.settings)?,
                    Credentials::Token(token) => request.header(http::header::AUTHORIZATION, token),
                };
            }
            let answer = request.send().await.map_err(|error| FetchError::Answer {
                from: shown(&at),
                source: error.without_url(),
            })?;
            if !answer.status().is_redirection() {
                return Ok(answer);
            }
            at = next(&at, answer.headers().get(LOCATION))?;
        }
        Err(FetchError::Round { from: shown(url) })
    }
}

/// Where a redirect leads.
fn next(at: &Url, location: Option<&HeaderValue>) -> Result<Url, FetchError> {
    let from = shown(at);
    let Some(location) = location.and_then(|location| location.to_str().ok()) else {
        return Err(FetchError::Redirect { from, source: None });
    };
    let to = match at.join(location) {
        Ok(to) => to,
        Err(why) => {
            return Err(FetchError::Redirect {
                from,
                source: Some(why),
            });
        }
    };
    // In the clear only from this machine to itself.
    let clear = to.scheme() == "http" && at.scheme() == "http" && is_loopback(at) && is_loopback(&to);
    if to.scheme() == "https" || clear {
        Ok(to)
    } else {
        Err(FetchError::Downgrade { from, to: shown(&to) })
    }
}

/// An answer that is not a no.
pub(super) fn successful(answer: Response, url: &Url) -> Result<Response, FetchError> {
    if answer.status().is_success() {
        Ok(answer)
    } else {
        Err(FetchError::Status {
            from: shown(url),
            status: answer.status(),
        })
    }
}

/// The body, of at most so many bytes.
pub(super) async fn body(mut answer: Response, most: usize) -> Result<Vec<u8>, FetchError> {
    let from = shown(answer.url());
    let mut bytes = Vec::new();
    loop {
        let chunk = answer.chunk().await.map_err(|error| FetchError::Answer {
            from: from.clone(),
            source: error.without_url(),
        })?;
        let Some(chunk) = chunk else { return Ok(bytes) };
        if bytes.len() + chunk.len() > most {
            return Err(FetchError::TooLarge { from, most });
        }
        bytes.extend_from_slice(&chunk);
    }
}

/// The largest component, for those that pull one otherwise.
pub(super) const fn most() -> usize {
    MOST
}
