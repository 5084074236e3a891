//! How a stage says no: [`Refusal`] of its settings, [`Failure`] of one call.
//!
//! Both take any error with `?`. Neither implements `std::error::Error` itself, because that would rule out
//! the blanket conversion that makes `?` work.

use std::error::Error;
use std::fmt;

/// The settings cannot be used. The pipeline does not start; the text is shown beside the manifest's line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(String);

impl Refusal {
    /// A refusal that is not about one setting.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// A refusal of one setting, named by its path as written in the manifest (`values.level`).
    pub fn setting(path: &str, message: impl fmt::Display) -> Self {
        Self(format!("setting `{path}`: {message}"))
    }

    /// The text shown to whoever wrote the settings.
    pub fn message(&self) -> &str {
        &self.0
    }
}

/// A call could not be done; the stage's `on_error` policy applies. For a broken invariant, not for an entry
/// that the stage merely does not understand: those pass unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(String);

impl Failure {
    /// A failure with the text the host logs.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// The text the host logs.
    pub fn message(&self) -> &str {
        &self.0
    }
}

macro_rules! conversions {
    ($type:ident) => {
        impl<E: Error> From<E> for $type {
            fn from(error: E) -> Self {
                let mut text = error.to_string();
                let mut cause = error.source();
                while let Some(inner) = cause {
                    text.push_str(": ");
                    text.push_str(&inner.to_string());
                    cause = inner.source();
                }
                Self(text)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

conversions!(Refusal);
conversions!(Failure);
