//! Files that were renamed out of sight of the globs while nobody looked, with lines that nobody read.
//!
//! Only looked for at the start, and only where the file was last seen: while the source runs, a file that is
//! renamed stays open.

use std::collections::{HashMap, HashSet};
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use super::discover::Found;
use super::identity::FileId;
use super::parts::Parts;

/// Files with a checkpoint that no glob found, beside where they were found before.
#[must_use]
pub fn strays(parts: &Parts, found: &Found) -> Vec<(PathBuf, Metadata)> {
    let here: HashSet<FileId> = found.files.values().map(FileId::of).collect();
    let mut wanted: HashMap<PathBuf, HashSet<FileId>> = HashMap::new();
    for checkpoint in parts.book.unread(&parts.name) {
        let path = Path::new(&checkpoint.path);
        let Some(folder) = path.parent() else { continue };
        if !here.contains(&checkpoint.id()) && parts.discovery.wants(path) {
            wanted
                .entry(folder.to_owned())
                .or_default()
                .insert(checkpoint.id());
        }
    }
    let mut strays = Vec::new();
    for (folder, ids) in wanted {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_file() && ids.contains(&FileId::of(&metadata)) {
                strays.push((entry.path(), metadata));
            }
        }
    }
    strays
}
