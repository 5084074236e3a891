//! A sink's `spool` and `limits`.

use std::time::Duration;

use super::cursor::At;
use crate::delivery::spool::{OnDiskError, SpoolSettings, WhenFull};
use crate::manifest::document::{LimitsDocument, OnDiskErrorWord, SpoolDocument, WhenFullWord};
use crate::sinks::loki::limits::Limits;

/// The least a spool may be: some requests of the default size, so that it is a queue at all.
const LEAST: u64 = 4 << 20;

impl At<'_> {
    /// The spool under `spool`; `default` without the key, and `when_full` is right for this sink.
    pub fn spool(
        &self,
        document: Option<&SpoolDocument>,
        default: Option<SpoolSettings>,
        when_full: WhenFull,
    ) -> Option<SpoolSettings> {
        let Some(document) = document else { return default };
        let at = self.key("spool");
        let mut settings = SpoolSettings::new(when_full);
        settings.max_size = at.size("max_size", document.max_size.as_ref(), settings.max_size);
        if settings.max_size < LEAST {
            let at = at.key("max_size");
            at.refuse(
                format!("{} is less than 4MiB, a few requests", at.subject()),
                "make it as large as the longest outage it is to bridge; the default is 1GiB",
            );
        }
        settings.max_age = document.max_age.as_ref().map(|age| {
            let age = at.duration("max_age", Some(age), Duration::MAX);
            at.unlimited("max_age", age.is_zero());
            age
        });
        settings.when_full = document.when_full.map_or(when_full, WhenFull::from);
        settings.on_disk_error = document
            .on_disk_error
            .map_or(settings.on_disk_error, OnDiskError::from);
        document.enabled.unwrap_or(true).then_some(settings)
    }

    /// Refuses a limit of nothing under `key`.
    fn unlimited(&self, key: &str, zero: bool) {
        if zero {
            let at = self.key(key);
            at.refuse(
                format!("{} cannot be zero", at.subject()),
                "leave it away: without it there is no limit",
            );
        }
    }

    /// The limits under `limits`.
    pub fn limits(&self, document: Option<&LimitsDocument>) -> Limits {
        let Some(document) = document else {
            return Limits::default();
        };
        let at = self.key("limits");
        let number = |key: &str, number: Option<u64>| {
            at.unlimited(key, number == Some(0));
            number.map(|number| usize::try_from(number).unwrap_or(usize::MAX))
        };
        let longest = document.max_line_size.as_ref();
        let limits = Limits {
            max_line_size: number(
                "max_line_size",
                longest.map(|size| at.size("max_line_size", Some(size), 1)),
            ),
            max_line_size_truncate: document.max_line_size_truncate.unwrap_or(false),
            max_label_names_per_series: number(
                "max_label_names_per_series",
                document.max_label_names_per_series,
            ),
            max_label_name_length: number("max_label_name_length", document.max_label_name_length),
            max_label_value_length: number("max_label_value_length", document.max_label_value_length),
        };
        if limits.max_line_size_truncate && limits.max_line_size.is_none() {
            let at = at.key("max_line_size_truncate");
            at.refuse(
                format!("{} has no `max_line_size` to cut lines to", at.subject()),
                "add `max_line_size: 256KiB`",
            );
        }
        limits
    }
}

impl From<WhenFullWord> for WhenFull {
    fn from(word: WhenFullWord) -> Self {
        match word {
            WhenFullWord::Block => Self::Block,
            WhenFullWord::DropOldest => Self::DropOldest,
        }
    }
}

impl From<OnDiskErrorWord> for OnDiskError {
    fn from(word: OnDiskErrorWord) -> Self {
        match word {
            OnDiskErrorWord::Memory => Self::Memory,
            OnDiskErrorWord::Block => Self::Block,
        }
    }
}
