//! The command line: one file per subcommand.
//!
//! Data goes to stdout, everything said about it to stderr. Exit codes are an interface: 0 done, 1 failed, 2 the input is
//! wrong (see [`exit`]).

mod check;
mod checkpoint;
mod compile;
mod completions;
mod components;
mod demo;
pub mod exit;
mod input;
pub mod logging;
mod plugin;
mod run;
mod schema;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use check::CheckArgs;
pub use checkpoint::CheckpointArgs;
pub use compile::CompileArgs;
pub use completions::CompletionsArgs;
pub use demo::DemoArgs;
pub use input::load;
pub use plugin::PluginArgs;
pub use run::RunArgs;

/// The scriptable agent for logs and metrics.
#[derive(Debug, Parser)]
#[command(name = "millstream", version, propagate_version = true)]
#[command(after_help = "Exit codes: 0 done, 1 failed, 2 the input is wrong.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a manifest until told to stop.
    Run(RunArgs),
    /// Say what is wrong with a manifest.
    Check(CheckArgs),
    /// Look at how far files were delivered.
    Checkpoint(CheckpointArgs),
    /// Run an example that needs no setup.
    Demo(DemoArgs),
    /// Write, build, test and measure plugins.
    Plugin(PluginArgs),
    /// Print the manifest's JSON Schema, for editors.
    Schema,
    /// Compile the component on stdin for `run`, which calls this.
    #[command(hide = true)]
    Compile(CompileArgs),
    /// Print a completion script for a shell.
    Completions(CompletionsArgs),
}

/// The program: parses the arguments, runs the command, prints what went wrong.
pub fn main(args: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(usage) => return exit::usage(&usage),
    };
    let done = match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Check(args) => check::check(&args),
        Command::Checkpoint(args) => checkpoint::checkpoint(&args),
        Command::Demo(args) => demo::demo(&args),
        Command::Plugin(args) => plugin::plugin(&args),
        Command::Schema => schema::schema(),
        Command::Compile(args) => compile::compile(&args),
        Command::Completions(args) => completions::completions(&args),
    };
    exit::code(done)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn run_has_the_documented_defaults() {
        let Command::Run(args) = Cli::try_parse_from(["millstream", "run", "m.yaml"])
            .unwrap()
            .command
        else {
            panic!("not run");
        };
        assert_eq!(args.storage_path.to_str(), Some("data-millstream"));
        assert_eq!(args.listen, "127.0.0.1:12345");
        assert_eq!(args.logging.format, logging::LogFormat::Auto);
    }

    #[test]
    fn wrong_usage_is_wrong_input_and_help_is_not() {
        let code = |args: &[&str]| Cli::try_parse_from(args).unwrap_err().exit_code();
        assert_eq!(code(&["millstream"]), 2);
        assert_eq!(code(&["millstream", "rum"]), 2);
        assert_eq!(code(&["millstream", "run"]), 2);
        assert_eq!(code(&["millstream", "run", "m.yaml", "--log-level", "[[["]), 2);
        assert_eq!(code(&["millstream", "run", "m.yaml", "--listen", "nowhere"]), 2);
        assert_eq!(code(&["millstream", "demo", "--duration", "3"]), 2);
        assert_eq!(code(&["millstream", "checkpoint"]), 2);
        assert_eq!(code(&["millstream", "checkpoint", "show", "--format", "yaml"]), 2);
        assert_eq!(code(&["millstream", "plugin"]), 2);
        assert_eq!(code(&["millstream", "plugin", "new", "mask"]), 2);
        assert_eq!(code(&["millstream", "plugin", "dev", "--reload", "nowhere"]), 2);
        assert_eq!(code(&["millstream", "--help"]), 0);
        assert_eq!(code(&["millstream", "--version"]), 0);
    }
}
