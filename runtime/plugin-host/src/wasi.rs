//! What of WASI 0.2 a component finds: enough for the runtimes of Go, JavaScript, Python and Rust's `wasip2` to start
//! and run, and nothing else unless it was granted ([`Grants`]).
//!
//! | Interface | Without a grant | With it |
//! |---|---|---|
//! | `wasi:cli/environment` | no variable, no argument, no folder | the variables named |
//! | `wasi:cli/stdin`, `terminal-*` | ended, no terminal | |
//! | `wasi:cli/stdout`, `stderr` | lines in the stage's log, as `info` and `warn`, cut at [`stdio::LINE`] bytes | |
//! | `wasi:cli/exit` | the call fails | |
//! | `wasi:clocks/wall-clock` | the `now` of the call; 1970 before the first one | the system's |
//! | `wasi:clocks/monotonic-clock` | goes on by a microsecond with every look | the system's |
//! | `wasi:random/*` | the same bytes in every instance | the system's |
//! | `wasi:filesystem/*` | no folder | the folders named, to read |
//! | `wasi:sockets/*` | a call fails | |
//!
//! Invariants:
//! - Clock and randomness are stubbed and not refused, because the runtimes read both as they start, wanted or not; so an
//!   import alone says nothing about what a plugin's author needs. What is stubbed is the same in every instance: what a
//!   stage does follows from what it is given, also after a replay.
//! - Nothing here waits. Whoever sleeps finds the monotonic clock put forward instead, granted or not. Files are read on
//!   the stage's thread, as its own disk allows.
//! - Nothing a guest does here grows without a bound: handles ([`handles`]), open files, the bytes of a read, of a line.
//! - There is no network. Sockets are names without functions behind them, because Python's runtime imports them whatever a
//!   plugin does; HTTP and everything else that is not in the table is refused when a component is loaded.
//! - Components without WASI get a linker without it.
//!
//! Why not `wasmtime-wasi`, which is kept and does all of it: its synchronous functions end in tokio's `Handle::block_on`,
//! which panics on a thread that is inside a runtime, and that is where stages are called (a pipeline's worker). Its
//! asynchronous ones need a fiber for every call, also of components that have no WASI. What is hard about it, keeping a
//! path inside a folder, is left to the kernel (`openat2`, see [`folder`]).

mod bindings;
mod clocks;
mod descriptor;
mod files;
mod folder;
mod handles;
mod io;
mod random;
mod sockets;
mod stdio;
mod stream;

use std::sync::Arc;

use wasmtime::component::{HasSelf, Linker};

use crate::error::GrantError;
use crate::events::{Level, StageEvents};
use crate::grants::Grants;
use crate::instance::Guest;
use clocks::Monotonic;
use folder::Folder;
use handles::Handles;
use random::Random;
use stdio::Lines;

pub(crate) use sockets::{is_socket, without_sockets};
pub(crate) use stdio::Exited;

/// The packages of the bindings, whose interfaces are linked.
const GIVEN: [&str; 20] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
];

/// Whether an interface (`wasi:io/poll@0.2.3`) is among those given.
pub(crate) fn is_given(interface: &str) -> bool {
    interface
        .split_once('@')
        .is_some_and(|(name, version)| version.starts_with("0.2.") && GIVEN.contains(&name))
}

/// Adds the interfaces of the table to a linker.
pub(crate) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    bindings::Given::add_to_linker::<Guest, HasSelf<Wasi>>(linker, |guest| guest.wasi())
}

/// Grants with their folders opened; shared by the instances of a plugin.
#[derive(Default)]
pub(crate) struct Granted {
    folders: Vec<(String, Folder)>,
    environment: Vec<(String, String)>,
    clock: bool,
    random: bool,
}

impl Granted {
    /// Opens the folders.
    pub(crate) fn open(grants: &Grants) -> Result<Self, GrantError> {
        let mut folders = Vec::with_capacity(grants.folders.len());
        for (name, path) in &grants.folders {
            let folder = Folder::open(path).map_err(|source| GrantError {
                name: name.clone(),
                path: path.clone(),
                source,
            })?;
            folders.push((name.clone(), folder));
        }
        Ok(Self {
            folders,
            environment: grants.environment.clone().into_iter().collect(),
            clock: grants.clock,
            random: grants.random,
        })
    }
}

/// The WASI of one instance.
pub(crate) struct Wasi {
    granted: Arc<Granted>,
    events: Arc<dyn StageEvents>,
    table: Handles,
    /// The `now` of the call, in nanoseconds since the epoch.
    pub(crate) now: i64,
    monotonic: Monotonic,
    random: Random,
    stdout: Lines,
    stderr: Lines,
    /// Every open file has a clone: so they are counted.
    files: Arc<()>,
}

impl Wasi {
    pub(crate) fn new(granted: Arc<Granted>, events: Arc<dyn StageEvents>) -> Self {
        Self {
            granted,
            events,
            table: Handles::new(),
            now: 0,
            monotonic: Monotonic::default(),
            random: Random::default(),
            stdout: Lines::new(Level::Info),
            stderr: Lines::new(Level::Warn),
            files: Arc::default(),
        }
    }
}

/// A line without an end is told when its instance goes.
impl Drop for Wasi {
    fn drop(&mut self) {
        self.stdout.end(&*self.events);
        self.stderr.end(&*self.events);
    }
}
