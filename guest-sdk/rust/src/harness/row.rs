//! An entry as tests write and read it.

use std::collections::BTreeMap;

use super::START;
use crate::Labels;

/// A whole entry: everything a stage could read or change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The text.
    pub line: String,
    /// Nanoseconds since the epoch.
    pub timestamp: i64,
    /// The labels.
    pub labels: Labels,
    /// Values extracted by earlier stages.
    pub fields: BTreeMap<String, String>,
    /// Loki structured metadata.
    pub metadata: BTreeMap<String, String>,
}

impl Row {
    /// An entry with this text, at [`START`], and nothing else.
    pub fn new(line: impl Into<String>) -> Self {
        Self {
            line: line.into(),
            timestamp: START,
            labels: Labels::new(),
            fields: BTreeMap::new(),
            metadata: BTreeMap::new(),
        }
    }

    /// With a timestamp.
    pub fn at(mut self, timestamp: i64) -> Self {
        self.timestamp = timestamp;
        self
    }

    /// With a label.
    pub fn label(mut self, name: &str, value: &str) -> Self {
        self.labels.set(name, value);
        self
    }

    /// With a field.
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With structured metadata.
    pub fn metadata(mut self, name: &str, value: &str) -> Self {
        self.metadata.insert(name.to_owned(), value.to_owned());
        self
    }
}

impl From<&str> for Row {
    fn from(line: &str) -> Self {
        Self::new(line)
    }
}

impl From<String> for Row {
    fn from(line: String) -> Self {
        Self::new(line)
    }
}

/// Rows compare with texts by their line alone.
impl PartialEq<&str> for Row {
    fn eq(&self, line: &&str) -> bool {
        self.line == *line
    }
}
