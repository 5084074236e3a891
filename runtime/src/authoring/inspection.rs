//! What a component is, without running a log through it.

use millstream_guest_build::Description;
use millstream_plugin_host::{Host, Interest, Limits, LogStage, StageError};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;

use super::recorder::Recorder;

/// What a component is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inspection {
    /// The name in its metadata.
    pub name: Option<String>,
    /// The version there.
    pub version: Option<String>,
    /// The licence there.
    pub licence: Option<String>,
    /// The world it is of.
    pub world: String,
    /// What it imports.
    pub imports: Vec<String>,
    /// What it exports.
    pub exports: Vec<String>,
    /// Its bytes.
    pub size: usize,
    /// The sha256 of its bytes, in hex.
    pub sha256: String,
    /// The columns it reads with these settings, or why it does not say.
    pub interest: Reads,
}

/// The columns a stage reads.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reads {
    /// These columns, by name.
    Columns(Vec<String>),
    /// It refuses the settings, so it does not say.
    Refused(String),
}

/// The world of every stage for log entries.
const WORLD: &str = "millstream:stage/log-stage@1.0.0";

/// Looks at a component. To be called on a [`super::deep`] thread.
///
/// # Errors
/// When it is no component of a stage, or fails while it is set up.
pub fn inspect(host: &Host, name: &str, component: &[u8], settings: &Value) -> anyhow::Result<Inspection> {
    let description = Description::of(component)?;
    let plugin = host.load(name, component)?;
    let sha256 = plugin.sha256().to_owned();
    let interest = match LogStage::new(plugin, settings, Limits::default(), Arc::new(Recorder::default())) {
        Ok(stage) => Reads::Columns(columns(stage.interest())),
        Err(StageError::Refused(why)) => Reads::Refused(why),
        Err(failed) => return Err(failed.into()),
    };
    let Description {
        identity,
        imports,
        exports,
    } = description;
    Ok(Inspection {
        name: identity.name,
        version: identity.version,
        licence: identity.licence,
        // The host has accepted it, and knows one world.
        world: WORLD.to_owned(),
        imports,
        exports,
        size: component.len(),
        sha256,
        interest,
    })
}

fn columns(interest: &Interest) -> Vec<String> {
    let mut columns: Vec<String> = [
        ("lines", interest.lines),
        ("timestamps", interest.timestamps),
        ("labels", interest.labels),
    ]
    .into_iter()
    .filter(|(_, read)| *read)
    .map(|(name, _)| name.to_owned())
    .collect();
    columns.extend(interest.fields.iter().map(|name| format!("field {name}")));
    columns.extend(interest.metadata.iter().map(|name| format!("metadata {name}")));
    if interest.holds {
        columns.push("holds entries back".to_owned());
    }
    columns
}
