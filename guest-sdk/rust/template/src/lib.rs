//! The stage `{{name}}`: replaces a word in every line by `***`, and counts how often.

use millstream_stage::{Batch, Counter, Failure, Refusal, Setup, Stage, export_stage};
use serde::Deserialize;

/// The settings, as a manifest gives them. An unknown one is refused by its name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    word: String,
}

/// The stage.
#[derive(Debug)]
pub struct Plugin {
    word: String,
    replaced: Counter,
}

impl Stage for Plugin {
    type Settings = Settings;

    fn configure(settings: Settings, setup: &mut Setup) -> Result<Self, Refusal> {
        if settings.word.is_empty() {
            return Err(Refusal::setting("word", "must not be empty"));
        }
        // Only what is declared crosses into the sandbox.
        setup.reads_lines();
        Ok(Self {
            word: settings.word,
            replaced: setup.counter("{{name}}_total", "Words replaced.", &[])?,
        })
    }

    fn process(&mut self, batch: &mut Batch<'_>, _now: i64) -> Result<(), Failure> {
        let mut replaced = 0;
        for entry in batch.entries() {
            let found = entry.line().matches(&self.word).count();
            if found > 0 {
                entry.set_line(&entry.line().replace(&self.word, "***"));
                replaced += found;
            }
        }
        if replaced > 0 {
            self.replaced.add(&[], replaced as f64);
        }
        Ok(())
    }
}

export_stage!(Plugin);

#[cfg(test)]
mod tests {
    use millstream_stage::harness::Harness;

    use super::*;

    #[test]
    fn the_word_is_replaced_and_counted() {
        let mut stage = Harness::<Plugin>::new(r#"{ "word": "secret" }"#);
        assert_eq!(stage.push(["a secret, secret", "nothing"]), ["a ***, ***", "nothing"]);
        assert_eq!(stage.metric("{{name}}_total", &[]), 2.0);
    }

    #[test]
    fn a_word_is_needed() {
        assert!(Harness::<Plugin>::refusal("{}").contains("`word`"));
        assert!(Harness::<Plugin>::refusal(r#"{ "word": "" }"#).contains("`word`"));
    }
}
