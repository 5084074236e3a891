//! What is wrong with a manifest, where, and what to do about it.
//!
//! A [`ManifestError`] prints as compilers do: message, place, the offending line, the fix. Several print one after the
//! other, in the order of the text. The cause (a URL parser's error, a plugin's refusal) is kept as source and printed
//! by [`ManifestErrors`], never inside the message.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::place::{Place, Sheet};

/// Whether the manifest can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, but it is probably not what was meant.
    Warning,
}

/// Why something is wrong underneath.
pub(super) type Cause = Box<dyn Error + Send + Sync>;

/// An error before the sheet it is printed on exists.
#[derive(Debug)]
pub(super) struct Problem {
    pub severity: Severity,
    pub place: Place,
    pub message: String,
    pub fix: String,
    pub cause: Option<Cause>,
}

impl Problem {
    /// An error without a cause underneath.
    pub fn error(place: Place, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            place,
            message: message.into(),
            fix: fix.into(),
            cause: None,
        }
    }

    /// The error on its sheet.
    pub fn on(self, sheet: &Arc<Sheet>) -> ManifestError {
        ManifestError {
            problem: self,
            sheet: Arc::clone(sheet),
        }
    }
}

/// Something wrong at a place of the manifest.
#[derive(Debug)]
pub struct ManifestError {
    problem: Problem,
    sheet: Arc<Sheet>,
}

impl ManifestError {
    /// The same with the reason underneath, which is printed below the fix.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.problem.cause = Some(cause.into());
        self
    }

    /// Whether the manifest can be used all the same.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.problem.severity
    }

    /// Where.
    #[must_use]
    pub fn place(&self) -> Place {
        self.problem.place
    }

    /// What is wrong, in one line.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.problem.message
    }

    /// What to do about it; empty when there is nothing more to say.
    #[must_use]
    pub fn fix(&self) -> &str {
        &self.problem.fix
    }

    /// For a terminal that shows colours.
    #[must_use]
    pub fn coloured(&self) -> impl fmt::Display + '_ {
        Block {
            error: self,
            paint: Paint::Ansi,
        }
    }
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Block {
            error: self,
            paint: Paint::Plain,
        }
        .fmt(f)
    }
}

impl Error for ManifestError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.problem.cause.as_deref().map(|cause| cause as _)
    }
}

/// Everything that is wrong with a manifest. Never empty.
#[derive(Debug)]
pub struct ManifestErrors(Vec<ManifestError>);

impl ManifestErrors {
    /// From at least one error; they are put in the order of the text.
    pub(crate) fn new(mut errors: Vec<ManifestError>) -> Self {
        errors.sort_by_key(ManifestError::place);
        Self(errors)
    }

    /// The errors, in the order of the text.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &ManifestError> {
        self.0.iter()
    }

    /// For a terminal that shows colours.
    #[must_use]
    pub fn coloured(&self) -> impl fmt::Display + '_ {
        Blocks {
            errors: &self.0,
            paint: Paint::Ansi,
        }
    }
}

impl From<ManifestError> for ManifestErrors {
    fn from(error: ManifestError) -> Self {
        Self(vec![error])
    }
}

impl fmt::Display for ManifestErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Blocks {
            errors: &self.0,
            paint: Paint::Plain,
        }
        .fmt(f)
    }
}

impl Error for ManifestErrors {}

/// Whether to colour.
#[derive(Clone, Copy)]
enum Paint {
    Plain,
    Ansi,
}

impl Paint {
    fn start(self, code: &'static str) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Ansi => code,
        }
    }
}

const BOLD: &str = "\u{1b}[1m";
const BLUE: &str = "\u{1b}[1;34m";
const RED: &str = "\u{1b}[1;31m";
const YELLOW: &str = "\u{1b}[1;33m";
const RESET: &str = "\u{1b}[0m";

/// One error as it is printed, without its causes.
struct Block<'a> {
    error: &'a ManifestError,
    paint: Paint,
}

impl fmt::Display for Block<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem {
            severity,
            place,
            message,
            fix,
            ..
        } = &self.error.problem;
        let (word, colour) = match severity {
            Severity::Error => ("error", RED),
            Severity::Warning => ("warning", YELLOW),
        };
        let (colour, bold) = (self.paint.start(colour), self.paint.start(BOLD));
        let (blue, reset) = (self.paint.start(BLUE), self.paint.start(RESET));
        let sheet = &self.error.sheet;
        let line = sheet.line(place.line).trim_end();
        let gutter = place.line.to_string().len();
        writeln!(f, "{colour}{word}{reset}{bold}: {message}{reset}")?;
        let (path, at, column) = (sheet.path().display(), place.line, place.column);
        writeln!(f, "{:gutter$}{blue}-->{reset} {path}:{at}:{column}", "")?;
        writeln!(f, "{:gutter$} {blue}|{reset}", "")?;
        writeln!(
            f,
            "{blue}{at} |{reset}{}{line}",
            if line.is_empty() { "" } else { " " }
        )?;
        let (indent, carets) = (column.saturating_sub(1), "^".repeat(place.width.max(1)));
        write!(
            f,
            "{:gutter$} {blue}|{reset} {:indent$}{colour}{carets}{reset}",
            "", ""
        )?;
        if !fix.is_empty() {
            write!(f, "\n{:gutter$} {blue}={reset} {bold}help{reset}: {fix}", "")?;
        }
        Ok(())
    }
}

/// Several errors as they are printed, each with its causes.
struct Blocks<'a> {
    errors: &'a [ManifestError],
    paint: Paint,
}

impl fmt::Display for Blocks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            Block {
                error,
                paint: self.paint,
            }
            .fmt(f)?;
            let gutter = error.problem.place.line.to_string().len();
            let mut cause = error.source();
            while let Some(reason) = cause {
                let (blue, reset) = (self.paint.start(BLUE), self.paint.start(RESET));
                write!(f, "\n{:gutter$} {blue}={reset} because: {reason}", "")?;
                cause = reason.source();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn error(line: usize, column: usize, width: usize, fix: &str) -> ManifestError {
        let text = format!("{}    stagess:\n", "\n".repeat(11));
        let sheet = Arc::new(Sheet::new(Path::new("millstream.yaml"), &text, &[]));
        Problem::error(
            Place { line, column, width },
            "unknown key `stagess` in pipeline `app`",
            fix,
        )
        .on(&sheet)
    }

    #[test]
    fn prints_message_place_line_and_fix() {
        let expected = "\
error: unknown key `stagess` in pipeline `app`
  --> millstream.yaml:12:5
   |
12 |     stagess:
   |     ^^^^^^^
   = help: did you mean `stages`?";
        assert_eq!(error(12, 5, 7, "did you mean `stages`?").to_string(), expected);
    }

    #[test]
    fn prints_without_a_line_and_without_a_fix() {
        let expected = "\
error: unknown key `stagess` in pipeline `app`
 --> millstream.yaml:1:1
  |
1 |
  | ^";
        assert_eq!(error(1, 1, 0, "").to_string(), expected);
    }

    #[test]
    fn several_come_in_the_order_of_the_text_with_their_causes_once() {
        let errors = ManifestErrors::new(vec![
            error(12, 5, 7, "").because("the sky fell"),
            error(1, 1, 0, ""),
        ]);
        let text = errors.to_string();
        assert!(text.find(":1:1").unwrap() < text.find(":12:5").unwrap(), "{text}");
        assert_eq!(text.matches("= because: the sky fell").count(), 1, "{text}");
        assert!(
            !errors.iter().last().unwrap().to_string().contains("sky"),
            "an error does not repeat its source"
        );
    }

    #[test]
    fn colours_are_only_added() {
        let coloured = error(12, 5, 7, "fix").coloured().to_string();
        let mut plain = coloured;
        for code in [BOLD, BLUE, RED, YELLOW, RESET] {
            plain = plain.replace(code, "");
        }
        assert_eq!(plain, error(12, 5, 7, "fix").to_string());
    }
}
