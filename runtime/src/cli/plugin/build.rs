//! `millstream plugin build`: build a plugin's component.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::report;
use crate::authoring::command::Speed;
use crate::authoring::{self, PluginFolder};

/// Arguments of `plugin build`.
#[derive(Args, Debug)]
pub struct BuildArgs {
    /// The plugin's folder.
    #[arg(value_name = "FOLDER", default_value = ".")]
    pub folder: PathBuf,
}

/// Builds the component and prints where it is.
///
/// # Errors
/// When it cannot be built.
pub fn build(args: &BuildArgs) -> anyhow::Result<()> {
    let folder = PluginFolder::open(&args.folder)?;
    let built = authoring::build(&folder, Speed::Thorough)
        .with_context(|| format!("cannot build the plugin `{}`", folder.name))?;
    report::built(&built);
    writeln!(io::stdout().lock(), "{}", built.path.display()).context("cannot print the result")
}
