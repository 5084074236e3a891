//! `millstream compile`: what `run` calls itself with, so that compiling leaves no memory behind in the agent.

use std::io::{self, Read};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use millstream_plugin_host::Compiler;

/// Arguments of `compile`.
#[derive(Args, Debug)]
pub struct CompileArgs {
    /// Where the compiled code goes.
    #[arg(value_name = "FILE")]
    pub path: PathBuf,
}

/// This program as a compiler: the one that runs, also when another has taken its place on disk.
pub(super) fn compiler() -> Compiler {
    Compiler::new("/proc/self/exe".into(), vec!["compile".into()])
}

/// Compiles the component on stdin.
///
/// # Errors
/// When it does not compile, or the file cannot be written.
pub fn compile(args: &CompileArgs) -> anyhow::Result<()> {
    let mut component = Vec::new();
    io::stdin()
        .read_to_end(&mut component)
        .context("cannot read the component")?;
    Ok(millstream_plugin_host::compile(&component, &args.path)?)
}
