//! `plugins:` as written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::client::{AuthorizationDocument, BasicAuthDocument, ClientDocument, TlsDocument};
use super::text::{DurationText, SizeText};

/// A custom plugin, or, under a bundled plugin's name and without `path`, `url` and `oci`, limits for that one.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Plugin")]
pub struct PluginDocument {
    /// The component's file, relative to the manifest.
    pub path: Option<String>,
    /// Where the component is fetched from, such as `https://example.com/redact.wasm`; needs `sha256`.
    pub url: Option<String>,
    /// The image in an OCI registry that holds it, such as `ghcr.io/example/redact:1.0.0`; needs `sha256`.
    pub oci: Option<String>,
    /// The sha256 of the component, in hex: one with another is not run.
    pub sha256: Option<String>,
    /// The most memory each instance may take; default 64MiB.
    pub memory: Option<SizeText>,
    /// The longest a call may take; default 1s.
    pub timeout: Option<DurationText>,
    /// The most bytes a call may return, as a multiple of what went in, and 1MiB in any case; default 16.
    pub output: Option<u64>,
    /// The most log lines each of its stages writes in ten seconds; default 20.
    pub log_rate: Option<u32>,
    /// What it may use beside the host's functions; default nothing.
    pub grants: Option<GrantsDocument>,
    /// What becomes of an entry the plugin fails on; default pass.
    pub on_error: Option<OnErrorWord>,
    /// When an instance is replaced by a fresh one that is fed what it held; default once it has three quarters of `memory`.
    pub recycle: Option<RecycleDocument>,
    /// Name and password for `url` or `oci`.
    pub basic_auth: Option<BasicAuthDocument>,
    /// A bearer token for `url` or `oci`; better `${env:NAME}` than the token itself.
    pub bearer_token: Option<String>,
    /// A file that holds a bearer token.
    pub bearer_token_file: Option<String>,
    /// The `Authorization` header for `url` or `oci`.
    pub authorization: Option<AuthorizationDocument>,
    /// Further headers for `url` or `oci`.
    pub headers: Option<BTreeMap<String, String>>,
    /// How TLS peers are checked.
    pub tls_config: Option<TlsDocument>,
}

impl PluginDocument {
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

/// What a plugin may use beside the host's functions.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Grants")]
pub struct GrantsDocument {
    /// Folders it may read, each by the name it has there: `/lookup: ./lookup`.
    pub folders: Option<BTreeMap<String, String>>,
    /// Environment variables it sees; better `${env:NAME}` than a secret itself.
    pub environment: Option<BTreeMap<String, String>>,
    /// The system's clocks; without, it sees the time its call was made at.
    pub clock: Option<bool>,
    /// The system's randomness; without, every instance gets the same numbers.
    pub random: Option<bool>,
}

/// When an instance is replaced, between two batches.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Recycle")]
pub struct RecycleDocument {
    /// Once it has more memory than this.
    pub memory: Option<SizeText>,
    /// After so many calls; default never.
    pub calls: Option<u64>,
}

/// What becomes of an entry a plugin fails on.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "OnError")]
pub enum OnErrorWord {
    /// It goes on unchanged, marked in its metadata.
    Pass,
    /// It is dropped and counted.
    Drop,
    /// It is kept as a JSON line in `dead_letters/` under the storage path.
    DeadLetter,
    /// The pipeline stops.
    Halt,
}
