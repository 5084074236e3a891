//! `millstream plugin bench`: measure what a plugin costs.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use millstream_plugin_host::Host;

use super::report;
use super::subject::{Subject, settings};
use crate::authoring::bench::{Figures, measure};
use crate::authoring::{build, deep};

/// Arguments of `plugin bench`.
#[derive(Args, Debug)]
pub struct BenchArgs {
    /// The plugin's folder, or a component.
    #[arg(value_name = "FOLDER|COMPONENT", default_value = ".")]
    pub subject: PathBuf,

    /// The log to measure with; a made-up one when not given.
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,

    /// The stage's settings, as JSON.
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,

    /// Print one JSON object instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// Measures the plugin and prints the figures.
///
/// # Errors
/// When it cannot be built, refuses its settings or fails.
pub fn bench(args: &BenchArgs) -> anyhow::Result<()> {
    let subject = Subject::at(&args.subject)?;
    if let Subject::Folder(folder) = &subject
        && let Some(built) = build::refresh(folder)?
    {
        report::built(&built);
    }
    let settings = settings(args.settings.as_deref())?;
    let component = subject.component()?;
    let host = Host::new(None)?;
    let log = args.log.as_deref();
    let limits = subject.limits();
    let figures = deep(|| measure(&host, &subject.name(), &component, &settings, &limits, log))?;
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&figures)?)
    } else {
        out.write_all(table(&subject.name(), component.len(), &figures).as_bytes())
    }
    .context("cannot print the figures")
}

fn table(name: &str, size: usize, figures: &Figures) -> String {
    let mebibytes = |bytes: usize| bytes as f64 / f64::from(1 << 20);
    let own = figures.ns_per_line - figures.empty_ns_per_line;
    format!(
        "{name}, batches of {} lines of {:.0} bytes, median of several rounds\n\n\
         per line          {:>10.1} ns   (fastest round {:.1}, slowest {:.1})\n\
         of it the sandbox {:>10.1} ns   (a stage that gets the same columns and does nothing)\n\
         of it the plugin  {:>10.1} ns\n\
         lines             {:>10.0} MB/s\n\
         memory            {:>10.1} MiB  (the empty stage {:.1})\n\
         component         {:>10}\n\
         compile           {:>10.0} ms   (once; kept in the agent's cache)\n\
         start             {:>10.1} ms   (instance and configure)\n",
        figures.batch,
        figures.line_bytes,
        figures.ns_per_line,
        figures.fastest,
        figures.slowest,
        figures.empty_ns_per_line,
        own,
        figures.mb_per_second,
        mebibytes(figures.memory),
        mebibytes(figures.empty_memory),
        report::size(size as u64),
        figures.compile_ms,
        figures.start_ms,
    )
}
