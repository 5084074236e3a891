//! Label changes row by row, as steps from label set to label set.
//!
//! A row stands on a set; changing a label moves it to another. Each step (set, name, value) is taken once and
//! remembered, so a thousand rows of `level=INFO` make one new set and a thousand comparisons of two numbers:
//! no allocation, no hashing, however many labels a row gets. Texts are compared by [`Brief`] first, because a call of
//! `memcmp` costs more than everything else here together.

use std::collections::HashMap;

use super::LabelSets;
use crate::{Field, Output};

/// Steps of one set and name above which values are looked up by hash.
const LINEAR_STEPS: usize = 8;

/// Changes the labels of rows; new label sets are made once per distinct change.
#[derive(Debug)]
pub struct LabelEdit {
    streams: Vec<u32>,
    sets: LabelSets,
    /// By set, the names that were changed from there.
    steps: Vec<Vec<Steps>>,
}

/// A text's length and up to eight of its bytes. Texts of different briefs are different; up to eight bytes, those of the
/// same brief are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Brief {
    length: usize,
    bytes: u64,
}

impl Brief {
    #[inline]
    fn of(text: &str) -> Self {
        let text = text.as_bytes();
        let length = text.len();
        let bytes = match (
            text.first_chunk::<8>(),
            text.first_chunk::<4>(),
            text.last_chunk::<4>(),
        ) {
            (Some(eight), ..) => u64::from_le_bytes(*eight),
            // Four to seven bytes: the first four and the last four.
            (None, Some(first), Some(last)) => {
                u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32
            }
            _ => text.iter().fold(0, |bytes, byte| bytes << 8 | u64::from(*byte)),
        };
        Self { length, bytes }
    }

    /// Whether two texts with these briefs, `one` and `other`, are the same.
    #[inline]
    fn same(self, one: &str, other: Self, text: &str) -> bool {
        self == other && (self.length <= 8 || one == text)
    }
}

/// The sets reached from one set by changing one label.
#[derive(Debug)]
struct Steps {
    name: String,
    brief: Brief,
    removed: Option<u32>,
    few: Vec<(Brief, u32, String)>,
    many: HashMap<String, u32>,
}

impl Steps {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            brief: Brief::of(name),
            removed: None,
            few: Vec::new(),
            many: HashMap::new(),
        }
    }

    #[inline]
    fn to(&self, value: &str) -> Option<u32> {
        let brief = Brief::of(value);
        let few = self.few.iter();
        match few
            .into_iter()
            .find(|(other, _, text)| brief.same(value, *other, text))
        {
            Some((_, to, _)) => Some(*to),
            None if self.many.is_empty() => None,
            None => self.many.get(value).copied(),
        }
    }

    fn add(&mut self, value: Option<&str>, to: u32) {
        match value {
            None => self.removed = Some(to),
            Some(value) if self.few.len() < LINEAR_STEPS => {
                self.few.push((Brief::of(value), to, value.to_owned()));
            }
            Some(value) => {
                self.many.insert(value.to_owned(), to);
            }
        }
    }
}

impl LabelEdit {
    /// An edit of rows whose label sets are `streams` among `sets`.
    pub fn new(streams: &[u32], sets: &LabelSets) -> Self {
        Self {
            streams: streams.to_vec(),
            sets: sets.clone(),
            steps: Vec::new(),
        }
    }

    /// Gives row `row` a label. Cheap where values repeat.
    #[inline]
    pub fn set(&mut self, row: usize, name: &str, value: &str) {
        self.change(row, name, Some(value));
    }

    /// Takes a label from row `row`.
    pub fn remove(&mut self, row: usize, name: &str) {
        self.change(row, name, None);
    }

    /// Sets the streams and labels of `out`, which must have the same rows.
    pub fn apply(self, out: &mut Output) {
        let (streams, labels) = self.finish(|_| true);
        out.set_streams(streams);
        out.set_labels(labels);
    }

    /// Gives every row that has a value in `values` a label of that value.
    pub fn set_from(&mut self, name: &str, values: &Field) {
        // Where each set's steps by this name are, so that rows do not compare the name.
        let mut places: Vec<Option<usize>> = Vec::new();
        for row in 0..values.len() {
            let Some(value) = values.get(row) else { continue };
            let from = self.streams[row] as usize;
            if places.len() <= from {
                places.resize(from + 1, None);
            }
            let place = match places[from] {
                Some(place) => place,
                None => *places[from].insert(self.steps_of(from, name)),
            };
            self.step(row, place, name, Some(value));
        }
    }

    pub(crate) fn change(&mut self, row: usize, name: &str, value: Option<&str>) {
        let place = self.steps_of(self.streams[row] as usize, name);
        self.step(row, place, name, value);
    }

    /// Where the steps by this name are among those of a set.
    fn steps_of(&mut self, from: usize, name: &str) -> usize {
        if self.steps.len() <= from {
            self.steps.resize_with(from + 1, Vec::new);
        }
        let brief = Brief::of(name);
        let names = &mut self.steps[from];
        let known = names
            .iter()
            .position(|steps| brief.same(name, steps.brief, &steps.name));
        known.unwrap_or_else(|| {
            names.push(Steps::new(name));
            names.len() - 1
        })
    }

    #[inline]
    fn step(&mut self, row: usize, place: usize, name: &str, value: Option<&str>) {
        let from = self.streams[row] as usize;
        let steps = &self.steps[from][place];
        let known = match value {
            Some(value) => steps.to(value),
            None => steps.removed,
        };
        self.streams[row] = known.unwrap_or_else(|| {
            let to = step(&mut self.sets, from, name, value);
            self.steps[from][place].add(value, to);
            to
        });
    }

    /// The rows' sets, and those sets that a kept row stands on.
    pub(crate) fn finish(self, kept: impl Fn(usize) -> bool) -> (Vec<u32>, LabelSets) {
        let mut places = vec![u32::MAX; self.sets.len()];
        let mut used = LabelSets::new();
        let mut streams = self.streams;
        for (row, stream) in streams.iter_mut().enumerate() {
            if !kept(row) {
                continue;
            }
            let place = &mut places[*stream as usize];
            if *place == u32::MAX {
                *place = used.push_set(self.sets.get(*stream as usize));
            }
            *stream = *place;
        }
        (streams, used)
    }
}

fn step(sets: &mut LabelSets, from: usize, name: &str, value: Option<&str>) -> u32 {
    if sets.get(from).get(name) == value {
        return from as u32;
    }
    let mut one = LabelSets::new();
    one.push_changed(sets.get(from), name, value);
    sets.push_set(one.get(0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Brief;

    proptest! {
        #[test]
        fn briefs_tell_texts_apart(one in "[ab\0é]{0,12}", other in "[ab\0é]{0,12}") {
            let same = |one: &str, other: &str| Brief::of(one).same(one, Brief::of(other), other);
            prop_assert_eq!(same(&one, &other), one == other);
            prop_assert!(same(&one, &one.clone()));
        }
    }
}
