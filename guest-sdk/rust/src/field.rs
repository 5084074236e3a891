//! A named column beside the line: values extracted by earlier stages, or Loki structured metadata.
//!
//! Not every row has a value. The bitmap of those that have stays empty as long as all have, which is the
//! usual case and then costs nothing.

use std::borrow::Cow;

use crate::column::TextEdit;
use crate::{TextColumn, contract};

#[cfg(test)]
mod tests;

/// A named column. Built by `push` (or `push_none`), row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    name: String,
    values: TextColumn,
    present: Vec<u8>,
}

impl Field {
    /// An empty column.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            values: TextColumn::new(),
            present: Vec::new(),
        }
    }

    /// An empty column with room for `rows` values of `bytes` bytes in total.
    pub fn with_capacity(name: impl Into<String>, rows: usize, bytes: usize) -> Self {
        Self {
            name: name.into(),
            values: TextColumn::with_capacity(rows, bytes),
            present: Vec::new(),
        }
    }

    /// A column in which every row has a value.
    pub fn full(name: impl Into<String>, values: TextColumn) -> Self {
        Self {
            name: name.into(),
            values,
            present: Vec::new(),
        }
    }

    /// What the column is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many rows there are, with or without a value.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Whether every row has a value.
    pub fn is_full(&self) -> bool {
        self.present.is_empty()
    }

    /// The value of row `row`. Panics when there is no such row.
    #[inline]
    pub fn get(&self, row: usize) -> Option<&str> {
        let value = self.values.get(row);
        self.has(row).then_some(value)
    }

    /// Whether row `row` has a value.
    #[inline]
    pub fn has(&self, row: usize) -> bool {
        self.present.is_empty() || self.present[row / 8] & (1 << (row % 8)) != 0
    }

    /// The texts of all rows; a row without a value has an empty one.
    pub fn values(&self) -> &TextColumn {
        &self.values
    }

    /// The texts of all rows, taken out.
    pub fn into_values(self) -> TextColumn {
        self.values
    }

    /// Appends a row with a value.
    #[inline]
    pub fn push(&mut self, value: &str) {
        if !self.present.is_empty() {
            self.mark(self.values.len(), true);
        }
        self.values.push(value);
    }

    /// Appends a row without a value.
    pub fn push_none(&mut self) {
        let row = self.values.len();
        self.sparse();
        self.mark(row, false);
        self.values.end_value();
    }

    /// Appends a row with or without a value.
    #[inline]
    pub fn push_option(&mut self, value: Option<&str>) {
        match value {
            Some(value) => self.push(value),
            None => self.push_none(),
        }
    }

    /// Turns "all present" into a bitmap that says so.
    fn sparse(&mut self) {
        if self.present.is_empty() {
            let rows = self.values.len();
            self.present = vec![0xff; rows / 8];
            if !rows.is_multiple_of(8) {
                self.present.push((1 << (rows % 8)) - 1);
            }
        }
    }

    fn mark(&mut self, row: usize, present: bool) {
        if self.present.len() <= row / 8 {
            self.present.resize(row / 8 + 1, 0);
        }
        let bit = 1 << (row % 8);
        if present {
            self.present[row / 8] |= bit;
        } else {
            self.present[row / 8] &= !bit;
        }
    }

    pub(crate) fn filter(&self, mut keep: impl FnMut(usize) -> bool) -> Self {
        let mut kept = Self::with_capacity(&self.name, self.len(), self.values.bytes().len());
        for row in (0..self.len()).filter(|row| keep(*row)) {
            kept.push_option(self.get(row));
        }
        kept
    }

    pub(crate) fn adopt(field: contract::Field) -> Result<Self, &'static str> {
        let values = TextColumn::adopt(field.values)?;
        if !field.present.is_empty() && field.present.len() * 8 < values.len() {
            return Err("the bitmap of a field is shorter than its rows");
        }
        Ok(Self {
            name: field.name,
            values,
            present: field.present,
        })
    }

    pub(crate) fn into_contract(self) -> contract::Field {
        contract::Field {
            name: self.name,
            values: self.values.into_contract(),
            present: self.present,
        }
    }
}

/// A new version of a field that differs in some rows; the others keep what they had.
///
/// Fastest when rows are set in ascending order; any order works.
#[derive(Clone, Debug)]
pub struct FieldEdit<'a> {
    name: Cow<'a, str>,
    original: Option<&'a Field>,
    marks: FieldMarks,
}

impl<'a> FieldEdit<'a> {
    /// An edit of `original`, or, where no row has that field yet, of nothing.
    pub fn new(name: impl Into<Cow<'a, str>>, original: Option<&'a Field>) -> Self {
        Self {
            name: name.into(),
            original,
            marks: FieldMarks::default(),
        }
    }

    /// What the field is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives row `row` a value.
    #[inline]
    pub fn set(&mut self, row: usize, value: &str) {
        self.marks.set(self.original, row, Some(value));
    }

    /// Takes the value of row `row` away.
    pub fn unset(&mut self, row: usize) {
        self.marks.set(self.original, row, None);
    }

    /// Whether anything was set or unset.
    pub fn is_touched(&self) -> bool {
        self.marks.is_touched()
    }

    /// The column of `rows` rows.
    pub fn finish(self, rows: usize) -> Field {
        self.marks.finish(self.name.into_owned(), self.original, rows)
    }
}

/// The rows of a field that were set, without a hold on the original: the batch keeps both side by side.
#[derive(Clone, Debug, Default)]
pub(crate) struct FieldMarks {
    texts: TextEdit,
    /// Row and whether it has a value now; the last mark of a row counts.
    marks: Vec<(u32, bool)>,
}

impl FieldMarks {
    pub(crate) fn set(&mut self, original: Option<&Field>, row: usize, value: Option<&str>) {
        self.texts.set(texts_of(original), row, value.unwrap_or_default());
        self.marks.push((row as u32, value.is_some()));
    }

    pub(crate) fn is_touched(&self) -> bool {
        !self.marks.is_empty()
    }

    pub(crate) fn finish(self, name: String, original: Option<&Field>, rows: usize) -> Field {
        let (values, _) = self.texts.finish(texts_of(original), rows);
        let mut present = match original {
            Some(field) if !field.is_full() => field.present.clone(),
            Some(_) => vec![0xff; rows.div_ceil(8)],
            None => vec![0; rows.div_ceil(8)],
        };
        for (row, has) in self.marks {
            let (byte, bit) = (row as usize / 8, 1 << (row % 8));
            if has {
                present[byte] |= bit;
            } else {
                present[byte] &= !bit;
            }
        }
        let all = (0..rows).all(|row| present[row / 8] & (1 << (row % 8)) != 0);
        Field {
            name,
            values,
            present: if all { Vec::new() } else { present },
        }
    }
}

fn texts_of(field: Option<&Field>) -> &TextColumn {
    static NONE: TextColumn = TextColumn::new();
    field.map_or(&NONE, Field::values)
}
