//! The generations of a file that rotations made: which file holds what was not read yet.
//!
//! Looked for where a file was last seen, when it is not there any more or holds something else: at the start for all
//! that was read before, later for a file that was truncated or renamed. There are three cases:
//!
//! - *known*: the file itself, under another name;
//! - *rest*: another file that begins with the same bytes: the copy that copytruncate made, or what gzip made of it;
//! - *unseen*: a generation that came and was rotated away while nobody looked. It is recognised by its name and age.
//!
//! The order among generations is that of their last lines, for copies are made later than what they hold; what has the
//! name itself comes last.
//!
//! Why beginnings can be trusted: a rest must be named after the file, be no older than it, and begin with all that is
//! known of its first [`HEAD`](super::identity::HEAD) bytes. When that is less than [`STRONG`] bytes, other files may
//! begin so too; then it must also have been made since the file was last seen. Even a wrong match costs nothing then
//! but lines that were sent before: all that is skipped was compared.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::fs::{self, File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::checkpoint::{Checkpoint, SECOND};
use super::content::Content;
use super::identity::{FileId, born, nanos};
use super::parts::Parts;

/// A fingerprint over fewer bytes is no proof: a line may begin so in any file. A time and a name do not fit in less.
pub const STRONG: u16 = 64;

/// How far the clock of a file system may lag behind the system's, which it reads once per tick, in nanoseconds.
const GRAIN: u64 = 50_000_000;

/// The same between times that are whole seconds.
const SLACK: u64 = 1;

/// How a file came to be opened.
#[derive(Clone, Debug)]
pub enum Find {
    /// A glob found it.
    Listed,
    /// It was read before.
    Known,
    /// It holds the rest of what was read elsewhere.
    Rest(Box<Checkpoint>),
    /// A generation of the file of this name that nobody saw.
    Unseen(String),
}

/// A file to be opened.
#[derive(Clone, Debug)]
pub struct Generation {
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub metadata: Metadata,
    /// Why it is to be opened.
    pub find: Find,
}

impl Generation {
    /// Sorts the generations of a file: by their last lines (gzip keeps that time), and within the grain of clocks by
    /// their numbers, of which the oldest has the largest.
    #[must_use]
    pub fn age(&self) -> (u64, Reverse<u64>) {
        (modified(&self.metadata), Reverse(rotation(&self.path)))
    }
}

/// Sorts files that globs found: those that took the name of another come after it.
pub fn sort_found(found: &mut [Generation]) {
    let paths: HashSet<PathBuf> = found.iter().map(|file| file.path.clone()).collect();
    found.sort_by_cached_key(|file| (!is_generation(&file.path, &paths), file.age()));
}

/// Whether a path is that of a generation of one of `paths`.
fn is_generation(path: &Path, paths: &HashSet<PathBuf>) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let bases = name.match_indices(['.', '-', '_']).map(|(at, _)| &name[..at]);
    bases
        .into_iter()
        .any(|base| is_numbered(&name, base) && paths.contains(&path.with_file_name(base)))
}

/// The number at the end of a rotated file's name; none of a date.
fn rotation(path: &Path) -> u64 {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let digits = name
        .rsplit(|c: char| !c.is_ascii_digit())
        .next()
        .unwrap_or_default();
    if digits.len() < 6 {
        digits.parse().unwrap_or(0)
    } else {
        0
    }
}

/// When a generation came to be, in nanoseconds since the Unix epoch; of a gzip file when its last line did, for it is
/// made later.
fn since_when(path: &Path, metadata: &Metadata) -> u64 {
    let modified = modified(metadata);
    if is_gzip_name(path) {
        modified
    } else {
        born(metadata).unwrap_or(modified)
    }
}

/// When it was last written, in nanoseconds since the Unix epoch.
fn modified(metadata: &Metadata) -> u64 {
    nanos((metadata.mtime(), metadata.mtime_nsec()))
}

/// Whether a file was last written before another was made: then it does not hold that.
#[must_use]
pub fn is_older(metadata: &Metadata, born: Option<u64>) -> bool {
    born.is_some_and(|born| modified(metadata) + SLACK * SECOND < born)
}

/// Whether the name of the file at `path` begins with that of the one at `base`, in the same folder.
#[must_use]
pub fn is_named_after(path: &Path, base: &Path) -> bool {
    let names = path.file_name().zip(base.file_name());
    path.parent() == base.parent()
        && names.is_some_and(|(name, base)| {
            name.len() > base.len() && name.as_encoded_bytes().starts_with(base.as_encoded_bytes())
        })
}

/// Whether a file is gzip's by its name.
#[must_use]
pub fn is_gzip_name(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "gz")
}

/// Whether `name` is what rotations call the generations of `base`: `app.log.1`, `app.log-20261122`,
/// `app.log.2026-11-22.0.gz`.
fn is_numbered(name: &str, base: &str) -> bool {
    let Some(tail) = name.strip_prefix(base) else {
        return false;
    };
    let tail = tail.strip_suffix(".gz").unwrap_or(tail);
    let number = tail.strip_prefix(['.', '-', '_']).unwrap_or_default();
    number.starts_with(|c: char| c.is_ascii_digit())
        && number
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '_' | ':' | 'T'))
}

/// Looks for generations. Remembers what it listed and read: make a new one for each look.
pub struct Search<'a> {
    parts: &'a Parts,
    /// Files that are open or that globs find: they are read anyway.
    read: HashSet<FileId>,
    /// Files this search has found a use for.
    chosen: HashSet<FileId>,
    folders: HashMap<PathBuf, Vec<(PathBuf, Metadata)>>,
    heads: HashMap<FileId, Vec<u8>>,
    raced: bool,
}

impl<'a> Search<'a> {
    /// A search that has no need to find what is `read`.
    #[must_use]
    pub fn new(parts: &'a Parts, read: HashSet<FileId>) -> Self {
        Self {
            parts,
            read,
            chosen: HashSet::new(),
            folders: HashMap::new(),
            heads: HashMap::new(),
            raced: false,
        }
    }

    /// The file itself, under another name.
    pub fn known(&mut self, checkpoint: &Checkpoint) -> Option<Generation> {
        if checkpoint.deleted {
            return None;
        }
        let here = self.beside(&checkpoint.path, checkpoint.real.as_deref());
        let mut same = here.into_iter().filter(|(_, metadata)| {
            let born = checkpoint.born.zip(born(metadata));
            FileId::of(metadata) == checkpoint.id() && born.is_none_or(|(known, born)| known == born)
        });
        let (path, metadata) = same.next()?;
        self.chosen.insert(checkpoint.id());
        Some(Generation {
            path,
            metadata,
            find: Find::Known,
        })
    }

    /// Whether a file still holds what was read of it.
    pub fn still_holds(&mut self, path: &Path, metadata: &Metadata, checkpoint: &Checkpoint) -> bool {
        (is_gzip_name(path) || metadata.len() >= checkpoint.offset)
            && self
                .head(path, metadata)
                .is_some_and(|head| checkpoint.fingerprint.matches(head))
    }

    /// Another file that holds what `checkpoint` is of.
    pub fn rest(&mut self, checkpoint: &Checkpoint) -> Option<Generation> {
        let here = self.beside(&checkpoint.path, checkpoint.real.as_deref());
        let bases = bases(&checkpoint.path, checkpoint.real.as_deref());
        let mut fits: Vec<(PathBuf, Metadata)> = Vec::new();
        for (path, metadata) in here {
            let id = FileId::of(&metadata);
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let related = bases
                .iter()
                .any(|base| name.len() > base.len() && name.starts_with(base));
            if related && id != checkpoint.id() && self.may_hold(&path, &metadata, checkpoint, &bases, &name)
            {
                fits.push((path, metadata));
            }
        }
        let weak = checkpoint.fingerprint.len < STRONG;
        // The one that was made last is the nearest to it; of weak matches none is better than another.
        fits.sort_by_key(|(_, metadata)| modified(metadata));
        if weak && fits.len() > 1 {
            return None;
        }
        let (path, metadata) = fits.pop()?;
        self.chosen.insert(FileId::of(&metadata));
        Some(Generation {
            path,
            metadata,
            find: Find::Rest(Box::new(checkpoint.clone())),
        })
    }

    fn may_hold(
        &mut self,
        path: &Path,
        metadata: &Metadata,
        checkpoint: &Checkpoint,
        bases: &[String],
        name: &str,
    ) -> bool {
        let (id, print) = (FileId::of(metadata), checkpoint.fingerprint);
        let known = self.parts.book.resting(&self.parts.name, id, born(metadata));
        // What was passed over because this very file held it may be needed after all.
        let passed_over = known.is_some_and(|known| known.unpacked == Some(0));
        if self.chosen.contains(&id) || (!passed_over && self.knows(id, metadata)) {
            return false;
        }
        let gzip = is_gzip_name(path);
        if print.len == 0 || is_older(metadata, checkpoint.born) {
            return false;
        }
        // A copy is finished when what it is of is truncated, so while that was seen it cannot have been.
        let copied_since = modified(metadata) / SECOND + SLACK >= checkpoint.seen;
        if !gzip && (metadata.len() < checkpoint.offset || !copied_since) {
            return false;
        }
        if print.len < STRONG {
            let made = born(metadata).unwrap_or_else(|| modified(metadata)) / SECOND;
            if made + SLACK < checkpoint.seen || !bases.iter().any(|base| is_numbered(name, base)) {
                return false;
            }
        }
        self.head(path, metadata).is_some_and(|head| print.matches(head))
    }

    /// Generations of the file at `path` that came after `since` (nanoseconds since the Unix epoch) and that nobody saw.
    pub fn unseen(&mut self, path: &str, real: Option<&str>, since: u64) -> Vec<Generation> {
        let bases = bases(path, real);
        let here = self.beside(path, real);
        let mut found = Vec::new();
        for (other, metadata) in here {
            let name = other.file_name().unwrap_or_default().to_string_lossy();
            let id = FileId::of(&metadata);
            if bases.iter().any(|base| is_numbered(&name, base))
                && since_when(&other, &metadata) + GRAIN >= since
                && !self.read.contains(&id)
                && !self.knows(id, &metadata)
                && !self.chosen.contains(&id)
            {
                found.push(Generation {
                    path: other,
                    metadata,
                    find: Find::Unseen(path.to_owned()),
                });
            }
        }
        found.sort_by_key(Generation::age);
        self.chosen
            .extend(found.iter().map(|generation| FileId::of(&generation.metadata)));
        found
    }

    /// Those of them that came before what the file `id` holds now: all, unless it was rotated away itself. `written` is
    /// when it was last written, should it have no name any more.
    pub fn unseen_before(
        &mut self,
        id: FileId,
        written: Option<u64>,
        path: &str,
        real: Option<&str>,
        since: u64,
    ) -> Vec<Generation> {
        let bases = bases(path, real);
        let own = self
            .beside(path, real)
            .into_iter()
            .find(|(_, metadata)| FileId::of(metadata) == id);
        let age = match own {
            Some((path, metadata)) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let rotated = bases.iter().any(|base| is_numbered(&name, base));
                rotated.then(|| (modified(&metadata), Reverse(rotation(&path))))
            }
            None => written.map(|written| (written, Reverse(u64::MAX))),
        };
        let mut unseen = self.unseen(path, real, since);
        unseen.retain(|other| age.is_none_or(|age| other.age() < age));
        unseen
    }

    /// The plain files where a file was; what gzip has not finished is left out, for what it is made of is still there.
    fn beside(&mut self, path: &str, real: Option<&str>) -> Vec<(PathBuf, Metadata)> {
        let folders: HashSet<&Path> = [Some(path), real]
            .into_iter()
            .flatten()
            .filter_map(|path| Path::new(path).parent())
            .collect();
        let mut here = Vec::new();
        for folder in folders {
            let files = self
                .folders
                .entry(folder.to_owned())
                .or_insert_with(|| list(folder));
            here.extend(files.iter().cloned());
        }
        here
    }

    fn knows(&self, id: FileId, metadata: &Metadata) -> bool {
        self.parts.book.knows(&self.parts.name, id, born(metadata))
    }

    /// Whether a file was renamed while it was looked at: then there may be more to be found.
    #[must_use]
    pub fn was_raced(&self) -> bool {
        self.raced
    }

    fn head(&mut self, path: &Path, metadata: &Metadata) -> Option<&[u8]> {
        let id = FileId::of(metadata);
        if !self.heads.contains_key(&id) {
            let file = File::open(path);
            let same = file
                .as_ref()
                .is_ok_and(|file| file.metadata().is_ok_and(|found| FileId::of(&found) == id));
            self.raced |= !same;
            let head = Content::of(file.ok().filter(|_| same)?, path).and_then(|mut content| content.head());
            self.heads.insert(id, head.ok()?);
        }
        self.heads.get(&id).map(Vec::as_slice)
    }
}

fn bases(path: &str, real: Option<&str>) -> Vec<String> {
    let names = [Some(path), real].into_iter().flatten();
    names
        .filter_map(|path| Some(Path::new(path).file_name()?.to_string_lossy().into_owned()))
        .collect()
}

/// Plain files of a folder; links are not followed, what they lead to is found where it is.
fn list(folder: &Path) -> Vec<(PathBuf, Metadata)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.filter_map(|entry| Some((entry.path(), entry.metadata().ok()?)));
    let mut files: Vec<_> = files.filter(|(_, metadata)| metadata.is_file()).collect();
    let names: HashSet<PathBuf> = files.iter().map(|(path, _)| path.clone()).collect();
    files.retain(|(path, _)| !(is_gzip_name(path) && names.contains(&path.with_extension(""))));
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_the_name_comes_after_its_generations() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, second: u64| {
            let path = dir.path().join(name);
            let file = File::create(&path).unwrap();
            let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(second);
            file.set_modified(time).unwrap();
            Generation {
                path,
                metadata: file.metadata().unwrap(),
                find: Find::Listed,
            }
        };
        let mut files = [
            file("a.log", 5),
            file("a.log.1", 7),
            file("a.log.9", 3),
            file("a.log.10", 3),
            file("a.log.11.gz", 2),
            file("b.log", 1),
        ];
        sort_found(&mut files);
        let names: Vec<_> = files
            .iter()
            .map(|file| file.path.file_name().unwrap().to_str().unwrap())
            .collect();
        assert_eq!(
            names,
            ["a.log.11.gz", "a.log.10", "a.log.9", "a.log.1", "b.log", "a.log"]
        );
    }

    #[test]
    fn names_of_rotations_are_known() {
        for name in [
            "a.log.1",
            "a.log-20261122",
            "a.log.2026-11-22.0.gz",
            "a.log_3.gz",
            "a.log-20261122-1700000000",
        ] {
            assert!(is_numbered(name, "a.log"), "{name}");
        }
        for name in [
            "a.log",
            "a.log.gz",
            "a.log.bak",
            "a.log.1.swp",
            "a.log1",
            "b.log.1",
            "a.log.1~",
        ] {
            assert!(!is_numbered(name, "a.log"), "{name}");
        }
    }
}
