//! Runs stage plugins: the only crate that names wasmtime.
//!
//! - [`Host`]: the engine, its clock for deadlines, the cache of compiled code.
//! - [`Plugin`]: a compiled component whose imports are resolved; shared by its stages.
//! - [`LogStage`]: a plugin configured for a place in a pipeline, its limits, and the rows it keeps back.
//!
//! Invariants: calls are synchronous and run on the caller's thread, which must have [`STACK_SIZE`] bytes of stack.
//! Everything a guest returns is checked before use. Nothing a guest does panics or blocks the host beyond the
//! stage's time limit; a trapped instance is never called again.
//!
//! One `Store` per stage and not per batch: instances live as long as their stage, because creating one per record
//! is what made Fluent Bit's filter slow (reference, `wasm-hosts.md` §1.3).

mod bindings;
mod bounds;
mod cache;
mod compiler;
mod convert;
mod engine;
mod error;
mod events;
mod grants;
mod inspect;
mod instance;
mod interest;
mod kernels;
mod limits;
mod plugin;
mod stage;
mod wasi;

pub use compiler::{Compiler, compile};
pub use engine::{Host, HostError, STACK_SIZE};
pub use error::{CallError, GrantError, LoadError, StageError};
pub use events::{Level, MetricKind, StageEvents};
pub use grants::Grants;
pub use inspect::{About, Want, inspect};
pub use interest::{EVERY, Interest};
pub use limits::{Limits, Recycling};
pub use plugin::Plugin;
pub use stage::{Answer, Failed, LogStage};
