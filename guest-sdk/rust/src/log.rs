//! Messages to the agent's own log, which adds the stage's name and limits the rate.

use crate::contract::host::Level;
use crate::host;

/// Of interest while following single entries.
pub fn trace(message: &str) {
    host::log(Level::Trace, message);
}

/// Of interest while looking for a mistake.
pub fn debug(message: &str) {
    host::log(Level::Debug, message);
}

/// Worth knowing.
pub fn info(message: &str) {
    host::log(Level::Info, message);
}

/// Something is off and the stage goes on.
pub fn warn(message: &str) {
    host::log(Level::Warn, message);
}

/// Something failed.
pub fn error(message: &str) {
    host::log(Level::Error, message);
}
