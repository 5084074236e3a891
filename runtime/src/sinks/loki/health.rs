//! What the log says of the receiver: once when it goes down, once when it is back, never per attempt.

use tokio::time::Instant;
use tracing::{error, info, warn};

use crate::delivery::Losses;
use crate::delivery::losses::QUIET;

/// The kind of trouble. A change of kind within one outage is said again: "refused" after "overloaded" is news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No answer.
    Unreachable,
    /// It asks us to slow down.
    Busy,
    /// It fails.
    Failing,
    /// Someone must mend our settings or the road.
    Misconfigured,
}

impl Trouble {
    /// What a status (`None`: no answer) stands for.
    #[must_use]
    pub fn of(status: Option<u16>) -> Self {
        match status {
            None => Self::Unreachable,
            Some(408 | 429) => Self::Busy,
            Some(500..=599) => Self::Failing,
            Some(_) => Self::Misconfigured,
        }
    }
}

/// The state of a receiver, as last said.
#[derive(Debug)]
pub struct Health {
    sink: String,
    endpoint: String,
    outage: Option<Outage>,
    said: Vec<(Trouble, Instant)>,
    losses: Losses,
}

#[derive(Debug)]
struct Outage {
    since: Instant,
    attempts: u64,
    said: bool,
}

impl Health {
    /// Up, as far as anyone knows. `endpoint` is shown in the log.
    #[must_use]
    pub fn new(sink: String, endpoint: String) -> Self {
        Self {
            sink,
            endpoint,
            outage: None,
            said: Vec::new(),
            losses: Losses::default(),
        }
    }

    /// The sink's name.
    #[must_use]
    pub fn sink(&self) -> &str {
        &self.sink
    }

    /// An attempt failed and will be repeated. Says whether that was logged.
    pub fn failed(&mut self, trouble: Trouble, why: &str) -> bool {
        let now = Instant::now();
        let outage = self.outage.get_or_insert(Outage {
            since: now,
            attempts: 0,
            said: false,
        });
        outage.attempts += 1;
        let since_start = |at: Instant| at >= outage.since;
        let last = self
            .said
            .iter()
            .find(|(said, _)| *said == trouble)
            .map(|(_, at)| *at);
        if last.is_some_and(|at| since_start(at) || now.duration_since(at) < QUIET) {
            return false;
        }
        self.said.retain(|(said, _)| *said != trouble);
        self.said.push((trouble, now));
        outage.said = true;
        let (sink, endpoint) = (&self.sink, &self.endpoint);
        if trouble == Trouble::Misconfigured {
            error!(
                sink,
                endpoint,
                why,
                "the receiver refuses us; entries are kept and sent again, but someone must look"
            );
        } else {
            warn!(
                sink,
                endpoint, why, "cannot deliver; entries are kept and sent again"
            );
        }
        true
    }

    /// The receiver has taken something. Says whether that was logged.
    pub fn succeeded(&mut self) -> bool {
        let Some(outage) = self.outage.take() else {
            return false;
        };
        if outage.said {
            let (sink, endpoint, attempts) = (&self.sink, &self.endpoint, outage.attempts);
            info!(
                sink,
                endpoint,
                attempts,
                seconds = outage.since.elapsed().as_secs_f64(),
                "delivers again"
            );
        }
        outage.said
    }

    /// Entries were given up. Says whether that was logged; what was not is in the next message's number.
    pub fn dropped(&mut self, reason: &str, entries: usize, why: &str) -> bool {
        let Some(entries) = self.losses.add(entries as u64) else {
            return false;
        };
        error!(
            sink = self.sink,
            endpoint = self.endpoint,
            reason,
            entries,
            why,
            "dropped entries"
        );
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn health() -> Health {
        Health::new("loki".to_owned(), "http://loki/push".to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_is_said_once_and_so_is_its_end() {
        let mut health = health();
        assert!(!health.succeeded());
        assert!(health.failed(Trouble::Unreachable, "refused"));
        for _ in 0..100 {
            tokio::time::advance(Duration::from_secs(100)).await;
            assert!(!health.failed(Trouble::Unreachable, "refused"));
        }
        assert!(health.succeeded());
        assert!(!health.succeeded());
    }

    #[tokio::test(start_paused = true)]
    async fn another_kind_of_trouble_is_news() {
        let mut health = health();
        assert!(health.failed(Trouble::Unreachable, "refused"));
        assert!(health.failed(Trouble::Misconfigured, "status 401"));
        assert!(!health.failed(Trouble::Unreachable, "refused"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_flapping_receiver_does_not_flood_the_log() {
        let mut health = health();
        let mut said = 0;
        for _ in 0..120 {
            tokio::time::advance(Duration::from_secs(1)).await;
            said += u32::from(health.failed(Trouble::Busy, "status 429"));
            said += u32::from(health.succeeded());
        }
        assert_eq!(said, 4, "down and up, twice in two minutes");
    }

    #[tokio::test(start_paused = true)]
    async fn drops_are_said_at_once_and_then_once_a_minute() {
        let mut health = health();
        assert!(health.dropped("line_too_long", 1, "status 413"));
        assert!(!health.dropped("line_too_long", 1, "status 413"));
        tokio::time::advance(QUIET).await;
        assert!(health.dropped("line_too_long", 1, "status 413"));
    }
}
