//! Numbers of sources and pipelines, by which ledgers and the checkpoint book know them, and the lanes of sources' files.
//!
//! A source has the same number for as long as the process lives: reports of what was read before a reload still come in after it.
//! A pipeline has another each time it is started: one that went and came again must not be taken for what it was.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::sources::Lanes;

/// Numbers given out.
#[derive(Debug, Default)]
pub struct Numbers {
    sources: Mutex<HashMap<String, (u32, Arc<Lanes>)>>,
    pipelines: AtomicU32,
}

impl Numbers {
    /// The number of a source.
    pub fn source(&self, name: &str) -> u32 {
        self.of_source(name).0
    }

    /// The lanes of its files: the same for as long.
    pub fn lanes(&self, source: &str) -> Arc<Lanes> {
        self.of_source(source).1
    }

    fn of_source(&self, name: &str) -> (u32, Arc<Lanes>) {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let next = u32::try_from(sources.len()).unwrap_or(u32::MAX);
        let known = sources
            .entry(name.to_owned())
            .or_insert_with(|| (next, Arc::new(Lanes::from(next))));
        known.clone()
    }

    /// A number that no pipeline had.
    pub fn pipeline(&self) -> u32 {
        self.pipelines.fetch_add(1, Ordering::Relaxed)
    }
}
