//! The folder of the checkpoints: which save a start will find after a crash at any of its steps.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use millstream::sources::file::CheckpointBook;
use tempfile::TempDir;

use crate::random::Random;
use crate::world::World;

/// The names `sources/file/checkpoint.rs` uses.
const CURRENT: &str = "checkpoints.json";
const PREVIOUS: &str = "checkpoints.json.1";
const FRESH: &str = "checkpoints.json.new";

/// Where the book is kept, and what a start would find there.
pub struct Disk {
    folder: TempDir,
    /// What was settled at the last two saves that reached the disk, oldest first.
    saved: Vec<HashMap<usize, u64>>,
}

impl Disk {
    /// An empty folder, in memory where that can be had: a sync of a real disk takes longer than a schedule.
    pub fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        };
        Self {
            folder: folder.unwrap(),
            saved: Vec::new(),
        }
    }

    /// A new process opens the book.
    pub fn open(&self, world: &Mutex<World>) -> Arc<CheckpointBook> {
        world.lock().unwrap().positions = self.saved.last().cloned().unwrap_or_default();
        CheckpointBook::open(self.folder.path()).unwrap()
    }

    /// The book is saved.
    pub fn save(&mut self, book: &CheckpointBook, world: &Mutex<World>) {
        let before = self.inode();
        book.save().unwrap();
        if self.inode() != before {
            self.saved.push(world.lock().unwrap().positions.clone());
            let surplus = self.saved.len().saturating_sub(2);
            self.saved.drain(..surplus);
        }
    }

    /// The process dies while it saves, at some step.
    pub fn crash(&mut self, book: &CheckpointBook, world: &Mutex<World>, random: &mut Random) {
        let (before, previous, inode) = (self.read(CURRENT), self.read(PREVIOUS), self.inode());
        let saved = self.saved.clone();
        self.save(book, world);
        let fresh = self.read(CURRENT).unwrap_or_default();
        if self.inode() == inode {
            return;
        }
        match random.below(4) {
            // While the new file is written.
            0 => {
                self.write(CURRENT, before);
                self.write(PREVIOUS, previous);
                self.write(FRESH, Some(fresh[..random.below(fresh.len().max(1))].to_vec()));
                self.saved = saved;
            }
            // Between the renames: what was current is the previous one, unless there was none or a power loss had
            // emptied it: that one is set aside.
            1 => {
                let whole = before.filter(|bytes| bytes.iter().any(|&byte| byte != 0));
                self.write(CURRENT, None);
                self.write(PREVIOUS, whole.or(previous));
                self.write(FRESH, Some(fresh));
                self.saved = saved.last().cloned().into_iter().collect();
            }
            // Power is lost as well, and of the new file only the name stays.
            2 if self.saved.len() == 2 => {
                self.write(CURRENT, Some(vec![0; fresh.len()]));
                self.saved.pop();
            }
            // After all of it.
            _ => {}
        }
    }

    /// Every save makes a new file, if there is anything to save.
    fn inode(&self) -> Option<u64> {
        fs::metadata(self.folder.path().join(CURRENT))
            .map(|metadata| metadata.ino())
            .ok()
    }

    fn read(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.folder.path().join(name)).ok()
    }

    fn write(&self, name: &str, bytes: Option<Vec<u8>>) {
        let path = self.folder.path().join(name);
        match bytes {
            Some(bytes) => fs::write(path, bytes).unwrap(),
            // It may not be there.
            None => drop(fs::remove_file(path)),
        }
    }
}
