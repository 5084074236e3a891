//! Handles of metrics that a stage registered on [`crate::Setup`].
//!
//! Every call crosses to the host, so a stage adds up within a batch and reports once.

use crate::host;

/// A value that only grows.
#[derive(Clone, Copy, Debug)]
pub struct Counter(pub(crate) u32);

impl Counter {
    /// Adds `value`, which is not negative, to the series with these label values.
    pub fn add(self, label_values: &[&str], value: f64) {
        host::add(self.0, label_values, value);
    }
}

/// A value that goes up and down.
#[derive(Clone, Copy, Debug)]
pub struct Gauge(pub(crate) u32);

impl Gauge {
    /// Sets the series with these label values.
    pub fn set(self, label_values: &[&str], value: f64) {
        host::set(self.0, label_values, value);
    }

    /// Adds `value` to the series with these label values.
    pub fn add(self, label_values: &[&str], value: f64) {
        host::add(self.0, label_values, value);
    }
}

/// Values counted by size.
#[derive(Clone, Copy, Debug)]
pub struct Histogram(pub(crate) u32);

impl Histogram {
    /// Counts `value` in the series with these label values.
    pub fn observe(self, label_values: &[&str], value: f64) {
        host::add(self.0, label_values, value);
    }
}
