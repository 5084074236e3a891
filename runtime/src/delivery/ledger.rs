//! The ledger: which entries are still owed, and how far each origin's position may move.
//!
//! A worker numbers entries as they come in ([`Ledger::enter`]), walks them through its stages, and says what the
//! stages keep back ([`Ledger::walked`]). Each walk is one shipment. When a shipment has arrived everywhere
//! ([`Ledger::settle`]) the positions it allows are given out.
//!
//! Invariants: a position never passes an entry that is held or whose walk is unsettled; positions of an origin only
//! grow; walks of one origin are settled in order, those of different origins do not wait for each other.
//!
//! Per walk and not per entry: a walk's safe position is known when it ends (before the first entry it left
//! held), so an entry costs nothing here, however its rows were merged, split or dropped on the way.

use std::collections::{BTreeMap, HashMap, VecDeque};

/// Where entries come from: a source of the worker and the source's own number for the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    /// The source's number in the graph.
    pub source: u32,
    /// The source's number for the origin.
    pub origin: u64,
}

/// The books of one worker. A plain state machine.
#[derive(Debug, Default)]
pub struct Ledger {
    next_seq: u64,
    next_walk: u64,
    current: Option<Entered>,
    held: BTreeMap<u64, Place>,
    tracks: HashMap<Origin, Track>,
    walks: HashMap<u64, Vec<Origin>>,
}

/// The entries of the walk under way.
#[derive(Debug)]
struct Entered {
    first_seq: u64,
    origin: Origin,
    before: Option<u64>,
    ends: Vec<u64>,
}

/// An entry that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    origin: Origin,
    /// The position before it; `None` when it was the first of its origin in this run.
    before: Option<u64>,
}

#[derive(Debug, Default)]
struct Track {
    /// The end of the last entry that came in.
    entered: Option<u64>,
    /// Walks not yet given out, oldest first: number, the position it allows, whether it settled.
    walks: VecDeque<(u64, Option<u64>, bool)>,
    given: Option<u64>,
}

impl Ledger {
    /// Numbers the entries of a parcel: the first gets the returned number, the others follow. `ends` are the
    /// origin's positions behind each entry.
    pub fn enter(&mut self, origin: Origin, ends: Vec<u64>) -> u64 {
        let first_seq = self.next_seq;
        self.next_seq += ends.len() as u64;
        let track = self.tracks.entry(origin).or_default();
        let before = track.entered;
        track.entered = ends.last().copied().or(before);
        self.current = Some(Entered {
            first_seq,
            origin,
            before,
            ends,
        });
        first_seq
    }

    /// Ends a walk: `owed` are the sequence numbers of all entries that stages keep back now. Answers the
    /// shipment's number.
    pub fn walked(&mut self, owed: impl IntoIterator<Item = u64>) -> u64 {
        let walk = self.next_walk;
        self.next_walk += 1;
        let current = self.current.take();
        let now: BTreeMap<u64, Place> = owed
            .into_iter()
            .filter_map(|seq| Some((seq, self.place(seq, current.as_ref())?)))
            .collect();
        // Its own origin, and every origin that had an entry let go: that entry is in this shipment.
        let mut touched: Vec<Origin> = current.iter().map(|entered| entered.origin).collect();
        let let_go = self.held.iter().filter(|(seq, _)| !now.contains_key(seq));
        touched.extend(let_go.map(|(_, place)| place.origin));
        touched.sort_unstable();
        touched.dedup();
        let mut first: HashMap<Origin, Place> = HashMap::new();
        for place in now.values() {
            first.entry(place.origin).or_insert(*place);
        }
        for origin in &touched {
            let Some(track) = self.tracks.get_mut(origin) else {
                continue;
            };
            let position = match first.get(origin) {
                Some(place) => place.before,
                None => track.entered,
            };
            track.walks.push_back((walk, position, false));
        }
        self.held = now;
        self.walks.insert(walk, touched);
        walk
    }

    /// A shipment has arrived everywhere: the positions that moved.
    pub fn settle(&mut self, walk: u64) -> Vec<(Origin, u64)> {
        let mut moved = Vec::new();
        for origin in self.walks.remove(&walk).unwrap_or_default() {
            let Some(track) = self.tracks.get_mut(&origin) else {
                continue;
            };
            if let Some(entry) = track.walks.iter_mut().find(|(number, _, _)| *number == walk) {
                entry.2 = true;
            }
            let mut position = None;
            while let Some(&(_, allowed, true)) = track.walks.front() {
                position = position.max(allowed);
                track.walks.pop_front();
            }
            if let Some(position) =
                position.filter(|&position| track.given.is_none_or(|given| position > given))
            {
                track.given = Some(position);
                moved.push((origin, position));
            }
        }
        moved
    }

    /// How many shipments have not settled.
    #[must_use]
    pub fn unsettled(&self) -> usize {
        self.walks.len()
    }

    fn place(&self, seq: u64, current: Option<&Entered>) -> Option<Place> {
        if let Some(place) = self.held.get(&seq) {
            return Some(*place);
        }
        let entered = current?;
        let row = usize::try_from(seq.checked_sub(entered.first_seq)?).ok()?;
        let before = match row.checked_sub(1) {
            Some(row) => entered.ends.get(row).copied(),
            None => entered.before,
        };
        (row < entered.ends.len()).then_some(Place {
            origin: entered.origin,
            before,
        })
    }
}

#[cfg(test)]
mod tests;
