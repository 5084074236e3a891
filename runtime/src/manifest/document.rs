//! The manifest as it is written: serde structs, nothing checked beyond shape.
//!
//! Invariants: unknown keys are refused; every field is optional, because a missing key is reported together with all
//! other mistakes when the document is resolved (`#[schemars(required)]` tells editors which are needed); no `flatten`
//! and no `untagged`, which would cost messages their place and their meaning. The doc comments are what editors show.

mod client;
mod pipeline;
mod plugin;
mod sink;
mod source;
mod text;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

pub use client::{AuthorizationDocument, BasicAuthDocument, ClientDocument, TlsDocument};
pub use pipeline::{BARE, PipelineDocument, StageDocument};
pub use plugin::{GrantsDocument, OnErrorWord, PluginDocument, RecycleDocument};
pub use sink::{
    FormatWord, LimitsDocument, LokiDocument, OnDiskErrorWord, RemoteWriteDocument, SinkDocument,
    SpoolDocument, WhenFullWord,
};
pub use source::{
    FileDocument, LongLineWord, OnCheckpointErrorWord, SchemeWord, ScrapeDocument, SourceDocument,
    StartAtWord, StaticConfigDocument,
};
pub use text::{DurationText, SizeText};

/// What Millstream runs: sources feed pipelines, pipelines run stages and feed sinks.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Manifest", title = "Millstream manifest")]
pub struct ManifestDocument {
    /// Custom plugins by name, and limits for bundled ones.
    pub plugins: Option<BTreeMap<String, PluginDocument>>,
    /// Where entries and samples come from, by name.
    pub sources: Option<BTreeMap<String, SourceDocument>>,
    /// What becomes of them on the way, by name.
    #[schemars(required)]
    pub pipelines: Option<BTreeMap<String, PipelineDocument>>,
    /// Where they go, by name.
    pub sinks: Option<BTreeMap<String, SinkDocument>>,
}
