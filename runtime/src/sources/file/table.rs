//! The files of a source: which are open, who follows whom, what is to be looked at.
//!
//! Invariants: a file is open once, whatever globs and links lead to it; it keeps the label `filename` under which
//! it was first read; a file that took the name of another is not read before that other one is read to its end;
//! a file whose name is gone stays open until it was read to its end and has been quiet for a while.
//!
//! Nothing in here waits, so files that rotate are opened even while every pipeline is full: what is open cannot
//! be lost to a second rotation.

mod look;
mod open;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use super::checkpoint::{Checkpoint, SECOND, now_nanos};
use super::descriptors::Descriptors;
use super::discover::Found;
use super::entry::Entry;
use super::generations::{Find, Generation, Search, sort_found};
use super::identity::{FileId, born};
use super::parts::Parts;
use super::ready::Ready;
use super::trouble::Troubles;
use crate::causes;

/// How long a deleted file must be quiet before it is closed: its writer may not have noticed yet, but an open
/// descriptor keeps its blocks on the disk.
const DELETED_GRACE: Duration = Duration::from_secs(5);

/// The same for a file renamed to where no glob finds it: its writer goes on until it is told to open a new one.
const RENAMED_GRACE: Duration = Duration::from_secs(60);

/// How often files are looked at when events cannot be relied on.
const POLL: Duration = Duration::from_secs(1);

/// How often files are looked for once more when they were renamed between being found and being opened.
const ATTEMPTS: usize = 5;

/// How soon after such a scan to scan again.
const RACED: Duration = Duration::from_millis(20);

/// The share of its time that a source spends looking for files, at most: one part in so many.
const SCAN_SHARE: u32 = 20;

/// The files of a source.
#[derive(Debug)]
pub struct Table {
    /// What the source is made of.
    pub parts: Parts,
    /// Open files.
    pub files: HashMap<FileId, Entry>,
    /// Whose turn it is.
    pub ready: Ready,
    /// Files to be closed, once their last line was taken.
    pub leaving: Vec<FileId>,
    /// When to scan again.
    pub scan_at: Instant,
    by_real: HashMap<PathBuf, Vec<FileId>>,
    /// The last file opened with a label.
    newest: HashMap<String, FileId>,
    /// Files that are no text, and their size when that was found.
    binary: HashMap<FileId, u64>,
    /// Files that were there at the first scan but could not be opened, and where to begin with them.
    locked: HashMap<FileId, u64>,
    /// Gzip files that have nothing more to give, and their size when that was found.
    spent: HashMap<FileId, u64>,
    /// Paths of files that were read before: what has such a name at the first scan came later.
    paths_read: HashSet<String>,
    /// Checkpoints were there, but could not be read.
    lost: bool,
    descriptors: Descriptors,
    /// Open files that no glob finds any more, and when they were last found, in nanoseconds since the Unix epoch.
    renamed: Vec<(FileId, u64)>,
    walking: Troubles,
    reading: Troubles,
    scanned: bool,
    /// All that was read before and is still there is open.
    recalled: bool,
    /// When the last scan ended, and how long it took.
    last_scan: (Instant, Duration),
    /// When the last scan began, in nanoseconds since the Unix epoch.
    scanned_at: u64,
}

impl Table {
    /// No files yet; a scan is due.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let begun = Instant::now();
        Self {
            parts,
            files: HashMap::new(),
            ready: Ready::default(),
            leaving: Vec::new(),
            scan_at: begun,
            by_real: HashMap::new(),
            newest: HashMap::new(),
            binary: HashMap::new(),
            locked: HashMap::new(),
            spent: HashMap::new(),
            paths_read: HashSet::new(),
            lost: false,
            descriptors: Descriptors::new(),
            renamed: Vec::new(),
            walking: Troubles::new("looking for files in"),
            reading: Troubles::new("reading the file"),
            scanned: false,
            recalled: false,
            last_scan: (begun, Duration::ZERO),
            scanned_at: 0,
        }
    }

    /// Puts files that hints speak of into the queue, and scans when it is time.
    pub fn catch_up(&mut self) {
        let news = self.parts.hints.take();
        for path in &news.changed {
            for id in self.by_real.get(path).into_iter().flatten() {
                self.ready.push(*id);
                if let Some(entry) = self.files.get_mut(id) {
                    (entry.hinted, entry.missed) = (true, 0);
                }
            }
        }
        if news.everything {
            self.ready_all(|_| true);
        } else if news.strangers {
            self.ready_all(|entry| entry.unlisted.is_some());
        }
        let (last, took) = self.last_scan;
        let soonest = last + took * SCAN_SHARE;
        if news.listing || news.everything {
            self.scan_at = self.scan_at.min(soonest);
        }
        if self.parts.hints.is_deaf() {
            self.scan_at = self.scan_at.min((last + POLL).max(soonest));
        }
        if self.scan_at <= Instant::now() {
            self.scan();
        }
    }

    fn ready_all(&mut self, which: impl Fn(&Entry) -> bool) {
        for (id, entry) in &self.files {
            if which(entry) {
                self.ready.push(*id);
            }
        }
    }

    /// Looks for files: opens new ones, has a look at all others, lets go of those that are gone.
    fn scan(&mut self) {
        let begun = Instant::now();
        // Whoever must wait for something may want it sooner.
        self.scan_at = begun + self.parts.settings.rescan;
        let found = self.parts.discovery.scan();
        for (path, error) in &found.errors {
            self.walking.fail(path, error);
        }
        let failed: HashSet<&Path> = found.errors.iter().map(|(path, _)| path.as_path()).collect();
        self.walking.retain(|path| failed.contains(path));
        self.reading
            .retain(|path| found.files.contains_key(path) || self.files.values().any(|e| e.path == path));

        let since = std::mem::replace(&mut self.scanned_at, now_nanos());
        let (mut fresh, renamed) = self.greet(&found);
        self.renamed.extend(renamed.into_iter().map(|id| (id, since)));
        self.descriptors.begin();
        // What no glob finds is older than what has its name now.
        if !self.recalled {
            self.recalled = self.open_recalled(&found);
        }
        sort_found(&mut fresh);
        let mut raced = false;
        for generation in &fresh {
            if self.open(generation, true) {
                raced = true;
                self.look_behind(&generation.path, since);
            }
        }
        self.descriptors.tell();
        self.part(begun);
        self.scanned = true;
        let real = self.files.values().map(|entry| entry.real.as_path());
        self.parts
            .hints
            .want(real, found.folders.iter().map(PathBuf::as_path));
        let now = Instant::now();
        self.last_scan = (now, now - begun);
        let soonest = (now - begun) * SCAN_SHARE;
        let pause = if raced { RACED } else { self.parts.settings.rescan };
        self.scan_at = self.scan_at.min(begun + pause).max(begun + soonest);
    }

    /// A file was renamed between its being found and being opened: it is beside where it was.
    fn look_behind(&mut self, path: &Path, since: u64) {
        match self.newest.get(&*path.to_string_lossy()) {
            Some(&before) if self.scanned => self.renamed.push((before, since)),
            _ => self.recalled = false,
        }
    }

    /// Opens what is recalled; false when files were renamed again and again meanwhile.
    fn open_recalled(&mut self, found: &Found) -> bool {
        for _ in 0..ATTEMPTS {
            let (mut recalled, mut raced) = self.recall(found);
            recalled.sort_by_key(Generation::age);
            for generation in &recalled {
                raced |= self.open(generation, found.files.contains_key(&generation.path));
            }
            if !raced {
                return true;
            }
        }
        false
    }

    /// At the first scan: what was read before and is to be found beside where it was. True when files were renamed
    /// meanwhile.
    fn recall(&mut self, found: &Found) -> (Vec<Generation>, bool) {
        let Parts { book, name, .. } = &self.parts;
        let mut known = book.unread(name);
        known.retain(|checkpoint| !self.files.contains_key(&checkpoint.id()));
        self.lost |= !book.lost(name).is_empty();
        book.go_on(name, self.parts.settings.on_checkpoint_error.told());
        self.paths_read
            .extend(known.iter().map(|checkpoint| checkpoint.path.clone()));
        let here: HashMap<FileId, Option<u64>> = found
            .files
            .values()
            .map(|metadata| (FileId::of(metadata), born(metadata)))
            .collect();
        let mut last_seen: HashMap<&str, u64> = HashMap::new();
        for checkpoint in &known {
            let seen = last_seen.entry(&checkpoint.path).or_default();
            *seen = checkpoint.seen.max(*seen);
        }
        let is_here = |checkpoint: &Checkpoint| {
            let born = here.get(&checkpoint.id()).map(|born| checkpoint.born.zip(*born));
            !checkpoint.deleted && born.is_some_and(|born| born.is_none_or(|(known, born)| known == born))
        };
        let mut gone: Vec<&Checkpoint> = known.iter().filter(|checkpoint| !is_here(checkpoint)).collect();
        gone.retain(|checkpoint| self.parts.discovery.wants(Path::new(&checkpoint.path)));
        let disturbed: HashSet<&str> = gone.iter().map(|checkpoint| checkpoint.path.as_str()).collect();
        let mut search = Search::new(&self.parts, here.keys().copied().collect());
        let mut recalled = Vec::new();
        for checkpoint in known.iter().filter(|checkpoint| is_here(checkpoint)) {
            // Truncated where it is; a copy of it must not be taken for a generation that nobody saw.
            let there = found.files.get_key_value(Path::new(&checkpoint.path));
            if disturbed.contains(checkpoint.path.as_str())
                && let Some((path, metadata)) = there
                && FileId::of(metadata) == checkpoint.id()
                && !search.still_holds(path, metadata, checkpoint)
            {
                recalled.extend(search.rest(checkpoint));
            }
        }
        for checkpoint in &gone {
            match search.known(checkpoint) {
                Some(file) if search.still_holds(&file.path, &file.metadata, checkpoint) => {
                    recalled.push(file)
                }
                Some(file) => {
                    recalled.extend(search.rest(checkpoint));
                    let find = Find::Unseen(checkpoint.path.clone());
                    recalled.push(Generation { find, ..file });
                }
                None => recalled.extend(search.rest(checkpoint)),
            }
        }
        // Of a file that was empty nothing tells whether it was written, copied and truncated.
        let empty = |checkpoint: &&Checkpoint| is_here(checkpoint) && checkpoint.fingerprint.len == 0;
        gone.extend(known.iter().filter(empty));
        // Only when all that is known has its file can the others be told from them.
        for checkpoint in gone {
            let since = last_seen
                .get(checkpoint.path.as_str())
                .copied()
                .unwrap_or_default();
            let since = since.saturating_mul(SECOND);
            recalled.extend(search.unseen(&checkpoint.path, checkpoint.real.as_deref(), since));
        }
        (recalled, search.was_raced())
    }

    /// Goes through what was found; returns what is not open yet, and what is open and was not found any more.
    fn greet(&mut self, found: &Found) -> (Vec<Generation>, Vec<FileId>) {
        let mut seen = HashSet::new();
        let (mut fresh, mut renamed) = (Vec::new(), Vec::new());
        for (path, metadata) in &found.files {
            let id = FileId::of(metadata);
            let first = seen.insert(id);
            if let Some(entry) = self.files.get_mut(&id) {
                if first
                    && found
                        .files
                        .get(&entry.path)
                        .is_none_or(|other| FileId::of(other) != id)
                {
                    tracing::debug!(from = %entry.path.display(), to = %path.display(), "file was renamed");
                    entry.path.clone_from(path);
                    let real = resolve(path);
                    rename(
                        &mut self.by_real,
                        id,
                        std::mem::replace(&mut entry.real, real.clone()),
                        real,
                    );
                }
                let grown = metadata.len() > std::mem::replace(&mut entry.listed_size, metadata.len());
                if grown && !std::mem::take(&mut entry.hinted) {
                    entry.missed += 1;
                    // Once or twice it may be an event that is still on its way.
                    if entry.missed == 3 {
                        self.parts.hints.missed(path);
                    }
                }
                if !entry
                    .tail
                    .is_read(metadata.len(), (metadata.mtime(), metadata.mtime_nsec()))
                {
                    self.ready.push(id);
                }
            } else if first
                && self.binary.get(&id).is_none_or(|&size| metadata.len() < size)
                && self.spent.get(&id).is_none_or(|&size| metadata.len() != size)
            {
                self.binary.remove(&id);
                fresh.push(Generation {
                    path: path.clone(),
                    metadata: metadata.clone(),
                    find: Find::Listed,
                });
            }
        }
        self.binary.retain(|id, _| seen.contains(id));
        self.spent.retain(|id, _| seen.contains(id));
        self.parts
            .book
            .still_there(&self.parts.name, |id| self.spent.contains_key(&id));
        self.locked.retain(|id, _| seen.contains(id));
        let now = Instant::now();
        for (id, entry) in &mut self.files {
            if seen.contains(id) {
                entry.unlisted = None;
            } else if !found.errors.iter().any(|(path, _)| entry.path.starts_with(path)) {
                // Of what lies where nobody could look, nobody knows.
                if entry.unlisted.is_none() {
                    renamed.push(*id);
                }
                entry.unlisted.get_or_insert(now);
                self.ready.push(*id);
            }
        }
        (fresh, renamed)
    }

    /// Whether the file that had its name before is still to be read.
    pub fn must_wait(&mut self, id: FileId) -> bool {
        let Some(before) = self.files.get(&id).and_then(|entry| entry.after) else {
            return false;
        };
        if self.ready.contains(before) && self.files.contains_key(&before) {
            return true;
        }
        if let Some(entry) = self.files.get_mut(&id) {
            entry.after = None;
        }
        false
    }

    /// A file could not be opened or read: it is tried again at the next scan.
    pub fn trouble(&mut self, path: &Path, error: &io::Error) {
        self.parts.metrics.read_error(&path.to_string_lossy());
        self.reading.fail(path, error);
    }

    /// A file could be read.
    pub fn no_trouble(&mut self, id: FileId) {
        if let Some(entry) = self.files.get(&id) {
            self.reading.clear(&entry.path);
        }
    }

    /// Passes over a file that is no text.
    pub fn pass_over(&mut self, id: FileId) {
        if let Some(entry) = self.files.get(&id) {
            tracing::warn!(file = %entry.path.display(), "file is binary: passed over");
            self.parts.metrics.binary_file();
            self.binary.insert(id, entry.tail.size());
            self.close(id);
        }
    }

    /// A gzip file was read to its end, and has nothing more to give.
    pub fn spend(&mut self, id: FileId) {
        if let Some(entry) = self.files.get(&id) {
            self.spent.insert(id, entry.tail.stored());
            self.parts.book.unpacked(entry.origin, entry.sent);
            self.close(id);
        }
    }

    /// A gzip file is damaged: what is behind the damage cannot be had.
    pub fn spoil(&mut self, id: FileId, error: &io::Error) {
        if let Some(entry) = self.files.get(&id) {
            tracing::warn!(
                file = %entry.path.display(), offset = entry.tail.offset(), error = causes::told(error),
                "gzip file is damaged: what comes behind this cannot be read"
            );
            self.parts.metrics.read_error(&entry.path.to_string_lossy());
            self.spent.insert(id, entry.tail.stored());
            self.close(id);
        }
    }

    /// Says goodbye to files that are gone, read and quiet.
    fn part(&mut self, now: Instant) {
        for (id, entry) in &self.files {
            let Some(since) = entry.unlisted else { continue };
            let grace = if entry.tail.is_deleted() {
                DELETED_GRACE
            } else {
                RENAMED_GRACE
            };
            if now >= since.max(entry.tail.grown()) + grace {
                self.leaving.push(*id);
            }
        }
    }

    /// Closes a file.
    pub fn close(&mut self, id: FileId) {
        self.part_with(id);
    }

    /// Closes all: what was handed on of them stays on its way, and who reads them next goes on behind it.
    pub fn close_all(&mut self) {
        let ids: Vec<FileId> = self.files.keys().copied().collect();
        for id in ids {
            self.part_with(id);
        }
    }

    /// Files that are open and have no name any more.
    #[must_use]
    pub fn deleted(&self) -> Vec<FileId> {
        let gone = self.files.iter().filter(|(_, entry)| entry.tail.is_deleted());
        gone.map(|(id, _)| *id).collect()
    }

    fn part_with(&mut self, id: FileId) {
        let Some(entry) = self.files.remove(&id) else {
            return;
        };
        tracing::info!(file = %entry.path.display(), offset = entry.sent, "file closed");
        self.parts
            .book
            .close(entry.origin, entry.sent, entry.tail.is_deleted());
        if let Some(ids) = self.by_real.get_mut(&entry.real) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.by_real.remove(&entry.real);
            }
        }
        if self.newest.get(&entry.label) == Some(&id) {
            self.newest.remove(&entry.label);
        }
    }
}

/// Events name files by their resolved path. One that cannot be resolved is on its way out.
fn resolve(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Adds the new name: events may still come under the old one.
fn rename(by_real: &mut HashMap<PathBuf, Vec<FileId>>, id: FileId, from: PathBuf, to: PathBuf) {
    if from == to {
        return;
    }
    if let Some(ids) = by_real.get_mut(&from) {
        ids.retain(|other| *other != id);
        if ids.is_empty() {
            by_real.remove(&from);
        }
    }
    by_real.entry(to).or_default().push(id);
}
