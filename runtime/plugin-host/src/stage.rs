//! A stage: a plugin configured for a place in a pipeline, its limits, and the rows it keeps back.
//!
//! State is a fold over held rows. When an instance fails, a fresh one is fed the held rows again and goes on from
//! there; no snapshot format, nothing lost. What to do with the batch that hurt is the caller's policy: it gets the
//! batch back, whole. The same way a stage takes over from the one that ran in its place ([`LogStage::adopt`]), and a
//! worn instance is replaced ([`LogStage::recycle`]).

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
    /// What the fresh instance let go of while the held rows were fed to it.
    pub released: Answer,
    /// The held rows themselves, when they could not be fed again; nothing is held then.
    pub stranded: LogBatch,
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
    wear: Wear,
}

/// How much an instance has been used.
#[derive(Clone, Copy, Debug, Default)]
struct Wear {
    calls: u64,
    /// Bytes of memory it had once it was configured.
    memory_at_start: usize,
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
        Self::of(plugin, settings.to_string(), limits, events)
    }

    fn of(
        plugin: Plugin,
        settings: String,
        limits: Limits,
        events: Arc<dyn StageEvents>,
    ) -> Result<Self, StageError> {
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
            wear: Wear::default(),
        }
        .begun())
    }

    /// Notes that the instance is a fresh one.
    fn begun(mut self) -> Self {
        self.begin();
        self
    }

    fn begin(&mut self) {
        self.wear = Wear {
            calls: 0,
            memory_at_start: self.memory(),
        };
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
        let (batch, answer) = self.call(batch, now);
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
                let (released, stranded) = self.revive(now);
                Err(Box::new(Failed {
                    batch,
                    released,
                    stranded,
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

    /// Feeds a batch to the instance, which is made where there is none. The batch comes back as it was.
    fn call(&mut self, batch: LogBatch, now: i64) -> (LogBatch, Result<Edit, CallError>) {
        if self.instance.is_none() {
            self.instance = self.fresh();
            self.begin();
        }
        let Some(instance) = self.instance.as_mut() else {
            return (batch, Err(CallError::Gone));
        };
        self.wear.calls += 1;
        // Shared with the call for as long as that lasts: kernels work on it.
        let batch = Arc::new(batch);
        let answer = instance.process(&batch, self.next_id, &self.interest, now);
        (Arc::unwrap_or_clone(batch), answer)
    }

    fn fresh(&self) -> Option<Instance> {
        Instance::new(&self.plugin, &self.settings, &self.limits, self.events.clone())
            .map_err(
                |error| tracing::error!(plugin = self.plugin.name(), %error, "stage cannot be set up again"),
            )
            .ok()
            .map(|(instance, _)| instance)
    }

    /// A fresh instance, fed with the held rows; these come back when that fails, too, and the next instance is empty.
    fn revive(&mut self, now: i64) -> (Answer, LogBatch) {
        self.wake_at = None;
        self.instance = self.fresh();
        self.begin();
        let rows = std::mem::take(&mut self.held).into_rows();
        if rows.is_empty() {
            return (Answer::default(), rows);
        }
        let (rows, answer) = self.call(rows, now);
        match self.take(rows, answer) {
            Ok(answer) => (answer, LogBatch::default()),
            Err(failed) => {
                let (rows, error) = *failed;
                tracing::error!(plugin = self.plugin.name(), %error, rows = rows.len(), "held rows could not be fed again");
                self.instance = None;
                self.next_id += rows.len() as u64;
                (Answer::default(), rows)
            }
        }
    }

    /// Takes over from the stage that has run in this place: feeds this one's instance what that one keeps back. That one
    /// is left as it is, so it can go on when this fails. Only for a stage that was not called before.
    ///
    /// # Errors
    /// When the instance fails on what is held.
    pub fn adopt(&mut self, former: &Self, now: i64) -> Result<Answer, CallError> {
        let rows = former.held.rows().clone();
        self.next_id = former.next_id;
        if rows.is_empty() {
            return Ok(Answer::default());
        }
        let (rows, answer) = self.call(rows, now);
        self.take(rows, answer).map_err(|failed| failed.1)
    }

    /// Whether the instance has used up what [`crate::Recycling`] gives it.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.instance.is_some()
            && self
                .limits
                .recycling
                .is_spent(self.wear.calls, self.memory(), self.wear.memory_at_start)
    }

    /// Replaces the instance by a fresh one, which is fed what is held. When that fails the old one goes on, for as long
    /// again.
    ///
    /// # Errors
    /// Why it goes on.
    pub fn recycle(&mut self, now: i64) -> Result<Answer, CallError> {
        self.wear.calls = 0;
        let fresh = Self::of(
            self.plugin.clone(),
            self.settings.clone(),
            self.limits.clone(),
            self.events.clone(),
        );
        let mut fresh = fresh.map_err(|error| {
            tracing::error!(plugin = self.plugin.name(), %error, "stage cannot be set up again");
            CallError::Gone
        })?;
        let answer = fresh.adopt(self, now)?;
        *self = fresh;
        Ok(answer)
    }

    /// Takes back what the stage holds, as it is, and parts with the instance; the next call makes a new one.
    #[must_use]
    pub fn give_up(&mut self) -> LogBatch {
        self.wake_at = None;
        self.instance = None;
        std::mem::take(&mut self.held).into_rows()
    }
}
