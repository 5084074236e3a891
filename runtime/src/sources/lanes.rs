//! Lanes: how files are spread over the workers of a pipeline.
//!
//! Every path of a source has a lane, and of each pipeline's workers a lane leads to one. So all generations of a file go through
//! the same worker: its entries keep their order, and a stack trace that a rotation cuts in two is joined again.
//!
//! Invariant: a path keeps its lane while a file of it is open, also over reloads, because what its worker's stages hold is of it.
//! Lanes are given in turn and not by a hash, which would put two files on one of two workers half of the time.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Paths that may be remembered beyond twice those that are open, before the others are forgotten.
const SPARE: usize = 1024;

/// The lanes of a source. They live as long as the process.
#[derive(Debug, Default)]
pub struct Lanes(Mutex<Given>);

#[derive(Debug, Default)]
struct Given {
    next: u32,
    of: HashMap<String, u32>,
}

impl Lanes {
    /// None given; the first is `first`, so that sources of one file each do not share a worker.
    #[must_use]
    pub fn from(first: u32) -> Self {
        Self(Mutex::new(Given {
            next: first,
            of: HashMap::new(),
        }))
    }

    /// The lane of a path. Where many are known, those are forgotten that are not `open`.
    pub fn of<'p>(&self, path: &str, open: impl ExactSizeIterator<Item = &'p str>) -> u32 {
        let mut given = self.given();
        if let Some(lane) = given.of.get(path) {
            return *lane;
        }
        if given.of.len() > open.len() * 2 + SPARE {
            let open: std::collections::HashSet<&str> = open.collect();
            given.of.retain(|path, _| open.contains(path.as_str()));
        }
        let lane = given.next;
        given.next = lane.wrapping_add(1);
        given.of.insert(path.to_owned(), lane);
        lane
    }

    fn given(&self) -> MutexGuard<'_, Given> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_get_lanes_in_turn_and_keep_them() {
        let lanes = Lanes::from(3);
        let lane = |path: &str| lanes.of(path, ["a"].into_iter());
        assert_eq!(
            [lane("a"), lane("b"), lane("a"), lane("c"), lane("b")],
            [3, 4, 3, 5, 4]
        );
    }

    #[test]
    fn what_is_not_open_is_forgotten_in_time() {
        let lanes = Lanes::from(0);
        let open = ["open".to_owned()];
        let open = || open.iter().map(String::as_str);
        let first = lanes.of("open", open());
        for path in 0..SPARE * 3 {
            lanes.of(&path.to_string(), open());
        }
        assert!(lanes.given().of.len() <= SPARE + 3);
        assert_eq!(lanes.of("open", open()), first);
    }
}
