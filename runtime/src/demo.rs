//! The demonstration: an application that logs, the user's pipeline, and a receiver, in one process.
//!
//! Nothing is mocked between them: lines go through a file on disk, samples through a scrape, both leave as real HTTP
//! requests and are decoded from the real wire formats. Half way the log file is rotated. At the end every line that
//! was written is looked for among what arrived.

mod application;
mod receiver;
mod show;
mod tally;

use std::env;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio_util::sync::CancellationToken;

use crate::agent::Agent;
use crate::manifest::{BUNDLED, Manifest};
use application::Application;
use receiver::Receiver;
use tally::Tally;

/// The user's pipeline; addresses and paths are filled in.
const MANIFEST: &str = include_str!("demo/millstream.yaml");

/// How long the drain at the end may take.
const DRAIN_DEADLINE: Duration = Duration::from_secs(10);

/// Runs the demonstration until `duration` has passed or someone presses Ctrl-C.
///
/// # Errors
/// When something cannot be started, or a line that was written did not arrive.
pub async fn run(duration: Option<Duration>) -> anyhow::Result<()> {
    let folder = Folder::new()?;
    let log = folder.0.join("application.log");
    let tally = Arc::new(Tally::default());
    let stop = CancellationToken::new();
    let address = Receiver::serve(tally.clone(), stop.clone()).await?;
    let variable = |name: &str| match name {
        "DEMO_LOGS" => Some(folder.0.join("*.log").display().to_string()),
        "DEMO_ADDRESS" => Some(address.to_string()),
        _ => env::var(name).ok(),
    };
    let manifest = Manifest::parse(Path::new("demo.yaml"), MANIFEST, variable, &BUNDLED)?;
    show::opening(MANIFEST, &log, &address.to_string())?;
    let agent = Agent::new(&folder.0.join("state"), None)?;
    let plan = tokio::task::block_in_place(|| agent.plan(manifest))?;
    let graph = agent.start(plan).await?;
    let writing = CancellationToken::new();
    let application = tokio::spawn(Application::new(log, tally.clone()).run(writing.clone()));
    tokio::select! {
        () = until(duration) => {}
        interrupted = tokio::signal::ctrl_c() => interrupted.context("cannot listen for Ctrl-C")?,
    }
    writing.cancel();
    application
        .await
        .context("the demonstration's application panicked")??;
    show::note("the application has stopped; draining")?;
    // Draining does not wait for new lines: the last ones must be read before.
    tally.all_read(Duration::from_secs(5)).await;
    graph.drain(DRAIN_DEADLINE).await;
    stop.cancel();
    let result = tally.result();
    show::closing(&result)?;
    ensure!(
        result.missing == 0,
        "{} of {} entries did not arrive",
        result.missing,
        result.written
    );
    Ok(())
}

async fn until(duration: Option<Duration>) {
    match duration {
        Some(duration) => tokio::time::sleep(duration).await,
        None => std::future::pending().await,
    }
}

/// A folder of its own that goes when the demonstration ends.
struct Folder(PathBuf);

impl Folder {
    fn new() -> anyhow::Result<Self> {
        let path = env::temp_dir().join(format!("millstream-demo-{}", std::process::id()));
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("cannot make the folder {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed stays in the system's folder for such things.
        let _ = fs::remove_dir_all(&self.0);
    }
}
