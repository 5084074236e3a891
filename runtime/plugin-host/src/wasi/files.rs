//! `wasi:filesystem`: the granted folders, to read.

use std::fs::Metadata;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::FileType;
use rustix::io::Errno;
use wasmtime::Result;
use wasmtime::component::Resource;

use super::Wasi;
use super::bindings::wasi::filesystem::preopens;
use super::bindings::wasi::filesystem::types::{
    self, DescriptorFlags, DescriptorType, ErrorCode, OpenFlags, PathFlags,
};
use super::clocks::datetime;
use super::descriptor::{Descriptor, Listing};
use super::folder::{open_beneath, point_at, read_link};
use super::stream::{Failure, InputStream, OutputStream, read_at};

/// How many files an instance may have open at once.
const FILES: usize = 64;

type Filed<T> = Result<Result<T, ErrorCode>>;

/// Writing is never granted.
fn read_only<T>() -> Filed<T> {
    Ok(Err(ErrorCode::ReadOnly))
}

fn code(error: Errno) -> ErrorCode {
    match error {
        Errno::ACCESS => ErrorCode::Access,
        Errno::BADF => ErrorCode::BadDescriptor,
        Errno::ILSEQ => ErrorCode::IllegalByteSequence,
        Errno::INVAL => ErrorCode::Invalid,
        Errno::ISDIR => ErrorCode::IsDirectory,
        Errno::LOOP => ErrorCode::Loop,
        Errno::MFILE | Errno::NFILE | Errno::DQUOT => ErrorCode::Quota,
        Errno::NAMETOOLONG => ErrorCode::NameTooLong,
        Errno::NOENT => ErrorCode::NoEntry,
        Errno::NOTDIR => ErrorCode::NotDirectory,
        Errno::OVERFLOW => ErrorCode::Overflow,
        Errno::ROFS => ErrorCode::ReadOnly,
        // A path that leads out is `EXDEV`.
        Errno::PERM | Errno::XDEV => ErrorCode::NotPermitted,
        _ => ErrorCode::Io,
    }
}

fn io_code(error: &io::Error) -> ErrorCode {
    Errno::from_io_error(error).map_or(ErrorCode::Io, code)
}

fn kind(kind: FileType) -> DescriptorType {
    match kind {
        FileType::RegularFile => DescriptorType::RegularFile,
        FileType::Directory => DescriptorType::Directory,
        FileType::Symlink => DescriptorType::SymbolicLink,
        FileType::Fifo => DescriptorType::Fifo,
        FileType::Socket => DescriptorType::Socket,
        FileType::CharacterDevice => DescriptorType::CharacterDevice,
        FileType::BlockDevice => DescriptorType::BlockDevice,
        FileType::Unknown => DescriptorType::Unknown,
    }
}

fn told(stat: &Metadata) -> types::DescriptorStat {
    let time = |seconds: i64, nanoseconds: i64| {
        let (seconds, nanoseconds) = (u64::try_from(seconds).ok()?, u32::try_from(nanoseconds).ok()?);
        Some(datetime(Duration::new(seconds, nanoseconds)))
    };
    types::DescriptorStat {
        type_: kind(FileType::from_raw_mode(stat.mode())),
        link_count: stat.nlink(),
        size: stat.size(),
        data_access_timestamp: time(stat.atime(), stat.atime_nsec()),
        data_modification_timestamp: time(stat.mtime(), stat.mtime_nsec()),
        status_change_timestamp: time(stat.ctime(), stat.ctime_nsec()),
    }
}

/// Says whether a file is the same and unchanged, without saying which.
fn hashed(stat: &Metadata) -> types::MetadataHashValue {
    let mut hasher = DefaultHasher::new();
    (stat.dev(), stat.ino()).hash(&mut hasher);
    let upper = hasher.finish();
    (stat.size(), stat.mtime(), stat.mtime_nsec()).hash(&mut hasher);
    types::MetadataHashValue {
        lower: hasher.finish(),
        upper,
    }
}

impl Wasi {
    /// What is known of the thing at a path in a folder.
    fn stat_of(&mut self, folder: &Resource<Descriptor>, flags: PathFlags, path: &str) -> Filed<Metadata> {
        let folder = self.table.get(folder)?;
        let follow = flags.contains(PathFlags::SYMLINK_FOLLOW);
        let found = folder.folder().and_then(|folder| point_at(folder, path, follow));
        Ok(found
            .map_err(io::Error::from)
            .and_then(|file| file.metadata())
            .map_err(|error| io_code(&error)))
    }

    /// Whether one more file may be opened.
    fn has_room(&self) -> bool {
        Arc::strong_count(&self.files) <= FILES
    }
}

impl preopens::Host for Wasi {
    fn get_directories(&mut self) -> Result<Vec<(Resource<Descriptor>, String)>> {
        let granted = self.granted.clone();
        let mut folders = Vec::with_capacity(granted.folders.len());
        for (name, folder) in &granted.folders {
            let descriptor = folder
                .reopen()
                .and_then(|folder| Descriptor::new(folder, &self.files))
                .map_err(io::Error::from)?;
            folders.push((self.table.push(descriptor)?, name.clone()));
        }
        Ok(folders)
    }
}

impl types::Host for Wasi {
    fn filesystem_error_code(&mut self, failure: Resource<Failure>) -> Result<Option<ErrorCode>> {
        Ok(Some(io_code(&self.table.get(&failure)?.0)))
    }
}

impl types::HostDirectoryEntryStream for Wasi {
    fn read_directory_entry(&mut self, listing: Resource<Listing>) -> Filed<Option<types::DirectoryEntry>> {
        let next = self.table.get_mut(&listing)?.next();
        Ok(next.map_err(|error| io_code(&error)).map(|entry| {
            entry.map(|(name, file_type)| types::DirectoryEntry {
                type_: kind(file_type),
                name,
            })
        }))
    }

    fn drop(&mut self, listing: Resource<Listing>) -> Result<()> {
        self.table.delete(listing)
    }
}

impl types::HostDescriptor for Wasi {
    fn read_via_stream(&mut self, this: Resource<Descriptor>, at: u64) -> Filed<Resource<InputStream>> {
        match self.table.get(&this)?.readable() {
            Ok(file) => {
                let file = file.clone();
                Ok(Ok(self.table.push(InputStream::File { file, at })?))
            }
            Err(error) => Ok(Err(code(error))),
        }
    }

    fn write_via_stream(&mut self, _: Resource<Descriptor>, _: u64) -> Filed<Resource<OutputStream>> {
        read_only()
    }

    fn append_via_stream(&mut self, _: Resource<Descriptor>) -> Filed<Resource<OutputStream>> {
        read_only()
    }

    fn advise(&mut self, _: Resource<Descriptor>, _: u64, _: u64, _: types::Advice) -> Filed<()> {
        Ok(Ok(()))
    }

    fn sync_data(&mut self, _: Resource<Descriptor>) -> Filed<()> {
        Ok(Ok(()))
    }

    fn get_flags(&mut self, _: Resource<Descriptor>) -> Filed<DescriptorFlags> {
        Ok(Ok(DescriptorFlags::READ))
    }

    fn get_type(&mut self, this: Resource<Descriptor>) -> Filed<DescriptorType> {
        Ok(Ok(kind(self.table.get(&this)?.kind())))
    }

    fn set_size(&mut self, _: Resource<Descriptor>, _: u64) -> Filed<()> {
        read_only()
    }

    fn set_times(
        &mut self,
        _: Resource<Descriptor>,
        _: types::NewTimestamp,
        _: types::NewTimestamp,
    ) -> Filed<()> {
        read_only()
    }

    fn read(&mut self, this: Resource<Descriptor>, length: u64, at: u64) -> Filed<(Vec<u8>, bool)> {
        let file = match self.table.get(&this)?.readable() {
            Ok(file) => file,
            Err(error) => return Ok(Err(code(error))),
        };
        let read = read_at(file, at, length).map_err(|error| io_code(&error));
        Ok(read.map(|bytes| {
            let ended = bytes.is_empty() && length > 0;
            (bytes, ended)
        }))
    }

    fn write(&mut self, _: Resource<Descriptor>, _: Vec<u8>, _: u64) -> Filed<u64> {
        read_only()
    }

    fn read_directory(&mut self, this: Resource<Descriptor>) -> Filed<Resource<Listing>> {
        if !self.has_room() {
            return Ok(Err(ErrorCode::Quota));
        }
        let folder = self.table.get(&this)?;
        match folder.folder().and_then(|fd| Listing::new(fd, &self.files)) {
            Ok(listing) => Ok(Ok(self.table.push(listing)?)),
            Err(error) => Ok(Err(code(error))),
        }
    }

    fn sync(&mut self, _: Resource<Descriptor>) -> Filed<()> {
        Ok(Ok(()))
    }

    fn create_directory_at(&mut self, _: Resource<Descriptor>, _: String) -> Filed<()> {
        read_only()
    }

    fn stat(&mut self, this: Resource<Descriptor>) -> Filed<types::DescriptorStat> {
        let stat = self.table.get(&this)?.stat();
        Ok(stat.map(|stat| told(&stat)).map_err(|error| io_code(&error)))
    }

    fn stat_at(
        &mut self,
        this: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
    ) -> Filed<types::DescriptorStat> {
        Ok(self.stat_of(&this, flags, &path)?.map(|stat| told(&stat)))
    }

    fn set_times_at(
        &mut self,
        _: Resource<Descriptor>,
        _: PathFlags,
        _: String,
        _: types::NewTimestamp,
        _: types::NewTimestamp,
    ) -> Filed<()> {
        read_only()
    }

    fn link_at(
        &mut self,
        _: Resource<Descriptor>,
        _: PathFlags,
        _: String,
        _: Resource<Descriptor>,
        _: String,
    ) -> Filed<()> {
        read_only()
    }

    fn open_at(
        &mut self,
        this: Resource<Descriptor>,
        path_flags: PathFlags,
        path: String,
        open_flags: OpenFlags,
        flags: DescriptorFlags,
    ) -> Filed<Resource<Descriptor>> {
        let writes = DescriptorFlags::WRITE | DescriptorFlags::MUTATE_DIRECTORY;
        let makes = OpenFlags::CREATE | OpenFlags::TRUNCATE | OpenFlags::EXCLUSIVE;
        // A folder is opened with `mutate-directory` by those who only read it, as wasi-libc does.
        let writes = flags.contains(DescriptorFlags::WRITE)
            || (flags.intersects(writes) && !open_flags.contains(OpenFlags::DIRECTORY));
        if writes || open_flags.intersects(makes) {
            return read_only();
        }
        if !self.has_room() {
            return Ok(Err(ErrorCode::Quota));
        }
        let follow = path_flags.contains(PathFlags::SYMLINK_FOLLOW);
        let folder = self.table.get(&this)?;
        let opened = folder
            .folder()
            .and_then(|folder| open_beneath(folder, &path, follow))
            .and_then(|file| Descriptor::new(file, &self.files));
        match opened {
            Ok(found) if open_flags.contains(OpenFlags::DIRECTORY) && found.folder().is_err() => {
                Ok(Err(ErrorCode::NotDirectory))
            }
            Ok(found) => Ok(Ok(self.table.push(found)?)),
            Err(error) => Ok(Err(code(error))),
        }
    }

    fn readlink_at(&mut self, this: Resource<Descriptor>, path: String) -> Filed<String> {
        let folder = self.table.get(&this)?;
        let target = folder.folder().and_then(|folder| read_link(folder, &path));
        Ok(target.map_err(code))
    }

    fn remove_directory_at(&mut self, _: Resource<Descriptor>, _: String) -> Filed<()> {
        read_only()
    }

    fn rename_at(
        &mut self,
        _: Resource<Descriptor>,
        _: String,
        _: Resource<Descriptor>,
        _: String,
    ) -> Filed<()> {
        read_only()
    }

    fn symlink_at(&mut self, _: Resource<Descriptor>, _: String, _: String) -> Filed<()> {
        read_only()
    }

    fn unlink_file_at(&mut self, _: Resource<Descriptor>, _: String) -> Filed<()> {
        read_only()
    }

    fn is_same_object(&mut self, this: Resource<Descriptor>, other: Resource<Descriptor>) -> Result<bool> {
        let (this, other) = (self.table.get(&this)?.stat(), self.table.get(&other)?.stat());
        let object = |stat: Metadata| (stat.dev(), stat.ino());
        Ok(matches!((this.map(object), other.map(object)), (Ok(this), Ok(other)) if this == other))
    }

    fn metadata_hash(&mut self, this: Resource<Descriptor>) -> Filed<types::MetadataHashValue> {
        let stat = self.table.get(&this)?.stat();
        Ok(stat.map(|stat| hashed(&stat)).map_err(|error| io_code(&error)))
    }

    fn metadata_hash_at(
        &mut self,
        this: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
    ) -> Filed<types::MetadataHashValue> {
        Ok(self.stat_of(&this, flags, &path)?.map(|stat| hashed(&stat)))
    }

    fn drop(&mut self, this: Resource<Descriptor>) -> Result<()> {
        self.table.delete(this)
    }
}
