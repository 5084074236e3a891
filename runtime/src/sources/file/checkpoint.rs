//! The checkpoint file: how far every file has been delivered, on disk.
//!
//! Invariants: a reader sees the whole of one save or the whole of the one before it, never a mixture; what is
//! not whole (torn, NUL-filled, edited) is recognised by its checksum, never used and never deleted; looking changes
//! nothing, so what is broken stays as it is until the first save after it.
//!
//! Why one JSON file and not a database: it is a few hundred bytes per file, read once and written at most once a
//! second, and someone who must look into it at night can. The save before the last is kept, because a disk
//! that loses power may keep the name of a file and not its content.

mod document;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::identity::{FileId, Fingerprint, Identity};
use crate::disk::Disk;
use document::{Broken, VERSION, decode, encode};

/// The file's name in its folder.
const NAME: &str = "checkpoints.json";

/// The save before it.
const PREVIOUS: &str = "checkpoints.json.1";

/// The next one, while it is written.
const FRESH: &str = "checkpoints.json.new";

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
    /// Where it was last seen, links resolved, when that is not `path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub real: Option<String>,
    /// The file system.
    pub device: u64,
    /// The file in it.
    pub inode: u64,
    /// When it was made, in nanoseconds since the Unix epoch, where the file system knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub born: Option<u64>,
    /// How it begins; of a gzip file, how what it holds begins.
    pub fingerprint: Fingerprint,
    /// Everything before this byte has settled; of a gzip file, of what it holds.
    pub offset: u64,
    /// Of a gzip file that was read to its end, how much it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unpacked: Option<u64>,
    /// It was seen without a name: it cannot come back, and its inode may be another file's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    /// When it was last seen, in seconds since the Unix epoch.
    pub seen: u64,
}

/// In nanoseconds.
pub const SECOND: u64 = 1_000_000_000;

/// Seconds since the Unix epoch.
#[must_use]
pub fn now() -> u64 {
    now_nanos() / SECOND
}

/// Nanoseconds since the Unix epoch.
#[must_use]
pub fn now_nanos() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

impl Checkpoint {
    /// Of a file that is there now.
    #[must_use]
    pub fn new(source: &str, path: &str, identity: Identity, offset: u64) -> Self {
        Self {
            source: source.to_owned(),
            path: path.to_owned(),
            real: None,
            device: identity.id.device,
            inode: identity.id.inode,
            born: identity.born,
            fingerprint: identity.print,
            offset,
            unpacked: None,
            deleted: false,
            seen: now(),
        }
    }

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

/// A checkpoint file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenFile {
    /// Which.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

/// What was found in a folder of checkpoints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// The latest whole save.
    pub files: Vec<Checkpoint>,
    /// The file it was in; `None` when there was none.
    pub from: Option<PathBuf>,
    /// Files that should have been taken before it but cannot be used.
    pub broken: Vec<BrokenFile>,
}

impl Saved {
    /// Whether there were checkpoints, but none that can be used.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.from.is_none() && !self.broken.is_empty()
    }
}

/// Looks for the latest whole save in `folder`. Changes nothing.
///
/// # Errors
/// When a file must not or may not be read, or is of a later version.
pub fn find(disk: &dyn Disk, folder: &Path) -> Result<Saved, CheckpointError> {
    let mut saved = Saved::default();
    for name in [NAME, PREVIOUS] {
        let path = folder.join(name);
        let why = match disk.read(&path) {
            Ok(bytes) => match decode(&bytes) {
                Ok(files) => {
                    saved.files = files;
                    saved.from = Some(path);
                    return Ok(saved);
                }
                Err(Broken::Version(version)) => return Err(CheckpointError::Version { path, version }),
                Err(broken) => broken.to_string(),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            // What the disk no longer gives is as lost as what is torn; a restart would not mend it.
            Err(error) if is_damage(&error) => format!("it cannot be read: {error}"),
            Err(error) => return Err(CheckpointError::disk("reading checkpoints from", &path)(error)),
        };
        saved.broken.push(BrokenFile { path, why });
    }
    Ok(saved)
}

fn is_damage(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EIO) || error.kind() == io::ErrorKind::IsADirectory
}

/// The folder checkpoints live in.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    disk: Arc<dyn Disk>,
    /// Files found broken that are to be set aside.
    broken: Vec<PathBuf>,
}

impl Folder {
    /// Makes the folder (for its owner only) unless it is there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(disk: Arc<dyn Disk>, path: &Path) -> Result<Self, CheckpointError> {
        disk.make_folder(path)
            .map_err(CheckpointError::disk("making the folder", path))?;
        Ok(Self {
            path: path.to_owned(),
            disk,
            broken: Vec::new(),
        })
    }

    /// The latest whole save; none at all is an empty one. What is broken is set aside at the next save.
    ///
    /// # Errors
    /// As [`find`].
    pub fn load(&mut self) -> Result<Saved, CheckpointError> {
        let saved = find(&*self.disk, &self.path)?;
        self.broken = saved.broken.iter().map(|broken| broken.path.clone()).collect();
        Ok(saved)
    }

    /// Writes all checkpoints. When it returns they have reached the disk; when it fails the last save stands.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn save(&mut self, files: Vec<Checkpoint>) -> Result<(), CheckpointError> {
        let bytes = encode(files).map_err(CheckpointError::Encode)?;
        let (path, previous, fresh) = (
            self.path.join(NAME),
            self.path.join(PREVIOUS),
            self.path.join(FRESH),
        );
        if let Err(error) = self.write_through(&fresh, &bytes) {
            // A full disk needs the room; what cannot be removed is overwritten the next time.
            let _ = self.disk.remove(&fresh);
            return Err(CheckpointError::disk("writing checkpoints to", &fresh)(error));
        }
        self.make_room(&path, &previous)?;
        self.disk
            .rename(&fresh, &path)
            .map_err(CheckpointError::disk("putting checkpoints in place at", &path))?;
        // Only now: while there was no new file, it had to be seen that the old one was lost.
        if self.broken.contains(&previous) {
            self.set_aside(&previous)?;
        }
        self.disk
            .sync_folder(&self.path)
            .map_err(CheckpointError::disk("syncing the folder", &self.path))
    }

    /// Gives the current file another name. Until the new one has its place `find` takes the previous one, or sees
    /// that there was one: a broken file is only set aside while there is another.
    fn make_room(&mut self, path: &Path, previous: &Path) -> Result<(), CheckpointError> {
        let keeping = CheckpointError::disk("keeping the previous checkpoints of", path);
        let broken = self.broken.iter().position(|broken| broken == path);
        if broken.is_some() {
            match self.disk.list(&self.path) {
                Ok(names) if names.iter().any(|name| name == PREVIOUS) => return self.set_aside(path),
                Ok(_) => {}
                Err(error) => return Err(keeping(error)),
            }
        }
        match self.disk.rename(path, previous) {
            Ok(()) => {
                if let Some(broken) = broken {
                    previous.clone_into(&mut self.broken[broken]);
                }
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(keeping(error)),
        }
    }

    fn write_through(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.disk.create(path)?;
        file.write_at(bytes, 0)?;
        file.sync()
    }

    /// Gives a broken file another name, so that someone can look into it.
    fn set_aside(&mut self, path: &Path) -> Result<(), CheckpointError> {
        let failed = CheckpointError::disk("setting aside corrupt checkpoints", path);
        let names = match self.disk.list(&self.path) {
            Ok(names) => names,
            Err(error) => return Err(failed(error)),
        };
        let name = |number: u32| format!("{NAME}.corrupt-{number}");
        let free = (1..MAX_SET_ASIDE)
            .find(|&number| !names.contains(&name(number)))
            .unwrap_or(MAX_SET_ASIDE);
        let aside = self.path.join(name(free));
        match self.disk.rename(path, &aside) {
            Ok(()) => {
                tracing::info!(file = %path.display(), kept_as = %aside.display(), "corrupt checkpoints were set aside");
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        self.broken.retain(|broken| broken != path);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
