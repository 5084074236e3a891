//! The tools of a plugin's author: a new folder, a build, cases, measurements, a look inside, a watch.
//!
//! A plugin folder (`plugin.toml`) is the same in every language, and so is all that is done here: the language shows only in
//! the command that builds. Cases run through the host that the agent runs plugins with, with its limits, so what passes
//! here behaves so there.
//!
//! Invariants: nothing of the author's is overwritten unless asked (`--bless`); data goes to the caller as values, and only
//! the author's own commands write to stderr, as they run.

pub mod bench;
pub mod build;
pub mod case;
pub mod command;
pub mod comparison;
pub mod entry;
pub mod folder;
pub mod inspection;
pub mod log_file;
pub mod mistake;
pub mod recorder;
pub mod shelf;
pub mod sources;
pub mod stopwatch;
pub mod template;
pub mod trial;
pub mod watch;

pub use build::{Built, build};
pub use folder::PluginFolder;
pub use mistake::Mistake;

use std::thread;

use anyhow::Context;
use millstream_plugin_host::STACK_SIZE;

/// Runs `work` on a thread with the stack that guests need.
///
/// # Errors
/// When there is no thread to be had, or the work fails.
pub fn deep<T: Send>(work: impl FnOnce() -> anyhow::Result<T> + Send) -> anyhow::Result<T> {
    thread::scope(|scope| {
        thread::Builder::new()
            .name("plugin".into())
            .stack_size(STACK_SIZE)
            .spawn_scoped(scope, work)
            .context("cannot start a thread for the plugin")?
            .join()
            .map_err(|_| anyhow::anyhow!("the plugin's thread panicked"))?
    })
}
