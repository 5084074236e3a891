//! Columns of a batch that the host worked out for a stage while that had the batch.
//!
//! They have a value per row of the batch and not per row of the output: they stand in for the batch's own columns before
//! output rows inherit from them. Rows that are held keep what they came with, because that is what a fresh instance
//! would be fed.

use crate::field::Field;
use crate::log_batch::LogBatch;
use crate::text::TextColumn;

/// Columns in place of those of a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Derived {
    /// In place of the lines.
    pub lines: Option<TextColumn>,
    /// In place of the fields of their names, or beside the others.
    pub fields: Vec<Field>,
    /// Likewise structured metadata.
    pub metadata: Vec<Field>,
}

impl Derived {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_none() && self.fields.is_empty() && self.metadata.is_empty()
    }

    /// Puts them into the batch.
    pub fn overlay(self, batch: &mut LogBatch) {
        if let Some(lines) = self.lines {
            batch.lines = lines;
        }
        for field in self.fields {
            put(&mut batch.fields, field);
        }
        for field in self.metadata {
            put(&mut batch.metadata, field);
        }
    }

    /// A column that does not have `rows` rows, and how many it has.
    pub(crate) fn misfit(&self, rows: usize) -> Option<(&str, usize)> {
        let lines = self.lines.iter().map(|lines| ("lines", lines.len()));
        let beside = self
            .fields
            .iter()
            .chain(&self.metadata)
            .map(|field| (&*field.name, field.values.len()));
        lines.chain(beside).find(|(_, found)| *found != rows)
    }
}

/// Puts a column in the place of the one of its name, or beside the others.
pub fn put(columns: &mut Vec<Field>, field: Field) {
    match columns.iter_mut().find(|column| column.name == field.name) {
        Some(column) => *column = field,
        None => columns.push(field),
    }
}
