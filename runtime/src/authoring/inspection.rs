//! What a component is, without running a log through it.

use millstream_plugin_host::{About, Host, Interest, Limits, LogStage, StageError, inspect as about};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;

use super::recorder::Recorder;

/// What a component is.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspection {
    /// What it says of itself, and what it asks for.
    pub about: About,
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

/// Looks at a component. To be called on a [`super::deep`] thread.
///
/// # Errors
/// When it is no component of a stage, or fails while it is set up.
pub fn inspect(
    host: &Host,
    name: &str,
    component: &[u8],
    settings: &Value,
    limits: &Limits,
) -> anyhow::Result<Inspection> {
    let about = about(component)?;
    let plugin = host.load(name, component)?;
    let interest = match LogStage::new(plugin, settings, limits.clone(), Arc::new(Recorder::default())) {
        Ok(stage) => Reads::Columns(columns(stage.interest())),
        Err(StageError::Refused(why)) => Reads::Refused(why),
        Err(failed) => return Err(failed.into()),
    };
    Ok(Inspection { about, interest })
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
