//! Rows as text for people, or as one JSON object per line.
//!
//! Times are RFC 3339 in UTC; in JSON with all nine digits, so that nothing is lost. In text, the lines after an
//! entry's first are indented, so that a stack trace still reads as one entry; characters are left as they are,
//! colours included. JSON has no number for NaN and infinity: they are texts, spelled as Prometheus does.

use std::fmt::Write as _;

use jiff::Timestamp;
use millstream_batch::{Labels, LogBatch, SampleBatch};
use serde_json::{Map, Value, json};

/// Nanoseconds of a millisecond.
const MILLISECOND: i64 = 1_000_000;

/// What the lines after an entry's first begin with.
const INDENT: &str = "    ";

/// The labels of a series that hold its name.
const NAME: &str = "__name__";

/// Entries for people: time, labels, line, then metadata.
pub fn entries_as_text(batch: &LogBatch, out: &mut String) {
    for row in 0..batch.len() {
        let mut lines = batch.lines.get(row).split('\n');
        push(
            out,
            format_args!(
                "{:.3} {} {}",
                time(batch.timestamps[row]),
                batch.labels_of(row),
                lines.next().unwrap_or("")
            ),
        );
        for line in lines {
            push(out, format_args!("\n{INDENT}{line}"));
        }
        for field in &batch.metadata {
            if let Some(value) = field.get(row) {
                push(out, format_args!("\n{INDENT}{} = {value}", field.name));
            }
        }
        out.push('\n');
    }
}

/// Entries as JSON lines.
pub fn entries_as_json(batch: &LogBatch, out: &mut String) {
    for row in 0..batch.len() {
        let metadata: Map<_, _> = batch
            .metadata
            .iter()
            .filter_map(|field| Some((field.name.to_string(), field.get(row)?.into())))
            .collect();
        let entry = json!({
            "ts": format!("{:.9}", time(batch.timestamps[row])),
            "labels": object(&batch.labels_of(row)),
            "line": batch.lines.get(row),
            "metadata": metadata,
        });
        push(out, format_args!("{entry}\n"));
    }
}

/// Samples for people: time, name and labels, value.
pub fn samples_as_text(batch: &SampleBatch, out: &mut String) {
    for row in 0..batch.len() {
        let (name, labels) = series(batch, row);
        let time = time(batch.timestamps[row].saturating_mul(MILLISECOND));
        push(
            out,
            format_args!("{time:.3} {name}{labels} {}\n", number(batch.values[row])),
        );
    }
}

/// Samples as JSON lines.
pub fn samples_as_json(batch: &SampleBatch, out: &mut String) {
    for row in 0..batch.len() {
        let (name, labels) = series(batch, row);
        let value = batch.values[row];
        let sample = json!({
            "name": name,
            "labels": object(&labels),
            "value": if value.is_finite() { Value::from(value) } else { Value::from(number(value)) },
            "ts": format!("{:.9}", time(batch.timestamps[row].saturating_mul(MILLISECOND))),
        });
        push(out, format_args!("{sample}\n"));
    }
}

/// A series' name and its other labels.
fn series(batch: &SampleBatch, row: usize) -> (String, Labels) {
    let labels = batch
        .series
        .get(row)
        .and_then(|&series| batch.labels.get(series as usize))
        .cloned()
        .unwrap_or_default();
    let name = labels.get(NAME).unwrap_or_default().to_owned();
    let mut others = labels.to_builder();
    others.remove(NAME);
    (name, others.build())
}

fn object(labels: &Labels) -> Map<String, Value> {
    labels
        .iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect()
}

/// A number as Prometheus writes it; the marker of a series' end by its name.
fn number(value: f64) -> String {
    match value {
        _ if value.to_bits() == SampleBatch::STALE => "stale".to_owned(),
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        value => value.to_string(),
    }
}

/// Every number of nanoseconds in an `i64` is a time.
fn time(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanosecond(nanoseconds.into()).unwrap_or_default()
}

/// Writing into a string cannot fail.
fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use millstream_batch::Field;

    use super::*;

    fn logs() -> LogBatch {
        LogBatch {
            timestamps: vec![1_700_000_000_123_456_789, 0],
            lines: ["one\n  at two", "three \"four\""].into_iter().collect(),
            streams: vec![0, 0],
            labels: vec![Labels::from_pairs([("job", "x")])],
            metadata: vec![Field::from_values("trace", [Some("42"), None])],
            ..LogBatch::default()
        }
    }

    fn samples() -> SampleBatch {
        let mut batch = SampleBatch::default();
        for value in [1.5, f64::NEG_INFINITY, f64::from_bits(SampleBatch::STALE)] {
            batch.push(
                Labels::from_pairs([(NAME, "up"), ("job", "x")]),
                value,
                1_700_000_000_123,
            );
        }
        batch
    }

    fn said<B>(print: fn(&B, &mut String), batch: &B) -> String {
        let mut out = String::new();
        print(batch, &mut out);
        out
    }

    #[test]
    fn entries_for_people() {
        let expected = "2023-11-14T22:13:20.123Z {job=\"x\"} one\n      at two\n    trace = 42\n\
                        1970-01-01T00:00:00.000Z {job=\"x\"} three \"four\"\n";
        assert_eq!(said(entries_as_text, &logs()), expected);
    }

    #[test]
    fn entries_as_json_lines() {
        let expected = concat!(
            r#"{"ts":"2023-11-14T22:13:20.123456789Z","labels":{"job":"x"},"line":"one\n  at two","#,
            r#""metadata":{"trace":"42"}}"#,
            "\n",
            r#"{"ts":"1970-01-01T00:00:00.000000000Z","labels":{"job":"x"},"line":"three \"four\"","metadata":{}}"#,
            "\n",
        );
        assert_eq!(said(entries_as_json, &logs()), expected);
    }

    #[test]
    fn samples_for_people() {
        let expected = "2023-11-14T22:13:20.123Z up{job=\"x\"} 1.5\n\
                        2023-11-14T22:13:20.123Z up{job=\"x\"} -Inf\n\
                        2023-11-14T22:13:20.123Z up{job=\"x\"} stale\n";
        assert_eq!(said(samples_as_text, &samples()), expected);
    }

    #[test]
    fn samples_as_json_lines() {
        let out = said(samples_as_json, &samples());
        let first = r#"{"name":"up","labels":{"job":"x"},"value":1.5,"ts":"2023-11-14T22:13:20.123000000Z"}"#;
        assert_eq!(out.lines().next(), Some(first));
        let values: Vec<_> = out
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["value"].clone())
            .collect();
        assert_eq!(values, [json!(1.5), json!("-Inf"), json!("stale")]);
    }

    #[test]
    fn broken_batches_do_no_harm() {
        let rows = LogBatch {
            timestamps: vec![i64::MIN, i64::MAX],
            ..LogBatch::default()
        };
        assert_eq!(said(entries_as_text, &rows).lines().count(), 2);
        let rows = SampleBatch {
            values: vec![f64::NAN],
            timestamps: vec![i64::MAX],
            ..SampleBatch::default()
        };
        assert_eq!(said(samples_as_json, &rows).lines().count(), 1);
    }
}
