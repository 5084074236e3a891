//! `timestamp`: takes an entry's time from an extracted value.
//!
//! | setting | default | |
//! |---|---|---|
//! | `source` | required | the field that holds the time |
//! | `format` | required | a name (`RFC3339`, `UnixMs`, …) or a layout in Go's manner (`2006-01-02 15:04:05`) |
//! | `fallback_formats` | none | further formats, tried in order |
//! | `location` | UTC | IANA time zone for layouts without one; named formats ignore it |
//! | `action_on_failure` | `fudge` | `fudge`: the stream's last time plus 1 ns; `skip`: the time stays |
//! | `action_on_duplicate_timestamp` | `fudge` | `fudge`: a value equal to the stream's last gives its last time plus 1 ns; `keep` |
//!
//! A missing value is a failure. A layout without a year takes the one of `now`, or the neighbouring one around
//! New Year. The last times are soft state: a fresh instance starts without them, so the first failure of a
//! stream after a restart keeps its time. [`streams::MOST_STREAMS`] of them are remembered.

use millstream_stage::{Batch, Failure, Refusal, Setup, Stage, export_stage};
use serde::Deserialize;

use format::{Format, Zone};
use streams::{Known, Streams};

mod civil;
mod format;
mod layout;
mod streams;

#[cfg(test)]
mod tests;

/// The settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    source: String,
    format: String,
    #[serde(default)]
    fallback_formats: Vec<String>,
    #[serde(default)]
    location: String,
    #[serde(default)]
    action_on_failure: OnFailure,
    #[serde(default)]
    action_on_duplicate_timestamp: OnDuplicate,
}

/// What becomes of a time that cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OnFailure {
    #[default]
    Fudge,
    Skip,
}

/// What becomes of a time equal to the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OnDuplicate {
    #[default]
    Fudge,
    Keep,
}

/// The stage.
#[derive(Debug)]
pub struct TimestampStage {
    source: String,
    formats: Vec<Format>,
    on_failure: OnFailure,
    on_duplicate: OnDuplicate,
    streams: Streams,
}

impl Stage for TimestampStage {
    type Settings = Settings;

    fn configure(settings: Settings, setup: &mut Setup) -> Result<Self, Refusal> {
        if settings.source.is_empty() {
            return Err(Refusal::setting("source", "must not be empty"));
        }
        let zone = Zone::named(&settings.location).map_err(|why| Refusal::setting("location", why))?;
        let mut formats =
            vec![Format::new(&settings.format, &zone).map_err(|why| Refusal::setting("format", why))?];
        for (index, text) in settings.fallback_formats.iter().enumerate() {
            let path = format!("fallback_formats[{index}]");
            formats.push(Format::new(text, &zone).map_err(|why| Refusal::setting(&path, why))?);
        }
        setup.reads_field(&settings.source).reads_timestamps();
        let stage = Self {
            source: settings.source,
            formats,
            on_failure: settings.action_on_failure,
            on_duplicate: settings.action_on_duplicate_timestamp,
            streams: Streams::default(),
        };
        if stage.fudges() {
            setup.reads_labels();
        }
        Ok(stage)
    }

    fn process(&mut self, batch: &mut Batch<'_>, now: i64) -> Result<(), Failure> {
        let mut timestamps = batch.timestamps()?.to_vec();
        if self.fudges() {
            self.streams.begin(batch.labels()?);
        }
        let field = batch.field(&self.source)?;
        for (row, timestamp) in timestamps.iter_mut().enumerate() {
            let parsed = field
                .and_then(|field| field.get(row))
                .and_then(|text| self.parse(text, now));
            if !self.fudges() {
                *timestamp = parsed.unwrap_or(*timestamp);
                continue;
            }
            let known = self.streams.get_mut(batch.streams()?[row]);
            *timestamp = next(known, parsed, *timestamp, self.on_failure, self.on_duplicate);
        }
        if self.fudges() {
            self.streams.end();
        }
        batch.output().set_timestamps(timestamps);
        Ok(())
    }
}

impl TimestampStage {
    /// Whether the last time of a stream can matter.
    fn fudges(&self) -> bool {
        self.on_failure == OnFailure::Fudge || self.on_duplicate == OnDuplicate::Fudge
    }

    fn parse(&self, text: &str, now: i64) -> Option<i64> {
        self.formats.iter().find_map(|format| format.parse(text, now))
    }
}

/// The time of an entry, and what its stream remembers of it.
fn next(
    known: &mut Option<Known>,
    parsed: Option<i64>,
    old: i64,
    on_failure: OnFailure,
    on_duplicate: OnDuplicate,
) -> i64 {
    match (parsed, known.as_mut()) {
        (None, Some(last)) if on_failure == OnFailure::Fudge => {
            last.given = last.given.saturating_add(1);
            last.given
        }
        (None, _) => old,
        (Some(parsed), Some(last)) if on_duplicate == OnDuplicate::Fudge && last.parsed == parsed => {
            last.given = last.given.saturating_add(1);
            last.given
        }
        (Some(parsed), _) => {
            *known = Some(Known {
                given: parsed,
                parsed,
            });
            parsed
        }
    }
}

export_stage!(TimestampStage);
