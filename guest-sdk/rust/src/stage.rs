//! What a plugin's author implements.

use serde::de::DeserializeOwned;

use crate::{Batch, Failure, Output, Refusal, Setup};

/// A stage of a pipeline. One instance serves one place in one pipeline, one call at a time.
pub trait Stage: Sized + 'static {
    /// The settings as written in the manifest. Derive `Deserialize` with `#[serde(deny_unknown_fields)]`, so
    /// that a mistyped setting is refused by name. A stage without settings uses [`NoSettings`].
    type Settings: DeserializeOwned;

    /// Checks the settings, declares on `setup` every column the stage reads or changes, registers metrics.
    fn configure(settings: Self::Settings, setup: &mut Setup) -> Result<Self, Refusal>;

    /// Handles a batch. What is not changed stays as it is.
    fn process(&mut self, batch: &mut Batch<'_>, now: i64) -> Result<(), Failure>;

    /// The time asked for with [`Output::wake_at`] has come. Output rows stem from held rows only.
    fn tick(&mut self, out: &mut Output, now: i64) -> Result<(), Failure> {
        let _ = (out, now);
        Ok(())
    }

    /// No more batches will come: a stage that holds entries lets go of all of them here.
    fn flush(&mut self, out: &mut Output, now: i64) -> Result<(), Failure> {
        let _ = (out, now);
        Ok(())
    }
}

/// The settings of a stage that has none: `{}`, `null` or nothing.
#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoSettings {}
