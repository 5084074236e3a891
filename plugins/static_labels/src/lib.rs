//! `static_labels`: sets fixed labels on every entry.
//!
//! | setting | default | |
//! |---|---|---|
//! | `values` | required | label name → value; a label whose value is empty or null is left alone |
//!
//! It works on the label sets of a batch, a handful, and never sees a row.

use std::collections::BTreeMap;

use millstream_stage::{Batch, Failure, Refusal, Setup, Stage, export_stage, is_label_name};
use serde::Deserialize;

#[cfg(test)]
mod tests;

/// The settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    values: BTreeMap<String, Option<String>>,
}

/// The stage.
#[derive(Debug)]
pub struct StaticLabels {
    values: Vec<(String, String)>,
}

impl Stage for StaticLabels {
    type Settings = Settings;

    fn configure(settings: Settings, setup: &mut Setup) -> Result<Self, Refusal> {
        let mut values = Vec::new();
        for (name, value) in settings.values {
            if !is_label_name(&name) {
                return Err(Refusal::setting(
                    &format!("values.{name}"),
                    format!(
                        "`{name}` is not a label name: letters, digits and `_`, not starting with a digit"
                    ),
                ));
            }
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                values.push((name, value));
            }
        }
        if !values.is_empty() {
            setup.reads_labels();
        }
        Ok(Self { values })
    }

    fn process(&mut self, batch: &mut Batch<'_>, _now: i64) -> Result<(), Failure> {
        if self.values.is_empty() {
            return Ok(());
        }
        batch.relabel(|labels| {
            for (name, value) in &self.values {
                labels.set(name, value);
            }
        })
    }
}

export_stage!(StaticLabels);
