//! `millstream checkpoint`: how far files were delivered, as the checkpoint file says.
//!
//! It reads and does nothing else, so it may be asked beside a running agent; it then shows the last save, which is a
//! second old at most.

mod table;

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};

use super::exit;
use crate::disk::LocalDisk;
use crate::sources::file::book::told;
use crate::sources::file::checkpoint;
use crate::sources::file::whereabouts::Whereabouts;
use table::Row;

/// Arguments of `checkpoint`.
#[derive(Args, Debug)]
pub struct CheckpointArgs {
    #[command(subcommand)]
    command: CheckpointCommand,
}

#[derive(Debug, Subcommand)]
enum CheckpointCommand {
    /// Print the checkpoint of every file.
    Show(ShowArgs),
}

/// Arguments of `checkpoint show`.
#[derive(Args, Debug)]
pub struct ShowArgs {
    /// Where the agent keeps its checkpoints.
    #[arg(long, value_name = "DIR", default_value = "data-millstream")]
    pub storage_path: PathBuf,

    /// How to print them.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// How checkpoints are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table.
    Text,
    /// One JSON document.
    Json,
}

/// Runs a command about checkpoints.
///
/// # Errors
/// When there are checkpoints that cannot be read.
pub fn checkpoint(args: &CheckpointArgs) -> anyhow::Result<()> {
    match &args.command {
        CheckpointCommand::Show(args) => show(args),
    }
}

fn show(args: &ShowArgs) -> anyhow::Result<()> {
    let saved = checkpoint::find(&LocalDisk, &args.storage_path)?;
    if saved.is_lost() {
        bail!("no checkpoints can be read: {}", told(&saved.broken));
    }
    match &saved.from {
        Some(from) => {
            for broken in &saved.broken {
                exit::remark(&format_args!(
                    "{} is broken ({}); this is the save before it, {}",
                    broken.path.display(),
                    broken.why,
                    from.display()
                ));
            }
        }
        None => exit::remark(&format_args!(
            "{} holds no checkpoints yet",
            args.storage_path.display()
        )),
    }
    let rows = saved.files.iter().map(|file| Row {
        whereabouts: Whereabouts::of(file),
        checkpoint: file.clone(),
    });
    let rows: Vec<Row> = rows.collect();
    let text = match args.format {
        Format::Text => table::text(&rows),
        Format::Json => table::json(&saved, &rows),
    };
    io::stdout()
        .lock()
        .write_all(text.as_bytes())
        .context("cannot print the checkpoints")
}
