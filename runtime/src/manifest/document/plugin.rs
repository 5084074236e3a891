//! `plugins:` as written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::text::{DurationText, SizeText};

/// A custom plugin, or, under a bundled plugin's name and without `path`, limits for that one.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Plugin")]
pub struct PluginDocument {
    /// The component's file, relative to the manifest.
    pub path: Option<String>,
    /// The most memory each instance may take; default 64MiB.
    pub memory: Option<SizeText>,
    /// The longest a call may take; default 1s.
    pub timeout: Option<DurationText>,
    /// What becomes of an entry the plugin fails on; default pass.
    pub on_error: Option<OnErrorWord>,
    /// When an instance is replaced by a fresh one that is fed what it held; default once it has three quarters of `memory`.
    pub recycle: Option<RecycleDocument>,
}

/// When an instance is replaced, between two batches.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Recycle")]
pub struct RecycleDocument {
    /// Once it has more memory than this.
    pub memory: Option<SizeText>,
    /// After so many calls; default never.
    pub calls: Option<u64>,
}

/// What becomes of an entry a plugin fails on.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "OnError")]
pub enum OnErrorWord {
    /// It goes on unchanged, marked in its metadata.
    Pass,
    /// It is dropped and counted.
    Drop,
    /// It is kept as a JSON line in `dead_letters/` under the storage path.
    DeadLetter,
    /// The pipeline stops.
    Halt,
}
