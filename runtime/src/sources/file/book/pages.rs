//! The book's pages: the checkpoint of every file, and what is on its way.
//!
//! Invariant: a file has either an origin, while its entries may still settle, or a checkpoint that rests.

use std::collections::HashMap;

use super::{FORGET_AFTER, RECALL, Resume};
use crate::sources::file::checkpoint::Checkpoint;
use crate::sources::file::identity::FileId;

/// A file of a source. When it was made belongs to it: of a deleted file, whose rest may be packed, the checkpoint
/// must not give way to that of the file which has its inode now.
pub(super) type Key = (String, FileId, Option<u64>);

/// The key of a checkpoint.
pub(super) fn key(checkpoint: &Checkpoint) -> Key {
    (checkpoint.source.clone(), checkpoint.id(), checkpoint.born)
}

#[derive(Debug, Default)]
pub(super) struct Pages {
    /// Of files that are read, or were and have entries on their way.
    pub(super) origins: HashMap<u64, Origin>,
    /// The origin of each file that has one.
    pub(super) by_file: HashMap<Key, u64>,
    /// Of all others.
    pub(super) resting: HashMap<Key, Checkpoint>,
    pub(super) next: u64,
    pub(super) changed: bool,
    /// When the book was opened.
    pub(super) opened: u64,
}

#[derive(Debug)]
pub(super) struct Origin {
    pub(super) checkpoint: Checkpoint,
    /// Per pipe, what it has settled: those it was read for, also such that the source has no more until they are done.
    pub(super) settled: Vec<(u32, u64)>,
    pub(super) closed: Option<Closed>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Closed {
    /// The end of the last entry handed on.
    pub(super) sent: u64,
    /// The file no longer exists, seen through its descriptor.
    pub(super) deleted: bool,
}

impl Pages {
    /// The page and the checkpoint at rest of a file, whether or not it was known when it was made.
    pub(super) fn of(
        &self,
        source: &str,
        id: FileId,
        born: Option<u64>,
    ) -> (Option<u64>, Option<&Checkpoint>) {
        let keys = [(source.to_owned(), id, born), (source.to_owned(), id, None)];
        (
            keys.iter().find_map(|key| self.by_file.get(key)).copied(),
            keys.iter().find_map(|key| self.resting.get(key)),
        )
    }

    pub(super) fn start(&mut self, checkpoint: Checkpoint, pipes: &[u32]) -> Resume {
        let number = self.next;
        self.next += 1;
        let key = key(&checkpoint);
        self.resting.remove(&key);
        if let Some(before) = self.by_file.insert(key, number) {
            self.origins.remove(&before);
        }
        let resume = Resume {
            origin: number,
            offset: checkpoint.offset,
            path: checkpoint.path.clone(),
        };
        let settled = pipes.iter().map(|pipe| (*pipe, checkpoint.offset)).collect();
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

    /// The position that all pipes of an origin have settled may have moved.
    pub(super) fn advance(&mut self, number: u64) {
        let Some(page) = self.origins.get_mut(&number) else {
            return;
        };
        let settled = page.settled.iter().map(|(_, settled)| *settled).min();
        if let Some(offset) = settled.filter(|offset| *offset > page.checkpoint.offset) {
            page.checkpoint.offset = offset;
            self.changed = true;
            self.rest(number);
        }
    }

    /// Puts an origin to rest once it is closed and all its entries have settled.
    pub(super) fn rest(&mut self, number: u64) {
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
        let key = key(&origin.checkpoint);
        self.by_file.remove(&key);
        // A deleted file cannot come back, and its inode may: nothing must be taken for it.
        if !deleted {
            self.resting.insert(key, origin.checkpoint);
        }
    }

    /// Puts an origin to rest whatever is on its way: nobody will hear of it.
    pub(super) fn lay_down(&mut self, number: u64) {
        let Some(origin) = self.origins.remove(&number) else {
            return;
        };
        let mut checkpoint = origin.checkpoint;
        let key = key(&checkpoint);
        if self.by_file.get(&key) == Some(&number) {
            self.by_file.remove(&key);
        }
        // Of a deleted file gzip may have kept the rest.
        checkpoint.deleted |= origin.closed.is_some_and(|closed| closed.deleted);
        self.resting.insert(key, checkpoint);
    }

    /// What to save, in a stable order; `None` when nothing has changed. Forgets what has not been seen for long.
    pub(super) fn snapshot(&mut self, now: u64) -> Option<Vec<Checkpoint>> {
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
