//! The road once, on fixed input, for a program that counts instructions: `valgrind --tool=callgrind --toggle-collect=*counted*`.
//!
//! Seconds vary from minute to minute, instructions do not, so this is what a change is compared with (the suite `instructions`).
//! The stages that search text run as their native twins and those that move labels in the sandbox: together they are the
//! code of a stage and the crossing, and compiling the two small components takes valgrind seconds, not minutes.

use std::sync::Arc;

use anyhow::Context;
use millstream::stages::bundled;
use millstream_plugin_host::{Host, Limits, LogStage, STACK_SIZE};

use super::road::{self, Arrived, Hop, Silent, Step, Watch};
use super::spring;

/// The log's size in 10^6 bytes: some dozen requests.
const MEGABYTES: u64 = 12;

/// Travels the road; says how many entries came.
///
/// # Errors
/// When something does not run.
pub fn run() -> anyhow::Result<usize> {
    std::thread::Builder::new()
        .stack_size(STACK_SIZE)
        .spawn(on_this_thread)?
        .join()
        .map_err(|_| anyhow::anyhow!("the counting thread panicked"))?
}

fn on_this_thread() -> anyhow::Result<usize> {
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("spring.log");
    spring::write(&log, MEGABYTES)?;
    let mut steps = road::native()?;
    let host = Host::new(None)?;
    for (step, (name, settings)) in steps.iter_mut().zip(road::users_stages()).skip(2) {
        let plugin = host.load(name, bundled::component(name).context("not bundled")?)?;
        // Longer than valgrind makes any call.
        let limits = Limits {
            timeout: std::time::Duration::from_secs(600),
            ..Limits::default()
        };
        let stage = LogStage::new(plugin, &settings, limits, Arc::new(Silent))?;
        *step = Step::Sandboxed(Box::new(stage));
    }
    Ok(counted(&log, &mut steps)?.entries)
}

/// What is counted. Its name is what the counter looks for.
#[inline(never)]
fn counted(log: &std::path::Path, steps: &mut [Step]) -> anyhow::Result<Arrived> {
    road::travel(log, steps, &mut Unwatched, &mut |_| Ok(()))
}

/// Nobody looks at a clock.
struct Unwatched;

impl Watch for Unwatched {
    fn over<T>(&mut self, _: Hop, run: impl FnOnce() -> T) -> T {
        run()
    }
}
