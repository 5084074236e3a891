//! Columns as kernels read them, what earlier kernels set included, and columns in the making.

use std::sync::Arc;

use millstream_batch::{Bitmap, Derived, Field, LogBatch, TextColumn};

use crate::bindings::millstream::stage::kernels::{Beside, Column};

/// The values of a column.
pub(super) enum Texts<'a> {
    Lines(&'a TextColumn),
    Beside(&'a Field),
    /// No row has one.
    Nobody,
}

impl<'a> Texts<'a> {
    pub(super) fn of(batch: &'a LogBatch, derived: &'a Derived, of: &Column) -> Self {
        match of {
            Column::Lines => Self::Lines(derived.lines.as_ref().unwrap_or(&batch.lines)),
            Column::Field(name) => {
                beside(batch, derived, Beside::Fields, name).map_or(Self::Nobody, Self::Beside)
            }
            Column::Metadata(name) => {
                beside(batch, derived, Beside::Metadata, name).map_or(Self::Nobody, Self::Beside)
            }
        }
    }

    pub(super) fn get(&self, row: usize) -> Option<&'a str> {
        match self {
            Self::Lines(lines) => Some(lines.get(row)),
            Self::Beside(field) => field.get(row),
            Self::Nobody => None,
        }
    }
}

/// The column `name` of fields or of metadata.
pub(super) fn beside<'a>(
    batch: &'a LogBatch,
    derived: &'a Derived,
    of: Beside,
    name: &str,
) -> Option<&'a Field> {
    let (set, own) = match of {
        Beside::Fields => (&derived.fields, batch.field(name)),
        Beside::Metadata => (&derived.metadata, batch.metadata(name)),
    };
    set.iter().find(|field| &*field.name == name).or(own)
}

/// A column in the making, a value or none per row.
#[derive(Default)]
pub(super) struct Growing {
    values: TextColumn,
    present: Vec<bool>,
}

impl Growing {
    pub(super) fn push(&mut self, value: Option<&str>) {
        self.values.push(value.unwrap_or_default());
        self.present.push(value.is_some());
    }

    /// As lines: every row has a value.
    pub(super) fn into_lines(self) -> TextColumn {
        self.values
    }

    pub(super) fn into_field(self, name: Arc<str>) -> Field {
        Field {
            name,
            values: self.values,
            present: self.present.into_iter().collect::<Bitmap>(),
        }
    }
}
