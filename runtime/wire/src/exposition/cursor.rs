//! A place in the body, and the tokens that both formats share.

use super::error::ExpositionError;

/// Moves through a body. Every method either moves past what it returns or stays where it is.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    body: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(body: &'a str) -> Self {
        Self { body, at: 0 }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn rest(&self) -> &'a str {
        self.body.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.body.as_bytes().get(self.at).copied()
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.body.len()
    }

    /// The text from `start` to here.
    pub(super) fn since(&self, start: usize) -> &'a str {
        self.body.get(start..self.at).unwrap_or_default()
    }

    pub(super) fn error<T>(&self, what: &'static str) -> Result<T, ExpositionError> {
        self.error_at(self.at, what)
    }

    pub(super) fn error_at<T>(&self, at: usize, what: &'static str) -> Result<T, ExpositionError> {
        Err(ExpositionError::at(self.body.as_bytes(), at, what))
    }

    /// Moves past `byte`, which must be ASCII.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Moves past `text`.
    pub(super) fn eat_text(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    /// Moves past bytes as long as `belongs`. It must not accept part of a character: all or no bytes from 0x80.
    pub(super) fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> &'a str {
        let bytes = self.rest().as_bytes();
        let length = bytes
            .iter()
            .position(|&byte| !belongs(byte))
            .unwrap_or(bytes.len());
        let start = self.at;
        self.at += length;
        self.since(start)
    }

    /// The rest of the line; the line break stays in front.
    pub(super) fn take_line(&mut self) -> &'a str {
        let rest = self.rest();
        let length = memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    pub(super) fn skip_blanks(&mut self) {
        self.take_while(|byte| matches!(byte, b' ' | b'\t'));
    }

    /// `[a-zA-Z_:][a-zA-Z0-9_:]*`, or an empty text.
    pub(super) fn metric_name(&mut self) -> &'a str {
        match self.peek() {
            Some(byte) if is_name_start(byte) || byte == b':' => {
                self.take_while(|byte| is_name_start(byte) || byte.is_ascii_digit() || byte == b':')
            }
            _ => "",
        }
    }

    /// `[a-zA-Z_][a-zA-Z0-9_]*`, or an empty text.
    pub(super) fn label_name(&mut self) -> &'a str {
        match self.peek() {
            Some(byte) if is_name_start(byte) => {
                self.take_while(|byte| is_name_start(byte) || byte.is_ascii_digit())
            }
            _ => "",
        }
    }

    /// A text in quotes, without them, escapes as written; `None` (and no move) when it is not closed or has a
    /// line break where `multiline` forbids it.
    pub(super) fn quoted(&mut self, multiline: bool) -> Option<&'a str> {
        let inner = self.rest().strip_prefix('"')?;
        let bytes = inner.as_bytes();
        let mut from = 0;
        loop {
            let found = from + memchr::memchr2(b'"', b'\\', bytes.get(from..)?)?;
            if bytes[found] == b'"' {
                let text = &inner[..found];
                if !multiline && memchr::memchr(b'\n', text.as_bytes()).is_some() {
                    return None;
                }
                self.at += found + 2;
                return Some(text);
            }
            // An escape cannot reach over the end of the line.
            if bytes.get(found + 1) == Some(&b'\n') {
                return None;
            }
            from = found + 2;
        }
    }
}

fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}
