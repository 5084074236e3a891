//! Looking at open files: are they what they were?

use std::io;

use super::{ATTEMPTS, Table};
use crate::sources::file::book::{Beginning, Resume};
use crate::sources::file::checkpoint::{Checkpoint, SECOND, now};
use crate::sources::file::content::Content;
use crate::sources::file::generations::{Generation, Search};
use crate::sources::file::identity::{FileId, Fingerprint, Identity, born};
use crate::sources::file::parts::Parts;
use crate::sources::file::tail::{Look, Tail};

/// What was read of a file before it was truncated.
#[derive(Default)]
struct Former {
    page: Option<Checkpoint>,
    print: Fingerprint,
    offset: u64,
}

impl Table {
    /// Looks at an open file. False when it cannot be read now.
    pub fn look(&mut self, id: FileId) -> bool {
        let Some(entry) = self.files.get_mut(&id) else {
            return false;
        };
        let was_empty = entry.tail.print().len == 0;
        let looked = match entry.tail.look() {
            Ok(Look::Same { print, .. }) => {
                if let Some(print) = print {
                    self.parts.book.grown(entry.origin, print);
                }
                if was_empty && print.is_some() {
                    // Of an empty file nothing tells whether it was written, copied and truncated meanwhile.
                    self.open_older(id, &Former::default());
                }
                self.is_fine(id);
                Ok(())
            }
            Ok(Look::Anew) => self.begin_anew(id),
            Err(error) => Err(error),
        };
        match looked {
            Ok(()) => true,
            Err(error) => {
                if let Some(path) = self.files.get(&id).map(|entry| entry.path.clone()) {
                    self.trouble(&path, &error);
                }
                false
            }
        }
    }

    /// Looks for generations that came and went between two scans, beside files that were renamed. Not while one of them
    /// is being handed on: it may turn out to be truncated.
    pub fn follow_renames(&mut self) {
        for (id, since) in std::mem::take(&mut self.renamed) {
            let Some(label) = self.files.get(&id).map(|entry| entry.label.clone()) else {
                continue;
            };
            // All of its name: a copy of what one of them held is no generation that nobody saw.
            let related = self.files.iter().filter(|(_, entry)| entry.label == label);
            for id in related.map(|(id, _)| *id).collect::<Vec<_>>() {
                self.look(id);
            }
            let Some(entry) = self.files.get(&id) else {
                continue;
            };
            let mut search = Search::new(&self.parts, self.files.keys().copied().collect());
            let unseen = search.unseen(&label, entry.real.to_str(), since);
            if unseen.is_empty() {
                continue;
            }
            // They stand between this file and those that came after it, which are open by now.
            let successors: Vec<FileId> = self
                .files
                .iter()
                .filter(|(_, entry)| entry.after == Some(id))
                .map(|(successor, _)| *successor)
                .collect();
            let newest = self.newest.insert(label.clone(), id);
            for generation in &unseen {
                if self.open(generation, false) {
                    self.renamed.push((id, since));
                }
            }
            let last = self.newest.get(&label).copied().unwrap_or(id);
            if let Some(newest) = newest.filter(|newest| *newest != id) {
                self.newest.insert(label, newest);
            }
            for successor in successors {
                if let Some(entry) = self.files.get_mut(&successor).filter(|_| successor != last) {
                    entry.after = Some(last);
                }
            }
            self.ready.push(last);
        }
    }

    /// A file was truncated. What was not read of it may be in a copy, which is then read first.
    fn begin_anew(&mut self, id: FileId) -> io::Result<()> {
        let Some(entry) = self.files.get_mut(&id) else {
            return Ok(());
        };
        tracing::info!(file = %entry.path.display(), "file was truncated: reading it from its beginning");
        entry.metrics.truncated();
        let before = Former {
            page: self.parts.book.page(entry.origin),
            print: entry.tail.print(),
            offset: entry.tail.offset(),
        };
        // First, so that what was made of what it holds now is not taken for what it held before.
        let print = entry.tail.restart()?;
        self.open_older(id, &before);
        let Some(entry) = self.files.get_mut(&id) else {
            return Ok(());
        };
        let Parts {
            book,
            name: source,
            pipes,
            ..
        } = &self.parts;
        let identity = Identity {
            id,
            born: entry.born,
            print,
        };
        let file = Beginning {
            source,
            path: &entry.label,
            identity,
            offset: 0,
            pipes,
        };
        entry.origin = book.begin(file).origin;
        book.seen_at(entry.origin, &entry.real.to_string_lossy(), false);
        entry.sent = 0;
        entry.tail.look().map(drop)
    }

    /// A file was found to be what it was.
    fn is_fine(&mut self, id: FileId) {
        let Some(entry) = self.files.get_mut(&id) else {
            return;
        };
        entry.fine_at = now();
        if entry.tail.is_deleted() != entry.deleted {
            entry.deleted = entry.tail.is_deleted();
            let real = entry.real.to_string_lossy();
            self.parts.book.seen_at(entry.origin, &real, entry.deleted);
        }
    }

    /// Opens what came before what a file holds now. It takes the place of the file in the order, which stands behind it.
    fn open_older(&mut self, id: FileId, before: &Former) {
        let Some((label, after)) = self
            .files
            .get(&id)
            .map(|entry| (entry.label.clone(), entry.after))
        else {
            return;
        };
        let newest = self.newest.remove(&label);
        if let Some(after) = after {
            self.newest.insert(label.clone(), after);
        }
        self.open_copies(id, before);
        let last = self.newest.insert(label, newest.unwrap_or(id));
        if let Some(entry) = self
            .files
            .get_mut(&id)
            .filter(|_| last.is_some() && last != after)
        {
            entry.after = last;
            self.ready.extend(last);
        }
    }

    /// Opens copies of what a truncated file held, in order: of what was read of it, then of what nobody saw.
    fn open_copies(&mut self, id: FileId, before: &Former) {
        let mut rest_is_open = false;
        for _ in 0..ATTEMPTS {
            let Some(entry) = self.files.get(&id) else { return };
            let mut search = Search::new(&self.parts, self.files.keys().copied().collect());
            let mut page = before.page.clone().filter(|_| !rest_is_open);
            if let Some(page) = &mut page {
                page.seen = entry.fine_at;
            }
            let rest = page.and_then(|page| search.rest(&page));
            let since = entry.fine_at.saturating_mul(SECOND);
            let unseen =
                search.unseen_before(id, entry.tail.written(), &entry.label, entry.real.to_str(), since);
            let mut raced = search.was_raced();
            if let Some(rest) = &rest {
                rest_is_open = self.move_to_copy(id, before, rest).unwrap_or(false);
                raced |= !rest_is_open;
            }
            for unseen in &unseen {
                raced |= self.open(unseen, false);
            }
            if !raced {
                return;
            }
        }
    }

    /// Goes on in the copy of a truncated file where reading it ended; what is on its way counts for the copy. False when
    /// the copy is not where it was found.
    fn move_to_copy(&mut self, id: FileId, before: &Former, copy: &Generation) -> io::Result<bool> {
        let Some(entry) = self.files.get(&id) else {
            return Ok(false);
        };
        let file = std::fs::File::open(&copy.path)?;
        let metadata = file.metadata()?;
        let other = FileId::of(&metadata);
        let (offset, size) = (before.offset, metadata.len());
        let content = Content::of(file, &copy.path)?;
        if other != FileId::of(&copy.metadata) || (size < offset && matches!(content, Content::Plain(_))) {
            return Ok(false);
        }
        let tail = Tail::new(content, self.parts.codec, before.print, offset);
        let resume = Resume {
            origin: entry.origin,
            offset: entry.sent,
            path: entry.label.clone(),
        };
        tracing::info!(file = %copy.path.display(), offset, "what was not read of it is read from its copy");
        self.parts.book.moved(entry.origin, other, born(&metadata));
        self.spent.remove(&other);
        self.admit(&copy.path, other, tail, resume, false, born(&metadata));
        Ok(true)
    }
}
