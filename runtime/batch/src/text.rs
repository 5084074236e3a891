//! A column of texts laid end to end.
//!
//! Value `i` is `bytes[ends[i-1]..ends[i]]`. Always UTF-8 per value: untrusted columns come in through
//! [`TextColumn::checked`] alone.

use thiserror::Error;

/// Texts laid end to end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextColumn {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

/// Why bytes and ends are no text column.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum TextError {
    /// An end lies before the one in front of it.
    #[error("end {index} is {end}, before the end in front of it")]
    Descends {
        /// Which end.
        index: usize,
        /// Its value.
        end: u32,
    },
    /// The last end is not the number of bytes.
    #[error("the last end is {end} but there are {bytes} bytes")]
    Length {
        /// The last end.
        end: u32,
        /// How many bytes there are.
        bytes: usize,
    },
    /// A value is not UTF-8.
    #[error("value {index} is not UTF-8")]
    Utf8 {
        /// Which value.
        index: usize,
    },
}

impl TextColumn {
    /// No values, with room for `rows` of `bytes` in all.
    #[must_use]
    pub fn with_capacity(rows: usize, bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            ends: Vec::with_capacity(rows),
        }
    }

    /// Takes over untrusted parts after checking them.
    ///
    /// # Errors
    /// When ends descend, do not end at the last byte, or a value is not UTF-8.
    pub fn checked(bytes: Vec<u8>, ends: Vec<u32>) -> Result<Self, TextError> {
        let mut before = 0;
        for (index, &end) in ends.iter().enumerate() {
            if end < before {
                return Err(TextError::Descends { index, end });
            }
            before = end;
        }
        if before as usize != bytes.len() {
            return Err(TextError::Length {
                end: before,
                bytes: bytes.len(),
            });
        }
        // Whole first (fast for what is nearly always valid), then no value may start inside a character.
        let Ok(text) = simdutf8::basic::from_utf8(&bytes) else {
            return Err(TextError::Utf8 {
                index: first_invalid(&bytes, &ends),
            });
        };
        if let Some(index) = ends.iter().position(|&end| !text.is_char_boundary(end as usize)) {
            return Err(TextError::Utf8 { index });
        }
        Ok(Self { bytes, ends })
    }

    /// Appends a value.
    pub fn push(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.close();
    }

    /// Ends the value that `extend` has begun (or an empty one).
    pub fn close(&mut self) {
        // Batches are bounded far below 4 GiB by their makers; a column that is not stays whole and loses the tail.
        self.ends
            .push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
    }

    /// Appends text to the value being built; `close` ends it.
    pub fn extend(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// Forgets all values, keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// How many values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Value `index`; empty when there is none.
    #[must_use]
    pub fn get(&self, index: usize) -> &str {
        let Some(&end) = self.ends.get(index) else {
            return "";
        };
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        // Checked on the way in; a bug here must not take the process down.
        std::str::from_utf8(&self.bytes[start as usize..end as usize]).unwrap_or_default()
    }

    /// The bytes of value `index`; empty when there is none. No check, for copying.
    #[must_use]
    pub fn get_bytes(&self, index: usize) -> &[u8] {
        let Some(&end) = self.ends.get(index) else {
            return &[];
        };
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start as usize..end as usize]
    }

    /// The values in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> + '_ {
        (0..self.len()).map(|index| self.get(index))
    }

    /// All bytes, end to end.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// All bytes and where each value ends.
    #[must_use]
    pub fn into_parts(self) -> (Vec<u8>, Vec<u32>) {
        (self.bytes, self.ends)
    }

    /// Where each value ends.
    #[must_use]
    pub fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// Appends value `index` of another column.
    pub fn push_from(&mut self, other: &TextColumn, index: usize) {
        self.bytes.extend_from_slice(other.get_bytes(index));
        self.close();
    }
}

impl<'a> FromIterator<&'a str> for TextColumn {
    fn from_iter<I: IntoIterator<Item = &'a str>>(values: I) -> Self {
        let mut column = Self::default();
        for value in values {
            column.push(value);
        }
        column
    }
}

/// The first value that is not UTF-8 by itself (0 when only the boundaries are wrong).
fn first_invalid(bytes: &[u8], ends: &[u32]) -> usize {
    let mut start = 0;
    for (index, &end) in ends.iter().enumerate() {
        if std::str::from_utf8(&bytes[start..end as usize]).is_err() {
            return index;
        }
        start = end as usize;
    }
    0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_pushed_is_read_back(values in proptest::collection::vec(".*", 0..20)) {
            let column: TextColumn = values.iter().map(String::as_str).collect();
            prop_assert_eq!(column.iter().collect::<Vec<_>>(), values);
            prop_assert_eq!(TextColumn::checked(column.bytes().to_vec(), column.ends().to_vec()), Ok(column));
        }

        #[test]
        fn checked_never_lets_a_bad_value_in(bytes in proptest::collection::vec(any::<u8>(), 0..40),
                                             ends in proptest::collection::vec(0u32..50, 0..6)) {
            if let Ok(column) = TextColumn::checked(bytes, ends) {
                for index in 0..column.len() {
                    prop_assert!(std::str::from_utf8(column.get_bytes(index)).is_ok());
                }
            }
        }
    }

    #[test]
    fn a_character_cut_in_two_is_refused() {
        let cut = TextColumn::checked("한".as_bytes().to_vec(), vec![1, 3]);
        assert_eq!(cut, Err(TextError::Utf8 { index: 0 }));
        assert_eq!(
            TextColumn::checked(vec![b'a'], vec![1, 0]),
            Err(TextError::Descends { index: 1, end: 0 })
        );
        assert_eq!(
            TextColumn::checked(vec![b'a'], vec![]),
            Err(TextError::Length { end: 0, bytes: 1 })
        );
    }
}
