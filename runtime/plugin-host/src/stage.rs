//! A stage: a plugin configured for a place in a pipeline, its limits, and the rows it keeps back.
//!
//! State is a fold over held rows. When an instance fails, a fresh one is fed the held rows again and goes on from
//! there; no snapshot format, nothing lost. What to do with the batch that hurt is the caller's policy: it gets the
//! batch back, whole.

use std::sync::Arc;

use millstream_batch::{DropCount, Edit, Held, LogBatch, apply};

use crate::bounds;
use crate::error::{CallError, StageError};
use crate::events::StageEvents;
use crate::instance::Instance;
use crate::interest::Interest;
use crate::limits::Limits;
use crate::plugin::Plugin;

/// What came of a call.
#[derive(Debug, Default)]
pub struct Answer {
    /// What goes on.
    pub output: LogBatch,
    /// Sequence numbers of rows that went nowhere: see [`millstream_batch::Applied::vanished`].
    pub vanished: Vec<u64>,
    /// Rows dropped on purpose.
    pub drops: Vec<DropCount>,
    /// The lowest id the call's own batch had; rows held from it have this or a higher id.
    pub first_id: u64,
}

/// A call failed. The instance is gone, a fresh one has the rows held before.
#[derive(Debug)]
pub struct Failed {
    /// The batch, as it was; empty after `tick` and `flush`.
    pub batch: LogBatch,
    /// What the fresh instance let go of while the held rows were fed to it, or those rows themselves when it
    /// failed again.
    pub released: Answer,
    /// Why.
    pub error: CallError,
}

/// A configured plugin.
pub struct LogStage {
    plugin: Plugin,
    settings: String,
    limits: Limits,
    events: Arc<dyn StageEvents>,
    interest: Interest,
    instance: Option<Instance>,
    next_id: u64,
    held: Held,
    wake_at: Option<i64>,
}

impl LogStage {
    /// Makes an instance and configures it with `settings` (JSON).
    ///
    /// # Errors
    /// When the plugin refuses its settings or fails.
    pub fn new(
        plugin: Plugin,
        settings: &serde_json::Value,
        limits: Limits,
        events: Arc<dyn StageEvents>,
    ) -> Result<Self, StageError> {
        let settings = settings.to_string();
        let (instance, interest) = Instance::new(&plugin, &settings, &limits, events.clone())?;
        Ok(Self {
            plugin,
            settings,
            limits,
            events,
            interest,
            instance: Some(instance),
            next_id: 0,
            held: Held::default(),
            wake_at: None,
        })
    }

    /// The plugin it runs.
    #[must_use]
    pub fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// Which columns it reads.
    #[must_use]
    pub fn interest(&self) -> &Interest {
        &self.interest
    }

    /// The rows it keeps back.
    #[must_use]
    pub fn held(&self) -> &Held {
        &self.held
    }

    /// When it wants `tick`, in nanoseconds since the epoch.
    #[must_use]
    pub fn wake_at(&self) -> Option<i64> {
        self.wake_at
    }

    /// Bytes of memory its instance has.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.instance.as_ref().map_or(0, Instance::memory)
    }

    /// One batch.
    ///
    /// # Errors
    /// See [`Failed`].
    pub fn process(&mut self, batch: LogBatch, now: i64) -> Result<Answer, Box<Failed>> {
        let first_id = self.next_id;
        let answer = match &mut self.instance {
            Some(instance) => instance.process(&batch, first_id, &self.interest, now),
            None => Err(CallError::Gone),
        };
        self.settle(batch, now, answer)
    }

    /// The time asked for has come.
    ///
    /// # Errors
    /// See [`Failed`].
    pub fn tick(&mut self, now: i64) -> Result<Answer, Box<Failed>> {
        self.wake_at = None;
        let bytes = self.held.rows().bytes();
        let answer = match &mut self.instance {
            Some(instance) => instance.tick(now, bytes),
            None => Err(CallError::Gone),
        };
        self.settle(LogBatch::default(), now, answer)
    }

    /// No more batches will come: everything held is let go.
    ///
    /// # Errors
    /// See [`Failed`].
    pub fn flush(&mut self, now: i64) -> Result<Answer, Box<Failed>> {
        let bytes = self.held.rows().bytes();
        let answer = match &mut self.instance {
            Some(instance) => instance.flush(now, bytes),
            None => Err(CallError::Gone),
        };
        self.settle(LogBatch::default(), now, answer)
    }

    fn settle(
        &mut self,
        batch: LogBatch,
        now: i64,
        answer: Result<Edit, CallError>,
    ) -> Result<Answer, Box<Failed>> {
        match self.take(batch, answer) {
            Ok(answer) => Ok(answer),
            Err(failed) => {
                let (batch, error) = *failed;
                let released = self.revive(now);
                Err(Box::new(Failed {
                    batch,
                    released,
                    error,
                }))
            }
        }
    }

    /// Checks an answer against its batch and carries it out.
    fn take(
        &mut self,
        batch: LogBatch,
        answer: Result<Edit, CallError>,
    ) -> Result<Answer, Box<(LogBatch, CallError)>> {
        let first_id = self.next_id;
        let edit = match answer {
            Ok(edit) => edit,
            Err(error) => return Err(Box::new((batch, error))),
        };
        if let Err(error) = edit.check(&batch, first_id, &self.held, self.interest.holds) {
            return Err(Box::new((batch, error.into())));
        }
        if let Err(error) = bounds::check(&edit, &batch, first_id, &self.held, &self.limits) {
            return Err(Box::new((batch, error)));
        }
        self.next_id += batch.len() as u64;
        self.wake_at = edit.wake_at;
        if edit.is_unchanged() && self.held.ids().is_empty() {
            return Ok(Answer {
                output: batch,
                drops: edit.drops,
                first_id,
                ..Answer::default()
            });
        }
        let mut edit = edit;
        let drops = std::mem::take(&mut edit.drops);
        let applied = apply(batch, first_id, std::mem::take(&mut self.held), edit);
        self.held = applied.held;
        Ok(Answer {
            output: applied.output,
            vanished: applied.vanished,
            drops,
            first_id,
        })
    }

    /// A fresh instance, fed with the held rows.
    fn revive(&mut self, now: i64) -> Answer {
        self.wake_at = None;
        let rows = std::mem::take(&mut self.held).into_rows();
        self.instance = Instance::new(&self.plugin, &self.settings, &self.limits, self.events.clone())
            .map_err(
                |error| tracing::error!(plugin = self.plugin.name(), %error, "stage cannot be set up again"),
            )
            .ok()
            .map(|(instance, _)| instance);
        if rows.is_empty() {
            return Answer::default();
        }
        let first_id = self.next_id;
        let answer = match &mut self.instance {
            Some(instance) => instance.process(&rows, first_id, &self.interest, now),
            None => Err(CallError::Gone),
        };
        match self.take(rows, answer) {
            Ok(answer) => answer,
            Err(failed) => {
                let (rows, error) = *failed;
                // The held rows themselves are the poison: let them go as they are, and start empty.
                tracing::error!(plugin = self.plugin.name(), %error, "held rows could not be fed again; passed on");
                self.next_id += rows.len() as u64;
                self.instance =
                    Instance::new(&self.plugin, &self.settings, &self.limits, self.events.clone())
                        .ok()
                        .map(|(instance, _)| instance);
                Answer {
                    output: rows,
                    first_id,
                    ..Answer::default()
                }
            }
        }
    }
}
