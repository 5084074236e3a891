//! Storage that fails while the agent runs: full, read-only, taken away.
//!
//! Asked for: it goes on delivering, says so once, and goes on saving without a restart when the fault is over; a kill
//! after that repeats only what was delivered since the last save.
//!
//! Mounting and running as another user need root: without it the scenario is skipped, and says so.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio_util::sync::CancellationToken;

use crate::agent::{Agent, Launch};
use crate::arrivals::{Arrivals, Order, stretches};
use crate::misbehaver::{Misbehaver, Move};
use crate::users;
use crate::writer::{Log, positions};

/// How long nothing new may come; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// The size of the file system: room for compiled plugins, quickly filled.
const SIZE: &str = "size=64m";

/// The user the agent runs as when permissions matter: nobody.
const NOBODY: u32 = 65534;

/// What is said when a save fails, and when one works again.
const SAID: (&str, &str) = ("checkpoints cannot be saved", "checkpoints are saved again");

/// What is wrong with the storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No space is left.
    Full,
    /// The file system is read-only.
    ReadOnly,
    /// The agent may not enter the folder any more.
    Permission,
}

/// Runs `mount`; what it says when it fails.
fn mount(how: &[&str], path: &Path) -> io::Result<Result<(), String>> {
    let done = Command::new("mount").args(how).arg(path).output()?;
    Ok(if done.status.success() {
        Ok(())
    } else {
        Err(format!(
            "mount {how:?}: {}",
            String::from_utf8_lossy(&done.stderr)
        ))
    })
}

/// A small file system of its own; unmounted when dropped.
struct Mount(PathBuf);

impl Mount {
    /// None when it is not allowed here.
    fn new(path: PathBuf) -> anyhow::Result<Option<Self>> {
        fs::create_dir(&path)?;
        let mounted = mount(&["-t", "tmpfs", "-o", SIZE, "tmpfs"], &path)?;
        Ok(mounted.is_ok().then_some(Self(path)))
    }

    /// Makes it read-only. The kernel refuses a remount while a file is open for writing, as the agent's lock is;
    /// then an empty read-only file system is put over it, and every path in it fails the same way.
    fn close(&self) -> anyhow::Result<()> {
        if mount(&["-o", "remount,ro"], &self.0)?.is_err() {
            mount(&["-t", "tmpfs", "-o", "ro", "tmpfs"], &self.0)?.map_err(anyhow::Error::msg)?;
        }
        Ok(())
    }

    /// Takes back what `close` did.
    fn open(&self) -> anyhow::Result<()> {
        let covered = fs::read_dir(&self.0)?.next().is_none();
        if covered {
            ensure!(
                Command::new("umount").arg(&self.0).status()?.success(),
                "cannot uncover the storage"
            );
        } else {
            mount(&["-o", "remount,rw"], &self.0)?.map_err(anyhow::Error::msg)?;
        }
        Ok(())
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    /// Writes until nothing more fits.
    fn fill(&self) -> io::Result<()> {
        let mut file = File::create(self.filler())?;
        let mut block = vec![0; 1 << 20];
        while block.len() > 1 {
            if file.write_all(&block).is_err() {
                block.truncate(block.len() / 2);
            }
        }
        Ok(())
    }

    fn begin(&self, fault: Fault) -> anyhow::Result<()> {
        match fault {
            Fault::Full => self.fill().context("cannot fill the storage"),
            Fault::ReadOnly => self.close(),
            Fault::Permission => Ok(fs::set_permissions(&self.0, Permissions::from_mode(0o000))?),
        }
    }

    fn end(&self, fault: Fault) -> anyhow::Result<()> {
        match fault {
            Fault::Full => Ok(fs::remove_file(self.filler())?),
            Fault::ReadOnly => self.open(),
            Fault::Permission => Ok(fs::set_permissions(&self.0, Permissions::from_mode(0o700))?),
        }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: what still has it open must not keep the folder.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Writes some hundred entries a second until it is stopped.
async fn write(logs: PathBuf, stop: CancellationToken) -> io::Result<Log> {
    let mut log = Log::create(&logs, 0)?;
    while !stop.is_cancelled() {
        log.write()?;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(log)
}

/// How many lines of the log hold these words.
fn told(agent: &Agent, words: &str) -> usize {
    agent.log().iter().filter(|line| line.contains(words)).count()
}

/// The storage fails while entries flow, recovers, and the agent is killed. `sink` are settings of the sink.
///
/// # Errors
/// When a promise is broken.
pub async fn run(fault: Fault, sink: &str) -> anyhow::Result<String> {
    let folder = tempfile::tempdir()?;
    let Some(storage) = Mount::new(folder.path().join("state"))? else {
        let text =
            format!("SKIPPED: storage {fault:?}: mounting needs root; what was skipped has not passed");
        writeln!(io::stderr(), "\n{text}")?;
        return Ok(text);
    };
    let logs = folder.path().join("logs");
    fs::create_dir(&logs)?;
    let mut launch = Launch::new(folder.path());
    if fault == Fault::Permission {
        launch = launch.user(NOBODY);
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755))?;
        fs::set_permissions(&storage.0, Permissions::from_mode(0o700))?;
        chown(&storage.0, Some(NOBODY), Some(NOBODY))?;
    }
    launch.warm_up().await?;
    let arrivals = Arc::new(Arrivals::new(Order::Strict));
    let receiver = Misbehaver::start(&arrivals, |_| Move::Accept).await?;
    let manifest =
        |run: u32| users::manifest_with(&logs, &format!("{}?run={run}", receiver.push_url()), "", sink);
    let agent = launch.start(&manifest(1)).await?;
    let stop = CancellationToken::new();
    let writing = tokio::spawn(write(logs.clone(), stop.clone()));
    arrivals.wait_for(300, PATIENCE).await?;
    storage.begin(fault)?;
    agent.wait_for_log(SAID.0).await?;
    // Several saves fail meanwhile.
    let during = arrivals.distinct();
    arrivals.wait_for(during + 800, PATIENCE).await?;
    ensure!(
        told(&agent, SAID.0) == 1,
        "said more than once:\n{}",
        agent.log().join("\n")
    );
    storage.end(fault)?;
    agent.wait_for_log(SAID.1).await?;
    let after = arrivals.distinct();
    arrivals.wait_for(after + 300, PATIENCE).await?;
    ensure!(
        told(&agent, SAID.0) == 1 && told(&agent, SAID.1) == 1,
        "said more than once:\n{}",
        agent.log().join("\n")
    );
    agent.kill()?;
    arrivals.killed();
    stop.cancel();
    let log = writing.await??;
    let record = log.settled(&positions(&storage.0)?);
    let known = record.iter().map(|(_, last)| *last).max().unwrap_or(0);
    ensure!(
        known > during,
        "nothing was saved after the fault: up to {known} of {during}"
    );
    arrivals.settled(2, 0, record);
    let agent = launch.start(&manifest(2)).await?;
    arrivals.wait_for(log.written(), PATIENCE).await?;
    ensure!(agent.stop().await?.success(), "the agent failed");
    let missing = arrivals.missing(0, log.written());
    ensure!(missing.is_empty(), "missing: {}", stretches(&missing));
    arrivals.check()?;
    let again = arrivals.entries() - arrivals.distinct();
    Ok(format!(
        "storage {fault:?} while entries flow: {} entries, 0 missing, said once, saved again without a restart; a kill then \
         repeated {again}, the oldest had come {} ms before",
        log.written(),
        arrivals.oldest_repeat().as_millis()
    ))
}
