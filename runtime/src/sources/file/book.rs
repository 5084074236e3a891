//! The checkpoint book: what has settled of every file that is or was read.
//!
//! Invariants: a saved offset never lies behind an entry that has not settled in every pipeline its file feeds;
//! an origin's number is never used twice while the book lives; of a file that is gone the checkpoint is kept for
//! [`FORGET_AFTER`], because a rotation looks like a disappearance for a while.
//!
//! One book per agent and not one per source, so that one file on disk is written once a second however many
//! sources there are. Sources are told apart by name: two that read the same file do not share a position.

mod pages;
mod sighting;

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus::Registry;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::checkpoint::{BrokenFile, Checkpoint, CheckpointError, Folder, now};
use super::identity::{FileId, Fingerprint, Identity};
use super::saves::Saves;
use crate::causes;
use crate::disk::{Disk, LocalDisk};
use crate::sources::Settled;
use pages::{Closed, Origin, Pages, key};
pub use sighting::{Beginning, Resume, Sighting};

/// How long the checkpoint of a file that cannot be found is kept: longer than any mount takes, and than a daily
/// rotation that compresses a day later.
pub const FORGET_AFTER: Duration = Duration::from_secs(48 * 60 * 60);

/// How long after the start nothing is forgotten: a source may still be waiting for its files to be mounted, and
/// an agent that stood still for days must not forget all it knew.
const RECALL: u64 = 60 * 60;

/// How often changes are saved: what a crash repeats against what fsync costs.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// What has settled of every file. One per agent.
#[derive(Debug)]
pub struct CheckpointBook {
    pages: Mutex<Pages>,
    /// Held while saving, so that an older save never replaces a newer one.
    saving: Mutex<Saving>,
    /// The files that should have held the checkpoints, when none could be used.
    lost: Vec<BrokenFile>,
    /// Sources that went on without them.
    went_on: Mutex<HashSet<String>>,
    saves: Saves,
}

#[derive(Debug)]
struct Saving {
    folder: Folder,
    failing: bool,
}

impl CheckpointBook {
    /// Opens the book kept in the folder `dir`.
    ///
    /// # Errors
    /// When the folder cannot be made, or checkpoints are there that may not be read or are of a later version. Of
    /// corrupt ones see [`Self::lost`].
    pub fn open(dir: &Path) -> Result<Arc<Self>, CheckpointError> {
        Self::open_on(Arc::new(LocalDisk), dir)
    }

    /// The same on any disk.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_on(disk: Arc<dyn Disk>, dir: &Path) -> Result<Arc<Self>, CheckpointError> {
        let mut folder = Folder::open(disk, dir)?;
        let saved = folder.load()?;
        let lost = if saved.is_lost() {
            saved.broken
        } else {
            for broken in saved.broken {
                tracing::error!(
                    file = %broken.path.display(), why = broken.why,
                    "checkpoints are corrupt: the save before is used; lines since then are sent again"
                );
            }
            Vec::new()
        };
        let resting = saved
            .files
            .into_iter()
            .map(|checkpoint| (key(&checkpoint), checkpoint));
        let pages = Pages {
            resting: resting.collect(),
            next: 1,
            opened: now(),
            ..Pages::default()
        };
        Ok(Arc::new(Self {
            pages: Mutex::new(pages),
            saving: Mutex::new(Saving {
                folder,
                failing: false,
            }),
            lost,
            went_on: Mutex::default(),
            saves: Saves::default(),
        }))
    }

    /// Registers what the book says about itself.
    ///
    /// # Errors
    /// When a name is taken.
    pub fn register_in(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        self.saves.register_in(registry)
    }

    /// The files that should have held the checkpoints of a source that has not gone on without them; none when there
    /// were checkpoints, or never any.
    #[must_use]
    pub fn lost(&self, source: &str) -> &[BrokenFile] {
        if self.went_on().contains(source) {
            &[]
        } else {
            &self.lost
        }
    }

    /// A source goes on without the checkpoints it may have had; the files that held them are set aside with the next
    /// save. Says it, once.
    pub fn go_on(&self, source: &str, doing: &str) {
        if !self.lost(source).is_empty() {
            let files = told(&self.lost);
            tracing::error!(
                source,
                files,
                "checkpoints were there, but none can be read: {doing}"
            );
            self.went_on().insert(source.to_owned());
        }
    }

    fn went_on(&self) -> MutexGuard<'_, HashSet<String>> {
        self.went_on.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where to read on in a file; `None` when it was never read, or is not what was read: shorter than that, with
    /// another beginning, or made later.
    pub fn resume(&self, file: &Sighting<'_>) -> Option<Resume> {
        let mut pages = self.pages();
        let (number, resting) = pages.of(file.source, file.id, file.born);
        let resting = resting.filter(|known| file.fits(known)).map(key);
        if let Some(number) = number {
            let origin = pages.origins.get_mut(&number)?;
            let deleted = origin.closed.is_some_and(|closed| closed.deleted);
            if deleted || !file.fits(&origin.checkpoint) {
                return None;
            }
            // Closed by the same run of this source: what it sent is still on its way, and reports of it still
            // come under this number. Not closed: another run, of which nobody knows what became of it.
            if let Some(closed) = origin.closed.take().filter(|closed| closed.sent <= file.size) {
                // A pipe that is new begins here: what was read before was none of its business.
                for pipe in file.pipes {
                    if origin.settled.iter().all(|(known, _)| known != pipe) {
                        origin.settled.push((*pipe, closed.sent));
                    }
                }
                return Some(Resume {
                    origin: number,
                    offset: closed.sent,
                    path: origin.checkpoint.path.clone(),
                });
            }
            let checkpoint = origin.checkpoint.clone();
            return Some(pages.start(checkpoint, file.pipes));
        }
        // Device numbers of network and mapped file systems change when they are mounted anew.
        let found = if let Some(found) = resting {
            found
        } else {
            let moved = |known: &Checkpoint| {
                known.inode == file.id.inode
                    && known.source == file.source
                    && known.path == file.path
                    && file.fits(known)
            };
            key(pages.resting.values().find(|known| moved(known))?)
        };
        let mut checkpoint = pages.resting.remove(&found)?;
        checkpoint.device = file.id.device;
        checkpoint.born = checkpoint.born.or(file.born);
        Some(pages.start(checkpoint, file.pipes))
    }

    /// Goes on with `checkpoint` in another file that holds the same: a copy, or what was made of it by gzip.
    pub fn go_on_in(&self, mut checkpoint: Checkpoint, file: &Sighting<'_>) -> Resume {
        let mut pages = self.pages();
        let before = key(&checkpoint);
        pages.resting.remove(&before);
        if let Some(former) = pages.by_file.remove(&before) {
            pages.origins.remove(&former);
        }
        (checkpoint.device, checkpoint.inode) = (file.id.device, file.id.inode);
        (checkpoint.born, checkpoint.deleted) = (file.born, false);
        pages.changed = true;
        pages.start(checkpoint, file.pipes)
    }

    /// What an origin has settled.
    #[must_use]
    pub fn page(&self, origin: u64) -> Option<Checkpoint> {
        let pages = self.pages();
        pages.origins.get(&origin).map(|page| page.checkpoint.clone())
    }

    /// What was read under an identity, when nothing reads it now, and the entries of no closed file are on their way.
    #[must_use]
    pub fn displaced(&self, source: &str, id: FileId, born: Option<u64>) -> Option<Checkpoint> {
        let pages = self.pages();
        let (number, resting) = pages.of(source, id, born);
        let former = number
            .and_then(|number| pages.origins.get(&number))
            .filter(|origin| origin.closed.is_none())
            .map(|origin| &origin.checkpoint);
        former.or(resting).cloned()
    }

    /// A file need not be read: another one holds the same.
    pub fn pass_over(&self, source: &str, path: &str, identity: Identity) {
        let mut checkpoint = Checkpoint::new(source, path, identity, 0);
        checkpoint.unpacked = Some(0);
        let mut pages = self.pages();
        pages.resting.insert(key(&checkpoint), checkpoint);
        pages.changed = true;
    }

    /// What was read of the file that has this identity, when nothing reads it.
    #[must_use]
    pub fn resting(&self, source: &str, id: FileId, born: Option<u64>) -> Option<Checkpoint> {
        self.pages().of(source, id, born).1.cloned()
    }

    /// Whether a file was read, is read, or was passed over because of what another one holds.
    #[must_use]
    pub fn knows(&self, source: &str, id: FileId, born: Option<u64>) -> bool {
        let pages = self.pages();
        let (number, resting) = pages.of(source, id, born);
        number.is_some() || resting.is_some_and(|known| !known.deleted)
    }

    /// The entries of an origin now come from another file that holds the same, because the first was truncated.
    pub fn moved(&self, origin: u64, id: FileId, born: Option<u64>) {
        let mut pages = self.pages();
        let Some(page) = pages.origins.get_mut(&origin) else {
            return;
        };
        let before = key(&page.checkpoint);
        (page.checkpoint.device, page.checkpoint.inode) = (id.device, id.inode);
        page.checkpoint.born = born;
        let after = key(&page.checkpoint);
        pages.by_file.remove(&before);
        pages.resting.remove(&after);
        pages.by_file.insert(after, origin);
        pages.changed = true;
    }

    /// Where the file is, links resolved, and whether it still has a name.
    pub fn seen_at(&self, origin: u64, real: &str, deleted: bool) {
        let mut pages = self.pages();
        if let Some(page) = pages.origins.get_mut(&origin) {
            let real = (real != page.checkpoint.path).then(|| real.to_owned());
            let changed = real != page.checkpoint.real || deleted != page.checkpoint.deleted;
            (page.checkpoint.real, page.checkpoint.deleted) = (real, deleted);
            pages.changed |= changed;
        }
    }

    /// The gzip file was read to its end: so much it holds.
    pub fn unpacked(&self, origin: u64, length: u64) {
        let mut pages = self.pages();
        if let Some(page) = pages.origins.get_mut(&origin) {
            page.checkpoint.unpacked = Some(length);
            pages.changed = true;
        }
    }

    /// Files that are there, but have nothing more to give, must not be forgotten.
    pub fn still_there(&self, source: &str, is_there: impl Fn(FileId) -> bool) {
        let now = now();
        let mut pages = self.pages();
        let here = pages
            .resting
            .values_mut()
            .filter(|known| known.source == source && is_there(known.id()));
        here.for_each(|known| known.seen = now);
    }

    /// A number for a file read from `offset` whatever was read of it before.
    pub fn begin(&self, file: Beginning<'_>) -> Resume {
        let checkpoint = Checkpoint::new(file.source, file.path, file.identity, file.offset);
        let mut pages = self.pages();
        pages.changed = true;
        pages.start(checkpoint, file.pipes)
    }

    /// The file has grown: its fingerprint covers more.
    pub fn grown(&self, origin: u64, print: Fingerprint) {
        let mut pages = self.pages();
        if let Some(origin) = pages.origins.get_mut(&origin) {
            let before = std::mem::replace(&mut origin.checkpoint.fingerprint, print);
            pages.changed |= before != print;
        }
    }

    /// The file is no longer read; the last entry handed on ends at `sent`.
    pub fn close(&self, origin: u64, sent: u64, deleted: bool) {
        let mut pages = self.pages();
        if let Some(page) = pages.origins.get_mut(&origin) {
            page.closed = Some(Closed { sent, deleted });
            page.checkpoint.deleted = deleted;
            page.checkpoint.seen = now();
            pages.changed = true;
            pages.rest(origin);
        }
    }

    /// A pipe is gone, and nothing it was given is on its way: nobody waits for it any more.
    pub fn retire(&self, pipe: u32) {
        let mut pages = self.pages();
        let mut touched = Vec::new();
        for (number, origin) in &mut pages.origins {
            let before = origin.settled.len();
            origin.settled.retain(|(known, _)| *known != pipe);
            if origin.settled.len() < before {
                touched.push(*number);
            }
        }
        for number in touched {
            pages.advance(number);
        }
    }

    /// A source that has stopped is read again from what all its pipes have settled: one of them has stopped, too, and what it
    /// has on its way will never settle.
    pub fn rewind(&self, source: &str) {
        let mut pages = self.pages();
        let of_source = |origin: &Origin| origin.checkpoint.source == source;
        let numbers: Vec<u64> = pages
            .origins
            .iter()
            .filter(|(_, origin)| of_source(origin))
            .map(|(number, _)| *number)
            .collect();
        for number in numbers {
            pages.lay_down(number);
        }
        pages.changed = true;
    }

    /// Nobody reads any more and nothing is on its way: what has not settled by now will be read again, also of files
    /// that were closed. The last thing a graph does, so that the next one trusts none of its promises.
    pub fn end(&self) {
        let mut pages = self.pages();
        let numbers: Vec<u64> = pages.origins.keys().copied().collect();
        for number in numbers {
            pages.lay_down(number);
        }
        pages.changed = true;
    }

    /// The checkpoints of a source that has not begun to read: of all it read before, in this process or another.
    #[must_use]
    pub fn unread(&self, source: &str) -> Vec<Checkpoint> {
        let former = {
            let pages = self.pages();
            let former = pages.origins.values().map(|origin| origin.checkpoint.clone());
            former
                .filter(|checkpoint| checkpoint.source == source)
                .collect::<Vec<_>>()
        };
        let mut all = self.at_rest(source);
        all.extend(former);
        all
    }

    /// The checkpoints of a source that nothing reads now.
    #[must_use]
    pub fn at_rest(&self, source: &str) -> Vec<Checkpoint> {
        let pages = self.pages();
        pages
            .resting
            .values()
            .filter(|checkpoint| checkpoint.source == source)
            .cloned()
            .collect()
    }

    /// Saves every second when something has changed, until `stop`. One such task per agent; the save at the end
    /// of a drain is the caller's, because only then the last entries have settled.
    pub async fn keep(self: Arc<Self>, stop: CancellationToken) {
        let mut tick = tokio::time::interval(SAVE_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = tick.tick() => {}
            }
            if !self.pages().changed {
                self.saves.current();
                continue;
            }
            let book = self.clone();
            // fsync may take seconds on a busy disk. Failures are logged where they happen.
            let _ = tokio::task::spawn_blocking(move || book.save()).await;
            self.saves.tick();
        }
    }

    /// Saves now, when something has changed since the last save.
    ///
    /// # Errors
    /// When the disk says no; the next call tries again.
    pub fn save(&self) -> Result<(), CheckpointError> {
        let mut saving = self.saving.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(files) = self.pages().snapshot(now()) else {
            return Ok(());
        };
        let saved = saving.folder.save(files);
        match &saved {
            Ok(()) if saving.failing => tracing::info!("checkpoints are saved again"),
            Err(error) if !saving.failing => tracing::error!(
                error = causes::told(error),
                "checkpoints cannot be saved; a restart would send lines again"
            ),
            _ => {}
        }
        match &saved {
            Ok(()) => self.saves.current(),
            Err(_) => self.saves.failed(),
        }
        saving.failing = saved.is_err();
        if saving.failing {
            self.pages().changed = true;
        }
        saved
    }
}

impl Settled for CheckpointBook {
    fn settled(&self, pipe: u32, origin: u64, position: u64) {
        let mut pages = self.pages();
        let Some(page) = pages.origins.get_mut(&origin) else {
            return;
        };
        let Some((_, settled)) = page.settled.iter_mut().find(|(known, _)| *known == pipe) else {
            return;
        };
        *settled = position.max(*settled);
        pages.advance(origin);
    }
}

/// Broken files and what is wrong with them, in one line.
#[must_use]
pub fn told(files: &[BrokenFile]) -> String {
    let files = files
        .iter()
        .map(|file| format!("{} ({})", file.path.display(), file.why));
    files.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
