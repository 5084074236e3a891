//! The changes made to single entries during a call, gathered into columns.
//!
//! A column that no entry touched costs nothing. Changed columns are built once, in row order, by copying the
//! untouched stretches whole; dropped rows are taken out at the end.

use crate::batch::Columns;
use crate::column::TextEdit;
use crate::field::FieldMarks;
use crate::{Failure, Field, LabelEdit, Output, TextColumn};

/// What entries were told so far.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    lines: Option<TextEdit>,
    timestamps: Option<Vec<i64>>,
    labels: Option<LabelEdit>,
    fields: Vec<(String, FieldMarks)>,
    metadata: Vec<(String, FieldMarks)>,
    /// Per row, whether it was dropped; empty until one is.
    dropped: Vec<bool>,
    drops: Vec<(String, u32)>,
}

impl Draft {
    pub(crate) fn is_touched(&self) -> bool {
        self.lines.is_some()
            || self.timestamps.is_some()
            || self.labels.is_some()
            || !self.fields.is_empty()
            || !self.metadata.is_empty()
            || !self.dropped.is_empty()
    }

    pub(crate) fn set_line(&mut self, columns: &Columns, row: usize, line: &str) {
        self.lines.get_or_insert_default().set(&columns.lines, row, line);
    }

    pub(crate) fn set_timestamp(&mut self, columns: &Columns, row: usize, timestamp: i64) {
        self.timestamps.get_or_insert_with(|| columns.timestamps.clone())[row] = timestamp;
    }

    pub(crate) fn set_label(&mut self, columns: &Columns, row: usize, name: &str, value: Option<&str>) {
        self.labels
            .get_or_insert_with(|| LabelEdit::new(&columns.streams, &columns.labels))
            .change(row, name, value);
    }

    pub(crate) fn set_field(
        &mut self,
        original: Option<&Field>,
        row: usize,
        name: &str,
        value: Option<&str>,
    ) {
        marks(&mut self.fields, name).set(original, row, value);
    }

    pub(crate) fn set_metadata(
        &mut self,
        original: Option<&Field>,
        row: usize,
        name: &str,
        value: Option<&str>,
    ) {
        marks(&mut self.metadata, name).set(original, row, value);
    }

    pub(crate) fn drop_row(&mut self, rows: usize, row: usize, reason: &str) {
        self.dropped.resize(rows, false);
        if std::mem::replace(&mut self.dropped[row], true) {
            return;
        }
        match self.drops.iter_mut().find(|(other, _)| other == reason) {
            Some((_, count)) => *count += 1,
            None => self.drops.push((reason.to_owned(), 1)),
        }
    }

    /// Turns the changes into columns of `output`.
    pub(crate) fn finish(
        self,
        columns: &Columns,
        first_id: u64,
        rows: usize,
        output: &mut Output,
    ) -> Result<(), Failure> {
        if output.origins.is_some() {
            return Err(Failure::new(
                "the stage changes single entries and sets origins in one call",
            ));
        }
        if let Some(edit) = self.lines {
            once(output.lines.is_some(), "lines")?;
            output.set_lines(edit.finish(&columns.lines, rows).0);
        }
        if let Some(timestamps) = self.timestamps {
            once(output.timestamps.is_some(), "timestamps")?;
            output.set_timestamps(timestamps);
        }
        for (name, marks) in self.fields {
            once(output.fields.iter().any(|field| field.name() == name), &name)?;
            let original = columns.field(&name);
            output.set_field(marks.finish(name, original, rows));
        }
        for (name, marks) in self.metadata {
            once(output.metadata.iter().any(|field| field.name() == name), &name)?;
            let original = columns.metadata(&name);
            output.set_metadata(marks.finish(name, original, rows));
        }
        let kept = |row: usize| self.dropped.get(row).is_none_or(|dropped| !dropped);
        if let Some(edit) = self.labels {
            once(output.labels.is_some() || output.streams.is_some(), "labels")?;
            let (streams, labels) = edit.finish(kept);
            output.set_streams(streams);
            output.set_labels(labels);
        }
        if !self.dropped.is_empty() {
            take_out(output, first_id, rows, kept);
        }
        for (reason, count) in self.drops {
            output.count_drops(&reason, count);
        }
        Ok(())
    }
}

fn marks<'a>(fields: &'a mut Vec<(String, FieldMarks)>, name: &str) -> &'a mut FieldMarks {
    let index = match fields.iter().position(|(other, _)| other == name) {
        Some(index) => index,
        None => {
            fields.push((name.to_owned(), FieldMarks::default()));
            fields.len() - 1
        }
    };
    &mut fields[index].1
}

fn once(is_set: bool, column: &str) -> Result<(), Failure> {
    if !is_set {
        return Ok(());
    }
    Err(Failure::new(format!(
        "the stage sets {column} both as a whole column and on single entries"
    )))
}

/// Reduces every set column to the rows that are kept, and names them as origins.
fn take_out(output: &mut Output, first_id: u64, rows: usize, kept: impl Fn(usize) -> bool + Copy) {
    let some = |row: &usize| kept(*row);
    output.set_origins((0..rows).filter(some).map(|row| first_id + row as u64).collect());
    output.lines = output.lines.take().map(|lines: TextColumn| lines.filter(kept));
    for column in [&mut output.fields, &mut output.metadata] {
        for field in column.iter_mut() {
            *field = field.filter(kept);
        }
    }
    output.timestamps = output.timestamps.take().map(|column| pick(&column, kept));
    output.streams = output.streams.take().map(|column| pick(&column, kept));
}

fn pick<T: Copy>(column: &[T], kept: impl Fn(usize) -> bool) -> Vec<T> {
    column
        .iter()
        .enumerate()
        .filter(|(row, _)| kept(*row))
        .map(|(_, value)| *value)
        .collect()
}
