//! Waiting between attempts: doubling, with jitter, bounded.
//!
//! Jitter scales a wait to 50–100 % of its nominal length. Not "full jitter" (0–100 %), because a wait of nothing
//! against a receiver that has just said no is an attempt wasted; half is enough to pull a fleet apart.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// How failed requests are repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The first wait.
    pub min: Duration,
    /// The longest wait.
    pub max: Duration,
    /// How many repetitions before the batch is dropped and counted; `None` is no limit.
    pub retries: Option<u32>,
}

impl Backoff {
    /// How long to wait after failed attempt number `attempt` (the first is 0), given `jitter` in 0..1.
    #[must_use]
    pub fn delay(&self, attempt: u32, jitter: f64) -> Duration {
        // Any float comes out as a number in 0..1: a wait must never panic, whatever the seam hands in.
        let jitter = if jitter.is_finite() {
            jitter.clamp(0.0, 1.0)
        } else {
            1.0
        };
        let nominal = self
            .min
            .saturating_mul(2u32.saturating_pow(attempt))
            .min(self.max);
        nominal.mul_f64(0.5 + jitter / 2.0).min(nominal)
    }

    /// Whether failed attempt number `attempt` (the first is 0) was the last one allowed.
    #[must_use]
    pub fn exhausted(&self, attempt: u32) -> bool {
        self.retries.is_some_and(|retries| attempt >= retries)
    }
}

/// Where jitter comes from: a seam, so that tests give a seed.
///
/// A generator of our own (SplitMix64), because spreading waits needs no crate and no cryptography.
#[derive(Clone, Debug)]
pub struct Jitter(u64);

impl Jitter {
    /// The same numbers for the same seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// Different numbers in every process and for every call; the randomness is what hash maps are keyed with.
    #[must_use]
    pub fn random() -> Self {
        Self(RandomState::new().hash_one(0u8))
    }

    /// The next number in 0..1.
    pub fn draw(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        // 32 bits are exact in a float and more than jitter needs.
        f64::from((z >> 32) as u32) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn backoff(min: u64, max: u64) -> Backoff {
        Backoff {
            min: Duration::from_millis(min),
            max: Duration::from_millis(max),
            retries: None,
        }
    }

    proptest! {
        #[test]
        fn a_wait_is_half_to_all_of_the_doubled_minimum(min in 1u64..10_000, max in 1u64..1_000_000,
                                                        attempt in 0u32..100, jitter in 0.0f64..1.0) {
            let nominal = Duration::from_millis(min).saturating_mul(2u32.saturating_pow(attempt))
                .min(Duration::from_millis(max));
            let wait = backoff(min, max).delay(attempt, jitter);
            prop_assert!(wait <= nominal);
            prop_assert!(wait + Duration::from_nanos(1) >= nominal / 2);
        }

        #[test]
        fn waits_never_shrink_with_attempts(min in 1u64..10_000, max in 1u64..1_000_000,
                                            attempt in 0u32..100, jitter in 0.0f64..1.0) {
            let backoff = backoff(min, max);
            prop_assert!(backoff.delay(attempt + 1, jitter) >= backoff.delay(attempt, jitter));
        }

        #[test]
        fn no_number_panics(min in any::<u64>(), max in any::<u64>(), attempt in any::<u32>(), jitter in any::<f64>()) {
            let backoff = Backoff { min: Duration::from_secs(min), max: Duration::from_secs(max), retries: None };
            prop_assert!(backoff.delay(attempt, jitter) <= backoff.max);
        }

        #[test]
        fn jitter_stays_in_its_range(seed in any::<u64>()) {
            let mut jitter = Jitter::seeded(seed);
            for _ in 0..50 {
                let drawn = jitter.draw();
                prop_assert!((0.0..1.0).contains(&drawn));
            }
        }
    }

    #[test]
    fn doubles_from_min_to_max() {
        let waits = (0..5).map(|attempt| backoff(500, 3_000).delay(attempt, 1.0).as_millis());
        assert_eq!(waits.collect::<Vec<_>>(), [500, 1_000, 2_000, 3_000, 3_000]);
    }

    #[test]
    fn a_limit_counts_repetitions() {
        let twice = Backoff {
            retries: Some(2),
            ..backoff(1, 1)
        };
        assert!(!twice.exhausted(1));
        assert!(twice.exhausted(2));
        assert!(!backoff(1, 1).exhausted(u32::MAX));
    }

    #[test]
    fn a_seed_repeats_and_chance_does_not() {
        assert_eq!(
            Jitter::seeded(7).draw().to_bits(),
            Jitter::seeded(7).draw().to_bits()
        );
        assert_ne!(
            Jitter::random().draw().to_bits(),
            Jitter::random().draw().to_bits()
        );
    }
}
