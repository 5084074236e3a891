//! The queue on disk: records in, in order out, forgotten when settled.
//!
//! Invariants: [`Store::append`] returns `Ok` only when the record will outlive a loss of power; numbers ascend and are
//! never used twice for different records; a record is handed out once per run, and again in the next unless the cursor
//! was saved behind it; what is not handed out for any reason but an error is a [`Loss`].
//!
//! A segment is never written again after a failed write or a restart: what the system made of the unsynced bytes is
//! not known, and a new file is cheap. So nothing is ever repaired either.
//!
//! Plain state over a disk; calls block for as long as the disk takes.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use twox_hash::XxHash3_64;

use super::Place;
use super::record::{Header, Record};
use super::segment::{self, Segment};
use super::settings::{SpoolSettings, WhenFull};
use crate::disk::{Disk, DiskFile};

/// Into how many segments a full spool is cut, about: what `drop_oldest` drops at once, and what is still kept of what
/// was sent, is one part in so many.
const SEGMENTS: u64 = 16;

/// The bounds of a segment's size: files large enough that making them costs nothing, and small enough that a spool of
/// many gigabytes gives space back as it empties.
const SEGMENT_SIZE: std::ops::RangeInclusive<u64> = 256 << 10..=16 << 20;

/// How often a record that cannot be read is tried again before it is given up: a disk that is out for a moment must
/// not cost a record, a bad sector must not hold up all that follow.
const READ_ATTEMPTS: u32 = 10;

/// The name of the file that says how far records are settled.
const CURSOR: &str = "cursor";

/// The disk said no.
#[derive(Debug, thiserror::Error)]
#[error("{doing} {}", path.display())]
pub struct StoreError {
    doing: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// Why a record was not appended.
#[derive(Debug)]
pub enum Refused {
    /// There is no room until something is settled.
    Full,
    /// The disk said no; nothing of it is in the store.
    Disk(StoreError),
}

/// Records that will not be handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Why, as metrics call it.
    pub reason: &'static str,
    /// How many rows they held.
    pub rows: u64,
    /// Their bytes of text.
    pub bytes: u64,
}

/// What the disk gives back for a record.
#[derive(Debug)]
enum Found {
    Whole(Record),
    /// Its header, and not the payload that was stored.
    Damaged(Header),
    Nothing,
}

/// The reason of what had to make room.
pub const FULL: &str = "spool_full";

/// The reason of what waited too long.
pub const EXPIRED: &str = "spool_expired";

/// The reason of what the disk does not give back as it was.
pub const UNREADABLE: &str = "spool_unreadable";

/// The queue on disk.
#[derive(Debug)]
pub struct Store {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    settings: SpoolSettings,
    segments: VecDeque<Segment>,
    /// The last segment, while it may be appended to.
    writer: Option<Box<dyn DiskFile>>,
    /// The segment that is being read, by its first number.
    reader: Option<(u64, Box<dyn DiskFile>)>,
    /// The next record to hand out, and where it is in its segment.
    next: u64,
    offset: u64,
    /// The number of the next record.
    end: u64,
    /// Records handed out and not settled, oldest first: number, rows, whether it is done.
    handed: VecDeque<(u64, u32, bool)>,
    /// The record appended last, so that it need not be read back when it is the next.
    fresh: Option<(u64, Record)>,
    /// Files of segments that are no more, and their sizes.
    condemned: Vec<(PathBuf, u64)>,
    losses: Vec<Loss>,
    failed_reads: u32,
    saved: u64,
}

impl Store {
    /// Opens the spool in `place`, and finds what an earlier run left there.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn open(place: &Place, settings: SpoolSettings) -> Result<Self, StoreError> {
        let (disk, folder) = (place.disk.clone(), place.folder.clone());
        disk.make_folder(&folder)
            .map_err(failed("making the spool's folder", &folder))?;
        let cursor = read_cursor(&*disk, &folder)?;
        let mut store = Self {
            disk,
            folder,
            settings,
            segments: VecDeque::new(),
            writer: None,
            reader: None,
            next: cursor,
            offset: 0,
            end: cursor,
            handed: VecDeque::new(),
            fresh: None,
            condemned: Vec::new(),
            losses: Vec::new(),
            failed_reads: 0,
            saved: cursor,
        };
        store.find()?;
        Ok(store)
    }

    fn find(&mut self) -> Result<(), StoreError> {
        let names = self
            .disk
            .list(&self.folder)
            .map_err(failed("listing the spool", &self.folder))?;
        let firsts: Vec<u64> = names.iter().filter_map(|name| Segment::named(name)).collect();
        for (index, &first) in firsts.iter().enumerate() {
            let before = firsts.get(index + 1).copied();
            let path = Segment::new(first).path(&self.folder);
            let file = self.disk.open(&path).map_err(failed("opening", &path))?;
            let scanned = segment::scan(
                &*file,
                first,
                self.next,
                before.unwrap_or(u64::MAX),
                before.is_none(),
            )
            .map_err(failed("reading", &path))?;
            if scanned.broken > 0 && before.is_some_and(|before| scanned.segment.end < before) {
                tracing::error!(
                    file = %path.display(), bytes = scanned.broken,
                    "part of a spool cannot be read: what it held is lost"
                );
            }
            self.end = self.end.max(scanned.segment.end);
            if scanned.segment.end == first {
                // Nothing whole in it. Its name is free for a new one, which removes what may be left.
                let _ = self.disk.remove(&path);
                continue;
            }
            if scanned.segment.end <= self.next {
                self.forget(&scanned.segment);
                continue;
            }
            if self.segments.is_empty() {
                self.next = self.next.max(first);
                self.offset = scanned.offset;
            }
            self.segments.push_back(scanned.segment);
        }
        Ok(())
    }

    /// Puts a record behind all others. With `drop_oldest` others may have to make room.
    ///
    /// # Errors
    /// When there is no room, or the disk says no; then it is not stored.
    pub fn append(&mut self, record: &Record) -> Result<(), Refused> {
        self.make_room(record.size())?;
        let number = self.end;
        let Some(bytes) = record.encode(number) else {
            self.lose(UNREADABLE, record.rows.into(), record.bytes);
            return Ok(());
        };
        let written = self.write(number, &bytes);
        if let Err(error) = written {
            // Whatever of it is there must not be appended to.
            self.writer = None;
            return Err(Refused::Disk(error));
        }
        if let Some(segment) = self.segments.back_mut() {
            segment.push(record.size(), record.rows, record.bytes);
        }
        self.end += 1;
        self.fresh = Some((number, record.clone()));
        Ok(())
    }

    fn write(&mut self, number: u64, bytes: &[u8]) -> Result<(), StoreError> {
        let most = (self.settings.max_size / SEGMENTS).clamp(*SEGMENT_SIZE.start(), *SEGMENT_SIZE.end());
        let current = self.segments.back().filter(|segment| segment.size < most);
        let (path, offset, mut file) = match (current, self.writer.take()) {
            (Some(segment), Some(file)) => (segment.path(&self.folder), segment.size, file),
            _ => {
                let path = Segment::new(number).path(&self.folder);
                // A name that was in use is one of which nothing was whole; its old content must not shine through.
                let _ = self.disk.remove(&path);
                let file = self.disk.create(&path).map_err(failed("making", &path))?;
                (path, 0, file)
            }
        };
        let new = offset == 0;
        let stored = file
            .write_at(bytes, offset)
            .and_then(|()| file.sync())
            .and_then(|()| {
                if new {
                    self.disk.sync_folder(&self.folder)
                } else {
                    Ok(())
                }
            });
        if let Err(error) = stored {
            // Gives the space back where the disk lets us; nothing depends on it.
            let _ = if new {
                self.disk.remove(&path)
            } else {
                file.set_size(offset)
            };
            return Err(failed("writing", &path)(error));
        }
        if new {
            self.segments.push_back(Segment::new(number));
        }
        self.writer = Some(file);
        Ok(())
    }

    fn make_room(&mut self, size: u64) -> Result<(), Refused> {
        self.sweep();
        while !self.segments.is_empty() && self.size() + size > self.settings.max_size {
            if self.handed.is_empty() && self.next == self.end {
                self.remove_until(u64::MAX);
            } else if self.settings.when_full == WhenFull::DropOldest {
                self.drop_oldest();
            } else {
                return Err(Refused::Full);
            }
        }
        Ok(())
    }

    fn drop_oldest(&mut self) {
        let Some(segment) = self.segments.pop_front() else {
            return;
        };
        if segment.rows > 0 {
            self.lose(FULL, segment.rows, segment.bytes);
        }
        self.go_to(self.next.max(segment.end));
        self.forget(&segment);
    }

    /// The next record that was not handed out yet, with its number; `now` in milliseconds since the epoch.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn next(&mut self, now: i64) -> Result<Option<(u64, Record)>, StoreError> {
        while self.next < self.end {
            let Some(index) = self.segments.iter().position(|segment| segment.end > self.next) else {
                self.go_to(self.end);
                break;
            };
            if self.segments[index].first >= self.next {
                self.go_to(self.segments[index].first);
            }
            let (number, found) = (self.next, self.read(index)?);
            let segment = &mut self.segments[index];
            let record = match found {
                Found::Whole(record) => record,
                Found::Damaged(header) => {
                    segment.take(header.rows, header.bytes);
                    (self.next, self.offset) = (number + 1, self.offset + header.size());
                    self.handed.push_back((number, 0, true));
                    self.lose(UNREADABLE, header.rows.into(), header.bytes);
                    continue;
                }
                Found::Nothing => {
                    // Without its length the records behind it cannot be found either.
                    let end = segment.end;
                    let (rows, bytes) = (
                        std::mem::take(&mut segment.rows),
                        std::mem::take(&mut segment.bytes),
                    );
                    self.lose(UNREADABLE, rows, bytes);
                    self.go_to(end);
                    continue;
                }
            };
            segment.take(record.rows, record.bytes);
            (self.next, self.offset) = (number + 1, self.offset + record.size());
            let age = now.saturating_sub(record.stored);
            if self
                .settings
                .max_age
                .is_some_and(|most| i128::from(age) > most.as_millis().cast_signed())
            {
                self.handed.push_back((number, 0, true));
                self.lose(EXPIRED, record.rows.into(), record.bytes);
                continue;
            }
            self.handed.push_back((number, record.rows, false));
            return Ok(Some((number, record)));
        }
        self.settle_done();
        Ok(None)
    }

    /// The next record, from the segment at `index`.
    fn read(&mut self, index: usize) -> Result<Found, StoreError> {
        if let Some((_, record)) = self.fresh.take_if(|(number, _)| *number == self.next) {
            return Ok(Found::Whole(record));
        }
        let first = self.segments[index].first;
        let path = self.segments[index].path(&self.folder);
        let kept = self.reader.take().filter(|(kept, _)| *kept == first);
        let opened = kept.map_or_else(|| self.disk.open(&path), |(_, file)| Ok(file));
        let found = opened.and_then(|file| {
            let found = match segment::header(&*file, self.offset, self.next)? {
                Some(header) => {
                    segment::read(&*file, self.offset, &header)?.map_or(Found::Damaged(header), Found::Whole)
                }
                None => Found::Nothing,
            };
            self.reader = Some((first, file));
            Ok(found)
        });
        match found {
            Ok(found) => {
                self.failed_reads = 0;
                Ok(found)
            }
            Err(error) => {
                self.failed_reads += 1;
                if self.failed_reads < READ_ATTEMPTS {
                    return Err(failed("reading", &path)(error));
                }
                self.failed_reads = 0;
                Ok(Found::Nothing)
            }
        }
    }

    /// A record that was handed out is delivered, or dropped and counted.
    pub fn settle(&mut self, number: u64) {
        if let Some(entry) = self.handed.iter_mut().find(|(handed, _, _)| *handed == number) {
            entry.2 = true;
        }
        self.settle_done();
    }

    fn settle_done(&mut self) {
        while let Some((_, _, true)) = self.handed.front() {
            self.handed.pop_front();
        }
        self.remove_until(self.settled());
    }

    /// Everything before this record is settled.
    fn settled(&self) -> u64 {
        self.handed.front().map_or(self.next, |(number, _, _)| *number)
    }

    /// Removes segments of which everything is before this record; the one that is written to only when it is full.
    fn remove_until(&mut self, number: u64) {
        while let Some(segment) = self.segments.front()
            && segment.end <= number
            && (self.segments.len() > 1 || self.writer.is_none() || number == u64::MAX)
        {
            if let Some(segment) = self.segments.pop_front() {
                self.forget(&segment);
            }
        }
    }

    fn forget(&mut self, segment: &Segment) {
        if self.segments.is_empty() {
            self.writer = None;
        }
        self.reader.take_if(|(first, _)| *first == segment.first);
        self.condemned.push((segment.path(&self.folder), segment.size));
        self.sweep();
    }

    /// Removes the files that are to be removed; those that the disk keeps are tried again.
    fn sweep(&mut self) {
        self.condemned.retain(|(path, _)| {
            let removed = self.disk.remove(path);
            removed.is_err_and(|error| error.kind() != io::ErrorKind::NotFound)
        });
    }

    fn go_to(&mut self, number: u64) {
        (self.next, self.offset) = (number, 0);
    }

    /// Saves how far records are settled, when that has changed.
    ///
    /// # Errors
    /// When the disk says no; a crash then repeats more.
    pub fn save_cursor(&mut self) -> Result<(), StoreError> {
        let settled = self.settled();
        if settled == self.saved {
            return Ok(());
        }
        let (path, new) = (
            self.folder.join(CURSOR),
            self.folder.join(format!("{CURSOR}.new")),
        );
        let mut bytes = settled.to_le_bytes().to_vec();
        bytes.extend_from_slice(&XxHash3_64::oneshot(&bytes).to_le_bytes());
        let saved = self.disk.create(&new).and_then(|mut file| {
            file.write_at(&bytes, 0)?;
            file.sync()?;
            self.disk.rename(&new, &path)?;
            self.disk.sync_folder(&self.folder)
        });
        saved.map_err(failed("saving", &path))?;
        self.saved = settled;
        Ok(())
    }

    /// What has been lost since the last call.
    pub fn take_losses(&mut self) -> Vec<Loss> {
        std::mem::take(&mut self.losses)
    }

    fn lose(&mut self, reason: &'static str, rows: u64, bytes: u64) {
        self.losses.push(Loss { reason, rows, bytes });
    }

    /// Whether everything stored has been handed out.
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        self.next >= self.end
    }

    /// How many bytes of disk its records take.
    #[must_use]
    pub fn size(&self) -> u64 {
        let condemned = self.condemned.iter().map(|(_, size)| size);
        self.segments.iter().map(|segment| segment.size).sum::<u64>() + condemned.sum::<u64>()
    }

    /// How many rows are neither delivered nor dropped.
    #[must_use]
    pub fn rows(&self) -> u64 {
        let handed = self.handed.iter().filter(|(_, _, done)| !done);
        self.segments.iter().map(|segment| segment.rows).sum::<u64>()
            + handed.map(|(_, rows, _)| u64::from(*rows)).sum::<u64>()
    }
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError { doing, path, source }
}

/// The first record that is not settled, as last saved; without a whole cursor all that is there is sent again.
fn read_cursor(disk: &dyn Disk, folder: &Path) -> Result<u64, StoreError> {
    let path = folder.join(CURSOR);
    let bytes = match disk.read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(failed("reading", &path)(error)),
    };
    let words = bytes.split_first_chunk::<8>();
    let whole = words.filter(|(number, sum)| *sum == XxHash3_64::oneshot(&number[..]).to_le_bytes());
    let Some((number, _)) = whole else {
        tracing::warn!(file = %path.display(), "a spool's cursor is corrupt: all that the spool holds is sent again");
        return Ok(0);
    };
    Ok(u64::from_le_bytes(*number))
}

#[cfg(test)]
mod tests;
