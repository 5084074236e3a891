//! What a stage changed in a batch, and the rules it must keep.
//!
//! An edit comes from an untrusted guest. [`Edit::check`] decides, against the batch it answers, whether it can
//! be applied; [`crate::apply()`] relies on that and never panics on what it let through.

use thiserror::Error;

use crate::apply::Held;
use crate::derived::Derived;
use crate::field::Field;
use crate::labels::Labels;
use crate::log_batch::LogBatch;
use crate::text::TextColumn;

/// What a call changed. `None` (or an empty list of fields) means as it was.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Edit {
    /// Per output row, the id of the row whose unset columns it inherits; `None`: the batch rows, in order.
    pub origins: Option<Vec<u64>>,
    /// New texts, one per output row.
    pub lines: Option<TextColumn>,
    /// New timestamps, one per output row.
    pub timestamps: Option<Vec<i64>>,
    /// New streams, one per output row.
    pub streams: Option<Vec<u32>>,
    /// New label sets.
    pub labels: Option<Vec<Labels>>,
    /// Columns to replace, by name.
    pub set_fields: Vec<Field>,
    /// Structured metadata to replace, by name.
    pub set_metadata: Vec<Field>,
    /// Rows dropped on purpose.
    pub drops: Vec<DropCount>,
    /// Ids of the rows kept back, ascending.
    pub held: Vec<u64>,
    /// When to call `tick`.
    pub wake_at: Option<i64>,
    /// Columns of the batch that the host worked out for the stage.
    pub derived: Derived,
}

/// Rows dropped on purpose for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropCount {
    /// The reason.
    pub reason: String,
    /// How many.
    pub count: u32,
}

/// How an edit breaks the contract.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EditError {
    /// A column is shorter or longer than the output.
    #[error("column {column} has {found} rows where the output has {rows}")]
    Rows {
        /// Which column.
        column: String,
        /// How many it has.
        found: usize,
        /// How many it should have.
        rows: usize,
    },
    /// An id was never given to the stage, or was let go already.
    #[error("{list} names row {id}, which the stage was not given or has let go")]
    UnknownRow {
        /// `origins` or `held`.
        list: &'static str,
        /// The id.
        id: u64,
    },
    /// `held` does not ascend.
    #[error("held is not ascending at row {id}")]
    HeldOrder {
        /// The id at which it fails to.
        id: u64,
    },
    /// Rows are held although `interest.holds` is false.
    #[error("rows are held although the stage did not declare `holds`")]
    HoldsUndeclared,
    /// A stream index without a label set.
    #[error("row {row} is of stream {stream} but there are {labels} label sets")]
    Stream {
        /// The row.
        row: usize,
        /// Its stream.
        stream: u32,
        /// How many sets there are.
        labels: usize,
    },
    /// New label sets that do not match the streams they replace.
    #[error("{found} label sets replace {labels} but the streams are not set")]
    LabelSets {
        /// How many came.
        found: usize,
        /// How many there were.
        labels: usize,
    },
    /// Streams or labels alone cannot be set on rows that were held.
    #[error("an output row stems from a held row: set both `streams` and `labels`, or neither")]
    HeldStreams,
    /// More rows were counted as dropped than vanished.
    #[error("{dropped} rows are counted as dropped but only {vanished} vanished")]
    Drops {
        /// How many were counted.
        dropped: u64,
        /// How many vanished.
        vanished: u64,
    },
    /// A column has the same name as another, or none.
    #[error("column name {name:?} is empty or set twice")]
    FieldName {
        /// The name.
        name: String,
    },
    /// The bitmap of a field is too short or too long.
    #[error("the presence bits of {name:?} do not fit {rows} rows")]
    Present {
        /// The field.
        name: String,
        /// How many rows there are.
        rows: usize,
    },
}

impl Edit {
    /// Whether nothing at all was changed.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        self.origins.is_none()
            && self.lines.is_none()
            && self.timestamps.is_none()
            && self.streams.is_none()
            && self.labels.is_none()
            && self.set_fields.is_empty()
            && self.set_metadata.is_empty()
            && self.held.is_empty()
            && self.derived.is_empty()
    }

    /// Checks this edit against the batch it answers (whose first row has the id `first_id`) and the rows held
    /// before.
    ///
    /// # Errors
    /// The first rule it breaks.
    pub fn check(&self, batch: &LogBatch, first_id: u64, held: &Held, holds: bool) -> Result<(), EditError> {
        let rows = self.origins.as_ref().map_or(batch.len(), Vec::len);
        self.check_lengths(rows)?;
        if let Some((column, found)) = self.derived.misfit(batch.len()) {
            return Err(EditError::Rows {
                column: column.into(),
                found,
                rows: batch.len(),
            });
        }
        let known = |id: u64| {
            (id >= first_id && id - first_id < batch.len() as u64) || held.ids().binary_search(&id).is_ok()
        };
        let mut from_held = false;
        for &id in self.origins.iter().flatten() {
            if !known(id) {
                return Err(EditError::UnknownRow { list: "origins", id });
            }
            from_held |= id < first_id;
        }
        self.check_held(holds, known)?;
        self.check_streams(batch, from_held)?;
        let dropped: u64 = self.drops.iter().map(|drop| u64::from(drop.count)).sum();
        if dropped > 0 {
            let vanished = self.vanished(batch.len(), first_id, held);
            if dropped > vanished {
                return Err(EditError::Drops { dropped, vanished });
            }
        }
        Ok(())
    }

    fn check_lengths(&self, rows: usize) -> Result<(), EditError> {
        let same = |column: &str, found: usize| {
            if found == rows {
                Ok(())
            } else {
                Err(EditError::Rows {
                    column: column.into(),
                    found,
                    rows,
                })
            }
        };
        self.lines
            .as_ref()
            .map_or(Ok(()), |lines| same("lines", lines.len()))?;
        self.timestamps
            .as_ref()
            .map_or(Ok(()), |timestamps| same("timestamps", timestamps.len()))?;
        self.streams
            .as_ref()
            .map_or(Ok(()), |streams| same("streams", streams.len()))?;
        for fields in [&self.set_fields, &self.set_metadata] {
            for (index, field) in fields.iter().enumerate() {
                if field.name.is_empty() || fields[..index].iter().any(|other| other.name == field.name) {
                    return Err(EditError::FieldName {
                        name: field.name.to_string(),
                    });
                }
                same(&field.name, field.values.len())?;
                if !field.present.fits(rows) {
                    return Err(EditError::Present {
                        name: field.name.to_string(),
                        rows,
                    });
                }
            }
        }
        Ok(())
    }

    fn check_held(&self, holds: bool, known: impl Fn(u64) -> bool) -> Result<(), EditError> {
        if !holds && !self.held.is_empty() {
            return Err(EditError::HoldsUndeclared);
        }
        let mut before = None;
        for &id in &self.held {
            if before.is_some_and(|before| before >= id) {
                return Err(EditError::HeldOrder { id });
            }
            before = Some(id);
            if !known(id) {
                return Err(EditError::UnknownRow { list: "held", id });
            }
        }
        Ok(())
    }

    fn check_streams(&self, batch: &LogBatch, from_held: bool) -> Result<(), EditError> {
        if from_held && self.streams.is_some() != self.labels.is_some() {
            return Err(EditError::HeldStreams);
        }
        let labels = self.labels.as_ref().map_or(batch.labels.len(), Vec::len);
        match &self.streams {
            Some(streams) => match streams.iter().position(|&stream| stream as usize >= labels) {
                Some(row) => Err(EditError::Stream {
                    row,
                    stream: streams[row],
                    labels,
                }),
                None => Ok(()),
            },
            None if labels < batch.labels.len() => Err(EditError::LabelSets {
                found: labels,
                labels: batch.labels.len(),
            }),
            None => Ok(()),
        }
    }

    /// How many rows in scope are neither output nor held afterwards.
    fn vanished(&self, batch_rows: usize, first_id: u64, held: &Held) -> u64 {
        let Some(origins) = &self.origins else {
            return (held.ids().len() as u64).saturating_sub(self.held.len() as u64);
        };
        let mut named: Vec<bool> = vec![false; held.ids().len() + batch_rows];
        for &id in origins.iter().chain(&self.held) {
            if let Some(place) = held.place(id, first_id) {
                named[place] = true;
            }
        }
        named.iter().filter(|named| !**named).count() as u64
    }
}
