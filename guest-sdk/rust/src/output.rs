//! What a call gives back, column by column.
//!
//! The columns are those of the output rows: the batch's rows in order, or, after [`Output::set_origins`], one
//! row per origin. What is not set is inherited: from the row itself, or from its origin.

use crate::{Field, LabelSets, TextColumn, contract};

/// The whole-column side of an edit. Setting a column needs no declaration on [`crate::Setup`].
#[derive(Debug, Default)]
pub struct Output {
    pub(crate) origins: Option<Vec<u64>>,
    pub(crate) lines: Option<TextColumn>,
    pub(crate) timestamps: Option<Vec<i64>>,
    pub(crate) streams: Option<Vec<u32>>,
    pub(crate) labels: Option<LabelSets>,
    pub(crate) fields: Vec<Field>,
    pub(crate) metadata: Vec<Field>,
    drops: Vec<(String, u32)>,
    held: Vec<u64>,
    wake_at: Option<i64>,
}

impl Output {
    /// Output row `i` inherits every unset column from the row with id `origins[i]`: of this batch, or held.
    pub fn set_origins(&mut self, origins: Vec<u64>) {
        self.origins = Some(origins);
    }

    /// The lines.
    pub fn set_lines(&mut self, lines: TextColumn) {
        self.lines = Some(lines);
    }

    /// The timestamps, nanoseconds since the epoch.
    pub fn set_timestamps(&mut self, timestamps: Vec<i64>) {
        self.timestamps = Some(timestamps);
    }

    /// Per row the index of its label set: in those of [`set_labels`](Self::set_labels), else in the batch's.
    pub fn set_streams(&mut self, streams: Vec<u32>) {
        self.streams = Some(streams);
    }

    /// New label sets. Without [`set_streams`](Self::set_streams), set `i` replaces the batch's set `i`.
    pub fn set_labels(&mut self, labels: LabelSets) {
        self.labels = Some(labels);
    }

    /// Replaces the whole field of that name; a row without a value has none afterwards.
    pub fn set_field(&mut self, field: Field) {
        replace(&mut self.fields, field);
    }

    /// Replaces the whole structured metadata of that name.
    pub fn set_metadata(&mut self, field: Field) {
        replace(&mut self.metadata, field);
    }

    /// Counts `count` rows as dropped on purpose. Rows that vanish uncounted were merged into others.
    pub fn count_drops(&mut self, reason: &str, count: u32) {
        match self.drops.iter_mut().find(|(other, _)| other == reason) {
            Some((_, sum)) => *sum += count,
            None => self.drops.push((reason.to_owned(), count)),
        }
    }

    /// The ids of every row the stage keeps back, ascending. Each call says it anew.
    pub fn hold(&mut self, held: Vec<u64>) {
        self.held = held;
    }

    /// Asks for a `tick` at that time; each call says it anew.
    pub fn wake_at(&mut self, time: Option<i64>) {
        self.wake_at = time;
    }

    pub(crate) fn into_contract(self) -> contract::LogEdit {
        contract::LogEdit {
            origins: self.origins,
            lines: self.lines.map(TextColumn::into_contract),
            timestamps: self.timestamps,
            streams: self.streams,
            labels: self.labels.map(LabelSets::into_contract),
            set_fields: self.fields.into_iter().map(Field::into_contract).collect(),
            set_metadata: self.metadata.into_iter().map(Field::into_contract).collect(),
            drops: self
                .drops
                .into_iter()
                .map(|(reason, count)| contract::DropCount { reason, count })
                .collect(),
            held: self.held,
            wake_at: self.wake_at,
        }
    }
}

fn replace(fields: &mut Vec<Field>, field: Field) {
    match fields.iter_mut().find(|other| other.name() == field.name()) {
        Some(other) => *other = field,
        None => fields.push(field),
    }
}
