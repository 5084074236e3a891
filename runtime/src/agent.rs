//! The agent: one process, its graph, and what people tell it: signals and reloads.
//!
//! SIGTERM and SIGINT drain and end it, a second one ends it at once; SIGHUP, `POST /-/reload` and a changed component reload. A
//! reload makes its plan beside the running graph, and only when nothing is wrong with it does the graph change, between two
//! batches. SIGTERM or SIGINT while a plan is made gives the reload up.

mod watch;

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use millstream_plugin_host::{Compiler, Host};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::admin::{Admin, Families};
use crate::delivery::spool::Shelf;
use crate::disk::LocalDisk;
use crate::manifest::{Manifest, ManifestErrors, PluginOrigin};
use crate::pipeline::graph::Surroundings;
use crate::pipeline::succession::RunningStages;
use crate::pipeline::{Assembly, DrainReport, Graph, Plan};
use crate::plugins::Library;
use crate::sources::file::CheckpointBook;
use crate::stages::DeadLetters;
use watch::Watch;

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
    /// Takes the storage folder and readies what outlives every graph. Plugins that are not in its cache are compiled by `compiler`;
    /// without one, in this process.
    ///
    /// # Errors
    /// When the folder cannot be had, another agent has it, or the plugin host cannot start.
    pub fn new(storage: &Path, compiler: Option<Compiler>) -> anyhow::Result<Self> {
        let lock = take(storage)?;
        let cache = storage.join("compiled");
        let host = match compiler {
            Some(compiler) => Host::compiling_apart(&cache, compiler)?,
            None => Host::new(Some(&cache))?,
        };
        let book = CheckpointBook::open(storage).context("cannot open the checkpoints")?;
        let letters = DeadLetters::new(Arc::new(LocalDisk), storage.join("dead_letters"));
        let families = Families::register(letters).context("cannot set up the metrics")?;
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
    pub fn plan(&self, manifest: Manifest) -> Result<Plan, ManifestErrors> {
        Plan::make(
            manifest,
            &self.host,
            &self.library,
            &self.around.families.stages,
            &BTreeMap::new(),
        )
    }

    /// Starts a plan; nobody listens to signals for it.
    ///
    /// # Errors
    /// When something the plan names cannot be started.
    pub async fn start(&self, plan: Plan) -> anyhow::Result<Graph> {
        tokio::spawn(self.around.book.clone().keep(self.keeping.clone()));
        let mut graph = Graph::empty(self.around.clone());
        let assembly = Assembly::make(plan, &graph)?;
        graph.apply(assembly).await?;
        self.around.families.reloads.started();
        Ok(graph)
    }

    /// Runs a plan until told to stop. `load` reads the manifest again for a reload; `watched` is its file, when a change of it
    /// is a wish to reload. Changes of components always are.
    ///
    /// # Errors
    /// When the address cannot be had or something the plan names cannot be started.
    pub async fn run(
        self,
        plan: Plan,
        listen: &str,
        load: impl Fn() -> anyhow::Result<Manifest> + Send + Sync + 'static,
        watched: Option<&Path>,
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
        let load: Arc<Load> = Arc::new(load);
        let mut watch = Watch::of(files(&plan.manifest, watched));
        let mut graph = self.start(plan).await?;
        self.ready.store(true, Ordering::Release);
        tracing::info!(%address, "running");
        loop {
            let answer = tokio::select! {
                () = stops.come() => break,
                _ = hangup.recv() => None,
                Some(answer) = reloads.recv() => Some(answer),
                changed = watch.changed() => {
                    tracing::info!(files = ?changed, "changed: reloading");
                    None
                }
            };
            let planned = tokio::select! {
                // Who asked for the reload hears that there is no answer.
                () = stops.come() => break,
                planned = self.plan_again(load.clone(), graph.stages()) => planned,
            };
            let told = self.reload(&mut graph, planned, &mut watch, watched).await;
            // Whoever asked may have gone.
            let _ = answer.map(|answer| answer.send(told));
        }
        self.ready.store(false, Ordering::Release);
        tracing::info!(deadline = ?DRAIN_DEADLINE, "draining; a second signal ends at once");
        drain(graph, &mut stops).await?;
        stop_admin.cancel();
        self.keeping.cancel();
        Ok(())
    }

    /// Reads the manifest again and makes a plan of it, beside what runs.
    async fn plan_again(
        &self,
        load: Arc<Load>,
        running: BTreeMap<String, RunningStages>,
    ) -> anyhow::Result<Plan> {
        let (host, library) = (self.host.clone(), self.library.clone());
        let instruments = self.around.families.stages.clone();
        let work = move || {
            let manifest = load()?;
            Ok(Plan::make(manifest, &host, &library, &instruments, &running)?)
        };
        tokio::task::spawn_blocking(work)
            .await
            .context("the thread that plans panicked")?
    }

    /// Makes the graph what the plan says, and tells what came of it.
    async fn reload(
        &self,
        graph: &mut Graph,
        planned: anyhow::Result<Plan>,
        watch: &mut Watch,
        watched: Option<&Path>,
    ) -> Result<(), String> {
        let applied = async {
            let plan = planned?;
            let files = files(&plan.manifest, watched);
            graph.apply(Assembly::make(plan, graph)?).await?;
            watch.set(files);
            anyhow::Ok(())
        };
        let applied = applied.await;
        self.around.families.reloads.ended(applied.is_ok());
        match applied {
            Ok(()) => {
                tracing::info!("reloaded");
                Ok(())
            }
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(error, "not reloaded; the old manifest goes on");
                Err(error)
            }
        }
    }
}

/// Reads the manifest.
type Load = dyn Fn() -> anyhow::Result<Manifest> + Send + Sync;

/// The files whose change is a wish to reload.
fn files(manifest: &Manifest, watched: Option<&Path>) -> Vec<PathBuf> {
    let components = manifest
        .plugins
        .values()
        .filter_map(|plugin| match &plugin.origin {
            PluginOrigin::File(path) => Some(path.clone()),
            // These are what their sha256 says, for ever.
            PluginOrigin::Bundled | PluginOrigin::Url(..) | PluginOrigin::Image(..) => None,
        });
    components.chain(watched.map(Path::to_owned)).collect()
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

/// Drains a graph and tells what was left.
///
/// # Errors
/// When a signal comes.
async fn drain(graph: Graph, stops: &mut Stops) -> anyhow::Result<()> {
    tokio::select! {
        report = graph.drain(DRAIN_DEADLINE) => {
            tell(&report);
            Ok(())
        }
        () = stops.come() => bail!("stopped before everything was sent; it will be read again"),
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
