//! Prometheus text 0.0.4.
//!
//! Loose about blanks, strict about the rest: a carriage return belongs to the token in front of it, a `TYPE` must
//! be one of five words, a timestamp is digits.

use std::borrow::Cow;

use super::cursor::Cursor;
use super::error::ExpositionError;
use super::labels::{Style, unescape, unescape_help};
use super::metadata::{Kind, Metadata};
use super::number;
use super::parser::{Event, series};
use super::sample::Sample;

/// The next event; `None` at the end.
pub(super) fn next<'a>(cursor: &mut Cursor<'a>, kind: Kind) -> Result<Option<Event<'a>>, ExpositionError> {
    loop {
        cursor.skip_blanks();
        match cursor.peek() {
            None => return Ok(None),
            Some(b'\n') => {
                cursor.eat(b'\n');
            }
            Some(b'#') => {
                if let Some(metadata) = comment(cursor)? {
                    return Ok(Some(Event::Metadata(metadata)));
                }
            }
            Some(_) => return sample(cursor, kind).map(|sample| Some(Event::Sample(sample))),
        }
    }
}

/// Moves past a line that begins with `#`; `None` when it is only a comment.
fn comment<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Metadata<'a>>, ExpositionError> {
    cursor.eat(b'#');
    let begins = matches!(cursor.peek(), Some(b' ' | b'\t'));
    cursor.skip_blanks();
    let word = if begins {
        ["HELP", "TYPE"].into_iter().find(|word| keyword(cursor, word))
    } else {
        None
    };
    let Some(word) = word else {
        cursor.take_line();
        return Ok(None);
    };
    let Some(family) = family(cursor) else {
        return cursor.error("expected a metric name after `# HELP` or `# TYPE`");
    };
    let at = cursor.at();
    let line = cursor.take_line();
    // One separator, whatever it is, belongs to neither side; blanks alone are no text.
    let text = if line.trim_matches([' ', '\t']).is_empty() {
        ""
    } else {
        line.char_indices()
            .nth(1)
            .map_or("", |(second, _)| &line[second..])
    };
    if word == "HELP" {
        return Ok(Some(Metadata::Help {
            family,
            text: unescape_help(text),
        }));
    }
    let kind = match text {
        "counter" => Kind::Counter,
        "gauge" => Kind::Gauge,
        "histogram" => Kind::Histogram,
        "summary" => Kind::Summary,
        "untyped" => Kind::Unknown,
        _ => return cursor.error_at(at, "expected counter, gauge, histogram, summary or untyped"),
    };
    Ok(Some(Metadata::Type { family, kind }))
}

/// Moves past `word` and the blanks that must follow it.
fn keyword(cursor: &mut Cursor<'_>, word: &str) -> bool {
    let rest = cursor.rest().as_bytes();
    let found = rest.starts_with(word.as_bytes()) && matches!(rest.get(word.len()), Some(b' ' | b'\t'));
    if found {
        cursor.eat_text(word);
        cursor.skip_blanks();
    }
    found
}

fn family<'a>(cursor: &mut Cursor<'a>) -> Option<Cow<'a, str>> {
    if cursor.peek() == Some(b'"') {
        return cursor.quoted(true).map(unescape);
    }
    let name = cursor.metric_name();
    (!name.is_empty()).then_some(Cow::Borrowed(name))
}

fn sample<'a>(cursor: &mut Cursor<'a>, kind: Kind) -> Result<Sample<'a>, ExpositionError> {
    let series = series(cursor, Style::Loose)?;
    cursor.skip_blanks();
    let at = cursor.at();
    let value = cursor.take_while(|byte| !matches!(byte, b'{' | b' ' | b'\t' | b'\n'));
    if value.is_empty() {
        return cursor.error("expected a value after the metric");
    }
    let Some(value) = number::float(value) else {
        return cursor.error_at(at, "expected a floating-point number as value");
    };
    cursor.skip_blanks();
    let at = cursor.at();
    let digits = cursor.take_while(|byte| byte.is_ascii_digit());
    let timestamp = if digits.is_empty() {
        None
    } else {
        match digits.parse() {
            Ok(timestamp) => Some(timestamp),
            Err(_) => return cursor.error_at(at, "the timestamp is out of range"),
        }
    };
    cursor.skip_blanks();
    if !cursor.eat(b'\n') && !cursor.is_at_end() {
        let wanted = "expected a timestamp in milliseconds or the line's end";
        return cursor.error(if timestamp.is_some() {
            "expected the line's end after the timestamp"
        } else {
            wanted
        });
    }
    Ok(Sample {
        series: series.written,
        value,
        timestamp,
        exemplar: None,
        name: series.name,
        pairs: series.pairs,
        kind,
    })
}
