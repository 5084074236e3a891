//! A case played through the real host: a stage with the limits that an agent would give it.

use std::collections::BTreeMap;
use std::sync::Arc;

use millstream_plugin_host::{Answer, Failed, Level, Limits, LogStage, Plugin, StageError};

use super::case::{Case, Expected, START, Step};
use super::entry::Entry;
use super::recorder::Recorder;
use crate::causes;

/// What a stage did with a case.
#[derive(Debug)]
pub struct Trial {
    /// What came of it, in the form of an expectation.
    pub outcome: Expected,
    /// What it logged.
    pub messages: Vec<(Level, String)>,
}

impl Trial {
    /// Plays the case. To be called on a [`super::deep`] thread.
    #[must_use]
    pub fn run(plugin: &Plugin, case: &Case, limits: &Limits) -> Self {
        let events = Arc::new(Recorder::default());
        let mut bench = Bench {
            plugin,
            case,
            limits,
            events: events.clone(),
            now: START,
            batch: Vec::new(),
            entries: Vec::new(),
            dropped: BTreeMap::new(),
        };
        let outcome = match bench.play() {
            Ok(()) => Expected::Output {
                entries: bench.entries,
                dropped: bench.dropped,
                metrics: events.series(),
            },
            Err(Stop::Refused(why)) => Expected::Refused(why),
            Err(Stop::Failed(why)) => Expected::Failed(why),
        };
        Self {
            outcome,
            messages: events.take_messages(),
        }
    }
}

/// Why a case ended early.
enum Stop {
    Refused(String),
    Failed(String),
}

impl From<StageError> for Stop {
    fn from(error: StageError) -> Self {
        match error {
            StageError::Refused(why) => Self::Refused(why),
            failed @ StageError::Failed { .. } => Self::Failed(causes::told(&failed)),
        }
    }
}

impl From<Box<Failed>> for Stop {
    fn from(failed: Box<Failed>) -> Self {
        Self::Failed(causes::told(&failed.error))
    }
}

/// A stage on the bench, and what came out of it.
struct Bench<'a> {
    plugin: &'a Plugin,
    case: &'a Case,
    limits: &'a Limits,
    events: Arc<Recorder>,
    now: i64,
    batch: Vec<Entry>,
    entries: Vec<Entry>,
    dropped: BTreeMap<String, u64>,
}

impl Bench<'_> {
    fn play(&mut self) -> Result<(), Stop> {
        let mut stage = self.fresh()?;
        for step in &self.case.steps {
            match step {
                Step::Entry(entry) => {
                    self.batch.push(entry.clone());
                    continue;
                }
                Step::NextBatch | Step::Now(_) | Step::Replay => self.end_batch(&mut stage)?,
            }
            match step {
                Step::Now(now) => {
                    self.now = *now;
                    if stage.wake_at().is_some_and(|wake_at| wake_at <= self.now) {
                        let answer = stage.tick(self.now)?;
                        self.take(&answer);
                    }
                }
                Step::Replay => {
                    let held = stage.held().rows().clone();
                    stage = self.fresh()?;
                    if !held.is_empty() {
                        let answer = stage.process(held, self.now)?;
                        self.take(&answer);
                    }
                }
                Step::Entry(_) | Step::NextBatch => {}
            }
        }
        self.end_batch(&mut stage)?;
        let answer = stage.flush(self.now)?;
        self.take(&answer);
        Ok(())
    }

    fn fresh(&self) -> Result<LogStage, Stop> {
        let plugin = self.plugin.clone();
        let stage = LogStage::new(
            plugin,
            &self.case.settings,
            self.limits.clone(),
            self.events.clone(),
        )?;
        Ok(stage)
    }

    fn end_batch(&mut self, stage: &mut LogStage) -> Result<(), Stop> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let batch = Entry::batch(&std::mem::take(&mut self.batch));
        let answer = stage.process(batch, self.now)?;
        self.take(&answer);
        Ok(())
    }

    fn take(&mut self, answer: &Answer) {
        self.entries.extend(Entry::all_of(&answer.output));
        for drop in &answer.drops {
            *self.dropped.entry(drop.reason.clone()).or_default() += u64::from(drop.count);
        }
    }
}
