//! What a case expects beside what came out, for a person.
//!
//! Entries are compared as the JSON they are written in, so that a difference is shown where the author would mend it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::case::Expected;
use super::entry::{Entry, Texts};
use super::recorder::Series;

#[cfg(test)]
mod tests;

/// Every difference, a paragraph each; none when the case passes.
#[must_use]
pub fn differences(expected: &Expected, outcome: &Expected) -> Vec<String> {
    match (expected, outcome) {
        (
            Expected::Output {
                entries,
                dropped,
                metrics,
            },
            Expected::Output {
                entries: out,
                dropped: counted,
                metrics: series,
            },
        ) => {
            let mut found = of_entries(entries, out);
            found.extend(of_drops(dropped, counted));
            found.extend(metrics.iter().filter_map(|asked| of_metric(asked, series)));
            found
        }
        (Expected::Refused(part), Expected::Refused(why)) => of_words("refusal", part, why),
        (Expected::Failed(part), Expected::Failed(why)) => of_words("failure", part, why),
        (expected, outcome) => vec![format!(
            "  expected that {}\n  but {}",
            in_words(expected),
            in_words(outcome)
        )],
    }
}

fn in_words(outcome: &Expected) -> String {
    match outcome {
        Expected::Output { entries, .. } => format!("entries come out; it put out {}", entries.len()),
        Expected::Refused(why) => format!("the stage refuses its settings: {why}"),
        Expected::Failed(why) => format!("a call fails: {why}"),
    }
}

fn of_words(what: &str, part: &str, whole: &str) -> Vec<String> {
    if whole.contains(part) {
        return Vec::new();
    }
    vec![format!(
        "  the {what} lacks a word\n    expected  …{part}…\n    came out  {whole}"
    )]
}

fn of_entries(expected: &[Entry], out: &[Entry]) -> Vec<String> {
    let timed = expected.iter().any(|entry| entry.timestamp.is_some());
    let texts = |entries: &[Entry]| -> Vec<String> { entries.iter().map(Entry::to_string).collect() };
    let shown: Vec<Entry> = out
        .iter()
        .enumerate()
        .map(|(place, entry)| {
            let asked = expected
                .get(place)
                .map_or(timed, |entry| entry.timestamp.is_some());
            Entry {
                timestamp: entry.timestamp.filter(|_| asked),
                ..entry.clone()
            }
        })
        .collect();
    let (expected, out) = (texts(expected), texts(&shown));
    let mut found = Vec::new();
    for change in capture_diff_slices(Algorithm::Myers, &expected, &out) {
        if matches!(change, DiffOp::Equal { .. }) {
            continue;
        }
        let (old, new) = (change.old_range(), change.new_range());
        let both = old.len().min(new.len());
        for (one, other) in old.clone().zip(new.clone()) {
            found.push(changed(other, &expected[one], &out[other]));
        }
        let rest = |range: Range<usize>| range.skip(both);
        found.extend(rest(old).map(|place| {
            format!(
                "  entry {} is missing\n    expected  {}",
                place + 1,
                expected[place]
            )
        }));
        found.extend(rest(new).map(|place| {
            format!(
                "  entry {} was not expected\n    came out  {}",
                place + 1,
                out[place]
            )
        }));
    }
    found
}

/// Two texts, and a mark below the first character that differs.
fn changed(place: usize, expected: &str, out: &str) -> String {
    let same = expected
        .chars()
        .zip(out.chars())
        .take_while(|(one, other)| one == other);
    let before: String = same
        .map(|(one, _)| if one.is_ascii() { ' ' } else { wide(one) })
        .collect();
    format!(
        "  entry {} differs\n    expected  {expected}\n    came out  {out}\n              {before}^",
        place + 1
    )
}

/// White space as wide as a character: those of Korean, Chinese and Japanese take two columns.
fn wide(c: char) -> char {
    if ('\u{1100}'..='\u{115f}').contains(&c) || ('\u{2e80}'..='\u{d7a3}').contains(&c) || c >= '\u{20000}' {
        '\u{3000}'
    } else {
        ' '
    }
}

fn of_drops(expected: &BTreeMap<String, u64>, counted: &BTreeMap<String, u64>) -> Option<String> {
    (expected != counted).then(|| {
        let told = |drops: &BTreeMap<String, u64>| {
            let reasons: Vec<String> = drops
                .iter()
                .map(|(reason, count)| format!("{count} as {reason}"))
                .collect();
            if reasons.is_empty() {
                "none".to_owned()
            } else {
                reasons.join(", ")
            }
        };
        format!(
            "  dropped entries differ\n    expected  {}\n    counted   {}",
            told(expected),
            told(counted)
        )
    })
}

fn of_metric(asked: &Series, series: &[Series]) -> Option<String> {
    let found = series
        .iter()
        .find(|series| series.metric == asked.metric && series.labels == asked.labels);
    let value = found.map_or(0.0, |series| series.value);
    if value == asked.value {
        return None;
    }
    let others: Vec<&str> = series.iter().map(|series| series.metric.as_str()).collect();
    let mut text = format!(
        "  metric {}{} differs\n    expected  {}\n    counted   {value}",
        asked.metric,
        labels(&asked.labels),
        asked.value
    );
    if !others.contains(&asked.metric.as_str()) {
        // Writing to a String cannot fail.
        let _ = write!(text, " (the stage touched no metric of this name)");
    }
    Some(text)
}

fn labels(labels: &Texts) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let pairs: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}={value:?}"))
        .collect();
    format!("{{{}}}", pairs.join(", "))
}
