//! The schema accepts what is read and refuses what is not, as far as keys and types go.

use std::path::Path;

use serde_json::json;

use super::*;
use crate::manifest::{BUNDLED, error::Problem, place::Ruler, reader, yaml};

/// What is wrong with a value by the schema's words this program uses: `$ref`, `anyOf`, `oneOf`, `type`, `const`,
/// `enum`, `pattern` (of variables), `properties`, `additionalProperties`, `required`, `minProperties`, `maxProperties`, `items`, `minItems`.
fn faults(root: &Value, schema: &Value, value: &Value, path: &str) -> Vec<String> {
    if let Some(target) = schema["$ref"].as_str() {
        return faults(
            root,
            root.pointer(target.trim_start_matches('#')).unwrap(),
            value,
            path,
        );
    }
    let fits = |inner: &Value| faults(root, inner, value, path).is_empty();
    let mut found = Vec::new();
    if let Some(any) = schema["anyOf"].as_array()
        && !any.iter().any(&fits)
    {
        found.push(format!("{path}: fits none of anyOf"));
    }
    if let Some(one) = schema["oneOf"].as_array()
        && one.iter().filter(|inner| fits(inner)).count() != 1
    {
        found.push(format!("{path}: does not fit one of oneOf"));
    }
    let named = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let kinds = schema["type"]
        .as_array()
        .cloned()
        .unwrap_or_else(|| vec![schema["type"].clone()]);
    if !schema["type"].is_null() && !kinds.contains(&json!(named)) {
        found.push(format!("{path}: is {named}, not {kinds:?}"));
    }
    if schema.get("const").is_some_and(|only| only != value) {
        found.push(format!("{path}: is not {}", schema["const"]));
    }
    if schema["enum"]
        .as_array()
        .is_some_and(|words| !words.contains(value))
    {
        found.push(format!("{path}: is none of {}", schema["enum"]));
    }
    let variable = schema["pattern"].as_str() == Some(VARIABLE);
    if variable && value.as_str().is_some_and(|text| !text.contains("${env:")) {
        found.push(format!("{path}: holds no variable"));
    }
    if let Value::Object(object) = value {
        found.extend(object_faults(root, schema, object, path));
    }
    if let Value::Array(items) = value {
        if schema["minItems"]
            .as_u64()
            .is_some_and(|least| (items.len() as u64) < least)
        {
            found.push(format!("{path}: has too few items"));
        }
        for (index, item) in items.iter().enumerate() {
            found.extend(faults(root, &schema["items"], item, &format!("{path}/{index}")));
        }
    }
    found
}

fn object_faults(root: &Value, schema: &Value, object: &Map<String, Value>, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    let count = object.len() as u64;
    if schema["minProperties"]
        .as_u64()
        .is_some_and(|least| count < least)
        || schema["maxProperties"].as_u64().is_some_and(|most| count > most)
    {
        found.push(format!("{path}: has {count} keys"));
    }
    for name in schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        if !object.contains_key(name) {
            found.push(format!("{path}: lacks {name}"));
        }
    }
    for (name, inner) in object {
        let path = format!("{path}/{name}");
        match (schema["properties"].get(name), schema.get("additionalProperties")) {
            (Some(known), _) => found.extend(faults(root, known, inner, &path)),
            (None, Some(Value::Bool(false))) => found.push(format!("{path}: is no key")),
            (None, Some(other)) => found.extend(faults(root, other, inner, &path)),
            (None, None) => {}
        }
    }
    found
}

/// A manifest's text as an editor sees it: the tree before variables are replaced.
fn as_json(text: &str) -> Value {
    let tree = yaml::read(text, &Ruler::new(text))
        .map_err(|problem: Problem| problem.message)
        .unwrap();
    let mut problems = Vec::new();
    reader::read(&tree.root, &mut reader::Broken::default(), &mut problems).unwrap()
}

fn manifests(kind: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/manifests")
        .join(kind);
    let mut found: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| {
            (
                path.display().to_string(),
                std::fs::read_to_string(&path).unwrap(),
            )
        })
        .collect();
    found.sort();
    found
}

#[test]
fn good_manifests_satisfy_it() {
    let schema = schema(&BUNDLED);
    let cases = manifests("good");
    assert!(cases.iter().any(|(name, _)| name.ends_with("ticketon.yaml")));
    for (name, text) in cases {
        let found = faults(&schema, &schema, &as_json(&text), "");
        assert!(found.is_empty(), "{name}: {found:#?}");
    }
}

#[test]
fn slips_that_show_in_keys_and_types_do_not() {
    let schema = schema(&BUNDLED);
    let cases = manifests("bad");
    for name in [
        "unknown_key_in_pipeline",
        "unknown_section",
        "unknown_key_in_file",
        "unknown_key_deep",
        "source_of_unknown_kind",
        "source_of_two_kinds",
        "sink_is_a_word",
        "section_is_a_list",
        "from_is_text",
        "pipeline_without_from",
        "stage_with_two_plugins",
        "stage_settings_are_text",
        "stage_empty",
        "url_missing",
        "include_missing",
        "include_empty",
        "start_at_unknown",
        "on_checkpoint_error_unknown",
        "number_malformed",
        "boolean_malformed",
        "static_configs_missing",
        "duration_without_unit",
    ] {
        let (_, text) = cases
            .iter()
            .find(|(path, _)| path.ends_with(&format!("/{name}.yaml")))
            .unwrap();
        assert!(
            !faults(&schema, &schema, &as_json(text), "").is_empty(),
            "{name} satisfies the schema"
        );
    }
}

#[test]
fn it_is_a_2020_12_schema_that_explains_itself() {
    let schema = schema(&BUNDLED);
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let stage = &schema["$defs"]["Stage"];
    for name in BUNDLED {
        assert!(stage["properties"][name]["description"].is_string(), "{name}");
    }
    for section in ["plugins", "sources", "pipelines", "sinks"] {
        assert!(
            schema["properties"][section]["description"].is_string(),
            "{section}"
        );
    }
    for (kind, definition) in schema["$defs"].as_object().unwrap() {
        for (key, property) in definition["properties"].as_object().into_iter().flatten() {
            assert!(
                property["description"].is_string(),
                "{kind}.{key} has no description"
            );
        }
    }
    assert_eq!(schema["$defs"]["LokiSink"]["required"], json!(["url"]));
}

#[test]
fn the_users_manifest_is_a_document() {
    let text = &manifests("good")
        .into_iter()
        .find(|(name, _)| name.ends_with("ticketon.yaml"))
        .unwrap()
        .1;
    let tree = yaml::read(text, &Ruler::new(text))
        .map_err(|problem| problem.message)
        .unwrap();
    let mut problems = Vec::new();
    let read: Option<ManifestDocument> =
        reader::read(&tree.root, &mut reader::Broken::default(), &mut problems);
    assert!(read.is_some() && problems.is_empty());
}
