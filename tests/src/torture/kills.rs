//! kill -9 at random moments, while logs are written and rotated.
//!
//! Asked for: no entry missing; order per stream kept within each run of the agent; every stack trace whole; a new
//! run begins where the last saved checkpoint says, so nothing comes again that was on record as delivered. What
//! comes again was thus delivered since the last save: the save interval (1 s), the wait for a full request
//! (`batch_wait`), the answer and a save's own time bound its age.
//!
//! A generation is rotated away only when a saved checkpoint knows it: of one that came and went while nobody
//! looked nothing tells that it belongs to the log. `unseen` lifts that.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, ensure};
use fastrand::Rng;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::agent::Launch;
use crate::arrivals::{Arrivals, Order, stretches};
use crate::misbehaver::{Misbehaver, Move};
use crate::servers::Loki;
use crate::writer::{Log, positions};
use crate::{numbered, users};

/// How long nothing new may come at the end; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// Age of what came again that no slow disk explains: the bound is about 1.2 s.
const OLDEST: Duration = Duration::from_secs(15);

/// The longest that the receiver takes for an answer, in milliseconds.
const SLOWEST: u64 = 350;

/// What is done.
#[derive(Clone, Debug)]
pub struct Kills {
    /// Of all randomness.
    pub seed: u64,
    /// How many runs are killed.
    pub rounds: u64,
    /// How many logs are written.
    pub logs: u32,
    /// The longest that a run lives, in milliseconds.
    pub longest: u64,
    /// Whether generations are rotated away before any checkpoint knows them.
    pub unseen: bool,
    /// Whether entries get their own time by the stage `timestamp`.
    pub timestamp: bool,
}

impl Kills {
    /// So many rounds, of runs up to 2 s: half of them outlive a save.
    #[must_use]
    pub fn new(seed: u64, rounds: u64) -> Self {
        Self {
            seed,
            rounds,
            logs: 3,
            longest: 2000,
            unseen: false,
            timestamp: false,
        }
    }

    fn manifest(&self, logs: &Path, url: &str) -> String {
        let stages = if self.timestamp { users::TIME } else { "" };
        let sink = "batch_wait: 100ms, batch_size: 64KB, min_backoff_period: 20ms, max_backoff_period: 200ms";
        users::manifest_with(logs, url, stages, sink)
    }

    /// How long a run lives: one in four dies while it starts.
    fn life(&self, dice: &mut Rng) -> Duration {
        let longest = if dice.u8(..4) == 0 { 120 } else { self.longest };
        Duration::from_millis(dice.u64(5..longest))
    }
}

/// The logs being written by a task of their own.
struct Writing {
    stop: CancellationToken,
    task: JoinHandle<anyhow::Result<Vec<Log>>>,
    /// The logs as they are: shared, because a kill asks what is written.
    logs: Arc<tokio::sync::Mutex<Vec<Log>>>,
}

impl Writing {
    fn start(plan: &Kills, folder: &Path, storage: PathBuf) -> anyhow::Result<Self> {
        let logs = (0..plan.logs).map(|index| Log::create(folder, index));
        let logs = Arc::new(tokio::sync::Mutex::new(logs.collect::<Result<Vec<_>, _>>()?));
        let stop = CancellationToken::new();
        let task = tokio::spawn(write(plan.clone(), logs.clone(), storage, stop.clone()));
        Ok(Self { stop, task, logs })
    }

    async fn settled(&self, storage: &Path) -> anyhow::Result<Vec<(u32, Vec<(u64, u64)>)>> {
        let logs = self.logs.lock().await;
        let positions = positions(storage)?;
        Ok(logs
            .iter()
            .map(|log| (log.index(), log.settled(&positions)))
            .collect())
    }

    async fn end(self) -> anyhow::Result<Vec<Log>> {
        self.stop.cancel();
        self.task.await?
    }
}

/// Writes a few thousand entries a second to all logs in turn, some in two pieces, and rotates at random.
async fn write(
    plan: Kills,
    logs: Arc<tokio::sync::Mutex<Vec<Log>>>,
    storage: PathBuf,
    stop: CancellationToken,
) -> anyhow::Result<Vec<Log>> {
    let mut dice = Rng::with_seed(plan.seed ^ 1);
    while !stop.is_cancelled() {
        {
            let mut logs = logs.lock().await;
            for log in logs.iter_mut() {
                for _ in 0..dice.u32(..12) {
                    log.write()?;
                }
                if dice.u8(..20) == 0 {
                    let cut = dice.usize(1..400);
                    log.write_in_pieces(cut, tokio::time::sleep(Duration::from_millis(dice.u64(..20))))
                        .await?;
                }
                if dice.u8(..60) == 0 && (plan.unseen || positions(&storage)?.contains_key(&log.inode())) {
                    log.rename()?;
                    // Its writer has not noticed yet.
                    for _ in 0..dice.u32(..20) {
                        log.write()?;
                    }
                    log.reopen()?;
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(dice.u64(1..6))).await;
    }
    let logs = std::mem::take(&mut *logs.lock().await);
    Ok(logs)
}

/// Against a receiver that checks every entry as it comes.
///
/// # Errors
/// When a promise is broken.
pub async fn receiver(plan: &Kills) -> anyhow::Result<Vec<String>> {
    let folder = tempfile::tempdir()?;
    let (logs, storage) = (folder.path().join("logs"), folder.path().join("state"));
    fs::create_dir(&logs)?;
    let arrivals = Arc::new(Arrivals::new(Order::Strict));
    let mut lag = Rng::with_seed(plan.seed ^ 2);
    // Slow enough that every kill meets entries that were read and have not arrived.
    let slow = move |_| Move::Late(Duration::from_millis(lag.u64(..SLOWEST)));
    let receiver = Misbehaver::start(&arrivals, slow).await?;
    let launch = Launch::new(folder.path());
    let manifest = |run: u64| plan.manifest(&logs, &format!("{}?run={run}", receiver.push_url()));
    launch.warm_up().await?;
    let mut dice = Rng::with_seed(plan.seed);
    let writing = Writing::start(plan, &logs, storage.clone())?;
    for run in 1..=plan.rounds {
        let agent = launch.spawn(&manifest(run))?;
        tokio::time::sleep(plan.life(&mut dice)).await;
        agent.kill()?;
        arrivals.killed();
        for (log, stretches) in writing.settled(&storage).await? {
            arrivals.settled(run + 1, log, stretches);
        }
        tokio::time::sleep(Duration::from_millis(dice.u64(..150))).await;
    }
    receiver.behave(|_| Move::Accept);
    let agent = launch.start(&manifest(plan.rounds + 1)).await?;
    let written = writing.end().await?;
    let total = written.iter().map(Log::written).sum();
    let arrived = arrivals.wait_for(total, PATIENCE).await;
    let dropped = agent.metric("loki_write_dropped_entries_total").await?;
    let log = agent.log();
    let status = agent.stop().await?;
    for one in &written {
        let missing = arrivals.missing(one.index(), one.written());
        ensure!(
            missing.is_empty(),
            "log {} lacks {}\n{}",
            one.index(),
            stretches(&missing),
            log.join("\n")
        );
    }
    arrived?;
    arrivals.check()?;
    ensure!(dropped == 0.0, "{dropped} entries were dropped");
    ensure!(status.success(), "the last run ended with {status}");
    let oldest = arrivals.oldest_repeat();
    ensure!(
        oldest < OLDEST,
        "what had come {oldest:?} before a kill came again"
    );
    let (repeats, rotations) = (
        arrivals.entries() - total,
        written.iter().map(Log::rotated).sum::<u64>(),
    );
    Ok(vec![format!(
        "{} kills, {rotations} rotations, {total} entries written, 0 missing, 0 torn, 0 out of order, {repeats} sent again: the \
         oldest of these had come {} ms before the kill",
        plan.rounds,
        oldest.as_millis()
    )])
}

/// Against the real Loki, with each entry's own time: it answers every entry exactly once. None when it is not here.
///
/// # Errors
/// When a promise is broken.
pub async fn loki(plan: &Kills) -> anyhow::Result<Vec<String>> {
    let Some(loki) = Loki::start("kills against Loki").await? else {
        return Ok(vec!["SKIPPED against the real Loki: it is not here".to_owned()]);
    };
    let plan = Kills {
        timestamp: true,
        ..plan.clone()
    };
    let folder = tempfile::tempdir()?;
    let (logs, storage) = (folder.path().join("logs"), folder.path().join("state"));
    fs::create_dir(&logs)?;
    let launch = Launch::new(folder.path());
    let manifest = plan.manifest(&logs, &loki.push_url());
    launch.warm_up().await?;
    let mut dice = Rng::with_seed(plan.seed);
    let writing = Writing::start(&plan, &logs, storage)?;
    for _ in 0..plan.rounds {
        let agent = launch.spawn(&manifest)?;
        tokio::time::sleep(plan.life(&mut dice)).await;
        agent.kill()?;
        tokio::time::sleep(Duration::from_millis(dice.u64(..150))).await;
    }
    let agent = launch.start(&manifest).await?;
    let written = writing.end().await?;
    let total: u64 = written.iter().map(Log::written).sum();
    let (selector, day) = (
        r#"{service_name="ticketon"}"#,
        SystemTime::UNIX_EPOCH + Duration::from_secs(users::DAY),
    );
    let (mut before, mut stale) = (0, 0);
    while before < total {
        let now = loki.count(selector, day).await?;
        stale = if now > before { 0 } else { stale + 1 };
        ensure!(
            stale < 600,
            "{now} of {total} entries are in Loki, and none more come"
        );
        before = now;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    ensure!(agent.stop().await?.success(), "the last run failed");
    let mut counts: HashMap<(u32, u64), u32> = HashMap::new();
    for entry in loki.most_entries(selector, day, 10_000_000).await? {
        let which = numbered::parse(&entry.line).with_context(|| entry.line.clone())?;
        ensure!(
            entry.line == numbered::entry(which.0, which.1),
            "torn: {:?}",
            entry.line
        );
        *counts.entry(which).or_default() += 1;
    }
    let twice = counts.values().filter(|count| **count > 1).count();
    ensure!(twice == 0, "{twice} entries are in Loki more than once");
    for log in &written {
        let missing: Vec<u64> = (1..=log.written())
            .filter(|number| !counts.contains_key(&(log.index(), *number)))
            .collect();
        ensure!(
            missing.is_empty(),
            "log {}: Loki lacks {}",
            log.index(),
            stretches(&missing)
        );
    }
    let received = loki.lines_received().await?;
    Ok(vec![format!(
        "the real Loki, {} kills, {} rotations: {total} entries written, Loki took {received} and answers {} of them, each once",
        plan.rounds,
        written.iter().map(Log::rotated).sum::<u64>(),
        counts.len()
    )])
}

/// All logs are rotated while the agent starts: between its list of files and its opening them.
///
/// # Errors
/// When a promise is broken.
pub async fn rotated_at_start(seed: u64, rounds: u64) -> anyhow::Result<String> {
    const LOGS: u32 = 300;
    let folder = tempfile::tempdir()?;
    let (logs, storage) = (folder.path().join("logs"), folder.path().join("state"));
    fs::create_dir(&logs)?;
    let arrivals = Arc::new(Arrivals::new(Order::Strict));
    let receiver = Misbehaver::start(&arrivals, |_| Move::Accept).await?;
    let launch = Launch::new(folder.path());
    launch.warm_up().await?;
    let plan = Kills::new(seed, rounds);
    let mut dice = Rng::with_seed(seed);
    let mut written = (0..LOGS)
        .map(|index| Log::create(&logs, index))
        .collect::<Result<Vec<_>, _>>()?;
    for run in 1..=rounds {
        let agent = launch.spawn(&plan.manifest(&logs, &format!("{}?run={run}", receiver.push_url())))?;
        if run > 1 {
            // Warm, it lists its files some 20 ms after it was started.
            for log in &mut written {
                tokio::time::sleep(Duration::from_micros(dice.u64(..300))).await;
                log.rename()?;
                log.write()?;
                log.reopen()?;
            }
        }
        for log in &mut written {
            log.write()?;
        }
        let total = written.iter().map(Log::written).sum();
        let arrived = arrivals.wait_for(total, PATIENCE / 3).await;
        let missing: Vec<u32> = written
            .iter()
            .filter(|log| !arrivals.missing(log.index(), log.written()).is_empty())
            .map(Log::index)
            .collect();
        arrived.with_context(|| format!("run {run}: {} logs lack entries: {missing:?}", missing.len()))?;
        let saved = async {
            loop {
                let known = positions(&storage)?;
                if written.iter().all(|log| known.contains_key(&log.inode())) {
                    return anyhow::Ok(());
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, saved)
            .await
            .context("no checkpoint is saved")??;
        agent.kill()?;
    }
    arrivals.check()?;
    Ok(format!(
        "{LOGS} logs rotated while the agent started, {rounds} times: 0 missing, 0 out of order"
    ))
}
