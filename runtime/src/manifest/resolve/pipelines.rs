//! Pipelines: the names they tie together, what flows through them, their stages.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::cursor::At;
use super::{Resolved, plugins};
use crate::manifest::document::{
    BARE, ManifestDocument, PipelineDocument, SinkDocument, SourceDocument, StageDocument,
};
use crate::manifest::nearest::suggest;
use crate::manifest::{PipelineEntry, PluginEntry, Signal, StageEntry};

/// More workers than this are more threads than any machine of today has use for in one pipeline.
const WORKERS_MAX: u64 = 64;

/// The pipelines. Bundled plugins that their stages run are added to `plugins`.
pub fn pipelines(
    at: &At<'_>,
    document: &ManifestDocument,
    plugins: &mut BTreeMap<String, PluginEntry>,
) -> BTreeMap<String, PipelineEntry> {
    let mut entries = BTreeMap::new();
    if at.names().is_empty() && !at.is_broken() {
        let fix = "add `pipelines: { app: { from: [source], to: [sink] } }`";
        at.refuse_key("the manifest has no pipelines, so nothing would run", fix);
    }
    for (name, pipeline) in document.pipelines.iter().flatten() {
        let at = at.key(name);
        at.check_name(name);
        let ends = Ends::of(&at, document, pipeline);
        let stages = stages(
            &at,
            pipeline.stages.as_deref().unwrap_or_default(),
            &ends,
            plugins,
        );
        let signal = ends.signal.map_or(Signal::Logs, |(signal, _)| signal);
        let entry = PipelineEntry {
            from: pipeline.from.clone().unwrap_or_default(),
            stages,
            workers: workers(&at.key("workers"), pipeline.workers, signal),
            to: pipeline.to.clone().unwrap_or_default(),
            signal,
            place: at.key_place(),
        };
        entries.insert(name.clone(), entry);
    }
    entries
}

/// How many workers a pipeline has.
fn workers(at: &At<'_>, written: Option<u64>, signal: Signal) -> usize {
    let workers = written.unwrap_or(1);
    if !(1..=WORKERS_MAX).contains(&workers) {
        let fix = format!("write between 1 and {WORKERS_MAX}; the default is 1");
        at.refuse(format!("{} cannot be {workers}", at.subject()), fix);
    }
    if written.is_some() && signal == Signal::Samples {
        let message = format!(
            "{} is for log entries, but this pipeline carries {signal}",
            at.subject()
        );
        at.refuse_key(message, "remove it: samples go through no stages");
    }
    usize::try_from(workers).unwrap_or(1)
}

/// Notes sources, sinks and plugins that no pipeline names: they are built, but nothing flows.
pub fn warn_of_unused(root: &At<'_>, resolved: &Resolved) {
    let pipelines = || resolved.pipelines.values();
    let from: BTreeSet<&String> = pipelines().flat_map(|pipeline| &pipeline.from).collect();
    let to: BTreeSet<&String> = pipelines().flat_map(|pipeline| &pipeline.to).collect();
    let run: BTreeSet<&String> = pipelines()
        .flat_map(|pipeline| pipeline.stages.iter().map(|stage| &stage.plugin))
        .collect();
    for name in resolved.sources.keys().filter(|name| !from.contains(name)) {
        let fix = format!("add it to a pipeline's `from: [{name}]`, or remove it");
        root.key("sources")
            .key(name)
            .warn_key(format!("source `{name}` feeds no pipeline"), fix);
    }
    for name in resolved.sinks.keys().filter(|name| !to.contains(name)) {
        let fix = format!("add it to a pipeline's `to: [{name}]`, or remove it");
        root.key("sinks")
            .key(name)
            .warn_key(format!("sink `{name}` is fed by no pipeline"), fix);
    }
    for name in resolved.plugins.keys().filter(|name| !run.contains(name)) {
        let fix = format!("add a stage `{name}: {{}}` to a pipeline, or remove it");
        root.key("plugins")
            .key(name)
            .warn_key(format!("plugin `{name}` runs in no stage"), fix);
    }
}

/// What flows through a pipeline, and the source that says so.
struct Ends<'a> {
    signal: Option<(Signal, &'a str)>,
}

impl<'a> Ends<'a> {
    /// Checks both ends of a pipeline.
    fn of(at: &At<'_>, document: &ManifestDocument, pipeline: &'a PipelineDocument) -> Self {
        let sources = at.top().key("sources").names();
        let sinks = at.top().key("sinks").names();
        let mut ends = Self { signal: None };
        for (item, name) in named(at, "from", "sources", &sources, pipeline.from.as_deref(), &sinks) {
            let kind = document.sources.as_ref().and_then(|sources| sources.get(name));
            if let Some(kind) = kind {
                ends.add_source(&item, name, source_signal(kind));
            }
        }
        for (item, name) in named(at, "to", "sinks", &sinks, pipeline.to.as_deref(), &sources) {
            let kind = document.sinks.as_ref().and_then(|sinks| sinks.get(name));
            if let Some(kind) = kind {
                ends.check_sink(&item, name, kind);
            }
        }
        ends
    }

    fn add_source(&mut self, item: &At<'_>, name: &'a str, signal: Signal) {
        match self.signal {
            None => self.signal = Some((signal, name)),
            Some((first, source)) if first != signal => {
                let message = format!("source `{name}` gives {signal}, but source `{source}` gives {first}");
                item.refuse(message, "a pipeline carries one of both: make it two pipelines");
            }
            Some(_) => {}
        }
    }

    fn check_sink(&self, item: &At<'_>, name: &str, kind: &SinkDocument) {
        let takes = match kind {
            SinkDocument::Loki(_) => Signal::Logs,
            SinkDocument::RemoteWrite(_) => Signal::Samples,
            SinkDocument::Console(_) => return,
        };
        if let Some((signal, source)) = self.signal.filter(|(signal, _)| *signal != takes) {
            let message = format!("sink `{name}` takes {takes}, but source `{source}` gives {signal}");
            let fix = match signal {
                Signal::Logs => "logs go to `loki` and `console` sinks",
                Signal::Samples => "samples go to `remote_write` and `console` sinks",
            };
            item.refuse(message, fix);
        }
    }
}

fn source_signal(kind: &SourceDocument) -> Signal {
    match kind {
        SourceDocument::File(_) => Signal::Logs,
        SourceDocument::Prometheus(_) => Signal::Samples,
    }
}

/// The names in a pipeline's list `key` that exist in `section`, each with its place; the others are noted.
fn named<'a, 'd>(
    at: &At<'a>,
    key: &str,
    section: &str,
    known: &[&str],
    names: Option<&'d [String]>,
    opposite: &[&str],
) -> Vec<(At<'a>, &'d str)> {
    let list = at.key(key);
    let names = names.unwrap_or_default();
    if list.is_missing() || list.is_empty_list() {
        let fix = format!(
            "name its {section}: `{key}: [{}]`",
            known.first().unwrap_or(&"name")
        );
        list.refuse_key(format!("{} has no `{key}`", at.subject()), fix);
    }
    let mut found: Vec<(At<'a>, &'d str)> = Vec::new();
    for (item, name) in list.items().zip(names) {
        let noun = section.trim_end_matches('s');
        let unreadable = at.top().key(section).is_broken();
        if found.iter().any(|(_, other)| other == name) {
            item.refuse(
                format!("{} names {noun} `{name}` twice", list.subject()),
                "keep one",
            );
        } else if known.contains(&name.as_str()) {
            found.push((item, name));
        } else if !unreadable {
            let fix = if opposite.contains(&name.as_str()) {
                let other = if key == "from" { "sink" } else { "source" };
                format!("`{name}` is a {other}; {section}: {}", known.join(", "))
            } else {
                suggest(name, section, known)
            };
            item.refuse(
                format!("there is no {noun} `{name}`, named in {}", list.subject()),
                fix,
            );
        }
    }
    found
}

fn stages(
    at: &At<'_>,
    documents: &[StageDocument],
    ends: &Ends<'_>,
    plugins: &mut BTreeMap<String, PluginEntry>,
) -> Vec<StageEntry> {
    let list = at.key("stages");
    if let Some((Signal::Samples, source)) = ends.signal
        && !documents.is_empty()
    {
        let message = format!("{} runs stages on samples, from source `{source}`", at.subject());
        list.refuse_key(message, "stages run on logs only so far: remove `stages` here");
        return Vec::new();
    }
    let mut entries = Vec::new();
    for (item, StageDocument(map)) in list.items().zip(documents) {
        let mut keys = map.iter();
        let (Some((plugin, settings)), None) = (keys.next(), keys.next()) else {
            refuse_shape(&item, &item.names());
            continue;
        };
        let stage = item.key(plugin);
        let known = known_plugins(at);
        if known.contains(&plugin.as_str()) {
            plugins
                .entry(plugin.clone())
                .or_insert_with(|| plugins::bundled(stage.key_place()));
        } else {
            let fix = format!(
                "{}; a custom one is declared under `plugins:`",
                suggest(plugin, "plugins", &known)
            );
            stage.refuse_key(
                format!("there is no plugin `{plugin}`, named in {}", item.subject()),
                fix,
            );
        }
        let settings = match settings {
            Value::Null => Value::Object(serde_json::Map::new()),
            Value::Object(_) => settings.clone(),
            Value::String(_) if plugin == BARE.0 => Value::Object(serde_json::Map::from_iter([(
                BARE.1.to_owned(),
                settings.clone(),
            )])),
            _ => {
                let message = format!("the settings of {} are not a map", item.subject());
                stage.refuse(message, format!("write `{plugin}: {{ key: value }}`"));
                continue;
            }
        };
        entries.push(StageEntry {
            plugin: plugin.clone(),
            settings,
            place: stage.key_place(),
        });
    }
    entries
}

fn refuse_shape(item: &At<'_>, names: &[&str]) {
    match names {
        [first, second, ..] => {
            let message = format!("{} has two plugins, `{first}` and `{second}`", item.subject());
            let fix = format!(
                "each stage is an item of its own: put `- ` before `{second}`, or indent it if it is a setting of `{first}`"
            );
            item.key(second).refuse_key(message, fix);
        }
        _ => item.refuse(
            format!("{} names no plugin", item.subject()),
            "write `- plugin: { settings }`",
        ),
    }
}

/// Declared and bundled plugins.
fn known_plugins<'a>(at: &At<'a>) -> Vec<&'a str> {
    let declared = at.top().key("plugins").names();
    let mut known = declared.clone();
    known.extend(at.bundled().iter().filter(|name| !declared.contains(name)));
    known
}
