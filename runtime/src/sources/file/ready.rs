//! Whose turn it is: files with something to read, in the order they came.
//!
//! Those whose workers have no room are set aside, by their way, and come first once there is: who reads on may be fast, and who
//! waited must not wait for them.
//!
//! Invariant: a file stands in the queue or aside once, so both are no longer than there are files.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use tokio::time::Instant;

use super::identity::FileId;

/// Files to read, and files to come back to at some time.
#[derive(Debug, Default)]
pub struct Ready {
    queue: VecDeque<FileId>,
    /// By way, with the lane of each file.
    aside: BTreeMap<u64, VecDeque<(FileId, u32)>>,
    /// Those in the queue, and those aside.
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

    /// Sets a file aside until its way, of which this is a lane, has room.
    pub fn set_aside(&mut self, way: u64, lane: u32, file: FileId) {
        if self.queued.insert(file) {
            self.aside.entry(way).or_default().push_back((file, lane));
        }
    }

    /// Takes the first of those aside whose lane `has_room`.
    pub fn pop_aside(&mut self, has_room: impl Fn(u32) -> bool) -> Option<FileId> {
        let (way, files) = self
            .aside
            .iter_mut()
            .find(|(_, files)| files.front().is_some_and(|(_, lane)| has_room(*lane)))?;
        let (file, _) = files.pop_front()?;
        if files.is_empty() {
            let way = *way;
            self.aside.remove(&way);
        }
        self.queued.remove(&file);
        Some(file)
    }

    /// A lane of each way that files are aside for.
    pub fn lanes_aside(&self) -> impl Iterator<Item = u32> + '_ {
        self.aside
            .values()
            .filter_map(|files| files.front().map(|(_, lane)| *lane))
    }

    /// Whether a file stands in the queue or aside.
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

    #[test]
    fn who_is_aside_comes_first_once_there_is_room_and_stands_nowhere_else() {
        let mut ready = Ready::default();
        ready.push(file(1));
        for inode in [2, 3, 2] {
            ready.set_aside(0, 10, file(inode));
        }
        ready.set_aside(1, 11, file(4));
        ready.push(file(2));
        assert!(ready.contains(file(2)));
        assert_eq!(ready.lanes_aside().collect::<Vec<_>>(), [10, 11]);
        assert_eq!(ready.pop_aside(|_| false), None);
        assert_eq!(ready.pop_aside(|lane| lane == 11), Some(file(4)));
        assert_eq!(ready.pop_aside(|lane| lane == 11), None);
        assert_eq!(
            [ready.pop_aside(|_| true), ready.pop_aside(|_| true)],
            [Some(file(2)), Some(file(3))]
        );
        assert_eq!([ready.pop(), ready.pop()], [Some(file(1)), None]);
        assert!(!ready.contains(file(2)));
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
