//! `script`: runs a small program that stands in the manifest on every entry.
//!
//! | setting | default | |
//! |---|---|---|
//! | `code` | required | the program, in Rhai |
//! | `on_error` | `pass` | an entry whose run fails: `pass` unchanged, `drop` it as `script_error`, or `fail` the call, so that the stage's own `on_error` applies |
//! | `operations` | 50000 | steps that one entry may take, at most 500000 |
//!
//! `README.md` beside this crate is the program's author's page.
//!
//! Invariants:
//! - An entry whose run fails is as it was: a program's changes are written after it has ended well.
//! - Mistakes that can be seen in the text are refused by `configure` with line and column: syntax, unknown variables and
//!   functions, broken patterns, texts computed for nothing.
//! - Only the columns that the program uses cross.
//! - Whatever a program does, a call stays far below the sandbox's default limits: too much is an error of the entry.
//!
//! Why Rhai, and what it was compared with: ARCHITECTURE.md, "Rhai for scripts".

use std::collections::BTreeSet;

use millstream_stage::{Batch, Counter, Failure, Refusal, Setup, Stage, export_stage, log};
use serde::Deserialize;

use fault::Fault;
use program::{Outcome, Program};

mod each;
mod engine;
mod fault;
mod functions;
mod meter;
mod order;
mod program;
mod row;
mod survey;
mod text;

#[cfg(test)]
mod tests;

/// What failed entries are counted under when they are dropped.
const FAILED: &str = "script_error";

/// Steps that one entry may take: about 5 ms, thousands of times what a rule of two lines needs.
const OPERATIONS: u64 = 50_000;

/// The most that `operations` can be: what every entry of a call can have, however many there are.
const MOST_OPERATIONS: u64 = program::OPERATIONS_PER_CALL / 2;

/// Reasons of `drop` that are counted by name. Each is a time series, and a program can make one of every line.
const REASONS: usize = 50;

/// Characters of a reason; a program may drop with a whole line.
const REASON: usize = 100;

/// Places of the program whose errors are logged; each is logged once.
const LOGGED: usize = 20;

/// The settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The program.
    code: String,
    #[serde(default)]
    on_error: OnError,
    #[serde(default = "default_operations")]
    operations: u64,
}

/// What becomes of an entry whose run failed.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum OnError {
    #[default]
    Pass,
    Drop,
    Fail,
}

fn default_operations() -> u64 {
    OPERATIONS
}

/// The stage.
pub struct Script {
    program: Program,
    on_error: OnError,
    errors: Counter,
    /// Where errors were logged.
    logged: BTreeSet<(Option<usize>, Option<usize>)>,
    reasons: BTreeSet<String>,
}

impl Stage for Script {
    type Settings = Settings;

    fn configure(settings: Settings, setup: &mut Setup) -> Result<Self, Refusal> {
        if !(1..=MOST_OPERATIONS).contains(&settings.operations) {
            let message = format!("must be from 1 to {MOST_OPERATIONS}");
            return Err(Refusal::setting("operations", message));
        }
        let program = Program::new(&settings.code, settings.operations);
        let program = program.map_err(|fault| Refusal::setting("code", fault))?;
        program.survey().declare(setup);
        let errors = setup.counter("script_errors_total", "Entries whose program failed.", &[])?;
        Ok(Self {
            program,
            on_error: settings.on_error,
            errors,
            logged: BTreeSet::new(),
            reasons: BTreeSet::new(),
        })
    }

    fn process(&mut self, batch: &mut Batch<'_>, _now: i64) -> Result<(), Failure> {
        self.program.open(batch)?;
        let mut failed = 0_u32;
        for entry in batch.entries() {
            match self.program.run(entry) {
                Outcome::Passed => {}
                Outcome::Dropped(reason) => entry.drop(self.counted(&reason)),
                Outcome::Failed(fault) => {
                    failed += 1;
                    self.log(&fault);
                    match self.on_error {
                        OnError::Pass => {}
                        OnError::Drop => entry.drop(FAILED),
                        OnError::Fail => {
                            self.errors.add(&[], f64::from(failed));
                            return Err(Failure::new(format!("`code` {fault}")));
                        }
                    }
                }
            }
        }
        if failed > 0 {
            self.errors.add(&[], f64::from(failed));
        }
        Ok(())
    }
}

impl Script {
    /// The reason as it is counted: the first [`REASONS`] by name, so far as [`REASON`] reaches.
    fn counted<'r>(&mut self, reason: &'r str) -> &'r str {
        let end = reason.char_indices().nth(REASON).map(|(end, _)| end);
        let reason = end.and_then(|end| reason.get(..end)).unwrap_or(reason);
        if !self.reasons.contains(reason) {
            if self.reasons.len() == REASONS {
                return engine::DROPPED;
            }
            self.reasons.insert(reason.to_owned());
        }
        reason
    }

    /// Tells an error, once per place of the program.
    fn log(&mut self, fault: &Fault) {
        let place = (fault.place().line(), fault.place().position());
        if self.logged.len() < LOGGED && self.logged.insert(place) {
            let then = match self.on_error {
                OnError::Pass => "the entry passes unchanged",
                OnError::Drop => "the entry is dropped",
                OnError::Fail => "the call fails",
            };
            log::warn(&format!(
                "`code` {fault}; {then} (told once per place, counted always)"
            ));
        }
    }
}

export_stage!(Script);
