//! The series that a scrape says about itself: `up` and its kin.

use std::time::Duration;

use millstream_batch::{Labels, LabelsBuilder, SampleBatch};

use super::collect::{Counts, end};
use super::targets::attach;

/// The names, in the order of `Report::new`'s values.
const NAMES: [&str; 5] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
];

/// The report series of one target.
#[derive(Clone, Debug)]
pub struct Report {
    series: [Labels; NAMES.len()],
}

impl Report {
    /// For a target with these labels.
    #[must_use]
    pub fn new(target: &Labels) -> Self {
        Self {
            series: NAMES.map(|name| {
                let mut labels = LabelsBuilder::default();
                labels.set("__name__", name);
                attach(labels, target, false)
            }),
        }
    }

    /// Appends what to report of a scrape at `now` (milliseconds).
    pub fn tell(&self, up: bool, took: Duration, counts: &Counts, now: i64, batch: &mut SampleBatch) {
        // Relabelling is a stage's business here, so as many samples leave the source as were scraped.
        let scraped = counts.scraped as f64;
        let values = [
            f64::from(u8::from(up)),
            took.as_secs_f64(),
            scraped,
            scraped,
            counts.added as f64,
        ];
        for (labels, value) in self.series.iter().zip(values) {
            batch.push(labels.clone(), value, now);
        }
    }

    /// Ends the report series.
    pub fn end(&self, now: i64, batch: &mut SampleBatch) {
        end(self.series.to_vec(), now, batch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_the_five_series_of_prometheus() {
        let report = Report::new(&Labels::from_pairs([("instance", "i"), ("job", "j")]));
        let mut batch = SampleBatch::default();
        let counts = Counts {
            scraped: 7,
            added: 2,
            duplicates: 1,
        };
        report.tell(true, Duration::from_millis(250), &counts, 9, &mut batch);
        let told: Vec<(&str, f64)> = batch
            .labels
            .iter()
            .map(|labels| labels.get("__name__").unwrap())
            .zip(batch.values.clone())
            .collect();
        assert_eq!(
            told,
            NAMES
                .into_iter()
                .zip([1.0, 0.25, 7.0, 7.0, 2.0])
                .collect::<Vec<_>>()
        );
        assert_eq!(
            batch.labels[0].to_string(),
            r#"{__name__="up", instance="i", job="j"}"#
        );

        let mut batch = SampleBatch::default();
        report.end(10, &mut batch);
        assert!(
            batch
                .values
                .iter()
                .all(|value| value.to_bits() == SampleBatch::STALE)
        );
        assert_eq!(batch.timestamps, [10; 5]);
    }
}
