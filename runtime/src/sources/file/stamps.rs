//! The times of entries: when they were read, each its own.
//!
//! Invariant: of one source no time comes twice and none is before one that was given. Loki sorts entries by time
//! and takes two of a stream that are equal in time and text for one, so two equal lines read in the same
//! nanosecond would become one, and lines of equal time may change places.

use std::time::SystemTime;

/// Gives out times.
#[derive(Debug)]
pub struct Stamps {
    now: fn() -> i64,
    last: i64,
}

impl Stamps {
    /// From this clock (nanoseconds since the Unix epoch).
    #[must_use]
    pub fn new(now: fn() -> i64) -> Self {
        Self { now, last: i64::MIN }
    }

    /// The times of the next `rows` entries: now and on, a nanosecond apart.
    pub fn next(&mut self, rows: usize) -> Vec<i64> {
        let first = (self.now)().max(self.last.saturating_add(1));
        let stamps: Vec<i64> = (first..).take(rows).collect();
        self.last = stamps.last().copied().unwrap_or(self.last);
        stamps
    }
}

/// The wall clock.
#[must_use]
pub fn wall() -> i64 {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_time_twice_even_when_the_clock_stands_still() {
        let mut stamps = Stamps::new(|| 100);
        assert_eq!(stamps.next(3), [100, 101, 102]);
        assert_eq!(stamps.next(0), [0i64; 0]);
        assert_eq!(stamps.next(2), [103, 104]);
    }

    #[test]
    fn the_wall_clock_is_after_this_was_written() {
        assert!(wall() > 1_767_000_000_000_000_000);
    }
}
