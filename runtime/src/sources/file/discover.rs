//! Finding files: walks the directories that globs name and nothing else.
//!
//! Invariants: only plain files come out (a link to one is one); a path is absolute and as matched, not resolved;
//! the order is the same every time. `**` does not enter directories through links, so no walk runs in circles.
//!
//! The same file may come out under several paths; who reads it tells that by its inode, not by its name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::pattern::{Exclusion, PatternError, Piece, Walk, walks};

/// What to look for.
#[derive(Debug)]
pub struct Discovery {
    include: Vec<Walk>,
    exclude: Vec<Exclusion>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// Plain files by path.
    pub files: BTreeMap<PathBuf, Metadata>,
    /// Directories in which a file of interest could appear.
    pub folders: BTreeSet<PathBuf>,
    /// What could not be looked at.
    pub errors: Vec<(PathBuf, io::Error)>,
}

impl Discovery {
    /// From globs.
    ///
    /// # Errors
    /// When a glob is not well-formed.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self, PatternError> {
        let mut all = Vec::new();
        for glob in include {
            all.extend(walks(glob)?);
        }
        Ok(Self {
            include: all,
            exclude: exclude
                .iter()
                .map(|glob| Exclusion::new(glob))
                .collect::<Result<_, _>>()?,
        })
    }

    /// Looks now.
    #[must_use]
    pub fn scan(&self) -> Found {
        let mut found = Found::default();
        for walk in &self.include {
            self.descend(Path::new("/"), &walk.0, &mut found);
        }
        found
    }

    /// Whether a file at `path` would be found.
    #[must_use]
    pub fn wants(&self, path: &Path) -> bool {
        self.include.iter().any(|walk| walk.matches(path)) && !self.excludes(path)
    }

    fn excludes(&self, path: &Path) -> bool {
        self.exclude.iter().any(|exclusion| exclusion.covers(path))
    }

    /// Follows `pieces` down from the directory `at`.
    fn descend(&self, at: &Path, pieces: &[Piece], found: &mut Found) {
        let Some((piece, rest)) = pieces.split_first() else {
            return;
        };
        match piece {
            Piece::Name(name) => self.enter(at, at.join(name), rest, found),
            Piece::Like(glob) => {
                for entry in list(at, found) {
                    if glob.is_match(entry.file_name()) {
                        self.enter(at, entry.path(), rest, found);
                    }
                }
            }
            Piece::Deep => {
                self.descend(at, rest, found);
                for entry in list(at, found) {
                    let path = entry.path();
                    if entry.file_type().is_ok_and(|kind| kind.is_dir()) && !self.passes_over(&path) {
                        self.descend(&path, pieces, found);
                    }
                }
            }
        }
    }

    /// Takes the step from directory `from` to `path`.
    fn enter(&self, from: &Path, path: PathBuf, rest: &[Piece], found: &mut Found) {
        match fs::metadata(&path) {
            Ok(metadata) if rest.is_empty() => {
                // Files come and go where files are.
                found.folders.insert(from.to_owned());
                if metadata.is_file() && !self.excludes(&path) {
                    found.files.insert(path, metadata);
                }
            }
            Ok(metadata) if metadata.is_dir() && !self.passes_over(&path) => self.descend(&path, rest, found),
            Ok(_) => {}
            // Not there yet: it would appear in here.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                found.folders.insert(from.to_owned());
            }
            Err(error) => found.errors.push((path, error)),
        }
    }

    fn passes_over(&self, folder: &Path) -> bool {
        self.exclude
            .iter()
            .any(|exclusion| exclusion.covers_below(folder))
    }
}

/// The entries of a directory; it is one in which files could appear.
fn list(folder: &Path, found: &mut Found) -> Vec<fs::DirEntry> {
    found.folders.insert(folder.to_owned());
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    entries.unwrap_or_else(|error| {
        if error.kind() != io::ErrorKind::NotFound {
            found.errors.push((folder.to_owned(), error));
        }
        Vec::new()
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn tree(paths: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for path in paths {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x\n").unwrap();
        }
        dir
    }

    fn discovery(root: &Path, include: &[&str], exclude: &[&str]) -> Discovery {
        let full = |globs: &[&str]| {
            globs
                .iter()
                .map(|glob| root.join(glob).display().to_string())
                .collect::<Vec<_>>()
        };
        Discovery::new(&full(include), &full(exclude)).unwrap()
    }

    fn found(root: &Path, include: &[&str], exclude: &[&str]) -> Vec<String> {
        let discovery = discovery(root, include, exclude);
        let files = discovery.scan().files;
        assert!(files.keys().all(|path| discovery.wants(path)));
        files
            .keys()
            .map(|path| path.strip_prefix(root).unwrap().display().to_string())
            .collect()
    }

    #[test]
    fn finds_what_globs_name_and_leaves_out_what_is_excluded() {
        let dir = tree(&[
            "a.log",
            "b.txt",
            "app/c.log",
            "app/deep/d.log",
            "old/e.log",
            ".h.log",
        ]);
        assert_eq!(found(dir.path(), &["*.log"], &[]), [".h.log", "a.log"]);
        assert_eq!(
            found(dir.path(), &["a.log", "*.{log,txt}"], &["[.]*"]),
            ["a.log", "b.txt"]
        );
        assert_eq!(
            found(dir.path(), &["**/*.log"], &["old/**", ".*"]),
            ["a.log", "app/c.log", "app/deep/d.log"]
        );
        assert_eq!(found(dir.path(), &["app/**"], &["**/d.log"]), ["app/c.log"]);
        assert_eq!(found(dir.path(), &["none/*/x.log"], &[]), [""; 0]);
    }

    #[test]
    fn directories_that_are_excluded_or_not_asked_for_are_not_entered() {
        let dir = tree(&["logs/a.log", "logs/old/b.log", "other/c.log"]);
        let found = discovery(dir.path(), &["logs/**/*.log"], &["logs/old/**"]).scan();
        assert_eq!(
            found.folders.into_iter().collect::<Vec<_>>(),
            [dir.path().join("logs")]
        );
    }

    #[test]
    fn only_plain_files_and_no_circles() {
        let dir = tree(&["real/a.log"]);
        symlink(dir.path(), dir.path().join("real/up")).unwrap();
        symlink(dir.path().join("real/a.log"), dir.path().join("link.log")).unwrap();
        symlink(dir.path().join("nowhere"), dir.path().join("broken.log")).unwrap();
        fs::create_dir(dir.path().join("folder.log")).unwrap();
        assert_eq!(found(dir.path(), &["**/*.log"], &[]), ["link.log", "real/a.log"]);
        assert_eq!(
            found(dir.path(), &["real/up/*.log"], &[]),
            ["real/up/link.log"],
            "a link that is named is followed"
        );
    }

    #[test]
    fn what_is_missing_is_waited_for_where_it_would_appear() {
        let dir = tree(&["a/x"]);
        let found = discovery(dir.path(), &["a/b/c/*.log"], &[]).scan();
        assert_eq!(
            found.folders.into_iter().collect::<Vec<_>>(),
            [dir.path().join("a")]
        );
        assert!(found.errors.is_empty());
    }
}
