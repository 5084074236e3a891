//! The stage `redact`: masks card and resident-registration numbers in lines, and counts what it masked.
//!
//! | setting | default | |
//! |---|---|---|
//! | `cards` | `true` | mask card numbers: 13 to 19 digits that pass Luhn's check; the last 4 stay |
//! | `resident_numbers` | `true` | mask resident-registration numbers: the last 6 digits |
//! | `mask` | `*` | what a digit becomes, one character |

use millstream_stage::{Batch, Counter, Failure, Refusal, Setup, Stage, TextEdit, export_stage};
use serde::Deserialize;

mod scan;
#[cfg(test)]
mod tests;

use scan::{Counts, Scanner};

/// The settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    cards: bool,
    resident_numbers: bool,
    mask: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cards: true,
            resident_numbers: true,
            mask: "*".to_owned(),
        }
    }
}

/// The stage.
#[derive(Debug)]
pub struct Redact {
    scanner: Scanner,
    masked: Counter,
}

impl Stage for Redact {
    type Settings = Settings;

    fn configure(settings: Settings, setup: &mut Setup) -> Result<Self, Refusal> {
        let Settings {
            cards,
            resident_numbers,
            mask,
        } = settings;
        if !cards && !resident_numbers {
            return Err(Refusal::setting(
                "cards",
                "nothing would be masked: `resident_numbers` is off too",
            ));
        }
        if mask.chars().count() != 1 {
            return Err(Refusal::setting("mask", "must be exactly one character"));
        }
        setup.reads_lines();
        Ok(Self {
            scanner: Scanner {
                cards,
                resident_numbers,
                mask,
            },
            masked: setup.counter("redacted_total", "Numbers masked.", &["kind"])?,
        })
    }

    fn process(&mut self, batch: &mut Batch<'_>, _now: i64) -> Result<(), Failure> {
        let lines = batch.lines()?;
        let mut counts = Counts::default();
        let mut edit = TextEdit::new();
        let mut masked = String::new();
        for (row, line) in lines.iter().enumerate() {
            masked.clear();
            if self.scanner.mask(line, &mut masked, &mut counts) {
                edit.set(lines, row, &masked);
            }
        }
        if counts == Counts::default() {
            return Ok(());
        }
        let (lines, _) = edit.finish(lines, batch.len());
        batch.output().set_lines(lines);
        for (kind, count) in [("card", counts.cards), ("resident", counts.residents)] {
            if count > 0 {
                self.masked.add(&[kind], count as f64);
            }
        }
        Ok(())
    }
}

export_stage!(Redact);
