//! What has become of a file that has a checkpoint, for those who look at it from outside.

use std::fs;
use std::path::{Path, PathBuf};

use super::checkpoint::Checkpoint;
use super::generations::is_gzip_name;
use super::identity::{FileId, born};

/// Where a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// Where it was, and so many bytes large.
    Here(u64),
    /// Beside that, under another name.
    Renamed(PathBuf, u64),
    /// Nowhere that we know to look.
    Gone,
}

impl Whereabouts {
    /// Of the file of a checkpoint.
    #[must_use]
    pub fn of(checkpoint: &Checkpoint) -> Self {
        let is_it = |metadata: &fs::Metadata| {
            let born = checkpoint.born.zip(born(metadata));
            FileId::of(metadata) == checkpoint.id() && born.is_none_or(|(known, born)| known == born)
        };
        if let Some(found) = fs::metadata(&checkpoint.path).ok().filter(is_it) {
            return Self::Here(found.len());
        }
        let places = [checkpoint.real.as_deref(), Some(&checkpoint.path)];
        for folder in places
            .into_iter()
            .flatten()
            .filter_map(|path| Path::new(path).parent())
        {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                if let Some(found) = entry.metadata().ok().filter(is_it) {
                    return Self::Renamed(entry.path(), found.len());
                }
            }
        }
        Self::Gone
    }

    /// Whether the file is packed, so that its size says nothing about how much there is to deliver.
    #[must_use]
    pub fn is_packed(&self, checkpoint: &Checkpoint) -> bool {
        match self {
            Self::Here(_) => is_gzip_name(Path::new(&checkpoint.path)),
            Self::Renamed(path, _) => is_gzip_name(path),
            Self::Gone => checkpoint.unpacked.is_some(),
        }
    }
}
