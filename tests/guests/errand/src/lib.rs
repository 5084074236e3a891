//! A stage that goes outside for everything WASI has and logs what it finds.

mod errand;
#[cfg(target_family = "wasm")]
mod outside;

pub use errand::{ERRANDS, Errand};
use millstream_stage::{Batch, Failure, Refusal, Setup, Stage, export_stage};

/// The settings.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    errand: String,
}

/// The stage.
pub struct Runner {
    errand: Errand,
}

impl Stage for Runner {
    type Settings = Settings;

    fn configure(settings: Settings, setup: &mut Setup) -> Result<Self, Refusal> {
        let errand = ERRANDS.iter().find(|(name, _)| *name == settings.errand);
        let Some(&(_, errand)) = errand else {
            return Err(Refusal::setting("errand", "no such errand"));
        };
        setup.reads_lines();
        if errand == Errand::Clocks {
            go(errand, "");
        }
        Ok(Self { errand })
    }

    fn process(&mut self, batch: &mut Batch<'_>, _now: i64) -> Result<(), Failure> {
        for line in batch.lines()?.iter() {
            go(self.errand, line);
        }
        Ok(())
    }
}

#[cfg(target_family = "wasm")]
use outside::go;

/// There is no outside but in a sandbox.
#[cfg(not(target_family = "wasm"))]
fn go(_: Errand, _: &str) {}

export_stage!(Runner);
