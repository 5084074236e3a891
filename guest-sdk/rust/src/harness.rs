//! Runs a stage natively by the host's rules, for its author's tests.
//!
//! Only declared columns cross, held rows keep their columns outside the stage, ticks come when asked for, and
//! time moves only by [`Harness::advance`]. Every answer is checked as the host would check it; a violation
//! panics with what was wrong. [`Harness::replay`] replaces the stage by a fresh one and feeds it the held
//! entries, as the host does after a trap or a reload: a stage whose output depends on more than that is wrong.

#![expect(clippy::panic, reason = "a test harness reports by panicking, like `assert!`")]

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::time::Duration;

use crate::contract::{LogEdit, host::Level};
use crate::host::native::{self, Recording};
use crate::{Instance, Stage};

pub use row::Row;

mod check;
mod cross;
mod row;
#[cfg(test)]
mod tests;

/// When a harness starts, and the timestamp of rows that name none: 2026-01-01T00:00:00Z.
pub const START: i64 = 1_767_225_600_000_000_000;

/// One stage in one place, and what a host would keep beside it.
#[derive(Debug)]
pub struct Harness<S> {
    stage: Instance<S>,
    settings: String,
    now: i64,
    next_id: u64,
    held: BTreeMap<u64, Row>,
    wake_at: Option<i64>,
    drops: BTreeMap<String, u64>,
    merged: u64,
    recording: Recording,
    kind: PhantomData<S>,
}

impl<S: Stage> Harness<S> {
    /// A configured stage. The settings are what a manifest says, as JSON.
    pub fn new(settings: impl ToString) -> Self {
        let settings = settings.to_string();
        let before = native::swap(Some(Recording::default()));
        let stage = Instance::configure(&settings);
        let recording = native::swap(before).unwrap_or_default();
        let stage = stage.unwrap_or_else(|refusal| panic!("the stage refused {settings}: {refusal}"));
        Self {
            stage,
            settings,
            now: START,
            next_id: 0,
            held: BTreeMap::new(),
            wake_at: None,
            drops: BTreeMap::new(),
            merged: 0,
            recording,
            kind: PhantomData,
        }
    }

    /// Why the stage refuses these settings.
    pub fn refusal(settings: impl ToString) -> String {
        let settings = settings.to_string();
        match Instance::<S>::configure(&settings) {
            Ok(_) => panic!("the stage accepted {settings}"),
            Err(refusal) => refusal.message().to_owned(),
        }
    }

    /// Sends one batch through the stage and answers what came out.
    pub fn push<R: Into<Row>>(&mut self, rows: impl IntoIterator<Item = R>) -> Vec<Row> {
        self.try_push(rows)
            .unwrap_or_else(|message| panic!("the stage failed: {message}"))
    }

    /// Sends one batch through the stage, which may fail. After a failure nothing has changed.
    pub fn try_push<R: Into<Row>>(&mut self, rows: impl IntoIterator<Item = R>) -> Result<Vec<Row>, String> {
        let rows: Vec<Row> = rows.into_iter().map(Into::into).collect();
        let first = self.next_id;
        self.next_id += rows.len() as u64;
        self.batch(first, rows)
    }

    /// Lets time pass. The stage is called whenever it asked for that.
    pub fn advance(&mut self, time: Duration) -> Vec<Row> {
        let until = self.now + time.as_nanos() as i64;
        let mut out = Vec::new();
        while let Some(due) = self.wake_at.filter(|due| *due <= until) {
            self.now = self.now.max(due);
            let now = self.now;
            let edit = self.recorded(|stage| stage.tick(now).map_err(|failure| failure.message));
            let edit = edit.unwrap_or_else(|message| panic!("tick failed: {message}"));
            assert!(
                edit.wake_at != Some(due),
                "the stage asks to be woken at {due} for ever"
            );
            out.extend(self.settle(0, Vec::new(), edit));
        }
        self.now = until;
        out
    }

    /// No more batches: the stage has to let go of everything.
    pub fn flush(&mut self) -> Vec<Row> {
        let now = self.now;
        let edit = self.recorded(|stage| stage.flush(now).map_err(|failure| failure.message));
        let edit = edit.unwrap_or_else(|message| panic!("flush failed: {message}"));
        let out = self.settle(0, Vec::new(), edit);
        assert!(
            self.held.is_empty(),
            "after flush the stage still holds {:?}",
            self.held()
        );
        out
    }

    /// Replaces the stage by a fresh one with the same settings and feeds it the held entries, in stretches of
    /// consecutive ids. Answers what came out, which is nothing for a stage that decides by what it holds.
    pub fn replay(&mut self) -> Vec<Row> {
        let fresh = Instance::configure(&self.settings);
        self.stage = fresh.unwrap_or_else(|refusal| panic!("refused on replay: {refusal}"));
        self.wake_at = None;
        let mut stretches: Vec<(u64, Vec<Row>)> = Vec::new();
        for (id, row) in std::mem::take(&mut self.held) {
            match stretches.last_mut() {
                Some((first, rows)) if *first + rows.len() as u64 == id => rows.push(row),
                _ => stretches.push((id, vec![row])),
            }
        }
        let mut out = Vec::new();
        for (first, rows) in stretches {
            let rows = self.batch(first, rows);
            out.extend(rows.unwrap_or_else(|message| panic!("the stage failed on replay: {message}")));
        }
        out
    }

    /// The ids of the rows the stage holds.
    pub fn held(&self) -> Vec<u64> {
        self.held.keys().copied().collect()
    }

    /// When the stage wants to be called.
    pub fn wake_at(&self) -> Option<i64> {
        self.wake_at
    }

    /// What time it is.
    pub fn now(&self) -> i64 {
        self.now
    }

    /// How many rows were dropped on purpose for `reason`.
    pub fn dropped(&self, reason: &str) -> u64 {
        self.drops.get(reason).copied().unwrap_or_default()
    }

    /// How many rows vanished uncounted: merged into others.
    pub fn merged(&self) -> u64 {
        self.merged
    }

    /// What the stage logged so far.
    pub fn messages(&self) -> &[(Level, String)] {
        &self.recording.messages
    }

    /// The value of a metric's series; a histogram's is the sum of its observations.
    pub fn metric(&self, name: &str, label_values: &[&str]) -> f64 {
        let Some(handle) = self.recording.metrics.iter().position(|other| other == name) else {
            panic!(
                "no metric `{name}` was registered, but {:?}",
                self.recording.metrics
            );
        };
        let values = label_values.iter().map(|value| (*value).to_owned()).collect();
        self.recording
            .series
            .get(&(handle as u32, values))
            .copied()
            .unwrap_or_default()
    }

    fn batch(&mut self, first: u64, rows: Vec<Row>) -> Result<Vec<Row>, String> {
        let now = self.now;
        let batch = cross::batch(first, &rows, &self.stage.interest());
        let edit = self.recorded(|stage| stage.process(batch, now).map_err(|failure| failure.message))?;
        Ok(self.settle(first, rows, edit))
    }

    fn recorded<T>(&mut self, call: impl FnOnce(&mut Instance<S>) -> T) -> T {
        let before = native::swap(Some(std::mem::take(&mut self.recording)));
        let answer = call(&mut self.stage);
        self.recording = native::swap(before).unwrap_or_default();
        answer
    }

    /// Checks an edit, applies it, and keeps the books.
    fn settle(&mut self, first: u64, rows: Vec<Row>, edit: LogEdit) -> Vec<Row> {
        let count = rows.len();
        let mut known = std::mem::take(&mut self.held);
        let before = known.len() + count;
        let sets = cross::distinct_labels(&rows);
        known.extend(
            rows.into_iter()
                .enumerate()
                .map(|(row, entry)| (first + row as u64, entry)),
        );
        let given = check::Given {
            first,
            rows: count,
            known: &known,
            sets: &sets,
            interest: &self.stage.interest(),
        };
        if let Err(violation) = check::edit(&given, &edit) {
            panic!("the stage broke the contract: {violation}");
        }
        let out = cross::apply(&given, &edit);
        let stay = check::staying(&given, &edit);
        let drops: u64 = edit.drops.iter().map(|drop| u64::from(drop.count)).sum();
        self.merged += (before - stay) as u64 - drops;
        for drop in edit.drops {
            *self.drops.entry(drop.reason).or_default() += u64::from(drop.count);
        }
        self.held = edit
            .held
            .iter()
            .filter_map(|id| Some((*id, known.remove(id)?)))
            .collect();
        self.wake_at = edit.wake_at;
        out
    }
}
