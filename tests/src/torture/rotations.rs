//! Rotation in logrotate's three modes at full speed, with a sink that falls generations behind.
//!
//! Asked for: nothing lost by renaming, whoever creates the new file and whenever the writer notices, even when the
//! old file is compressed and removed meanwhile. By copytruncate is lost what the system cut off before it could be
//! read: always the end of a generation, or what was written between copy and cut. Anything else that is missing is
//! our fault.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use fastrand::Rng;
use tokio::time::Instant;

use crate::agent::Launch;
use crate::arrivals::{Arrivals, Order, stretches};
use crate::misbehaver::{Misbehaver, Move};
use crate::writer::{Log, positions};
use crate::{numbered, users};

/// How long nothing new may come at the end; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a log is rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Renamed, and a new file at once.
    Create,
    /// Renamed; the writer goes on in the old file for a while.
    Late,
    /// Renamed, and the old file compressed and removed at once.
    Gzip,
    /// Copied and cut.
    CopyTruncate,
    /// By the program logrotate, which renames all old files each time; the writer reopens when it is done.
    LogrotateCreate,
    /// By the program logrotate, copied and cut while the writer goes on.
    LogrotateCopy,
}

/// What is done.
#[derive(Clone, Debug)]
pub struct Rotations {
    /// Of all randomness.
    pub seed: u64,
    /// How.
    pub mode: Mode,
    /// Lines per second.
    pub rate: u64,
    /// How often it is rotated.
    pub every: Duration,
    /// How many times.
    pub times: u32,
    /// How long the receiver takes for each request.
    pub delay: Duration,
}

/// Entries of a log that did not arrive, by why.
#[derive(Debug, Default)]
struct Lost {
    /// Cut off before they could be read: the end of a generation.
    unread: u64,
    /// Written between copy and cut: in no file at all.
    between: u64,
    /// Everything else.
    other: Vec<u64>,
}

/// Whether the program logrotate is here; if not, it is said.
#[must_use]
pub fn has_logrotate() -> bool {
    let here = Command::new("logrotate").arg("--version").output().is_ok();
    if !here {
        // Past the capture of a test's output; nothing is left to be done when stderr is gone.
        let _ = writeln!(
            io::stderr(),
            "\nSKIPPED: the program logrotate is not here; what was skipped has not passed"
        );
    }
    here
}

/// Writes, rotates, and sees what arrives. The lost share is returned beside the figure, in percent.
///
/// # Errors
/// When a promise is broken.
pub async fn run(plan: &Rotations) -> anyhow::Result<(String, f64)> {
    let folder = tempfile::tempdir()?;
    let logs = folder.path().join("logs");
    fs::create_dir(&logs)?;
    let arrivals = Arc::new(Arrivals::new(Order::Strict));
    let delay = plan.delay;
    let receiver = Misbehaver::start(&arrivals, move |_| Move::Late(delay)).await?;
    let sink = "batch_wait: 100ms, batch_size: 1MB";
    let manifest = users::manifest_with(&logs, &receiver.push_url(), "", sink);
    let launch = Launch::new(folder.path());
    launch.warm_up().await?;
    let agent = launch.start(&manifest).await?;
    let log = write(plan, folder.path(), &logs).await?;
    let (written, behind) = (log.written(), log.written() - arrivals.distinct());
    receiver.behave(|_| Move::Accept);
    let end = async {
        while !arrivals.has(0, written) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let came = tokio::time::timeout(PATIENCE * 3, end).await;
    let told = agent.log();
    let status = agent.stop().await?;
    ensure!(
        came.is_ok(),
        "the last of {written} entries has not come; {} have\n{}",
        arrivals.distinct(),
        told.join("\n")
    );
    ensure!(status.success(), "the agent ended with {status}");
    let missing = arrivals.missing(0, written);
    let percent = missing.len() as f64 / written as f64 * 100.0;
    let cuts = matches!(plan.mode, Mode::CopyTruncate | Mode::LogrotateCopy);
    let lost = if cuts {
        arrivals.check_but_torn()?;
        account(&logs, &log, &arrivals, &missing)?
    } else {
        arrivals.check()?;
        ensure!(
            missing.is_empty(),
            "missing: {}\n{}",
            stretches(&missing),
            told.join("\n")
        );
        Lost::default()
    };
    ensure!(
        lost.other.is_empty(),
        "lost though never cut off: {}",
        stretches(&lost.other)
    );
    let text = format!(
        "{:?}: {} rotations, {} lines/s, {written} entries written, {behind} of them not yet delivered at the end of writing; \
         lost {} ({percent:.3} %): cut off unread {}, written between copy and cut {}, anything else 0; stack traces cut in two {}",
        plan.mode,
        plan.times,
        plan.rate,
        missing.len(),
        lost.unread,
        lost.between,
        arrivals.torn().len(),
    );
    Ok((text, percent))
}

/// Writes at the rate and rotates as the plan says.
async fn write(plan: &Rotations, folder: &Path, logs: &Path) -> anyhow::Result<Log> {
    let mut dice = Rng::with_seed(plan.seed);
    let mut log = Log::create(logs, 0)?;
    let mut children = Vec::new();
    let begun = Instant::now();
    let mut lines = 0;
    let mut pace = async |log: &mut Log, until: Duration| -> anyhow::Result<()> {
        while begun.elapsed() < until {
            let due = begun.elapsed().as_secs_f64() * plan.rate as f64;
            while (lines as f64) < due {
                log.write()?;
                lines += numbered::lines(log.written());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    };
    for time in 1..=plan.times {
        let at = plan.every * time;
        pace(&mut log, at).await?;
        match plan.mode {
            Mode::Create => {
                log.rename()?;
                log.reopen()?;
            }
            Mode::Late => {
                log.rename()?;
                pace(&mut log, at + plan.every / 4).await?;
                log.reopen()?;
            }
            Mode::Gzip => {
                let old = log.rename()?;
                log.reopen()?;
                children.push(Command::new("gzip").arg(old).spawn().context("cannot run gzip")?);
            }
            Mode::CopyTruncate => {
                log.copy()?;
                for _ in 0..dice.u32(..20) {
                    log.write()?;
                }
                log.truncate()?;
            }
            Mode::LogrotateCreate | Mode::LogrotateCopy => {
                let mut program = logrotate(plan.mode, folder, log.path())?;
                let mut waited = at;
                while program.try_wait()?.is_none() {
                    waited += Duration::from_millis(5);
                    pace(&mut log, waited.max(begun.elapsed())).await?;
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                ensure!(program.wait()?.success(), "logrotate failed");
                if plan.mode == Mode::LogrotateCreate {
                    log.reopen()?;
                }
            }
        }
    }
    pace(&mut log, plan.every * (plan.times + 1)).await?;
    for mut child in children {
        ensure!(child.wait()?.success(), "gzip failed");
    }
    Ok(log)
}

/// Starts logrotate on a log, whatever its size and age.
fn logrotate(mode: Mode, folder: &Path, log: &Path) -> anyhow::Result<std::process::Child> {
    let how = if mode == Mode::LogrotateCopy {
        "copytruncate"
    } else {
        "create"
    };
    let config = folder.join("logrotate.conf");
    fs::write(
        &config,
        format!("{} {{\n  rotate 1000\n  {how}\n  nocompress\n}}\n", log.display()),
    )?;
    Command::new("logrotate")
        .args(["--force", "--state"])
        .arg(folder.join("logrotate.state"))
        .arg(&config)
        .spawn()
        .context("cannot run logrotate")
}

/// Which entries a file holds: the first and the last.
fn held(path: &Path) -> anyhow::Result<Option<(u64, u64)>> {
    let text = fs::read(path)?;
    let text = String::from_utf8_lossy(&text);
    let mut numbers = text.lines().filter_map(numbered::parse).map(|(_, number)| number);
    let Some(first) = numbers.next() else {
        return Ok(None);
    };
    Ok(Some((first, numbers.next_back().unwrap_or(first))))
}

/// Why entries are missing, seen from the copies and from the file that is written now.
fn account(logs: &Path, log: &Log, arrivals: &Arrivals, missing: &[u64]) -> anyhow::Result<Lost> {
    let mut copies = Vec::new();
    for entry in fs::read_dir(logs)? {
        let path: PathBuf = entry?.path();
        if path != log.path() {
            copies.extend(held(&path)?);
        }
    }
    copies.sort_unstable();
    // The last entry of each generation that arrived: behind it everything was cut off.
    let arrived: Vec<u64> = copies
        .iter()
        .map(|(first, last)| {
            (*first..=*last)
                .rev()
                .find(|number| arrivals.has(0, *number))
                .unwrap_or(0)
        })
        .collect();
    let live = held(log.path())?.map_or(u64::MAX, |(first, _)| first);
    let mut lost = Lost::default();
    for &number in missing {
        let copy = copies.partition_point(|(_, last)| *last < number);
        match copies.get(copy).filter(|(first, _)| *first <= number) {
            Some(_) if number > arrived[copy] => lost.unread += 1,
            Some(_) => lost.other.push(number),
            None if number < live => lost.between += 1,
            None => lost.other.push(number),
        }
    }
    // An entry of many lines may be cut in two; then it is the last of its generation.
    for (_, number) in arrivals.torn() {
        if !arrived.contains(&number) && !copies.iter().any(|(_, last)| *last + 1 == number) {
            lost.other.push(number);
        }
    }
    Ok(lost)
}

/// What happens to a log while the agent is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Downtime {
    /// It is rotated by renaming.
    Renamed,
    /// It is rotated, and the old file compressed.
    Compressed,
    /// It is rotated twice: nobody ever saw the generation in the middle.
    Twice,
}

/// The log is rotated while the agent is down, in the middle of what it had delivered.
///
/// # Errors
/// When a promise is broken.
pub async fn while_down(seed: u64, downtime: Downtime) -> anyhow::Result<String> {
    let folder = tempfile::tempdir()?;
    let (logs, storage) = (folder.path().join("logs"), folder.path().join("state"));
    fs::create_dir(&logs)?;
    let arrivals = Arc::new(Arrivals::new(Order::Strict));
    let receiver = Misbehaver::start(&arrivals, |_| Move::Late(Duration::from_millis(50))).await?;
    let launch = Launch::new(folder.path());
    let manifest = |run: u32| {
        let url = format!("{}?run={run}", receiver.push_url());
        users::manifest_with(&logs, &url, "", "batch_wait: 50ms, batch_size: 64KB")
    };
    launch.warm_up().await?;
    let mut dice = Rng::with_seed(seed);
    let mut log = Log::create(&logs, 0)?;
    for _ in 0..20_000 + dice.u32(..10_000) {
        log.write()?;
    }
    let agent = launch.start(&manifest(1)).await?;
    arrivals.wait_for(dice.u64(2_000..10_000), PATIENCE).await?;
    // Of a file that no saved checkpoint knows nothing tells, once it has another name, that it belongs to the log.
    let saved = async {
        while !positions(&storage)?.contains_key(&log.inode()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, saved)
        .await
        .context("no checkpoint is saved")??;
    agent.kill()?;
    let before = arrivals.distinct();
    for _ in 0..dice.u32(..1000) {
        log.write()?;
    }
    let old = log.rename()?;
    if downtime == Downtime::Compressed {
        ensure!(Command::new("gzip").arg(&old).status()?.success(), "gzip failed");
    }
    log.reopen()?;
    if downtime == Downtime::Twice {
        for _ in 0..1000 {
            log.write()?;
        }
        log.rename()?;
        log.reopen()?;
    }
    for _ in 0..1000 {
        log.write()?;
    }
    receiver.behave(|_| Move::Accept);
    let agent = launch.start(&manifest(2)).await?;
    let came = arrivals.wait_for(log.written(), PATIENCE / 2).await;
    let told = agent.log();
    ensure!(agent.stop().await?.success(), "the agent failed");
    let missing = arrivals.missing(0, log.written());
    came.with_context(|| format!("missing: {}\n{}", stretches(&missing), told.join("\n")))?;
    arrivals.check()?;
    Ok(format!(
        "{downtime:?} while the agent was down: {} entries, {before} delivered before, 0 missing",
        log.written()
    ))
}
