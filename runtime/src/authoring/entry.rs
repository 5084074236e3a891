//! An entry as a JSON object: the form of cases, of what `plugin test --log` prints, and of dead letters.
//!
//! `{"line": "…", "timestamp": ns, "labels": {…}, "fields": {…}, "metadata": {…}}`; all but `line` may be missing.

use std::collections::BTreeMap;

use millstream_batch::{Field, Labels, LogBatch};
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// Names and values.
pub type Texts = BTreeMap<String, String>;

/// A log entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its text.
    pub line: String,
    /// Nanoseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<i64>,
    /// Its stream's labels.
    #[serde(default, skip_serializing_if = "Texts::is_empty")]
    pub labels: Texts,
    /// Values that stages extracted.
    #[serde(default, skip_serializing_if = "Texts::is_empty")]
    pub fields: Texts,
    /// Structured metadata.
    #[serde(default, skip_serializing_if = "Texts::is_empty")]
    pub metadata: Texts,
}

impl Entry {
    /// The entries of a batch.
    #[must_use]
    pub fn all_of(batch: &LogBatch) -> Vec<Self> {
        let texts = |fields: &[Field], row: usize| {
            fields
                .iter()
                .filter_map(|field| Some((field.name.to_string(), field.get(row)?.to_owned())))
                .collect()
        };
        let entries = (0..batch.len()).map(|row| Self {
            line: batch.lines.get(row).to_owned(),
            timestamp: batch.timestamps.get(row).copied(),
            labels: batch
                .labels_of(row)
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            fields: texts(&batch.fields, row),
            metadata: texts(&batch.metadata, row),
        });
        entries.collect()
    }

    /// A batch of entries; one without a timestamp gets 0.
    #[must_use]
    pub fn batch(entries: &[Self]) -> LogBatch {
        let mut labels: Vec<Labels> = Vec::new();
        let streams = entries.iter().map(|entry| {
            let own = Labels::from_pairs(entry.labels.iter().map(|(name, value)| (&**name, &**value)));
            let known = labels.iter().position(|labels| *labels == own);
            let stream = known.unwrap_or_else(|| {
                labels.push(own);
                labels.len() - 1
            });
            u32::try_from(stream).unwrap_or(u32::MAX)
        });
        LogBatch {
            streams: streams.collect(),
            timestamps: entries
                .iter()
                .map(|entry| entry.timestamp.unwrap_or_default())
                .collect(),
            lines: entries.iter().map(|entry| &*entry.line).collect(),
            fields: columns(entries, |entry| &entry.fields),
            metadata: columns(entries, |entry| &entry.metadata),
            seqs: (0..entries.len() as u64).collect(),
            labels,
        }
    }
}

impl std::fmt::Display for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Maps with texts for keys always are JSON.
        f.write_str(&serde_json::to_string(self).unwrap_or_default())
    }
}

/// A column for each name that an entry has.
fn columns<'e>(entries: &'e [Entry], texts: impl Fn(&'e Entry) -> &'e Texts) -> Vec<Field> {
    let mut names: Vec<&str> = entries
        .iter()
        .flat_map(|entry| texts(entry).keys().map(String::as_str))
        .collect();
    names.sort_unstable();
    names.dedup();
    let column = |name: &str| {
        let rows = entries
            .iter()
            .map(|entry| texts(entry).get(name).map(String::as_str));
        Field::from_values(name, rows)
    };
    names.into_iter().map(column).collect()
}
