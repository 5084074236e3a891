//! One run of the whole agent: from the start of the process to its end, with what it cost on the way.
//!
//! CPU seconds are the agent's own, those of the processes it compiles plugins in included. The steady part begins with the first
//! request that arrived and ends when nine tenths have: behind that, workers run out of files one after the other, which streams do
//! not do. What arrived is decoded when the agent has ended, and every entry must have come once.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::bodies::{Arrival, Bodies};
use crate::agent::{Agent, Launch};
use crate::process;

/// A request that comes so long after the one before it was not full, but waited for `batch_wait`.
const PAUSE: Duration = Duration::from_millis(500);

/// The part of what arrives with which the steady part ends.
const STEADY: f64 = 0.9;

/// What is run.
pub struct Job<'a> {
    /// The folder of the logs, the manifest and the state.
    pub folder: &'a Path,
    /// The manifest; `{url}` stands for where to push, `{logs}` for the logs.
    pub manifest: &'a str,
    /// Bytes of the logs.
    pub bytes: u64,
    /// Entries in them.
    pub entries: usize,
    /// How often each has to arrive.
    pub copies: usize,
    /// How many of them a stage may hold until the end.
    pub held: usize,
    /// Whether entries repeat in the logs, so that only their number can be compared.
    pub repeats: bool,
    /// The cores it may use, as `taskset` writes them.
    pub cores: Option<&'a str>,
    /// Nothing is compiled beforehand.
    pub cold: bool,
}

/// What it cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// 10^6 bytes of logs.
    pub megabytes: f64,
    /// Seconds from the start to the last full request.
    pub wall: f64,
    /// CPU seconds, start to end.
    pub cpu: f64,
    /// 10^6 bytes of logs per CPU-second in the steady part.
    pub per_cpu: f64,
    /// 10^6 bytes of logs per second in the steady part.
    pub rate: f64,
    /// The highest resident memory, in bytes.
    pub peak: f64,
    /// How much of a core the receiver took until the last full request, decoding excluded.
    pub receiver: f64,
}

impl Cost {
    /// Of several runs, figure by figure.
    #[must_use]
    pub fn median(runs: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| median(&runs.iter().map(figure).collect::<Vec<_>>());
        Self {
            megabytes: of(|cost| cost.megabytes),
            wall: of(|cost| cost.wall),
            cpu: of(|cost| cost.cpu),
            per_cpu: of(|cost| cost.per_cpu),
            rate: of(|cost| cost.rate),
            peak: of(|cost| cost.peak),
            receiver: of(|cost| cost.receiver),
        }
    }
}

/// The one in the middle; of an even number, the higher of the two.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Runs a job.
///
/// # Errors
/// When the agent does not run, or an entry is missing or came twice.
pub fn run(job: &Job<'_>) -> anyhow::Result<Cost> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(one(job))
}

async fn one(job: &Job<'_>) -> anyhow::Result<Cost> {
    // A request holds a megabyte of lines, or somewhat less.
    let requests = job.bytes / 500_000 + 16;
    let bodies = Bodies::start(usize::try_from(requests)? * job.copies)?;
    let manifest = |logs: &Path| {
        let text = job.manifest.replace("{url}", &bodies.push_url());
        text.replace("{logs}", &logs.display().to_string())
    };
    let state = job.folder.join("state");
    forget(&state, job.cold)?;
    if !job.cold {
        let nothing = job.folder.join("nothing");
        fs::create_dir_all(&nothing)?;
        Agent::start(job.folder, &manifest(&nothing))
            .await?
            .stop()
            .await?;
    }
    let launch = match job.cores {
        Some(cores) => Launch::new(job.folder).cores(cores),
        None => Launch::new(job.folder),
    };
    let before = process::children_cpu()?;
    let (started, own) = (Instant::now(), process::cpu(std::process::id())?);
    let agent = launch.start(&manifest(&job.folder.join("logs"))).await?;
    let samples = watch(&agent, job.entries * job.copies, job.held * job.copies).await?;
    let peak = process::peak(agent.id())?;
    let receiver = process::cpu(std::process::id())? - own;
    agent.stop().await?;
    // The only child waited for meanwhile: its seconds come when it is reaped.
    let cpu = process::children_cpu()? - before;
    let mut texts = HashMap::new();
    let arrivals = bodies.arrivals((!job.repeats).then_some(&mut texts))?;
    let arrived: usize = arrivals.iter().map(|arrival| arrival.entries).sum();
    let once = texts.len() == job.entries && texts.values().all(|times| *times == job.copies);
    ensure!(
        arrived == job.entries * job.copies && (once || job.repeats),
        "{arrived} entries came, not {} times {}, or not each as often; {} different ones were told apart",
        job.copies,
        job.entries,
        texts.len()
    );
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let megabytes = job.bytes as f64 / 1e6;
    let (wall, per_cpu, rate) = steady(&arrivals, &samples, started, megabytes).context("nothing came")?;
    Ok(Cost {
        megabytes,
        wall,
        cpu,
        per_cpu,
        rate,
        peak,
        receiver: receiver / wall,
    })
}

/// Removes what an agent left behind; what it compiled only where the next one is to start `cold`.
fn forget(state: &Path, cold: bool) -> anyhow::Result<()> {
    if !state.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(state)? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            fs::remove_file(entry.path())?;
        } else if cold || entry.file_name() != "compiled" {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// The agent's CPU seconds over time, until all entries but those that are held have been sent.
async fn watch(agent: &Agent, entries: usize, held: usize) -> anyhow::Result<Vec<(Instant, f64)>> {
    let mut samples = Vec::new();
    let begun = Instant::now();
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let wanted = entries.saturating_sub(held) as f64;
    for round in 0_u32.. {
        samples.push((Instant::now(), process::cpu(agent.id())?));
        // Asking costs the agent something, so it is asked now and then.
        if round % 10 == 9 && sent(agent.address()).await? >= wanted {
            break;
        }
        ensure!(
            begun.elapsed() < Duration::from_secs(600),
            "not all entries came within ten minutes"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(samples)
}

/// How many entries the agent has sent. By hand, because a client for HTTP that is made for the occasion costs as much as a
/// request of entries.
async fn sent(address: &str) -> anyhow::Result<f64> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut page = String::new();
    stream.read_to_string(&mut page).await?;
    let values = page
        .lines()
        .filter(|line| line.starts_with("loki_write_sent_entries_total{"))
        .filter_map(|line| line.rsplit_once(' '));
    Ok(values.filter_map(|(_, value)| value.parse::<f64>().ok()).sum())
}

/// Seconds to the last full request, and 10^6 bytes of logs per CPU-second and per second in the steady part.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn steady(
    arrivals: &[Arrival],
    samples: &[(Instant, f64)],
    started: Instant,
    megabytes: f64,
) -> Option<(f64, f64, f64)> {
    let all: usize = arrivals.iter().map(|arrival| arrival.bytes).sum();
    let first = arrivals.first()?;
    let waits = arrivals
        .array_windows()
        .position(|[one, next]| next.at - one.at > PAUSE);
    let last = waits.unwrap_or(arrivals.len() - 1);
    let mut reached = first.bytes;
    let mut end = first;
    for arrival in arrivals.get(1..=last)? {
        if reached as f64 >= all as f64 * STEADY {
            break;
        }
        reached += arrival.bytes;
        end = arrival;
    }
    let last = arrivals.get(last)?;
    let cpu = |at: Instant| {
        let near = samples.iter().min_by_key(|(when, _)| {
            when.saturating_duration_since(at)
                .max(at.saturating_duration_since(*when))
        });
        near.map_or(0.0, |(_, cpu)| *cpu)
    };
    let megabytes = megabytes * (reached - first.bytes) as f64 / all as f64;
    let (spent, took) = (cpu(end.at) - cpu(first.at), (end.at - first.at).as_secs_f64());
    Some((
        (last.at - started).as_secs_f64(),
        megabytes / spent.max(0.01),
        megabytes / took.max(0.001),
    ))
}
