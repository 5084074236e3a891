//! `json`: extracts values from a JSON object.
//!
//! | setting | default | |
//! |---|---|---|
//! | `expressions` | none | field → JMESPath expression; empty or null means the key of that name |
//! | `regex` | none | copies every top-level key it matches; one of `expressions`, `regex` is required |
//! | `source` | the line | the field to read instead |
//! | `drop_malformed` | `false` | drops what is not a JSON object, counted as `malformed_json` |
//!
//! An expression that finds nothing takes the field away, even one that an earlier stage extracted. All numbers
//! are 64-bit floats, so whole numbers above 2^53 lose digits. Objects and arrays become JSON text.
//! Where no entry has to be read whole, only the keys that some expression starts with are kept while parsing.

use std::collections::BTreeMap;

use millstream_stage::{Batch, Failure, Field, FieldEdit, Refusal, Setup, Stage, TextColumn, export_stage};
use regex::Regex;
use serde::Deserialize;

use document::Document;
use expression::Expression;

mod document;
mod expression;
mod text;

#[cfg(test)]
mod tests;

/// The reason under which malformed entries are dropped.
const MALFORMED: &str = "malformed_json";

/// The settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    #[serde(default)]
    expressions: BTreeMap<String, Option<String>>,
    #[serde(default)]
    regex: String,
    source: Option<String>,
    #[serde(default)]
    drop_malformed: bool,
}

/// The stage.
#[derive(Debug)]
pub struct JsonStage {
    expressions: Vec<(String, Expression)>,
    /// The top-level keys that are read; none means all.
    keys: Option<Vec<String>>,
    regex: Option<Regex>,
    source: Option<String>,
    drop_malformed: bool,
}

impl Stage for JsonStage {
    type Settings = Settings;

    fn configure(settings: Settings, setup: &mut Setup) -> Result<Self, Refusal> {
        if settings.expressions.is_empty() && settings.regex.is_empty() {
            return Err(Refusal::new(
                "one of the settings `expressions` and `regex` is required",
            ));
        }
        if settings.source.as_deref() == Some("") {
            return Err(Refusal::setting(
                "source",
                "must not be empty; leave it out to read the line",
            ));
        }
        let mut expressions = Vec::new();
        for (name, text) in settings.expressions {
            let text = text
                .filter(|text| !text.is_empty())
                .unwrap_or_else(|| name.clone());
            let expression = Expression::new(&text)
                .map_err(|error| Refusal::setting(&format!("expressions.{name}"), error))?;
            setup.reads_field(&name);
            expressions.push((name, expression));
        }
        let regex = match settings.regex.as_str() {
            "" => None,
            text => Some(Regex::new(text).map_err(|error| Refusal::setting("regex", error))?),
        };
        if regex.is_some() {
            setup.reads_every_field();
        }
        match &settings.source {
            Some(source) => setup.reads_field(source),
            None => setup.reads_lines(),
        };
        let firsts = expressions
            .iter()
            .map(|(_, expression)| expression.first_key().map(str::to_owned));
        let keys = if regex.is_some() { None } else { firsts.collect() };
        let drop_malformed = settings.drop_malformed;
        Ok(Self {
            expressions,
            keys,
            regex,
            source: settings.source,
            drop_malformed,
        })
    }

    fn process(&mut self, batch: &mut Batch<'_>, _now: i64) -> Result<(), Failure> {
        let input = self.input(batch)?;
        let mut named = Vec::with_capacity(self.expressions.len());
        for (name, _) in &self.expressions {
            named.push(FieldEdit::new(name.as_str(), batch.field(name)?));
        }
        let mut copied: BTreeMap<String, FieldEdit<'_>> = BTreeMap::new();
        for row in 0..batch.len() {
            let Some(text) = input.get(row) else { continue };
            let Some(document) = Document::parse(text, self.keys.as_deref()) else {
                if self.drop_malformed {
                    batch.entry(row).drop(MALFORMED);
                }
                continue;
            };
            for (place, ((_, expression), edit)) in self.expressions.iter().zip(&mut named).enumerate() {
                if let Some(value) = expression.search(&document, place) {
                    text::write(edit, row, &value);
                }
            }
            let Some(regex) = &self.regex else { continue };
            for (key, value) in document.entries().filter(|(key, _)| regex.is_match(key)) {
                if let Some(edit) = named.iter_mut().find(|edit| edit.name() == key) {
                    text::write(edit, row, value);
                    continue;
                }
                if !copied.contains_key(key) {
                    copied.insert(key.clone(), FieldEdit::new(key.clone(), batch.field(key)?));
                }
                if let Some(edit) = copied.get_mut(key) {
                    text::write(edit, row, value);
                }
            }
        }
        let rows = batch.len();
        let edits = named
            .into_iter()
            .chain(copied.into_values())
            .filter(FieldEdit::is_touched);
        let fields: Vec<Field> = edits.map(|edit| edit.finish(rows)).collect();
        for field in fields {
            batch.output().set_field(field);
        }
        Ok(())
    }
}

impl JsonStage {
    fn input<'b>(&self, batch: &'b Batch<'_>) -> Result<Input<'b>, Failure> {
        match &self.source {
            None => Ok(Input::Lines(batch.lines()?)),
            Some(source) => Ok(batch.field(source)?.map_or(Input::Nothing, Input::Field)),
        }
    }
}

/// Where the JSON of a row is.
#[derive(Clone, Copy)]
enum Input<'b> {
    Lines(&'b TextColumn),
    Field(&'b Field),
    Nothing,
}

impl<'b> Input<'b> {
    fn get(self, row: usize) -> Option<&'b str> {
        match self {
            Self::Lines(lines) => Some(lines.get(row)),
            Self::Field(field) => field.get(row),
            Self::Nothing => None,
        }
    }
}

export_stage!(JsonStage);
