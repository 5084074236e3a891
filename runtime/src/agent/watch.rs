//! Notices that files have other contents.
//!
//! By looking twice in [`EVERY`], not by events: an editor or a build replaces files by rename, through links, on network mounts, and a
//! handful of `stat` calls cost nothing. A file that still changes between two looks is being written, and waited for. Contents decide,
//! not times: touching a file is no change.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::{MissedTickBehavior, interval};

/// How often files are looked at.
const EVERY: Duration = Duration::from_millis(250);

/// Files that are watched.
#[derive(Debug)]
pub struct Watch {
    files: BTreeMap<PathBuf, Seen>,
}

/// A file as it was seen.
#[derive(Debug)]
struct Seen {
    stamp: Option<Stamp>,
    digest: Option<[u8; 32]>,
    /// It was another when last looked at, and may still be written.
    moving: bool,
}

/// What tells a file that was written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Watch {
    /// Watches these files, from what they hold now.
    #[must_use]
    pub fn of(files: Vec<PathBuf>) -> Self {
        let mut watch = Self {
            files: BTreeMap::new(),
        };
        watch.set(files);
        watch
    }

    /// Watches these files. What was known of those it watched already is still known: a change since is none that was missed.
    pub fn set(&mut self, files: Vec<PathBuf>) {
        let mut former = std::mem::take(&mut self.files);
        for path in files {
            let seen = former.remove(&path).unwrap_or_else(|| Seen {
                stamp: stamp(&path),
                digest: digest(&path),
                moving: false,
            });
            self.files.insert(path, seen);
        }
    }

    /// Waits until files have other contents and are not being written any more.
    pub async fn changed(&mut self) -> Vec<PathBuf> {
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let changed = self.look();
            if !changed.is_empty() {
                return changed;
            }
        }
    }

    fn look(&mut self) -> Vec<PathBuf> {
        let mut changed = Vec::new();
        for (path, seen) in &mut self.files {
            let stamp = stamp(path);
            if stamp != seen.stamp {
                seen.stamp = stamp;
                seen.moving = true;
            } else if std::mem::take(&mut seen.moving) {
                // A file that is gone for a moment is being replaced.
                let digest = digest(path).or(seen.digest);
                if digest != seen.digest {
                    seen.digest = digest;
                    changed.push(path.clone());
                }
            }
        }
        changed
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    Some(Stamp {
        device: metadata.dev(),
        inode: metadata.ino(),
        size: metadata.size(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
    })
}

fn digest(path: &Path) -> Option<[u8; 32]> {
    fs::read(path).ok().map(|bytes| Sha256::digest(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_count_once_they_stand_still_and_times_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wasm");
        fs::write(&path, "one").unwrap();
        let mut watch = Watch::of(vec![path.clone()]);
        assert!(watch.look().is_empty());
        fs::write(&path, "two!").unwrap();
        assert!(watch.look().is_empty(), "it may still be written");
        fs::write(&path, "three").unwrap();
        assert!(watch.look().is_empty());
        assert_eq!(watch.look().first(), Some(&path));
        assert!(watch.look().is_empty(), "said once");
        let other = folder.path().join("b");
        fs::write(&other, "three").unwrap();
        fs::rename(&other, &path).unwrap();
        assert!(
            watch.look().is_empty() && watch.look().is_empty(),
            "the same contents"
        );
        fs::remove_file(&path).unwrap();
        assert!(
            watch.look().is_empty() && watch.look().is_empty(),
            "gone for a moment"
        );
        fs::write(&path, "four").unwrap();
        assert!(watch.look().is_empty());
        assert_eq!(watch.look(), [path]);
    }

    #[test]
    fn what_changed_while_a_reload_was_made_is_not_missed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wasm");
        fs::write(&path, "one").unwrap();
        let mut watch = Watch::of(vec![path.clone()]);
        fs::write(&path, "two!").unwrap();
        watch.set(vec![path.clone()]);
        watch.look();
        assert_eq!(watch.look(), [path]);
    }
}
