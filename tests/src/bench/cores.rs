//! What a second core brings: eight files through one worker on one core, and through two workers on both.
//!
//! The receiver runs beside the agent and takes some of the second core, so the ratio is a lower bound. Runs on one core and on
//! both take turns, because machines are faster and slower by the minute.

use std::fs;

use super::logs::{KINDS, Kind, manifest};
use super::run::{Cost, Job, run};

/// Files; more than workers, so that either has several.
const FILES: u64 = 8;

/// 10^6 bytes of each.
const MEGABYTES: u64 = 150;

/// Pairs of runs.
const PAIRS: usize = 11;

/// What it cost on one core, and on two, in pairs of runs one after the other.
///
/// # Errors
/// When something does not run.
pub fn measure() -> anyhow::Result<Vec<(Cost, Cost)>> {
    let folder = tempfile::tempdir()?;
    let logs = folder.path().join("logs");
    fs::create_dir(&logs)?;
    let spring = &KINDS[0];
    let (mut bytes, mut entries) = (0, 0);
    for file in 0..FILES {
        let written = write(spring, &logs.join(format!("{file}.log")), file)?;
        bytes += written.bytes;
        entries += written.entries;
    }
    let on = |cores, workers: &str| {
        run(&Job {
            folder: folder.path(),
            manifest: &manifest(spring.stages, workers, 1),
            bytes,
            entries,
            copies: 1,
            // The files hold the same entries.
            repeats: true,
            held: usize::try_from(FILES)?,
            cores: Some(cores),
            cold: false,
        })
    };
    (0..PAIRS)
        .map(|_| Ok((on("0", "")?, on("0,1", "    workers: 2\n")?)))
        .collect()
}

/// How many times as much two cores carry: the geometric mean of the pairs, and its standard error.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a handful")]
pub fn ratio(pairs: &[(Cost, Cost)]) -> (f64, f64) {
    let logs: Vec<f64> = pairs
        .iter()
        .map(|(one, two)| (two.rate / one.rate).ln())
        .collect();
    let number = logs.len() as f64;
    let mean = logs.iter().sum::<f64>() / number;
    let spread = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / (number - 1.0);
    (mean.exp(), mean.exp() * (spread / number).sqrt())
}

/// The same log with a beginning of its own: files that begin alike are taken for one that was copied.
fn write(kind: &Kind, path: &std::path::Path, file: u64) -> anyhow::Result<super::spring::Written> {
    let mut written = kind.write(path, MEGABYTES)?;
    let text = fs::read(path)?;
    let first = format!("2026-01-08 00:00:00.000  INFO file {file}\n");
    fs::write(path, [first.as_bytes(), &text].concat())?;
    written.bytes += first.len() as u64;
    written.entries += 1;
    Ok(written)
}
