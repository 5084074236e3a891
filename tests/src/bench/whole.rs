//! The whole agent on the user's log: cold process, tail to acknowledged push.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use tokio::time::Instant;

use super::spring;
use crate::agent::{Agent, binary};
use crate::process;
use crate::receiver::Receiver;
use crate::users;

/// What came out.
pub struct Figure {
    /// Size of the log in megabytes (10^6 bytes).
    pub megabytes: f64,
    /// Entries in the log.
    pub expected: usize,
    /// Entries at the receiver.
    pub arrived: usize,
    /// Seconds from the start of the process to the last entry.
    pub wall: f64,
    /// User and system seconds of the agent, to its end.
    pub cpu: f64,
    /// The highest resident memory in bytes.
    pub resident: f64,
    /// Size of the binary in bytes.
    pub binary: f64,
    /// Seconds from the start of the process, with compiled plugins in the cache, to the first line read.
    pub warm_start: f64,
}

/// Runs the agent on a log of this size.
///
/// # Errors
/// When it does not run or the entries do not arrive.
pub fn measure(megabytes: u64) -> anyhow::Result<Figure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(run(megabytes))
}

async fn run(megabytes: u64) -> anyhow::Result<Figure> {
    let folder = tempfile::tempdir()?;
    let logs = folder.path().join("logs");
    fs::create_dir(&logs)?;
    let warm_start = warm_start(folder.path(), &logs).await?;
    let log = logs.join("application.log");
    let written = spring::write(&log, megabytes)?;
    let receiver = Receiver::counting().await?;
    let started = Instant::now();
    let agent = Agent::start(folder.path(), &users::manifest(&logs, &receiver.push_url())).await?;
    while receiver.accepted() + 1 < written.entries {
        anyhow::ensure!(
            started.elapsed() < Duration::from_secs(600),
            "only {} entries came",
            receiver.accepted()
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let wall = started.elapsed().as_secs_f64();
    let resident = process::peak(agent.id())?;
    let before = children_cpu()?;
    agent.stop().await?;
    // The children waited for are this agent alone: its CPU seconds come when it is reaped.
    let cpu = children_cpu()? - before;
    let binary = fs::metadata(binary()?)?.len();
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let (bytes, binary) = (written.bytes as f64, binary as f64);
    let arrived = receiver.accepted();
    Ok(Figure {
        megabytes: bytes / 1e6,
        expected: written.entries,
        arrived,
        wall,
        cpu,
        resident,
        binary,
        warm_start,
    })
}

/// A run to fill the cache of compiled plugins, then one whose first line is timed.
async fn warm_start(folder: &Path, logs: &Path) -> anyhow::Result<f64> {
    let log = logs.join("warm.log");
    let receiver = Receiver::start().await?;
    let text = users::manifest(logs, &receiver.push_url());
    Agent::start(folder, &text).await?.stop().await?;
    // Not a line of the log that follows: the same inode with the same beginning would be the same file renamed.
    fs::write(&log, "2026-01-01 00:00:00.000  INFO warm\n")?;
    let started = Instant::now();
    let agent = Agent::start(folder, &text).await?;
    agent
        .wait_for_metric("loki_source_file_read_lines_total", 1.0)
        .await?;
    let took = started.elapsed().as_secs_f64();
    agent.stop().await?;
    fs::remove_file(log)?;
    Ok(took)
}

/// User and system seconds of all children waited for so far: fields 16 and 17 of `/proc/self/stat`, in ticks of 10 ms.
fn children_cpu() -> anyhow::Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let behind = stat.rsplit_once(')').context("no name in stat")?.1;
    let field = |number: usize| {
        behind
            .split_whitespace()
            .nth(number - 3)
            .and_then(|text| text.parse::<f64>().ok())
    };
    let ticks = field(16).context("no cutime")? + field(17).context("no cstime")?;
    Ok(ticks / 100.0)
}
