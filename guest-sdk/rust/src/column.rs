//! Text values laid end to end, and the rewriting of some of them.
//!
//! [`TextColumn`] holds UTF-8 with every end on a character boundary: pushing keeps that true, and what the
//! host sends is guaranteed by the contract (and checked when the stage runs natively, where nothing else
//! guarantees it). So [`TextColumn::get`] hands out `&str` without scanning the bytes again: at 140 bytes a
//! row, that scan would cost more than crossing the sandbox.

use std::ops::Range;
use std::str;

use crate::contract;

#[cfg(test)]
mod tests;

/// A column of texts. Value `i` is `get(i)`; building is by `push`, which only ever appends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextColumn {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl TextColumn {
    /// An empty column.
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// An empty column with room for `rows` values of `bytes` bytes in total.
    pub fn with_capacity(rows: usize, bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            ends: Vec::with_capacity(rows),
        }
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All values, end to end.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where each value ends in [`bytes`](Self::bytes), ascending.
    pub fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// Where value `row` lies in [`bytes`](Self::bytes). Panics when there is no such row.
    pub fn range(&self, row: usize) -> Range<usize> {
        let start = if row == 0 { 0 } else { self.ends[row - 1] as usize };
        start..self.ends[row] as usize
    }

    /// Value `row`. Panics when there is no such row.
    #[inline]
    pub fn get(&self, row: usize) -> &str {
        let value = &self.bytes[self.range(row)];
        #[expect(
            unsafe_code,
            reason = "the invariant of this module: UTF-8, ends on character boundaries"
        )]
        // SAFETY: `bytes` and `ends` are private, appended to only as whole `str`s, and otherwise come from
        // the host, which the contract binds to valid columns, or through `checked`.
        unsafe {
            str::from_utf8_unchecked(value)
        }
    }

    /// The values in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> + '_ {
        (0..self.len()).map(|row| self.get(row))
    }

    /// Appends a value.
    #[inline]
    pub fn push(&mut self, value: &str) {
        self.append(value);
        self.end_value();
    }

    /// Appends one value made of several parts.
    pub fn push_parts<'a>(&mut self, parts: impl IntoIterator<Item = &'a str>) {
        for part in parts {
            self.bytes.extend_from_slice(part.as_bytes());
        }
        self.end_value();
    }

    /// Appends text to the value under construction; [`end_value`](Self::end_value) completes it.
    #[inline]
    pub fn append(&mut self, part: &str) {
        let part = part.as_bytes();
        match short(part) {
            Some(padded) => {
                let end = self.bytes.len() + part.len();
                self.bytes.extend_from_slice(&padded);
                self.bytes.truncate(end);
            }
            None => self.bytes.extend_from_slice(part),
        }
    }

    /// Completes the value under construction: everything appended since the last value ended.
    #[inline]
    pub fn end_value(&mut self) {
        self.ends.push(self.bytes.len() as u32);
    }

    /// Appends the values `rows` of another column in one copy.
    pub fn push_rows(&mut self, other: &Self, rows: Range<usize>) {
        if rows.is_empty() {
            return;
        }
        let (first, last) = (other.range(rows.start).start, other.ends[rows.end - 1] as usize);
        let base = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes[first..last]);
        self.ends.extend(
            other.ends[rows]
                .iter()
                .map(|end| (*end as usize - first + base) as u32),
        );
    }

    /// Forgets every value and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Removes the last value.
    pub fn pop(&mut self) {
        self.ends.pop();
        self.bytes
            .truncate(self.ends.last().map_or(0, |end| *end as usize));
    }

    /// Only the rows for which `keep` says so.
    pub(crate) fn filter(&self, mut keep: impl FnMut(usize) -> bool) -> Self {
        let mut kept = Self::with_capacity(self.len(), self.bytes.len());
        for row in 0..self.len() {
            if keep(row) {
                kept.push(self.get(row));
            }
        }
        kept
    }

    /// Takes over a column of the contract. In the sandbox the host's word is enough; natively it is checked,
    /// once per column, because safe code could otherwise build a broken one.
    pub(crate) fn adopt(column: contract::TextColumn) -> Result<Self, &'static str> {
        if cfg!(target_family = "wasm") {
            return Ok(Self {
                bytes: column.bytes,
                ends: column.ends,
            });
        }
        Self::checked(column.bytes, column.ends)
    }

    /// A column from its parts: the ends ascend, the last is the length, and each value is UTF-8.
    pub(crate) fn checked(bytes: Vec<u8>, ends: Vec<u32>) -> Result<Self, &'static str> {
        let text = str::from_utf8(&bytes).map_err(|_| "a text column is not UTF-8")?;
        let mut start = 0;
        for end in &ends {
            if *end < start || !text.is_char_boundary(*end as usize) {
                return Err("the ends of a text column do not ascend along its characters");
            }
            start = *end;
        }
        if start as usize != bytes.len() {
            return Err("the last end of a text column is not its length");
        }
        Ok(Self { bytes, ends })
    }

    pub(crate) fn into_contract(self) -> contract::TextColumn {
        contract::TextColumn {
            bytes: self.bytes,
            ends: self.ends,
        }
    }
}

/// Up to eight bytes with zeros behind them. In the sandbox, a copy of a length that is known only as it runs is a call out
/// of the guest; levels, methods and status codes are shorter than that call is long.
#[inline]
fn short(bytes: &[u8]) -> Option<[u8; 8]> {
    if bytes.len() > 8 {
        return None;
    }
    let word = match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some(first), Some(last)) => {
            let behind = 8 * (bytes.len() - 4);
            u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << behind
        }
        _ => bytes
            .iter()
            .rev()
            .fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    Some(word.to_le_bytes())
}

impl<'a> FromIterator<&'a str> for TextColumn {
    fn from_iter<I: IntoIterator<Item = &'a str>>(values: I) -> Self {
        let mut column = Self::new();
        for value in values {
            column.push(value);
        }
        column
    }
}

/// A new version of a column that differs in some rows: untouched stretches are copied in one piece.
///
/// Fastest when rows are set in ascending order; any order works.
#[derive(Clone, Debug, Default)]
pub struct TextEdit {
    made: TextColumn,
    /// Rows that had no original to copy from and were not set.
    blanks: Vec<usize>,
}

impl TextEdit {
    /// Nothing set yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets row `row`. `original` is the column being edited, the same one in every call.
    pub fn set(&mut self, original: &TextColumn, row: usize, value: &str) {
        if row + 1 == self.made.len() {
            self.made.pop();
            self.blanks.retain(|blank| *blank != row);
        } else if row < self.made.len() {
            let old = std::mem::take(&mut self.made);
            self.made.push_rows(&old, 0..row);
            self.made.push(value);
            self.made.push_rows(&old, row + 1..old.len());
            self.blanks.retain(|blank| *blank != row);
            return;
        } else {
            if self.made.is_empty() {
                self.made = TextColumn::with_capacity(original.len(), original.bytes.len());
            }
            self.copy_until(original, row);
        }
        self.made.push(value);
    }

    /// The column of `rows` rows, and which of them have no value because nothing was there to copy.
    pub fn finish(mut self, original: &TextColumn, rows: usize) -> (TextColumn, Vec<usize>) {
        self.copy_until(original, rows);
        (self.made, self.blanks)
    }

    fn copy_until(&mut self, original: &TextColumn, row: usize) {
        let there = row.min(original.len());
        if self.made.len() < there {
            self.made.push_rows(original, self.made.len()..there);
        }
        while self.made.len() < row {
            self.blanks.push(self.made.len());
            self.made.end_value();
        }
    }
}
