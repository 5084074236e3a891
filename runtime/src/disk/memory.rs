//! A disk in memory that fails as told and forgets at a crash what was not synced. For tests.
//!
//! The model of a crash: names are journalled, so of the changes since the last `sync_folder` a beginning survives, in
//! order; of a file's bytes what was synced survives, and of what was written since then anything may: a part, the
//! size without the content (zeros), nothing. Which, is drawn from the crash's seed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use super::{Disk, DiskFile};

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    folders: BTreeSet<PathBuf>,
    names: BTreeMap<PathBuf, usize>,
    /// Names as a crash would find them at worst, and the changes since.
    durable: BTreeMap<PathBuf, usize>,
    journal: Vec<Change>,
    inodes: Vec<Inode>,
    /// Every operation fails that changes something.
    fault: Option<ErrorKind>,
    /// Reading fails.
    deaf: Option<ErrorKind>,
    /// How many bytes all files may have.
    capacity: Option<usize>,
    /// How many operations that change something have been tried.
    steps: usize,
    /// After so many, all that follow fail: the power is off.
    last_step: Option<usize>,
}

#[derive(Debug, Default)]
struct Inode {
    bytes: Vec<u8>,
    synced: Vec<u8>,
}

#[derive(Debug)]
enum Change {
    Name(PathBuf, usize),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

impl Change {
    fn carry_out(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Self::Name(path, inode) => {
                names.insert(path.clone(), *inode);
            }
            Self::Rename(from, to) => {
                if let Some(inode) = names.remove(from) {
                    names.insert(to.clone(), inode);
                }
            }
            Self::Remove(path) => {
                names.remove(path);
            }
        }
    }
}

impl MemoryDisk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// From now on all that would change something fails so; `None`: works again.
    pub fn fail(&self, with: Option<ErrorKind>) {
        self.state().fault = with;
    }

    /// From now on reading fails so; `None`: works again.
    pub fn fail_reading(&self, with: Option<ErrorKind>) {
        self.state().deaf = with;
    }

    /// How many bytes fit from now on; `None`: any number.
    pub fn resize(&self, capacity: Option<usize>) {
        self.state().capacity = capacity;
    }

    /// How many bytes all files have.
    pub fn used(&self) -> usize {
        self.state().used()
    }

    /// How many changes have been tried.
    pub fn steps(&self) -> usize {
        self.state().steps
    }

    /// The power goes off after `steps` changes.
    pub fn cut_power_after(&self, steps: usize) {
        self.state().last_step = Some(steps);
    }

    /// Replaces a file's content, as if it had always been so.
    pub fn put(&self, path: &Path, bytes: &[u8]) {
        let mut state = self.state();
        let inode = state.inodes.len();
        state.inodes.push(Inode {
            bytes: bytes.to_vec(),
            synced: bytes.to_vec(),
        });
        state.names.insert(path.to_owned(), inode);
        state.durable.insert(path.to_owned(), inode);
    }

    /// The machine goes down and comes up again; open files must not be used any more.
    pub fn crash(&self, seed: u64) {
        let mut state = self.state();
        let mut draw = Draw(seed);
        let kept = draw.below(state.journal.len() + 1);
        let journal = std::mem::take(&mut state.journal);
        for change in &journal[..kept] {
            change.carry_out(&mut state.durable);
        }
        state.names = state.durable.clone();
        for inode in &mut state.inodes {
            inode.lose(&mut draw);
        }
        (state.fault, state.deaf, state.last_step) = (None, None, None);
    }
}

impl Inode {
    fn lose(&mut self, draw: &mut Draw) {
        if self.bytes != self.synced {
            let same = self
                .bytes
                .iter()
                .zip(&self.synced)
                .take_while(|(one, other)| one == other)
                .count();
            let size = same + draw.below(self.bytes.len().max(self.synced.len()) - same + 1);
            match draw.below(3) {
                0 => self.bytes = self.synced.clone(),
                1 => self.bytes.truncate(size),
                _ => {
                    self.bytes.truncate(same);
                    self.bytes.resize(size, 0);
                }
            }
        }
        self.synced = self.bytes.clone();
    }
}

impl State {
    fn used(&self) -> usize {
        let named: BTreeSet<usize> = self.names.values().copied().collect();
        named
            .into_iter()
            .map(|inode| self.inodes[inode].bytes.len())
            .sum()
    }

    /// A change is tried.
    fn step(&mut self) -> io::Result<()> {
        if self.last_step.is_some_and(|last| self.steps >= last) {
            return Err(io::Error::other("the power is off"));
        }
        self.steps += 1;
        self.fault.map_or(Ok(()), |kind| Err(kind.into()))
    }

    fn inode(&self, path: &Path) -> io::Result<usize> {
        self.deaf.map_or(Ok(()), |kind| Err(io::Error::from(kind)))?;
        self.names
            .get(path)
            .copied()
            .ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn change(&mut self, change: Change) {
        change.carry_out(&mut self.names);
        self.journal.push(change);
    }
}

impl Disk for MemoryDisk {
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        if state.folders.contains(path) {
            return Ok(());
        }
        state.step()?;
        state.folders.insert(path.to_owned());
        Ok(())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let state = self.state();
        state.deaf.map_or(Ok(()), |kind| Err(io::Error::from(kind)))?;
        let here = state.names.keys().filter(|path| path.parent() == Some(folder));
        Ok(here
            .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
            .collect())
    }

    fn folders(&self, folder: &Path) -> io::Result<Vec<String>> {
        let state = self.state();
        let here = state.folders.iter().filter(|path| path.parent() == Some(folder));
        Ok(here
            .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
            .collect())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let state = self.state();
        Ok(state.inodes[state.inode(path)?].bytes.clone())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        state.step()?;
        let inode = state.names.get(path).copied().unwrap_or(state.inodes.len());
        if inode == state.inodes.len() {
            state.inodes.push(Inode::default());
            state.change(Change::Name(path.to_owned(), inode));
        }
        state.inodes[inode].bytes.clear();
        Ok(Box::new(MemoryFile {
            disk: self.clone(),
            inode,
        }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let inode = self.state().inode(path)?;
        Ok(Box::new(MemoryFile {
            disk: self.clone(),
            inode,
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        state.inode(from)?;
        state.change(Change::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        state.inode(path)?;
        state.change(Change::Remove(path.to_owned()));
        Ok(())
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        // One journal for all folders, as file systems have.
        state.journal.clear();
        state.durable = state.names.clone();
        Ok(())
    }
}

/// An open file of a [`MemoryDisk`].
#[derive(Debug)]
struct MemoryFile {
    disk: MemoryDisk,
    inode: usize,
}

impl DiskFile for MemoryFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.disk.state().inodes[self.inode].bytes.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let state = self.disk.state();
        state.deaf.map_or(Ok(()), |kind| Err(io::Error::from(kind)))?;
        let bytes = state.inodes[self.inode]
            .bytes
            .get(at as usize..)
            .unwrap_or_default();
        let there = bytes.len().min(buffer.len());
        buffer[..there].copy_from_slice(&bytes[..there]);
        Ok(there)
    }

    fn write_at(&mut self, bytes: &[u8], at: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.step()?;
        let end = at as usize + bytes.len();
        let size = state.inodes[self.inode].bytes.len();
        let room = state
            .capacity
            .map_or(usize::MAX, |capacity| capacity.saturating_sub(state.used()));
        // A full disk takes the beginning of a write.
        let fits = end.saturating_sub(size).min(room);
        let end_that_fits = end.min(size + fits);
        let content = &mut state.inodes[self.inode].bytes;
        content.resize(size.max(end_that_fits), 0);
        let taken = end_that_fits.saturating_sub(at as usize).min(bytes.len());
        if taken > 0 {
            content[at as usize..at as usize + taken].copy_from_slice(&bytes[..taken]);
        }
        if taken < bytes.len() {
            return Err(ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn set_size(&mut self, size: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.step()?;
        state.inodes[self.inode].bytes.resize(size as usize, 0);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.state();
        state.step()?;
        let inode = &mut state.inodes[self.inode];
        inode.synced = inode.bytes.clone();
        Ok(())
    }
}

/// Numbers from a seed (SplitMix64).
#[derive(Debug)]
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound.max(1) as u64) as usize
    }
}

#[test]
fn a_crash_keeps_what_was_synced_and_loses_some_of_the_rest() {
    let (kept, path) = (Path::new("/kept"), Path::new("/f"));
    let mut ends = BTreeSet::new();
    for seed in 0..200 {
        let disk = MemoryDisk::default();
        let mut file = disk.create(kept).unwrap();
        file.write_at(b"synced", 0).unwrap();
        file.sync().unwrap();
        disk.sync_folder(Path::new("/")).unwrap();
        file.write_at(b"-not", 6).unwrap();
        disk.create(path).unwrap();
        disk.crash(seed);
        let bytes = disk.read(kept).unwrap();
        assert!(bytes.starts_with(b"synced"));
        ends.insert((bytes, disk.read(path).is_ok()));
    }
    for end in [&b"synced"[..], b"synced-not", b"synced\0\0\0\0"] {
        assert!(
            ends.contains(&(end.to_vec(), true)) && ends.contains(&(end.to_vec(), false)),
            "{ends:?}"
        );
    }
}

#[test]
fn a_full_disk_takes_a_beginning() {
    let disk = MemoryDisk::default();
    let mut file = disk.create(Path::new("/f")).unwrap();
    disk.resize(Some(4));
    let full = file.write_at(b"123456", 0).unwrap_err();
    assert_eq!(full.kind(), ErrorKind::StorageFull);
    assert_eq!(disk.read(Path::new("/f")).unwrap(), b"1234");
    file.write_at(b"ab", 0).unwrap();
    disk.fail(Some(ErrorKind::ReadOnlyFilesystem));
    assert!(file.write_at(b"x", 0).is_err() && disk.create(Path::new("/g")).is_err());
    assert_eq!(disk.read(Path::new("/f")).unwrap(), b"ab34");
}
