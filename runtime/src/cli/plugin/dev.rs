//! `millstream plugin dev`: build, test and reload on every change.

use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::{Context, bail};
use clap::Args;
use millstream_plugin_host::Host;
use tokio::signal::unix::{SignalKind, signal};
use url::Url;

use super::report::{self, say};
use crate::authoring::case::Case;
use crate::authoring::command::Speed;
use crate::authoring::sources::Sources;
use crate::authoring::watch::{changed, reload};
use crate::authoring::{self, PluginFolder, deep};
use crate::cli::run::runtime;

/// Arguments of `plugin dev`.
#[derive(Args, Debug)]
pub struct DevArgs {
    /// The plugin's folder.
    #[arg(value_name = "FOLDER", default_value = ".")]
    pub folder: PathBuf,

    /// The running agent to reload when the cases pass.
    #[arg(long, value_name = "URL", value_parser = agent)]
    pub reload: Option<Url>,
}

/// The address of an agent.
fn agent(text: &str) -> Result<Url, String> {
    match Url::parse(text) {
        Ok(url) if url.scheme() == "http" && url.has_host() => Ok(url),
        _ => Err("write it as http://HOST:PORT, such as http://127.0.0.1:12345".to_owned()),
    }
}

/// Watches until told to stop.
///
/// # Errors
/// When the folder is no plugin's.
pub fn dev(args: &DevArgs) -> anyhow::Result<()> {
    let folder = PluginFolder::open(&args.folder)?;
    runtime()?.block_on(async {
        // One listener for the whole watch: it remembers what is pressed during a build.
        let mut stop = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
        let mut known = Sources::of(&folder);
        say(format_args!("watching {}; Ctrl-C ends it", folder.path.display()));
        turn(&folder, args.reload.as_ref(), SystemTime::now()).await;
        loop {
            tokio::select! {
                biased;
                _ = stop.recv() => return Ok(()),
                edited = changed(&folder, &mut known) => turn(&folder, args.reload.as_ref(), edited).await,
            }
        }
    })
}

/// Builds, tests and reloads once, and says how long it took.
async fn turn(folder: &PluginFolder, agent: Option<&Url>, edited: SystemTime) {
    let done = match tokio::task::block_in_place(|| make(folder)) {
        Ok(cases) => match agent {
            Some(agent) => reload(agent)
                .await
                .map(|()| format!("{cases} cases pass, the agent runs it")),
            None => Ok(format!("{cases} cases pass")),
        },
        Err(error) => Err(error),
    };
    let seconds = edited.elapsed().unwrap_or_default().as_secs_f64();
    match done {
        Ok(what) => say(format_args!("{what}, {seconds:.1} s after the edit")),
        Err(error) => say(format_args!("not yet: {error:#}")),
    }
}

/// Builds quickly, runs the cases and puts the component in its place; how many cases there were. An agent that watches the
/// place gets nothing that fails.
fn make(folder: &PluginFolder) -> anyhow::Result<usize> {
    // Read again: it may be what was edited.
    let folder = PluginFolder::open(&folder.path)?;
    let draft = authoring::build::draft(&folder, Speed::Quick)?;
    let cases = if folder.cases().is_dir() {
        Case::all(&folder.cases())?
    } else {
        Vec::new()
    };
    let tally = deep(|| {
        let plugin = Host::new(None)?.load(&folder.name, draft.component())?;
        report::run_cases(&plugin, &folder.limits(), &cases, false)
    })?;
    if tally.failed > 0 {
        bail!("{} of {} cases failed", tally.failed, tally.cases);
    }
    draft.publish()?;
    Ok(tally.cases)
}
