//! The resolved settings of an HTTP client.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::secret::Secret;

/// Who we say we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authorization {
    /// `Authorization: Basic …`.
    Basic {
        /// The user's name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// `Authorization: Bearer …`.
    Bearer(Secret),
}

/// How TLS peers are checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// PEM file of certificate authorities trusted instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// PEM file of our certificate.
    pub cert_file: Option<PathBuf>,
    /// PEM file of our private key.
    pub key_file: Option<PathBuf>,
    /// The name to check the certificate against instead of the URL's host.
    pub server_name: Option<String>,
    /// Take any certificate.
    pub insecure_skip_verify: bool,
}

/// The resolved settings of an HTTP client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientSettings {
    /// Credentials.
    pub authorization: Option<Authorization>,
    /// Further headers; they cannot override ours.
    pub headers: BTreeMap<String, Secret>,
    /// TLS.
    pub tls: TlsSettings,
}
