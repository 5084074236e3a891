//! A plan: a manifest whose plugins are loaded, compiled and configured. Nothing is contacted and nothing runs yet;
//! `millstream check` ends here, `run` goes on to the [`super::Graph`].
//!
//! Plugins compile side by side, on threads with the stack that guests need.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::thread::{self, Scope, ScopedJoinHandle};

use millstream_plugin_host::{Host, Limits, LogStage, Plugin, Recycling, STACK_SIZE, StageError};

use super::chain::swap::Slot;
use super::load::{self, Loaded};
use super::succession::{self, Heritage, RunningStages, StageSpec};
use crate::manifest::{Manifest, ManifestError, ManifestErrors, PipelineEntry, Place, StageEntry};
use crate::plugins::Library;
use crate::stages::{self, DeadLetters, Events, GuestMetrics, Stage, StageMetrics};

/// A manifest whose plugins are ready.
pub struct Plan {
    /// The manifest.
    pub manifest: Manifest,
    /// Per pipeline, its stages.
    pub pipelines: BTreeMap<String, PlannedStages>,
    /// The plugins in use.
    pub plugins: BTreeMap<String, Plugin>,
    /// What they say of themselves, and where they came from.
    pub origins: BTreeMap<String, Loaded>,
}

/// The stages of a pipeline, in order.
#[derive(Default)]
pub struct PlannedStages {
    /// Per worker, configured, or kept from what runs.
    pub slots: Vec<Vec<Slot>>,
    /// What each is made of.
    pub specs: Vec<StageSpec>,
}

/// What stages report to.
#[derive(Clone)]
pub struct Instruments {
    /// The metrics of stages.
    pub stages: Arc<StageMetrics>,
    /// The metrics that plugins declare.
    pub guests: Arc<GuestMetrics>,
    /// Where entries go that a stage with `on_error: dead_letter` fails on.
    pub letters: DeadLetters,
}

impl Plan {
    /// Gets, compiles and configures every plugin the manifest uses; what has to be fetched goes into `library`. `running`
    /// says, by pipeline, what stages run in this process: those that are the same are kept.
    ///
    /// # Errors
    /// All faults found, each with its place in the manifest.
    pub fn make(
        manifest: Manifest,
        host: &Host,
        library: &Library,
        instruments: &Instruments,
        running: &BTreeMap<String, RunningStages>,
    ) -> Result<Self, ManifestErrors> {
        let (plugins, origins) = load::all(&manifest, host, library)?;
        let mut pipelines = BTreeMap::new();
        let mut faults = Vec::new();
        thread::scope(|scope| {
            let building: Vec<_> = manifest
                .pipelines
                .iter()
                .map(|(name, pipeline)| {
                    let (manifest, plugins) = (&manifest, &plugins);
                    let former = running.get(name);
                    let work = move || configure(manifest, name, pipeline, plugins, instruments, former);
                    (name, pipeline, deep(scope, "plugin-setup", work))
                })
                .collect();
            for (name, pipeline, thread) in building {
                match joined(thread) {
                    Ok(Ok(built)) => drop(pipelines.insert(name.clone(), built)),
                    Ok(Err(found)) => faults.extend(found),
                    Err(cause) => faults.push(no_thread(&manifest, pipeline.place, cause)),
                }
            }
        });
        if faults.is_empty() {
            Ok(Self {
                manifest,
                pipelines,
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
    running: Option<&RunningStages>,
) -> Result<PlannedStages, Vec<ManifestError>> {
    let former = running.map_or(&[][..], |running| &running.specs);
    let workers = running.map_or(entry.workers, |running| running.workers);
    if workers != entry.workers {
        // What their stages hold is of the files they have.
        tracing::warn!(
            pipeline,
            running = workers,
            wanted = entry.workers,
            "a pipeline has other `workers` from its next start on"
        );
    }
    let mut specs: Vec<StageSpec> = Vec::with_capacity(entry.stages.len());
    let mut faults = Vec::new();
    for (index, stage) in entry.stages.iter().enumerate() {
        let name = stage_name(&entry.stages, index);
        match spec(manifest, &name, stage, plugins) {
            Ok(spec) => specs.push(spec),
            Err(error) => faults.push(refusal(manifest, pipeline, index, stage, error)),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut slots: Vec<Vec<Slot>> = Vec::new();
    slots.resize_with(workers, || Vec::with_capacity(specs.len()));
    for (index, heritage) in succession::match_up(former, &specs).into_iter().enumerate() {
        let adopts = match heritage {
            Heritage::Keeps(from) => {
                specs[index].holds = former[from].holds;
                for slots in &mut slots {
                    slots.push(Slot::Kept(from));
                }
                continue;
            }
            Heritage::Adopts(from) => Some(from),
            Heritage::None => None,
        };
        for slots in &mut slots {
            match make(pipeline, &specs[index], plugins, instruments) {
                Ok(made) => {
                    specs[index].holds = made.interest().holds;
                    slots.push(Slot::Made {
                        stage: Box::new(made),
                        adopts,
                    });
                }
                Err(error) => {
                    faults.push(refusal(manifest, pipeline, index, &entry.stages[index], error));
                    // One worker's says it for all.
                    break;
                }
            }
        }
    }
    if faults.is_empty() {
        Ok(PlannedStages { slots, specs })
    } else {
        Err(faults)
    }
}

/// What a stage of the manifest is made of.
fn spec(
    manifest: &Manifest,
    name: &str,
    stage: &StageEntry,
    plugins: &BTreeMap<String, Plugin>,
) -> Result<StageSpec, StageError> {
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
        recycling: Recycling {
            memory: Some(usize::try_from(entry.recycle.memory).unwrap_or(usize::MAX)),
            calls: entry.recycle.calls,
        },
    };
    Ok(StageSpec {
        name: name.into(),
        plugin: stage.plugin.clone(),
        sha256: plugin.sha256().into(),
        settings: stage.settings.clone(),
        limits,
        grants: entry.grants.clone(),
        log_rate: entry.log_rate,
        on_error: entry.on_error,
        holds: false,
    })
}

fn make(
    pipeline: &str,
    spec: &StageSpec,
    plugins: &BTreeMap<String, Plugin>,
    instruments: &Instruments,
) -> Result<Stage, StageError> {
    let Some(plugin) = plugins.get(&spec.plugin) else {
        return Err(StageError::Refused(format!(
            "no plugin is called `{}`",
            spec.plugin
        )));
    };
    let events = Events::new(pipeline, &spec.name, instruments.guests.clone()).with_log_rate(spec.log_rate);
    let events = Arc::new(events);
    let inner = LogStage::new(
        plugin.clone(),
        &spec.settings,
        spec.limits.clone(),
        events.clone(),
    )?;
    let place = stages::Place {
        on_error: spec.on_error,
        metrics: instruments.stages.clone(),
        letters: instruments.letters.of(pipeline, &spec.name),
    };
    Ok(Stage::new(&events, inner, place))
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
    let key = named.unwrap_or(stage.place);
    let place = inside(&words).and_then(|(line, column)| manifest.place_within(key, line, column));
    let fix = match error {
        StageError::Refused(_) => "correct the stage's settings",
        StageError::Failed { .. } => "the plugin itself is at fault: tell its author, or remove the stage",
    };
    let message = format!(
        "stage `{}` of pipeline `{pipeline}` cannot be set up",
        stage.plugin
    );
    manifest
        .error_at(place.unwrap_or(key), message, fix)
        .because(error)
}

/// Line and column inside a setting's text, where a plugin tells them: `setting `code`: line 2, column 5: …`.
fn inside(words: &str) -> Option<(usize, usize)> {
    let (_, rest) = words.split_once(": line ")?;
    let (line, rest) = rest.split_once(", column ")?;
    let (column, _) = rest.split_once(':')?;
    Some((line.parse().ok()?, column.parse().ok()?))
}
