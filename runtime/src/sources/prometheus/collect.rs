//! From a body to samples: labels of the target attached, limits kept, duplicates left out.
//!
//! All or nothing: the first thing wrong with a body fails the scrape, and nothing of it is sent.

use millstream_batch::{Labels, LabelsBuilder, SampleBatch};
use millstream_wire::exposition::{Event, ExpositionError, Format, Sample, parse};
use thiserror::Error;

use super::settings::ScrapeSettings;
use super::staleness::Series;
use super::targets;

/// How much of a bad series an error shows.
const SHOWN: usize = 120;

/// Why a body was refused.
#[derive(Debug, Error)]
pub enum CollectError {
    /// It is not an exposition.
    #[error("parsing the exposition")]
    Exposition(#[from] ExpositionError),
    /// A label comes twice, or has no name.
    #[error("the series {series:?} {why}")]
    Labels {
        /// The series as written, cut.
        series: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// More samples than `sample_limit`.
    #[error("the body has {samples} samples, more than the sample_limit of {limit}")]
    SampleLimit {
        /// How many it has.
        samples: usize,
        /// How many it may have.
        limit: u64,
    },
}

/// How far a scrape got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Samples in the body, as far as it was read.
    pub scraped: usize,
    /// Series that the target did not have before.
    pub added: usize,
    /// Samples left out because their series had come before, without a timestamp of its own.
    pub duplicates: usize,
}

/// How the bodies of one target become samples.
#[derive(Clone, Debug)]
pub struct Collector {
    labels: Labels,
    honor_labels: bool,
    honor_timestamps: bool,
    sample_limit: u64,
}

impl Collector {
    /// For a target with these labels.
    #[must_use]
    pub fn new(labels: Labels, settings: &ScrapeSettings) -> Self {
        Self {
            labels,
            honor_labels: settings.honor_labels,
            honor_timestamps: settings.honor_timestamps,
            sample_limit: settings.sample_limit,
        }
    }

    /// Reads a body scraped at `now` (milliseconds) into `batch`; series that vanished end there with a stale
    /// marker. When it fails, all series end with one.
    pub fn collect(
        &self,
        body: &[u8],
        format: Format,
        now: i64,
        series: &mut Series,
        batch: &mut SampleBatch,
    ) -> (Counts, Result<(), CollectError>) {
        series.begin();
        let mut counts = Counts::default();
        let read = self.read(body, format, now, series, batch, &mut counts);
        let ended = match read {
            Ok(()) => {
                let (added, ended) = series.succeed();
                counts.added = added;
                ended
            }
            Err(_) => {
                *batch = SampleBatch::default();
                series.fail()
            }
        };
        end(ended, now, batch);
        (counts, read)
    }

    fn read(
        &self,
        body: &[u8],
        format: Format,
        now: i64,
        series: &mut Series,
        batch: &mut SampleBatch,
        counts: &mut Counts,
    ) -> Result<(), CollectError> {
        for event in parse(body, format) {
            let Event::Sample(sample) = event? else { continue };
            counts.scraped += 1;
            // Beyond the limit samples are only counted: the error should say by how much, at no further cost.
            if self.is_beyond(counts.scraped) {
                continue;
            }
            let timestamp = sample.timestamp.filter(|_| self.honor_timestamps);
            let met = series.meet(sample.series, timestamp.is_some(), || self.labels(&sample))?;
            if met.again && timestamp.is_none() {
                counts.duplicates += 1;
                continue;
            }
            batch.push(met.labels, sample.value, timestamp.unwrap_or(now));
        }
        if self.is_beyond(counts.scraped) {
            return Err(CollectError::SampleLimit {
                samples: counts.scraped,
                limit: self.sample_limit,
            });
        }
        Ok(())
    }

    fn is_beyond(&self, samples: usize) -> bool {
        self.sample_limit > 0 && samples as u64 > self.sample_limit
    }

    fn labels(&self, sample: &Sample<'_>) -> Result<Labels, CollectError> {
        let bad = |why| {
            let series = sample.series.chars().take(SHOWN).collect();
            Err(CollectError::Labels { series, why })
        };
        let mut labels = LabelsBuilder::default();
        let name = sample.name();
        if name.is_empty() {
            return bad("has an empty name");
        }
        labels.set("__name__", &*name);
        for (name, value) in sample.labels() {
            if name.is_empty() {
                return bad("has a label without a name");
            }
            if labels.get(&name).is_some() {
                return bad("has a label twice");
            }
            labels.set(&*name, &*value);
        }
        Ok(targets::attach(labels, &self.labels, self.honor_labels))
    }
}

/// Ends these series at `now`.
pub fn end(series: Vec<Labels>, now: i64, batch: &mut SampleBatch) {
    for labels in series {
        batch.push(labels, f64::from_bits(SampleBatch::STALE), now);
    }
}

#[cfg(test)]
mod tests;
