//! The resolved settings of a spool.

use std::time::Duration;

/// What becomes of a package when the spool is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// It waits, and the pipeline behind it.
    Block,
    /// The oldest stored ones are dropped and counted.
    DropOldest,
}

/// What becomes of a package while the disk fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDiskError {
    /// It is sent from memory, as if there were no spool.
    Memory,
    /// It waits until the disk works again; what is stored is sent meanwhile.
    Block,
}

/// The resolved settings of a spool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolSettings {
    /// How many bytes of disk it may take; default 1 GiB. One larger package is taken alone.
    pub max_size: u64,
    /// How long a package may wait before it is dropped and counted; no limit by default.
    pub max_age: Option<Duration>,
    /// What becomes of a package when the spool is full.
    pub when_full: WhenFull,
    /// What becomes of a package while the disk fails; default memory.
    pub on_disk_error: OnDiskError,
}

impl SpoolSettings {
    /// The defaults of a sink for which `when_full` is right.
    #[must_use]
    pub fn new(when_full: WhenFull) -> Self {
        Self {
            max_size: 1 << 30,
            max_age: None,
            when_full,
            on_disk_error: OnDiskError::Memory,
        }
    }
}
