//! The breaker: takes a stage that keeps failing out of the way, and tries it again later.
//!
//! It opens when [`IN_A_ROW`] calls have failed with no success between them, or when failures have cost more time than a
//! stage is given for them: [`DEBT`] at once, and a [`SHARE`]th of the time for ever. While it is open rows pass the stage by under
//! its `on_error`. After a while, doubled each time up to [`WAIT_MAX`], the stage is tried again.
//!
//! By time and not by a rate of failed batches: a log with one poisonous entry per batch needs its stage for all others, and a few
//! calls of a millisecond to find that entry are cheap; five calls that each run into their time limit are not.

use std::time::Duration;

/// More than it takes to halve a batch of 4,096 rows down to a poisonous first row, so that one such row never opens it.
const IN_A_ROW: u32 = 16;

/// What failures may cost at once: five calls that run into the default time limit.
const DEBT: Duration = Duration::from_secs(5);

/// One part in this many of all time may go to failures.
const SHARE: u32 = 4;

/// The first wait before the stage is tried again.
const WAIT_MIN: Duration = Duration::from_secs(1);

/// The longest wait.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// Whether a stage is called, by how its calls went. Times are nanoseconds since the epoch.
#[derive(Debug)]
pub struct Breaker {
    in_a_row: u32,
    debt: Duration,
    /// Until when debt was paid back.
    paid: Option<i64>,
    opened: Option<Opened>,
    /// The wait of the next opening.
    wait: Duration,
}

/// It stands open.
#[derive(Clone, Copy, Debug)]
struct Opened {
    until: i64,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            in_a_row: 0,
            debt: Duration::ZERO,
            paid: None,
            opened: None,
            wait: WAIT_MIN,
        }
    }
}

impl Breaker {
    /// Whether the stage is to be passed by. When the wait is over it closes for a trial: half the debt is still owed.
    pub fn is_open(&mut self, now: i64) -> bool {
        match self.opened {
            Some(opened) if now < opened.until => true,
            Some(_) => {
                self.opened = None;
                self.in_a_row = 0;
                self.debt = DEBT / 2;
                self.paid = Some(now);
                false
            }
            None => false,
        }
    }

    /// A call went well.
    pub fn succeeded(&mut self, now: i64) {
        if self.in_a_row == 0 && self.debt.is_zero() {
            return;
        }
        self.in_a_row = 0;
        self.pay(now);
        if self.debt.is_zero() {
            self.wait = WAIT_MIN;
        }
    }

    /// A call failed after so long; answers for how long it opens, if it does.
    pub fn failed(&mut self, took: Duration, now: i64) -> Option<Duration> {
        self.pay(now);
        self.in_a_row += 1;
        self.debt += took;
        if self.in_a_row < IN_A_ROW && self.debt < DEBT {
            return None;
        }
        let wait = self.wait;
        self.wait = (wait * 2).min(WAIT_MAX);
        let nanos = i64::try_from(wait.as_nanos()).unwrap_or(i64::MAX);
        self.opened = Some(Opened {
            until: now.saturating_add(nanos),
        });
        Some(wait)
    }

    fn pay(&mut self, now: i64) {
        let since = self.paid.replace(now).unwrap_or(now);
        let passed = Duration::from_nanos(u64::try_from(now.saturating_sub(since)).unwrap_or(0));
        self.debt = self.debt.saturating_sub(passed / SHARE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn one_poisonous_row_in_a_batch_of_4096_never_opens_it() {
        let mut breaker = Breaker::default();
        for batch in 0..10_000 {
            let now = batch * SECOND / 10;
            for _ in 0..13 {
                assert_eq!(
                    breaker.failed(Duration::from_millis(1), now),
                    None,
                    "batch {batch}"
                );
            }
            breaker.succeeded(now);
        }
    }

    #[test]
    fn a_stage_that_always_fails_is_passed_by_and_tried_less_and_less_often() {
        let mut breaker = Breaker::default();
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..9 {
            let wait = (0..IN_A_ROW)
                .find_map(|_| breaker.failed(Duration::ZERO, now))
                .unwrap();
            waits.push(wait.as_secs());
            let until = now + i64::try_from(wait.as_nanos()).unwrap();
            assert!(breaker.is_open(until - 1));
            assert!(!breaker.is_open(until));
            now = until;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }

    #[test]
    fn calls_that_run_into_their_limit_open_it_by_the_time_they_cost() {
        let mut breaker = Breaker::default();
        let second = Duration::from_secs(1);
        let mut now = 0;
        let failed = (1..).find(|_| {
            now += SECOND;
            let opened = breaker.failed(second, now).is_some();
            breaker.succeeded(now);
            opened
        });
        assert_eq!(failed, Some(7), "each second pays a quarter of one back");
    }

    #[test]
    fn calm_brings_the_first_wait_back() {
        let mut breaker = Breaker::default();
        let open =
            |breaker: &mut Breaker, now| (0..IN_A_ROW).find_map(|_| breaker.failed(Duration::ZERO, now));
        assert_eq!(open(&mut breaker, 0), Some(WAIT_MIN));
        assert!(!breaker.is_open(2 * SECOND));
        assert_eq!(open(&mut breaker, 2 * SECOND), Some(WAIT_MIN * 2));
        assert!(!breaker.is_open(5 * SECOND));
        breaker.succeeded(5 * SECOND);
        breaker.succeeded(60 * SECOND);
        assert_eq!(open(&mut breaker, 61 * SECOND), Some(WAIT_MIN));
    }
}
