//! Single values: durations, sizes, URLs, labels, names.

use std::collections::BTreeMap;
use std::time::Duration;

use millstream_batch::Labels;
use url::Url;

use super::cursor::At;
use crate::manifest::document::{DurationText, SizeText};
use crate::manifest::{duration, size};
use crate::transport::Backoff;

impl At<'_> {
    /// The duration under `key`.
    pub fn duration(&self, key: &str, text: Option<&DurationText>, default: Duration) -> Duration {
        let Some(DurationText(text)) = text else {
            return default;
        };
        let at = self.key(key);
        match duration::parse(text) {
            Ok(duration) => duration,
            Err(why) => {
                let fix = match text.trim().parse::<u64>() {
                    Ok(number) => format!("write the unit: `{number}s`, or `{number}ms`"),
                    Err(_) => "write it as `500ms`, `3s`, `1m30s`, `1h` or `2d`".to_owned(),
                };
                at.refuse_because(format!("`{text}` is no duration for {}", at.subject()), why, fix);
                default
            }
        }
    }

    /// The duration under `key`, which must not be zero.
    pub fn some_duration(&self, key: &str, text: Option<&DurationText>, default: Duration) -> Duration {
        let duration = self.duration(key, text, default);
        if duration.is_zero() {
            let at = self.key(key);
            let fix = format!("the default is `{}`", duration::show(default));
            at.refuse(format!("{} cannot be zero", at.subject()), fix);
            return default;
        }
        duration
    }

    /// The size under `key`.
    pub fn size(&self, key: &str, text: Option<&SizeText>, default: u64) -> u64 {
        let Some(SizeText(text)) = text else {
            return default;
        };
        let at = self.key(key);
        match size::parse(text) {
            Ok(size) => size,
            Err(why) => {
                let fix = "write it as `1048576`, `256KiB`, `64MiB` (powers of 1024) or `1MB` (1,000,000)";
                at.refuse_because(format!("`{text}` is no size for {}", at.subject()), why, fix);
                default
            }
        }
    }

    /// The size under `key` as a length in memory, which must not be zero.
    pub fn some_length(&self, key: &str, text: Option<&SizeText>, default: usize) -> usize {
        let size = self.size(key, text, default as u64);
        self.length(key, Some(size), default)
    }

    /// The number under `key` as a length in memory, which must not be zero.
    pub fn length(&self, key: &str, number: Option<u64>, default: usize) -> usize {
        let at = self.key(key);
        match number {
            None => default,
            Some(0) => {
                at.refuse(
                    format!("{} cannot be zero", at.subject()),
                    format!("the default is {default}"),
                );
                default
            }
            Some(number) => usize::try_from(number).unwrap_or(usize::MAX),
        }
    }

    /// The waits between repetitions, whose order is checked.
    pub fn backoff(
        &self,
        (min_key, min): (&str, Option<&DurationText>),
        (max_key, max): (&str, Option<&DurationText>),
        default: &Backoff,
    ) -> Backoff {
        let shortest = self.some_duration(min_key, min, default.min);
        let longest = self.some_duration(max_key, max, default.max);
        if shortest > longest {
            let at = self.key(if min.is_some() { min_key } else { max_key });
            let (shortest, longest) = (duration::show(shortest), duration::show(longest));
            let message = format!("`{min_key}` ({shortest}) is longer than `{max_key}` ({longest})");
            at.refuse(message, "the first wait is the shorter one");
        }
        Backoff {
            min: shortest,
            max: longest,
            retries: default.retries,
        }
    }

    /// The URL under `key`, which must be there; the example in place of a bad one, so that the other keys are looked at
    /// too. Its text is not repeated in messages: it may hold a password.
    pub fn url(&self, key: &str, text: Option<&str>, example: &str) -> Option<Url> {
        let at = self.key(key);
        if at.is_missing() {
            self.refuse_key(
                format!("{} has no `{key}`", self.subject()),
                format!("add `{key}: \"{example}\"`"),
            );
        }
        text.and_then(|text| at.checked_url(text, example))
            .or_else(|| Url::parse(example).ok())
    }

    fn checked_url(&self, text: &str, example: &str) -> Option<Url> {
        let fix = format!("write it as `{example}`");
        let url = match Url::parse(text.trim()) {
            Ok(url) => url,
            Err(why) => {
                self.refuse_because(format!("{} is no URL", self.subject()), why, fix);
                return None;
            }
        };
        if !matches!(url.scheme(), "http" | "https") {
            let message = format!(
                "{} begins with `{}:`, not with `http:` or `https:`",
                self.subject(),
                url.scheme()
            );
            self.refuse(message, fix);
        } else if !url.username().is_empty() || url.password().is_some() {
            let message = format!("{} holds credentials", self.subject());
            self.refuse(message, "move them to `basic_auth: { username: …, password: … }`");
        } else if url.path() == "/" {
            self.warn_key(
                format!("{} has no path", self.subject()),
                format!("it usually is `{example}`"),
            );
        }
        Some(url)
    }

    /// The labels under `key`.
    pub fn labels(&self, key: &str, labels: Option<&BTreeMap<String, String>>) -> BTreeMap<String, String> {
        let at = self.key(key);
        for name in labels.into_iter().flat_map(BTreeMap::keys) {
            if !Labels::is_name(name) {
                let message = format!("`{name}` is no label name, in {}", at.subject());
                let fix = "label names are letters, digits and `_`, and do not begin with a digit";
                at.key(name).refuse_key(message, fix);
            }
        }
        labels.cloned().unwrap_or_default()
    }

    /// Checks the name of a source, pipeline, sink or plugin: it becomes part of metrics, addresses and file names.
    pub fn check_name(&self, name: &str) {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let good = name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        if !good || !name.chars().all(legal) {
            let fix = "names are letters, digits, `_`, `-` and `.`, and begin with a letter, digit or `_`";
            self.refuse_key(format!("`{name}` cannot be a name"), fix);
        }
    }
}
