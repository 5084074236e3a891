//! Whose turn it is: files with something to read, in the order they came.
//!
//! Invariant: a file stands in the queue once, so the queue is no longer than there are files.

use std::collections::{BTreeSet, HashSet, VecDeque};

use tokio::time::Instant;

use super::identity::FileId;

/// Files to read, and files to come back to at some time.
#[derive(Debug, Default)]
pub struct Ready {
    queue: VecDeque<FileId>,
    queued: HashSet<FileId>,
    later: BTreeSet<(Instant, FileId)>,
}

impl Ready {
    /// Puts a file at the end, unless it stands in the queue.
    pub fn push(&mut self, file: FileId) {
        if self.queued.insert(file) {
            self.queue.push_back(file);
        }
    }

    /// Puts those at the end that do not stand in the queue.
    pub fn extend(&mut self, files: impl IntoIterator<Item = FileId>) {
        files.into_iter().for_each(|file| self.push(file));
    }

    /// Takes the first.
    pub fn pop(&mut self) -> Option<FileId> {
        let file = self.queue.pop_front()?;
        self.queued.remove(&file);
        Some(file)
    }

    /// Whether a file stands in the queue.
    #[must_use]
    pub fn contains(&self, file: FileId) -> bool {
        self.queued.contains(&file)
    }

    /// Comes back to a file at `when`.
    pub fn remind(&mut self, when: Instant, file: FileId) {
        self.later.insert((when, file));
    }

    /// The next file to come back to, when its time has come.
    pub fn due(&mut self, now: Instant) -> Option<FileId> {
        let first = *self.later.first().filter(|(when, _)| *when <= now)?;
        self.later.remove(&first);
        Some(first.1)
    }

    /// When the next reminder is due.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        self.later.first().map(|(when, _)| *when)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn file(inode: u64) -> FileId {
        FileId { device: 1, inode }
    }

    #[test]
    fn first_come_first_served_and_once_each() {
        let mut ready = Ready::default();
        for inode in [1, 2, 1, 3] {
            ready.push(file(inode));
        }
        assert_eq!(ready.pop(), Some(file(1)));
        ready.push(file(1));
        assert!(ready.contains(file(1)));
        assert_eq!(
            [ready.pop(), ready.pop(), ready.pop(), ready.pop()],
            [Some(file(2)), Some(file(3)), Some(file(1)), None]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn reminders_come_in_time() {
        let mut ready = Ready::default();
        let now = Instant::now();
        ready.remind(now + Duration::from_secs(2), file(2));
        ready.remind(now + Duration::from_secs(1), file(1));
        assert_eq!(ready.due(now), None);
        assert_eq!(ready.next_due(), Some(now + Duration::from_secs(1)));
        let later = now + Duration::from_secs(2);
        assert_eq!(
            [ready.due(later), ready.due(later), ready.due(later)],
            [Some(file(1)), Some(file(2)), None]
        );
    }
}
