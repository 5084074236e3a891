//! The wasmtime engine, narrowed to what stages use, and the clock that ends calls which take too long.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use thiserror::Error;
use wasmtime::component::Linker;
use wasmtime::{Config, Engine, OptLevel};

use crate::bindings::LogStage as Bindings;
use crate::compiler::Compiler;
use crate::error::LoadError;
use crate::instance::Guest;
use crate::kernels::Ticks;
use crate::plugin::{Compiled, Plugin};

/// How often the epoch advances: the resolution of time limits.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Stack for a thread that calls stages. Guests get 512 KiB of it (wasmtime's default); an overflow of the thread's
/// own stack would abort the process, so there is room to spare.
pub const STACK_SIZE: usize = 8 << 20;

/// The plugin host cannot start.
#[derive(Debug, Error)]
pub enum HostError {
    /// The engine refuses its configuration on this machine.
    #[error("cannot start the WebAssembly engine")]
    Engine(#[source] wasmtime::Error),
    /// The clock thread cannot start.
    #[error("cannot start the thread that ends long calls")]
    Clock(#[source] std::io::Error),
    /// The cache folder cannot be made.
    #[error("cannot make the folder for compiled plugins {path}")]
    Cache {
        /// Which folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// The engine, its clock and the cache of compiled code. Cheap to clone; one per process.
#[derive(Clone)]
pub struct Host(Arc<Shared>);

struct Shared {
    engine: Engine,
    linker: Linker<Guest>,
    wasi: Linker<Guest>,
    cache: Option<PathBuf>,
    compiler: Option<Compiler>,
    /// What is loaded and in use, by name and sha256: a reload that finds the same again shares its code.
    loaded: Mutex<HashMap<(String, String), Weak<Compiled>>>,
    ticks: Ticks,
    _clock: Clock,
}

impl Host {
    /// Starts the engine. Compiled code is kept in `cache` when given.
    ///
    /// # Errors
    /// When the engine, its clock or the cache folder cannot be had.
    pub fn new(cache: Option<&Path>) -> Result<Self, HostError> {
        Self::start(cache, None)
    }

    /// The same with a cache that another process compiles into.
    ///
    /// # Errors
    /// Likewise.
    pub fn compiling_apart(cache: &Path, compiler: Compiler) -> Result<Self, HostError> {
        Self::start(Some(cache), Some(compiler))
    }

    fn start(cache: Option<&Path>, compiler: Option<Compiler>) -> Result<Self, HostError> {
        if let Some(path) = cache {
            crate::cache::make_folder(path).map_err(|source| HostError::Cache {
                path: path.to_path_buf(),
                source,
            })?;
        }
        let engine = Engine::new(&config()).map_err(HostError::Engine)?;
        let mut linker = Linker::new(&engine);
        Bindings::add_to_linker::<Guest, wasmtime::component::HasSelf<Guest>>(&mut linker, |guest| guest)
            .map_err(HostError::Engine)?;
        let mut wasi = linker.clone();
        crate::wasi::link(&mut wasi).map_err(HostError::Engine)?;
        let ticks = Ticks::default();
        let clock = Clock::start(engine.clone(), ticks.clone()).map_err(HostError::Clock)?;
        Ok(Self(Arc::new(Shared {
            engine,
            linker,
            wasi,
            cache: cache.map(Path::to_path_buf),
            compiler,
            loaded: Mutex::default(),
            ticks,
            _clock: clock,
        })))
    }

    /// Compiles a component, or takes it from the cache. `name` is for messages.
    ///
    /// # Errors
    /// When the bytes are no component, do not compile or are of another world.
    pub fn load(&self, name: &str, wasm: &[u8]) -> Result<Plugin, LoadError> {
        Plugin::load(self, name, wasm)
    }

    /// [`Host::load`] of a file.
    ///
    /// # Errors
    /// Likewise, or when the file cannot be read.
    pub fn load_file(&self, name: &str, path: &Path) -> Result<Plugin, LoadError> {
        let wasm = std::fs::read(path).map_err(|source| LoadError::Read {
            path: path.to_path_buf(),
            source,
        })?;
        self.load(name, &wasm)
    }

    pub(crate) fn loaded(&self, name: &str, sha256: &str) -> Option<Arc<Compiled>> {
        let key = (name.to_owned(), sha256.to_owned());
        self.all_loaded().get(&key).and_then(Weak::upgrade)
    }

    pub(crate) fn remember(&self, name: &str, sha256: &str, plugin: &Arc<Compiled>) {
        let mut loaded = self.all_loaded();
        loaded.retain(|_, plugin| plugin.strong_count() > 0);
        loaded.insert((name.to_owned(), sha256.to_owned()), Arc::downgrade(plugin));
    }

    fn all_loaded(&self) -> MutexGuard<'_, HashMap<(String, String), Weak<Compiled>>> {
        self.0.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// What a component is given that does not import WASI.
    pub(crate) fn linker(&self) -> &Linker<Guest> {
        &self.0.linker
    }

    /// What one is given that does.
    pub(crate) fn wasi(&self) -> &Linker<Guest> {
        &self.0.wasi
    }

    /// How often the clock that ends calls has ticked.
    pub(crate) fn ticks(&self) -> &Ticks {
        &self.0.ticks
    }

    pub(crate) fn compiler(&self) -> Option<&Compiler> {
        self.0.compiler.as_ref()
    }

    pub(crate) fn cache(&self) -> Option<&Path> {
        self.0.cache.as_deref()
    }
}

/// What code is compiled with; other settings are another cache.
pub(crate) fn config() -> Config {
    let mut config = Config::new();
    config
        // Calls are synchronous; the concurrent machinery would cost every call (wasmtime#14189).
        .concurrency_support(false)
        .epoch_interruption(true)
        .cranelift_opt_level(OptLevel::Speed)
        // Backtraces name functions; offsets into the module would only cost memory.
        .generate_address_map(false)
        .native_unwind_info(false);
    config
}

/// Advances the engine's epoch until dropped.
struct Clock {
    _stop: SyncSender<()>,
}

impl Clock {
    fn start(engine: Engine, ticks: Ticks) -> std::io::Result<Self> {
        let (stop, stopped) = sync_channel(0);
        std::thread::Builder::new()
            .name("plugin-clock".into())
            .stack_size(64 << 10)
            .spawn(move || {
                while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(TICK) {
                    engine.increment_epoch();
                    ticks.advance();
                }
            })?;
        Ok(Self { _stop: stop })
    }
}
