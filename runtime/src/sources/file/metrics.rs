//! What the file source says about itself.
//!
//! The first four names are those of `loki.source.file`, so that dashboards made for it go on working: that
//! `file_bytes_total` is a gauge is its heritage. Series of a path go when its last file is closed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use super::lines::Tally;

/// The metrics of all file sources. Made once per process.
#[derive(Debug)]
pub struct FileMetrics {
    file_bytes: IntGaugeVec,
    read_bytes: IntGaugeVec,
    read_lines: IntCounterVec,
    files_active: IntGauge,
    invalid_utf8: IntCounterVec,
    long_lines: IntCounterVec,
    read_errors: IntCounterVec,
    truncations: IntCounterVec,
    binary_files: IntCounter,
    /// How many files of each path are open: the series go with the last.
    paths: Mutex<HashMap<String, usize>>,
}

impl FileMetrics {
    /// Makes and registers them.
    ///
    /// # Errors
    /// When a name is taken.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauges = |name: &str, help: &str| {
            let gauges = IntGaugeVec::new(Opts::new(name, help), &["path"])?;
            registry.register(Box::new(gauges.clone()))?;
            Ok::<_, prometheus::Error>(gauges)
        };
        let counters = |name: &str, help: &str, labels: &[&str]| {
            let counters = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counters.clone()))?;
            Ok::<_, prometheus::Error>(counters)
        };
        let files_active = IntGauge::new("loki_source_file_files_active_total", "Files that are open.")?;
        registry.register(Box::new(files_active.clone()))?;
        let binary_files = IntCounter::new(
            "millstream_source_file_binary_files_total",
            "Files passed over because they are binary.",
        )?;
        registry.register(Box::new(binary_files.clone()))?;
        Ok(Self {
            file_bytes: gauges("loki_source_file_file_bytes_total", "Bytes in the file.")?,
            read_bytes: gauges(
                "loki_source_file_read_bytes_total",
                "Bytes of the file that were read.",
            )?,
            read_lines: counters("loki_source_file_read_lines_total", "Lines read.", &["path"])?,
            files_active,
            invalid_utf8: counters(
                "millstream_source_file_invalid_utf8_total",
                "Lines in which bytes that are no text were replaced by U+FFFD.",
                &["path"],
            )?,
            long_lines: counters(
                "millstream_source_file_long_lines_total",
                "Lines over the longest length.",
                &["path", "action"],
            )?,
            read_errors: counters(
                "millstream_source_file_read_errors_total",
                "Times a file could not be opened or read.",
                &["path"],
            )?,
            truncations: counters(
                "millstream_source_file_truncations_total",
                "Times a file became shorter than what was read of it, or began anew.",
                &["path"],
            )?,
            binary_files,
            paths: Mutex::default(),
        })
    }

    /// Counts a file that is not text.
    pub fn binary_file(&self) {
        self.binary_files.inc();
    }

    /// Counts an attempt to open or read the file at `path` that failed.
    pub fn read_error(&self, path: &str) {
        self.read_errors.with_label_values(&[path]).inc();
    }

    /// The series of the file at `path`.
    #[must_use]
    pub fn open(self: &Arc<Self>, path: &str) -> PathMetrics {
        *self
            .paths
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(path.to_owned())
            .or_default() += 1;
        self.files_active.inc();
        let by_path = |counters: &IntCounterVec| counters.with_label_values(&[path]);
        PathMetrics {
            path: path.to_owned(),
            file_bytes: self.file_bytes.with_label_values(&[path]),
            read_bytes: self.read_bytes.with_label_values(&[path]),
            read_lines: by_path(&self.read_lines),
            invalid_utf8: by_path(&self.invalid_utf8),
            truncated: self.long_lines.with_label_values(&[path, "truncate"]),
            skipped: self.long_lines.with_label_values(&[path, "skip"]),
            truncations: by_path(&self.truncations),
            all: self.clone(),
        }
    }

    fn close(&self, path: &str) {
        self.files_active.dec();
        let mut paths = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = paths.get_mut(path) else { return };
        *open -= 1;
        if *open > 0 {
            return;
        }
        paths.remove(path);
        // A series that is not there cannot be removed, which is what we want.
        for gauges in [&self.file_bytes, &self.read_bytes] {
            let _ = gauges.remove_label_values(&[path]);
        }
        for counters in [
            &self.read_lines,
            &self.invalid_utf8,
            &self.read_errors,
            &self.truncations,
        ] {
            let _ = counters.remove_label_values(&[path]);
        }
        for action in ["truncate", "skip"] {
            let _ = self.long_lines.remove_label_values(&[path, action]);
        }
    }
}

/// The series of one open file.
#[derive(Debug)]
pub struct PathMetrics {
    path: String,
    file_bytes: IntGauge,
    read_bytes: IntGauge,
    read_lines: IntCounter,
    invalid_utf8: IntCounter,
    truncated: IntCounter,
    skipped: IntCounter,
    truncations: IntCounter,
    all: Arc<FileMetrics>,
}

impl PathMetrics {
    /// How large the file is and how far it was read.
    pub fn at(&self, size: u64, read: u64) {
        let gauge = |bytes| i64::try_from(bytes).unwrap_or(i64::MAX);
        self.file_bytes.set(gauge(size));
        self.read_bytes.set(gauge(read));
    }

    /// Counts lines and what happened to them.
    pub fn lines(&self, read: usize, tally: Tally) {
        self.read_lines.inc_by(read as u64);
        self.invalid_utf8.inc_by(tally.invalid);
        self.truncated.inc_by(tally.truncated);
        self.skipped.inc_by(tally.skipped);
    }

    /// Counts that the file began anew.
    pub fn truncated(&self) {
        self.truncations.inc();
    }
}

impl Drop for PathMetrics {
    fn drop(&mut self) {
        self.all.close(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_live_as_long_as_a_file_of_their_path() {
        let registry = Registry::new();
        let metrics = Arc::new(FileMetrics::register(&registry).unwrap());
        let series = |name: &str| {
            let families = registry.gather();
            families
                .iter()
                .find(|family| family.name() == name)
                .map_or(0, |family| family.get_metric().len())
        };
        let (first, second) = (metrics.open("/a"), metrics.open("/a"));
        first.at(10, 5);
        second.lines(
            3,
            Tally {
                invalid: 1,
                ..Tally::default()
            },
        );
        assert_eq!(series("loki_source_file_file_bytes_total"), 1);
        assert_eq!(series("millstream_source_file_long_lines_total"), 2);
        drop(first);
        assert_eq!(series("loki_source_file_read_lines_total"), 1);
        drop(second);
        assert_eq!(series("loki_source_file_read_lines_total"), 0);
        assert_eq!(series("loki_source_file_file_bytes_total"), 0);
        assert!(FileMetrics::register(&registry).is_err(), "once per registry");
    }
}
