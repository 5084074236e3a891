//! `pipelines:` as written.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The road from sources through stages to sinks.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Pipeline")]
pub struct PipelineDocument {
    /// Names of sources.
    #[schemars(required, length(min = 1))]
    pub from: Option<Vec<String>>,
    /// How many workers it has, each with instances of its stages and a thread, over which files are spread. Default 1.
    #[schemars(range(min = 1, max = 64))]
    pub workers: Option<u64>,
    /// What every batch goes through, in order.
    pub stages: Option<Vec<StageDocument>>,
    /// Names of sinks.
    #[schemars(required, length(min = 1))]
    pub to: Option<Vec<String>>,
}

/// The plugin whose settings may be a bare text, and the setting that the text is: a program of two lines needs no map
/// around it.
pub const BARE: (&str, &str) = ("script", "code");

/// A stage: the plugin's name and its settings, which only the plugin understands.
#[derive(Deserialize)]
pub struct StageDocument(pub Map<String, Value>);

impl JsonSchema for StageDocument {
    fn schema_name() -> Cow<'static, str> {
        "Stage".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A stage: a map of one key, the plugin's name, to its settings.",
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": { "type": ["object", "null"] },
        })
    }
}
