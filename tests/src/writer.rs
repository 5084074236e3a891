//! Logs being written and rotated, in every way that programs and logrotate do.
//!
//! Invariant: an entry is one `write` (unless it is written in pieces on purpose) to a file opened for appending, as
//! logging libraries do; what was written where is known, so a saved position can be turned into a number.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::arrivals::Stretch;
use crate::numbered;

/// A log being written: `app-N.log` in its folder.
pub struct Log {
    index: u32,
    path: PathBuf,
    file: File,
    number: u64,
    generations: Vec<Generation>,
    rotated: u64,
}

/// One file of a log.
struct Generation {
    inode: u64,
    /// The number of its first entry.
    first: u64,
    /// The end of each entry.
    ends: Vec<u64>,
}

fn open(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    let inode = file.metadata()?.ino();
    Ok((file, inode))
}

impl Log {
    /// A new log in `folder`.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(folder: &Path, index: u32) -> io::Result<Self> {
        let path = folder.join(format!("app-{index}.log"));
        let (file, inode) = open(&path)?;
        let first = Generation {
            inode,
            first: 1,
            ends: Vec::new(),
        };
        Ok(Self {
            index,
            path,
            file,
            number: 0,
            generations: vec![first],
            rotated: 0,
        })
    }

    /// Its number.
    #[must_use]
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many entries were written.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.number
    }

    /// How often it was rotated.
    #[must_use]
    pub fn rotated(&self) -> u64 {
        self.rotated
    }

    /// The file that is written now.
    #[must_use]
    pub fn inode(&self) -> u64 {
        self.generations.last().map_or(0, |generation| generation.inode)
    }

    /// Writes the next entry.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn write(&mut self) -> io::Result<()> {
        let text = self.begin();
        self.file.write_all(text.as_bytes())
    }

    /// Writes the next entry in two pieces, cut at this byte; `between` is awaited between them.
    ///
    /// # Errors
    /// When the disk says no.
    pub async fn write_in_pieces(&mut self, cut: usize, between: impl Future<Output = ()>) -> io::Result<()> {
        let text = self.begin();
        let (first, second) = text.as_bytes().split_at(cut.min(text.len()));
        self.file.write_all(first)?;
        between.await;
        self.file.write_all(second)
    }

    /// The next entry with its line end, noted as written.
    fn begin(&mut self) -> String {
        self.number += 1;
        let mut text = numbered::entry(self.index, self.number);
        text.push('\n');
        if let Some(generation) = self.generations.last_mut() {
            let end = generation.ends.last().copied().unwrap_or(0) + text.len() as u64;
            generation.ends.push(end);
        }
        text
    }

    /// The path of the next old generation.
    #[must_use]
    pub fn next_old(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{}", self.rotated + 1));
        name.into()
    }

    /// Renames the file. It is written on until [`Self::reopen`]; returns its new path.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub fn rename(&mut self) -> io::Result<PathBuf> {
        let old = self.next_old();
        fs::rename(&self.path, &old)?;
        self.rotated += 1;
        Ok(old)
    }

    /// Goes on in the file that has the log's path, or a new one.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn reopen(&mut self) -> io::Result<()> {
        let (file, inode) = open(&self.path)?;
        self.file = file;
        self.generations.push(Generation {
            inode,
            first: self.number + 1,
            ends: Vec::new(),
        });
        Ok(())
    }

    /// Copies the file away; [`Self::truncate`] is the other half.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub fn copy(&mut self) -> io::Result<PathBuf> {
        let old = self.next_old();
        fs::copy(&self.path, &old)?;
        self.rotated += 1;
        Ok(old)
    }

    /// Cuts the file to nothing.
    ///
    /// # Errors
    /// When it cannot be cut.
    pub fn truncate(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.generations.push(Generation {
            inode: self.inode(),
            first: self.number + 1,
            ends: Vec::new(),
        });
        Ok(())
    }

    /// What saved positions (by inode) say is delivered.
    #[must_use]
    pub fn settled(&self, positions: &HashMap<u64, u64>) -> Vec<Stretch> {
        let known = self.generations.iter().filter_map(|generation| {
            let offset = positions.get(&generation.inode)?;
            let entries = generation.ends.partition_point(|end| end <= offset) as u64;
            (entries > 0).then(|| (generation.first, generation.first + entries - 1))
        });
        known.collect()
    }
}

/// The saved positions by inode: what lies before them is delivered. None are saved yet when there is no file.
///
/// # Errors
/// When what is there cannot be read.
pub fn positions(storage: &Path) -> anyhow::Result<HashMap<u64, u64>> {
    // Between the two renames of a save only the save before is there.
    for name in ["checkpoints.json", "checkpoints.json.1"] {
        let text = match fs::read_to_string(storage.join(name)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error.into()),
        };
        let document: serde_json::Value = serde_json::from_str(&text)?;
        let files = document["files"].as_array().into_iter().flatten();
        let position = |file: &serde_json::Value| Some((file["inode"].as_u64()?, file["offset"].as_u64()?));
        return Ok(files.filter_map(position).collect());
    }
    Ok(HashMap::new())
}
