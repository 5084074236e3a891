//! Opening files: what of them was read before, and where to begin.

use std::fs::{Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

use millstream_batch::Labels;
use tokio::time::Instant;

use super::{ATTEMPTS, Table, resolve};
use crate::sources::file::book::{Beginning, Resume, Sighting};
use crate::sources::file::checkpoint::{Checkpoint, SECOND, now};
use crate::sources::file::content::Content;
use crate::sources::file::entry::Entry;
use crate::sources::file::generations::{
    Find, Generation, STRONG, Search, is_gzip_name, is_named_after, is_older,
};
use crate::sources::file::identity::{FileId, Fingerprint, Identity, born};
use crate::sources::file::settings::{OnCheckpointError, StartAt};
use crate::sources::file::tail::{Tail, last_line};

/// How long a gzip file must be quiet before it is read: gzip may still be at work, and to start again costs more than
/// to wait. When it is done it gives the file the time of the packed one.
const GZIP_QUIET: Duration = Duration::from_secs(2);

impl Table {
    /// Opens a file that is not open yet. One that no glob finds is only read on, never begun, unless it is a
    /// generation of one that is read. True when it is not where it was found any more.
    pub(super) fn open(&mut self, generation: &Generation, listed: bool) -> bool {
        let (path, id) = (&generation.path, FileId::of(&generation.metadata));
        if self.files.contains_key(&id) || !self.descriptors.any_left() {
            return false;
        }
        match self.try_open(generation, id, listed) {
            Ok(true) => self.reading.clear(path),
            Ok(false) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return true,
            Err(error) if self.descriptors.exhausted_by(&error) => self.lock(id, &generation.metadata),
            Err(error) => {
                self.lock(id, &generation.metadata);
                self.trouble(path, &error);
            }
        }
        false
    }

    /// It was there at the first scan: when it can be opened, what is in it now is not new.
    fn lock(&mut self, id: FileId, metadata: &Metadata) {
        if !self.scanned && self.parts.settings.start_at == StartAt::End {
            self.locked.insert(id, metadata.len());
        }
    }

    /// False: nothing of it is wanted (yet). What is there now and is not what was found counts as not found.
    fn try_open(&mut self, generation: &Generation, id: FileId, listed: bool) -> io::Result<bool> {
        let path = generation.path.as_path();
        // A pipe in place of the file would block for ever without O_NONBLOCK, which plain files ignore.
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(path)?;
        self.descriptors.keep_some(&file)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() || FileId::of(&metadata) != id {
            return Err(io::ErrorKind::NotFound.into());
        }
        // What is recalled is opened at once: what it was made of is gone, so gzip is done, and what took its name waits.
        if listed && is_gzip_name(path) && self.is_at_work(&metadata) {
            return Ok(false);
        }
        let mut content = Content::of(file, path)?;
        let head = content.head()?;
        let packed = matches!(content, Content::Packed(_));
        let name = path.to_string_lossy().into_owned();
        let (source, pipes) = (self.parts.name.clone(), self.parts.pipes.clone());
        let sighting = Sighting {
            source: &source,
            path: &name,
            id,
            born: born(&metadata),
            head: &head,
            size: if packed { u64::MAX } else { metadata.len() },
            pipes: &pipes,
        };
        if packed && self.is_spent(&generation.find, path, &sighting, &metadata) {
            return Ok(false);
        }
        let print = Fingerprint::of(&head);
        let resume = match &generation.find {
            Find::Rest(checkpoint) => Some(self.parts.book.go_on_in(checkpoint.as_ref().clone(), &sighting)),
            _ => self.parts.book.resume(&sighting),
        };
        let resume = resume.or_else(|| {
            let rest = packed.then(|| self.packed_since(path, &sighting, &metadata))??;
            Some(self.parts.book.go_on_in(rest, &sighting))
        });
        let resume = match resume {
            Some(resume) => resume,
            None => {
                let Some(begun) = self.begin(generation, listed, &content, &sighting, print)? else {
                    return Ok(false);
                };
                begun
            }
        };
        tracing::info!(file = %path.display(), offset = resume.offset, "file opened");
        // It may have grown while nobody looked.
        self.parts.book.grown(resume.origin, print);
        let mut tail = Tail::new(content, self.parts.codec, print, resume.offset);
        if head.is_empty() {
            tail.opened_empty((metadata.mtime(), metadata.mtime_nsec()));
        }
        self.admit(path, id, tail, resume, listed, born(&metadata));
        Ok(true)
    }

    /// Begins with a file that was not read before; `None`: it is not to be read.
    fn begin(
        &mut self,
        generation: &Generation,
        listed: bool,
        content: &Content,
        sighting: &Sighting<'_>,
        print: Fingerprint,
    ) -> io::Result<Option<Resume>> {
        let displaced = self
            .parts
            .book
            .displaced(sighting.source, sighting.id, sighting.born);
        let label = match (&generation.find, &displaced) {
            (Find::Unseen(label), _) => label.clone(),
            _ if listed => sighting.path.to_owned(),
            // Truncated, then renamed: a generation of the same file.
            (Find::Known, Some(known)) => known.path.clone(),
            _ => return Ok(None),
        };
        let mut offset = 0;
        if let Some(displaced) = displaced {
            tracing::info!(
                file = sighting.path,
                offset = displaced.offset,
                "file is not what was read under its identity: reading it from its beginning"
            );
            for _ in 0..ATTEMPTS {
                let read = self.files.keys().copied().chain([sighting.id]);
                let mut search = Search::new(&self.parts, read.collect());
                let rest = search.rest(&displaced);
                let since = displaced.seen.saturating_mul(SECOND);
                let real = displaced.real.as_deref();
                let unseen = search.unseen_before(sighting.id, None, &displaced.path, real, since);
                let mut raced = search.was_raced();
                for older in rest.into_iter().chain(unseen) {
                    raced |= self.open(&older, false);
                }
                if !raced {
                    break;
                }
            }
        } else if matches!(generation.find, Find::Listed) {
            offset = self.start(content, sighting)?;
        }
        let identity = Identity {
            id: sighting.id,
            born: sighting.born,
            print,
        };
        Ok(Some(self.parts.book.begin(Beginning {
            source: sighting.source,
            path: &label,
            identity,
            offset,
            pipes: sighting.pipes,
        })))
    }

    /// What was read as a plain file, which gzip has packed since.
    fn packed_since(&self, path: &Path, sighting: &Sighting<'_>, metadata: &Metadata) -> Option<Checkpoint> {
        let at_rest = self.parts.book.at_rest(sighting.source);
        at_rest.into_iter().find(|known| {
            let names = [Some(&known.path), known.real.as_ref()];
            let mut names = names.into_iter().flatten();
            known.unpacked.is_none()
                && known.id() != sighting.id
                && known.fingerprint.len >= STRONG
                && names.any(|name| is_named_after(path, Path::new(name)))
                && !is_older(metadata, known.born)
                && known.fingerprint.matches(sighting.head)
        })
    }

    /// Where to begin with a file without a checkpoint.
    fn start(&self, content: &Content, sighting: &Sighting<'_>) -> io::Result<u64> {
        let end = match self.locked.get(&sighting.id) {
            Some(&end) => end.min(sighting.size),
            None if self.starts_at_end(sighting.path) => sighting.size,
            None => return Ok(0),
        };
        last_line(content, sighting.head, end, self.parts.codec, self.parts.limit)
    }

    /// Whether what is in a file now is passed over. Not when a file of its name was read: it came after that.
    fn starts_at_end(&self, path: &str) -> bool {
        let settings = &self.parts.settings;
        match settings.on_checkpoint_error {
            _ if self.scanned => false,
            OnCheckpointError::End if self.lost => true,
            OnCheckpointError::Beginning if self.lost => false,
            _ => settings.start_at == StartAt::End && !self.paths_read.contains(path),
        }
    }

    /// Whether gzip may still be writing it.
    fn is_at_work(&mut self, metadata: &Metadata) -> bool {
        let quiet = metadata
            .modified()
            .ok()
            .and_then(|modified| SystemTime::now().duration_since(modified).ok());
        let at_work = metadata.len() == 0 || quiet.is_some_and(|quiet| quiet < GZIP_QUIET);
        if at_work {
            self.scan_at = self.scan_at.min(Instant::now() + GZIP_QUIET);
        }
        at_work
    }

    /// Whether a gzip file has nothing to give: it was read to its end, or what it holds is or was read as it was.
    fn is_spent(&mut self, find: &Find, path: &Path, sighting: &Sighting<'_>, metadata: &Metadata) -> bool {
        if matches!(find, Find::Rest(_)) {
            return false;
        }
        let book = &self.parts.book;
        let known = book.resting(sighting.source, sighting.id, sighting.born);
        let done = known
            .as_ref()
            .is_some_and(|known| known.unpacked.is_some_and(|length| known.offset >= length));
        let covered = known.is_none()
            && self
                .files
                .values()
                .any(|entry| holds(entry, path, sighting.head, metadata));
        let old = known.is_none() && matches!(find, Find::Listed) && self.starts_at_end(sighting.path);
        if covered || old {
            tracing::info!(file = %path.display(), "gzip file is passed over: what it holds was read before, or is old");
            let identity = Identity {
                id: sighting.id,
                born: sighting.born,
                print: Fingerprint::of(sighting.head),
            };
            book.pass_over(sighting.source, sighting.path, identity);
        }
        if done || covered || old {
            self.spent.insert(sighting.id, metadata.len());
        }
        done || covered || old
    }

    pub(super) fn admit(
        &mut self,
        path: &Path,
        id: FileId,
        tail: Tail,
        resume: Resume,
        listed: bool,
        born: Option<u64>,
    ) {
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
        let real = resolve(path);
        self.parts
            .book
            .seen_at(resume.origin, &real.to_string_lossy(), false);
        let entry = Entry {
            tail,
            origin: resume.origin,
            lane: None,
            labels: Labels::from_pairs(pairs.chain([("filename", label.as_str())])),
            metrics: self.parts.metrics.open(&label),
            sent: resume.offset,
            reminded: false,
            after,
            path: path.to_owned(),
            real,
            label,
            unlisted: (!listed).then(Instant::now),
            listed_size: u64::MAX,
            hinted: true,
            missed: 0,
            born,
            fine_at: now(),
            deleted: false,
        };
        self.by_real.entry(entry.real.clone()).or_default().push(id);
        self.files.insert(id, entry);
        self.ready.push(id);
    }
}

/// Whether an open file is what gzip made the file at `path` of: of that name, not younger, with that beginning.
fn holds(entry: &Entry, path: &Path, head: &[u8], metadata: &Metadata) -> bool {
    let print = entry.tail.print();
    let names = [
        entry.path.as_path(),
        entry.real.as_path(),
        Path::new(&entry.label),
    ];
    // Of little text all must be the same, or the name must tell.
    let sure = print.len >= STRONG || path.with_extension("") == entry.path || print == Fingerprint::of(head);
    !entry.tail.is_packed()
        && names.iter().any(|name| is_named_after(path, name))
        && !is_older(metadata, entry.born)
        && print.len > 0
        && print.matches(head)
        && sure
}
