//! The last times of each stream, by its labels.
//!
//! Streams are looked up once per batch and label set, never per row. The streams used longest ago are forgotten
//! above a limit, because labels can be made of anything.

use std::collections::HashMap;

use millstream_stage::{LabelSets, Labels};

#[cfg(test)]
mod tests;

/// How many streams are remembered: Alloy's number.
pub(crate) const MOST_STREAMS: usize = 10_000;

/// What is known of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// The time its last entry was given.
    pub(crate) given: i64,
    /// The last time that was read from an entry.
    pub(crate) parsed: i64,
}

/// The streams, and those of the current batch by their index.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    known: HashMap<Labels, (Known, u64)>,
    batches: u64,
    current: Vec<(Labels, Option<Known>)>,
}

impl Streams {
    /// Looks up the streams of a batch.
    pub(crate) fn begin(&mut self, sets: &LabelSets) {
        self.batches += 1;
        self.current.clear();
        for set in sets.iter() {
            let labels = set.to_labels();
            let known = self.known.get(&labels).map(|(known, _)| *known);
            self.current.push((labels, known));
        }
    }

    /// What is known of a stream of the batch.
    pub(crate) fn get_mut(&mut self, stream: u32) -> &mut Option<Known> {
        &mut self.current[stream as usize].1
    }

    /// Remembers the streams of the batch, and forgets the oldest above the limit.
    pub(crate) fn end(&mut self) {
        for (labels, known) in self.current.drain(..) {
            if let Some(known) = known {
                self.known.insert(labels, (known, self.batches));
            }
        }
        if self.known.len() > MOST_STREAMS {
            let mut used: Vec<u64> = self.known.values().map(|(_, batch)| *batch).collect();
            used.sort_unstable();
            let oldest_kept = used[used.len() - MOST_STREAMS];
            self.known.retain(|_, (_, batch)| *batch >= oldest_kept);
        }
    }
}
