//! What a receiver's answer means for the batch that was sent.

use std::time::Duration;

/// The meaning of one answer (or of its absence).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it.
    Accepted,
    /// Try the same again, not before `after` when the receiver said so.
    Retry {
        /// From `Retry-After`.
        after: Option<Duration>,
        /// What went wrong, for the log.
        why: String,
    },
    /// The request is larger than the receiver takes: halve it and try again.
    TooLarge,
    /// Trying again cannot help: count it as dropped.
    Reject {
        /// The metric's `reason`.
        reason: &'static str,
        /// What the receiver said, for the log.
        why: String,
    },
}
