//! A configured stage behind the contract's types: what the sandbox exports, what a native twin links, and
//! what the harness drives. All three run this code and no other.

use crate::contract::{self, LogBatch, LogEdit};
use crate::setup::Interest;
use crate::{Batch, Failure, Output, Refusal, Setup, Stage, settings};

/// A stage, configured.
#[derive(Debug)]
pub struct Instance<S> {
    stage: S,
    interest: Interest,
}

impl<S: Stage> Instance<S> {
    /// Configures a stage from its settings as JSON; nothing and `null` mean `{}`.
    pub fn configure(settings: &str) -> Result<Self, Refusal> {
        let settings = settings::parse(settings)?;
        let mut setup = Setup::new();
        let stage = S::configure(settings, &mut setup)?;
        Ok(Self {
            stage,
            interest: setup.into_interest(),
        })
    }

    /// The columns the stage declared.
    pub fn interest(&self) -> contract::Interest {
        self.interest.to_contract()
    }

    /// Handles a batch.
    pub fn process(&mut self, batch: LogBatch, now: i64) -> Result<LogEdit, contract::Failure> {
        let mut batch = Batch::new(batch, &self.interest).map_err(failed)?;
        self.stage.process(&mut batch, now).map_err(failed)?;
        batch.finish().map_err(failed)
    }

    /// The time asked for has come.
    pub fn tick(&mut self, now: i64) -> Result<LogEdit, contract::Failure> {
        let mut out = Output::default();
        self.stage.tick(&mut out, now).map_err(failed)?;
        Ok(out.into_contract())
    }

    /// No more batches will come.
    pub fn flush(&mut self, now: i64) -> Result<LogEdit, contract::Failure> {
        let mut out = Output::default();
        self.stage.flush(&mut out, now).map_err(failed)?;
        Ok(out.into_contract())
    }
}

fn failed(failure: Failure) -> contract::Failure {
    contract::Failure {
        message: failure.message().to_owned(),
    }
}
