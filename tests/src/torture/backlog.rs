//! A sink that is dead, and a backlog far larger than memory may grow.
//!
//! Asked for: resident memory and descriptors stay within bounds while nothing moves and while the backlog is sent; a
//! blocked agent takes no CPU; when the sink comes back everything arrives.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::agent::{Agent, Launch};
use crate::arrivals::{Arrivals, Order};
use crate::misbehaver::{Misbehaver, Move, push_url};
use crate::{numbered, process, users};

/// The most resident memory, in bytes, with the user's four stages.
pub const MEMORY: f64 = 80e6;

/// The most descriptors beside those of the logs.
pub const DESCRIPTORS: usize = 64;

/// The most CPU of a blocked agent, in percent of a core.
pub const IDLE: f64 = 2.0;

/// How long nothing new may come at the end; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// Over how many files the backlog is spread.
const LOGS: u32 = 4;

/// How a sink is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dead {
    /// Nobody listens.
    Refuses,
    /// It takes connections and requests and never answers.
    Silent,
}

/// Writes a log of so many bytes at once; returns how many entries it holds.
fn pile(folder: &Path, log: u32, bytes: u64) -> std::io::Result<u64> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(folder.join(format!("app-{log}.log")))?);
    let (mut written, mut number) = (0, 0);
    while written < bytes {
        number += 1;
        let text = numbered::entry(log, number);
        out.write_all(text.as_bytes())?;
        out.write_all(b"\n")?;
        written += text.len() as u64 + 1;
    }
    out.flush()?;
    Ok(number)
}

/// Waits until the agent reads nothing more.
async fn wait_until_blocked(agent: &Agent) -> anyhow::Result<f64> {
    let (mut before, begun) = (-1.0, Instant::now());
    loop {
        let now = agent.metric("loki_source_file_read_lines_total").await?;
        if now > 0.0 && now <= before {
            return Ok(now);
        }
        ensure!(begun.elapsed() < PATIENCE, "it still reads: {now} lines");
        before = now;
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

/// So many megabytes before a sink that is dead, watched for so long, then delivered.
///
/// # Errors
/// When a promise is broken.
pub async fn run(dead: Dead, megabytes: u64, watch: Duration) -> anyhow::Result<String> {
    let folder = tempfile::tempdir()?;
    let logs = folder.path().join("logs");
    fs::create_dir(&logs)?;
    let mut total = 0;
    for log in 0..LOGS {
        let (logs, bytes) = (logs.clone(), megabytes * 1_000_000 / u64::from(LOGS));
        total += tokio::task::spawn_blocking(move || pile(&logs, log, bytes)).await??;
    }
    let arrivals = Arc::new(Arrivals::new(Order::First));
    let address = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let silence = Move::Hang {
        keeps: false,
        after: Duration::from_secs(3600),
    };
    let silent = match dead {
        Dead::Silent => Some(Misbehaver::at(address, &arrivals, move |_| silence.clone()).await?),
        Dead::Refuses => None,
    };
    let sink = "batch_wait: 1s, batch_size: 1MB, min_backoff_period: 100ms, max_backoff_period: 1s, remote_timeout: 3s";
    let manifest = users::manifest_with(&logs, &push_url(address), "", sink);
    let launch = Launch::new(folder.path());
    launch.warm_up().await?;
    let agent = launch.start(&manifest).await?;
    let read = wait_until_blocked(&agent).await?;
    let idle = process::share(agent.id(), watch).await?;
    let (blocked, descriptors) = (process::peak(agent.id())?, process::descriptors(agent.id())?);
    ensure!(arrivals.distinct() == 0, "the sink is dead");
    let begun = Instant::now();
    let _back = match silent {
        Some(receiver) => {
            receiver.behave(|_| Move::Accept);
            receiver
        }
        None => Misbehaver::at(address, &arrivals, |_| Move::Accept).await?,
    };
    arrivals.wait_for(total, PATIENCE).await?;
    let took = begun.elapsed().as_secs_f64();
    let (peak, most) = (
        process::peak(agent.id())?,
        process::descriptors(agent.id())?.max(descriptors),
    );
    ensure!(agent.stop().await?.success(), "the agent failed");
    arrivals.check()?;
    let text = format!(
        "{dead:?}, {megabytes} MB in {LOGS} files, {total} entries: blocked after {read} lines with {:.0} MB resident, \
         {idle:.2} % of a core over {} s, {most} descriptors; all delivered in {took:.0} s, highest resident memory {:.0} MB",
        blocked / 1e6,
        watch.as_secs(),
        peak / 1e6
    );
    ensure!(
        blocked.max(peak) < MEMORY,
        "more than {} MB: {text}",
        MEMORY / 1e6
    );
    ensure!(
        most < DESCRIPTORS + LOGS as usize,
        "more than {DESCRIPTORS} descriptors: {text}"
    );
    ensure!(idle < IDLE, "more than {IDLE} % of a core: {text}");
    Ok(text)
}
