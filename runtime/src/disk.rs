//! The disk: the few things the agent asks of it, behind a seam.
//!
//! [`LocalDisk`] is the machine's. Tests put one in its place that fills up, fails, becomes read-only, or loses
//! at a crash what was not synced, so that what must survive all this is a unit test.
//!
//! Only what the agent keeps for itself goes through here (checkpoints, spools). The files it tails belong to others:
//! there the behaviour of the real system is what counts.

mod local;
#[cfg(test)]
pub mod memory;

use std::fmt::Debug;
use std::io;
use std::path::Path;

pub use local::LocalDisk;

/// A disk.
pub trait Disk: Debug + Send + Sync {
    /// Makes a folder and those above it, for their owner only; one that is there is left as it is.
    ///
    /// # Errors
    /// When the disk says no.
    fn make_folder(&self, path: &Path) -> io::Result<()>;

    /// The names of the plain files in a folder, sorted.
    ///
    /// # Errors
    /// When the disk says no.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// The names of the folders in a folder, sorted.
    ///
    /// # Errors
    /// When the disk says no.
    fn folders(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// The whole of a file.
    ///
    /// # Errors
    /// When the disk says no.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// A new, empty file for its owner only, in the place of whatever had the name.
    ///
    /// # Errors
    /// When the disk says no.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// A file that is there, to be read and written.
    ///
    /// # Errors
    /// When the disk says no.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Gives a file another name, in the place of whatever had it.
    ///
    /// # Errors
    /// When the disk says no.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Takes a file's name away.
    ///
    /// # Errors
    /// When the disk says no.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Returns when names made, changed and taken away in a folder will outlive a loss of power.
    ///
    /// # Errors
    /// When the disk says no.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

/// An open file.
pub trait DiskFile: Debug + Send {
    /// How many bytes it has.
    ///
    /// # Errors
    /// When the disk says no.
    fn size(&self) -> io::Result<u64>;

    /// Fills `buffer` from the byte `at` on; says how many bytes were there, fewer only at the file's end.
    ///
    /// # Errors
    /// When the disk says no.
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize>;

    /// Writes all of `bytes` from the byte `at` on. What of it is there after an error is not known.
    ///
    /// # Errors
    /// When the disk says no.
    fn write_at(&mut self, bytes: &[u8], at: u64) -> io::Result<()>;

    /// Cuts the file off, or fills it up with zeros.
    ///
    /// # Errors
    /// When the disk says no.
    fn set_size(&mut self, size: u64) -> io::Result<()>;

    /// Returns when what was written will outlive a loss of power. After an error nothing is known of what was written
    /// since the last success, not even when a later call succeeds: the system may have thrown it away.
    ///
    /// # Errors
    /// When the disk says no.
    fn sync(&mut self) -> io::Result<()>;
}
