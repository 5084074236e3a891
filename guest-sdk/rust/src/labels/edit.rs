//! Label changes row by row, as steps from label set to label set.
//!
//! A row stands on a set; changing a label moves it to another. Each step (set, name, value) is taken once and
//! remembered, so a thousand rows of `level=INFO` make one new set and a thousand comparisons of a short text:
//! no allocation, no hashing, however many labels a row gets.

use std::collections::HashMap;

use super::LabelSets;
use crate::Output;

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

/// The sets reached from one set by changing one label.
#[derive(Debug)]
struct Steps {
    name: String,
    removed: Option<u32>,
    few: Vec<(String, u32)>,
    many: HashMap<String, u32>,
}

impl Steps {
    fn to(&self, value: Option<&str>) -> Option<u32> {
        let Some(value) = value else { return self.removed };
        if let Some((_, to)) = self.few.iter().find(|(other, _)| other == value) {
            return Some(*to);
        }
        self.many.get(value).copied()
    }

    fn add(&mut self, value: Option<&str>, to: u32) {
        match value {
            None => self.removed = Some(to),
            Some(value) if self.few.len() < LINEAR_STEPS => self.few.push((value.to_owned(), to)),
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

    pub(crate) fn change(&mut self, row: usize, name: &str, value: Option<&str>) {
        let from = self.streams[row] as usize;
        if self.steps.len() <= from {
            self.steps.resize_with(from + 1, Vec::new);
        }
        let names = &mut self.steps[from];
        let index = match names.iter().position(|steps| steps.name == name) {
            Some(index) => index,
            None => {
                let name = name.to_owned();
                names.push(Steps {
                    name,
                    removed: None,
                    few: Vec::new(),
                    many: HashMap::new(),
                });
                names.len() - 1
            }
        };
        let steps = &mut names[index];
        self.streams[row] = match steps.to(value) {
            Some(to) => to,
            None => {
                let to = step(&mut self.sets, from, name, value);
                steps.add(value, to);
                to
            }
        };
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
