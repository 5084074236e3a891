//! `output`: makes an extracted value the line.
//!
//! | setting | default | |
//! |---|---|---|
//! | `source` | required | the field whose value becomes the line |
//!
//! An entry without that value keeps its line.

use millstream_stage::{Batch, Failure, Refusal, Setup, Stage, TextColumn, export_stage};
use serde::Deserialize;

#[cfg(test)]
mod tests;

/// The settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    source: String,
}

/// The stage.
#[derive(Debug)]
pub struct OutputStage {
    source: String,
}

impl Stage for OutputStage {
    type Settings = Settings;

    fn configure(settings: Settings, setup: &mut Setup) -> Result<Self, Refusal> {
        if settings.source.is_empty() {
            return Err(Refusal::setting("source", "must not be empty"));
        }
        setup.reads_field(&settings.source).reads_lines();
        Ok(Self {
            source: settings.source,
        })
    }

    fn process(&mut self, batch: &mut Batch<'_>, _now: i64) -> Result<(), Failure> {
        let Some(field) = batch.field(&self.source)? else {
            return Ok(());
        };
        let lines = if field.is_full() {
            field.values().clone()
        } else {
            let old = batch.lines()?;
            let mut lines = TextColumn::with_capacity(old.len(), old.bytes().len());
            for row in 0..old.len() {
                lines.push(field.get(row).unwrap_or_else(|| old.get(row)));
            }
            lines
        };
        batch.output().set_lines(lines);
        Ok(())
    }
}

export_stage!(OutputStage);
