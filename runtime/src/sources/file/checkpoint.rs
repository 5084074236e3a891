//! The checkpoint file: how far every file has been delivered, on disk.
//!
//! Invariants: a reader sees the whole of one save or the whole of the one before it, never a mixture; what is
//! not whole (torn, NUL-filled, edited) is recognised by its checksum and set aside, never deleted.
//!
//! Why one JSON file and not a database: it is a few hundred bytes per file, read once and written at most once a
//! second, and someone who must look into it at night can. The save before the last is kept, because a disk
//! that loses power may keep the name of a file and not its content.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

use super::identity::{FileId, Fingerprint};

/// The version this program writes.
const VERSION: u32 = 1;

/// The file's name in its folder.
const NAME: &str = "checkpoints.json";

/// How many broken files are set aside before the last of them is overwritten: enough to see what happened,
/// too few to fill a disk.
const MAX_SET_ASIDE: u32 = 16;

/// How far one file has been delivered by one source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// The source's name: two sources that read one file each have their own.
    pub source: String,
    /// The path under which it was first read: the label `filename` of all its entries.
    pub path: String,
    /// The file system.
    pub device: u64,
    /// The file in it.
    pub inode: u64,
    /// How it begins.
    pub fingerprint: Fingerprint,
    /// Everything before this byte has settled.
    pub offset: u64,
    /// When it was last seen, in seconds since the Unix epoch.
    pub seen: u64,
}

impl Checkpoint {
    /// Where the file lies.
    #[must_use]
    pub fn id(&self) -> FileId {
        FileId {
            device: self.device,
            inode: self.inode,
        }
    }
}

/// Why checkpoints could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The disk said no.
    #[error("{doing} {}", path.display())]
    Disk {
        /// What we were doing.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Written by a later version: reading on from nowhere would send everything again.
    #[error(
        "{} is of version {version}, which this program cannot read (it writes {VERSION}): run the later \
         program, or move the file away to read all files from their beginning",
        path.display()
    )]
    Version {
        /// Which file.
        path: PathBuf,
        /// Its version.
        version: u64,
    },
    /// The checkpoints could not be put into words.
    #[error("encoding checkpoints")]
    Encode(#[source] serde_json::Error),
}

impl CheckpointError {
    fn disk(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Disk {
            doing,
            path: path.to_owned(),
            source,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    /// xxh3-64 of `files` as JSON, in hexadecimal.
    checksum: String,
    files: Vec<Checkpoint>,
}

/// Why bytes are no checkpoint file.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("it is not a checkpoint document")]
    Json(#[from] serde_json::Error),
    #[error("its checksum is {found} but should be {expected}")]
    Checksum { found: String, expected: String },
    #[error("its version is {0}")]
    Version(u64),
}

fn checksum(files: &[Checkpoint]) -> Result<String, serde_json::Error> {
    Ok(format!(
        "{:016x}",
        XxHash3_64::oneshot(&serde_json::to_vec(files)?)
    ))
}

fn encode(files: Vec<Checkpoint>) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = serde_json::to_vec_pretty(&Document {
        version: VERSION,
        checksum: checksum(&files)?,
        files,
    })?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn decode(bytes: &[u8]) -> Result<Vec<Checkpoint>, Broken> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u64,
    }
    let Versioned { version } = serde_json::from_slice(bytes)?;
    if version != u64::from(VERSION) {
        return Err(Broken::Version(version));
    }
    let document: Document = serde_json::from_slice(bytes)?;
    let expected = checksum(&document.files)?;
    if document.checksum != expected {
        return Err(Broken::Checksum {
            found: document.checksum,
            expected,
        });
    }
    Ok(document.files)
}

/// The folder checkpoints live in.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes the folder (for its owner only) unless it is there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(CheckpointError::disk("making the folder", path))?;
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// The latest whole save; none at all is an empty one.
    ///
    /// # Errors
    /// When a file is there but cannot be read, or is of a later version.
    pub fn load(&self) -> Result<Vec<Checkpoint>, CheckpointError> {
        for name in [NAME.to_owned(), previous()] {
            let path = self.path.join(name);
            let bytes = match fs::read(&path) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(CheckpointError::disk("reading checkpoints from", &path)(error)),
            };
            match decode(&bytes) {
                Ok(files) => return Ok(files),
                Err(Broken::Version(version)) => return Err(CheckpointError::Version { path, version }),
                Err(broken) => self.set_aside(&path, &broken)?,
            }
        }
        Ok(Vec::new())
    }

    fn set_aside(&self, path: &Path, why: &Broken) -> Result<(), CheckpointError> {
        let place = |number: u32| self.path.join(format!("{NAME}.corrupt-{number}"));
        let free = (1..MAX_SET_ASIDE)
            .find(|&number| !place(number).exists())
            .unwrap_or(MAX_SET_ASIDE);
        let aside = place(free);
        tracing::error!(
            file = %path.display(), kept_as = %aside.display(), why = %why,
            "checkpoints are corrupt: the save before is used; lines since then are sent again"
        );
        fs::rename(path, &aside).map_err(CheckpointError::disk("setting aside corrupt checkpoints", path))
    }

    /// Writes all checkpoints. When it returns they have reached the disk; when it fails the last save stands.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn save(&self, files: Vec<Checkpoint>) -> Result<(), CheckpointError> {
        let bytes = encode(files).map_err(CheckpointError::Encode)?;
        let path = self.path.join(NAME);
        let fresh = self.path.join(format!("{NAME}.new"));
        write_through(&fresh, &bytes).map_err(CheckpointError::disk("writing checkpoints to", &fresh))?;
        // Between the two renames there is no current file; `load` then takes the previous one.
        match fs::rename(&path, self.path.join(previous())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(CheckpointError::disk(
                    "keeping the previous checkpoints of",
                    &path,
                )(error));
            }
            _ => {}
        }
        fs::rename(&fresh, &path).map_err(CheckpointError::disk("putting checkpoints in place at", &path))?;
        File::open(&self.path)
            .and_then(|folder| folder.sync_all())
            .map_err(CheckpointError::disk("syncing the folder", &self.path))
    }
}

fn previous() -> String {
    format!("{NAME}.1")
}

fn write_through(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests;
