//! Compiled code on disk, so that a warm start compiles nothing.
//!
//! A file's name is the sha256 of the component and the engine's compatibility hash (wasmtime version, target,
//! settings): other code or another engine is another file. The folder is 0700 and files 0600, because wasmtime
//! trusts what it maps: whoever can write here can run code as us, and that is nobody but us. Files appear by
//! rename, so a torn one is never seen.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use wasmtime::Engine;
use wasmtime::component::Component;

/// Makes the folder, readable by nobody else.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Where the compiled code of a component lies.
pub(crate) fn path(folder: &Path, engine: &Engine, sha256: &str) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    folder.join(format!("{sha256}-{:016x}.cwasm", hasher.finish()))
}

/// The compiled component, if it is there and nobody else could have written it.
pub(crate) fn get(engine: &Engine, path: &Path) -> Option<Component> {
    let meta = fs::symlink_metadata(path).ok()?;
    let folder = fs::metadata(path.parent()?).ok()?;
    // The kernel says who we are: `/proc/self` belongs to the process' own user.
    let us = fs::metadata("/proc/self").ok()?.uid();
    let closed = meta.mode() & 0o077 == 0 && folder.mode() & 0o022 == 0;
    let ours = meta.is_file() && closed && meta.uid() == us && folder.uid() == us;
    if !ours {
        tracing::warn!(path = %path.display(), "compiled plugin ignored: others may write it");
        return None;
    }
    #[expect(
        unsafe_code,
        reason = "wasmtime maps the file as code: it is ours alone, see the module's comment"
    )]
    // SAFETY: the file was written by `put` (rename after a complete write) in a folder only we can write.
    let loaded = unsafe { Component::deserialize_file(engine, path) };
    loaded
        .map_err(|error| tracing::debug!(path = %path.display(), %error, "compiled plugin is of no use"))
        .ok()
}

/// Stores the compiled component. A failure costs the next start its speed, nothing else.
pub(crate) fn put(component: &Component, path: &Path) {
    if let Err(error) = write(component, path) {
        tracing::debug!(path = %path.display(), %error, "compiled plugin not kept");
    }
}

/// [`put`], for one to whom nothing else matters.
pub(crate) fn write(component: &Component, path: &Path) -> io::Result<()> {
    let code = component.serialize().map_err(io::Error::other)?;
    let draft = path.with_extension(format!("{}.draft", std::process::id()));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(&code)?;
    file.sync_all()?;
    fs::rename(&draft, path)
}
