//! A sample as it stands in the body.

use std::borrow::Cow;

use super::labels::{LabelPairs, unescape};
use super::metadata::Kind;

/// A sample. Borrows everything from the body; escapes are resolved only on demand.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample<'a> {
    /// Name and labels as written: the same series of the same endpoint is nearly always written the same.
    pub series: &'a str,
    /// The value. Every written `NaN` is the one NaN that is no stale marker.
    pub value: f64,
    /// Milliseconds since the Unix epoch, when written.
    pub timestamp: Option<i64>,
    /// Only in OpenMetrics.
    pub exemplar: Option<Exemplar<'a>>,
    pub(super) name: &'a str,
    pub(super) pairs: &'a str,
    pub(super) kind: Kind,
}

impl<'a> Sample<'a> {
    /// The metric's name.
    #[must_use]
    pub fn name(&self) -> Cow<'a, str> {
        unescape(self.name)
    }

    /// The labels in the order written, without the name. A name may come twice: nobody has checked.
    ///
    /// Of a histogram the `le`, of a summary the `quantile` is brought into one form (`1` and `1.00` become `1.0`),
    /// as Prometheus 3 does, so that a series does not depend on the negotiated format.
    #[must_use]
    pub fn labels(&self) -> LabelPairs<'a> {
        LabelPairs::new(self.pairs, self.kind)
    }
}

/// An exemplar: a sample of its own that explains another.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar<'a> {
    /// Its value.
    pub value: f64,
    /// Milliseconds since the Unix epoch, when written.
    pub timestamp: Option<i64>,
    pub(super) pairs: &'a str,
}

impl<'a> Exemplar<'a> {
    /// Its labels in the order written.
    #[must_use]
    pub fn labels(&self) -> LabelPairs<'a> {
        LabelPairs::new(self.pairs, Kind::Unknown)
    }
}
