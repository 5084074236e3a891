//! A scalar: its text, and what YAML's core schema makes of it.

use std::ops::Range;

/// A scalar.
#[derive(Clone)]
pub struct Scalar {
    /// The text, after quotes and escapes, and after `${env:…}`.
    pub text: String,
    /// Whether it was written without quotes, so that `5` is a number.
    pub plain: bool,
    /// Whether `${env:…}` was replaced in it.
    pub expanded: bool,
    /// The bytes it takes in the manifest, quotes included.
    pub bytes: Range<usize>,
}

/// A scalar with a type.
#[derive(Clone, Debug, PartialEq)]
pub enum Typed<'a> {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Unsigned(u64),
    /// A negative whole number.
    Signed(i64),
    /// Another number.
    Float(f64),
    /// Everything else.
    Text(&'a str),
}

impl Scalar {
    /// Whether nothing is written: `~`, `null` or emptiness. An empty variable is text.
    pub fn is_null(&self) -> bool {
        self.plain && !self.expanded && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }

    /// The value under YAML's core schema, for stage settings, whose types only the plugin knows.
    ///
    /// One departure: a number with leading zeros (`0123`) is text. The core schema reads 123, YAML 1.1 read 83, and who
    /// writes it means an identifier.
    pub fn typed(&self) -> Typed<'_> {
        let text = self.text.as_str();
        if self.is_null() {
            return Typed::Null;
        }
        if !self.plain {
            return Typed::Text(text);
        }
        match text {
            "true" | "True" | "TRUE" => return Typed::Bool(true),
            "false" | "False" | "FALSE" => return Typed::Bool(false),
            _ => {}
        }
        number(text).unwrap_or(Typed::Text(text))
    }
}

fn number(text: &str) -> Option<Typed<'static>> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let padded = digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
    if padded || !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    if let Some(hex) = text.strip_prefix("0x") {
        return u64::from_str_radix(hex, 16).ok().map(Typed::Unsigned);
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return u64::from_str_radix(octal, 8).ok().map(Typed::Unsigned);
    }
    if digits.bytes().all(|b| b.is_ascii_digit()) {
        let unsigned = text.parse().map(Typed::Unsigned);
        return unsigned.or_else(|_| text.parse().map(Typed::Signed)).ok();
    }
    if !digits
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'))
    {
        return None;
    }
    text.parse::<f64>()
        .ok()
        .filter(|float| float.is_finite())
        .map(Typed::Float)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(text: &str, plain: bool, expanded: bool) -> Scalar {
        Scalar {
            text: text.to_owned(),
            plain,
            expanded,
            bytes: 0..0,
        }
    }

    #[test]
    fn plain_text_has_the_core_schema_types() {
        for (text, typed) in [
            ("", Typed::Null),
            ("~", Typed::Null),
            ("null", Typed::Null),
            ("true", Typed::Bool(true)),
            ("FALSE", Typed::Bool(false)),
            ("5", Typed::Unsigned(5)),
            ("+5", Typed::Unsigned(5)),
            ("-5", Typed::Signed(-5)),
            ("0", Typed::Unsigned(0)),
            ("0x1f", Typed::Unsigned(31)),
            ("0o17", Typed::Unsigned(15)),
            ("1.5", Typed::Float(1.5)),
            ("-1e3", Typed::Float(-1000.0)),
            (".5", Typed::Float(0.5)),
        ] {
            assert_eq!(scalar(text, true, false).typed(), typed, "{text}");
        }
        for text in [
            "no", "yes", "0123", "1.2.3", ".", "-", "+", "e5", "1e999", ".inf", "nan", "infinity", "3s", "0x",
        ] {
            assert_eq!(scalar(text, true, false).typed(), Typed::Text(text), "{text}");
        }
    }

    #[test]
    fn quoted_text_is_text_and_an_empty_variable_is_not_nothing() {
        assert_eq!(scalar("5", false, false).typed(), Typed::Text("5"));
        assert_eq!(scalar("5", true, true).typed(), Typed::Unsigned(5));
        assert_eq!(scalar("", true, true).typed(), Typed::Text(""));
    }
}
