//! What an open file holds: its bytes, or those that gzip packed into it.
//!
//! Invariant: offsets are those of the text, packed or not, so a checkpoint taken in a file goes on in its `.gz`.
//!
//! Why a `.gz` is not unpacked onto the disk first: only its reader knows how far it gets, and a gigabyte of text
//! needs no room on a disk that may be full. A window of what was unpacked last is kept instead, as long as the
//! unfinished line in it and a chunk; what lies before a checkpoint is unpacked again and thrown away. The price: the
//! checksum stands at the end, so of a damaged file the last lines before the damage shows may be garbled.

use std::fs::{File, Metadata};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use flate2::bufread::MultiGzDecoder;

use super::generations::is_gzip_name;
use super::identity::HEAD;

/// How gzip files begin.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// How much is unpacked at once.
const PIECE: usize = 64 << 10;

/// An open file.
#[derive(Debug)]
pub enum Content {
    /// What it holds is the text.
    Plain(File),
    /// The text is packed.
    Packed(Box<Packed>),
}

impl Content {
    /// Of an open file; packed when both its name and its first bytes say so.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(file: File, path: &Path) -> io::Result<Self> {
        let mut magic = [0; 2];
        if is_gzip_name(path) && read_at(&file, &mut magic, 0)? == 2 && magic == MAGIC {
            return Ok(Self::Packed(Box::new(Packed::new(file))));
        }
        Ok(Self::Plain(file))
    }

    /// What the system knows of the file.
    ///
    /// # Errors
    /// When it does not say.
    pub fn metadata(&self) -> io::Result<Metadata> {
        match self {
            Self::Plain(file) => file.metadata(),
            Self::Packed(packed) => packed.file.metadata(),
        }
    }

    /// The first bytes of the text.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn head(&mut self) -> io::Result<Vec<u8>> {
        match self {
            Self::Plain(file) => {
                let mut head = vec![0; HEAD];
                let there = read_at(file, &mut head, 0)?;
                head.truncate(there);
                Ok(head)
            }
            Self::Packed(packed) => {
                packed.unpack_to(HEAD as u64)?;
                Ok(packed.head.clone())
            }
        }
    }

    /// Fills as much of `buffer` as there is at `at`; of packed text, as there is in the window.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        match self {
            Self::Plain(file) => read_at(file, buffer, at),
            Self::Packed(packed) => Ok(packed.copy(buffer, at)),
        }
    }
}

impl From<File> for Content {
    fn from(file: File) -> Self {
        Self::Plain(file)
    }
}

/// How the unpacking of a file ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It goes on.
    NotYet,
    /// All is there.
    Whole,
    /// The file ends too early: gzip may still be at work.
    Cut,
    /// What comes next is not what gzip wrote.
    Damaged,
}

/// A gzip file.
#[derive(Debug)]
pub struct Packed {
    file: Arc<File>,
    decoder: MultiGzDecoder<BufReader<Cursor>>,
    /// The first bytes of the text.
    head: Vec<u8>,
    /// Text that may still be asked for, and where it begins.
    window: Vec<u8>,
    start: u64,
    end: End,
    /// What is wrong with it.
    damage: String,
}

impl Packed {
    fn new(file: File) -> Self {
        let file = Arc::new(file);
        Self {
            decoder: decoder(&file),
            file,
            head: Vec::new(),
            window: Vec::new(),
            start: 0,
            end: End::NotYet,
            damage: String::new(),
        }
    }

    /// What ended the unpacking, when that was damage.
    #[must_use]
    pub fn damage(&self) -> Option<io::Error> {
        (self.end == End::Damaged).then(|| io::Error::new(io::ErrorKind::InvalidData, self.damage.clone()))
    }

    /// Starts again at the first byte.
    pub fn restart(&mut self) {
        self.decoder = decoder(&self.file);
        (self.start, self.end) = (0, End::NotYet);
        self.head.clear();
        self.window.clear();
    }

    /// How it ended.
    #[must_use]
    pub fn end(&self) -> End {
        self.end
    }

    /// How much text was unpacked.
    #[must_use]
    pub fn reached(&self) -> u64 {
        self.start + self.window.len() as u64
    }

    /// Unpacks until the text up to `to` was seen, or to the end.
    ///
    /// # Errors
    /// When the file cannot be read. Damage is an end like others: what comes before it is to be had.
    pub fn unpack_to(&mut self, to: u64) -> io::Result<()> {
        let mut piece = vec![0; PIECE];
        while self.end == End::NotYet && self.reached() < to {
            match self.decoder.read(&mut piece) {
                Ok(0) => self.end = End::Whole,
                Ok(read) => {
                    let missing = (HEAD - self.head.len()).min(read);
                    self.head.extend_from_slice(&piece[..missing]);
                    self.window.extend_from_slice(&piece[..read]);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => self.end = End::Cut,
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
                    ) =>
                {
                    (self.end, self.damage) = (End::Damaged, error.to_string());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Text before `offset` will not be asked for any more, but for a line end right before it.
    pub fn forget(&mut self, offset: u64) {
        let spare = offset.saturating_sub(self.start + MARGIN);
        let spare = usize::try_from(spare)
            .unwrap_or(usize::MAX)
            .min(self.window.len());
        // Moving what stays costs as much as what goes saves.
        if spare >= PIECE || spare == self.window.len() {
            self.window.drain(..spare);
            self.start += spare as u64;
        }
    }

    fn copy(&self, buffer: &mut [u8], at: u64) -> usize {
        let from = |bytes: &[u8], buffer: &mut [u8], skip: u64| {
            let bytes = usize::try_from(skip)
                .ok()
                .and_then(|skip| bytes.get(skip..))
                .unwrap_or_default();
            let there = bytes.len().min(buffer.len());
            buffer[..there].copy_from_slice(&bytes[..there]);
            there
        };
        match at.checked_sub(self.start) {
            Some(skip) => from(&self.window, buffer, skip),
            None => from(&self.head, buffer, at),
        }
    }
}

/// The longest line end there is, in bytes (UTF-16).
const MARGIN: u64 = 4;

fn decoder(file: &Arc<File>) -> MultiGzDecoder<BufReader<Cursor>> {
    let cursor = Cursor {
        file: file.clone(),
        at: 0,
    };
    MultiGzDecoder::new(BufReader::with_capacity(PIECE, cursor))
}

/// Reads a file from a place of its own, whatever others read of it.
#[derive(Debug)]
struct Cursor {
    file: Arc<File>,
    at: u64,
}

impl Read for Cursor {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// Fills as much of `buffer` as the file has.
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    let mut there = 0;
    while there < buffer.len() {
        match file.read_at(&mut buffer[there..], at + there as u64) {
            Ok(0) => break,
            Ok(read) => there += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(there)
}
