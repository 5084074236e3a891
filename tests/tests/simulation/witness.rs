//! Stands between the workers and the checkpoint book: checks what is reported, then passes it on.

use std::sync::{Arc, Mutex};

use millstream::sources::Settled;
use millstream::sources::file::CheckpointBook;

use crate::world::World;

/// Hears the positions of one life.
pub struct Witness {
    /// The truth.
    pub world: Arc<Mutex<World>>,
    /// Who should hear it.
    pub book: Arc<CheckpointBook>,
}

impl Settled for Witness {
    fn settled(&self, pipe: u32, origin: u64, position: u64) {
        self.world
            .lock()
            .unwrap()
            .settled(pipe as usize, origin, position);
        self.book.settled(pipe, origin, position);
    }
}
