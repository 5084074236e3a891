//! The ceiling: a loop written for this one job. It splits the reference log, joins its blocks, finds the level, encodes and
//! compresses, and can do nothing else: no sandbox, settings, labels, checkpoints, network. Machines differ by half and more, so
//! it is this that an agent's figures are compared with.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use millstream_wire::loki_push::{PushEncoder, StreamBuffer};

/// Bytes read at once, and of a request, as on the agent's road.
const CHUNK: usize = 256 << 10;
const REQUEST: usize = 1_000_000;

const LEVELS: [&str; 5] = ["INFO", "WARN", "ERROR", "DEBUG", "TRACE"];

/// What came out.
#[derive(Default)]
struct Out {
    entries: usize,
    packed: usize,
    /// By level, and of entries without one.
    streams: [StreamBuffer; LEVELS.len() + 1],
    filled: usize,
    encoder: PushEncoder,
}

/// Does the job once; says how many entries and how many bytes of requests came of it.
///
/// # Errors
/// When the log cannot be read.
pub fn run(log: &Path) -> anyhow::Result<(usize, usize)> {
    let mut file = File::open(log)?;
    let (mut buffer, mut kept) = (vec![0; CHUNK], 0);
    let (mut block, mut out) = (Vec::new(), Out::default());
    loop {
        let read = file.read(&mut buffer[kept..])?;
        let mut rest = &buffer[..kept + read];
        while let Some((line, behind)) = split(rest) {
            if begins(line) && !block.is_empty() {
                out.take(&block)?;
                block.clear();
            }
            if !block.is_empty() {
                block.push(b'\n');
            }
            block.extend_from_slice(line);
            rest = behind;
        }
        let (filled, left) = (kept + read, rest.len());
        buffer.copy_within(filled - left..filled, 0);
        kept = left;
        if read == 0 {
            break;
        }
    }
    out.take(&block)?;
    out.seal()?;
    Ok((out.entries, out.packed))
}

fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let feed = memchr::memchr(b'\n', text)?;
    Some((&text[..feed], &text[feed + 1..]))
}

/// Whether the line begins with a time, `2026-01-08 14:42:00.332`.
fn begins(line: &[u8]) -> bool {
    const SHAPE: &[u8] = b"0000-00-00 00:00:00.000";
    line.len() >= SHAPE.len()
        && SHAPE.iter().zip(line).all(|(wanted, byte)| match wanted {
            b'0' => byte.is_ascii_digit(),
            other => other == byte,
        })
}

/// The last level on the first line that has one.
fn level(text: &[u8]) -> usize {
    for line in text.split(|byte| *byte == b'\n') {
        for at in (0..line.len().saturating_sub(3)).rev() {
            // Few bytes begin a level, so few places are compared.
            if matches!(line[at], b'I' | b'W' | b'E' | b'D' | b'T')
                && let Some(found) = LEVELS
                    .iter()
                    .position(|level| line[at..].starts_with(level.as_bytes()))
            {
                return found;
            }
        }
    }
    LEVELS.len()
}

impl Out {
    fn take(&mut self, block: &[u8]) -> anyhow::Result<()> {
        if self.filled + block.len() > REQUEST {
            self.seal()?;
        }
        self.streams[level(block)].push(1, std::str::from_utf8(block)?, std::iter::empty());
        self.filled += block.len();
        self.entries += 1;
        Ok(())
    }

    fn seal(&mut self) -> anyhow::Result<()> {
        let streams = LEVELS.iter().chain(&["NONE"]).zip(&self.streams);
        self.packed += self
            .encoder
            .encode(streams.map(|(level, buffer)| (*level, buffer)))?
            .len();
        self.streams.iter_mut().for_each(StreamBuffer::clear);
        self.filled = 0;
        Ok(())
    }
}
