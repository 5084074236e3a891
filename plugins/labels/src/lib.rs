//! `labels`: makes labels of extracted values.
//!
//! | setting | default | |
//! |---|---|---|
//! | `values` | required | label name → where its value comes from; empty or null means the same name |
//! | `source_type` | `extracted` | `extracted` (fields) or `structured_metadata` |
//!
//! An entry without a value keeps its labels; an empty value sets an empty label. Where values repeat, which is
//! what labels are for, a row costs a comparison: new label sets are made once per distinct change.

use std::collections::BTreeMap;

use millstream_stage::{
    Batch, Failure, Field, LabelEdit, Refusal, Setup, Stage, export_stage, is_label_name,
};
use serde::Deserialize;

#[cfg(test)]
mod tests;

/// The settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    values: BTreeMap<String, Option<String>>,
    #[serde(default)]
    source_type: SourceType,
}

/// Where values come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SourceType {
    #[default]
    Extracted,
    StructuredMetadata,
}

/// The stage.
#[derive(Debug)]
pub struct LabelsStage {
    /// Label name and the name of its source.
    values: Vec<(String, String)>,
    source_type: SourceType,
}

impl Stage for LabelsStage {
    type Settings = Settings;

    fn configure(settings: Settings, setup: &mut Setup) -> Result<Self, Refusal> {
        if settings.values.is_empty() {
            return Err(Refusal::setting("values", "names no label"));
        }
        setup.reads_labels();
        let mut values = Vec::new();
        for (name, source) in settings.values {
            if !is_label_name(&name) {
                return Err(Refusal::setting(
                    &format!("values.{name}"),
                    format!(
                        "`{name}` is not a label name: letters, digits and `_`, not starting with a digit"
                    ),
                ));
            }
            let source = source
                .filter(|source| !source.is_empty())
                .unwrap_or_else(|| name.clone());
            match settings.source_type {
                SourceType::Extracted => setup.reads_field(&source),
                SourceType::StructuredMetadata => setup.reads_metadata(&source),
            };
            values.push((name, source));
        }
        Ok(Self {
            values,
            source_type: settings.source_type,
        })
    }

    fn process(&mut self, batch: &mut Batch<'_>, _now: i64) -> Result<(), Failure> {
        let mut edit: Option<LabelEdit> = None;
        for (name, source) in &self.values {
            let Some(field) = self.source(batch, source)? else {
                continue;
            };
            let edit = match &mut edit {
                Some(edit) => edit,
                None => edit.insert(LabelEdit::new(batch.streams()?, batch.labels()?)),
            };
            edit.set_from(name, field);
        }
        if let Some(edit) = edit {
            edit.apply(batch.output());
        }
        Ok(())
    }
}

impl LabelsStage {
    fn source<'b>(&self, batch: &'b Batch<'_>, name: &str) -> Result<Option<&'b Field>, Failure> {
        match self.source_type {
            SourceType::Extracted => batch.field(name),
            SourceType::StructuredMetadata => batch.metadata(name),
        }
    }
}

export_stage!(LabelsStage);
