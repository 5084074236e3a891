//! What Loki would refuse, dropped or cut before it is sent.
//!
//! Invariants: without limits, or when all rows keep to them, the batch is the one that came; what is taken out is
//! counted under the reason Loki itself would give.
//!
//! Not on by default: Loki's limits are a tenant's own, and a line it would have taken must not be lost to a guess.
//! Worth setting where they are known, because Loki's answer to a request with one bad line does not always say how
//! many it refused.

use std::sync::Arc;

use millstream_batch::{Labels, LogBatch, TextColumn};

use super::outcome::TOO_LONG;

/// What is sent at most; names and meaning are those of Loki's `limits_config`, and nothing is limited by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a line.
    pub max_line_size: Option<usize>,
    /// Longer lines are cut instead of dropped.
    pub max_line_size_truncate: bool,
    /// Labels of a stream, `service_name` and internal ones aside.
    pub max_label_names_per_series: Option<usize>,
    /// Bytes of a label's name.
    pub max_label_name_length: Option<usize>,
    /// Bytes of a label's value.
    pub max_label_value_length: Option<usize>,
}

/// Rows that are not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Loki's own name of the reason.
    pub reason: &'static str,
    /// The row's bytes of text.
    pub bytes: usize,
}

impl Limits {
    /// The rows of a batch that keep to the limits, and what became of the others.
    #[must_use]
    pub fn apply(&self, batch: Arc<LogBatch>) -> (Arc<LogBatch>, Vec<Refusal>) {
        if *self == Self::default() {
            return (batch, Vec::new());
        }
        let streams: Vec<Option<&'static str>> =
            batch.labels.iter().map(|labels| self.breach(labels)).collect();
        let verdict = |row: usize| {
            let stream = batch.streams.get(row).map_or(0, |&stream| stream as usize);
            let of_labels = streams.get(stream).copied().flatten();
            of_labels.or_else(|| {
                (self.is_too_long(&batch, row) && !self.max_line_size_truncate).then_some(TOO_LONG)
            })
        };
        let mut refused = Vec::new();
        let mut kept = Vec::with_capacity(batch.len());
        let mut cut = false;
        for row in 0..batch.len() {
            match verdict(row) {
                Some(reason) => refused.push(Refusal {
                    reason,
                    bytes: batch.lines.get_bytes(row).len(),
                }),
                None => {
                    cut |= self.is_too_long(&batch, row);
                    kept.push(row);
                }
            }
        }
        if refused.is_empty() && !cut {
            return (batch, refused);
        }
        (Arc::new(self.select(&batch, &kept)), refused)
    }

    fn is_too_long(&self, batch: &LogBatch, row: usize) -> bool {
        self.max_line_size
            .is_some_and(|most| batch.lines.get_bytes(row).len() > most)
    }

    /// These rows, with lines cut to the limit.
    fn select(&self, batch: &LogBatch, rows: &[usize]) -> LogBatch {
        let most = self.max_line_size.unwrap_or(usize::MAX);
        let mut lines = TextColumn::default();
        for &row in rows {
            let line = batch.lines.get(row);
            lines.push(&line[..line.floor_char_boundary(most)]);
        }
        let select = |fields: &[millstream_batch::Field]| {
            let selected = fields
                .iter()
                .map(|field| field.select(rows.iter().copied().map(Some)));
            selected.collect()
        };
        LogBatch {
            seqs: rows
                .iter()
                .filter_map(|&row| batch.seqs.get(row).copied())
                .collect(),
            timestamps: rows
                .iter()
                .filter_map(|&row| batch.timestamps.get(row).copied())
                .collect(),
            lines,
            streams: rows
                .iter()
                .filter_map(|&row| batch.streams.get(row).copied())
                .collect(),
            labels: batch.labels.clone(),
            fields: select(&batch.fields),
            metadata: select(&batch.metadata),
        }
    }

    /// The first limit that these labels break, in Loki's order.
    fn breach(&self, labels: &Labels) -> Option<&'static str> {
        let sent = || labels.iter().filter(|(name, _)| !name.starts_with("__"));
        let over = |most: Option<usize>, length: usize| most.is_some_and(|most| length > most);
        let counted = sent().filter(|(name, _)| *name != "service_name").count();
        if over(self.max_label_names_per_series, counted) {
            return Some("max_label_names_per_series");
        }
        for (name, value) in sent() {
            if over(self.max_label_name_length, name.len()) {
                return Some("label_name_too_long");
            }
            if over(self.max_label_value_length, value.len()) {
                return Some("label_value_too_long");
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use millstream_batch::Field;

    use super::*;

    fn batch(rows: &[(&[(&str, &str)], &str)]) -> Arc<LogBatch> {
        let labels = rows
            .iter()
            .map(|(labels, _)| Labels::from_pairs(labels.iter().copied()));
        Arc::new(LogBatch {
            seqs: (0..rows.len() as u64).collect(),
            timestamps: (0..rows.len() as i64).collect(),
            lines: rows.iter().map(|(_, line)| *line).collect(),
            streams: (0..rows.len() as u32).collect(),
            labels: labels.collect(),
            metadata: vec![Field::from_values("id", rows.iter().map(|(_, line)| Some(*line)))],
            ..LogBatch::default()
        })
    }

    #[test]
    fn what_keeps_to_the_limits_is_not_touched() {
        let rows = batch(&[(&[("a", "b")], "line")]);
        let limits = Limits {
            max_line_size: Some(4),
            max_label_names_per_series: Some(1),
            max_label_name_length: Some(1),
            max_label_value_length: Some(1),
            ..Limits::default()
        };
        for limits in [limits, Limits::default()] {
            let (same, refused) = limits.apply(rows.clone());
            assert!(Arc::ptr_eq(&same, &rows) && refused.is_empty());
        }
    }

    #[test]
    fn what_breaks_one_is_taken_out_and_the_rest_goes_on() {
        let limits = Limits {
            max_line_size: Some(4),
            max_label_names_per_series: Some(2),
            max_label_name_length: Some(12),
            max_label_value_length: Some(3),
            ..Limits::default()
        };
        let rows = batch(&[
            (&[("a", "1")], "long line"),
            (&[("a", "1"), ("b", "1"), ("c", "1")], "n"),
            (
                &[
                    ("a", "1"),
                    ("b", "1"),
                    ("service_name", "x"),
                    ("__internal", "long"),
                ],
                "kept",
            ),
            (&[("a_name_that_is_long", "1")], "l"),
            (&[("a", "1234")], "v"),
            (&[("a", "123")], "ok"),
        ]);
        let (left, refused) = limits.apply(rows);
        assert_eq!(left.lines.iter().collect::<Vec<_>>(), ["kept", "ok"]);
        assert_eq!((&left.seqs[..], &left.timestamps[..]), (&[2, 5][..], &[2, 5][..]));
        assert_eq!(left.labels_of(1).get("a"), Some("123"));
        assert_eq!(left.metadata("id").and_then(|field| field.get(1)), Some("ok"));
        let reasons: Vec<_> = refused
            .iter()
            .map(|refusal| (refusal.reason, refusal.bytes))
            .collect();
        assert_eq!(
            reasons,
            [
                (TOO_LONG, 9),
                ("max_label_names_per_series", 1),
                ("label_name_too_long", 1),
                ("label_value_too_long", 1)
            ]
        );
    }

    #[test]
    fn long_lines_can_be_cut_between_characters() {
        let limits = Limits {
            max_line_size: Some(4),
            max_line_size_truncate: true,
            ..Limits::default()
        };
        let (left, refused) = limits.apply(batch(&[(&[], "abcéf"), (&[], "abc")]));
        assert_eq!(left.lines.iter().collect::<Vec<_>>(), ["abc", "abc"]);
        assert!(refused.is_empty());
    }
}
