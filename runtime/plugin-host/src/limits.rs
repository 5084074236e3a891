//! What a stage may use.

use std::time::Duration;

use wasmtime::ResourceLimiter;

/// What a stage may use; on by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most memory its instance may have, in bytes. Default 64 MiB.
    pub memory: usize,
    /// The longest a call may take. Default 1 s. Kept with a resolution of [`crate::engine::TICK`].
    pub timeout: Duration,
    /// The most bytes a call may return, as a multiple of what went in (plus [`Limits::OUTPUT_FLOOR`]). Default 16.
    pub output_factor: usize,
    /// When its instance is replaced.
    pub recycling: Recycling,
}

/// When an instance is replaced by a fresh one, between two batches: a guest's memory never shrinks, and one that leaks
/// would come to its limit in the midst of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recycling {
    /// Once its memory is larger, in bytes; not when it starts out so. None: never.
    pub memory: Option<usize>,
    /// After so many calls. None: never.
    pub calls: Option<u64>,
}

impl Recycling {
    /// The fewest calls between two replacements for memory: one that needs its memory for every batch would be replaced
    /// for each.
    pub const MIN_CALLS: u64 = 100;

    /// The limit on recycled instances' memory where nobody says another: three quarters of what an instance may take, so that
    /// there is room for the batch that comes next.
    #[must_use]
    pub const fn soft(memory: u64) -> u64 {
        memory / 4 * 3
    }

    pub(crate) fn is_spent(self, calls: u64, memory: usize, memory_at_start: usize) -> bool {
        let full = self
            .memory
            .is_some_and(|soft| memory > soft && memory_at_start <= soft);
        (full && calls >= Self::MIN_CALLS) || self.calls.is_some_and(|most| calls >= most)
    }
}

impl Limits {
    /// The memory of an instance nobody set a limit for: 64 MiB.
    pub const MEMORY: u64 = 64 << 20;

    /// What any call may return, however small its input: 1 MiB.
    pub const OUTPUT_FLOOR: usize = 1 << 20;

    /// As a manifest that says only `memory` has them.
    #[must_use]
    pub fn of_memory(memory: u64) -> Self {
        let bytes = |size| usize::try_from(size).unwrap_or(usize::MAX);
        Self {
            memory: bytes(memory),
            recycling: Recycling {
                memory: Some(bytes(Recycling::soft(memory))),
                calls: None,
            },
            ..Self::default()
        }
    }

    /// The most bytes a call that takes `input` bytes may return.
    #[must_use]
    pub fn output(&self, input: usize) -> usize {
        input
            .saturating_mul(self.output_factor)
            .saturating_add(Self::OUTPUT_FLOOR)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: usize::try_from(Self::MEMORY).unwrap_or(usize::MAX),
            timeout: Duration::from_secs(1),
            output_factor: 16,
            recycling: Recycling::default(),
        }
    }
}

/// Most elements of a guest's tables: function pointers, a few hundred in practice.
const TABLE_ELEMENTS: usize = 100_000;

/// Says no to growth, with words, instead of letting the guest see a failed allocation.
#[derive(Debug)]
pub(crate) struct Limiter {
    memory: usize,
    used: usize,
}

impl Limiter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            memory: limits.memory,
            used: 0,
        }
    }

    /// Takes memory that the host needs for the guest.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<(), TooMuch> {
        let wanted = self.used.saturating_add(bytes);
        if wanted > self.memory {
            return Err(TooMuch {
                wanted,
                limit: self.memory,
            });
        }
        self.used = wanted;
        Ok(())
    }

    /// Bytes of all memories of the instance, and of what the host keeps for it.
    pub(crate) fn used(&self) -> usize {
        self.used
    }
}

/// The guest asked for more than it may have.
#[derive(Debug, thiserror::Error)]
#[error("it needs {wanted} bytes of memory and may have {limit}")]
pub(crate) struct TooMuch {
    wanted: usize,
    limit: usize,
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let wanted = self.used.saturating_sub(current).saturating_add(desired);
        if wanted > self.memory {
            return Err(TooMuch {
                wanted,
                limit: self.memory,
            }
            .into());
        }
        self.used = wanted;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        if desired > TABLE_ELEMENTS {
            return Err(TooMuch {
                wanted: desired,
                limit: TABLE_ELEMENTS,
            }
            .into());
        }
        Ok(true)
    }

    fn memories(&self) -> usize {
        // A component is a few core modules (the plugin, an adapter), each with at most one memory.
        4
    }
}
