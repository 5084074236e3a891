//! The time stages are given.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Nanoseconds since the Unix epoch, advancing with tokio's clock between calls of [`WallClock::follow`]. One that was
/// started at a given time has only tokio's clock to follow: time that is stopped in tests stops this too.
#[derive(Clone, Copy, Debug)]
pub struct WallClock {
    started: Instant,
    epoch: i64,
    /// Whether there is a system's clock to follow.
    follows: bool,
}

impl WallClock {
    /// A difference from the system's clock that is a step and no drift: a second, in nanoseconds.
    const STEP: u64 = 1_000_000_000;

    /// Starts at the system's time.
    #[must_use]
    pub fn start() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            follows: true,
            ..Self::starting_at(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
        }
    }

    /// Starts at `epoch` nanoseconds, whatever the system's clock says, and never follows it.
    #[must_use]
    pub fn starting_at(epoch: i64) -> Self {
        Self {
            started: Instant::now(),
            epoch,
            follows: false,
        }
    }

    /// Follows the system's clock when it was set, or the machine slept: called between batches.
    pub fn follow(&mut self) {
        if !self.follows {
            return;
        }
        let system = Self::start();
        if system.epoch.abs_diff(self.now()) > Self::STEP {
            *self = system;
        }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> i64 {
        let passed = i64::try_from(self.started.elapsed().as_nanos()).unwrap_or(i64::MAX);
        self.epoch.saturating_add(passed)
    }

    /// When it will be `at`, on tokio's clock; never further off than a day, which is as good as later.
    #[must_use]
    pub fn instant(&self, at: i64) -> Instant {
        let wait = u64::try_from(at.saturating_sub(self.now())).unwrap_or(0);
        Instant::now() + Duration::from_nanos(wait).min(Duration::from_secs(86_400))
    }
}
