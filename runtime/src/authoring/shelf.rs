//! Compiled plugins of earlier runs, so that a component that did not change is not compiled again.
//!
//! In the user's cache folder and not in the plugin's: nothing there has to be ignored by anyone's version control. What nobody
//! used for a week goes, because every build of a plugin is another component.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use millstream_plugin_host::{Host, HostError};

/// How long compiled code is kept.
const KEPT: Duration = Duration::from_hours(7 * 24);

/// The plugin host, with compiled code kept where there is a place for it.
///
/// # Errors
/// When the engine cannot be started.
pub fn host() -> Result<Host, HostError> {
    let Some(folder) = folder() else {
        return Host::new(None);
    };
    sweep(&folder);
    // A cache that cannot be had costs time and nothing else.
    Host::new(Some(&folder)).or_else(|_| Host::new(None))
}

/// Where: `$XDG_CACHE_HOME/millstream/plugins`, or below `~/.cache`.
fn folder() -> Option<PathBuf> {
    let absolute = |name: &str| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(cache.join("millstream/plugins"))
}

/// Removes what is old. What cannot be removed stays until the next time.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let changed = entry.metadata().and_then(|metadata| metadata.modified());
        let age = changed.ok().and_then(|changed| changed.elapsed().ok());
        if age.is_some_and(|age| age > KEPT) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn only_what_is_old_goes() {
        let folder = tempfile::tempdir().unwrap();
        for (name, age) in [("old", KEPT * 2), ("new", KEPT / 2)] {
            let file = fs::File::create(folder.path().join(name)).unwrap();
            file.set_modified(SystemTime::now() - age).unwrap();
        }
        sweep(folder.path());
        assert!(!folder.path().join("old").exists() && folder.path().join("new").exists());
    }
}
