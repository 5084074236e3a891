//! The agent when little happens: how soon a line is on its way, how soon it starts, what it takes while it waits.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use tokio::time::Instant;

use super::bodies::Bodies;
use super::logs::{KINDS, manifest};
use super::run::median;
use crate::agent::{Agent, binary};
use crate::process;

/// Lines whose way is timed.
const LINES: usize = 200;

/// Starts that are timed.
const STARTS: usize = 5;

/// What came out.
pub struct Figure {
    /// Seconds from the write of a line to its request at the receiver: of half of the lines, and of 99 of 100.
    pub latency: (f64, f64),
    /// Seconds from the start of the process to the first line read: with nothing compiled, and with all compiled.
    pub starts: (f64, f64),
    /// Resident bytes while nothing happens: after the same two starts.
    pub idle: (f64, f64),
    /// Bytes of the binary.
    pub binary: f64,
}

/// Measures.
///
/// # Errors
/// When something does not run.
pub fn measure() -> anyhow::Result<Figure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(all())
}

async fn all() -> anyhow::Result<Figure> {
    let latency = latency().await?;
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("logs"))?;
    let (mut cold, mut warm, mut idle) = (Vec::new(), Vec::new(), (0.0, 0.0));
    for round in 0..STARTS {
        let state = folder.path().join("state");
        if state.exists() {
            fs::remove_dir_all(&state)?;
        }
        let (took, resident) = start(folder.path(), round * 2).await?;
        cold.push(took);
        idle.0 = resident;
        let (took, resident) = start(folder.path(), round * 2 + 1).await?;
        warm.push(took);
        idle.1 = resident;
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let binary = fs::metadata(binary()?)?.len() as f64;
    Ok(Figure {
        latency,
        starts: (median(&cold), median(&warm)),
        idle,
        binary,
    })
}

/// Starts the user's pipeline on one line: seconds until it was read, and bytes resident a while later.
async fn start(folder: &Path, number: usize) -> anyhow::Result<(f64, f64)> {
    let bodies = Bodies::start(0)?;
    let logs = folder.join("logs");
    let log = logs.join(format!("{number}.log"));
    fs::write(&log, format!("2026-01-01 00:00:00.000  INFO start {number}\n"))?;
    let text = KINDS[0].manifest().replace("{url}", &bodies.push_url());
    let text = text.replace("{logs}", &logs.display().to_string());
    let started = Instant::now();
    let agent = Agent::start(folder, &text).await?;
    agent
        .wait_for_metric("loki_source_file_read_lines_total", 1.0)
        .await?;
    let took = started.elapsed().as_secs_f64();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let resident = process::resident(agent.id())?;
    agent.stop().await?;
    fs::remove_file(log)?;
    Ok((took, resident))
}

/// Lines without `multiline`, which waits for the next line by design, into a sink that sends at once.
async fn latency() -> anyhow::Result<(f64, f64)> {
    let folder = tempfile::tempdir()?;
    let bodies = Bodies::start(0)?;
    let log = folder.path().join("a.log");
    let text = manifest(&KINDS[0].stages[1..], "", 1).replace("batch_wait: 1s", "batch_wait: 1ms");
    let text = text.replace("{url}", &bodies.push_url());
    let text = text.replace("{logs}", &folder.path().display().to_string());
    fs::write(&log, "")?;
    let agent = Agent::start(folder.path(), &text).await?;
    let mut file = OpenOptions::new().append(true).open(&log)?;
    let mut written = Vec::new();
    for line in 0..LINES {
        // Long enough for the pipeline to be at rest again.
        tokio::time::sleep(Duration::from_millis(25)).await;
        written.push(Instant::now());
        writeln!(file, "2026-01-08 00:00:00.000  INFO line {line}")?;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    agent.stop().await?;
    let arrivals = bodies.arrivals(None)?;
    let mut came = arrivals
        .iter()
        .flat_map(|arrival| std::iter::repeat_n(arrival.at, arrival.entries));
    let mut waits = Vec::new();
    for at in written {
        let came = came.next().context("a line did not come")?;
        waits.push((came - at).as_secs_f64());
    }
    waits.sort_by(f64::total_cmp);
    let part = |percent: usize| {
        waits
            .get(waits.len() * percent / 100)
            .copied()
            .unwrap_or_default()
    };
    Ok((part(50), part(99)))
}
