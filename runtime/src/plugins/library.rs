//! Fetched components on disk, by their sha256.
//!
//! The folder is ours alone, and a file appears by rename, whole. It is checked all the same each time it is taken: a disk
//! forgets, and the check is cheap beside compiling.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::{ComponentError, sha256};

/// The folder of fetched components.
#[derive(Clone, Debug)]
pub struct Library {
    folder: PathBuf,
}

impl Library {
    /// The one under this storage path; made when the first component comes.
    #[must_use]
    pub fn new(storage: &Path) -> Self {
        Self {
            folder: storage.join("plugins"),
        }
    }

    /// Where the component with this sha256 is, or would be.
    #[must_use]
    pub fn path(&self, sha256: &str) -> PathBuf {
        self.folder.join(format!("{sha256}.wasm"))
    }

    /// The component, if it is there and whole.
    #[must_use]
    pub fn find(&self, wanted: &str) -> Option<Vec<u8>> {
        let path = self.path(wanted);
        match fs::read(&path) {
            Ok(wasm) if sha256(&wasm) == wanted => Some(wasm),
            Ok(_) => {
                tracing::warn!(path = %path.display(), "stored plugin is damaged: fetching it again");
                None
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "stored plugin cannot be read: fetching it again");
                None
            }
        }
    }

    /// Stores a component whose sha256 was checked.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&self, sha256: &str, wasm: &[u8]) -> Result<(), ComponentError> {
        let path = self.path(sha256);
        self.write(&path, wasm)
            .map_err(|source| ComponentError::Store { path, source })
    }

    fn write(&self, path: &Path, wasm: &[u8]) -> io::Result<()> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)?;
        // Two plugins may be the same component, and are loaded side by side.
        let thread = format!("{:?}", std::thread::current().id());
        let thread: String = thread.chars().filter(char::is_ascii_digit).collect();
        let draft = path.with_extension(format!("{}-{thread}.draft", std::process::id()));
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)?;
        let written = file.write_all(wasm).and_then(|()| file.sync_all());
        written
            .and_then(|()| fs::rename(&draft, path))
            .inspect_err(|_| drop(fs::remove_file(&draft)))?;
        fs::File::open(&self.folder)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn what_is_stored_is_ours_alone_and_checked() {
        let storage = tempfile::tempdir().unwrap();
        let library = Library::new(storage.path());
        let name = sha256(b"component");
        assert_eq!(library.find(&name), None);
        library.put(&name, b"component").unwrap();
        library.put(&name, b"component").unwrap();
        assert_eq!(library.find(&name).as_deref(), Some(&b"component"[..]));
        let folder = storage.path().join("plugins");
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&library.path(&name))), (0o700, 0o600));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "no draft is left");
        fs::write(library.path(&name), b"componenT").unwrap();
        assert_eq!(library.find(&name), None, "a damaged one is as none");
    }
}
