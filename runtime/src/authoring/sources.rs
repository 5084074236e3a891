//! Which files a plugin is made of, and when one of them last changed.
//!
//! Times of change and not hashes: a look must cost little, because the watch takes one ten times a second.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::folder::PluginFolder;
use millstream_guest_build::is_product;

/// What a plugin is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    /// Files and when they changed, by path.
    pub files: Vec<(PathBuf, SystemTime)>,
}

impl Sources {
    /// The files of the folder and of its SDK, without what builds leave behind.
    #[must_use]
    pub fn of(folder: &PluginFolder) -> Self {
        let output = folder.path.join(&folder.output);
        let component = folder.component();
        let mut files = Vec::new();
        let mut open = vec![folder.path.clone()];
        open.extend(folder.sdk());
        open.extend(folder.wit());
        let mut left_out = vec![component];
        // The output's first folder below the plugin's is full of what the build made.
        match output
            .strip_prefix(&folder.path)
            .ok()
            .and_then(|inner| inner.iter().next())
        {
            Some(first) => left_out.push(folder.path.join(first)),
            None => left_out.push(output),
        }
        while let Some(path) = open.pop() {
            list(&path, &left_out, &mut open, &mut files);
        }
        files.sort();
        files.dedup();
        Self { files }
    }

    /// When a file last changed.
    #[must_use]
    pub fn newest(&self) -> Option<SystemTime> {
        self.files.iter().map(|(_, changed)| *changed).max()
    }
}

fn list(path: &Path, left_out: &[PathBuf], open: &mut Vec<PathBuf>, files: &mut Vec<(PathBuf, SystemTime)>) {
    // What vanishes while we look is seen at the next look.
    let Ok(entries) = fs::read_dir(path) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let Ok(kind) = fs::metadata(&path) else { continue };
        if is_product(&name) || left_out.contains(&path) {
            continue;
        }
        if kind.is_dir() {
            open.push(path);
        } else if let Ok(changed) = kind.modified() {
            files.push((path, changed));
        }
    }
}
