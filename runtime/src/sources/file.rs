//! The file source: tails files that globs find.
//!
//! In travel order: [`discover`] and [`watch`] find what there is to read, [`identity`] says whether it was read
//! before, [`tail`] reads one file, [`reader`] all of them in turns, [`lines`] cuts lines. What the pipelines have
//! settled comes back to the [`book`], which writes [`checkpoint`]s.
//!
//! Invariants: every byte of a file that is found is read at least once while it exists; nothing a file holds makes
//! the source fail; memory is bounded by the number of open files and not by what they hold.

pub mod book;
pub mod checkpoint;
pub mod content;
pub mod descriptors;
pub mod discover;
pub mod encoding;
pub mod entry;
pub mod generations;
pub mod identity;
pub mod lines;
pub mod metrics;
pub mod parts;
pub mod pattern;
pub mod reader;
pub mod ready;
pub mod saves;
pub mod settings;
pub mod stamps;
pub mod table;
pub mod tail;
pub mod trouble;
pub mod watch;
pub mod whereabouts;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::outlet::Outlet;
use discover::Discovery;
use encoding::{Codec, UnknownEncoding};
use lines::Limit;
use parts::Parts;
use pattern::PatternError;
use reader::Reader;
use table::Table;
use watch::Hints;

pub use book::CheckpointBook;
pub use checkpoint::CheckpointError;
pub use metrics::FileMetrics;
pub use settings::{FileSettings, LongLine, OnCheckpointError, StartAt};

/// Why a file source cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum FileSourceError {
    /// A glob cannot be used.
    #[error("reading the globs of the file source {name:?}")]
    Pattern {
        /// The source.
        name: String,
        /// What is wrong.
        source: PatternError,
    },
    /// There is no such encoding.
    #[error("choosing the encoding of the file source {name:?}")]
    Encoding {
        /// The source.
        name: String,
        /// What is wrong.
        source: UnknownEncoding,
    },
    /// Its checkpoints are corrupt, and it is not to go on without them.
    #[error(
        "the checkpoints of the file source {name:?} cannot be read, and it says `on_checkpoint_error: refuse`: {files}. \
         Put a whole copy in their place, or set `on_checkpoint_error` to `beginning` (files are read again from their \
         beginning) or `end` (what is in them now is passed over)"
    )]
    Lost {
        /// The source.
        name: String,
        /// Which files, and what is wrong with them.
        files: String,
    },
}

/// Tails the files its globs find.
#[derive(Debug)]
pub struct FileSource {
    parts: Parts,
    outlet: Outlet,
    rest: CancellationToken,
}

impl FileSource {
    /// A source called `name` that pours into `outlet`. Looks at no file yet.
    ///
    /// # Errors
    /// When a glob or the encoding cannot be used.
    pub fn new(
        name: impl Into<String>,
        settings: FileSettings,
        outlet: Outlet,
        book: Arc<CheckpointBook>,
        metrics: Arc<FileMetrics>,
    ) -> Result<Self, FileSourceError> {
        let name = name.into();
        let discovery = Discovery::new(&settings.include, &settings.exclude).map_err(|source| {
            FileSourceError::Pattern {
                name: name.clone(),
                source,
            }
        })?;
        let codec = Codec::named(&settings.encoding).map_err(|source| FileSourceError::Encoding {
            name: name.clone(),
            source,
        })?;
        if settings.on_checkpoint_error == OnCheckpointError::Refuse && !book.lost(&name).is_empty() {
            let files = book::told(book.lost(&name));
            return Err(FileSourceError::Lost { name, files });
        }
        let limit = Limit {
            max: settings.max_line_size,
            action: settings.on_long_line,
        };
        let (pipes, hints) = (outlet.numbers(), Arc::default());
        let parts = Parts {
            name,
            settings,
            codec,
            limit,
            discovery,
            pipes,
            book,
            metrics,
            hints,
        };
        Ok(Self {
            parts,
            outlet,
            rest: CancellationToken::new(),
        })
    }

    /// Ends it between two parcels, when `rest` is cancelled, in such a way that another source of its name can go on behind
    /// what it handed on, while that is still on its way.
    #[must_use]
    pub fn resting(mut self, rest: CancellationToken) -> Self {
        self.rest = rest;
        self
    }

    /// Reads until `stop`, or until the pipelines are gone. Then it ends at once: a parcel that waits for a pipeline
    /// and an unfinished last line are given up, and read again at the next start.
    ///
    /// Reads block for as long as the disk takes: give it a thread of its own.
    pub async fn run(self, stop: CancellationToken) {
        let hints: Arc<Hints> = self.parts.hints.clone();
        let reader = Reader::new(Table::new(self.parts), self.outlet, self.rest, stop);
        // Side by side in one task: events are taken whenever the reader waits, for a pipeline or for events.
        tokio::select! {
            () = reader.run() => {}
            () = watch::watch(&hints) => {}
        }
    }
}
