//! What an exposition says about a metric family.

use std::borrow::Cow;

/// The type of a metric family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// `untyped` in 0.0.4, `unknown` in OpenMetrics, or nothing said yet.
    #[default]
    Unknown,
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Buckets of a counter.
    Histogram,
    /// Buckets of a gauge.
    GaugeHistogram,
    /// Quantiles.
    Summary,
    /// Texts as labels.
    Info,
    /// Which of several states.
    StateSet,
}

/// One line of metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Metadata<'a> {
    /// `# HELP`.
    Help {
        /// The metric family.
        family: Cow<'a, str>,
        /// What it says.
        text: Cow<'a, str>,
    },
    /// `# TYPE`.
    Type {
        /// The metric family.
        family: Cow<'a, str>,
        /// Its type.
        kind: Kind,
    },
    /// `# UNIT`, in OpenMetrics.
    Unit {
        /// The metric family.
        family: Cow<'a, str>,
        /// What it counts in.
        unit: &'a str,
    },
}
