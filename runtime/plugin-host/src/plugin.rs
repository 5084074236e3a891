//! A compiled plugin.

use std::fmt::Write as _;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use wasmtime::component::{Component, InstancePre};

use crate::bindings::LogStagePre;
use crate::engine::Host;
use crate::error::LoadError;
use crate::instance::Guest;

/// A compiled component whose imports are resolved. Cheap to clone.
#[derive(Clone)]
pub struct Plugin(Arc<Compiled>);

pub(crate) struct Compiled {
    host: Host,
    name: String,
    sha256: String,
    pre: LogStagePre<Guest>,
    from_cache: bool,
}

impl Plugin {
    pub(crate) fn load(host: &Host, name: &str, wasm: &[u8]) -> Result<Self, LoadError> {
        refuse_other_formats(name, wasm)?;
        let sha256 = hex(&Sha256::digest(wasm));
        if let Some(loaded) = host.loaded(name, &sha256) {
            return Ok(Self(loaded));
        }
        let cached = host
            .cache()
            .map(|folder| crate::cache::path(folder, host.engine(), &sha256));
        let found = cached
            .as_deref()
            .and_then(|path| crate::cache::get(host.engine(), path));
        let from_cache = found.is_some();
        let component = match found {
            Some(component) => component,
            None => {
                let component = Component::new(host.engine(), wasm).map_err(|source| LoadError::Compile {
                    what: name.into(),
                    source,
                })?;
                if let Some(path) = &cached {
                    crate::cache::put(&component, path);
                }
                component
            }
        };
        let world = |source| LoadError::World {
            what: name.into(),
            source,
        };
        let pre: InstancePre<Guest> = host.linker().instantiate_pre(&component).map_err(world)?;
        let pre = LogStagePre::new(pre).map_err(world)?;
        let compiled = Arc::new(Compiled {
            host: host.clone(),
            name: name.into(),
            sha256,
            pre,
            from_cache,
        });
        host.remember(name, &compiled.sha256, &compiled);
        Ok(Self(compiled))
    }

    /// Its name, for messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The sha256 of its component, in hex.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.0.sha256
    }

    /// Whether its code came from the cache.
    #[must_use]
    pub fn from_cache(&self) -> bool {
        self.0.from_cache
    }

    pub(crate) fn host(&self) -> &Host {
        &self.0.host
    }

    pub(crate) fn pre(&self) -> &LogStagePre<Guest> {
        &self.0.pre
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin")
            .field("name", &self.0.name)
            .field("sha256", &self.0.sha256)
            .finish()
    }
}

/// Says what a file is that people take for a component.
fn refuse_other_formats(name: &str, wasm: &[u8]) -> Result<(), LoadError> {
    let hint = match wasm.get(..8) {
        Some([0, b'a', b's', b'm', 0x0d, 0, 1, 0]) => return Ok(()),
        Some([0, b'a', b's', b'm', 1, 0, 0, 0]) => {
            "it is a core module; wrap it with `wasm-tools component new` (CONTRIBUTING.md, Guests)"
        }
        _ if wasm.is_ascii() => "it is a text file; build it first",
        _ => "it does not begin with a component's header",
    };
    Err(LoadError::NotAComponent {
        what: name.into(),
        hint,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
