//! Swapping the stages of a running chain: between two batches, with all that they hold.
//!
//! Invariants: a stage that is the same before and after keeps its instance; a plugin that changed is fed what the former stage
//! holds, so what it has joined so far is neither lost nor cut; until [`Chain::swap`] nothing of the running chain is touched, and a
//! plugin that fails on what it should take over leaves it so.
//!
//! A stage that goes and holds something lets go of it through the stages that were behind it. Where stages change places, what a stage
//! holds has passed the stages that were before it and goes on to those that are behind it then: no row takes two roads at once.

use millstream_batch::LogBatch;
use millstream_plugin_host::{Answer, CallError};

use super::{Call, Chain, Debt, Halted};
use crate::stages::Stage;

/// A place in the chain to come.
pub enum Slot {
    /// The stage that stands in this place now.
    Kept(usize),
    /// A stage made anew.
    Made {
        /// It.
        stage: Box<Stage>,
        /// The place of the stage whose held rows it takes over.
        adopts: Option<usize>,
    },
}

/// A plugin cannot take over.
#[derive(Debug, thiserror::Error)]
#[error("stage `{stage}` fails on the entries that the one before it held")]
pub struct SwapError {
    stage: String,
    source: CallError,
}

/// A chain to come, whose new stages have what they take over.
pub struct Next {
    slots: Vec<Slot>,
    /// What they let go of at once, by place.
    released: Vec<(usize, Answer)>,
    /// Places whose stage could not be fed yet, because a stage before it lets go first.
    unfed: Vec<usize>,
}

impl Chain {
    /// Readies a chain to come: feeds new stages what the former ones hold. Changes nothing here.
    ///
    /// # Errors
    /// When a plugin fails on it.
    pub fn prepare(&self, mut slots: Vec<Slot>, now: i64) -> Result<Next, SwapError> {
        // A stage that goes and lets go of rows may make the ones behind it hold more.
        let first_gone = self
            .gone(&slots)
            .into_iter()
            .find(|index| !self.stages[*index].held().ids().is_empty())
            .unwrap_or(usize::MAX);
        let (mut released, mut unfed) = (Vec::new(), Vec::new());
        for (place, slot) in slots.iter_mut().enumerate() {
            let Slot::Made {
                stage,
                adopts: Some(former),
            } = slot
            else {
                continue;
            };
            if first_gone < *former {
                unfed.push(place);
                continue;
            }
            let Some(former) = self.stages.get(*former) else {
                continue;
            };
            let answer = stage.adopt(former, now).map_err(|source| SwapError {
                stage: stage.name().into(),
                source,
            })?;
            released.push((place, answer));
        }
        Ok(Next {
            slots,
            released,
            unfed,
        })
    }

    /// Puts a readied chain in the place of this one; what was let go of on the way goes through the stages behind.
    ///
    /// # Errors
    /// When a stage fails whose `on_error` is `halt`.
    pub fn swap(&mut self, next: Next, now: i64) -> Result<Vec<LogBatch>, Halted> {
        let Next {
            slots,
            mut released,
            unfed,
        } = next;
        let mut out = Vec::new();
        for index in self.gone(&slots) {
            if self.stages[index].interest().holds {
                self.step(index, Call::Flush, Vec::new(), now, &mut out)?;
            }
        }
        let mut former: Vec<Option<Stage>> = std::mem::take(&mut self.stages).into_iter().map(Some).collect();
        let mut debts: Vec<Vec<Debt>> = std::mem::take(&mut self.debts);
        let mut stages = Vec::with_capacity(slots.len());
        let mut stranded = Vec::new();
        for (place, slot) in slots.into_iter().enumerate() {
            let from = match &slot {
                Slot::Kept(from) => Some(*from),
                Slot::Made { adopts, .. } => *adopts,
            };
            self.debts.push(
                from.and_then(|from| debts.get_mut(from))
                    .map(std::mem::take)
                    .unwrap_or_default(),
            );
            let taken = from.and_then(|from| former.get_mut(from)).and_then(Option::take);
            match (slot, taken) {
                (Slot::Kept(_), Some(stage)) => stages.push(stage),
                // Plans name each place once and no place that is not there.
                (Slot::Kept(_), None) => {}
                (Slot::Made { mut stage, .. }, taken) => {
                    if let (Some(mut taken), true) = (taken, unfed.contains(&place)) {
                        match stage.adopt(&taken, now) {
                            Ok(answer) => released.push((place, answer)),
                            Err(error) => stranded.push((place, taken.give_up(), error)),
                        }
                    }
                    stages.push(*stage);
                }
            }
        }
        *self = Self {
            debts: std::mem::take(&mut self.debts),
            ..Self::new(stages)
        };
        // From the last to the first: what is further down the road goes first.
        released.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
        for (place, answer) in released {
            self.rebase_debts(place);
            self.pass_on(place, answer, Vec::new(), now, &mut out)?;
        }
        for (place, rows, error) in stranded {
            self.refuse(place, rows, Some(&error), Vec::new(), now, &mut out)?;
        }
        Ok(out)
    }

    /// The stages that stand in no place of the chain to come.
    fn gone(&self, slots: &[Slot]) -> Vec<usize> {
        let stays = |index: usize| {
            slots.iter().any(|slot| match slot {
                Slot::Kept(from) => *from == index,
                Slot::Made { adopts, .. } => *adopts == Some(index),
            })
        };
        (0..self.stages.len()).filter(|index| !stays(*index)).collect()
    }
}
