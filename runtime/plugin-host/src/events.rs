//! What a stage says beside its edits: log lines and its own metrics.

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The finest.
    Trace,
    /// For the plugin's author.
    Debug,
    /// Worth reading.
    Info,
    /// Something is off.
    Warn,
    /// Something failed.
    Error,
}

/// What kind of metric a stage declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution.
    Histogram,
}

/// Receives what a stage says. Called on the stage's thread, during its calls: must not block.
pub trait StageEvents: Send + Sync {
    /// A log line.
    fn log(&self, level: Level, message: &str);

    /// Declares a metric and answers its handle.
    ///
    /// # Errors
    /// Why it cannot be declared, for the plugin's author.
    fn register(
        &self,
        kind: MetricKind,
        name: &str,
        help: &str,
        label_names: &[String],
        buckets: &[f64],
    ) -> Result<u32, String>;

    /// Adds to a counter or gauge, observes in a histogram.
    fn add(&self, metric: u32, label_values: &[String], value: f64);

    /// Sets a gauge.
    fn set(&self, metric: u32, label_values: &[String], value: f64);
}

/// Hears nobody.
pub(crate) struct Unheard;

impl StageEvents for Unheard {
    fn log(&self, _: Level, _: &str) {}

    fn register(&self, _: MetricKind, _: &str, _: &str, _: &[String], _: &[f64]) -> Result<u32, String> {
        Ok(0)
    }

    fn add(&self, _: u32, _: &[String], _: f64) {}

    fn set(&self, _: u32, _: &[String], _: f64) {}
}
