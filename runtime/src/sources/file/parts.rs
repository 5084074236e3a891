//! What a source is made of: all that its table needs and does not own.

use std::sync::Arc;

use super::book::CheckpointBook;
use super::discover::Discovery;
use super::encoding::Codec;
use super::lines::Limit;
use super::metrics::FileMetrics;
use super::settings::FileSettings;
use super::watch::Hints;

/// What a source is made of.
#[derive(Debug)]
pub struct Parts {
    /// Its name.
    pub name: String,
    /// Its settings.
    pub settings: FileSettings,
    /// What they say about the encoding.
    pub codec: Codec,
    /// What they say about long lines.
    pub limit: Limit,
    /// Where files are.
    pub discovery: Discovery,
    /// The numbers of the pipes it feeds.
    pub pipes: Vec<u32>,
    /// Where checkpoints are.
    pub book: Arc<CheckpointBook>,
    /// What it says about itself.
    pub metrics: Arc<FileMetrics>,
    /// What the system says about files.
    pub hints: Arc<Hints>,
}
