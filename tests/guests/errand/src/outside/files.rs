//! Errands with files.

use super::generated::wasi::filesystem::preopens;
use super::generated::wasi::filesystem::types::{
    Descriptor, DescriptorFlags, ErrorCode, OpenFlags, PathFlags,
};
use super::tell;

/// Does what a line says, `VERB FOLDER PATH`, in the granted folder of that name, and tells what came of it.
pub(super) fn obey(line: &str) {
    let mut words = line.splitn(3, ' ');
    let (verb, folder, path) = (words.next(), words.next(), words.next());
    let (verb, path) = (verb.unwrap_or_default(), path.unwrap_or_default());
    let folders = preopens::get_directories();
    if verb == "folders" {
        let names: Vec<&str> = folders.iter().map(|(_, name)| name.as_str()).collect();
        return tell(&[&names]);
    }
    let Some((folder, _)) = folders.iter().find(|(_, name)| Some(name.as_str()) == folder) else {
        return tell(&[&"no such folder"]);
    };
    let follow = PathFlags::SYMLINK_FOLLOW;
    let told = match verb {
        "read" => open(folder, path).and_then(|file| contents(&file)),
        "stream" => open(folder, path).and_then(|file| streamed(&file)),
        "through" => {
            // As a path of two steps, of which the second is taken from a handle on the first.
            let (first, rest) = path.split_once(' ').unwrap_or_default();
            open(folder, first)
                .and_then(|first| open(&first, rest))
                .and_then(|file| contents(&file))
        }
        "nofollow" => folder
            .open_at(
                PathFlags::empty(),
                path,
                OpenFlags::empty(),
                DescriptorFlags::READ,
            )
            .and_then(|file| contents(&file)),
        "list" => open(folder, path).and_then(|folder| list(&folder)),
        "stat" => folder
            .stat_at(follow, path)
            .map(|stat| format!("{:?} {}", stat.type_, stat.size)),
        "lstat" => folder
            .stat_at(PathFlags::empty(), path)
            .map(|stat| format!("{:?}", stat.type_)),
        "link" => folder.readlink_at(path),
        "hash" => folder
            .metadata_hash_at(follow, path)
            .map(|hash| format!("{hash:?}")),
        "write" => folder
            .open_at(
                follow,
                path,
                OpenFlags::empty(),
                DescriptorFlags::READ | DescriptorFlags::WRITE,
            )
            .map(|_| "opened".into()),
        "create" => folder
            .open_at(follow, path, OpenFlags::CREATE, DescriptorFlags::READ)
            .map(|_| "created".into()),
        "truncate" => open(folder, path)
            .and_then(|file| file.set_size(0))
            .map(|()| "truncated".into()),
        "unlink" => folder.unlink_file_at(path).map(|()| "unlinked".into()),
        "mkdir" => folder.create_directory_at(path).map(|()| "made".into()),
        "symlink" => folder.symlink_at("/etc/passwd", path).map(|()| "linked".into()),
        "rename" => folder
            .rename_at(path, folder, "renamed")
            .map(|()| "renamed".into()),
        _ => Ok("no such verb".into()),
    };
    tell(&[&told.map_err(name)]);
}

/// Opens the same file until it may not.
pub(super) fn open_many(line: &str) {
    let folders = preopens::get_directories();
    let Some((folder, _)) = folders.first() else {
        return;
    };
    let mut files = Vec::new();
    let error = loop {
        match open(folder, line) {
            Ok(file) => files.push(file),
            Err(error) => break error,
        }
    };
    tell(&[&files.len(), &name(error)]);
    files.clear();
    tell(&[&open(folder, line).is_ok()]);
}

fn name(error: ErrorCode) -> String {
    error.name().to_owned()
}

fn open(folder: &Descriptor, path: &str) -> Result<Descriptor, ErrorCode> {
    folder.open_at(
        PathFlags::SYMLINK_FOLLOW,
        path,
        OpenFlags::empty(),
        DescriptorFlags::READ,
    )
}

fn contents(file: &Descriptor) -> Result<String, ErrorCode> {
    let mut bytes = Vec::new();
    loop {
        let (more, ended) = file.read(1 << 40, bytes.len() as u64)?;
        bytes.extend(more);
        if ended {
            return Ok(String::from_utf8_lossy(&bytes).into_owned());
        }
    }
}

fn streamed(file: &Descriptor) -> Result<String, ErrorCode> {
    let stream = file.read_via_stream(1)?;
    let mut bytes = Vec::new();
    while let Ok(more) = stream.blocking_read(1 << 40) {
        bytes.extend(more);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn list(folder: &Descriptor) -> Result<String, ErrorCode> {
    let listing = folder.read_directory()?;
    let mut names = Vec::new();
    while let Some(entry) = listing.read_directory_entry()? {
        names.push(format!("{}:{:?}", entry.name, entry.type_));
    }
    names.sort_unstable();
    Ok(names.join(" "))
}
