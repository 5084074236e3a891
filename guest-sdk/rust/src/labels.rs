//! Label sets: what the streams of a batch are called.
//!
//! A set crosses once per batch and rows point at it, so work on labels is work on a handful of sets. Sets are
//! sorted by name and names are unique; [`LabelSets::push`] sees to that.

use crate::{TextColumn, contract};

pub use edit::LabelEdit;

mod edit;
#[cfg(test)]
mod tests;

/// The label sets of a batch, flat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSets {
    ends: Vec<u32>,
    names: TextColumn,
    values: TextColumn,
}

impl LabelSets {
    /// No set.
    pub const fn new() -> Self {
        Self {
            ends: Vec::new(),
            names: TextColumn::new(),
            values: TextColumn::new(),
        }
    }

    /// How many sets there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no set.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Set `index`. Panics when there is none.
    pub fn get(&self, index: usize) -> LabelSet<'_> {
        let start = if index == 0 {
            0
        } else {
            self.ends[index - 1] as usize
        };
        LabelSet {
            sets: self,
            start,
            end: self.ends[index] as usize,
        }
    }

    /// The sets in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = LabelSet<'_>> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// Appends a set and answers its index.
    pub fn push(&mut self, labels: &Labels) -> u32 {
        for (name, value) in labels.iter() {
            self.names.push(name);
            self.values.push(value);
        }
        self.end_set()
    }

    /// Appends a set of another batch or column and answers its index.
    pub fn push_set(&mut self, set: LabelSet<'_>) -> u32 {
        self.names.push_rows(&set.sets.names, set.start..set.end);
        self.values.push_rows(&set.sets.values, set.start..set.end);
        self.end_set()
    }

    /// Appends `set` with one label more, changed, or (`None`) less, and answers its index.
    pub fn push_changed(&mut self, set: LabelSet<'_>, name: &str, value: Option<&str>) -> u32 {
        let mut pending = value;
        for (old_name, old_value) in set.iter() {
            if old_name >= name
                && let Some(value) = pending.take()
            {
                self.names.push(name);
                self.values.push(value);
            }
            if old_name != name {
                self.names.push(old_name);
                self.values.push(old_value);
            }
        }
        if let Some(value) = pending {
            self.names.push(name);
            self.values.push(value);
        }
        self.end_set()
    }

    fn end_set(&mut self) -> u32 {
        self.ends.push(self.names.len() as u32);
        (self.ends.len() - 1) as u32
    }

    pub(crate) fn adopt(sets: contract::LabelSets) -> Result<Self, &'static str> {
        let names = TextColumn::adopt(sets.names)?;
        let values = TextColumn::adopt(sets.values)?;
        let last = sets.ends.last().map_or(0, |end| *end as usize);
        if names.len() != values.len() || last != names.len() || !sets.ends.is_sorted() {
            return Err("the label sets of a batch do not fit together");
        }
        Ok(Self {
            ends: sets.ends,
            names,
            values,
        })
    }

    pub(crate) fn into_contract(self) -> contract::LabelSets {
        contract::LabelSets {
            ends: self.ends,
            names: self.names.into_contract(),
            values: self.values.into_contract(),
        }
    }
}

/// One set of labels, borrowed from [`LabelSets`].
#[derive(Clone, Copy, Debug)]
pub struct LabelSet<'a> {
    sets: &'a LabelSets,
    start: usize,
    end: usize,
}

impl<'a> LabelSet<'a> {
    /// The value of the label `name`.
    pub fn get(self, name: &str) -> Option<&'a str> {
        let (sets, mut low, mut high) = (self.sets, self.start, self.end);
        while low < high {
            let middle = low + (high - low) / 2;
            match sets.names.get(middle).cmp(name) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(sets.values.get(middle)),
            }
        }
        None
    }

    /// Names and values, sorted by name.
    pub fn iter(self) -> impl ExactSizeIterator<Item = (&'a str, &'a str)> {
        (self.start..self.end).map(move |index| (self.sets.names.get(index), self.sets.values.get(index)))
    }

    /// How many labels the set has.
    pub fn len(self) -> usize {
        self.end - self.start
    }

    /// Whether the set has no label.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// A copy that can be changed.
    pub fn to_labels(self) -> Labels {
        self.iter().collect()
    }
}

/// A label set of one's own: sorted by name, names unique.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Labels(Vec<(String, String)>);

impl Labels {
    /// No label.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The value of the label `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.find(name).ok().map(|index| self.0[index].1.as_str())
    }

    /// Sets a label, new or not.
    pub fn set(&mut self, name: &str, value: &str) {
        match self.find(name) {
            Ok(index) => value.clone_into(&mut self.0[index].1),
            Err(index) => self.0.insert(index, (name.to_owned(), value.to_owned())),
        }
    }

    /// Removes a label and answers its value.
    pub fn remove(&mut self, name: &str) -> Option<String> {
        self.find(name).ok().map(|index| self.0.remove(index).1)
    }

    /// Removes every label for which `keep` says no.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &str) -> bool) {
        self.0.retain(|(name, value)| keep(name, value));
    }

    /// Names and values, sorted by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// How many labels there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no label.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| other.as_str().cmp(name))
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Labels {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        let mut labels = Self::new();
        for (name, value) in pairs {
            labels.set(name, value);
        }
        labels
    }
}

/// Whether Prometheus and Loki accept `name` as the name of a label: `[a-zA-Z_][a-zA-Z0-9_]*`.
pub fn is_label_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
