//! Where and why a body is no exposition.

use thiserror::Error;

/// How much of the offending text an error shows.
const SHOWN: usize = 80;

/// The first thing in a body that is not as it must be. The scrape fails as a whole.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("line {line}: {what}, at {near:?}")]
pub struct ExpositionError {
    /// Which line, from 1.
    pub line: usize,
    /// What was expected there, or what is wrong with it.
    pub what: &'static str,
    /// The text there, cut after 80 characters or at the line's end.
    pub near: String,
}

impl ExpositionError {
    /// An error at byte `at` of `body`.
    pub(super) fn at(body: &[u8], at: usize, what: &'static str) -> Self {
        let (before, rest) = body.split_at(at.min(body.len()));
        let line = 1 + memchr::memchr_iter(b'\n', before).count();
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        // Four bytes a character at most, so this many hold as many as are shown.
        let near = String::from_utf8_lossy(&rest[..end.min(SHOWN * 4)])
            .chars()
            .take(SHOWN)
            .collect();
        Self { line, what, near }
    }
}
