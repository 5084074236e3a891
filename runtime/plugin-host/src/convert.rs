//! Batches to guest columns and edits back, with every check on what comes back.
//!
//! Going in nothing is copied here: the generated types borrow the batch's columns, so a column crosses with the
//! one copy wasmtime makes into the guest. Only label sets are laid out anew, a handful per batch, into buffers
//! that are kept.

use millstream_batch::{Bitmap, Derived, DropCount, Edit, Field, Labels, LogBatch, TextColumn};
use wasmtime::Store;

use crate::bindings::LogStage as Bindings;
use crate::bindings::millstream::stage::types as raw;
use crate::bounds::COLUMNS;
use crate::error::CallError;
use crate::instance::Guest;
use crate::interest::{EVERY, Interest};

/// Buffers kept between calls.
#[derive(Default)]
pub(crate) struct Scratch {
    label_ends: Vec<u32>,
    names: TextColumn,
    values: TextColumn,
}

impl Scratch {
    fn lay_out(&mut self, sets: &[Labels]) {
        self.label_ends.clear();
        self.names.clear();
        self.values.clear();
        for labels in sets {
            for (name, value) in labels.iter() {
                self.names.push(name);
                self.values.push(value);
            }
            self.label_ends
                .push(u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        }
    }
}

/// A batch as it crosses.
pub(crate) struct Input<'a> {
    batch: &'a LogBatch,
    first_id: u64,
    interest: &'a Interest,
    scratch: &'a Scratch,
}

/// Readies a batch for crossing: only the columns in `interest`.
pub(crate) fn lower<'a>(
    batch: &'a LogBatch,
    first_id: u64,
    interest: &'a Interest,
    scratch: &'a mut Scratch,
) -> Input<'a> {
    scratch.lay_out(if interest.labels { &batch.labels } else { &[] });
    Input {
        batch,
        first_id,
        interest,
        scratch,
    }
}

impl Input<'_> {
    /// How many bytes cross, about.
    pub(crate) fn crossing(&self) -> usize {
        let lines = if self.interest.lines {
            self.batch.lines.bytes().len()
        } else {
            0
        };
        let labels = self.scratch.names.bytes().len() + self.scratch.values.bytes().len();
        lines + labels + self.batch.len() * 24
    }

    /// Calls `process`.
    pub(crate) fn call(
        &self,
        calls: &Bindings,
        store: &mut Store<Guest>,
        now: i64,
    ) -> wasmtime::Result<Result<raw::LogEdit, String>> {
        let Self {
            batch,
            first_id,
            interest,
            scratch,
        } = self;
        let fields = columns(&batch.fields, &interest.fields);
        let metadata = columns(&batch.metadata, &interest.metadata);
        let input = raw::LogBatch {
            first_id: *first_id,
            rows: u32::try_from(batch.len()).unwrap_or(u32::MAX),
            timestamps: if interest.timestamps {
                &batch.timestamps
            } else {
                &[]
            },
            lines: if interest.lines {
                text(&batch.lines)
            } else {
                NO_TEXT
            },
            streams: if interest.labels { &batch.streams } else { &[] },
            labels: raw::LabelSetsParam {
                ends: &scratch.label_ends,
                names: text(&scratch.names),
                values: text(&scratch.values),
            },
            fields: &fields,
            metadata: &metadata,
        };
        let answer = calls.call_process(store, input, now)?;
        Ok(answer.map_err(|failure| failure.message))
    }
}

/// A column on its way to a guest that asked for it.
pub(crate) fn lowered(field: Field) -> raw::FieldResult {
    let (bytes, ends) = field.values.into_parts();
    raw::FieldResult {
        name: field.name.to_string(),
        values: raw::TextColumnResult { bytes, ends },
        present: field.present.as_bytes().to_vec(),
    }
}

const NO_TEXT: raw::TextColumnParam<'static> = raw::TextColumnParam {
    bytes: &[],
    ends: &[],
};

fn text(column: &TextColumn) -> raw::TextColumnParam<'_> {
    raw::TextColumnParam {
        bytes: column.bytes(),
        ends: column.ends(),
    }
}

fn columns<'a>(fields: &'a [Field], wanted: &[String]) -> Vec<raw::FieldParam<'a>> {
    fields
        .iter()
        .filter(|field| wanted.iter().any(|name| name == EVERY || **name == *field.name))
        .map(|field| raw::FieldParam {
            name: &field.name,
            values: text(&field.values),
            present: field.present.as_bytes(),
        })
        .collect()
}

/// How many bytes an answer holds.
pub(crate) fn size(edit: &raw::LogEdit) -> usize {
    let text = |column: &raw::TextColumnResult| column.bytes.len() + column.ends.len() * 4;
    let fields = |fields: &[raw::FieldResult]| -> usize {
        fields
            .iter()
            .map(|field| field.name.len() + text(&field.values) + field.present.len())
            .sum()
    };
    edit.origins.as_ref().map_or(0, |ids| ids.len() * 8)
        + edit.lines.as_ref().map_or(0, text)
        + edit.timestamps.as_ref().map_or(0, |times| times.len() * 8)
        + edit.streams.as_ref().map_or(0, |streams| streams.len() * 4)
        + edit.labels.as_ref().map_or(0, |sets| {
            sets.ends.len() * 4 + text(&sets.names) + text(&sets.values)
        })
        + fields(&edit.set_fields)
        + fields(&edit.set_metadata)
        + edit.drops.iter().map(|drop| drop.reason.len() + 4).sum::<usize>()
        + edit.held.len() * 8
}

/// A guest's answer as an edit whose columns are sound. Whether it fits its batch is `Edit::check`'s to say.
pub(crate) fn lift(edit: raw::LogEdit) -> Result<Edit, CallError> {
    let columns = edit.set_fields.len().max(edit.set_metadata.len());
    if columns > COLUMNS {
        return Err(CallError::Columns {
            found: columns,
            limit: COLUMNS,
        });
    }
    Ok(Edit {
        origins: edit.origins,
        lines: edit.lines.map(|column| checked("lines", column)).transpose()?,
        timestamps: edit.timestamps,
        streams: edit.streams,
        labels: edit.labels.map(label_sets).transpose()?,
        set_fields: edit.set_fields.into_iter().map(field).collect::<Result<_, _>>()?,
        set_metadata: edit
            .set_metadata
            .into_iter()
            .map(field)
            .collect::<Result<_, _>>()?,
        drops: edit
            .drops
            .into_iter()
            .map(|drop| DropCount {
                reason: drop.reason,
                count: drop.count,
            })
            .collect(),
        held: edit.held,
        wake_at: edit.wake_at,
        derived: Derived::default(),
    })
}

fn checked(name: &str, column: raw::TextColumnResult) -> Result<TextColumn, CallError> {
    TextColumn::checked(column.bytes, column.ends).map_err(|source| CallError::Column {
        column: name.into(),
        source,
    })
}

fn field(field: raw::FieldResult) -> Result<Field, CallError> {
    let values = checked(&field.name, field.values)?;
    Ok(Field {
        name: field.name.into(),
        values,
        present: Bitmap::from_bytes(field.present),
    })
}

fn label_sets(sets: raw::LabelSetsResult) -> Result<Vec<Labels>, CallError> {
    let names = checked("label names", sets.names)?;
    let values = checked("label values", sets.values)?;
    if names.len() != values.len() {
        return Err(CallError::Labels("there are not as many names as values"));
    }
    let mut start = 0;
    let mut labels = Vec::with_capacity(sets.ends.len());
    for &end in &sets.ends {
        let end = end as usize;
        if end < start || end > names.len() {
            return Err(CallError::Labels("their ends do not ascend within the pairs"));
        }
        if (start..end).any(|pair| !Labels::is_name(names.get(pair))) {
            return Err(CallError::Labels(
                "a label name is not of the form [a-zA-Z_][a-zA-Z0-9_]*",
            ));
        }
        // Sorted by the contract; sorting tens of thousands here would block us for seconds.
        if (start + 1..end).any(|pair| names.get(pair - 1) >= names.get(pair)) {
            return Err(CallError::Labels("the label names of a set do not ascend"));
        }
        labels.push(Labels::from_pairs(
            (start..end).map(|pair| (names.get(pair), values.get(pair))),
        ));
        start = end;
    }
    if start != names.len() {
        return Err(CallError::Labels("there are pairs behind the last set"));
    }
    Ok(labels)
}
