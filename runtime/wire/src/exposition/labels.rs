//! What stands between braces: parsed once for being well-formed, and again, on demand, for what it says.

use std::borrow::Cow;

use super::cursor::Cursor;
use super::error::ExpositionError;
use super::metadata::Kind;
use super::number;

/// How labels are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// 0.0.4: blanks anywhere, line breaks in values, commas optional.
    Loose,
    /// OpenMetrics: none of these.
    Strict,
    /// Of an OpenMetrics exemplar: strict, and there is no metric name.
    Exemplar,
}

/// What stood between braces.
pub(super) struct Braces<'a> {
    /// The quoted metric name, escapes as written.
    pub(super) name: Option<&'a str>,
    /// All of it.
    pub(super) pairs: &'a str,
}

/// Moves past the labels and the closing brace; the opening one is behind the cursor. `named` says that the metric
/// has a name already.
pub(super) fn braces<'a>(
    cursor: &mut Cursor<'a>,
    style: Style,
    named: bool,
) -> Result<Braces<'a>, ExpositionError> {
    let start = cursor.at();
    let mut name = None;
    let loose = style == Style::Loose;
    let blanks = |cursor: &mut Cursor<'a>| {
        if loose {
            cursor.skip_blanks();
        }
    };
    loop {
        blanks(cursor);
        let end = cursor.at();
        if cursor.eat(b'}') {
            let pairs = cursor.since(start);
            return Ok(Braces {
                name,
                pairs: pairs.get(..end - start).unwrap_or_default(),
            });
        }
        let quoted = cursor.peek() == Some(b'"');
        let label = if quoted {
            cursor.quoted(loose).unwrap_or_default()
        } else {
            cursor.label_name()
        };
        if cursor.at() == end {
            return cursor.error("expected a label name");
        }
        blanks(cursor);
        // A quoted text that stands alone is the metric's name.
        if quoted && matches!(cursor.peek(), Some(b',' | b'}')) {
            if style == Style::Exemplar {
                return cursor.error_at(end, "an exemplar has no name");
            }
            if named || name.replace(label).is_some() {
                return cursor.error_at(end, "the metric already has a name");
            }
            cursor.eat(b',');
            continue;
        }
        if !cursor.eat(b'=') {
            return cursor.error("expected `=` after the label name");
        }
        blanks(cursor);
        if cursor.quoted(loose).is_none() {
            return cursor.error("expected a quoted label value");
        }
        blanks(cursor);
        if !cursor.eat(b',') && !loose && cursor.peek() != Some(b'}') {
            return cursor.error("expected `,` or `}` after the label value");
        }
    }
}

/// The labels of a sample, in the order written.
#[derive(Clone, Debug)]
pub struct LabelPairs<'a> {
    // What `braces` accepted, so scanning it again cannot fail; were it ever to, the iteration ends.
    cursor: Cursor<'a>,
    kind: Kind,
}

impl<'a> LabelPairs<'a> {
    pub(super) fn new(pairs: &'a str, kind: Kind) -> Self {
        Self {
            cursor: Cursor::new(pairs),
            kind,
        }
    }
}

impl<'a> Iterator for LabelPairs<'a> {
    type Item = (Cow<'a, str>, Cow<'a, str>);

    fn next(&mut self) -> Option<Self::Item> {
        let cursor = &mut self.cursor;
        loop {
            cursor.take_while(|byte| matches!(byte, b' ' | b'\t' | b','));
            let name = if cursor.peek() == Some(b'"') {
                cursor.quoted(true)?
            } else {
                Some(cursor.label_name()).filter(|name| !name.is_empty())?
            };
            cursor.skip_blanks();
            if cursor.eat(b'=') {
                cursor.skip_blanks();
                let name = unescape(name);
                let value = canonical(self.kind, &name, unescape(cursor.quoted(true)?));
                return Some((name, value));
            }
        }
    }
}

/// A bound or quantile in the one form that Prometheus gives it; anything else as it is.
fn canonical<'a>(kind: Kind, name: &str, value: Cow<'a, str>) -> Cow<'a, str> {
    match (kind, name) {
        (Kind::Histogram, "le") | (Kind::Summary, "quantile") => {
            number::float(&value).map_or(value, |number| number::canonical(number).into())
        }
        _ => value,
    }
}

/// Resolves `\"`, `\\` and `\n`; every other backslash stands for itself.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    replace(text, |byte| match byte {
        b'"' => Some('"'),
        b'\\' => Some('\\'),
        b'n' => Some('\n'),
        _ => None,
    })
}

/// As `unescape`, but quotes need no escape: the help text of 0.0.4.
pub(super) fn unescape_help(text: &str) -> Cow<'_, str> {
    replace(text, |byte| match byte {
        b'\\' => Some('\\'),
        b'n' => Some('\n'),
        _ => None,
    })
}

fn replace(text: &str, meaning: impl Fn(u8) -> Option<char>) -> Cow<'_, str> {
    let Some(first) = memchr::memchr(b'\\', text.as_bytes()) else {
        return Cow::Borrowed(text);
    };
    let (clean, mut rest) = text.split_at(first);
    let mut out = String::with_capacity(text.len());
    out.push_str(clean);
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        // An escape is ASCII, so both cuts are at characters.
        if let Some(character) = rest.as_bytes().get(at + 1).and_then(|&byte| meaning(byte)) {
            out.push(character);
            rest = &rest[at + 2..];
        } else {
            out.push('\\');
            rest = &rest[at + 1..];
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}
