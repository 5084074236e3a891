//! Many files: all written at once, or thousands that nobody writes, or more than descriptors allow.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;

use crate::agent::Launch;
use crate::arrivals::{Arrivals, Order, stretches};
use crate::misbehaver::{Misbehaver, Move};
use crate::writer::Log;
use crate::{process, users};

/// The most CPU with files that nobody writes, in percent of a core.
const IDLE: f64 = 2.0;

/// How long nothing new may come at the end; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// The sink's settings.
const SINK: &str = "batch_wait: 200ms, batch_size: 1MB";

/// So many files, each with so many entries, written by turns while the agent runs under these limits for descriptors
/// (soft and hard; none: those of this process). Every entry arrives.
///
/// # Errors
/// When a promise is broken.
pub async fn at_once(files: u32, entries: u64, limits: Option<(u64, u64)>) -> anyhow::Result<String> {
    let folder = tempfile::tempdir()?;
    let logs = folder.path().join("logs");
    fs::create_dir(&logs)?;
    let arrivals = Arc::new(Arrivals::new(Order::Strict));
    let receiver = Misbehaver::start(&arrivals, |_| Move::Accept).await?;
    let mut launch = Launch::new(folder.path());
    if let Some((soft, hard)) = limits {
        launch = launch.descriptors(soft, hard);
    }
    launch.warm_up().await?;
    let agent = launch
        .start(&users::manifest_with(&logs, &receiver.push_url(), "", SINK))
        .await?;
    let mut written = (0..files)
        .map(|index| Log::create(&logs, index))
        .collect::<Result<Vec<_>, _>>()?;
    for _ in 0..entries {
        for log in &mut written {
            log.write()?;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let total = u64::from(files) * entries;
    let arrived = arrivals.wait_for(total, PATIENCE / 2).await;
    let (peak, descriptors) = (process::peak(agent.id())?, process::descriptors(agent.id())?);
    let told = agent.log();
    let status = agent.stop().await?;
    for log in &written {
        let missing = arrivals.missing(log.index(), log.written());
        let warnings: Vec<&String> = told
            .iter()
            .filter(|line| !line.contains("\"INFO\""))
            .take(5)
            .collect();
        ensure!(
            missing.is_empty(),
            "log {} lacks {}: {warnings:#?}",
            log.index(),
            stretches(&missing)
        );
    }
    arrived?;
    arrivals.check()?;
    ensure!(status.success(), "the agent ended with {status}");
    let under = limits.map_or(String::new(), |(soft, hard)| {
        format!(" under nofile {soft}:{hard}")
    });
    Ok(format!(
        "{files} files written at once{under}: {total} entries, 0 missing; highest resident memory {:.0} MB, {descriptors} descriptors",
        peak / 1e6
    ))
}

/// So many files that nobody writes any more, watched for so long.
///
/// # Errors
/// When a promise is broken.
pub async fn quiet(files: u32, watch: Duration) -> anyhow::Result<String> {
    let folder = tempfile::tempdir()?;
    let logs = folder.path().join("logs");
    fs::create_dir(&logs)?;
    for index in 0..files {
        let mut log = Log::create(&logs, index)?;
        for _ in 0..3 {
            log.write()?;
        }
    }
    let arrivals = Arc::new(Arrivals::new(Order::Strict));
    let receiver = Misbehaver::start(&arrivals, |_| Move::Accept).await?;
    let launch = Launch::new(folder.path());
    launch.warm_up().await?;
    let agent = launch
        .start(&users::manifest_with(&logs, &receiver.push_url(), "", SINK))
        .await?;
    arrivals.wait_for(u64::from(files) * 3, PATIENCE).await?;
    // What follows a start (watches set, checkpoints saved) is over when a second passes quietly.
    let mut settled = 0;
    while process::share(agent.id(), Duration::from_secs(1)).await? > IDLE {
        settled += 1;
        ensure!(settled < 60, "it does not come to rest");
    }
    let idle = process::share(agent.id(), watch).await?;
    let (resident, peak, descriptors) = (
        process::resident(agent.id())?,
        process::peak(agent.id())?,
        process::descriptors(agent.id())?,
    );
    ensure!(agent.stop().await?.success(), "the agent failed");
    arrivals.check()?;
    let text = format!(
        "{files} quiet files: {idle:.2} % of a core over {} s, {settled} s after the last entry to come to rest; resident {:.0} MB \
         (highest {:.0}), {descriptors} descriptors",
        watch.as_secs(),
        resident / 1e6,
        peak / 1e6
    );
    ensure!(idle < IDLE, "more than {IDLE} % of a core: {text}");
    ensure!(descriptors < files as usize + 64, "too many descriptors: {text}");
    Ok(text)
}

/// More files than the hard limit for descriptors allows: it says so, and goes on with those it can open.
///
/// # Errors
/// When a promise is broken.
pub async fn too_many(files: u32, limit: u64) -> anyhow::Result<String> {
    let folder = tempfile::tempdir()?;
    let logs = folder.path().join("logs");
    fs::create_dir(&logs)?;
    let mut written = (0..files)
        .map(|index| Log::create(&logs, index))
        .collect::<Result<Vec<_>, _>>()?;
    for log in &mut written {
        log.write()?;
    }
    let arrivals = Arc::new(Arrivals::new(Order::Strict));
    let receiver = Misbehaver::start(&arrivals, |_| Move::Accept).await?;
    let launch = Launch::new(folder.path()).descriptors(limit, limit);
    launch.warm_up().await?;
    let agent = launch
        .start(&users::manifest_with(&logs, &receiver.push_url(), "", SINK))
        .await?;
    // Half of them at least; the rest of the descriptors is for connections, watches and the engine.
    let some = limit / 2;
    let first = arrivals.wait_for(some, PATIENCE / 2).await;
    ensure!(
        first.is_ok(),
        "{} entries came, {some} files could be open\n{}",
        arrivals.distinct(),
        agent.log().join("\n")
    );
    // It goes on with them.
    for log in &mut written {
        log.write()?;
    }
    arrivals.wait_for(some * 2, PATIENCE / 2).await?;
    let told = agent.log();
    let complaints: Vec<&String> = told
        .iter()
        .filter(|line| line.contains("\"WARN\"") || line.contains("\"ERROR\""))
        .collect();
    ensure!(agent.stop().await?.success(), "the agent failed");
    arrivals.check()?;
    ensure!(
        (1..=5).contains(&complaints.len()),
        "it should be said once, it was said {} times: {:#?}",
        complaints.len(),
        &complaints[..complaints.len().min(5)]
    );
    Ok(format!(
        "{files} files, {limit} descriptors at most: entries of {} files came, said in {} lines",
        arrivals.distinct() / 2,
        complaints.len()
    ))
}
