//! A named column beside the line: an extracted value or structured metadata.

use std::sync::Arc;

use crate::text::TextColumn;

/// Which rows have a value: bit `i % 8` of byte `i / 8`. Empty means all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bitmap(Vec<u8>);

impl Bitmap {
    /// Takes over bits as they cross from a guest.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bits as they cross to a guest.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether row `row` has a value.
    #[must_use]
    pub fn get(&self, row: usize) -> bool {
        self.0.is_empty()
            || self
                .0
                .get(row / 8)
                .is_some_and(|byte| byte & (1 << (row % 8)) != 0)
    }

    /// Whether the bits suffice for `rows` rows.
    #[must_use]
    pub fn fits(&self, rows: usize) -> bool {
        self.0.is_empty() || self.0.len() == rows.div_ceil(8)
    }
}

impl FromIterator<bool> for Bitmap {
    fn from_iter<I: IntoIterator<Item = bool>>(rows: I) -> Self {
        let mut bytes = Vec::new();
        let mut all = true;
        for (row, present) in rows.into_iter().enumerate() {
            if row % 8 == 0 {
                bytes.push(0);
            }
            if present {
                bytes[row / 8] |= 1 << (row % 8);
            } else {
                all = false;
            }
        }
        if all { Self::default() } else { Self(bytes) }
    }
}

/// A named column; a row without a value has an empty text in `values`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name.
    pub name: Arc<str>,
    /// One text per row.
    pub values: TextColumn,
    /// Which rows have a value.
    pub present: Bitmap,
}

impl Field {
    /// The value of `row`, if it has one.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<&str> {
        (row < self.values.len() && self.present.get(row)).then(|| self.values.get(row))
    }

    /// A column from one optional value per row.
    pub fn from_values<'a>(
        name: impl Into<Arc<str>>,
        rows: impl IntoIterator<Item = Option<&'a str>>,
    ) -> Self {
        let mut values = TextColumn::default();
        let present = rows
            .into_iter()
            .map(|row| {
                values.push(row.unwrap_or_default());
                row.is_some()
            })
            .collect();
        Self {
            name: name.into(),
            values,
            present,
        }
    }

    /// The same column with only the rows that `rows` names, in that order; `None` is an absent value.
    #[must_use]
    pub fn select(&self, rows: impl IntoIterator<Item = Option<usize>>) -> Self {
        Self::from_values(
            self.name.clone(),
            rows.into_iter().map(|row| row.and_then(|row| self.get(row))),
        )
    }
}
