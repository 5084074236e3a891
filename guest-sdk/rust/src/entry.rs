//! One row of a batch.
//!
//! Reads show the entry as it came in; changes take effect when the call returns. Using a column that was not
//! declared fails the call, whatever the method returned: that keeps `entry.line()` free of `?` without
//! letting a forgotten declaration look like an empty line.

use crate::batch::{Batch, undeclared};

/// One entry, as it came in, and the place to change it.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'b> {
    pub(crate) batch: &'b Batch<'b>,
    pub(crate) row: usize,
}

impl<'b> Entry<'b> {
    /// The row's place in the batch.
    pub fn row(self) -> usize {
        self.row
    }

    /// The row's id: unique at this stage, ascending.
    pub fn id(self) -> u64 {
        self.batch.id(self.row)
    }

    /// The text. Needs `setup.reads_lines()`.
    #[inline]
    pub fn line(self) -> &'b str {
        if !self.may_lines() {
            return "";
        }
        self.batch.columns.lines.get(self.row)
    }

    /// Nanoseconds since the epoch. Needs `setup.reads_timestamps()`.
    pub fn timestamp(self) -> i64 {
        if !self.may_timestamps() {
            return 0;
        }
        self.batch.columns.timestamps[self.row]
    }

    /// The label `name`. Needs `setup.reads_labels()`.
    pub fn label(self, name: &str) -> Option<&'b str> {
        if !self.may_labels() {
            return None;
        }
        self.batch.columns.labels.get(self.stream()).get(name)
    }

    /// The field `name`. Needs `setup.reads_field(name)`.
    pub fn field(self, name: &str) -> Option<&'b str> {
        self.batch
            .field(name)
            .unwrap_or_else(|failure| self.misused(failure))?
            .get(self.row)
    }

    /// The structured metadata `name`. Needs `setup.reads_metadata(name)`.
    pub fn metadata(self, name: &str) -> Option<&'b str> {
        self.batch
            .metadata(name)
            .unwrap_or_else(|failure| self.misused(failure))?
            .get(self.row)
    }

    /// Replaces the text. Needs `setup.reads_lines()`.
    pub fn set_line(self, line: &str) {
        if self.may_lines() {
            self.batch
                .draft
                .borrow_mut()
                .set_line(&self.batch.columns, self.row, line);
        }
    }

    /// Replaces the timestamp. Needs `setup.reads_timestamps()`.
    pub fn set_timestamp(self, timestamp: i64) {
        if self.may_timestamps() {
            self.batch
                .draft
                .borrow_mut()
                .set_timestamp(&self.batch.columns, self.row, timestamp);
        }
    }

    /// Sets a label. Needs `setup.reads_labels()`. Cheap where values repeat.
    pub fn set_label(self, name: &str, value: &str) {
        if self.may_labels() {
            self.batch
                .draft
                .borrow_mut()
                .set_label(&self.batch.columns, self.row, name, Some(value));
        }
    }

    /// Removes a label. Needs `setup.reads_labels()`.
    pub fn remove_label(self, name: &str) {
        if self.may_labels() {
            self.batch
                .draft
                .borrow_mut()
                .set_label(&self.batch.columns, self.row, name, None);
        }
    }

    /// Sets a field. Needs `setup.reads_field(name)`: the other rows keep theirs.
    pub fn set_field(self, name: &str, value: &str) {
        self.change_field(name, Some(value));
    }

    /// Takes a field's value away. Needs `setup.reads_field(name)`.
    pub fn unset_field(self, name: &str) {
        self.change_field(name, None);
    }

    /// Sets structured metadata. Needs `setup.reads_metadata(name)`.
    pub fn set_metadata(self, name: &str, value: &str) {
        self.change_metadata(name, Some(value));
    }

    /// Removes structured metadata. Needs `setup.reads_metadata(name)`.
    pub fn unset_metadata(self, name: &str) {
        self.change_metadata(name, None);
    }

    /// Drops the entry on purpose, counted under `reason`. Dropping it again changes nothing.
    pub fn drop(self, reason: &str) {
        self.batch
            .draft
            .borrow_mut()
            .drop_row(self.batch.len(), self.row, reason);
    }

    fn stream(self) -> usize {
        self.batch.columns.streams[self.row] as usize
    }

    fn change_field(self, name: &str, value: Option<&str>) {
        match self.batch.field(name) {
            Ok(original) => self
                .batch
                .draft
                .borrow_mut()
                .set_field(original, self.row, name, value),
            Err(failure) => self.batch.misused(failure),
        }
    }

    fn change_metadata(self, name: &str, value: Option<&str>) {
        match self.batch.metadata(name) {
            Ok(original) => self
                .batch
                .draft
                .borrow_mut()
                .set_metadata(original, self.row, name, value),
            Err(failure) => self.batch.misused(failure),
        }
    }

    #[inline]
    fn may_lines(self) -> bool {
        self.may(self.batch.interest.lines, "lines", "reads_lines()")
    }

    fn may_timestamps(self) -> bool {
        self.may(self.batch.interest.timestamps, "timestamps", "reads_timestamps()")
    }

    fn may_labels(self) -> bool {
        self.may(self.batch.interest.labels, "labels", "reads_labels()")
    }

    #[inline]
    fn may(self, declared: bool, column: &str, call: &str) -> bool {
        if !declared {
            self.batch.misused(undeclared(column, call));
        }
        declared
    }

    fn misused<T>(self, failure: crate::Failure) -> Option<T> {
        self.batch.misused(failure);
        None
    }
}
