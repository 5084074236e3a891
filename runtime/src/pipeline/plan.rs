//! A plan: a manifest whose plugins are loaded, compiled and configured. Nothing is contacted and nothing runs yet;
//! `millstream check` ends here, `run` goes on to the [`super::Graph`].
//!
//! Plugins compile side by side, on threads with the stack that guests need.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::thread::{self, Scope, ScopedJoinHandle};

use millstream_plugin_host::{Host, Limits, LogStage, Plugin, STACK_SIZE, StageError};

use super::load::{self, Loaded};
use crate::manifest::{Manifest, ManifestError, ManifestErrors, PipelineEntry, Place, StageEntry};
use crate::plugins::Library;
use crate::stages::{Events, GuestMetrics, Stage, StageMetrics};

/// A manifest whose plugins are ready.
pub struct Plan {
    /// The manifest.
    pub manifest: Manifest,
    /// Per pipeline, its configured stages.
    pub stages: BTreeMap<String, Vec<Stage>>,
    /// The plugins in use.
    pub plugins: BTreeMap<String, Plugin>,
    /// What they say of themselves, and where they came from.
    pub origins: BTreeMap<String, Loaded>,
}

/// What stages report to.
#[derive(Clone)]
pub struct Instruments {
    /// The metrics of stages.
    pub stages: Arc<StageMetrics>,
    /// The metrics that plugins declare.
    pub guests: Arc<GuestMetrics>,
}

impl Plan {
    /// Gets, compiles and configures every plugin the manifest uses; what has to be fetched goes into `library`.
    ///
    /// # Errors
    /// All faults found, each with its place in the manifest.
    pub fn make(
        manifest: Manifest,
        host: &Host,
        library: &Library,
        instruments: &Instruments,
    ) -> Result<Self, ManifestErrors> {
        let (plugins, origins) = load::all(&manifest, host, library)?;
        let mut stages = BTreeMap::new();
        let mut faults = Vec::new();
        thread::scope(|scope| {
            let building: Vec<_> = manifest
                .pipelines
                .iter()
                .map(|(name, pipeline)| {
                    let (manifest, plugins) = (&manifest, &plugins);
                    let work = move || configure(manifest, name, pipeline, plugins, instruments);
                    (name, pipeline, deep(scope, "plugin-setup", work))
                })
                .collect();
            for (name, pipeline, thread) in building {
                match joined(thread) {
                    Ok(Ok(built)) => drop(stages.insert(name.clone(), built)),
                    Ok(Err(found)) => faults.extend(found),
                    Err(cause) => faults.push(no_thread(&manifest, pipeline.place, cause)),
                }
            }
        });
        if faults.is_empty() {
            Ok(Self {
                manifest,
                stages,
                plugins,
                origins,
            })
        } else {
            Err(ManifestErrors::new(faults))
        }
    }
}

fn configure(
    manifest: &Manifest,
    pipeline: &str,
    entry: &PipelineEntry,
    plugins: &BTreeMap<String, Plugin>,
    instruments: &Instruments,
) -> Result<Vec<Stage>, Vec<ManifestError>> {
    let mut built = Vec::with_capacity(entry.stages.len());
    let mut faults = Vec::new();
    for (index, stage) in entry.stages.iter().enumerate() {
        let name = stage_name(&entry.stages, index);
        match configure_one(manifest, pipeline, &name, stage, plugins, instruments) {
            Ok(stage) => built.push(stage),
            Err(error) => faults.push(refusal(manifest, pipeline, index, stage, error)),
        }
    }
    if faults.is_empty() { Ok(built) } else { Err(faults) }
}

fn configure_one(
    manifest: &Manifest,
    pipeline: &str,
    name: &str,
    stage: &StageEntry,
    plugins: &BTreeMap<String, Plugin>,
    instruments: &Instruments,
) -> Result<Stage, StageError> {
    let (Some(plugin), Some(entry)) = (plugins.get(&stage.plugin), manifest.plugins.get(&stage.plugin))
    else {
        return Err(StageError::Refused(format!(
            "no plugin is called `{}`",
            stage.plugin
        )));
    };
    let memory = usize::try_from(entry.memory).unwrap_or(usize::MAX);
    let limits = Limits {
        memory,
        timeout: entry.timeout,
        output_factor: entry.output,
    };
    let events = Events::new(pipeline, name, instruments.guests.clone()).with_log_rate(entry.log_rate);
    let events = Arc::new(events);
    let inner = LogStage::new(plugin.clone(), &stage.settings, limits, events.clone())?;
    Ok(Stage::new(
        &events,
        inner,
        entry.on_error,
        instruments.stages.clone(),
    ))
}

/// The plugin's name, with its number where the pipeline uses the plugin more than once.
fn stage_name(stages: &[StageEntry], index: usize) -> String {
    let plugin = &stages[index].plugin;
    let before = stages[..index]
        .iter()
        .filter(|stage| stage.plugin == *plugin)
        .count();
    if before == 0 {
        plugin.clone()
    } else {
        format!("{plugin}_{}", before + 1)
    }
}

/// A thread with the stack that guests need.
pub(super) fn deep<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    work: impl FnOnce() -> T + Send + 'scope,
) -> io::Result<ScopedJoinHandle<'scope, T>> {
    thread::Builder::new()
        .name(name.into())
        .stack_size(STACK_SIZE)
        .spawn_scoped(scope, work)
}

/// The thread's answer, or why there was none.
pub(super) fn joined<T>(thread: io::Result<ScopedJoinHandle<'_, T>>) -> io::Result<T> {
    thread?
        .join()
        .map_err(|_| io::Error::other("the thread panicked"))
}

pub(super) fn no_thread(manifest: &Manifest, place: Place, cause: io::Error) -> ManifestError {
    let message = "a thread to set up plugins cannot be had";
    manifest
        .error_at(
            place,
            message,
            "look at the limits on threads and memory of this process",
        )
        .because(cause)
}

/// A plugin's refusal at the setting it names, or at the stage.
fn refusal(
    manifest: &Manifest,
    pipeline: &str,
    index: usize,
    stage: &StageEntry,
    error: StageError,
) -> ManifestError {
    let index = index.to_string();
    let mut steps = vec!["pipelines", pipeline, "stages", &index, &stage.plugin];
    let words = error.to_string();
    // Names stand between backquotes: the odd pieces. A nested setting is named by its path, `a.b`.
    let named = words.split('`').skip(1).step_by(2).find_map(|name| {
        let depth = steps.len();
        steps.extend(name.split('.'));
        let place = manifest.place_of(&steps.iter().map(|step| &**step).collect::<Vec<_>>());
        steps.truncate(depth);
        place
    });
    let fix = match error {
        StageError::Refused(_) => "correct the stage's settings",
        StageError::Failed { .. } => "the plugin itself is at fault: tell its author, or remove the stage",
    };
    let message = format!(
        "stage `{}` of pipeline `{pipeline}` cannot be set up",
        stage.plugin
    );
    manifest
        .error_at(named.unwrap_or(stage.place), message, fix)
        .because(error)
}
