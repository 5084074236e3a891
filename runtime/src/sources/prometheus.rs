//! The scrape source: reads Prometheus endpoints at an interval.
//!
//! A target is scraped by a task of its own: [`schedule`] says when, [`fetch`] asks, [`collect`] turns the answer
//! into samples with the help of what [`staleness`] remembers, [`report`] adds `up` and its kin. All but the first
//! two are plain state, so that every rule of Prometheus they follow is tested without a clock or a socket.
//!
//! Invariants: per target there is at most one scrape at a time and batches leave in order of their time; a series
//! that was sent and is gone is ended by exactly one stale marker, whether it vanished, its scrape failed or the
//! source stops.
//!
//! Scrapes cannot be read again. When the pipelines are full a target waits, and the scrapes it misses meanwhile are
//! counted: a sample taken late is worth more than one thrown away.

pub mod collect;
pub mod fetch;
pub mod metrics;
pub mod report;
pub mod schedule;
pub mod scraper;
pub mod settings;
pub mod staleness;
pub mod targets;

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::outlet::SampleOutlet;
use crate::causes;
use scraper::Scraper;

pub use metrics::ScrapeMetrics;
pub use settings::{ScrapeSettings, StaticTargets};
pub use targets::TargetError;

/// A scrape source, ready to run.
#[derive(Debug)]
pub struct PrometheusSource {
    scrapers: Vec<Scraper>,
}

impl PrometheusSource {
    /// The source called `name` in the manifest.
    ///
    /// # Errors
    /// When a target has no address, or one that makes no URL.
    pub fn new(
        name: &str,
        settings: &ScrapeSettings,
        client: &reqwest::Client,
        outlet: &SampleOutlet,
        metrics: &ScrapeMetrics,
    ) -> Result<Self, TargetError> {
        let settings = Arc::new(settings.clone());
        let metrics = metrics.of(name);
        let scrapers = targets::resolve(&settings)?
            .into_iter()
            .map(|target| {
                let asker = fetch::Asker::new(client.clone(), &target, settings.clone());
                Scraper::new(name, target, asker, &settings, outlet.clone(), metrics.clone())
            })
            .collect();
        Ok(Self { scrapers })
    }

    /// How many targets it scrapes.
    #[must_use]
    pub fn targets(&self) -> usize {
        self.scrapers.len()
    }

    /// Scrapes until `stop` fires or every pipeline has gone, then ends all series with stale markers.
    pub async fn run(self, stop: CancellationToken) {
        if self.scrapers.is_empty() {
            stop.cancelled().await;
            return;
        }
        let mut tasks = JoinSet::new();
        for scraper in self.scrapers {
            tasks.spawn(scraper.run(stop.clone()));
        }
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(error = causes::told(&error), "a scrape task ended by a bug in it");
            }
        }
    }
}

#[cfg(test)]
mod tests;
