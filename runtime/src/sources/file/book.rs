//! The checkpoint book: what has settled of every file that is or was read.
//!
//! Invariants: a saved offset never lies behind an entry that has not settled in every pipeline its file feeds;
//! an origin's number is never used twice while the book lives; of a file that is gone the checkpoint is kept for
//! [`FORGET_AFTER`], because a rotation looks like a disappearance for a while.
//!
//! One book per agent and not one per source, so that one file on disk is written once a second however many
//! sources there are. Sources are told apart by name: two that read the same file do not share a position.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::checkpoint::{Checkpoint, CheckpointError, Folder};
use super::identity::{FileId, Fingerprint, Identity};
use crate::causes;
use crate::sources::Settled;

/// How long the checkpoint of a file that cannot be found is kept: longer than any mount or rotation takes.
pub const FORGET_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// How long after the start nothing is forgotten: a source may still be waiting for its files to be mounted, and
/// an agent that stood still for days must not forget all it knew.
const RECALL: u64 = 60 * 60;

/// How often changes are saved: what a crash repeats against what fsync costs.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// What has settled of every file. One per agent.
#[derive(Debug)]
pub struct CheckpointBook {
    folder: Folder,
    pages: Mutex<Pages>,
    /// Held while saving, so that an older save never replaces a newer one.
    saving: Mutex<Saving>,
}

#[derive(Debug, Default)]
struct Saving {
    failing: bool,
}

#[derive(Debug, Default)]
struct Pages {
    /// Of files that are read, or were and have entries on their way.
    origins: HashMap<u64, Origin>,
    /// The origin of each file that has one.
    by_file: HashMap<(String, FileId), u64>,
    /// Of all others.
    resting: HashMap<(String, FileId), Checkpoint>,
    next: u64,
    changed: bool,
    /// When the book was opened.
    opened: u64,
}

#[derive(Debug)]
struct Origin {
    checkpoint: Checkpoint,
    /// Per pipe, what it has settled.
    settled: Vec<u64>,
    closed: Option<Closed>,
}

#[derive(Clone, Copy, Debug)]
struct Closed {
    /// The end of the last entry handed on.
    sent: u64,
    /// The file no longer exists, seen through its descriptor.
    deleted: bool,
}

/// Where to read on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    /// The number of the file's entries.
    pub origin: u64,
    /// The first byte to read.
    pub offset: u64,
    /// The path under which it was first read.
    pub path: String,
}

/// A file about to be read for the first time.
#[derive(Clone, Copy, Debug)]
pub struct Beginning<'a> {
    /// The source's name.
    pub source: &'a str,
    /// The path under which it was found.
    pub path: &'a str,
    /// Which file.
    pub identity: Identity,
    /// Where reading starts.
    pub offset: u64,
    /// How many pipes its entries go into.
    pub pipes: u32,
}

impl CheckpointBook {
    /// Opens the book kept in the folder `dir`.
    ///
    /// # Errors
    /// When the folder cannot be made, or checkpoints are there that cannot be read. Corrupt ones are set aside.
    pub fn open(dir: &Path) -> Result<Arc<Self>, CheckpointError> {
        let folder = Folder::open(dir)?;
        let resting = folder
            .load()?
            .into_iter()
            .map(|checkpoint| ((checkpoint.source.clone(), checkpoint.id()), checkpoint));
        let pages = Pages {
            resting: resting.collect(),
            next: 1,
            opened: now(),
            ..Pages::default()
        };
        Ok(Arc::new(Self {
            folder,
            pages: Mutex::new(pages),
            saving: Mutex::default(),
        }))
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where to read on in a file that begins with `head` and has `size` bytes; `None` when it was never read, or
    /// is not what was read: shorter than that or with another beginning.
    pub fn resume(
        &self,
        source: &str,
        id: FileId,
        path: &str,
        head: &[u8],
        size: u64,
        pipes: u32,
    ) -> Option<Resume> {
        let mut pages = self.pages();
        let fits =
            |checkpoint: &Checkpoint| checkpoint.offset <= size && checkpoint.fingerprint.matches(head);
        let key = (source.to_owned(), id);
        if let Some(&number) = pages.by_file.get(&key) {
            let origin = pages.origins.get_mut(&number)?;
            if !fits(&origin.checkpoint) {
                return None;
            }
            // Closed by the same run of this source: what it sent is still on its way, and reports of it still
            // come under this number. Not closed: another run, of which nobody knows what became of it.
            if let Some(closed) = origin.closed.take().filter(|closed| closed.sent <= size) {
                return Some(Resume {
                    origin: number,
                    offset: closed.sent,
                    path: origin.checkpoint.path.clone(),
                });
            }
            let checkpoint = origin.checkpoint.clone();
            return Some(pages.start(checkpoint, pipes));
        }
        // Device numbers of network and mapped file systems change when they are mounted anew.
        let found = if pages.resting.get(&key).is_some_and(&fits) {
            key
        } else {
            let moved = |(of, other): &(String, FileId), checkpoint: &Checkpoint| {
                of == source && other.inode == id.inode && checkpoint.path == path && fits(checkpoint)
            };
            pages
                .resting
                .iter()
                .find(|(key, checkpoint)| moved(key, checkpoint))?
                .0
                .clone()
        };
        let mut checkpoint = pages.resting.remove(&found)?;
        checkpoint.device = id.device;
        Some(pages.start(checkpoint, pipes))
    }

    /// A number for a file read from `offset` whatever was read of it before.
    pub fn begin(&self, file: Beginning<'_>) -> Resume {
        let checkpoint = Checkpoint {
            source: file.source.to_owned(),
            path: file.path.to_owned(),
            device: file.identity.id.device,
            inode: file.identity.id.inode,
            fingerprint: file.identity.print,
            offset: file.offset,
            seen: now(),
        };
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
            page.checkpoint.seen = now();
            pages.changed = true;
            pages.rest(origin);
        }
    }

    /// Nobody reads any more and nothing is on its way: what has not settled by now will be read again, also of files
    /// that were closed. The last thing a graph does, so that the next one trusts none of its promises.
    pub fn end(&self) {
        let mut pages = self.pages();
        for (_, origin) in std::mem::take(&mut pages.origins) {
            let key = (origin.checkpoint.source.clone(), origin.checkpoint.id());
            if origin.closed.is_none_or(|closed| !closed.deleted) {
                pages.resting.insert(key, origin.checkpoint);
            }
        }
        pages.by_file.clear();
        pages.changed = true;
    }

    /// The checkpoints of a source that nothing reads now.
    #[must_use]
    pub fn unread(&self, source: &str) -> Vec<Checkpoint> {
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
                continue;
            }
            let book = self.clone();
            // fsync may take seconds on a busy disk. Failures are logged where they happen.
            let _ = tokio::task::spawn_blocking(move || book.save()).await;
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
        let saved = self.folder.save(files);
        match &saved {
            Ok(()) if saving.failing => tracing::info!("checkpoints are saved again"),
            Err(error) if !saving.failing => tracing::error!(
                error = causes::told(error),
                "checkpoints cannot be saved; a restart would send lines again"
            ),
            _ => {}
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
        let Some(settled) = page.settled.get_mut(pipe as usize) else {
            return;
        };
        *settled = position.max(*settled);
        let offset = page.settled.iter().copied().min().unwrap_or_default();
        if offset > page.checkpoint.offset {
            page.checkpoint.offset = offset;
            pages.changed = true;
            pages.rest(origin);
        }
    }
}

impl Pages {
    fn start(&mut self, checkpoint: Checkpoint, pipes: u32) -> Resume {
        let number = self.next;
        self.next += 1;
        let key = (checkpoint.source.clone(), checkpoint.id());
        self.resting.remove(&key);
        if let Some(before) = self.by_file.insert(key, number) {
            self.origins.remove(&before);
        }
        let resume = Resume {
            origin: number,
            offset: checkpoint.offset,
            path: checkpoint.path.clone(),
        };
        let settled = vec![checkpoint.offset; pipes as usize];
        self.origins.insert(
            number,
            Origin {
                checkpoint,
                settled,
                closed: None,
            },
        );
        resume
    }

    /// Puts an origin to rest once it is closed and all its entries have settled.
    fn rest(&mut self, number: u64) {
        let Some(Origin {
            checkpoint,
            closed: Some(closed),
            ..
        }) = self.origins.get(&number)
        else {
            return;
        };
        if checkpoint.offset < closed.sent {
            return;
        }
        let deleted = closed.deleted;
        let Some(origin) = self.origins.remove(&number) else {
            return;
        };
        let key = (origin.checkpoint.source.clone(), origin.checkpoint.id());
        self.by_file.remove(&key);
        // A deleted file cannot come back, and its inode may: nothing must be taken for it.
        if !deleted {
            self.resting.insert(key, origin.checkpoint);
        }
    }

    /// What to save, in a stable order; `None` when nothing has changed. Forgets what has not been seen for long.
    fn snapshot(&mut self, now: u64) -> Option<Vec<Checkpoint>> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        for origin in self.origins.values_mut().filter(|origin| origin.closed.is_none()) {
            origin.checkpoint.seen = now;
        }
        if now.saturating_sub(self.opened) >= RECALL {
            self.resting
                .retain(|_, checkpoint| now.saturating_sub(checkpoint.seen) < FORGET_AFTER.as_secs());
        }
        let open = self.origins.values().map(|origin| &origin.checkpoint);
        let mut files: Vec<Checkpoint> = open.chain(self.resting.values()).cloned().collect();
        files.sort_by(|a, b| (&a.source, &a.path, a.id()).cmp(&(&b.source, &b.path, b.id())));
        Some(files)
    }
}

/// Seconds since the Unix epoch.
fn now() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests;
