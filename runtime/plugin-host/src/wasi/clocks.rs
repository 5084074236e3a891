//! Clocks, and waiting for them without waiting.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wasmtime::Result;
use wasmtime::component::Resource;

use super::Wasi;
use super::bindings::wasi::clocks::{monotonic_clock, wall_clock};

/// By how much the stubbed clock goes on with every look, in nanoseconds. More than nothing, because a loop that looks at
/// the clock until it has moved would never end.
const STEP: u64 = 1_000;

/// The clock that only goes on. Its zero is the instance's start.
#[derive(Default)]
pub(super) struct Monotonic {
    /// What was looked at and slept through, in nanoseconds.
    skipped: u64,
    began: Option<Real>,
}

#[expect(
    clippy::disallowed_types,
    reason = "what is granted is the system's clock, also where tokio's is stopped"
)]
type Real = std::time::Instant;

impl Monotonic {
    /// Nanoseconds since the start.
    fn look(&mut self, granted: bool) -> u64 {
        if !granted {
            self.skipped = self.skipped.saturating_add(STEP);
            return self.skipped;
        }
        #[expect(clippy::disallowed_methods, reason = "likewise")]
        let now = Real::now();
        let since = now.duration_since(*self.began.get_or_insert(now));
        self.skipped.saturating_add(nanoseconds(since))
    }

    /// Goes on to a time, if that has not come.
    pub(super) fn skip_to(&mut self, when: u64, granted: bool) {
        let now = self.look(granted);
        self.skipped = self.skipped.saturating_add(when.saturating_sub(now));
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Something to wait for.
#[derive(Clone, Copy)]
pub enum Pollable {
    /// It has come: files and output never make anybody wait.
    Ready,
    /// A time of the monotonic clock.
    At(u64),
}

impl Wasi {
    pub(super) fn look(&mut self) -> u64 {
        self.monotonic.look(self.granted.clock)
    }
}

impl monotonic_clock::Host for Wasi {
    fn now(&mut self) -> Result<u64> {
        Ok(self.look())
    }

    fn resolution(&mut self) -> Result<u64> {
        Ok(if self.granted.clock { 1 } else { STEP })
    }

    fn subscribe_instant(&mut self, when: u64) -> Result<Resource<Pollable>> {
        self.table.push(Pollable::At(when))
    }

    fn subscribe_duration(&mut self, when: u64) -> Result<Resource<Pollable>> {
        let when = self.look().saturating_add(when);
        self.table.push(Pollable::At(when))
    }
}

impl wall_clock::Host for Wasi {
    fn now(&mut self) -> Result<wall_clock::Datetime> {
        let since = if self.granted.clock {
            SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
        } else {
            Duration::from_nanos(u64::try_from(self.now).unwrap_or_default())
        };
        Ok(datetime(since))
    }

    fn resolution(&mut self) -> Result<wall_clock::Datetime> {
        Ok(datetime(Duration::from_nanos(1)))
    }
}

/// A time since the epoch.
pub(super) fn datetime(since: Duration) -> wall_clock::Datetime {
    wall_clock::Datetime {
        seconds: since.as_secs(),
        nanoseconds: since.subsec_nanos(),
    }
}
