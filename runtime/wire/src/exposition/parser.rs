//! The iterator over a body, and what both formats have in common.

use super::cursor::Cursor;
use super::error::ExpositionError;
use super::labels::{Braces, Style, braces};
use super::metadata::{Kind, Metadata};
use super::sample::Sample;
use super::{openmetrics, text};

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text 0.0.4.
    Text,
    /// OpenMetrics text 1.0.
    OpenMetrics,
}

impl Format {
    /// The format that a `Content-Type` announces. Without one, or with one that is neither, 0.0.4: what Prometheus
    /// calls `scrape_fallback_protocol`.
    #[must_use]
    pub fn from_content_type(content_type: Option<&str>) -> Self {
        let media = content_type
            .and_then(|value| value.split(';').next())
            .unwrap_or_default();
        if media.trim().eq_ignore_ascii_case("application/openmetrics-text") {
            Self::OpenMetrics
        } else {
            Self::Text
        }
    }
}

/// What comes next in a body. Comments and blank lines are passed over.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a> {
    /// A sample.
    Sample(Sample<'a>),
    /// Something about a metric family.
    Metadata(Metadata<'a>),
}

/// Reads a body. Yields what it finds in order, and at most one error, last.
#[derive(Clone, Debug)]
pub struct Parser<'a> {
    format: Format,
    // Whole lines of UTF-8; when that is not all of the body, `broken` says why.
    cursor: Cursor<'a>,
    broken: Option<ExpositionError>,
    // Of the last `# TYPE`, whatever its family: as in Prometheus.
    kind: Kind,
    done: bool,
}

/// A parser of `body`.
#[must_use]
pub fn parse(body: &[u8], format: Format) -> Parser<'_> {
    let (text, broken) = match std::str::from_utf8(body) {
        Ok(text) => (text, None),
        Err(error) => {
            let at = error.valid_up_to();
            let lines = memchr::memrchr(b'\n', &body[..at]).map_or(0, |newline| newline + 1);
            let text = std::str::from_utf8(&body[..lines]).unwrap_or_default();
            (text, Some(ExpositionError::at(body, at, "not UTF-8")))
        }
    };
    Parser {
        format,
        cursor: Cursor::new(text),
        broken,
        kind: Kind::Unknown,
        done: false,
    }
}

impl<'a> Iterator for Parser<'a> {
    type Item = Result<Event<'a>, ExpositionError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let next = if self.cursor.is_at_end() && self.broken.is_some() {
            self.broken.take().map(Err)
        } else {
            match self.format {
                Format::Text => text::next(&mut self.cursor, self.kind),
                Format::OpenMetrics => openmetrics::next(&mut self.cursor, self.kind),
            }
            .transpose()
        };
        match &next {
            // 0.0.4 ends where its text ends, and that may be in front of what is not UTF-8.
            None if self.broken.is_some() => {
                self.done = true;
                return self.broken.take().map(Err);
            }
            None | Some(Err(_)) => self.done = true,
            Some(Ok(Event::Metadata(Metadata::Type { kind, .. }))) => self.kind = *kind,
            Some(Ok(_)) => {}
        }
        next
    }
}

/// Name and labels of a sample.
pub(super) struct Series<'a> {
    pub(super) name: &'a str,
    pub(super) pairs: &'a str,
    pub(super) written: &'a str,
}

/// Moves past `name`, `name{…}` or `{"name",…}`.
pub(super) fn series<'a>(cursor: &mut Cursor<'a>, style: Style) -> Result<Series<'a>, ExpositionError> {
    let start = cursor.at();
    let name = cursor.metric_name();
    let mut written = cursor.since(start);
    let mut before = cursor.clone();
    if style == Style::Loose {
        before.skip_blanks();
    }
    let mut found = Braces {
        name: None,
        pairs: "",
    };
    if before.eat(b'{') {
        *cursor = before;
        found = braces(cursor, style, !name.is_empty())?;
        written = cursor.since(start);
    } else if name.is_empty() {
        return cursor.error("expected a metric name, `{` or `#`");
    }
    let name = if name.is_empty() { found.name } else { Some(name) };
    // Prometheus reads the value first and then misses the name; the answer is the same.
    let Some(name) = name else {
        return cursor.error_at(start, "the metric has no name");
    };
    Ok(Series {
        name,
        pairs: found.pairs,
        written,
    })
}
