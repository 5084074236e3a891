//! `millstream plugin`: write, build, test and measure plugins.

mod bench;
mod build;
mod dev;
mod inspect;
mod new;
mod report;
mod subject;
mod test;

use clap::{Args, Subcommand};

use bench::BenchArgs;
use build::BuildArgs;
use dev::DevArgs;
use inspect::InspectArgs;
use new::NewArgs;
use test::TestArgs;

/// Arguments of `plugin`.
#[derive(Args, Debug)]
pub struct PluginArgs {
    #[command(subcommand)]
    command: PluginCommand,
}

#[derive(Debug, Subcommand)]
enum PluginCommand {
    /// Write a new plugin that builds and passes its cases.
    New(NewArgs),
    /// Build a plugin's component.
    Build(BuildArgs),
    /// Run a plugin's tests and cases, or a log through it.
    Test(TestArgs),
    /// Measure what a plugin costs, against the stage that does nothing.
    Bench(BenchArgs),
    /// Show what a component is: world, imports, what it reads, size, sha256.
    Inspect(InspectArgs),
    /// Build, test and reload on every change.
    Dev(DevArgs),
}

/// Runs a command about plugins.
///
/// # Errors
/// When the plugin is at fault, or what was given cannot be used.
pub fn plugin(args: &PluginArgs) -> anyhow::Result<()> {
    match &args.command {
        PluginCommand::New(args) => new::new(args),
        PluginCommand::Build(args) => build::build(args),
        PluginCommand::Test(args) => test::test(args),
        PluginCommand::Bench(args) => bench::bench(args),
        PluginCommand::Inspect(args) => inspect::inspect(args),
        PluginCommand::Dev(args) => dev::dev(args),
    }
}
