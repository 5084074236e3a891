//! The stages of a pipeline in a row: a batch in, what comes out at the end.
//!
//! Invariants: order is kept; every row that goes in comes out, is held by a stage ([`Chain::owed`]), merged into one
//! that does, or is counted as dropped. A failing stage costs its own work, never the rows: a batch it fails on is halved
//! until the rows at fault stand alone, and these pass on unchanged unless its `on_error` says otherwise. When rows pass a stage by that holds earlier ones of their streams, it lets go
//! of what it holds first: the block that is cut so would have had a hole in it, and come after its own rest.
//!
//! Plain state, no IO: a worker's thread only carries it, so simulated schedules can drive it too.

pub mod swap;

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use millstream_batch::{Field, Labels, LogBatch};
use millstream_plugin_host::{Answer, CallError, EVERY, Failed};

use crate::causes;
use crate::manifest::OnError;
use crate::stages::Stage;
use crate::stages::stage::Left;

/// The stages of a pipeline in a row.
pub struct Chain {
    stages: Vec<Stage>,
    /// Per stage, entries merged away further up whose rows this stage holds.
    debts: Vec<Vec<Debt>>,
    wanted: Vec<String>,
}

/// Sequence numbers that stay owed while the stage holds a row with an id below `until`: of entries that vanished further
/// up, and of all rows that came with them. Which row an entry went into is not known, and a position must not come to
/// lie between the two: after a crash the rest of a block would arrive without its beginning.
struct Debt {
    until: u64,
    seqs: Vec<u64>,
}

/// A stage that must not go on has failed.
#[derive(Debug, thiserror::Error)]
#[error("stage `{stage}` failed and its on_error is `halt`: {why}")]
pub struct Halted {
    stage: String,
    why: String,
}

/// What is called on the first stage of a walk.
enum Call {
    Process(LogBatch),
    Tick,
    Flush,
}

impl Chain {
    /// These stages in this order.
    #[must_use]
    pub fn new(stages: Vec<Stage>) -> Self {
        let mut wanted: Vec<String> = stages
            .iter()
            .flat_map(|stage| stage.interest().fields.iter().cloned())
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        let debts = stages.iter().map(|_| Vec::new()).collect();
        Self {
            stages,
            debts,
            wanted,
        }
    }

    /// Walks a batch through all stages.
    ///
    /// # Errors
    /// When a stage fails whose `on_error` is `halt`.
    pub fn walk(&mut self, mut batch: LogBatch, now: i64) -> Result<Vec<LogBatch>, Halted> {
        self.extract_labels(&mut batch);
        let mut out = Vec::new();
        self.step(0, Call::Process(batch), Vec::new(), now, &mut out)?;
        Ok(out)
    }

    /// Lets the stages work whose time has come.
    ///
    /// # Errors
    /// Likewise.
    pub fn tick(&mut self, now: i64) -> Result<Vec<LogBatch>, Halted> {
        let mut out = Vec::new();
        for index in 0..self.stages.len() {
            if self.stages[index].wake_at().is_some_and(|at| at <= now) {
                self.step(index, Call::Tick, Vec::new(), now, &mut out)?;
            }
        }
        Ok(out)
    }

    /// Lets go of everything, first stage first, so that what it releases goes through the others.
    ///
    /// # Errors
    /// Likewise.
    pub fn flush(&mut self, now: i64) -> Result<Vec<LogBatch>, Halted> {
        let mut out = Vec::new();
        for index in 0..self.stages.len() {
            if self.stages[index].interest().holds {
                self.step(index, Call::Flush, Vec::new(), now, &mut out)?;
            }
        }
        Ok(out)
    }

    /// When the next stage wants to be called, in nanoseconds since the epoch.
    #[must_use]
    pub fn wake_at(&self) -> Option<i64> {
        self.stages.iter().filter_map(Stage::wake_at).min()
    }

    /// Sequence numbers of all entries that stages keep back.
    pub fn owed(&self) -> impl Iterator<Item = u64> + '_ {
        let held = self
            .stages
            .iter()
            .flat_map(|stage| stage.held().rows().seqs.iter().copied());
        held.chain(self.debts())
    }

    /// Those of them that were merged into other rows, which may have gone out already.
    pub fn debts(&self) -> impl Iterator<Item = u64> + '_ {
        let debts = self.debts.iter().flatten();
        debts.flat_map(|debt| debt.seqs.iter().copied())
    }

    /// One call on stage `index`, and what comes of it through the stages behind. `vanished` are entries that went
    /// into the batch's rows further up, and rows that came with them.
    fn step(
        &mut self,
        index: usize,
        call: Call,
        mut vanished: Vec<u64>,
        now: i64,
        out: &mut Vec<LogBatch>,
    ) -> Result<(), Halted> {
        if index >= self.stages.len() {
            if let Call::Process(batch) = call {
                out.extend((!batch.is_empty()).then_some(batch));
            }
            return Ok(());
        }
        if matches!(&call, Call::Process(batch) if batch.is_empty()) {
            return Ok(());
        }
        if let Some(released) = self.stages[index].recycle(now) {
            self.rebase_debts(index);
            self.pass_on(index, released, Vec::new(), now, out)?;
        }
        let stage = &mut self.stages[index];
        let started = Stage::clock();
        let result = match call {
            Call::Process(batch) if stage.is_passed_by(now) => {
                stage.passes_by(batch.len());
                return self.refuse(index, batch, None, vanished, now, out);
            }
            Call::Process(batch) => {
                // Only a stage that may keep rows back makes a debt of them.
                if !vanished.is_empty() && stage.interest().holds {
                    vanished.extend(&batch.seqs);
                }
                stage.process(batch, now)
            }
            Call::Tick => stage.tick(now),
            Call::Flush => stage.flush(now),
        };
        match result {
            Ok(answer) => self.pass_on(index, answer, vanished, now, out),
            Err(failed) => self.failed(index, *failed, started.elapsed(), vanished, now, out),
        }
    }

    fn pass_on(
        &mut self,
        index: usize,
        answer: Answer,
        mut vanished: Vec<u64>,
        now: i64,
        out: &mut Vec<LogBatch>,
    ) -> Result<(), Halted> {
        let held = self.stages[index].held().ids();
        let debts = &mut self.debts[index];
        let lowest = held.first().copied().unwrap_or(u64::MAX);
        for settled in debts.extract_if(.., |debt| debt.until <= lowest) {
            vanished.extend(settled.seqs);
        }
        let kept_from_call = held.last().is_some_and(|&id| id >= answer.first_id);
        if kept_from_call && !vanished.is_empty() {
            // Some of it may live on in a row held here; all of it waits.
            let until = held.last().map_or(0, |id| id + 1);
            debts.push(Debt {
                until,
                seqs: std::mem::take(&mut vanished),
            });
        }
        vanished.extend(answer.vanished);
        self.step(index + 1, Call::Process(answer.output), vanished, now, out)
    }

    /// A call failed: the batch is halved until the rows at fault stand alone.
    fn failed(
        &mut self,
        index: usize,
        failed: Failed,
        took: Duration,
        vanished: Vec<u64>,
        now: i64,
        out: &mut Vec<LogBatch>,
    ) -> Result<(), Halted> {
        let left = self.stages[index].note_failure(&failed, took, now);
        let Failed {
            batch,
            released,
            stranded,
            error,
        } = failed;
        self.rebase_debts(index);
        self.pass_on(index, released, Vec::new(), now, out)?;
        if !stranded.is_empty() {
            self.refuse(index, stranded, Some(&error), Vec::new(), now, out)?;
        }
        if left == Left::PassedBy {
            let held = self.stages[index].give_up();
            self.refuse(index, held, Some(&error), Vec::new(), now, out)?;
        } else if batch.len() > 1 {
            let half = batch.len() / 2;
            let (first, second) = (batch.rows(0..half), batch.rows(half..batch.len()));
            drop(batch);
            self.step(index, Call::Process(first), vanished.clone(), now, out)?;
            return self.step(index, Call::Process(second), vanished, now, out);
        }
        self.refuse(index, batch, Some(&error), vanished, now, out)
    }

    /// Does with rows what the stage's `on_error` says: they are at fault (`why`), or pass it by while it is out of the way.
    fn refuse(
        &mut self,
        index: usize,
        mut batch: LogBatch,
        why: Option<&CallError>,
        vanished: Vec<u64>,
        now: i64,
        out: &mut Vec<LogBatch>,
    ) -> Result<(), Halted> {
        let stage = &mut self.stages[index];
        if batch.is_empty() {
            // Nothing is held any more, or nothing was at fault but the call: what is owed through it may go.
            return self.pass_on(index, Answer::default(), vanished, now, out);
        }
        if let Some(error) = why {
            stage.report(error, &batch);
        }
        let kind = why.map_or("passed by", CallError::kind);
        match (stage.on_error(), why) {
            (OnError::Halt, Some(error)) => {
                return Err(Halted {
                    stage: stage.name().into(),
                    why: causes::told(error),
                });
            }
            (OnError::Drop, _) => {
                stage.dropped(batch.len());
                return self.pass_on(index, Answer::default(), vanished, now, out);
            }
            (OnError::DeadLetter, _) => {
                let error = why.map_or_else(|| kind.to_owned(), |error| causes::told(error));
                match stage.put_aside(&batch, &error, now) {
                    Ok(()) => return self.pass_on(index, Answer::default(), vanished, now, out),
                    Err(error) => stage.could_not_put_aside(&error, batch.len()),
                }
            }
            (OnError::Pass | OnError::Halt, _) => {}
        }
        if self.would_overtake(index, &batch) {
            self.step(index, Call::Flush, Vec::new(), now, out)?;
            if self.would_overtake(index, &batch) {
                let held = self.stages[index].give_up();
                self.refuse(index, held, why, Vec::new(), now, out)?;
            }
        }
        mark(&mut batch, self.stages[index].name(), kind);
        self.step(index + 1, Call::Process(batch), vanished, now, out)
    }

    /// A fresh instance was fed the held rows under new ids: the debts of the stage wait for all of these.
    fn rebase_debts(&mut self, index: usize) {
        let until = self.stages[index].held().ids().last().map_or(0, |id| id + 1);
        for debt in &mut self.debts[index] {
            debt.until = until;
        }
    }

    /// Whether a stage holds rows of a stream that the batch has rows of, too.
    fn would_overtake(&self, index: usize, batch: &LogBatch) -> bool {
        let held = self.stages[index].held().rows();
        let streams = |batch: &LogBatch| (0..batch.len()).map(|row| batch.labels_of(row)).collect();
        let (held, passing): (HashSet<Labels>, HashSet<Labels>) = (streams(held), streams(batch));
        !held.is_disjoint(&passing)
    }

    /// Labels that a stage wants to read as extracted values: `loki.process` starts its extracted map with a copy of
    /// all labels, so a stage's `source` may name one.
    fn extract_labels(&self, batch: &mut LogBatch) {
        let every = self.wanted.iter().any(|name| name == EVERY);
        let names: Vec<String> = if every {
            let all: BTreeSet<&str> = batch
                .labels
                .iter()
                .flat_map(|labels| labels.iter().map(|(name, _)| name))
                .collect();
            all.into_iter().map(String::from).collect()
        } else {
            self.wanted.clone()
        };
        for name in &names {
            if batch.field(name).is_some() || !batch.labels.iter().any(|labels| labels.get(name).is_some()) {
                continue;
            }
            let values = batch
                .streams
                .iter()
                .map(|&stream| batch.labels.get(stream as usize)?.get(name));
            let field = Field::from_values(name.as_str(), values);
            batch.fields.push(field);
        }
    }
}

/// Notes in structured metadata that a stage did not work on these rows.
fn mark(batch: &mut LogBatch, stage: &str, kind: &str) {
    const NAME: &str = "stage_error";
    let text = format!("{stage}: {kind}");
    let field = Field::from_values(NAME, (0..batch.len()).map(|_| Some(text.as_str())));
    batch.metadata.retain(|field| &*field.name != NAME);
    batch.metadata.push(field);
}

#[cfg(test)]
mod tests;
