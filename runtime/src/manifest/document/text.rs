//! Durations and sizes as text; they are read when the document is resolved.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// A duration, such as `3s` or `1m30s`.
#[derive(Clone, Debug, Deserialize)]
pub struct DurationText(pub String);

/// A size in bytes, such as `1048576`, `256KiB` or `1MB`.
#[derive(Clone, Debug, Deserialize)]
pub struct SizeText(pub String);

impl JsonSchema for DurationText {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A duration: numbers with the units w, d, h, m, s, ms, us, ns.",
            "type": "string",
            "pattern": r"^([0-9.]+(w|d|h|m|s|ms|us|µs|ns))+$|\$\{env:",
            "examples": ["500ms", "3s", "1m30s", "2d"],
        })
    }
}

impl JsonSchema for SizeText {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A size: bytes, or a number with KB, MB, GB, TB (powers of 1000) or KiB, MiB, GiB, TiB (powers of 1024).",
            "type": ["string", "integer"],
            "minimum": 0,
            "pattern": r"^[0-9]+ ?([KkMmGgTt][Ii]?[Bb]|[Bb])?$|\$\{env:",
            "examples": ["64MiB", "1MB", 1_048_576],
        })
    }
}
