//! A compiled plugin.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use wasmtime::component::{Component, InstancePre};

use crate::bindings::LogStagePre;
use crate::cache;
use crate::compiler::CompilerError;
use crate::engine::Host;
use crate::error::{GrantError, LoadError, StageError};
use crate::events::Unheard;
use crate::grants::Grants;
use crate::instance::{Guest, Instance};
use crate::interest::Interest;
use crate::limits::Limits;
use crate::wasi::{self, Granted};

/// The package of our own interfaces; whether their version and functions are known, the linker says.
pub(crate) const OURS: &str = "millstream:stage/";

/// A compiled component whose imports are resolved, and what it was granted. Cheap to clone.
#[derive(Clone)]
pub struct Plugin(Arc<Compiled>, Arc<Granted>);

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
            return Ok(Self(loaded, Arc::default()));
        }
        let cached = host
            .cache()
            .map(|folder| cache::path(folder, host.engine(), &sha256));
        let found = cached.as_deref().and_then(|path| cache::get(host.engine(), path));
        let from_cache = found.is_some();
        let component = match found {
            Some(component) => component,
            None => compiled(host, wasm, cached.as_deref()).map_err(|source| LoadError::Compile {
                what: name.into(),
                source,
            })?,
        };
        let world = |source| LoadError::World {
            what: name.into(),
            source,
        };
        let pre = match needs(host, name, &component)? {
            Needs::Nothing => host.linker().instantiate_pre(&component),
            Needs::Wasi => host.wasi().instantiate_pre(&component),
            Needs::Sockets => wasi::without_sockets(host.wasi(), host.engine(), &component)
                .and_then(|linker| linker.instantiate_pre(&component)),
        };
        let pre: InstancePre<Guest> = pre.map_err(world)?;
        let pre = LogStagePre::new(pre).map_err(world)?;
        let compiled = Arc::new(Compiled {
            host: host.clone(),
            name: name.into(),
            sha256,
            pre,
            from_cache,
        });
        host.remember(name, &compiled.sha256, &compiled);
        Ok(Self(compiled, Arc::default()))
    }

    /// The columns it reads when it is configured with `settings`. What it says meanwhile goes nowhere.
    ///
    /// # Errors
    /// When it refuses the settings or fails.
    pub fn interest(&self, settings: &serde_json::Value, limits: &Limits) -> Result<Interest, StageError> {
        let (_, interest) = Instance::new(self, &settings.to_string(), limits, Arc::new(Unheard))?;
        Ok(interest)
    }

    /// The same plugin with these grants instead of those it has.
    ///
    /// # Errors
    /// When a folder cannot be opened.
    pub fn with_grants(mut self, grants: &Grants) -> Result<Self, GrantError> {
        self.1 = Arc::new(Granted::open(grants)?);
        Ok(self)
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

    pub(crate) fn granted(&self) -> &Arc<Granted> {
        &self.1
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

/// Compiles a component: in a process of its own where the host has one for that, here where it has none.
fn compiled(host: &Host, wasm: &[u8], cached: Option<&Path>) -> wasmtime::Result<Component> {
    if let (Some(compiler), Some(path)) = (host.compiler(), cached) {
        match compiler.run(wasm, path) {
            Ok(()) => {
                if let Some(component) = cache::get(host.engine(), path) {
                    return Ok(component);
                }
            }
            // What it died of would be the end of this process.
            Err(error @ CompilerError::Died(_)) => return Err(error.into()),
            Err(error) => tracing::debug!(%error, "compiling in this process"),
        }
    }
    let component = Component::new(host.engine(), wasm)?;
    if let Some(path) = cached {
        cache::put(&component, path);
    }
    Ok(component)
}

/// What a component wants beside the `host` interface.
enum Needs {
    Nothing,
    Wasi,
    Sockets,
}

fn needs(host: &Host, name: &str, component: &Component) -> Result<Needs, LoadError> {
    let ty = component.component_type();
    let mut needs = Needs::Nothing;
    let mut strange = Vec::new();
    for (import, _) in ty.imports(host.engine()) {
        if import.starts_with(OURS) {
            continue;
        }
        if wasi::is_socket(import) {
            needs = Needs::Sockets;
        } else if !wasi::is_given(import) {
            strange.push(import.to_owned());
        } else if matches!(needs, Needs::Nothing) {
            needs = Needs::Wasi;
        }
    }
    if strange.is_empty() {
        Ok(needs)
    } else {
        Err(LoadError::Import {
            what: name.into(),
            interfaces: strange,
        })
    }
}

/// Says what a file is that people take for a component.
pub(crate) fn refuse_other_formats(name: &str, wasm: &[u8]) -> Result<(), LoadError> {
    let hint = match wasm.get(..8) {
        Some([0, b'a', b's', b'm', 0x0d, 0, 1, 0]) => return Ok(()),
        Some([0, b'a', b's', b'm', 1, 0, 0, 0]) => "it is a core module; `millstream plugin build` wraps it",
        _ if wasm.is_ascii() => "it is a text file; build it first",
        _ => "it does not begin with a component's header",
    };
    Err(LoadError::NotAComponent {
        what: name.into(),
        hint,
    })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
