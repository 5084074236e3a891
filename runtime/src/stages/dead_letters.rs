//! Dead letters: entries that a stage failed on, kept as JSON lines.
//!
//! One file per stage, `<storage>/dead_letters/<pipeline>.<stage>.jsonl`. A line is an entry in the form that `millstream plugin test`
//! takes as input, so that the stage can be mended with what it failed on; `json`, `timestamp`, `labels` and `output` stages feed it back.
//!
//! Invariants: an entry counts as kept only once it is synced; nothing kept is ever thrown away: a file that has come to
//! [`SIZE_MAX`] takes no more, and the entry passes on as under `on_error: pass`.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use millstream_batch::{Field, LogBatch};
use serde_json::{Map, Value, json};

use crate::disk::Disk;

/// The most a file takes. Someone has to look at it long before.
pub const SIZE_MAX: u64 = 64 << 20;

/// Where dead letters go.
#[derive(Clone, Debug)]
pub struct DeadLetters {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    /// Held while writing: several workers have the same stage, and append behind what they find.
    writing: Arc<Mutex<()>>,
}

/// The dead letters of one stage.
#[derive(Debug)]
pub struct LetterBox {
    letters: DeadLetters,
    pipeline: String,
    stage: String,
}

/// Entries cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum LetterError {
    /// The file has come to its bound.
    #[error("{path} has come to {} MiB: move it away", SIZE_MAX >> 20)]
    Full {
        /// Which file.
        path: PathBuf,
    },
    /// The disk says no.
    #[error("cannot write {path}")]
    Disk {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl DeadLetters {
    /// In this folder, which is made when it is needed.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>, folder: PathBuf) -> Self {
        Self {
            disk,
            folder,
            writing: Arc::default(),
        }
    }

    /// Those of one stage.
    #[must_use]
    pub fn of(&self, pipeline: &str, stage: &str) -> LetterBox {
        LetterBox {
            letters: self.clone(),
            pipeline: pipeline.into(),
            stage: stage.into(),
        }
    }
}

impl LetterBox {
    /// Where they lie.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        let name = format!("{}.{}.jsonl", self.pipeline, self.stage);
        self.letters.folder.join(name)
    }

    /// Keeps all entries of a batch; when this returns they survive a loss of power.
    ///
    /// # Errors
    /// When the file is full or the disk says no; then none of them counts as kept.
    pub fn put(&self, batch: &LogBatch, error: &str, at: i64) -> Result<(), LetterError> {
        let mut text = Vec::new();
        for row in 0..batch.len() {
            let mut letter = entry(batch, row);
            let why = json!({ "pipeline": self.pipeline, "stage": self.stage, "error": error, "at": at });
            // For people, and for JSON readers whose numbers are not exact beyond 2^53.
            let time = batch
                .timestamps
                .get(row)
                .and_then(|time| Timestamp::from_nanosecond(i128::from(*time)).ok());
            letter.insert("time".into(), time.map(|time| time.to_string()).into());
            letter.insert("dead_letter".into(), why);
            // Writing to memory cannot fail, nor can text keys.
            let _ = serde_json::to_writer(&mut text, &letter);
            text.push(b'\n');
        }
        let path = self.path();
        match self.write(&text) {
            Ok(true) => Ok(()),
            Ok(false) => Err(LetterError::Full { path }),
            Err(source) => Err(LetterError::Disk { path, source }),
        }
    }

    fn write(&self, text: &[u8]) -> io::Result<bool> {
        let _one = self
            .letters
            .writing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let path = self.path();
        let disk = &self.letters.disk;
        // Opened each time: a person may have moved it away, and what a failed write left is not known.
        let mut file = match disk.open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                disk.make_folder(&self.letters.folder)?;
                let file = disk.create(&path)?;
                disk.sync_folder(&self.letters.folder)?;
                file
            }
            Err(error) => return Err(error),
        };
        let mut end = file.size()?;
        let mut last = [b'\n'];
        if end > 0 {
            file.read_at(&mut last, end - 1)?;
        }
        if last != *b"\n" {
            // A crash tore the last line.
            file.write_at(b"\n", end)?;
            end += 1;
        }
        if end + text.len() as u64 > SIZE_MAX {
            return Ok(false);
        }
        file.write_at(text, end)?;
        file.sync()?;
        Ok(true)
    }
}

/// An entry as JSON: `line`, `timestamp` (nanoseconds), `labels`, `fields`, `metadata`; what is empty is left out.
#[must_use]
pub fn entry(batch: &LogBatch, row: usize) -> Map<String, Value> {
    let mut entry = Map::new();
    entry.insert("line".into(), batch.lines.get(row).into());
    if let Some(timestamp) = batch.timestamps.get(row) {
        entry.insert("timestamp".into(), (*timestamp).into());
    }
    let labels = batch.labels_of(row);
    let labels: Map<String, Value> = labels
        .iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    let beside = |fields: &[Field]| -> Map<String, Value> {
        let there = fields
            .iter()
            .filter_map(|field| Some((field.name.to_string(), field.get(row)?.into())));
        there.collect()
    };
    let groups = [
        ("labels", labels),
        ("fields", beside(&batch.fields)),
        ("metadata", beside(&batch.metadata)),
    ];
    for (name, group) in groups {
        if !group.is_empty() {
            entry.insert(name.into(), group.into());
        }
    }
    entry
}

#[cfg(test)]
mod tests;
