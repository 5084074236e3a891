//! The files of a source: which are open, who follows whom, what is to be looked at.
//!
//! Invariants: a file is open once, whatever globs and links lead to it; it keeps the label `filename` under which
//! it was first read; a file that took the name of another is not read before that other one is read to its end;
//! a file whose name is gone stays open until it was read to its end and has been quiet for a while.
//!
//! Nothing in here waits, so files that rotate are opened even while every pipeline is full: what is open cannot
//! be lost to a second rotation.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use millstream_batch::Labels;
use tokio::time::Instant;

use super::book::{Beginning, Resume};
use super::discover::Found;
use super::entry::Entry;
use super::identity::{FileId, Fingerprint, Identity};
use super::parts::Parts;
use super::ready::Ready;
use super::settings::StartAt;
use super::strays::strays;
use super::tail::{Look, Tail, last_line, plain, read_head};
use super::trouble::Troubles;

/// How long a deleted file must be quiet before it is closed: its writer may not have noticed yet, but an open
/// descriptor keeps its blocks on the disk.
const DELETED_GRACE: Duration = Duration::from_secs(5);

/// The same for a file renamed to where no glob finds it: its writer goes on until it is told to open a new one.
const RENAMED_GRACE: Duration = Duration::from_secs(60);

/// How often files are looked at when events cannot be relied on.
const POLL: Duration = Duration::from_secs(1);

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
    walking: Troubles,
    reading: Troubles,
    scanned: bool,
    /// When the last scan ended, and how long it took.
    last_scan: (Instant, Duration),
}

impl Table {
    /// No files yet; a scan is due.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let now = Instant::now();
        Self {
            parts,
            files: HashMap::new(),
            ready: Ready::default(),
            leaving: Vec::new(),
            scan_at: now,
            by_real: HashMap::new(),
            newest: HashMap::new(),
            binary: HashMap::new(),
            locked: HashMap::new(),
            walking: Troubles::new("looking for files in"),
            reading: Troubles::new("reading the file"),
            scanned: false,
            last_scan: (now, Duration::ZERO),
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
        let found = self.parts.discovery.scan();
        for (path, error) in &found.errors {
            self.walking.fail(path, error);
        }
        let failed: HashSet<&Path> = found.errors.iter().map(|(path, _)| path.as_path()).collect();
        self.walking.retain(|path| failed.contains(path));
        self.reading
            .retain(|path| found.files.contains_key(path) || self.files.values().any(|e| e.path == path));

        let mut fresh = self.greet(&found);
        if !self.scanned {
            fresh.extend(
                strays(&self.parts, &found)
                    .into_iter()
                    .map(|(path, metadata)| (path, metadata, false)),
            );
        }
        // A file that took the name of another has changed later than it.
        fresh.sort_by_key(|(_, metadata, _)| (metadata.mtime(), metadata.mtime_nsec()));
        for (path, metadata, listed) in fresh {
            self.open(&path, &metadata, listed);
        }
        self.part(begun);
        self.scanned = true;
        let real = self.files.values().map(|entry| entry.real.as_path());
        self.parts
            .hints
            .want(real, found.folders.iter().map(PathBuf::as_path));
        let now = Instant::now();
        self.last_scan = (now, now - begun);
        self.scan_at = begun + self.parts.settings.rescan.max((now - begun) * SCAN_SHARE);
    }

    /// Goes through what was found; returns what is not open yet.
    fn greet(&mut self, found: &Found) -> Vec<(PathBuf, Metadata, bool)> {
        let mut seen = HashSet::new();
        let mut fresh = Vec::new();
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
                self.ready.push(id);
            } else if first && self.binary.get(&id).is_none_or(|&size| metadata.len() < size) {
                self.binary.remove(&id);
                fresh.push((path.clone(), metadata.clone(), true));
            }
        }
        self.binary.retain(|id, _| seen.contains(id));
        self.locked.retain(|id, _| seen.contains(id));
        let now = Instant::now();
        for (id, entry) in &mut self.files {
            if seen.contains(id) {
                entry.unlisted = None;
            } else {
                entry.unlisted.get_or_insert(now);
                self.ready.push(*id);
            }
        }
        fresh
    }

    /// Opens a file that is not open yet. One that was not found by a glob is only read on, never begun.
    fn open(&mut self, path: &Path, metadata: &Metadata, listed: bool) {
        let id = FileId::of(metadata);
        if self.files.contains_key(&id) {
            return;
        }
        match self.try_open(path, id, listed) {
            Ok(true) => self.reading.clear(path),
            Ok(false) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                if !self.scanned && self.parts.settings.start_at == StartAt::End {
                    self.locked.insert(id, metadata.len());
                }
                self.trouble(path, &error);
            }
        }
    }

    /// False: what is there now is not what was found, or nothing of it is wanted.
    fn try_open(&mut self, path: &Path, id: FileId, listed: bool) -> io::Result<bool> {
        // A pipe in place of the file would block for ever without O_NONBLOCK, which plain files ignore.
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(path)?;
        let Some((_, size)) = plain(&file)?.filter(|(opened, _)| *opened == id) else {
            return Ok(false);
        };
        let head = read_head(&file)?;
        let name = path.to_string_lossy().into_owned();
        let Parts {
            book,
            name: source,
            pipes,
            ..
        } = &self.parts;
        let print = Fingerprint::of(&head);
        let known = book.resume(source, id, &name, &head, size, *pipes);
        let resume = match known {
            Some(resume) => resume,
            None if !listed => return Ok(false),
            None => {
                let offset = self.start(&file, id, size)?;
                let identity = Identity { id, print };
                self.parts.book.begin(Beginning {
                    source,
                    path: &name,
                    identity,
                    offset,
                    pipes: *pipes,
                })
            }
        };
        tracing::info!(file = %path.display(), offset = resume.offset, "file opened");
        // It may have grown while nobody looked.
        self.parts.book.grown(resume.origin, print);
        let tail = Tail::new(file, self.parts.codec, print, resume.offset);
        self.admit(path, id, tail, resume, listed);
        Ok(true)
    }

    /// Where to begin with a file without a checkpoint.
    fn start(&self, file: &File, id: FileId, size: u64) -> io::Result<u64> {
        let end = match self.locked.get(&id) {
            Some(&end) => end.min(size),
            None if !self.scanned && self.parts.settings.start_at == StartAt::End => size,
            None => return Ok(0),
        };
        last_line(file, end, self.parts.codec, self.parts.limit)
    }

    fn admit(&mut self, path: &Path, id: FileId, tail: Tail, resume: Resume, listed: bool) {
        let label = resume.path;
        let after = self
            .newest
            .insert(label.clone(), id)
            .filter(|before| self.files.contains_key(before));
        if let Some(before) = after {
            self.ready.push(before);
        }
        let settings = &self.parts.settings;
        let pairs = settings
            .labels
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let entry = Entry {
            tail,
            origin: resume.origin,
            labels: Labels::from_pairs(pairs.chain([("filename", label.as_str())])),
            metrics: self.parts.metrics.open(&label),
            sent: resume.offset,
            reminded: false,
            after,
            path: path.to_owned(),
            real: resolve(path),
            label,
            unlisted: (!listed).then(Instant::now),
            listed_size: u64::MAX,
            hinted: true,
            missed: 0,
        };
        self.by_real.entry(entry.real.clone()).or_default().push(id);
        self.files.insert(id, entry);
        self.ready.push(id);
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

    /// Looks at an open file. False when it cannot be read now.
    pub fn look(&mut self, id: FileId) -> bool {
        let Some(entry) = self.files.get_mut(&id) else {
            return false;
        };
        let looked = entry.tail.look().and_then(|look| match look {
            Look::Same { print, .. } => {
                if let Some(print) = print {
                    self.parts.book.grown(entry.origin, print);
                }
                Ok(())
            }
            Look::Anew => {
                tracing::info!(file = %entry.path.display(), "file was truncated: reading it from its beginning");
                let print = entry.tail.restart()?;
                let Parts { book, name: source, pipes, .. } = &self.parts;
                let identity = Identity { id, print };
                let file = Beginning { source, path: &entry.label, identity, offset: 0, pipes: *pipes };
                entry.origin = book.begin(file).origin;
                entry.sent = 0;
                entry.metrics.truncated();
                entry.tail.look().map(drop)
            }
        });
        match looked {
            Ok(()) => true,
            Err(error) => {
                let path = entry.path.clone();
                self.trouble(&path, &error);
                false
            }
        }
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
