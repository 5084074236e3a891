//! What goes wrong with paths, said once per change and not once per attempt.

use crate::causes;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

/// The paths that something is wrong with now.
#[derive(Debug)]
pub struct Troubles {
    /// What cannot be done with them.
    doing: &'static str,
    now: HashMap<PathBuf, io::ErrorKind>,
}

impl Troubles {
    /// None yet.
    #[must_use]
    pub fn new(doing: &'static str) -> Self {
        Self {
            doing,
            now: HashMap::new(),
        }
    }

    /// It failed; logged unless it failed the same way the last time. Returns whether it was logged.
    pub fn fail(&mut self, path: &Path, error: &io::Error) -> bool {
        let fresh = self.now.insert(path.to_owned(), error.kind()) != Some(error.kind());
        if fresh {
            tracing::warn!(
                path = %path.display(), error = causes::told(error),
                "{} failed; it is tried again", self.doing
            );
        }
        fresh
    }

    /// It worked; logged when it failed the last time.
    pub fn clear(&mut self, path: &Path) {
        if !self.now.is_empty() && self.now.remove(path).is_some() {
            tracing::info!(path = %path.display(), "{} works again", self.doing);
        }
    }

    /// Forgets the paths that `keep` refuses.
    pub fn retain(&mut self, mut keep: impl FnMut(&Path) -> bool) {
        self.now.retain(|path, _| keep(path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_it_once_per_change() {
        let mut troubles = Troubles::new("reading a file");
        let path = Path::new("/a");
        let error = |kind| io::Error::from(kind);
        assert!(troubles.fail(path, &error(io::ErrorKind::PermissionDenied)));
        assert!(!troubles.fail(path, &error(io::ErrorKind::PermissionDenied)));
        assert!(
            troubles.fail(path, &error(io::ErrorKind::InvalidData)),
            "another reason is news"
        );
        troubles.clear(path);
        assert!(troubles.fail(path, &error(io::ErrorKind::InvalidData)));
        troubles.retain(|_| false);
        assert!(troubles.fail(path, &error(io::ErrorKind::InvalidData)));
    }
}
