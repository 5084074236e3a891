//! Work that the host does for a guest on whole columns of the batch at hand (`kernels` in `stage.wit`).
//!
//! - [`rule`]: compiled patterns, and how much a row of theirs may cost.
//! - [`pointers`]: JSON pointers over a column.
//! - [`task`]: one call's batch, and what kernels made of it so far.
//! - [`meter`]: the call's time and bytes.
//!
//! Invariants: the epoch does not interrupt code of the host, so every loop over rows asks the meter, and what a single
//! row may cost is bounded before it is begun. Nothing is copied or kept for a guest that calls none of this: the batch
//! is shared with the call and taken back after it. What kernels set counts only if the call succeeds.
//!
//! Why results go into the answer and not to the guest: a slow language pays per row for what it takes in and hands back
//! (a list of integers costs Python 0.5 µs an element), which is the cost that kernels are there to save.

mod imports;
mod meter;
mod pointers;
mod rule;
mod task;

use std::sync::Arc;

use millstream_batch::LogBatch;
use thiserror::Error;

use meter::Meter;
pub(crate) use meter::Ticks;
use pointers::Pointers;
use rule::Rule;
pub(crate) use task::Task;

/// A call of a kernel that is a trap.
#[derive(Debug, Error)]
pub(crate) enum KernelError {
    /// The call's time is up.
    #[error("a kernel was still at work when the time limit of the call was reached")]
    Late,
    /// It would make more than the stage may return.
    #[error("kernels make more than {limit} bytes in a call")]
    Flood {
        /// How many bytes are allowed.
        limit: usize,
    },
    /// The guest broke a rule.
    #[error("kernels: {0}")]
    Misuse(String),
}

impl KernelError {
    fn misuse<T>(what: impl Into<String>) -> Result<T, Self> {
        Err(Self::Misuse(what.into()))
    }
}

/// When in an instance's life kernels are called.
enum Phase {
    Configure,
    Process(Box<Task>),
    /// In `tick` and `flush`, and between calls.
    Idle,
}

/// An instance's kernels.
pub(crate) struct Kernels {
    patterns: Vec<Rule>,
    pointers: Vec<Pointers>,
    phase: Phase,
}

impl Kernels {
    /// Those of an instance that is about to be configured.
    pub(crate) fn new() -> Self {
        Self {
            patterns: Vec::new(),
            pointers: Vec::new(),
            phase: Phase::Configure,
        }
    }

    /// Configuring is over.
    pub(crate) fn close(&mut self) {
        self.phase = Phase::Idle;
    }

    /// Hands over a batch for one call, which may make `bytes` bytes of it until `clock` has ticked `ticks` times more.
    pub(crate) fn begin(&mut self, batch: Arc<LogBatch>, clock: &Ticks, ticks: u64, bytes: usize) {
        let meter = Meter::new(clock.clone(), ticks, bytes);
        self.phase = Phase::Process(Box::new(Task::new(batch, meter)));
    }

    /// Takes back what came of it; none where nothing was begun.
    pub(crate) fn end(&mut self) -> Option<Task> {
        match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Process(task) => Some(*task),
            Phase::Configure | Phase::Idle => None,
        }
    }

    fn task(&mut self) -> Result<&mut Task, KernelError> {
        task(&mut self.phase)
    }

    /// That kernels may be compiled now.
    fn configuring(&self) -> Result<(), KernelError> {
        match self.phase {
            Phase::Configure => Ok(()),
            Phase::Process(_) | Phase::Idle => {
                KernelError::misuse("they are compiled only while the stage is configured")
            }
        }
    }

    fn keep_pattern(&mut self, rule: Rule) -> u32 {
        self.patterns.push(rule);
        u32::try_from(self.patterns.len() - 1).unwrap_or(u32::MAX)
    }

    fn keep_pointers(&mut self, pointers: Pointers) -> u32 {
        self.pointers.push(pointers);
        u32::try_from(self.pointers.len() - 1).unwrap_or(u32::MAX)
    }

    /// A compiled pattern and the task, to use together.
    fn with_pattern(&mut self, handle: u32) -> Result<(&Rule, &mut Task), KernelError> {
        let task = task(&mut self.phase)?;
        match self.patterns.get(handle as usize) {
            Some(rule) => Ok((rule, task)),
            None => KernelError::misuse(format!("there is no pattern {handle}")),
        }
    }

    /// Likewise pointers.
    fn with_pointers(&mut self, handle: u32) -> Result<(&Pointers, &mut Task), KernelError> {
        let task = task(&mut self.phase)?;
        match self.pointers.get(handle as usize) {
            Some(pointers) => Ok((pointers, task)),
            None => KernelError::misuse(format!("there are no pointers {handle}")),
        }
    }
}

fn task(phase: &mut Phase) -> Result<&mut Task, KernelError> {
    match phase {
        Phase::Process(task) => Ok(task),
        Phase::Configure | Phase::Idle => KernelError::misuse("there is a batch only while `process` runs"),
    }
}
