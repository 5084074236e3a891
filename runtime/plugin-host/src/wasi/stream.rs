//! What is behind the handles of streams.

use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::descriptor::Opened;

/// The most bytes of one read: what runtimes have as buffers, and a bound on what a length asked for costs us.
pub(super) const READ: u64 = 64 << 10;

/// Something to read.
pub enum InputStream {
    /// Nothing.
    Empty,
    /// A file from a place on.
    File {
        /// The file.
        file: Arc<Opened>,
        /// Where the next read begins.
        at: u64,
    },
}

impl InputStream {
    /// The next bytes, at most `length`; none at the end.
    pub(super) fn read(&mut self, length: u64) -> io::Result<Option<Vec<u8>>> {
        let Self::File { file, at } = self else {
            return Ok(None);
        };
        if length == 0 {
            return Ok(Some(Vec::new()));
        }
        let bytes = read_at(file, *at, length)?;
        *at += bytes.len() as u64;
        Ok((!bytes.is_empty()).then_some(bytes))
    }
}

/// At most [`READ`] bytes of a file.
pub(super) fn read_at(file: &Opened, at: u64, length: u64) -> io::Result<Vec<u8>> {
    let length = usize::try_from(length.min(READ)).unwrap_or_default();
    let mut bytes = vec![0; length];
    let count = file.file().read_at(&mut bytes, at)?;
    bytes.truncate(count);
    Ok(bytes)
}

/// Where something is written to.
#[derive(Clone, Copy)]
pub enum OutputStream {
    /// The log, as `info`.
    Stdout,
    /// The log, as `warn`.
    Stderr,
}

/// Why a stream failed.
pub struct Failure(pub(super) io::Error);
