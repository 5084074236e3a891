//! `millstream run`: run a manifest until told to stop.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use tokio::runtime::Runtime;

use super::exit::InputError;
use super::logging::{self, LogArgs};
use super::{compile, exit, load};
use crate::agent::Agent;
use crate::sources::file::descriptors;

/// Arguments of `run`.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// The manifest.
    #[arg(value_name = "MANIFEST")]
    pub manifest: PathBuf,

    /// Where checkpoints and compiled plugins are kept.
    #[arg(long, value_name = "DIR", default_value = "data-millstream")]
    pub storage_path: PathBuf,

    /// Where readiness, health, metrics and reload are served.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:12345", value_parser = listen)]
    pub listen: String,

    /// Reload when the manifest changes. Changed components are always reloaded.
    #[arg(long)]
    pub watch: bool,
    /// How and how much to log.
    #[command(flatten)]
    pub logging: LogArgs,
}

/// `HOST:PORT`; the host may be a name, which is looked up when it is bound.
fn listen(text: &str) -> Result<String, String> {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(text.to_owned()),
        _ => Err("write it as HOST:PORT, such as 127.0.0.1:12345".to_owned()),
    }
}

/// Runs the manifest.
///
/// # Errors
/// When the manifest is wrong or something it names cannot be started.
pub fn run(args: &RunArgs) -> anyhow::Result<()> {
    logging::start(&args.logging)?;
    let manifest = load(&args.manifest)?;
    exit::warn(&manifest.warnings);
    descriptors::raise();
    let agent = Agent::new(&args.storage_path, Some(compile::compiler()))?;
    let plan = agent.plan(manifest).map_err(InputError::from)?;
    let path = args.manifest.clone();
    let again = move || {
        let manifest = load(&path)?;
        exit::warn(&manifest.warnings);
        Ok(manifest)
    };
    let watched = args.watch.then_some(args.manifest.as_path());
    runtime()?.block_on(agent.run(plan, &args.listen, again, watched))
}

/// The runtime of everything but workers and readers, which have threads of their own.
///
/// # Errors
/// When the machine gives no threads.
pub(super) fn runtime() -> anyhow::Result<Runtime> {
    /// Sinks, scrapes and the admin server wait far more than they work; encoding for two sinks at once keeps two busy.
    const THREADS: usize = 2;
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .context("cannot start the runtime")
}
