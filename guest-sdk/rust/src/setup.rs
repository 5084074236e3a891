//! What a stage declares while it is configured: the columns it reads or changes, and its metrics.

use crate::metric::{Counter, Gauge, Histogram};
use crate::{Refusal, contract, host};

/// The name that stands for every field, or every metadata column, in an interest.
pub(crate) const EVERY: &str = "*";

/// Collects the declarations of one stage. What is not declared does not cross into the sandbox, which is
/// most of a stage's speed; reading it then fails the call with a message that names the declaration.
#[derive(Debug, Default)]
pub struct Setup {
    interest: Interest,
}

/// The columns a stage declared.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interest {
    pub(crate) timestamps: bool,
    pub(crate) lines: bool,
    pub(crate) labels: bool,
    pub(crate) fields: Vec<String>,
    pub(crate) metadata: Vec<String>,
    pub(crate) holds: bool,
}

impl Setup {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The stage reads or changes lines.
    pub fn reads_lines(&mut self) -> &mut Self {
        self.interest.lines = true;
        self
    }

    /// The stage reads or changes timestamps.
    pub fn reads_timestamps(&mut self) -> &mut Self {
        self.interest.timestamps = true;
        self
    }

    /// The stage reads or changes labels, or tells streams apart.
    pub fn reads_labels(&mut self) -> &mut Self {
        self.interest.labels = true;
        self
    }

    /// The stage reads or changes the field `name`, a value extracted by an earlier stage or by itself.
    pub fn reads_field(&mut self, name: &str) -> &mut Self {
        add(&mut self.interest.fields, name);
        self
    }

    /// The stage does not know beforehand which fields it reads or changes. All of them cross.
    pub fn reads_every_field(&mut self) -> &mut Self {
        self.reads_field(EVERY)
    }

    /// The stage reads or changes the structured metadata `name`.
    pub fn reads_metadata(&mut self, name: &str) -> &mut Self {
        add(&mut self.interest.metadata, name);
        self
    }

    /// The stage does not know beforehand which metadata it reads or changes. All of it crosses.
    pub fn reads_every_metadata(&mut self) -> &mut Self {
        self.reads_metadata(EVERY)
    }

    /// The stage keeps entries back across calls ([`crate::Output::hold`]).
    pub fn holds(&mut self) -> &mut Self {
        self.interest.holds = true;
        self
    }

    /// Registers a counter.
    pub fn counter(&mut self, name: &str, help: &str, labels: &[&str]) -> Result<Counter, Refusal> {
        host::register(contract::host::MetricKind::Counter, name, help, labels, &[]).map(Counter)
    }

    /// Registers a gauge.
    pub fn gauge(&mut self, name: &str, help: &str, labels: &[&str]) -> Result<Gauge, Refusal> {
        host::register(contract::host::MetricKind::Gauge, name, help, labels, &[]).map(Gauge)
    }

    /// Registers a histogram.
    pub fn histogram(
        &mut self,
        name: &str,
        help: &str,
        labels: &[&str],
        buckets: &[f64],
    ) -> Result<Histogram, Refusal> {
        host::register(contract::host::MetricKind::Histogram, name, help, labels, buckets).map(Histogram)
    }

    pub(crate) fn into_interest(self) -> Interest {
        self.interest
    }
}

fn add(names: &mut Vec<String>, name: &str) {
    if !names.iter().any(|other| other == name) {
        names.push(name.to_owned());
    }
}

impl Interest {
    pub(crate) fn has_field(&self, name: &str) -> bool {
        declares(&self.fields, name)
    }

    pub(crate) fn has_metadata(&self, name: &str) -> bool {
        declares(&self.metadata, name)
    }

    pub(crate) fn to_contract(&self) -> contract::Interest {
        contract::Interest {
            timestamps: self.timestamps,
            lines: self.lines,
            labels: self.labels,
            fields: self.fields.clone(),
            metadata: self.metadata.clone(),
            holds: self.holds,
        }
    }
}

fn declares(names: &[String], name: &str) -> bool {
    names.iter().any(|other| other == name || other == EVERY)
}
