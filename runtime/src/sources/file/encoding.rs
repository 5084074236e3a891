//! How a file's bytes become text: its encoding, found by name or byte order mark.
//!
//! Invariant: a line end is found without decoding. In every encoding of the WHATWG standard but UTF-16 the byte
//! 0x0A is a line feed and never part of another character; in UTF-16 it is a two-byte unit at an even offset.

use std::borrow::Cow;

use encoding_rs::{Encoding, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE};
use memchr::{memchr_iter, memrchr_iter};

/// There is no such encoding.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "unknown encoding {0:?}: use a label of the WHATWG encoding standard, for example utf-8, utf-16le or euc-kr"
)]
pub struct UnknownEncoding(String);

/// How to find lines in bytes and read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codec {
    encoding: &'static Encoding,
    /// The bytes of a line feed; the second is unused unless `unit` is 2.
    newline: [u8; 2],
    unit: usize,
}

impl Codec {
    /// UTF-8.
    pub const UTF_8: Self = Self {
        encoding: UTF_8,
        newline: [b'\n', 0],
        unit: 1,
    };

    /// By its label.
    ///
    /// # Errors
    /// When no encoding that can be read has this label.
    pub fn named(label: &str) -> Result<Self, UnknownEncoding> {
        Encoding::for_label(label.as_bytes())
            .filter(|&encoding| encoding != REPLACEMENT)
            .map(Self::of)
            .ok_or_else(|| UnknownEncoding(label.to_owned()))
    }

    fn of(encoding: &'static Encoding) -> Self {
        let (newline, unit) = if encoding == UTF_16LE {
            ([b'\n', 0], 2)
        } else if encoding == UTF_16BE {
            ([0, b'\n'], 2)
        } else {
            ([b'\n', 0], 1)
        };
        Self {
            encoding,
            newline,
            unit,
        }
    }

    /// The codec of a file that begins with `head`, and the length of its byte order mark. A mark counts for more
    /// than the name in the settings. `None` while `head` may still become a mark.
    #[must_use]
    pub fn of_head(self, head: &[u8]) -> Option<(Self, usize)> {
        if let Some((encoding, length)) = Encoding::for_bom(head) {
            return Some((Self::of(encoding), length));
        }
        let marks: [&[u8]; 3] = [b"\xEF\xBB\xBF", b"\xFF\xFE", b"\xFE\xFF"];
        if marks.iter().any(|mark| mark.starts_with(head)) {
            return None;
        }
        Some((self, 0))
    }

    /// Whether it is UTF-8: the way without decoding.
    #[must_use]
    pub fn is_utf8(self) -> bool {
        self.encoding == UTF_8
    }

    /// How many bytes a code unit has.
    #[must_use]
    pub fn unit(self) -> usize {
        self.unit
    }

    /// Where the first line feed in `bytes` (which begin at a code unit) begins.
    #[must_use]
    pub fn newline(self, bytes: &[u8]) -> Option<usize> {
        memchr_iter(b'\n', bytes).find_map(|at| self.unit_at(bytes, at))
    }

    /// Where the last line feed in `bytes` begins.
    #[must_use]
    pub fn last_newline(self, bytes: &[u8]) -> Option<usize> {
        memrchr_iter(b'\n', bytes).find_map(|at| self.unit_at(bytes, at))
    }

    /// The start of the line feed that has its 0x0A at `at`, when there is one.
    fn unit_at(self, bytes: &[u8], at: usize) -> Option<usize> {
        if self.unit == 1 {
            return Some(at);
        }
        let start = at & !1;
        (bytes.get(start..start + 2)? == self.newline).then_some(start)
    }

    /// How many bytes of line feed, with a carriage return before it or not, `bytes` begin with. `None`: as many as
    /// there are could still become one.
    #[must_use]
    pub fn leading_newline(self, bytes: &[u8]) -> Option<usize> {
        let feed = &self.newline[..self.unit];
        if bytes.starts_with(feed) {
            return Some(self.unit);
        }
        let rest = bytes.strip_prefix(&self.carriage_return()[..self.unit]);
        match rest {
            Some(rest) if rest.starts_with(feed) => Some(2 * self.unit),
            Some([]) => None,
            _ if bytes.len() < self.unit => None,
            _ => Some(0),
        }
    }

    /// `line` without the carriage return at its end.
    #[must_use]
    pub fn trim(self, line: &[u8]) -> &[u8] {
        line.strip_suffix(&self.carriage_return()[..self.unit])
            .unwrap_or(line)
    }

    fn carriage_return(self) -> [u8; 2] {
        self.newline.map(|byte| if byte == b'\n' { b'\r' } else { 0 })
    }

    /// The text of a line, and whether something in it was not text.
    #[must_use]
    pub fn decode(self, line: &[u8]) -> (Cow<'_, str>, bool) {
        self.encoding.decode_without_bom_handling(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_win_over_the_name_and_are_waited_for() {
        let named = Codec::named("euc-kr").unwrap();
        assert_eq!(named.of_head(b"\xEF\xBB\xBFa"), Some((Codec::UTF_8, 3)));
        assert_eq!(
            named.of_head(b"\xFF\xFEa\0"),
            Some((Codec::named("utf-16le").unwrap(), 2))
        );
        assert_eq!(
            named.of_head(b"\xFE\xFF\0a"),
            Some((Codec::named("utf-16be").unwrap(), 2))
        );
        assert_eq!(named.of_head(b"plain"), Some((named, 0)));
        for part in [&b""[..], b"\xEF", b"\xEF\xBB", b"\xFF", b"\xFE"] {
            assert_eq!(named.of_head(part), None, "{part:?}");
        }
    }

    #[test]
    fn only_encodings_that_can_be_read_have_names() {
        assert!(Codec::named("UTF-8").unwrap().is_utf8());
        assert_eq!(Codec::named("klingon"), Err(UnknownEncoding("klingon".into())));
        assert!(
            Codec::named("iso-2022-kr").is_err(),
            "the standard decodes it to one U+FFFD"
        );
    }

    #[test]
    fn sixteen_bit_line_feeds_are_whole_units() {
        let codec = Codec::named("utf-16le").unwrap();
        // U+0A41 and U+000A: the first has 0x0A as its high byte.
        let bytes = [0x41, 0x0A, 0x0A, 0x00, 0x0A];
        assert_eq!(codec.newline(&bytes), Some(2));
        assert_eq!(codec.last_newline(&bytes), Some(2));
        assert_eq!(codec.trim(b"a\0\r\0"), b"a\0");
    }

    #[test]
    fn leading_line_ends() {
        let codec = Codec::UTF_8;
        assert_eq!(codec.leading_newline(b"\nx"), Some(1));
        assert_eq!(codec.leading_newline(b"\r\nx"), Some(2));
        assert_eq!(codec.leading_newline(b"\rx"), Some(0));
        assert_eq!(codec.leading_newline(b"x"), Some(0));
        assert_eq!(codec.leading_newline(b"\r"), None);
        assert_eq!(codec.leading_newline(b""), None);
    }
}
