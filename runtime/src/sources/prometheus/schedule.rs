//! When a target is scraped: at a fixed place within the interval, given by its hash.
//!
//! The place is pinned to the wall clock, so that targets are spread evenly, and a restart or a second agent scrapes
//! each where the first did. After that only tokio's clock counts: a wall clock that is set does not disturb it.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// A timestamp this close to the planned one becomes the planned one: timestamps at equal distances compress far
/// better (Prometheus' `ScrapeTimestampTolerance`).
const TOLERANCE: Duration = Duration::from_millis(2);

/// How long from `now` (since the Unix epoch) to the first scrape of a target with this hash.
#[must_use]
pub fn offset(hash: u64, interval: Duration, now: Duration) -> Duration {
    let interval = interval.as_nanos().max(1);
    let into = now.as_nanos() % interval;
    let place = u128::from(hash) % interval;
    let wait = (place + interval - into) % interval;
    Duration::from_nanos(u64::try_from(wait).unwrap_or(u64::MAX))
}

/// The scrapes of one target.
#[derive(Debug)]
pub struct Schedule {
    interval: Duration,
    next: Instant,
    // The wall clock's time of the latest tick if all were exact; `None` before the first.
    planned: Option<i64>,
}

impl Schedule {
    /// The first tick is `offset` from now.
    #[must_use]
    pub fn new(interval: Duration, offset: Duration) -> Self {
        // An interval of 0 is refused by the manifest; here it must merely not spin.
        let interval = interval.max(Duration::from_millis(1));
        Self {
            interval,
            next: Instant::now() + offset,
            planned: None,
        }
    }

    /// Waits for the next tick and says how many before it were missed. Dropped midway, it loses nothing.
    pub async fn tick(&mut self) -> u32 {
        sleep_until(self.next).await;
        let late = self.next.elapsed();
        let missed = u32::try_from(late.as_nanos() / self.interval.as_nanos()).unwrap_or(u32::MAX - 1);
        self.next += self.interval * (missed + 1);
        missed
    }

    /// The timestamp of a scrape begun at `now`, in milliseconds since the Unix epoch: the planned one if that is
    /// near.
    pub fn timestamp(&mut self, now: i64) -> i64 {
        let interval = i64::try_from(self.interval.as_millis()).unwrap_or(i64::MAX);
        let tolerance = i64::try_from(TOLERANCE.min(self.interval / 100).as_millis()).unwrap_or_default();
        let Some(before) = self.planned else {
            self.planned = Some(now);
            return now;
        };
        // The multiple of the interval that is nearest; a clock that was set begins a new series.
        let steps = (now.saturating_sub(before).saturating_add(interval / 2)).div_euclid(interval.max(1));
        let planned = before.saturating_add(steps.saturating_mul(interval));
        let near = steps > 0 && now.saturating_sub(planned).saturating_abs() <= tolerance;
        let timestamp = if near { planned } else { now };
        self.planned = Some(timestamp);
        timestamp
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn every_target_has_its_place_in_the_interval() {
        let place = Duration::from_secs(17);
        let hash = u64::try_from((MINUTE * 5 + place).as_nanos()).unwrap();
        for now in [0, 1, 16, 17, 18, 59, 60, 100, 1_715_688_000] {
            let now = Duration::from_secs(now);
            let first = now + offset(hash, MINUTE, now);
            assert_eq!(first.as_nanos() % MINUTE.as_nanos(), place.as_nanos());
            assert!(first - now < MINUTE);
        }
        assert_eq!(offset(u64::MAX, Duration::ZERO, MINUTE), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn ticks_keep_their_place_and_count_what_was_missed() {
        let start = Instant::now();
        let mut schedule = Schedule::new(MINUTE, Duration::from_secs(5));
        assert_eq!(schedule.tick().await, 0);
        assert_eq!(start.elapsed(), Duration::from_secs(5));
        assert_eq!(schedule.tick().await, 0);
        assert_eq!(start.elapsed(), Duration::from_secs(65));
        tokio::time::advance(Duration::from_secs(190)).await;
        // Due at 125, 185 and 245; it is 255: one now, two lost, and the next again in its place.
        assert_eq!(schedule.tick().await, 2);
        assert_eq!(start.elapsed(), Duration::from_secs(255));
        assert_eq!(schedule.tick().await, 0);
        assert_eq!(start.elapsed(), Duration::from_secs(305));
    }

    #[tokio::test(start_paused = true)]
    async fn timestamps_are_the_planned_ones_when_near() {
        let mut schedule = Schedule::new(Duration::from_secs(10), Duration::ZERO);
        let given: Vec<i64> = [1_000, 11_002, 21_001, 31_003, 41_003, 71_004, 60_000, 70_001]
            .into_iter()
            .map(|now| schedule.timestamp(now))
            .collect();
        // 31,003 is too far from 31,000 and begins anew; so does the clock set back to 60,000.
        assert_eq!(
            given,
            [1_000, 11_000, 21_000, 31_003, 41_003, 71_003, 60_000, 70_000]
        );
    }
}
