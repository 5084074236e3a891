//! What the checkpoint book says about its saves.

use std::sync::{Mutex, OnceLock, PoisonError};

use prometheus::{IntCounter, IntGauge, Registry};
use tokio::time::Instant;

/// The metrics of saving; counted once they are registered.
#[derive(Debug)]
pub struct Saves {
    series: OnceLock<(IntCounter, IntGauge)>,
    /// When all that had changed was on disk.
    current: Mutex<Instant>,
}

impl Default for Saves {
    fn default() -> Self {
        Self {
            series: OnceLock::new(),
            current: Mutex::new(Instant::now()),
        }
    }
}

impl Saves {
    /// Makes and registers the series.
    ///
    /// # Errors
    /// When a name is taken.
    pub fn register_in(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        let failures = IntCounter::new(
            "millstream_checkpoint_save_failures_total",
            "Times the checkpoints could not be saved.",
        )?;
        let age = IntGauge::new(
            "millstream_checkpoint_age_seconds",
            "For how long the checkpoints on disk have been behind, in seconds: what a crash would repeat.",
        )?;
        registry.register(Box::new(failures.clone()))?;
        registry.register(Box::new(age.clone()))?;
        // Registered a second time it would have been refused above.
        let _ = self.series.set((failures, age));
        Ok(())
    }

    /// A save failed.
    pub fn failed(&self) {
        if let Some((failures, _)) = self.series.get() {
            failures.inc();
        }
    }

    /// What is on disk is up to date.
    pub fn current(&self) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.tick();
    }

    /// Time has passed.
    pub fn tick(&self) {
        let since = *self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, age)) = self.series.get() {
            age.set(i64::try_from(since.elapsed().as_secs()).unwrap_or(i64::MAX));
        }
    }
}
