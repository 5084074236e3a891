//! HTTP as sources and sinks use it: the client and its TLS, secrets, back-off, `Retry-After`.

pub mod backoff;
pub mod client;
pub mod endpoint;
pub mod retry_after;
pub mod roots;
pub mod secret;
pub mod settings;
pub mod tls;

pub use backoff::{Backoff, Jitter};
pub use client::{ClientError, authorize, client};
pub use endpoint::shown;
pub use retry_after::retry_after;
pub use secret::{Secret, SecretError};
pub use settings::{Authorization, ClientSettings, TlsSettings};
pub use tls::TlsError;
