//! When losses are told: at once, and then at most once a minute while they go on.
//!
//! Each is counted by a metric where it happens; the log must show that it goes on, and stay readable.

use std::time::Duration;

use tokio::time::Instant;

/// The shortest time between two equal messages. A receiver at its rate limit refuses and takes by turns, several times
/// a second; a minute keeps the log readable and still shows that it goes on.
pub const QUIET: Duration = Duration::from_secs(60);

/// Losses of one kind, as told so far.
#[derive(Debug, Default)]
pub struct Losses {
    untold: u64,
    told: Option<Instant>,
}

impl Losses {
    /// Rows were lost. How many to tell of now, with those that were not told before; `None`: it is too early.
    pub fn add(&mut self, rows: u64) -> Option<u64> {
        self.untold += rows;
        if self.told.is_some_and(|at| at.elapsed() < QUIET) {
            return None;
        }
        self.told = Some(Instant::now());
        Some(std::mem::take(&mut self.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn losses_are_told_at_once_and_then_once_a_minute_with_all_that_came_between() {
        let mut losses = Losses::default();
        assert_eq!(losses.add(3), Some(3));
        assert_eq!(losses.add(2), None);
        tokio::time::advance(QUIET).await;
        assert_eq!(losses.add(5), Some(7));
        assert_eq!(losses.untold, 0);
    }
}
