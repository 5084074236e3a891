//! The spool: a bounded queue on disk between what makes requests and what sends them.
//!
//! A request is stored before it is sent, and its receipts are settled then: from there on the spool answers for it. It
//! is taken out when the receiver has it. In travel order: [`relay`] carries packages through, [`store`] is the queue
//! of [`segment`]s, [`record`] is one request on disk.
//!
//! Invariants: what was stored is sent, or dropped by a rule of the [`settings`] and counted; in the order it came, also
//! over restarts; a crash repeats at most what was sent since the cursor was last saved; a disk that fails costs no
//! package: it goes through memory or waits, and the disk is tried again.
//!
//! Why our own files and not an embedded store: a queue needs none of what one gives (keys, ranges, transactions), and
//! we need what none gives. `redb` never shrinks its file, so a spool once full stays full, and syncs at least twice a
//! commit; `fjall` keeps megabytes of tables and threads per queue and leaves a tombstone for everything taken out. Both
//! refuse to go on after a failed write until they are opened anew, and a full or read-only disk is what a spool
//! lives with. Append, sync, read in order and remove whole files is little code, and `store/tests.rs` runs it
//! against a model over faults and crashes at every step.

pub mod metrics;
pub mod record;
pub mod relay;
pub mod segment;
pub mod settings;
pub mod store;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::Disk;

pub use metrics::SpoolMetrics;
pub use record::Record;
pub use relay::{Package, Relay};
pub use settings::{OnDiskError, SpoolSettings, WhenFull};

/// Where spools are: a folder each, by the sink's name.
#[derive(Clone, Debug)]
pub struct Shelf {
    disk: Arc<dyn Disk>,
    root: PathBuf,
}

impl Shelf {
    /// The spools below `root`.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>, root: PathBuf) -> Self {
        Self { disk, root }
    }

    /// The place of a sink's spool. A sink's name is a file name: the manifest takes letters, digits, `_`, `-`, `.`.
    #[must_use]
    pub fn place(&self, sink: &str) -> Place {
        Place {
            disk: self.disk.clone(),
            folder: self.root.join(sink),
        }
    }

    /// Spools that hold something and are none of these: nobody will send it until there is such a sink again.
    pub fn forgotten(&self, sinks: &[&str]) -> Vec<PathBuf> {
        // There may be no spool at all, and what cannot be looked at now is looked at again at the next start.
        let names = self.disk.folders(&self.root).unwrap_or_default();
        let others = names.iter().filter(|name| !sinks.contains(&name.as_str()));
        others
            .map(|name| self.root.join(name))
            .filter(|folder| {
                let files = self.disk.list(folder).unwrap_or_default();
                files.iter().any(|file| segment::Segment::named(file).is_some())
            })
            .collect()
    }
}

/// Where one spool is.
#[derive(Clone, Debug)]
pub struct Place {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
}

impl Place {
    /// The spool's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::memory::MemoryDisk;

    #[test]
    fn spools_without_a_sink_are_found_when_they_hold_something() {
        let disk = MemoryDisk::default();
        let shelf = Shelf::new(Arc::new(disk), "/spool".into());
        assert!(shelf.forgotten(&[]).is_empty());
        for (name, records) in [("used", 1), ("gone", 1), ("empty", 0)] {
            let mut store =
                store::Store::open(&shelf.place(name), SpoolSettings::new(WhenFull::Block)).unwrap();
            for _ in 0..records {
                let record = Record {
                    payload: "x".into(),
                    rows: 1,
                    bytes: 1,
                    stored: 0,
                };
                store.append(&record).unwrap();
            }
        }
        assert_eq!(shelf.forgotten(&["used"]), [Path::new("/spool/gone")]);
    }
}
