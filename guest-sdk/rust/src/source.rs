//! What a setting called `source` names.
//!
//! In Alloy the extracted values start as a copy of the labels, so `source: filename` reads a label. Here fields
//! and labels are kept apart, and a source is the field of that name or, where a row has none, the label.

use crate::{Batch, Failure, Field, Setup};

/// A value named in the settings, declared once.
#[derive(Clone, Debug)]
pub struct Source {
    name: String,
}

impl Source {
    /// Declares the field and the labels.
    pub fn new(name: impl Into<String>, setup: &mut Setup) -> Self {
        let name = name.into();
        setup.reads_field(&name).reads_labels();
        Self { name }
    }

    /// Its values in this batch.
    pub fn of<'b>(&self, batch: &'b Batch<'_>) -> Result<Sourced<'b>, Failure> {
        Ok(Sourced {
            field: batch.field(&self.name)?,
            labels: batch.labels()?.iter().map(|set| set.get(&self.name)).collect(),
            streams: batch.streams()?,
        })
    }
}

/// The values of a [`Source`], row by row.
#[derive(Clone, Debug)]
pub struct Sourced<'b> {
    field: Option<&'b Field>,
    /// Per label set, its value.
    labels: Vec<Option<&'b str>>,
    streams: &'b [u32],
}

impl<'b> Sourced<'b> {
    /// The value of row `row`. Panics when there is no such row.
    #[inline]
    pub fn get(&self, row: usize) -> Option<&'b str> {
        self.field
            .and_then(|field| field.get(row))
            .or_else(|| self.labels[self.streams[row] as usize])
    }
}
