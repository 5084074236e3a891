//! `millstream plugin test`: run a plugin's tests and cases, or a log through it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use millstream_plugin_host::{Level, Plugin};

use super::report::{self, say};
use super::subject::{Subject, settings};
use crate::authoring::case::Case;
use crate::authoring::command::{self, NotInstalled, Speed};
use crate::authoring::entry::Entry;
use crate::authoring::log_file::{self, Listener};
use crate::authoring::{Mistake, PluginFolder, build, deep, shelf};

/// Arguments of `plugin test`.
#[derive(Args, Debug)]
pub struct TestArgs {
    /// The plugin's folder, or a component.
    #[arg(value_name = "FOLDER|COMPONENT", default_value = ".")]
    pub subject: PathBuf,

    /// A folder of cases, instead of the one that plugin.toml names.
    #[arg(long, value_name = "DIR")]
    pub cases: Option<PathBuf>,

    /// Run this log through the stage instead, and print what comes out as JSON lines.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["cases", "bless", "native"])]
    pub log: Option<PathBuf>,

    /// The stage's settings for `--log`, as JSON.
    #[arg(long, value_name = "FILE", requires = "log")]
    pub settings: Option<PathBuf>,

    /// Write what comes out of the cases down as what is expected.
    #[arg(long)]
    pub bless: bool,

    /// Run only the tests of the plugin's own language.
    #[arg(long, conflicts_with_all = ["cases", "bless"])]
    pub native: bool,
}

/// Tests the plugin.
///
/// # Errors
/// When a test or a case fails, the plugin cannot be built, or there is nothing to test.
pub fn test(args: &TestArgs) -> anyhow::Result<()> {
    let subject = Subject::at(&args.subject)?;
    let mut tested = false;
    if args.native && matches!(subject, Subject::Component(_)) {
        bail!(Mistake::new(
            "a component has no tests of its own: give the plugin's folder"
        ));
    }
    if let Subject::Folder(folder) = &subject {
        if args.log.is_none() {
            tested = native(folder, args.native)?;
        }
        if args.native {
            return Ok(());
        }
        if let Some(built) =
            build::refresh(folder).with_context(|| format!("cannot build the plugin `{}`", folder.name))?
        {
            report::built(&built);
        }
    }
    if let Some(log) = &args.log {
        return through(&subject, log, args.settings.as_deref());
    }
    let cases = match (&args.cases, &subject) {
        (Some(cases), _) => Case::all(cases)?,
        (None, Subject::Folder(folder)) if folder.cases().is_dir() => Case::all(&folder.cases())?,
        (None, _) => Vec::new(),
    };
    if cases.is_empty() {
        if tested {
            say("no cases: write one into cases/NAME/{settings.json,input.jsonl}, then `--bless`");
            return Ok(());
        }
        bail!(Mistake::new(
            "there is nothing to test: no tests of its own and no case; write one into \
             cases/NAME/{settings.json,input.jsonl}, then `--bless`"
        ));
    }
    let tally = deep(|| report::run_cases(&load(&subject)?, &subject.limits(), &cases, args.bless))?;
    if tally.failed > 0 {
        bail!("{} of {} cases failed", tally.failed, tally.cases);
    }
    say(format_args!("{} cases passed", tally.cases));
    Ok(())
}

/// Runs the tests of the plugin's own language. Whether there were any; where its tool is missing they are named and left
/// out, unless they were asked for.
fn native(folder: &PluginFolder, asked: bool) -> anyhow::Result<bool> {
    let Some(test) = &folder.test else {
        if asked {
            bail!(Mistake::new("plugin.toml names no `test.command`"));
        }
        return Ok(false);
    };
    match command::run(folder, test, Speed::Thorough) {
        Ok(()) => Ok(true),
        Err(error) if !asked && error.is::<NotInstalled>() => {
            say(format_args!("its own tests are left out: {error}"));
            Ok(false)
        }
        Err(error) => Err(error).with_context(|| format!("the tests of the plugin `{}` failed", folder.name)),
    }
}

fn load(subject: &Subject) -> anyhow::Result<Plugin> {
    Ok(shelf::host()?.load(&subject.name(), &subject.component()?)?)
}

/// Runs a log through the stage.
fn through(subject: &Subject, log: &Path, with: Option<&Path>) -> anyhow::Result<()> {
    let settings = settings(with)?;
    let tally = deep(|| log_file::run(&load(subject)?, &settings, &subject.limits(), log, &mut Printer))?;
    say(format_args!("{} entries in, {} out", tally.read, tally.out));
    for drop in &tally.dropped {
        say(format_args!("  {} dropped as {}", drop.count, drop.reason));
    }
    for series in &tally.metrics {
        let labels: Vec<String> = series
            .labels
            .iter()
            .map(|(name, value)| format!("{name}={value:?}"))
            .collect();
        say(format_args!(
            "  {}{{{}}} {}",
            series.metric,
            labels.join(", "),
            series.value
        ));
    }
    Ok(())
}

/// Entries to stdout, words to stderr.
struct Printer;

impl Listener for Printer {
    fn entries(&mut self, entries: &[Entry]) -> io::Result<()> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        for entry in entries {
            writeln!(out, "{entry}")?;
        }
        out.flush()
    }

    fn message(&mut self, level: Level, text: &str) {
        say(report::message(level, text));
    }
}
