//! The task of one target: wait, ask, collect, report, hand on.

use std::time::{Duration, SystemTime};

use millstream_batch::SampleBatch;
use thiserror::Error;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::collect::{CollectError, Collector, Counts, end};
use super::fetch::{Asker, FetchError};
use super::metrics::SourceMetrics;
use super::report::Report;
use super::schedule::{Schedule, offset};
use super::settings::ScrapeSettings;
use super::staleness::Series;
use super::targets::Target;
use crate::causes;
use crate::sources::outlet::{Closed, SampleOutlet};

/// How long a batch may wait for full pipelines once the source has to stop: long enough for a pipeline that is merely
/// busy, short against any drain deadline.
const GRACE: Duration = Duration::from_secs(2);

/// Why a scrape failed.
#[derive(Debug, Error)]
enum ScrapeError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Collect(#[from] CollectError),
}

impl ScrapeError {
    /// The metric's `result`.
    fn result(&self) -> &'static str {
        match self {
            Self::Fetch(FetchError::Request { .. }) => "request",
            Self::Fetch(FetchError::Credentials { .. }) => "credentials",
            Self::Fetch(FetchError::Timeout { .. }) => "timeout",
            Self::Fetch(FetchError::Status { .. }) => "status",
            Self::Fetch(FetchError::BodySizeLimit { .. }) => "body_size_limit",
            Self::Collect(CollectError::SampleLimit { .. }) => "sample_limit",
            Self::Collect(_) => "parse",
        }
    }
}

/// What scrapes one target.
#[derive(Debug)]
pub struct Scraper {
    source: String,
    shown: String,
    hash: u64,
    interval: Duration,
    asker: Asker,
    collector: Collector,
    report: Report,
    series: Series,
    outlet: SampleOutlet,
    metrics: SourceMetrics,
    // `None` before the first scrape.
    up: Option<bool>,
}

impl Scraper {
    pub(super) fn new(
        source: &str,
        target: Target,
        asker: Asker,
        settings: &ScrapeSettings,
        outlet: SampleOutlet,
        metrics: SourceMetrics,
    ) -> Self {
        Self {
            source: source.into(),
            shown: asker.shown(),
            hash: target.hash,
            interval: settings.scrape_interval,
            asker,
            report: Report::new(&target.labels),
            collector: Collector::new(target.labels, settings),
            series: Series::default(),
            outlet,
            metrics,
            up: None,
        }
    }

    /// Scrapes until `stop` fires or the pipelines have gone, then ends every series.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        self.metrics.targets.inc();
        let mut schedule = Schedule::new(self.interval, offset(self.hash, self.interval, wall_clock()));
        while let Some(missed) = stop.run_until_cancelled(schedule.tick()).await {
            self.metrics.missed.inc_by(missed.into());
            let now = schedule.timestamp(milliseconds(wall_clock()));
            let Some(batch) = stop.run_until_cancelled(self.scrape(now)).await else {
                break;
            };
            if pour(&self.outlet, batch, &stop).await.is_err() {
                break;
            }
        }
        if self.up.is_some() {
            let mut batch = SampleBatch::default();
            let now = milliseconds(wall_clock());
            end(self.series.fail(), now, &mut batch);
            self.report.end(now, &mut batch);
            // When the pipelines have gone, nobody is left to be told.
            let _ = pour(&self.outlet, batch, &stop).await;
        }
        self.metrics.targets.dec();
        if self.up == Some(true) {
            self.metrics.up.dec();
        }
    }

    /// One scrape at `now` (milliseconds): its samples, what ended, and the report. Dropped while it asks, it changes
    /// nothing.
    async fn scrape(&mut self, now: i64) -> SampleBatch {
        let start = Instant::now();
        let mut batch = SampleBatch::default();
        let page = self.asker.ask().await;
        let (counts, result) = match page {
            Ok(page) => {
                self.metrics.bytes.inc_by(page.body.len() as u64);
                let (counts, result) =
                    self.collector
                        .collect(&page.body, page.format, now, &mut self.series, &mut batch);
                (counts, result.map_err(ScrapeError::from))
            }
            Err(error) => {
                self.series.begin();
                end(self.series.fail(), now, &mut batch);
                (Counts::default(), Err(error.into()))
            }
        };
        let took = start.elapsed();
        self.metrics.duration.observe(took.as_secs_f64());
        self.metrics.samples.inc_by(counts.scraped as u64);
        self.metrics.duplicates(counts.duplicates);
        self.metrics
            .count(result.as_ref().map_or_else(ScrapeError::result, |()| "ok"));
        self.report.tell(result.is_ok(), took, &counts, now, &mut batch);
        self.note(result);
        batch
    }

    /// Says it once when the target goes up or down.
    fn note(&mut self, result: Result<(), ScrapeError>) {
        let up = result.is_ok();
        let was = self.up.replace(up);
        if was == Some(up) {
            return;
        }
        let (source, endpoint) = (&*self.source, &*self.shown);
        match result {
            Ok(()) => {
                self.metrics.up.inc();
                tracing::info!(source, endpoint, "the target is up");
            }
            Err(error) => {
                if was == Some(true) {
                    self.metrics.up.dec();
                }
                tracing::warn!(
                    source,
                    endpoint,
                    error = causes::told(&error),
                    "the target is down"
                );
            }
        }
    }
}

/// Hands a batch on, waiting while the pipelines are full; once `stop` has fired, not for long.
async fn pour(outlet: &SampleOutlet, batch: SampleBatch, stop: &CancellationToken) -> Result<(), Closed> {
    let patience = async {
        stop.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        biased;
        sent = outlet.send(batch) => sent,
        () = patience => Ok(()),
    }
}

/// The time since the Unix epoch; a clock before it is taken for it.
fn wall_clock() -> Duration {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_full_pipeline_holds_up_a_batch_but_not_the_end() {
        let (pipe, mut batches) = mpsc::channel(1);
        let outlet = SampleOutlet::new(vec![pipe]);
        let stop = CancellationToken::new();
        assert!(pour(&outlet, SampleBatch::default(), &stop).await.is_ok());

        let waiting = pour(&outlet, SampleBatch::default(), &stop);
        let hour = Duration::from_secs(3600);
        assert!(
            tokio::time::timeout(hour, waiting).await.is_err(),
            "nothing is thrown away while we run"
        );

        stop.cancel();
        let start = Instant::now();
        assert!(pour(&outlet, SampleBatch::default(), &stop).await.is_ok());
        assert_eq!(start.elapsed(), GRACE);

        batches.recv().await.unwrap();
        assert!(pour(&outlet, SampleBatch::default(), &stop).await.is_ok());
        assert_eq!(start.elapsed(), GRACE, "with room there is nothing to wait for");
        drop(batches);
        assert!(pour(&outlet, SampleBatch::default(), &stop).await.is_err());
    }
}
