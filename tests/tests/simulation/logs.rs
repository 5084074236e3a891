//! The log files: what was written, in generations, and what of it is still on the disk.
//!
//! A line's text says which line it is, so that whatever arrives can be looked up: `S7` opens a group, ` c8` goes on with
//! it, `poison9` opens one and sets the rogue stage off; `debug` in any of them is what the stage `drop` looks for.

use crate::random::Random;

/// How many files are written.
pub const FILES: usize = 2;

/// One line.
pub struct Line {
    /// Which file it was written to.
    pub file: usize,
    /// The position behind it in its generation.
    pub end: u64,
    /// Its text.
    pub text: String,
    /// Whether it opens a group.
    pub opens: bool,
    /// Whether its group is to be dropped.
    pub debug: bool,
}

/// What stood under one name and inode from its creation to its end.
pub struct Generation {
    /// Which file.
    pub file: usize,
    /// Where it lies.
    pub inode: u64,
    /// Its lines, by number.
    pub lines: Vec<usize>,
    /// Its content.
    pub bytes: Vec<u8>,
    /// Whether it has a name.
    pub named: bool,
    /// Whether its content is gone, because the file was truncated.
    pub truncated: bool,
}

impl Generation {
    /// Whether a new process could still read it.
    pub fn is_there(&self) -> bool {
        self.named && !self.truncated
    }
}

/// All files.
#[derive(Default)]
pub struct Logs {
    /// Every line ever written.
    pub lines: Vec<Line>,
    /// Every generation there ever was.
    pub generations: Vec<Generation>,
    /// The generations of each file, oldest first.
    pub files: [Vec<usize>; FILES],
    /// Inodes that may be used again.
    pub free: Vec<u64>,
    inodes: u64,
}

/// Under which name a file was first seen.
pub fn path(file: usize) -> String {
    format!("/log/{file}.log")
}

/// The line with this text, by what it says of itself.
pub fn number(text: &str) -> Option<usize> {
    let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

impl Logs {
    /// Writes lines.
    pub fn append(&mut self, file: usize, count: usize, random: &mut Random) {
        let newest = match self.files[file].last() {
            Some(&newest) if self.generations[newest].is_there() => newest,
            _ => self.create(file, random),
        };
        for _ in 0..count {
            let number = self.lines.len();
            let kind = random.below(100);
            let debug = random.chance(4);
            let text = match kind {
                0..45 => format!("S{number}"),
                45..50 => format!("poison{number}"),
                _ => format!(" c{number}"),
            } + if debug { " debug" } else { "" };
            let generation = &mut self.generations[newest];
            generation.bytes.extend_from_slice(text.as_bytes());
            generation.bytes.push(b'\n');
            generation.lines.push(number);
            self.lines.push(Line {
                file,
                end: generation.bytes.len() as u64,
                text,
                opens: kind < 50,
                debug,
            });
        }
    }

    /// A new generation: the one before was renamed, if it is still there.
    pub fn create(&mut self, file: usize, random: &mut Random) -> usize {
        let inode = if !self.free.is_empty() && random.chance(70) {
            self.free.swap_remove(random.below(self.free.len()))
        } else {
            self.inodes += 1;
            self.inodes
        };
        self.add(file, inode)
    }

    /// The newest generation is truncated in place.
    pub fn truncate(&mut self, file: usize) {
        if let Some(&newest) = self.files[file]
            .last()
            .filter(|&&newest| self.generations[newest].is_there())
        {
            let generation = &mut self.generations[newest];
            generation.truncated = true;
            let inode = generation.inode;
            self.add(file, inode);
        }
    }

    /// Some generation loses its name.
    pub fn delete(&mut self, file: usize, random: &mut Random) -> Option<usize> {
        let there: Vec<usize> = self.files[file]
            .iter()
            .copied()
            .filter(|&number| self.generations[number].is_there())
            .collect();
        let number = *there.get(random.below(there.len().max(1)))?;
        self.generations[number].named = false;
        Some(number)
    }

    fn add(&mut self, file: usize, inode: u64) -> usize {
        let number = self.generations.len();
        self.generations.push(Generation {
            file,
            inode,
            lines: Vec::new(),
            bytes: Vec::new(),
            named: true,
            truncated: false,
        });
        self.files[file].push(number);
        number
    }
}
