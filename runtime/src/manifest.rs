//! The manifest: YAML text → resolved settings. Pure: no file, no network, no plugin is touched in here.
//!
//! The road: text → tree with places ([`yaml`]) → `${env:…}` replaced in values ([`environment`]) → document structs
//! ([`reader`], [`document`]) → settings ([`resolve`]). Every step goes on past a mistake, and all mistakes are reported
//! at once, each with its line and what to do about it ([`error`]).
//!
//! Invariants: a [`Manifest`] exists only if there was no mistake; neither it nor any message holds the text of a
//! secret, except as [`Secret`](crate::transport::Secret) and in stage settings, which are opaque here; relative paths
//! start from the manifest's folder, as they do in Prometheus and Compose.

mod bundled;
mod document;
pub mod duration;
mod environment;
mod error;
mod nearest;
mod place;
mod places;
mod reader;
mod resolve;
mod schema;
pub mod size;
mod trail;
mod yaml;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use millstream_plugin_host::Grants;
use url::Url;

pub use bundled::BUNDLED;
pub use error::{ManifestError, ManifestErrors, Severity};
pub use place::Place;
pub use schema::schema;

use crate::plugins::Image;
use crate::sinks::console::ConsoleSettings;
use crate::sinks::loki::LokiSettings;
use crate::sinks::remote_write::RemoteWriteSettings;
use crate::sources::file::FileSettings;
use crate::sources::prometheus::ScrapeSettings;
use crate::transport::ClientSettings;
use error::Problem;
use place::{Ruler, Sheet};
use places::Places;
use reader::Broken;
use yaml::{Node, Value};

/// What flows through a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Log entries.
    Logs,
    /// Samples of metrics.
    Samples,
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Logs => "logs",
            Self::Samples => "samples",
        })
    }
}

/// A source.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceEntry {
    /// What it is.
    pub kind: SourceKind,
    /// Its name in the manifest.
    pub place: Place,
}

/// The kinds of source.
#[expect(clippy::large_enum_variant, reason = "a handful, made once at the start")]
#[derive(Clone, Debug, PartialEq)]
pub enum SourceKind {
    /// Tails files.
    File(FileSettings),
    /// Scrapes Prometheus endpoints.
    Prometheus(ScrapeSettings),
}

/// A sink.
#[derive(Clone, Debug, PartialEq)]
pub struct SinkEntry {
    /// What it is.
    pub kind: SinkKind,
    /// Its name in the manifest.
    pub place: Place,
}

/// The kinds of sink.
#[derive(Clone, Debug, PartialEq)]
pub enum SinkKind {
    /// Pushes entries to Loki.
    Loki(LokiSettings),
    /// Pushes samples to a remote-write receiver.
    RemoteWrite(RemoteWriteSettings),
    /// Prints both.
    Console(ConsoleSettings),
}

/// A pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct PipelineEntry {
    /// Names of sources, all of which exist and give `signal`; never empty.
    pub from: Vec<String>,
    /// The stages, in order.
    pub stages: Vec<StageEntry>,
    /// How many workers, 1 at least.
    pub workers: usize,
    /// Names of sinks, all of which exist and take `signal`; never empty.
    pub to: Vec<String>,
    /// What flows.
    pub signal: Signal,
    /// Its name in the manifest.
    pub place: Place,
}

/// A stage of a pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct StageEntry {
    /// The plugin it runs: a key of [`Manifest::plugins`].
    pub plugin: String,
    /// The plugin's settings, always an object.
    pub settings: serde_json::Value,
    /// The plugin's name in the stage.
    pub place: Place,
}

/// A plugin and its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginEntry {
    /// Where its component comes from.
    pub origin: PluginOrigin,
    /// The sha256 its component must have, in hex; always there for one that is fetched.
    pub sha256: Option<String>,
    /// The most bytes of memory an instance may take; default 64 MiB.
    pub memory: u64,
    /// The longest a call may take; default 1 s.
    pub timeout: Duration,
    /// The most bytes a call may return, as a multiple of what went in; default 16.
    pub output: usize,
    /// The most log lines each of its stages writes in ten seconds; default 20.
    pub log_rate: u32,
    /// What it may use beside the host's functions.
    pub grants: Grants,
    /// What becomes of an entry it fails on.
    pub on_error: OnError,
    /// When an instance is replaced; default once three quarters of `memory` are used.
    pub recycle: RecycleEntry,
    /// Its name under `plugins:`, or, for a bundled one that is not there, in the first stage that runs it.
    pub place: Place,
}

impl PluginEntry {
    /// The component's file in the manifest's reach, if it is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.origin {
            PluginOrigin::File(path) => Some(path),
            _ => None,
        }
    }
}

/// Where a plugin's component comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PluginOrigin {
    /// It is in the agent.
    Bundled,
    /// A file.
    File(PathBuf),
    /// It is fetched.
    Url(Url, ClientSettings),
    /// It is pulled from a registry.
    Image(Image, ClientSettings),
}

/// What becomes of an entry a plugin fails on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// It goes on unchanged, marked in its metadata.
    #[default]
    Pass,
    /// It is dropped and counted.
    Drop,
    /// It is kept as a JSON line under the storage path, and counted.
    DeadLetter,
    /// The pipeline stops.
    Halt,
}

/// When an instance is replaced by a fresh one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecycleEntry {
    /// Once it has more bytes of memory than this.
    pub memory: u64,
    /// After so many calls; none: never.
    pub calls: Option<u64>,
}

/// A manifest without mistakes.
#[derive(Debug)]
pub struct Manifest {
    /// Where it was read from, as given.
    pub path: PathBuf,
    /// Every plugin that is declared or run, by name.
    pub plugins: BTreeMap<String, PluginEntry>,
    /// The sources by name.
    pub sources: BTreeMap<String, SourceEntry>,
    /// The pipelines by name; never empty.
    pub pipelines: BTreeMap<String, PipelineEntry>,
    /// The sinks by name.
    pub sinks: BTreeMap<String, SinkEntry>,
    /// What is probably not meant as it is written.
    pub warnings: Vec<ManifestError>,
    sheet: Arc<Sheet>,
    places: Places,
}

impl Manifest {
    /// Reads and resolves `text`, which was read from `path`. `variable` gives environment variables, `bundled` are the
    /// names of plugins that need no declaration.
    ///
    /// # Errors
    /// With everything that is wrong with it.
    pub fn parse(
        path: &Path,
        text: &str,
        variable: impl Fn(&str) -> Option<String>,
        bundled: &[&str],
    ) -> Result<Self, ManifestErrors> {
        let ruler = Ruler::new(text);
        let mut yaml = match yaml::read(text, &ruler) {
            Ok(yaml) => yaml,
            Err(problem) => {
                let sheet = Arc::new(Sheet::new(path, text, &places::secret_lines(text)));
                return Err(problem.on(&sheet).into());
            }
        };
        let sheet = Arc::new(Sheet::new(path, text, &places::secrets(&yaml.root)));
        let mut problems = yaml.problems;
        let mut broken = Broken::default();
        expand(
            &mut yaml.root,
            &trail::Trail::default(),
            &variable,
            &ruler,
            &mut broken,
            &mut problems,
        );
        let document = reader::read(&yaml.root, &mut broken, &mut problems);
        let folder = path.parent().unwrap_or(Path::new(""));
        let surroundings = resolve::Surroundings {
            root: &yaml.root,
            broken: &broken,
            folder,
            bundled,
        };
        let resolved = document.map(|document| resolve::resolve(&document, &surroundings, &mut problems));
        problems.sort_by_key(|problem| problem.place);
        problems.dedup_by(|next, first| next.place == first.place && next.message == first.message);
        let (errors, warnings): (Vec<_>, Vec<_>) = problems
            .into_iter()
            .map(|problem| problem.on(&sheet))
            .partition(|problem| problem.severity() == Severity::Error);
        match resolved {
            Some(resolved) if errors.is_empty() => Ok(Self {
                path: path.to_path_buf(),
                plugins: resolved.plugins,
                sources: resolved.sources,
                pipelines: resolved.pipelines,
                sinks: resolved.sinks,
                warnings,
                sheet,
                places: Places::of(&yaml.root),
            }),
            _ => Err(ManifestErrors::new(errors)),
        }
    }

    /// An error at a place, for mistakes that only come to light later: a component that does not load, a plugin that
    /// refuses its settings. Say why underneath with [`ManifestError::because`].
    #[must_use]
    pub fn error_at(
        &self,
        place: Place,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) -> ManifestError {
        Problem::error(place, message, fix).on(&self.sheet)
    }

    /// Where the key or list item at the end of these steps stands, as in
    /// `["pipelines", "app", "stages", "0", "regex", "expression"]`.
    #[must_use]
    pub fn place_of(&self, steps: &[&str]) -> Option<Place> {
        self.places.key(steps)
    }

    /// Where the value at the end of these steps stands; its key when it takes several lines.
    #[must_use]
    pub fn place_of_value(&self, steps: &[&str]) -> Option<Place> {
        self.places.value(steps)
    }

    /// The place of a line and column inside the text that the key at `key` has as its value; none where the lines of that
    /// text are not lines of the manifest.
    #[must_use]
    pub fn place_within(&self, key: Place, line: usize, column: usize) -> Option<Place> {
        self.sheet.within(key, line, column)
    }
}

/// Replaces `${env:…}` in every value. A value that cannot be replaced counts as broken.
fn expand(
    node: &mut Node,
    trail: &trail::Trail,
    variable: &impl Fn(&str) -> Option<String>,
    ruler: &Ruler<'_>,
    broken: &mut Broken,
    problems: &mut Vec<Problem>,
) {
    match &mut node.value {
        Value::Scalar(scalar) => match environment::expand(&scalar.text, variable) {
            Ok(None) => {}
            Ok(Some(text)) => {
                scalar.text = text;
                scalar.expanded = true;
            }
            Err(why) => {
                let culprit = why.culprit();
                let inside = ruler
                    .slice(&scalar.bytes)
                    .find(&culprit)
                    .map(|at| scalar.bytes.start + at);
                let bytes: Range<usize> =
                    inside.map_or_else(|| scalar.bytes.clone(), |start| start..start + culprit.len());
                let message = format!("{why}, in {}", trail.subject());
                problems.push(Problem::error(ruler.place(&bytes), message, why.fix()));
                broken.add(trail.clone());
            }
        },
        Value::List(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                expand(
                    item,
                    &trail.child(&index.to_string()),
                    variable,
                    ruler,
                    broken,
                    problems,
                );
            }
        }
        Value::Map(entries) => {
            for (key, node) in entries {
                expand(node, &trail.child(&key.name), variable, ruler, broken, problems);
            }
        }
    }
}

#[cfg(test)]
mod tests;
