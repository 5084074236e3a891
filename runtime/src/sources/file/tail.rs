//! One file being read: one generation, through one descriptor, whatever names it has.
//!
//! Invariants: `offset` is where the next line begins, and everything before it was handed on; no part of a line is
//! kept in memory, for the file keeps it, but the beginning of a line over the limit; a look that finds another
//! beginning than the one that was read never lets bytes of it through as the rest of the old.
//!
//! Reads are at offsets (`pread`) and not through a cursor: an unfinished line is simply read again when it has
//! ended. What of it was seen to hold no line end is remembered, so a line that grows byte by byte costs each byte
//! twice and not once per look.

use std::io;
use std::os::unix::fs::MetadataExt;

use tokio::time::Instant;

use super::content::{Content, End};
use super::encoding::Codec;
use super::identity::{Fingerprint, HEAD, nanos};
use super::lines::Limit;

/// How much is read at once: large enough that a system call costs nothing beside the copy, small enough that the
/// lines are still in the CPU's cache when they are cut.
pub const CHUNK: usize = 256 << 10;

/// An open file and how far it was read.
#[derive(Debug)]
pub struct Tail {
    content: Content,
    /// What the settings say; a byte order mark overrides it.
    named: Codec,
    /// `None` until enough bytes are there to tell.
    codec: Option<Codec>,
    print: Fingerprint,
    offset: u64,
    /// Bytes behind `offset` that hold no line end.
    scanned: u64,
    /// The beginning of the line at `offset` once it is over the limit.
    long: Option<Vec<u8>>,
    /// The line before `offset` was handed on without its end: a line end here belongs to it.
    continues: bool,
    /// Nothing but NUL bytes so far, which a writer leaves that keeps its position over a truncation.
    hollow: bool,
    /// The last read came to the end: there is nothing more until the file changes.
    exhausted: bool,
    /// How much there is to read; of packed text, as far as it was unpacked.
    size: u64,
    /// How large the file was at the last look: the same, but for packed text.
    stored: u64,
    modified: (i64, i64),
    links: u64,
    grown: Instant,
}

/// What a look at a file found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// What it was, perhaps longer; `print` when its fingerprint now covers more.
    Same {
        /// Whether it has changed since the last look.
        changed: bool,
        /// The new fingerprint.
        print: Option<Fingerprint>,
    },
    /// Shorter than what was read, or it begins otherwise: it was truncated.
    Anew,
}

/// What a read found.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// No whole line more.
    End,
    /// So many bytes, but no line.
    Passed(usize),
    /// So many bytes of whole lines at the beginning of the buffer.
    Lines(usize),
    /// The beginning of a line over the limit, and where the line ends.
    Long(Vec<u8>, u64),
    /// An unfinished line of so many bytes at the beginning of the buffer.
    Partial(usize),
    /// It is no text.
    Binary,
}

impl Tail {
    /// The file, to be read from `offset`, where a line begins (or goes on that was handed on unfinished).
    #[must_use]
    pub fn new(content: impl Into<Content>, named: Codec, print: Fingerprint, offset: u64) -> Self {
        Self {
            content: content.into(),
            named,
            codec: None,
            print,
            offset,
            scanned: 0,
            long: None,
            continues: false,
            hollow: offset == 0,
            exhausted: false,
            size: 0,
            stored: 0,
            modified: (0, 0),
            links: 1,
            grown: Instant::now(),
        }
    }

    /// Starts again at the first byte.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn restart(&mut self) -> io::Result<Fingerprint> {
        if let Content::Packed(packed) = &mut self.content {
            packed.restart();
        }
        let head = self.content.head()?;
        self.print = Fingerprint::of(&head);
        (self.codec, self.offset, self.scanned, self.long) = (None, 0, 0, None);
        (self.continues, self.hollow, self.grown) = (false, true, Instant::now());
        (self.size, self.stored, self.modified) = (0, 0, (0, 0));
        Ok(self.print)
    }

    /// Where the next line begins.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// How far it was read, unfinished line included.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.offset + self.scanned
    }

    /// How large it was at the last look.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// How large the file was at the last look, packed as it is.
    #[must_use]
    pub fn stored(&self) -> u64 {
        self.stored
    }

    /// When it was last written, in nanoseconds since the Unix epoch.
    #[must_use]
    pub fn written(&self) -> Option<u64> {
        let metadata = self.content.metadata().ok()?;
        Some(nanos((metadata.mtime(), metadata.mtime_nsec())))
    }

    /// Whether it has no name any more.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.links == 0
    }

    /// When it last grew.
    #[must_use]
    pub fn grown(&self) -> Instant {
        self.grown
    }

    /// Whether it has grown by what was not read yet.
    #[must_use]
    pub fn has_unread(&self) -> bool {
        let unpacking = matches!(&self.content, Content::Packed(packed) if packed.end() == End::NotYet);
        !self.exhausted && (self.position() < self.size || unpacking)
    }

    /// How it begins, as far as it is known.
    #[must_use]
    pub fn print(&self) -> Fingerprint {
        self.print
    }

    /// How much text it holds, when it is packed and was read to its end.
    #[must_use]
    pub fn unpacked(&self) -> Option<u64> {
        match &self.content {
            Content::Packed(packed) => {
                (packed.end() == End::Whole && self.position() >= packed.reached()).then(|| packed.reached())
            }
            Content::Plain(_) => None,
        }
    }

    /// What is wrong with a gzip file at the place that was reached.
    fn damage(&self) -> Option<io::Error> {
        match &self.content {
            Content::Packed(packed) => packed.damage(),
            Content::Plain(_) => None,
        }
    }

    /// Whether there is nothing to read, as long as size and time of the file are these.
    #[must_use]
    pub fn is_read(&self, stored: u64, modified: (i64, i64)) -> bool {
        self.exhausted && self.stored == stored && self.modified == modified
    }

    /// Whether its text is packed.
    #[must_use]
    pub fn is_packed(&self) -> bool {
        matches!(self.content, Content::Packed(_))
    }

    /// How it is decoded.
    #[must_use]
    pub fn codec(&self) -> Codec {
        self.codec.unwrap_or(self.named)
    }

    /// Whether an unfinished line is waiting.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        self.scanned > 0 || (self.codec.is_none() && self.size > 0)
    }

    /// Looks whether it is what it was, and how large.
    ///
    /// # Errors
    /// When the file cannot be looked at.
    pub fn look(&mut self) -> io::Result<Look> {
        let metadata = self.content.metadata()?;
        let modified = (metadata.mtime(), metadata.mtime_nsec());
        self.links = metadata.nlink();
        if metadata.len() == self.stored && modified == self.modified {
            return Ok(Look::Same {
                changed: false,
                print: None,
            });
        }
        if self.is_packed() {
            return Ok(self.look_packed(metadata.len(), modified));
        }
        // Written and truncated again, or truncated for nothing: only the time tells.
        if metadata.len() == 0 && self.was_empty() {
            return Ok(Look::Anew);
        }
        let head = self.content.head()?;
        if metadata.len() < self.position() || !self.print.matches(&head) {
            return Ok(Look::Anew);
        }
        if metadata.len() > self.size {
            self.grown = Instant::now();
        }
        (self.size, self.modified, self.exhausted) = (metadata.len(), modified, false);
        self.stored = self.size;
        let print = (!self.print.is_full())
            .then(|| Fingerprint::of(&head))
            .filter(|print| *print != self.print);
        self.print = print.unwrap_or(self.print);
        Ok(Look::Same { changed: true, print })
    }

    /// Whether there was nothing in it at the last look, or when it was opened.
    fn was_empty(&self) -> bool {
        self.stored == 0 && self.modified != (0, 0)
    }

    /// It was opened when there was nothing in it, and last written then.
    pub fn opened_empty(&mut self, modified: (i64, i64)) {
        self.modified = modified;
    }

    fn look_packed(&mut self, stored: u64, modified: (i64, i64)) -> Look {
        if stored < std::mem::replace(&mut self.stored, stored) {
            return Look::Anew;
        }
        (self.modified, self.exhausted, self.grown) = (modified, false, Instant::now());
        if let Content::Packed(packed) = &mut self.content
            && packed.end() != End::NotYet
        {
            // There is more than when its end was met; unpacking cannot go on there, what was read is passed over.
            packed.restart();
        }
        Look::Same {
            changed: true,
            print: None,
        }
    }

    /// Reads on. The buffer grows to a chunk, and for a line over many chunks to the limit and a chunk.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(&mut self, buffer: &mut Vec<u8>, limit: Limit) -> io::Result<Step> {
        let step = self.step(buffer, limit)?;
        self.exhausted = step == Step::End;
        Ok(step)
    }

    fn step(&mut self, buffer: &mut Vec<u8>, limit: Limit) -> io::Result<Step> {
        if let Some(passed) = self.unpack()? {
            return Ok(passed);
        }
        let Some(codec) = self.find_codec()? else {
            return self.damage().map_or(Ok(Step::End), Err);
        };
        if self.position() >= self.size {
            return self.damage().map_or(Ok(Step::End), Err);
        }
        if self.hollow {
            return self.read_hollow(buffer, codec);
        }
        if self.scanned > 0 {
            // Only what is new is searched first; without a line end in it there is no need for the rest.
            let fresh = self.fill(buffer, self.position(), CHUNK, codec)?;
            let Some(feed) = codec.newline(&buffer[..fresh]) else {
                return self.scan(buffer, fresh, codec, limit);
            };
            if let Some(kept) = self.long.take() {
                let end = self.position() + (feed + codec.unit()) as u64;
                self.go_to(end);
                return Ok(Step::Long(kept, end));
            }
        }
        // Within the limit and so within `usize`: `scan` makes more than that a long line.
        let scanned = usize::try_from(self.scanned).unwrap_or(0);
        let there = self.fill(buffer, self.offset, scanned + CHUNK, codec)?;
        if self.continues {
            let Some(length) = codec.leading_newline(&buffer[..there]) else {
                return Ok(Step::End);
            };
            self.continues = false;
            if length > 0 {
                self.go_to(self.offset + length as u64);
                return Ok(Step::Passed(length));
            }
        }
        match codec.last_newline(&buffer[..there]) {
            Some(feed) => Ok(Step::Lines(feed + codec.unit())),
            None => {
                self.scanned = 0;
                self.scan(buffer, there, codec, limit)
            }
        }
    }

    /// Unpacks what is read next. What was read before is passed over by the piece, so that other files get their turn.
    fn unpack(&mut self) -> io::Result<Option<Step>> {
        let (offset, position) = (self.offset, self.position());
        let Content::Packed(packed) = &mut self.content else {
            return Ok(None);
        };
        let reached = packed.reached();
        if reached < offset && packed.end() == End::NotYet {
            packed.unpack_to((reached + CHUNK as u64).min(offset))?;
            packed.forget(offset.min(packed.reached()));
            let passed = packed.reached() - reached;
            return Ok(Some(Step::Passed(usize::try_from(passed).unwrap_or(CHUNK))));
        }
        packed.forget(if self.long.is_some() { position } else { offset });
        packed.unpack_to(position + CHUNK as u64)?;
        self.size = packed.reached();
        Ok(None)
    }

    /// The lines of the last read were handed on.
    pub fn advance(&mut self, bytes: usize) {
        self.go_to(self.offset + bytes as u64);
    }

    fn go_to(&mut self, offset: u64) {
        (self.offset, self.scanned) = (offset, 0);
    }

    /// Takes the unfinished last line as it is. What the file may add to it later is a line of its own.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn finish(&mut self, buffer: &mut Vec<u8>, limit: Limit) -> io::Result<Step> {
        if self.codec.is_none() {
            // What looked like half a byte order mark is all there is.
            self.codec = Some(self.named);
            if let Step::Binary = self.read(buffer, limit)? {
                return Ok(Step::Binary);
            }
            self.read(buffer, limit)?;
        }
        let codec = self.codec();
        if let Some(kept) = self.long.take() {
            let end = self.position();
            self.go_to(end);
            self.continues = true;
            return Ok(Step::Long(kept, end));
        }
        let length = usize::try_from(self.scanned).unwrap_or(0);
        let there = self.fill(buffer, self.offset, length, codec)?;
        // A carriage return stays: the line feed it belongs to may follow.
        let line = codec.trim(&buffer[..there]).len();
        if line == 0 {
            return Ok(Step::End);
        }
        self.go_to(self.offset + line as u64);
        self.continues = true;
        Ok(Step::Partial(line))
    }

    /// No line end in the `fresh` bytes behind what was scanned.
    fn scan(&mut self, buffer: &mut Vec<u8>, fresh: usize, codec: Codec, limit: Limit) -> io::Result<Step> {
        if fresh == 0 {
            return Ok(Step::End);
        }
        self.scanned += fresh as u64;
        // One unit more may still be a carriage return, which does not count.
        let most = limit.max.saturating_add(1).saturating_mul(codec.unit());
        if self.long.is_none() && self.scanned > most as u64 {
            let kept = self.fill(buffer, self.offset, most, codec)?;
            self.long = Some(buffer[..kept].to_vec());
        }
        Ok(Step::Passed(fresh))
    }

    /// Passes over NUL bytes at the beginning, then decides whether what follows is text.
    fn read_hollow(&mut self, buffer: &mut Vec<u8>, codec: Codec) -> io::Result<Step> {
        if codec.unit() > 1 {
            self.hollow = false;
            return Ok(Step::Passed(0));
        }
        let there = self.fill(buffer, self.offset, CHUNK, codec)?;
        let nuls = buffer[..there].iter().take_while(|&&byte| byte == 0).count();
        self.go_to(self.offset + nuls as u64);
        if nuls == there {
            return Ok(if there == 0 {
                Step::End
            } else {
                Step::Passed(there)
            });
        }
        self.hollow = false;
        let first = &buffer[nuls..there.min(nuls + HEAD)];
        Ok(if first.contains(&0) {
            Step::Binary
        } else {
            Step::Passed(nuls)
        })
    }

    /// Reads whole code units at `at`, at most `most` bytes and none that the last look did not see.
    fn fill(&self, buffer: &mut Vec<u8>, at: u64, most: usize, codec: Codec) -> io::Result<usize> {
        let most = most.min(usize::try_from(self.size.saturating_sub(at)).unwrap_or(usize::MAX));
        if buffer.len() < most {
            buffer.resize(most, 0);
        }
        let there = self.content.read_at(&mut buffer[..most], at)?;
        Ok(there - there % codec.unit())
    }

    fn find_codec(&mut self) -> io::Result<Option<Codec>> {
        if self.codec.is_some() {
            return Ok(self.codec);
        }
        let mut head = [0; 4];
        let there = self.content.read_at(&mut head, 0)?;
        let Some((codec, mark)) = self.named.of_head(&head[..there]) else {
            return Ok(None);
        };
        self.codec = Some(codec);
        if self.offset <= mark as u64 {
            self.go_to(mark as u64);
            self.hollow = true;
        } else {
            self.continues = !ends_line(&self.content, self.offset, codec)?;
        }
        Ok(self.codec)
    }
}

/// Whether the byte before `offset` ends a line.
fn ends_line(content: &Content, offset: u64, codec: Codec) -> io::Result<bool> {
    let mut before = [0; 2];
    let before = &mut before[..codec.unit()];
    let there = content.read_at(before, offset.saturating_sub(codec.unit() as u64))?;
    Ok(codec.last_newline(&before[..there]).is_some())
}

/// Where the last, unfinished line of a file begins: its size when the file ends with a line end, or when that
/// line is over the limit.
///
/// # Errors
/// When it cannot be read.
pub fn last_line(content: &Content, head: &[u8], size: u64, named: Codec, limit: Limit) -> io::Result<u64> {
    let codec = named.of_head(head).map_or(named, |(codec, _)| codec);
    let window = limit.max.saturating_add(1).saturating_mul(codec.unit()) as u64;
    let start = size.saturating_sub(window);
    let start = start - start % codec.unit() as u64;
    let mut bytes = vec![0; usize::try_from(size - start).unwrap_or(0)];
    let there = content.read_at(&mut bytes, start)?;
    let line = codec
        .last_newline(&bytes[..there])
        .map(|feed| start + (feed + codec.unit()) as u64);
    Ok(line.unwrap_or(if start == 0 { 0 } else { size }))
}

#[cfg(test)]
mod tests;
