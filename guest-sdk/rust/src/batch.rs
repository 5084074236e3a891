//! A batch as a stage sees it: declared columns to read, and two ways to change them.
//!
//! [`Batch::entries`] gives rows; what is set on them takes effect when the call returns, so reads always show
//! the batch as it came in. [`Batch::output`] takes whole columns. Both may be used in one call for different
//! columns; row edits cannot be combined with [`Output::set_origins`], which redefines what a row is.

use std::cell::RefCell;

use crate::draft::Draft;
use crate::setup::Interest;
use crate::{Entry, Failure, Field, LabelSets, Labels, Output, TextColumn, contract};

/// A batch of entries.
#[derive(Debug)]
pub struct Batch<'a> {
    pub(crate) interest: &'a Interest,
    first_id: u64,
    rows: usize,
    pub(crate) columns: Columns,
    pub(crate) draft: RefCell<Draft>,
    output: Output,
    misuse: RefCell<Option<Failure>>,
}

/// The columns as they came in.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    pub(crate) timestamps: Vec<i64>,
    pub(crate) lines: TextColumn,
    pub(crate) streams: Vec<u32>,
    pub(crate) labels: LabelSets,
    pub(crate) fields: Vec<Field>,
    pub(crate) metadata: Vec<Field>,
}

impl Columns {
    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name() == name)
    }

    pub(crate) fn metadata(&self, name: &str) -> Option<&Field> {
        self.metadata.iter().find(|field| field.name() == name)
    }
}

impl<'a> Batch<'a> {
    pub(crate) fn new(batch: contract::LogBatch, interest: &'a Interest) -> Result<Self, Failure> {
        let adopt =
            |fields: Vec<contract::Field>| fields.into_iter().map(Field::adopt).collect::<Result<_, _>>();
        let columns = Columns {
            timestamps: batch.timestamps,
            lines: TextColumn::adopt(batch.lines).map_err(Failure::new)?,
            streams: batch.streams,
            labels: LabelSets::adopt(batch.labels).map_err(Failure::new)?,
            fields: adopt(batch.fields).map_err(Failure::new)?,
            metadata: adopt(batch.metadata).map_err(Failure::new)?,
        };
        Ok(Self {
            interest,
            first_id: batch.first_id,
            rows: batch.rows as usize,
            columns,
            draft: RefCell::default(),
            output: Output::default(),
            misuse: RefCell::default(),
        })
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The id of row `row`.
    pub fn id(&self, row: usize) -> u64 {
        self.first_id + row as u64
    }

    /// The rows, in order.
    pub fn entries(&self) -> Entries<'_> {
        Entries { batch: self, row: 0 }
    }

    /// Row `row`. Panics when there is none.
    pub fn entry(&self, row: usize) -> Entry<'_> {
        assert!(row < self.rows, "row {row} of a batch of {} rows", self.rows);
        Entry { batch: self, row }
    }

    /// The lines.
    pub fn lines(&self) -> Result<&TextColumn, Failure> {
        declared(self.interest.lines, "lines", "reads_lines()")?;
        Ok(&self.columns.lines)
    }

    /// The timestamps, nanoseconds since the epoch.
    pub fn timestamps(&self) -> Result<&[i64], Failure> {
        declared(self.interest.timestamps, "timestamps", "reads_timestamps()")?;
        Ok(&self.columns.timestamps)
    }

    /// Per row the index of its set in [`labels`](Self::labels).
    pub fn streams(&self) -> Result<&[u32], Failure> {
        declared(self.interest.labels, "streams", "reads_labels()")?;
        Ok(&self.columns.streams)
    }

    /// The label sets.
    pub fn labels(&self) -> Result<&LabelSets, Failure> {
        declared(self.interest.labels, "labels", "reads_labels()")?;
        Ok(&self.columns.labels)
    }

    /// The field `name`; none when no row has it.
    pub fn field(&self, name: &str) -> Result<Option<&Field>, Failure> {
        if !self.interest.has_field(name) {
            return Err(undeclared(
                &format!("the field `{name}`"),
                &format!("reads_field({name:?})"),
            ));
        }
        Ok(self.columns.field(name))
    }

    /// The structured metadata `name`; none when no row has it.
    pub fn metadata(&self, name: &str) -> Result<Option<&Field>, Failure> {
        if !self.interest.has_metadata(name) {
            return Err(undeclared(
                &format!("the metadata `{name}`"),
                &format!("reads_metadata({name:?})"),
            ));
        }
        Ok(self.columns.metadata(name))
    }

    /// Every field that crossed: those declared, where some row has a value.
    pub fn fields(&self) -> &[Field] {
        &self.columns.fields
    }

    /// All structured metadata that crossed.
    pub fn all_metadata(&self) -> &[Field] {
        &self.columns.metadata
    }

    /// Where whole columns are set.
    pub fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    /// Changes the labels set by set, never row by row: all rows of a stream change alike.
    pub fn relabel(&mut self, mut change: impl FnMut(&mut Labels)) -> Result<(), Failure> {
        let mut sets = LabelSets::new();
        for set in self.labels()?.iter() {
            let mut labels = set.to_labels();
            change(&mut labels);
            sets.push(&labels);
        }
        self.output.set_labels(sets);
        Ok(())
    }

    /// Keeps the first misuse of an entry; the call fails with it.
    pub(crate) fn misused(&self, failure: Failure) {
        self.misuse.borrow_mut().get_or_insert(failure);
    }

    pub(crate) fn finish(self) -> Result<contract::LogEdit, Failure> {
        if let Some(failure) = self.misuse.into_inner() {
            return Err(failure);
        }
        let mut output = self.output;
        let draft = self.draft.into_inner();
        if draft.is_touched() {
            draft.finish(&self.columns, self.first_id, self.rows, &mut output)?;
        }
        Ok(output.into_contract())
    }
}

fn declared(is: bool, column: &str, call: &str) -> Result<(), Failure> {
    if is { Ok(()) } else { Err(undeclared(column, call)) }
}

pub(crate) fn undeclared(column: &str, call: &str) -> Failure {
    Failure::new(format!(
        "the stage uses {column} without declaring it: `configure` must call `setup.{call}`"
    ))
}

/// The rows of a batch, in order.
#[derive(Debug)]
pub struct Entries<'b> {
    batch: &'b Batch<'b>,
    row: usize,
}

impl<'b> Iterator for Entries<'b> {
    type Item = Entry<'b>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'b>> {
        let row = self.row;
        if row == self.batch.rows {
            return None;
        }
        self.row += 1;
        Some(Entry {
            batch: self.batch,
            row,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.batch.rows - self.row;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Entries<'_> {}

impl<'b> IntoIterator for &'b Batch<'_> {
    type Item = Entry<'b>;
    type IntoIter = Entries<'b>;

    fn into_iter(self) -> Entries<'b> {
        self.entries()
    }
}
