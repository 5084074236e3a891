//! How an HTTP client presents itself: Prometheus' keys, shared by scrape sources and both push sinks.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

/// Name and password.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "BasicAuth")]
pub struct BasicAuthDocument {
    /// The user's name.
    #[schemars(required)]
    pub username: Option<String>,
    /// The password; better `${env:NAME}` than the password itself.
    pub password: Option<String>,
    /// A file that holds the password, read again for every request.
    pub password_file: Option<String>,
}

/// The `Authorization` header.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Authorization")]
pub struct AuthorizationDocument {
    /// The scheme; `Bearer` is the only one and the default.
    pub r#type: Option<String>,
    /// The token; better `${env:NAME}` than the token itself.
    pub credentials: Option<String>,
    /// A file that holds the token, read again for every request.
    pub credentials_file: Option<String>,
}

/// How TLS peers are checked.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TlsConfig")]
pub struct TlsDocument {
    /// PEM file of certificate authorities trusted instead of the system's.
    pub ca_file: Option<String>,
    /// PEM file of our certificate; needs `key_file`.
    pub cert_file: Option<String>,
    /// PEM file of our private key; needs `cert_file`.
    pub key_file: Option<String>,
    /// The name to check the certificate against instead of the URL's host.
    pub server_name: Option<String>,
    /// Take any certificate.
    pub insecure_skip_verify: Option<bool>,
}

/// The client keys of a section, borrowed: each section lists them itself, since `flatten` would cost messages their place.
pub struct ClientDocument<'a> {
    /// `basic_auth`.
    pub basic_auth: Option<&'a BasicAuthDocument>,
    /// `bearer_token`.
    pub bearer_token: Option<&'a str>,
    /// `bearer_token_file`.
    pub bearer_token_file: Option<&'a str>,
    /// `authorization`.
    pub authorization: Option<&'a AuthorizationDocument>,
    /// `headers`.
    pub headers: Option<&'a BTreeMap<String, String>>,
    /// `tls_config`.
    pub tls_config: Option<&'a TlsDocument>,
}
