//! The checkpoint file's text: one JSON document with a version and a checksum.
//!
//! Invariant: text that was changed in any place after it was written is either refused or means the same. From version
//! 2 on the checksum covers the version too, so that a damaged digit is not taken for the work of a later program.

use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

use super::Checkpoint;

/// The version this program writes; it reads all before.
pub const VERSION: u32 = 2;

/// The first version there was: the checksum covers the files only.
const FIRST: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    /// xxh3-64 of version and files as JSON, in hexadecimal.
    checksum: String,
    files: Vec<Checkpoint>,
}

/// Why bytes are no checkpoint file.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// Not the JSON we write.
    #[error("it is not a checkpoint document: {0}")]
    Json(#[from] serde_json::Error),
    /// Changed after it was written.
    #[error("its checksum is {found} but should be {expected}")]
    Checksum {
        /// As written in it.
        found: String,
        /// Of what it holds.
        expected: String,
    },
    /// The work of another program.
    #[error("its version is {0}")]
    Version(u64),
}

fn checksum(version: u32, files: &[Checkpoint]) -> Result<String, serde_json::Error> {
    let covered = if version == FIRST {
        serde_json::to_vec(files)?
    } else {
        serde_json::to_vec(&(version, files))?
    };
    Ok(format!("{:016x}", XxHash3_64::oneshot(&covered)))
}

/// The text of a save.
///
/// # Errors
/// When a checkpoint cannot be put into words.
pub fn encode(files: Vec<Checkpoint>) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = serde_json::to_vec_pretty(&Document {
        version: VERSION,
        checksum: checksum(VERSION, &files)?,
        files,
    })?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// What a text says.
///
/// # Errors
/// When it is not as it was written, or of another version.
pub fn decode(bytes: &[u8]) -> Result<Vec<Checkpoint>, Broken> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u64,
    }
    let Versioned { version } = serde_json::from_slice(bytes)?;
    let document: Document = match serde_json::from_slice(bytes) {
        Ok(document) => document,
        Err(_) if version > u64::from(VERSION) => return Err(Broken::Version(version)),
        Err(error) => return Err(error.into()),
    };
    let expected = checksum(document.version, &document.files)?;
    if document.checksum == expected && (FIRST..=VERSION).contains(&document.version) {
        return Ok(document.files);
    }
    // Ours in all but the version: a digit was damaged. A later program's checksum covers its own version.
    let altered = (FIRST..=VERSION)
        .any(|version| checksum(version, &document.files).is_ok_and(|sum| sum == document.checksum));
    if document.version > VERSION && !altered {
        return Err(Broken::Version(version));
    }
    Err(Broken::Checksum {
        found: document.checksum,
        expected,
    })
}
