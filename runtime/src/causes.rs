//! An error with its causes, in words.

use std::error::Error;

/// The error and every cause behind it, outermost first, in one line. No error repeats its cause in its own words, so
/// nothing is said twice.
pub fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
