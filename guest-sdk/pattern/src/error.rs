//! Why a pattern was refused, and where.

use std::fmt;

/// A pattern that cannot be used: what is wrong with it and at which byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError {
    expression: String,
    offset: usize,
    reason: String,
}

impl PatternError {
    pub(crate) fn new(expression: &str, offset: usize, reason: impl Into<String>) -> Self {
        Self {
            expression: expression.to_owned(),
            offset: offset.min(expression.len()),
            reason: reason.into(),
        }
    }

    /// The byte of the expression at which the fault begins.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// What is wrong, without the place.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rest = self.expression.get(self.offset..).unwrap_or_default();
        write!(
            f,
            "{} at byte {} of `{}`",
            self.reason, self.offset, self.expression
        )?;
        if self.offset > 0 && !rest.is_empty() {
            write!(f, ", from `{}` on", rest.chars().take(24).collect::<String>())?;
        }
        Ok(())
    }
}

impl std::error::Error for PatternError {}
