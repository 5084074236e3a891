//! OpenMetrics text 1.0.
//!
//! One blank between tokens, no comments, no blank lines, and `# EOF` at the end, so that a body that was cut off
//! is noticed. What only the specification forbids and Prometheus lets pass (suffixes, order, `_created`) passes.

use super::cursor::Cursor;
use super::error::ExpositionError;
use super::labels::{Style, braces, unescape};
use super::metadata::{Kind, Metadata};
use super::number;
use super::parser::{Event, series};
use super::sample::{Exemplar, Sample};

/// What a body lacks that was cut off.
const NO_EOF: &str = "the body does not end with `# EOF`";

/// The next event; `None` at `# EOF`.
pub(super) fn next<'a>(cursor: &mut Cursor<'a>, kind: Kind) -> Result<Option<Event<'a>>, ExpositionError> {
    if cursor.is_at_end() {
        return cursor.error(NO_EOF);
    }
    if cursor.eat_text("# EOF") {
        cursor.eat(b'\n');
        return if cursor.is_at_end() {
            Ok(None)
        } else {
            cursor.error("expected nothing after `# EOF`")
        };
    }
    if cursor.peek() == Some(b'#') {
        return metadata(cursor).map(|metadata| Some(Event::Metadata(metadata)));
    }
    sample(cursor, kind).map(|sample| Some(Event::Sample(sample)))
}

fn metadata<'a>(cursor: &mut Cursor<'a>) -> Result<Metadata<'a>, ExpositionError> {
    let start = cursor.at();
    let word = ["# HELP ", "# TYPE ", "# UNIT "]
        .into_iter()
        .find(|word| cursor.eat_text(word));
    let Some(word) = word else {
        return cursor.error("expected `# HELP`, `# TYPE`, `# UNIT` or `# EOF`");
    };
    let name = if cursor.peek() == Some(b'"') {
        cursor.quoted(true).unwrap_or_default()
    } else {
        cursor.metric_name()
    };
    if cursor.since(start).len() == word.len() {
        return cursor.error("expected a metric name after `# HELP`, `# TYPE` or `# UNIT`");
    }
    let at = cursor.at();
    if !cursor.eat(b' ') {
        return cursor.error("expected a blank and a text after the metric name");
    }
    let text = cursor.take_line();
    if !cursor.eat(b'\n') {
        return cursor.error(NO_EOF);
    }
    let family = unescape(name);
    match word {
        "# HELP " => Ok(Metadata::Help {
            family,
            text: unescape(text),
        }),
        "# TYPE " => match kind(text) {
            Some(kind) => Ok(Metadata::Type { family, kind }),
            None => cursor.error_at(at, "not a metric type of OpenMetrics"),
        },
        _ => {
            if text.is_empty() || family.strip_suffix(text).is_some_and(|stem| stem.ends_with('_')) {
                Ok(Metadata::Unit { family, unit: text })
            } else {
                cursor.error_at(at, "the unit is not the suffix of the metric's name")
            }
        }
    }
}

fn kind(word: &str) -> Option<Kind> {
    Some(match word {
        "counter" => Kind::Counter,
        "gauge" => Kind::Gauge,
        "histogram" => Kind::Histogram,
        "gaugehistogram" => Kind::GaugeHistogram,
        "summary" => Kind::Summary,
        "info" => Kind::Info,
        "stateset" => Kind::StateSet,
        "unknown" => Kind::Unknown,
        _ => return None,
    })
}

fn sample<'a>(cursor: &mut Cursor<'a>, kind: Kind) -> Result<Sample<'a>, ExpositionError> {
    let series = series(cursor, Style::Strict)?;
    let value = float(cursor, "expected a blank and a value after the metric")?;
    let mut timestamp = None;
    if cursor.peek() == Some(b' ') && !cursor.rest().starts_with(" # ") {
        timestamp = Some(seconds(cursor)?);
    }
    let exemplar = if cursor.eat_text(" # {") {
        Some(exemplar(cursor)?)
    } else {
        None
    };
    line_end(cursor)?;
    Ok(Sample {
        series: series.written,
        value,
        timestamp,
        exemplar,
        name: series.name,
        pairs: series.pairs,
        kind,
    })
}

fn exemplar<'a>(cursor: &mut Cursor<'a>) -> Result<Exemplar<'a>, ExpositionError> {
    let pairs = braces(cursor, Style::Exemplar, true)?.pairs;
    let value = float(cursor, "expected a blank and a value after the exemplar")?;
    let timestamp = if cursor.peek() == Some(b' ') {
        Some(seconds(cursor)?)
    } else {
        None
    };
    Ok(Exemplar {
        value,
        timestamp,
        pairs,
    })
}

/// A blank and a number.
fn float(cursor: &mut Cursor<'_>, missing: &'static str) -> Result<f64, ExpositionError> {
    let at = cursor.at();
    let text = word(cursor);
    if text.is_empty() {
        return cursor.error_at(at, missing);
    }
    match number::float(text) {
        Some(value) => Ok(value),
        None => cursor.error_at(at, "expected a floating-point number as value"),
    }
}

/// A blank and seconds, as milliseconds.
fn seconds(cursor: &mut Cursor<'_>) -> Result<i64, ExpositionError> {
    let at = cursor.at();
    match number::float(word(cursor)).and_then(number::milliseconds) {
        Some(timestamp) => Ok(timestamp),
        None => cursor.error_at(at, "expected a timestamp in seconds"),
    }
}

/// Moves past a blank and what follows up to the next blank or line break; empty when there is none.
fn word<'a>(cursor: &mut Cursor<'a>) -> &'a str {
    if cursor.eat(b' ') {
        cursor.take_while(|byte| !matches!(byte, b' ' | b'\n'))
    } else {
        ""
    }
}

fn line_end(cursor: &mut Cursor<'_>) -> Result<(), ExpositionError> {
    if cursor.eat(b'\n') {
        Ok(())
    } else if cursor.is_at_end() {
        cursor.error(NO_EOF)
    } else {
        cursor.error("expected a timestamp, an exemplar or the line's end")
    }
}
