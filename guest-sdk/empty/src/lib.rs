//! The stage that does nothing: it takes the columns it is told to, and changes none.
//!
//! What it costs is what any stage with the same columns pays for the sandbox; `millstream plugin bench` measures a plugin
//! against it.
//!
//! | setting | default | meaning |
//! |---|---|---|
//! | `timestamps`, `lines`, `labels` | `false` | whether that column crosses |
//! | `fields`, `metadata` | none | the columns of these names cross; `*` is all |

use millstream_stage::{Batch, Failure, Refusal, Setup, Stage, export_stage};
use serde::Deserialize;

/// In place of a column's name: all of them.
const EVERY: &str = "*";

/// Which columns cross.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    timestamps: bool,
    lines: bool,
    labels: bool,
    fields: Vec<String>,
    metadata: Vec<String>,
}

/// The stage.
#[derive(Debug)]
pub struct Empty;

impl Stage for Empty {
    type Settings = Settings;

    fn configure(settings: Settings, setup: &mut Setup) -> Result<Self, Refusal> {
        if settings.timestamps {
            setup.reads_timestamps();
        }
        if settings.lines {
            setup.reads_lines();
        }
        if settings.labels {
            setup.reads_labels();
        }
        for name in &settings.fields {
            if name == EVERY {
                setup.reads_every_field();
            } else {
                setup.reads_field(name);
            }
        }
        for name in &settings.metadata {
            if name == EVERY {
                setup.reads_every_metadata();
            } else {
                setup.reads_metadata(name);
            }
        }
        Ok(Self)
    }

    fn process(&mut self, _: &mut Batch<'_>, _now: i64) -> Result<(), Failure> {
        Ok(())
    }
}

export_stage!(Empty);

#[cfg(test)]
mod tests {
    use millstream_stage::harness::{Harness, Row};

    use super::*;

    #[test]
    fn nothing_changes() {
        let mut stage = Harness::<Empty>::new(r#"{ "lines": true, "labels": true, "fields": ["*"] }"#);
        let row = || Row::new("a").label("l", "1").field("f", "2").metadata("m", "3");
        assert_eq!(stage.push([row(), row()]), [row(), row()]);
    }
}
