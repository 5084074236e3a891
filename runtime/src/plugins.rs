//! Where components come from: the binary, a file, a web server, an OCI registry.
//!
//! Invariants:
//! - A fetched component is named by its sha256 in the manifest and checked against it before anything reads it: before it is
//!   stored, and again each time it is taken from the store. So it does not matter who served it, nor over which redirects.
//! - It is stored under the storage path, `plugins/<sha256>.wasm`, and once it is there no network is needed or touched.
//! - Fetching is bounded in bytes and time, and never goes on over plain HTTP: what is asked for is nobody else's business,
//!   and credentials may be with it. Only this machine itself is spoken to in the clear.
//!
//! An own client for registries of two requests instead of a crate for it: pulling one layer is all that is wanted, while
//! `oci-client` brings its own HTTP stack settings, JWT and the whole image format.

mod fetch;
mod image;
mod library;
mod registry;

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::PathBuf;

use sha2::{Digest, Sha256};
use thiserror::Error;
use url::{Host, Url};

pub use fetch::FetchError;
pub use image::{Image, ImageError};
pub use library::Library;
pub use registry::RegistryError;

use crate::manifest::{PluginEntry, PluginOrigin};
use crate::stages::bundled;

/// A component's bytes and how they were had.
#[derive(Debug)]
pub struct Component {
    /// The bytes; their sha256 is the one that the manifest names, if it does.
    pub wasm: Vec<u8>,
    /// From where.
    pub source: Source,
}

/// From where a component was had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The binary.
    Bundled,
    /// Its file.
    File,
    /// It was fetched before.
    Stored,
    /// It was fetched for this.
    Fetched,
}

/// A component that cannot be had.
#[derive(Debug, Error)]
pub enum ComponentError {
    /// Its file cannot be read.
    #[error("cannot read the component {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not the one that was meant.
    #[error("its sha256 is {found}, and the manifest says {expected}")]
    Other {
        /// What it has.
        found: String,
        /// What it should have.
        expected: String,
    },
    /// It cannot be fetched.
    #[error("cannot fetch {what}")]
    Fetch {
        /// What, without credentials.
        what: String,
        /// Why.
        source: Box<FetchError>,
    },
    /// It cannot be pulled.
    #[error("cannot pull {image}")]
    Pull {
        /// Which image.
        image: String,
        /// Why.
        source: Box<RegistryError>,
    },
    /// It cannot be stored.
    #[error("cannot store the component as {}", path.display())]
    Store {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is nothing to fetch with.
    #[error("cannot start what fetches components")]
    Runtime(#[source] io::Error),
}

/// Gets the component of a plugin. Blocks while it is fetched: not for a thread that is inside a runtime.
///
/// # Errors
/// When it cannot be had, or is another than the manifest says.
pub fn component(name: &str, entry: &PluginEntry, library: &Library) -> Result<Component, ComponentError> {
    match &entry.origin {
        PluginOrigin::Bundled => Ok(Component {
            wasm: bundled::component(name).unwrap_or_default().to_vec(),
            source: Source::Bundled,
        }),
        PluginOrigin::File(path) => {
            let wasm = fs::read(path).map_err(|source| ComponentError::Read {
                path: path.clone(),
                source,
            })?;
            Ok(Component {
                wasm: verified(wasm, entry.sha256.as_deref())?,
                source: Source::File,
            })
        }
        PluginOrigin::Url(..) | PluginOrigin::Image(..) => {
            let sha256 = entry.sha256.as_deref().unwrap_or_default();
            if let Some(wasm) = library.find(sha256) {
                return Ok(Component {
                    wasm,
                    source: Source::Stored,
                });
            }
            let wasm = verified(fetched(&entry.origin, sha256)?, Some(sha256))?;
            library.put(sha256, &wasm)?;
            Ok(Component {
                wasm,
                source: Source::Fetched,
            })
        }
    }
}

fn fetched(origin: &PluginOrigin, sha256: &str) -> Result<Vec<u8>, ComponentError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(ComponentError::Runtime)?;
    match origin {
        PluginOrigin::Url(url, client) => {
            let got = runtime.block_on(fetch::component(url, client));
            got.map_err(|source| ComponentError::Fetch {
                what: crate::transport::shown(url),
                source: Box::new(source),
            })
        }
        PluginOrigin::Image(image, client) => {
            let pulled = runtime.block_on(registry::pull(image, client, sha256));
            pulled.map_err(|source| ComponentError::Pull {
                image: image.to_string(),
                source: Box::new(source),
            })
        }
        PluginOrigin::Bundled | PluginOrigin::File(_) => Ok(Vec::new()),
    }
}

fn verified(wasm: Vec<u8>, expected: Option<&str>) -> Result<Vec<u8>, ComponentError> {
    let found = sha256(&wasm);
    match expected {
        Some(expected) if found != expected => Err(ComponentError::Other {
            found,
            expected: expected.into(),
        }),
        _ => Ok(wasm),
    }
}

/// The sha256 of some bytes, in hex.
fn sha256(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Whether a text is a sha256 in lower hex.
#[must_use]
pub fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether a URL leads to this machine.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests;
