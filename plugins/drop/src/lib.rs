//! `drop`: leaves out entries that meet every condition given.
//!
//! Conditions, all optional but one, joined by "and":
//! - `longer_than`: the line has more bytes than that.
//! - `older_than`: the timestamp is earlier than that long before now.
//! - `expression` or `value` alone: the pattern matches the line. With `source`: it matches the values of the
//!   sources that are there, joined by `separator`. `value` means exactly that text.
//! - `source` alone: every source is there, with whatever value.
//!
//! `source` lists fields (or labels) divided by commas; blanks belong to the names. Each dropped entry is counted
//! under `drop_counter_reason`.
//!
//! As in Alloy, an expression on sources of which none is there is matched against the empty text, and an empty
//! `value` counts as not given. A negative `older_than`, which would drop entries of the future, is refused.

mod size;

use millstream_pattern::Pattern;
use millstream_stage::{Batch, Failure, GoDuration, Refusal, Setup, Source, Sourced, Stage, export_stage};
use size::Size;

/// The settings, as in a manifest.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Names of fields or labels, divided by commas.
    #[serde(default)]
    source: String,
    /// Between the values of several sources.
    #[serde(default)]
    separator: String,
    /// A pattern (RE2).
    #[serde(default)]
    expression: String,
    /// The one text to drop, instead of an expression.
    #[serde(default)]
    value: String,
    #[serde(default)]
    older_than: GoDuration,
    #[serde(default)]
    longer_than: Size,
    /// Under which name dropped entries are counted.
    #[serde(default)]
    drop_counter_reason: String,
}

/// The stage.
pub struct Drop {
    sources: Vec<Source>,
    separator: String,
    text: Option<Text>,
    /// Nanoseconds.
    older_than: Option<i64>,
    /// Bytes.
    longer_than: Option<u64>,
    reason: String,
}

/// What a text has to be.
enum Text {
    Like(Box<Pattern>),
    Exactly(String),
}

impl Stage for Drop {
    type Settings = Settings;

    fn configure(settings: Settings, setup: &mut Setup) -> Result<Self, Refusal> {
        let given = |text: &String| !text.is_empty();
        let (older, longer) = (settings.older_than.nanos(), settings.longer_than.bytes());
        if !given(&settings.source) && !given(&settings.expression) && older == 0 && longer == 0 {
            return Err(Refusal::new(
                "needs one of source, expression, older_than, longer_than",
            ));
        }
        if given(&settings.value) && given(&settings.expression) {
            return Err(Refusal::setting("value", "cannot be combined with expression"));
        }
        if given(&settings.value) && !given(&settings.source) {
            return Err(Refusal::setting("value", "needs a source to compare with"));
        }
        if older < 0 {
            return Err(Refusal::setting("older_than", "must not be negative"));
        }
        let text = if given(&settings.value) {
            Some(Text::Exactly(settings.value))
        } else if given(&settings.expression) {
            let pattern = Pattern::new(&settings.expression);
            let pattern = pattern.map_err(|error| Refusal::setting("expression", error))?;
            Some(Text::Like(Box::new(pattern)))
        } else {
            None
        };
        let names = settings.source.split(',').filter(|_| given(&settings.source));
        let sources: Vec<Source> = names.map(|name| Source::new(name, setup)).collect();
        if longer > 0 || (text.is_some() && sources.is_empty()) {
            setup.reads_lines();
        }
        if older > 0 {
            setup.reads_timestamps();
        }
        Ok(Self {
            sources,
            separator: or(settings.separator, ";"),
            text,
            older_than: (older > 0).then_some(older),
            longer_than: (longer > 0).then_some(longer),
            reason: or(settings.drop_counter_reason, "drop_stage"),
        })
    }

    fn process(&mut self, batch: &mut Batch<'_>, now: i64) -> Result<(), Failure> {
        let sources = self
            .sources
            .iter()
            .map(|source| source.of(batch))
            .collect::<Result<Vec<_>, _>>()?;
        let lines = if self.longer_than.is_some() || self.sources.is_empty() && self.text.is_some() {
            Some(batch.lines()?)
        } else {
            None
        };
        let oldest = match self.older_than {
            Some(age) => Some((batch.timestamps()?, now.saturating_sub(age))),
            None => None,
        };
        let mut joined = String::new();
        for row in 0..batch.len() {
            let line = lines.map_or("", |lines| lines.get(row));
            let long_enough = self.longer_than.is_none_or(|most| line.len() as u64 > most);
            let old_enough = oldest.is_none_or(|(timestamps, oldest)| timestamps[row] < oldest);
            if long_enough && old_enough && self.text_fits(line, &sources, row, &mut joined) {
                batch.entry(row).drop(&self.reason);
            }
        }
        Ok(())
    }
}

impl Drop {
    /// Whether the conditions on texts are met. `joined` is only a buffer.
    fn text_fits(&self, line: &str, sources: &[Sourced<'_>], row: usize, joined: &mut String) -> bool {
        let values = || sources.iter().map(|source| source.get(row));
        match (&self.text, sources) {
            (None, _) => values().all(|value| value.is_some()),
            (Some(text), []) => text.fits(line),
            (Some(text), [source]) => text.fits(source.get(row).unwrap_or_default()),
            (Some(text), _) => {
                joined.clear();
                for (i, value) in values().flatten().enumerate() {
                    if i > 0 {
                        joined.push_str(&self.separator);
                    }
                    joined.push_str(value);
                }
                text.fits(joined)
            }
        }
    }
}

impl Text {
    fn fits(&self, text: &str) -> bool {
        match self {
            Self::Like(pattern) => pattern.is_match(text),
            Self::Exactly(wanted) => text == wanted,
        }
    }
}

fn or(text: String, default: &str) -> String {
    if text.is_empty() { default.to_owned() } else { text }
}

export_stage!(Drop);

#[cfg(test)]
mod tests;
