//! What is behind the handles of files and folders.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use rustix::fs::{Dir, FileType, fstat};
use rustix::io::Errno;

/// A file or folder that is open, counted among its instance's.
pub struct Opened {
    file: File,
    _counted: Arc<()>,
}

impl Opened {
    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

/// A handle on a file or folder.
pub struct Descriptor {
    pub(super) opened: Arc<Opened>,
    kind: FileType,
}

impl Descriptor {
    pub(super) fn new(file: File, counted: &Arc<()>) -> Result<Self, Errno> {
        let kind = FileType::from_raw_mode(fstat(&file)?.st_mode);
        let opened = Arc::new(Opened {
            file,
            _counted: counted.clone(),
        });
        Ok(Self { opened, kind })
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.opened.file.as_fd()
    }

    pub(super) fn stat(&self) -> io::Result<Metadata> {
        self.opened.file.metadata()
    }

    pub(super) fn kind(&self) -> FileType {
        self.kind
    }

    /// The file, if it is one.
    pub(super) fn readable(&self) -> Result<&Arc<Opened>, Errno> {
        if self.kind == FileType::Directory {
            return Err(Errno::ISDIR);
        }
        Ok(&self.opened)
    }

    /// The folder, if it is one.
    pub(super) fn folder(&self) -> Result<BorrowedFd<'_>, Errno> {
        if self.kind == FileType::Directory {
            Ok(self.fd())
        } else {
            Err(Errno::NOTDIR)
        }
    }
}

/// The names in a folder, one after the other.
pub struct Listing {
    entries: Dir,
    _counted: Arc<()>,
}

impl Listing {
    pub(super) fn new(folder: BorrowedFd<'_>, counted: &Arc<()>) -> Result<Self, Errno> {
        Ok(Self {
            entries: Dir::read_from(folder)?,
            _counted: counted.clone(),
        })
    }

    /// The next name that is text.
    pub(super) fn next(&mut self) -> io::Result<Option<(String, FileType)>> {
        for entry in self.entries.by_ref() {
            let entry = entry?;
            if let Ok(name) = entry.file_name().to_str()
                && name != "."
                && name != ".."
            {
                return Ok(Some((name.to_owned(), entry.file_type())));
            }
        }
        Ok(None)
    }
}
