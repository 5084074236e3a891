//! The ledger: which entries are still owed, and how far each origin's position may move.
//!
//! A worker numbers entries as they come in ([`Ledger::enter`]), walks them through its stages, and says what the
//! stages keep back ([`Ledger::walked`]). Each walk is one shipment. When a shipment has arrived everywhere
//! ([`Ledger::settle`]) the positions it allows are given out; when somebody gave it up ([`Ledger::abandon`]) its
//! origins stay before it for the rest of the run.
//!
//! Invariants: a position never passes an entry that is held, or whose walk is unsettled or abandoned; positions of an
//! origin only grow; walks of one origin are settled in order, those of different origins do not wait for each other;
//! every walk ends, settled or abandoned, so [`Ledger::unsettled`] comes to 0 when nothing is on its way; behind an
//! abandoned walk an origin costs a few numbers however much of it still comes.
//!
//! Per walk and not per entry: a walk's safe position is known when it ends (before the first entry it left
//! held), so an entry costs nothing here, however its rows were merged, split or dropped on the way. What is held costs a
//! few nanoseconds an entry and walk, in sorted lists: with ten thousand files there are ten thousand held.

use std::collections::{HashMap, VecDeque};

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
    /// By sequence number.
    held: Vec<(u64, Place)>,
    tracks: HashMap<Origin, Track>,
    walks: HashMap<u64, Vec<Origin>>,
}

/// The entries of the walk under way.
#[derive(Debug)]
struct Entered {
    first_seq: u64,
    origin: Origin,
    before: Mark,
    ends: Vec<u64>,
}

/// An entry that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    origin: Origin,
    before: Mark,
}

/// A place between two entries of an origin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Mark {
    /// How many entries of this run lie before it.
    entries: u64,
    /// The position there; `None` before the first entry of this run.
    position: Option<u64>,
}

#[derive(Debug, Default)]
struct Track {
    /// Behind the last entry that came in.
    entered: Mark,
    /// Walks not yet given out, oldest first: number, how far it allows, whether it settled.
    walks: VecDeque<(u64, Mark, bool)>,
    given: Mark,
    /// A walk was abandoned: none behind it counts.
    abandoned: bool,
}

impl Ledger {
    /// Numbers the entries of a parcel: the first gets the returned number, the others follow. `ends` are the
    /// origin's positions behind each entry.
    pub fn enter(&mut self, origin: Origin, ends: Vec<u64>) -> u64 {
        let first_seq = self.next_seq;
        self.next_seq += ends.len() as u64;
        let track = self.tracks.entry(origin).or_default();
        let before = track.entered;
        track.entered = Mark {
            entries: before.entries + ends.len() as u64,
            position: ends.last().copied().or(before.position),
        };
        self.current = Some(Entered {
            first_seq,
            origin,
            before,
            ends,
        });
        first_seq
    }

    /// Ends a walk: `owed` are the sequence numbers of all entries that stages keep back now, `parts` those of which a
    /// part may be in the shipment all the same. Answers the shipment's number.
    pub fn walked(
        &mut self,
        owed: impl IntoIterator<Item = u64>,
        parts: impl IntoIterator<Item = u64>,
    ) -> u64 {
        let walk = self.next_walk;
        self.next_walk += 1;
        let current = self.current.take();
        let first_seq = current
            .as_ref()
            .map_or(self.next_seq, |entered| entered.first_seq);
        let mut owed: Vec<u64> = owed.into_iter().collect();
        owed.sort_unstable();
        owed.dedup();
        // Its own origin, and every origin that had an entry let go or shipped in part: it is in this shipment.
        let mut touched: Vec<Origin> = current.iter().map(|entered| entered.origin).collect();
        let mut now = Vec::with_capacity(owed.len());
        let mut before = std::mem::take(&mut self.held).into_iter().peekable();
        for seq in owed {
            while let Some((_, place)) = before.next_if(|(held, _)| *held < seq) {
                touched.push(place.origin);
            }
            let kept = before.next_if(|(held, _)| *held == seq).map(|(_, place)| place);
            let place = kept.or_else(|| place(seq, current.as_ref()?));
            now.extend(place.map(|place| (seq, place)));
        }
        touched.extend(before.map(|(_, place)| place.origin));
        for seq in parts.into_iter().filter(|seq| *seq < first_seq) {
            if let Ok(index) = now.binary_search_by_key(&seq, |(held, _)| *held) {
                touched.push(now[index].1.origin);
            }
        }
        touched.sort_unstable();
        touched.dedup();
        let mut first = vec![None; touched.len()];
        for (_, place) in &now {
            if let Ok(index) = touched.binary_search(&place.origin) {
                first[index].get_or_insert(place.before);
            }
        }
        for (origin, first) in touched.iter().zip(first) {
            let Some(track) = self.tracks.get_mut(origin).filter(|track| !track.abandoned) else {
                continue;
            };
            track
                .walks
                .push_back((walk, first.unwrap_or(track.entered), false));
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
            let before = track.given;
            while let Some(&(_, allowed, true)) = track.walks.front() {
                if allowed.entries > track.given.entries {
                    track.given = allowed;
                }
                track.walks.pop_front();
            }
            if let Some(position) = track.given.position.filter(|_| track.given != before) {
                moved.push((origin, position));
            }
        }
        moved
    }

    /// A shipment was given up by somebody: the positions of its origins stay before it.
    pub fn abandon(&mut self, walk: u64) {
        for origin in self.walks.remove(&walk).unwrap_or_default() {
            let Some(track) = self.tracks.get_mut(&origin) else {
                continue;
            };
            if let Some(place) = track.walks.iter().position(|(number, _, _)| *number == walk) {
                track.walks.truncate(place);
            }
            track.abandoned = true;
        }
    }

    /// How many shipments are neither settled nor abandoned.
    #[must_use]
    pub fn unsettled(&self) -> usize {
        self.walks.len()
    }

    /// How many entries lie behind the positions given out: what a start from these positions reads again.
    #[must_use]
    pub fn owed(&self) -> u64 {
        let owed = |track: &Track| track.entered.entries - track.given.entries;
        self.tracks.values().map(owed).sum()
    }
}

/// Where an entry of the walk under way lies.
fn place(seq: u64, entered: &Entered) -> Option<Place> {
    let row = usize::try_from(seq.checked_sub(entered.first_seq)?).ok()?;
    let before = match row.checked_sub(1) {
        Some(last) => Mark {
            entries: entered.before.entries + row as u64,
            position: entered.ends.get(last).copied(),
        },
        None => entered.before,
    };
    (row < entered.ends.len()).then_some(Place {
        origin: entered.origin,
        before,
    })
}

#[cfg(test)]
mod tests;
