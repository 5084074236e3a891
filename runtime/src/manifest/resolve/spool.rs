//! A sink's `spool` and `limits`.

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
            let default = std::time::Duration::from_secs(86_400);
            at.some_duration("max_age", Some(age), default)
        });
        settings.when_full = document.when_full.map_or(when_full, WhenFull::from);
        settings.on_disk_error = document
            .on_disk_error
            .map_or(settings.on_disk_error, OnDiskError::from);
        document.enabled.unwrap_or(true).then_some(settings)
    }

    /// The limits under `limits`.
    pub fn limits(&self, document: Option<&LimitsDocument>) -> Limits {
        let Some(document) = document else {
            return Limits::default();
        };
        let at = self.key("limits");
        let number = |key: &str, number: Option<u64>, example: usize| {
            number.map(|number| at.length(key, Some(number), example))
        };
        let limits = Limits {
            max_line_size: document
                .max_line_size
                .as_ref()
                .map(|size| at.some_length("max_line_size", Some(size), 256 << 10)),
            max_line_size_truncate: document.max_line_size_truncate.unwrap_or(false),
            // Loki's own defaults, named when a number cannot be used.
            max_label_names_per_series: number(
                "max_label_names_per_series",
                document.max_label_names_per_series,
                15,
            ),
            max_label_name_length: number("max_label_name_length", document.max_label_name_length, 1024),
            max_label_value_length: number("max_label_value_length", document.max_label_value_length, 2048),
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
