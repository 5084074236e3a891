//! `millstream check`: say what is wrong with a manifest, and what its plugins are and may do.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use millstream_plugin_host::Host;

use super::exit::InputError;
use super::{components, exit, load};
use crate::admin::Families;
use crate::disk::LocalDisk;
use crate::pipeline::Plan;
use crate::plugins::Library;
use crate::stages::DeadLetters;

/// Arguments of `check`.
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// The manifest.
    #[arg(value_name = "MANIFEST")]
    pub manifest: PathBuf,

    /// Where plugins are kept that have to be fetched.
    #[arg(long, value_name = "DIR", default_value = "data-millstream")]
    pub storage_path: PathBuf,
}

/// Checks the manifest: gets, compiles and configures every plugin, contacts nothing but where plugins are fetched from.
///
/// # Errors
/// With everything that is wrong with it.
pub fn check(args: &CheckArgs) -> anyhow::Result<()> {
    let manifest = load(&args.manifest)?;
    exit::warn(&manifest.warnings);
    // No stage is called here, so none has anything to put aside.
    let letters = DeadLetters::new(Arc::new(LocalDisk), PathBuf::new());
    let families = Families::register(letters).context("cannot set up the metrics")?;
    // Without a cache: a check leaves nothing behind but the plugins it had to fetch.
    let (host, library) = (Host::new(None)?, Library::new(&args.storage_path));
    let plan = Plan::make(manifest, &host, &library, &families.stages, &BTreeMap::new())
        .map_err(InputError::from)?;
    let plugins = components::told(&plan, &library);
    let manifest = plan.manifest;
    let (sources, pipelines) = (manifest.sources.len(), manifest.pipelines.len());
    let (stages, sinks) = (
        manifest
            .pipelines
            .values()
            .map(|pipeline| pipeline.stages.len())
            .sum::<usize>(),
        manifest.sinks.len(),
    );
    write!(io::stdout().lock(), "{plugins}").context("cannot print the result")?;
    writeln!(
        io::stdout().lock(),
        "{}: good (sources: {sources}, pipelines: {pipelines}, stages: {stages}, sinks: {sinks})",
        manifest.path.display(),
    )
    .context("cannot print the result")
}
