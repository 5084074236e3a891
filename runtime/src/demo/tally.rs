//! What was written and what arrived.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

/// What was written and what arrived.
#[derive(Default)]
pub struct Tally {
    counts: Mutex<Counts>,
    arrived: Notify,
}

#[derive(Default)]
struct Counts {
    written: Vec<String>,
    arrived: BTreeMap<String, u64>,
    pushes: u64,
    samples: u64,
    writes: u64,
}

/// The end of the story.
pub struct Summary {
    /// Entries the application wrote.
    pub written: u64,
    /// Of them, those of several lines.
    pub traces: u64,
    /// Entries that did not arrive exactly as written.
    pub missing: u64,
    /// Entries that arrived more than once.
    pub repeated: u64,
    /// Push requests.
    pub pushes: u64,
    /// Samples that arrived.
    pub samples: u64,
    /// Remote-write requests.
    pub writes: u64,
}

impl Tally {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The application wrote an entry.
    pub fn wrote(&self, entry: &str) {
        self.counts().written.push(entry.into());
    }

    /// How many entries were written.
    pub fn written(&self) -> u64 {
        self.counts().written.len() as u64
    }

    /// A push request arrived with these lines.
    pub fn pushed<'a>(&self, lines: impl Iterator<Item = &'a str>) {
        let mut counts = self.counts();
        counts.pushes += 1;
        for line in lines {
            *counts.arrived.entry(line.into()).or_default() += 1;
        }
        drop(counts);
        self.arrived.notify_one();
    }

    /// A remote-write request arrived with so many samples.
    pub fn wrote_samples(&self, samples: u64) {
        let mut counts = self.counts();
        counts.writes += 1;
        counts.samples += samples;
    }

    fn outstanding(&self) -> usize {
        let counts = self.counts();
        counts.written.len().saturating_sub(counts.arrived.len())
    }

    /// Waits until all but the last entry, which `multiline` may still hold, have arrived, but no longer than `most`.
    pub async fn all_read(&self, most: Duration) {
        let wait = async {
            while self.outstanding() > 1 {
                self.arrived.notified().await;
            }
        };
        // Late is told by the summary.
        let _ = tokio::time::timeout(most, wait).await;
    }

    /// The end of the story.
    pub fn result(&self) -> Summary {
        let counts = self.counts();
        let missing = counts
            .written
            .iter()
            .filter(|entry| !counts.arrived.contains_key(*entry))
            .count();
        Summary {
            written: counts.written.len() as u64,
            traces: counts.written.iter().filter(|entry| entry.contains('\n')).count() as u64,
            missing: missing as u64,
            repeated: counts.arrived.values().filter(|&&times| times > 1).count() as u64,
            pushes: counts.pushes,
            samples: counts.samples,
            writes: counts.writes,
        }
    }
}
