//! A change to a running pipeline, in two steps: every worker says whether it can make its part, and when all can, all do.
//!
//! Invariant: a worker that said it can waits for the verdict and does nothing meanwhile; silence is a no. So either the whole
//! reload takes effect, between two batches of each pipeline, or nothing of it.

use std::collections::HashMap;

use tokio::sync::oneshot;

use super::chain::swap::{Slot, SwapError};
use super::worker::{Berth, Reporting};

/// A change to a running pipeline.
pub struct Change {
    /// Its stages; none: they stay.
    pub slots: Option<Vec<Slot>>,
    /// Its sinks.
    pub sinks: Vec<Berth>,
    /// Sources it has from then on, beside those it had: of these it may still have entries.
    pub sources: HashMap<u32, Reporting>,
    /// Whether it can be made.
    pub ready: oneshot::Sender<Result<(), Refusal>>,
    /// Whether it is to be made.
    pub verdict: oneshot::Receiver<Verdict>,
}

/// What becomes of a change that can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Make it.
    Go,
    /// Leave everything as it is.
    Leave,
}

/// Why a worker cannot make a change.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// A stage cannot be taken over.
    #[error(transparent)]
    Swap(#[from] SwapError),
    /// It works no more.
    #[error("it has stopped")]
    Stopped,
}

impl Change {
    /// The worker cannot make it, because it works no more.
    pub fn leave(self) {
        // Whoever asked may have gone.
        let _ = self.ready.send(Err(Refusal::Stopped));
    }
}
