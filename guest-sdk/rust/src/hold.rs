//! Entries a stage keeps back, one block per stream.
//!
//! Streams are known by their labels, because the indices of a batch mean nothing in the next one.
//! [`Hold::begin`] resolves them once per batch, so a row costs an index and never a hash. The hold knows every
//! kept id, so it can tell the host exactly what is held ([`Hold::report`]) and when to wake the stage: a stage
//! that forgot an id would lose an entry in a crash.

use std::collections::HashMap;

use crate::{Batch, Failure, Labels, Output};

#[cfg(test)]
mod tests;

/// What is kept back of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block<T> {
    /// The ids of the rows kept back, ascending.
    pub ids: Vec<u64>,
    /// When the block is due, if ever.
    pub deadline: Option<i64>,
    /// What the stage made of the rows so far.
    pub value: T,
}

/// Where a stream's block lies. Good until the next [`Hold::begin`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(u32);

/// The blocks of all streams.
#[derive(Debug)]
pub struct Hold<T> {
    blocks: Vec<Option<Block<T>>>,
    places: HashMap<Labels, u32>,
    free: Vec<u32>,
    of_stream: Vec<Place>,
}

impl<T> Default for Hold<T> {
    fn default() -> Self {
        Self {
            blocks: Vec::new(),
            places: HashMap::new(),
            free: Vec::new(),
            of_stream: Vec::new(),
        }
    }
}

impl<T> Hold<T> {
    /// Nothing held.
    pub fn new() -> Self {
        Self::default()
    }

    /// Finds the places of the batch's streams; first thing in `process`. Needs `setup.reads_labels()`.
    pub fn begin(&mut self, batch: &Batch<'_>) -> Result<(), Failure> {
        let sets = batch.labels()?;
        let (blocks, free) = (&self.blocks, &mut self.free);
        self.places.retain(|_, place| {
            let used = blocks[*place as usize].is_some();
            if !used {
                free.push(*place);
            }
            used
        });
        self.of_stream.clear();
        for set in sets.iter() {
            let place = *self.places.entry(set.to_labels()).or_insert_with(|| {
                self.free.pop().unwrap_or_else(|| {
                    self.blocks.push(None);
                    (self.blocks.len() - 1) as u32
                })
            });
            self.of_stream.push(Place(place));
        }
        Ok(())
    }

    /// The place of a stream of the batch last begun. Panics when there is no such stream.
    #[inline]
    pub fn place(&self, stream: u32) -> Place {
        self.of_stream[stream as usize]
    }

    /// The block at `place`.
    #[inline]
    pub fn get(&self, place: Place) -> Option<&Block<T>> {
        self.blocks[place.0 as usize].as_ref()
    }

    /// The block at `place`, to be changed.
    #[inline]
    pub fn get_mut(&mut self, place: Place) -> Option<&mut Block<T>> {
        self.blocks[place.0 as usize].as_mut()
    }

    /// Puts a block at `place` and answers the one that was there.
    #[inline]
    pub fn insert(&mut self, place: Place, block: Block<T>) -> Option<Block<T>> {
        self.blocks[place.0 as usize].replace(block)
    }

    /// Takes the block at `place` out.
    #[inline]
    pub fn remove(&mut self, place: Place) -> Option<Block<T>> {
        self.blocks[place.0 as usize].take()
    }

    /// Takes out every block whose deadline has come, in the order of their first ids.
    pub fn take_due(&mut self, now: i64) -> Vec<Block<T>> {
        self.take_if(|block| block.deadline.is_some_and(|deadline| deadline <= now))
    }

    /// Takes out every block, in the order of their first ids.
    pub fn take_all(&mut self) -> Vec<Block<T>> {
        self.take_if(|_| true)
    }

    /// Tells the host what is held and when the next block is due; last thing in every call.
    pub fn report(&self, out: &mut Output) {
        let mut ids: Vec<u64> = self
            .blocks
            .iter()
            .flatten()
            .flat_map(|block| &block.ids)
            .copied()
            .collect();
        ids.sort_unstable();
        out.hold(ids);
        out.wake_at(
            self.blocks
                .iter()
                .flatten()
                .filter_map(|block| block.deadline)
                .min(),
        );
    }

    fn take_if(&mut self, wanted: impl Fn(&Block<T>) -> bool) -> Vec<Block<T>> {
        let mut taken: Vec<Block<T>> = self
            .blocks
            .iter_mut()
            .filter_map(|slot| slot.take_if(|block| wanted(block)))
            .collect();
        taken.sort_by_key(|block| block.ids.first().copied());
        taken
    }
}
