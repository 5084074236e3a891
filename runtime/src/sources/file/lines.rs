//! Whole lines out of bytes, into the columns of a parcel.
//!
//! Invariants: a row's end is the file offset behind its line's terminator, so reading on from any end gives the
//! rows that follow it; text is UTF-8 and at most `max` bytes; rows and text of a parcel are bounded.
//!
//! UTF-8 is validated once per chunk and not once per line: the chunk is cut at line feeds, which are ASCII, so
//! every line of a valid chunk is valid. A line is copied once, into the column that travels on.

use millstream_batch::TextColumn;

use super::encoding::Codec;
use super::settings::LongLine;

/// The most rows in a parcel: as many as [`MAX_TEXT`] has room for when they are as long as an application's log lines are. Half
/// as many cost a tenth more CPU (`tests/bench/RESULTS.md`): threads wake each other, stages are called, buffers are taken per parcel.
pub const MAX_ROWS: usize = 2048;

/// The most text in a parcel (a longer single line still goes, alone): it should pass through the CPU's cache.
pub const MAX_TEXT: usize = 256 << 10;

/// What to do with long lines.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// The most bytes of text in a line.
    pub max: usize,
    /// What becomes of longer ones.
    pub action: LongLine,
}

/// What happened to lines since the last look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines in which something was replaced by U+FFFD.
    pub invalid: u64,
    /// Lines cut to the limit.
    pub truncated: u64,
    /// Lines left out because of the limit.
    pub skipped: u64,
}

/// Rows on their way into a parcel.
#[derive(Debug, Default)]
pub struct Rows {
    lines: TextColumn,
    ends: Vec<u64>,
    tally: Tally,
}

impl Rows {
    /// No rows; room for about as many as a parcel takes.
    #[must_use]
    pub fn new() -> Self {
        Self::with_room(MAX_ROWS, 0)
    }

    fn with_room(rows: usize, text: usize) -> Self {
        Self {
            lines: TextColumn::with_capacity(rows, text),
            ends: Vec::with_capacity(rows),
            tally: Tally::default(),
        }
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The columns so far. The next rows get room for somewhat more text, so that the column need not move.
    pub fn take(&mut self) -> (TextColumn, Vec<u64>) {
        let text = self.lines.bytes().len();
        let fresh = Self::with_room(self.len().min(MAX_ROWS), (text + text / 4).min(MAX_TEXT));
        let full = std::mem::replace(
            self,
            Self {
                tally: self.tally,
                ..fresh
            },
        );
        (full.lines, full.ends)
    }

    /// What happened since the last call.
    pub fn tally(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
    }

    /// Appends the line `raw` (without terminator), which ends at `end`.
    pub fn push_raw(&mut self, raw: &[u8], end: u64, codec: Codec, limit: Limit) {
        let (text, invalid) = codec.decode(raw);
        self.tally.invalid += u64::from(invalid);
        self.push_text(&text, end, limit);
    }

    fn push_text(&mut self, text: &str, end: u64, limit: Limit) {
        if text.len() <= limit.max {
            self.lines.push(text);
            self.ends.push(end);
        } else {
            self.push_long(text, end, limit);
        }
    }

    /// Appends what is left of a line over the limit, of which `text` is the beginning.
    #[cold]
    fn push_long(&mut self, text: &str, end: u64, limit: Limit) {
        match limit.action {
            LongLine::Truncate => {
                self.tally.truncated += 1;
                self.lines.push(&text[..text.floor_char_boundary(limit.max)]);
                self.ends.push(end);
            }
            LongLine::Skip => {
                self.tally.skipped += 1;
                self.pass(end);
            }
        }
    }

    /// Appends a line of which only the beginning, `kept`, was read: it is over the limit whatever its text.
    pub fn push_kept(&mut self, kept: &[u8], end: u64, codec: Codec, limit: Limit) {
        let (text, invalid) = codec.decode(kept);
        self.tally.invalid += u64::from(invalid && limit.action == LongLine::Truncate);
        self.push_long(&text, end, limit);
    }

    /// Bytes without a row of their own up to `end`: they settle with the row before them.
    fn pass(&mut self, end: u64) {
        if let Some(last) = self.ends.last_mut() {
            *last = end;
        }
    }

    fn is_full(&self, next: usize) -> bool {
        self.len() >= MAX_ROWS || (!self.is_empty() && self.lines.bytes().len() + next > MAX_TEXT)
    }
}

/// The lines of a chunk that ends behind a line feed.
#[derive(Debug)]
pub struct Lines<'a> {
    bytes: &'a [u8],
    /// The chunk as text, when it is UTF-8 and valid.
    text: Option<&'a str>,
    /// Where the next line begins.
    at: usize,
    /// Where the chunk begins in the file.
    base: u64,
    codec: Codec,
    limit: Limit,
}

impl<'a> Lines<'a> {
    /// The lines of `bytes`, which begin at `base` of the file and end behind a line feed.
    #[must_use]
    pub fn new(bytes: &'a [u8], base: u64, codec: Codec, limit: Limit) -> Self {
        let text = if codec.is_utf8() {
            simdutf8::basic::from_utf8(bytes).ok()
        } else {
            None
        };
        Self {
            bytes,
            text,
            at: 0,
            base,
            codec,
            limit,
        }
    }

    /// How many bytes of the chunk have been moved into rows.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.at
    }

    /// Moves lines into `rows`; returns whether lines are left because `rows` is full.
    pub fn fill(&mut self, rows: &mut Rows) -> bool {
        match self.text {
            Some(text) => self.fill_text(text, rows),
            None => self.fill_raw(rows),
        }
    }

    fn fill_text(&mut self, text: &str, rows: &mut Rows) -> bool {
        let begin = self.at;
        for feed in memchr::memchr_iter(b'\n', &self.bytes[begin..]) {
            let feed = begin + feed;
            let line = &text[self.at..feed];
            let line = line.strip_suffix('\r').unwrap_or(line);
            if rows.is_full(line.len().min(self.limit.max)) {
                return true;
            }
            self.at = feed + 1;
            rows.push_text(line, self.base + self.at as u64, self.limit);
        }
        false
    }

    fn fill_raw(&mut self, rows: &mut Rows) -> bool {
        while let Some(feed) = self.codec.newline(&self.bytes[self.at..]) {
            let line = self.codec.trim(&self.bytes[self.at..self.at + feed]);
            if rows.is_full(line.len().min(self.limit.max)) {
                return true;
            }
            self.at += feed + self.codec.unit();
            rows.push_raw(line, self.base + self.at as u64, self.codec, self.limit);
        }
        false
    }
}

#[cfg(test)]
mod tests;
