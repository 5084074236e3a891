//! `millstream demo`: run an example that needs no setup.

use std::time::Duration;

use clap::Args;

use super::logging::{self, LogArgs};
use crate::manifest::duration;

/// Arguments of `demo`.
#[derive(Args, Debug)]
pub struct DemoArgs {
    /// Stop after this long, such as 30s; without it, run until told to stop.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub duration: Option<Duration>,

    /// How and how much to log.
    #[command(flatten)]
    pub logging: LogArgs,
}

/// Runs the example.
///
/// # Errors
/// When it cannot be started, or a line was lost.
pub fn demo(args: &DemoArgs) -> anyhow::Result<()> {
    logging::start(&args.logging)?;
    super::run::runtime()?.block_on(crate::demo::run(args.duration))
}
