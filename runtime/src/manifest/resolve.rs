//! Document → settings. Pure: no file, no network, no plugin, no environment is touched in here.
//!
//! Parse, don't validate: what comes out is made of the types the rest of the program runs on (a `Url`, a `Duration`, a
//! size in bytes), so nothing is checked twice. Mistakes are noted as they are met and resolving goes on with the
//! default in place of the broken value; the settings are given out only if there was no mistake at all.

mod client;
mod cursor;
mod file;
mod pipelines;
mod plugins;
mod push;
mod scrape;
mod spool;
mod values;

use std::collections::BTreeMap;
use std::path::Path;

use super::document::{ManifestDocument, SinkDocument, SourceDocument};
use super::error::Problem;
use super::reader::Broken;
use super::yaml::Node;
use super::{PipelineEntry, PluginEntry, SinkEntry, SinkKind, SourceEntry, SourceKind};
use crate::sinks::console::{ConsoleFormat, ConsoleSettings};
use cursor::{At, Ground};

/// Everything a manifest names, resolved.
#[derive(Default)]
pub struct Resolved {
    pub plugins: BTreeMap<String, PluginEntry>,
    pub sources: BTreeMap<String, SourceEntry>,
    pub pipelines: BTreeMap<String, PipelineEntry>,
    pub sinks: BTreeMap<String, SinkEntry>,
}

/// What a document is resolved against.
pub struct Surroundings<'a> {
    /// The tree the document was read from: it knows the places.
    pub root: &'a Node,
    /// What could not be read.
    pub broken: &'a Broken,
    /// The manifest's folder, which relative paths start from.
    pub folder: &'a Path,
    /// The names of the bundled plugins.
    pub bundled: &'a [&'a str],
}

/// Resolves a document; complete only if no error is among `problems`.
pub fn resolve(
    document: &ManifestDocument,
    surroundings: &Surroundings<'_>,
    problems: &mut Vec<Problem>,
) -> Resolved {
    let ground = Ground::new(surroundings);
    let root = At::root(&ground);
    let mut resolved = Resolved {
        plugins: plugins::declared(&root.key("plugins"), document),
        sources: sources(&root.key("sources"), document),
        pipelines: BTreeMap::new(),
        sinks: sinks(&root.key("sinks"), document),
    };
    resolved.pipelines = pipelines::pipelines(&root.key("pipelines"), document, &mut resolved.plugins);
    pipelines::warn_of_unused(&root, &resolved);
    problems.extend(ground.into_problems());
    resolved
}

fn sources(at: &At<'_>, document: &ManifestDocument) -> BTreeMap<String, SourceEntry> {
    let mut entries = BTreeMap::new();
    for (name, source) in document.sources.iter().flatten() {
        let at = at.key(name);
        at.check_name(name);
        let kind = match source {
            SourceDocument::File(document) => SourceKind::File(file::settings(&at.key("file"), document)),
            SourceDocument::Prometheus(document) => {
                SourceKind::Prometheus(scrape::settings(&at.key("prometheus"), document, name))
            }
        };
        entries.insert(
            name.clone(),
            SourceEntry {
                kind,
                place: at.key_place(),
            },
        );
    }
    entries
}

fn sinks(at: &At<'_>, document: &ManifestDocument) -> BTreeMap<String, SinkEntry> {
    let mut entries = BTreeMap::new();
    for (name, sink) in document.sinks.iter().flatten() {
        let at = at.key(name);
        at.check_name(name);
        let kind = match sink {
            SinkDocument::Loki(document) => push::loki(&at.key("loki"), document).map(SinkKind::Loki),
            SinkDocument::RemoteWrite(document) => {
                push::remote_write(&at.key("remote_write"), document).map(SinkKind::RemoteWrite)
            }
            SinkDocument::Console(document) => {
                let format = document.format.map(ConsoleFormat::from).unwrap_or_default();
                Some(SinkKind::Console(ConsoleSettings { format }))
            }
        };
        if let Some(kind) = kind {
            entries.insert(
                name.clone(),
                SinkEntry {
                    kind,
                    place: at.key_place(),
                },
            );
        }
    }
    entries
}
