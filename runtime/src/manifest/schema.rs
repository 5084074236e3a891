//! The manifest's JSON Schema, for editors.
//!
//! Derived from the document structs, so it cannot drift from what is read. Two things are added: the bundled plugins'
//! names as keys of a stage, and, wherever a number, boolean or word is wanted, text that holds `${env:…}`.

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{Schema, json_schema};
use serde_json::{Map, Value};

use super::document::{BARE, ManifestDocument};

/// The schema (draft 2020-12), with these plugins as known stages.
#[must_use]
pub fn schema(plugins: &[&str]) -> Value {
    let settings = SchemaSettings::draft2020_12().with_transform(OrVariable);
    let mut schema = settings
        .into_generator()
        .into_root_schema_for::<ManifestDocument>();
    let stage = schema.pointer_mut("/$defs/Stage").and_then(Value::as_object_mut);
    if let Some(stage) = stage {
        let known: Map<String, Value> = plugins
            .iter()
            .map(|name| {
                let description = format!("The settings of the bundled plugin `{name}`.");
                let kinds: &[&str] = if *name == BARE.0 {
                    &["object", "null", "string"]
                } else {
                    &["object", "null"]
                };
                let settings = json_schema!({ "description": description, "type": kinds });
                ((*name).to_owned(), settings.to_value())
            })
            .collect();
        stage.insert("properties".to_owned(), Value::Object(known));
    }
    schema.to_value()
}

/// What text holds that is not known before it is expanded.
const VARIABLE: &str = r"\$\{env:";

/// Lets `${env:…}` stand for numbers, booleans and words.
#[derive(Clone, Debug)]
struct OrVariable;

impl Transform for OrVariable {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(object) = schema.as_object() else { return };
        let typed = object.get("type").is_some_and(|kind| {
            let mut kinds = kind
                .as_array()
                .map_or_else(|| vec![kind], |kinds| kinds.iter().collect());
            kinds.retain(|kind| matches!(kind.as_str(), Some("integer" | "boolean")));
            !kinds.is_empty() && !object.contains_key("pattern")
        });
        let words = object.contains_key("enum")
            || object
                .get("oneOf")
                .and_then(Value::as_array)
                .is_some_and(|kinds| kinds.iter().all(|kind| kind.get("const").is_some()));
        if !typed && !words {
            return;
        }
        let mut inner = object.clone();
        let mut outer = Map::new();
        for annotation in ["description", "title"] {
            if let Some(text) = inner.remove(annotation) {
                outer.insert(annotation.to_owned(), text);
            }
        }
        let variable = json_schema!({ "type": "string", "pattern": VARIABLE });
        outer.insert(
            "anyOf".to_owned(),
            Value::Array(vec![Value::Object(inner), variable.to_value()]),
        );
        *schema = outer.into();
    }
}

#[cfg(test)]
mod tests;
