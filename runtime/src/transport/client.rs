//! The HTTP client of sinks and sources, and who it says it is.
//!
//! No surprises, each on purpose:
//! - Proxies are never taken from the environment. A variable set for another program must not reroute logs, and
//!   Prometheus and Alloy do not look at it either unless told to.
//! - Redirects are not followed. A redirected POST becomes a GET without a body, whose 200 would be taken for
//!   "the receiver has it".
//! - Secrets in files are read for every request, so that a rotated one is taken up without a restart.
//! - Errors come without their URL, which may hold a password; who logs them says the endpoint with [`super::shown`].

use std::time::Duration;

use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue,
    TRANSFER_ENCODING, USER_AGENT,
};
use reqwest::RequestBuilder;
use reqwest::redirect::Policy;
use thiserror::Error;

use super::secret::SecretError;
use super::settings::{Authorization, ClientSettings};
use super::tls::{self, TlsError};

/// What we call ourselves.
pub const AGENT: &str = concat!("millstream/", env!("CARGO_PKG_VERSION"));

/// The tenant's header.
pub const TENANT: HeaderName = HeaderName::from_static("x-scope-orgid");

/// Headers a manifest cannot set: they are ours, and a second value would make the request ambiguous.
pub const RESERVED: [HeaderName; 6] = [
    CONTENT_TYPE,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    TENANT,
    USER_AGENT,
];

/// The longest a connection may take. A live peer answers within one or two round trips and a lost packet's repeat;
/// a dead one should leave most of the request's time for another address.
const CONNECT: Duration = Duration::from_secs(5);

/// How long an idle connection is kept: longer than the usual `batch_wait`, shorter than what load balancers allow
/// (60 s is common), so that it is rarely closed under a request.
const IDLE: Duration = Duration::from_secs(50);

/// When a silent connection is probed: middleboxes forget connections, and a half-open one costs a whole timeout.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Why a client or a request cannot be made.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The TLS settings.
    #[error("setting up TLS")]
    Tls(#[from] TlsError),
    /// The client itself.
    #[error("setting up the HTTP client")]
    Client(#[source] reqwest::Error),
    /// A secret cannot be read.
    #[error("signing in")]
    Secret(#[from] SecretError),
    /// A header's name.
    #[error("{0:?} is no header name")]
    HeaderName(String),
    /// A header's value: it is a secret, so only the name is said.
    #[error("the value of header {0:?} has a character that headers cannot have")]
    HeaderValue(String),
    /// The request.
    #[error("making the request")]
    Request(#[source] reqwest::Error),
}

/// A client with these settings whose requests end after `timeout`. Clones share its connections.
///
/// # Errors
/// When a file is missing or malformed, or the settings contradict each other.
pub fn client(settings: &ClientSettings, timeout: Duration) -> Result<reqwest::Client, ClientError> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls::config(&settings.tls)?)
        .user_agent(AGENT)
        .no_proxy()
        .redirect(Policy::none())
        .referer(false)
        .connect_timeout(CONNECT.min(timeout))
        .timeout(timeout)
        .pool_idle_timeout(IDLE)
        .tcp_keepalive(KEEPALIVE)
        .build()
        .map_err(|error| ClientError::Client(error.without_url()))
}

/// Adds the settings' headers and credentials to a request, after its own headers are set.
///
/// # Errors
/// When a secret cannot be read or does not fit into a header.
pub fn authorize(builder: RequestBuilder, settings: &ClientSettings) -> Result<RequestBuilder, ClientError> {
    let (client, request) = builder.build_split();
    let mut request = request.map_err(|error| ClientError::Request(error.without_url()))?;
    for (name, secret) in &settings.headers {
        let header =
            HeaderName::try_from(name.as_str()).map_err(|_| ClientError::HeaderName(name.clone()))?;
        if RESERVED.contains(&header) {
            continue;
        }
        request
            .headers_mut()
            .insert(header, value(name, &secret.read()?)?);
    }
    let Some(authorization) = &settings.authorization else {
        return Ok(RequestBuilder::from_parts(client, request));
    };
    // What the URL or a custom header said before; two would make the request ambiguous.
    request.headers_mut().remove(AUTHORIZATION);
    match authorization {
        Authorization::Basic { username, password } => {
            Ok(RequestBuilder::from_parts(client, request).basic_auth(username, Some(password.read()?)))
        }
        Authorization::Bearer(token) => {
            let token = value("Authorization", &format!("Bearer {}", token.read()?))?;
            request.headers_mut().insert(AUTHORIZATION, token);
            Ok(RequestBuilder::from_parts(client, request))
        }
    }
}

/// A header value that shows itself to nobody.
fn value(name: &str, text: &str) -> Result<HeaderValue, ClientError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| ClientError::HeaderValue(name.to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests;
