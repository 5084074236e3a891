//! One line of the table: an open file and what the table knows of it.

use std::path::PathBuf;

use millstream_batch::Labels;
use tokio::time::Instant;

use super::identity::FileId;
use super::metrics::PathMetrics;
use super::tail::Tail;

/// A file of the table.
#[derive(Debug)]
pub struct Entry {
    /// The file itself.
    pub tail: Tail,
    /// Under what number its entries go.
    pub origin: u64,
    /// Their lane, once it was asked for.
    pub lane: Option<u32>,
    /// Their labels.
    pub labels: Labels,
    /// Its series.
    pub metrics: PathMetrics,
    /// The end of the last entry handed on.
    pub sent: u64,
    /// When its unfinished line is looked at again.
    pub reminded: bool,
    /// The file that had its name before, while that has unread lines.
    pub after: Option<FileId>,
    /// Its name now, or the last one it had.
    pub path: PathBuf,
    /// The same, resolved: what events call it.
    pub real: PathBuf,
    /// The name under which it was first read.
    pub label: String,
    /// Since when no glob finds it.
    pub unlisted: Option<Instant>,
    /// How large it was at the last scan.
    pub listed_size: u64,
    /// An event has come since the last scan.
    pub hinted: bool,
    /// Scans in a row that found it grown without an event.
    pub missed: u32,
    /// When it was made, in nanoseconds since the Unix epoch, where the file system knows.
    pub born: Option<u64>,
    /// When it was last found to be what it was, in seconds since the Unix epoch.
    pub fine_at: u64,
    /// It was seen without a name.
    pub deleted: bool,
}

impl Entry {
    /// Whether no glob finds it any more.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.unlisted.is_some()
    }
}
