//! The agent: one process, its graph, and what people tell it: signals and reloads.
//!
//! SIGTERM and SIGINT drain and end it, a second one ends it at once; SIGHUP and `POST /-/reload` reload. A reload
//! first makes the whole new assembly; only when nothing is wrong with it does the old graph drain and the new one start
//! where it stopped, by the checkpoints.
//!
//! SIGTERM or SIGINT while a reload's drain runs turns the reload into a stop: that drain goes on within its deadline, the
//! new graph is not started, and the next signal ends at once. Not a start of the new graph only to drain it again:
//! whoever stops an agent waits for its end, and would wait twice.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use millstream_plugin_host::Host;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::admin::{Admin, Families};
use crate::delivery::spool::Shelf;
use crate::disk::LocalDisk;
use crate::manifest::Manifest;
use crate::pipeline::graph::Surroundings;
use crate::pipeline::{Assembly, DrainReport, Graph, Plan};
use crate::plugins::Library;
use crate::sources::file::CheckpointBook;

/// How long a drain may take. Kubernetes kills after 30 s by default; this leaves no margin on purpose, since what is
/// not sent by then is read again.
pub const DRAIN_DEADLINE: Duration = Duration::from_secs(30);

/// Wishes to reload that wait: they are answered one by one.
const RELOADS_QUEUED: usize = 4;

/// One process and its graph.
pub struct Agent {
    host: Host,
    library: Library,
    around: Surroundings,
    ready: Arc<AtomicBool>,
    /// Stops the task that saves checkpoints.
    keeping: CancellationToken,
    _lock: File,
}

impl Agent {
    /// Takes the storage folder and readies what outlives every graph.
    ///
    /// # Errors
    /// When the folder cannot be had, another agent has it, or the plugin host cannot start.
    pub fn new(storage: &Path) -> anyhow::Result<Self> {
        let lock = take(storage)?;
        let host = Host::new(Some(&storage.join("compiled")))?;
        let book = CheckpointBook::open(storage).context("cannot open the checkpoints")?;
        let families = Families::register().context("cannot set up the metrics")?;
        book.register_in(&families.registry)
            .context("cannot set up the metrics")?;
        let around = Surroundings {
            families,
            health: Arc::default(),
            book,
            shelf: Shelf::new(Arc::new(LocalDisk), storage.join("spool")),
        };
        Ok(Self {
            host,
            library: Library::new(storage),
            around,
            ready: Arc::default(),
            keeping: CancellationToken::new(),
            _lock: lock,
        })
    }

    /// Makes a plan of a manifest: loads, compiles and configures its plugins.
    ///
    /// # Errors
    /// With everything that is wrong, in the manifest's words.
    pub fn plan(&self, manifest: Manifest) -> Result<Plan, crate::manifest::ManifestErrors> {
        Plan::make(manifest, &self.host, &self.library, &self.around.families.stages)
    }

    /// Starts a plan; nobody listens to signals for it.
    ///
    /// # Errors
    /// When something the plan names cannot be started.
    pub fn start(&self, plan: Plan) -> anyhow::Result<Graph> {
        tokio::spawn(self.around.book.clone().keep(self.keeping.clone()));
        Ok(Graph::start(Assembly::make(plan, &self.around)?, &self.around)?)
    }

    /// Runs a plan until told to stop. `load` reads the manifest again for a reload.
    ///
    /// # Errors
    /// When the address cannot be had or something the plan names cannot be started.
    pub async fn run(
        self,
        plan: Plan,
        listen: &str,
        load: impl Fn() -> anyhow::Result<Manifest>,
    ) -> anyhow::Result<()> {
        let (mut stops, mut hangup) = (Stops::listen()?, on(SignalKind::hangup())?);
        let (reload, mut reloads) = mpsc::channel(RELOADS_QUEUED);
        let admin = Admin {
            ready: self.ready.clone(),
            health: self.around.health.clone(),
            registry: self.around.families.registry.clone(),
            reload,
        };
        let stop_admin = CancellationToken::new();
        let address = admin.serve(listen, stop_admin.clone()).await?;
        let mut graph = self.start(plan)?;
        self.ready.store(true, Ordering::Release);
        tracing::info!(%address, "running");
        loop {
            let answer = tokio::select! {
                () = stops.come() => break,
                _ = hangup.recv() => None,
                Some(answer) = reloads.recv() => Some(answer),
            };
            let told = match load().and_then(|manifest| self.assemble(manifest)) {
                Ok(assembly) => {
                    self.ready.store(false, Ordering::Release);
                    tracing::info!(deadline = ?DRAIN_DEADLINE, "reloading: draining what the old manifest named");
                    if drain(graph, &mut stops, Asked::Reload).await? == Asked::Stop {
                        // Who asked for the reload hears that there is no answer.
                        drop(answer);
                        return self.end(&stop_admin);
                    }
                    graph =
                        Graph::start(assembly, &self.around).context("cannot start the reloaded manifest")?;
                    self.ready.store(true, Ordering::Release);
                    tracing::info!("reloaded");
                    Ok(())
                }
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::error!(error, "not reloaded; the old manifest goes on");
                    Err(error)
                }
            };
            // Whoever asked may have gone.
            let _ = answer.map(|answer| answer.send(told));
        }
        self.ready.store(false, Ordering::Release);
        tracing::info!(deadline = ?DRAIN_DEADLINE, "draining; a second signal ends at once");
        drain(graph, &mut stops, Asked::Stop).await?;
        self.end(&stop_admin)
    }

    /// Stops what outlives every graph.
    fn end(&self, stop_admin: &CancellationToken) -> anyhow::Result<()> {
        stop_admin.cancel();
        self.keeping.cancel();
        Ok(())
    }

    fn assemble(&self, manifest: Manifest) -> anyhow::Result<Assembly> {
        let plan = tokio::task::block_in_place(|| self.plan(manifest))?;
        Ok(Assembly::make(plan, &self.around)?)
    }
}

/// The signals that stop an agent.
struct Stops {
    terminate: Signal,
    interrupt: Signal,
}

impl Stops {
    fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: on(SignalKind::terminate())?,
            interrupt: on(SignalKind::interrupt())?,
        })
    }

    /// Waits for one.
    async fn come(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

fn on(kind: SignalKind) -> anyhow::Result<Signal> {
    signal(kind).context("cannot listen for signals")
}

/// What a drain is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Reload,
    Stop,
}

/// Drains a graph and tells what was left. Answers what it was for in the end: a signal makes a stop of a reload.
///
/// # Errors
/// When a signal comes during a stop.
async fn drain(graph: Graph, stops: &mut Stops, mut asked: Asked) -> anyhow::Result<Asked> {
    let mut draining = pin!(graph.drain(DRAIN_DEADLINE));
    loop {
        tokio::select! {
            report = &mut draining => {
                tell(&report);
                return Ok(asked);
            }
            () = stops.come() => match asked {
                Asked::Stop => bail!("stopped before everything was sent; it will be read again"),
                Asked::Reload => {
                    asked = Asked::Stop;
                    tracing::info!("stopping instead of reloading; a second signal ends at once");
                }
            }
        }
    }
}

fn tell(report: &DrainReport) {
    let DrainReport { in_time, left, again } = report;
    if report.is_complete() {
        tracing::info!("drained: everything read was delivered");
    } else {
        tracing::warn!(
            in_time,
            ?left,
            ?again,
            "drained, but not everything was delivered: `left` says how many rows each sink had, `again` how many \
             entries each pipeline will read again"
        );
    }
}

/// Makes the storage folder ours alone.
fn take(storage: &Path) -> anyhow::Result<File> {
    let what = || format!("cannot make the storage folder {}", storage.display());
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(storage)
        .with_context(what)?;
    let path = storage.join("lock");
    let lock = File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => bail!(
            "another millstream runs with the storage folder {}; give this one its own with --storage-path",
            storage.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}
