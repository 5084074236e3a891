//! The resolved settings of a file source.

use std::collections::BTreeMap;
use std::time::Duration;

/// Where a file without a checkpoint begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartAt {
    /// At its first byte.
    #[default]
    Beginning,
    /// At its end as found when the source starts; files that appear later are read from their beginning.
    End,
}

/// Where files begin when checkpoints were there but none can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnCheckpointError {
    /// At their first byte, whatever `start_at` says: lines come again, none is lost.
    #[default]
    Beginning,
    /// At their end as found when the source starts: none comes again, those of the time before are lost.
    End,
    /// The source is not started.
    Refuse,
}

impl OnCheckpointError {
    /// What is done, in words.
    #[must_use]
    pub fn told(self) -> &'static str {
        match self {
            Self::Beginning => "reading all files from their beginning",
            Self::End => "reading files on from their end, as `on_checkpoint_error` says",
            Self::Refuse => "not reading on",
        }
    }
}

/// What becomes of a line over the limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LongLine {
    /// Its first bytes are kept.
    #[default]
    Truncate,
    /// It is dropped and counted.
    Skip,
}

/// The resolved settings of a file source.
#[derive(Clone, Debug, PartialEq)]
pub struct FileSettings {
    /// Globs (`*`, `**`, `?`, `[..]`, `{a,b}`).
    pub include: Vec<String>,
    /// Globs of what to leave out.
    pub exclude: Vec<String>,
    /// Set on every entry, beside `filename`.
    pub labels: BTreeMap<String, String>,
    /// Where a file without a checkpoint begins.
    pub start_at: StartAt,
    /// Where files begin when checkpoints were there but none can be read.
    pub on_checkpoint_error: OnCheckpointError,
    /// An encoding label of the WHATWG standard; the default is `utf-8`.
    pub encoding: String,
    /// The longest line in bytes; default 256 KiB (Loki's `max_line_size`).
    pub max_line_size: usize,
    /// What becomes of longer ones.
    pub on_long_line: LongLine,
    /// After this long without growth an unterminated last line is emitted; zero means never.
    pub idle_flush: Duration,
    /// How often globs are read and files looked at without an event.
    pub rescan: Duration,
}

impl Default for FileSettings {
    fn default() -> Self {
        Self {
            include: Vec::new(),
            exclude: Vec::new(),
            labels: BTreeMap::new(),
            start_at: StartAt::default(),
            on_checkpoint_error: OnCheckpointError::default(),
            encoding: "utf-8".into(),
            max_line_size: 256 << 10,
            on_long_line: LongLine::default(),
            idle_flush: Duration::from_secs(5),
            rescan: Duration::from_secs(10),
        }
    }
}
