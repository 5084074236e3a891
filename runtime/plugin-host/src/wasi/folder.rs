//! A granted folder: what may be opened in it, and nothing outside.
//!
//! The kernel keeps a path inside (`openat2` with `RESOLVE_BENEATH`, Linux 5.6): neither `..` nor a link nor a rename at the
//! same moment leads out, while links that stay inside are followed, as a Kubernetes ConfigMap needs. Walking the path here
//! step by step would be the same with more chances to be wrong. Where the kernel cannot do it, the grant is refused.
//!
//! Only regular files and folders are opened, without waiting: a named pipe would wait for a writer for ever.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, open, openat2, readlinkat};
use rustix::io::Errno;

/// How often an interrupted look is repeated: a rename anywhere on the system at the same moment can cause one.
const ATTEMPTS: usize = 16;

/// A folder that is open.
pub(super) struct Folder(OwnedFd);

impl Folder {
    /// Opens a folder of the host.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = open(path, flags, Mode::empty())?;
        match look(folder.as_fd(), ".", OFlags::PATH) {
            Err(Errno::NOSYS) => Err(io::Error::other(
                "this kernel cannot keep a plugin inside a folder: it has no openat2 (Linux 5.6)",
            )),
            Err(error) => Err(error.into()),
            Ok(_) => Ok(Self(folder)),
        }
    }

    /// The same folder once more.
    pub(super) fn reopen(&self) -> Result<File, Errno> {
        open_beneath(self.0.as_fd(), ".", true)
    }
}

/// Opens a file or folder beneath `folder` for reading.
pub(super) fn open_beneath(folder: BorrowedFd<'_>, path: &str, follow: bool) -> Result<File, Errno> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = look(folder, path, flags | followed(follow))?;
    match FileType::from_raw_mode(fstat(&file)?.st_mode) {
        FileType::RegularFile | FileType::Directory => Ok(file.into()),
        _ => Err(Errno::PERM),
    }
}

/// A handle on whatever is there, only to ask about it.
pub(super) fn point_at(folder: BorrowedFd<'_>, path: &str, follow: bool) -> Result<File, Errno> {
    look(folder, path, OFlags::PATH | followed(follow)).map(File::from)
}

/// Where a link leads, if not out of its folder by its first step.
pub(super) fn read_link(folder: BorrowedFd<'_>, path: &str) -> Result<String, Errno> {
    let link = point_at(folder, path, false)?;
    let target = readlinkat(&link, "", Vec::new())?;
    let target = target.into_string().map_err(|_| Errno::ILSEQ)?;
    if target.starts_with('/') {
        return Err(Errno::PERM);
    }
    Ok(target)
}

fn followed(follow: bool) -> OFlags {
    if follow { OFlags::empty() } else { OFlags::NOFOLLOW }
}

fn look(folder: BorrowedFd<'_>, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let mut attempts = 0;
    loop {
        match openat2(folder, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
            Err(Errno::AGAIN | Errno::INTR) if attempts < ATTEMPTS => attempts += 1,
            result => return result,
        }
    }
}
