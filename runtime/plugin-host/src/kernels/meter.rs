//! What a call has left: its time, told by the clock that also ends guests, and the bytes it may make.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::KernelError;

/// How often the engine's clock has ticked. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ticks(Arc<AtomicU64>);

impl Ticks {
    /// One more.
    pub(crate) fn advance(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The time and bytes of one call.
#[derive(Debug)]
pub(crate) struct Meter {
    ticks: Ticks,
    until: u64,
    limit: usize,
    left: usize,
}

impl Meter {
    pub(super) fn new(ticks: Ticks, limit: u64, bytes: usize) -> Self {
        let until = ticks.now().saturating_add(limit);
        Self {
            ticks,
            until,
            limit: bytes,
            left: bytes,
        }
    }

    /// Whether there is time left.
    pub(super) fn goes_on(&self) -> bool {
        self.ticks.now() < self.until
    }

    /// Before each row: is there time left?
    pub(super) fn row(&self) -> Result<(), KernelError> {
        if self.goes_on() {
            Ok(())
        } else {
            Err(KernelError::Late)
        }
    }

    /// Takes bytes that are about to be made.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), KernelError> {
        self.left = self
            .left
            .checked_sub(bytes)
            .ok_or(KernelError::Flood { limit: self.limit })?;
        Ok(())
    }

    /// How many bytes may still be made.
    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// Why something that the meter bounded was not done.
    pub(super) fn reason(&self) -> KernelError {
        if self.goes_on() {
            KernelError::Flood { limit: self.limit }
        } else {
            KernelError::Late
        }
    }
}
