use proptest::prelude::*;

use super::*;

const A: Origin = Origin { source: 0, origin: 1 };
const B: Origin = Origin { source: 0, origin: 2 };

#[test]
fn a_settled_walk_moves_to_the_end_of_what_was_read() {
    let mut ledger = Ledger::default();
    assert_eq!(ledger.enter(A, vec![10, 20]), 0);
    let walk = ledger.walked([], []);
    assert_eq!(ledger.settle(walk), [(A, 20)]);
    assert_eq!(ledger.unsettled(), 0);
}

#[test]
fn a_held_entry_keeps_the_position_before_it() {
    let mut ledger = Ledger::default();
    ledger.enter(A, vec![10, 20, 30]);
    let first = ledger.walked([2], []);
    assert_eq!(ledger.settle(first), [(A, 20)]);
    ledger.enter(A, vec![40]);
    let second = ledger.walked([3], []);
    assert_eq!(ledger.settle(second), [(A, 30)]);
    let tick = ledger.walked([], []);
    assert_eq!(ledger.settle(tick), [(A, 40)]);
}

#[test]
fn walks_of_one_file_wait_for_each_other_those_of_two_do_not() {
    let mut ledger = Ledger::default();
    ledger.enter(A, vec![10]);
    let slow = ledger.walked([], []);
    ledger.enter(A, vec![20]);
    let behind = ledger.walked([], []);
    ledger.enter(B, vec![5]);
    let other = ledger.walked([], []);
    assert_eq!(ledger.settle(behind), []);
    assert_eq!(ledger.settle(other), [(B, 5)]);
    assert_eq!(ledger.settle(slow), [(A, 20)]);
}

#[test]
fn an_entry_let_go_in_the_walk_of_another_file_settles_with_it() {
    let mut ledger = Ledger::default();
    ledger.enter(A, vec![10]);
    let first = ledger.walked([0], []);
    assert_eq!(
        ledger.settle(first),
        [],
        "the first entry of the run is held: nothing is known before it"
    );
    ledger.enter(B, vec![5]);
    let second = ledger.walked([], []);
    assert_eq!(ledger.settle(second), [(A, 10), (B, 5)]);
}

#[test]
fn an_entry_that_is_shipped_in_part_waits_for_both_parts() {
    let mut ledger = Ledger::default();
    ledger.enter(A, vec![10]);
    let first = ledger.walked([0], []);
    ledger.settle(first);
    // A stage makes two rows of it; one goes out with a walk of another file, the other stays.
    ledger.enter(B, vec![5]);
    let part = ledger.walked([0], [0, 1]);
    let rest = ledger.walked([], []);
    assert_eq!(ledger.settle(rest), []);
    assert_eq!(ledger.settle(part), [(A, 10), (B, 5)]);
}

#[test]
fn an_abandoned_walk_holds_its_file_and_no_other_and_nobody_waits_for_it() {
    let mut ledger = Ledger::default();
    ledger.enter(A, vec![10]);
    let first = ledger.walked([], []);
    ledger.enter(A, vec![20, 30]);
    let lost = ledger.walked([], []);
    ledger.enter(A, vec![40]);
    let behind = ledger.walked([], []);
    ledger.enter(B, vec![5]);
    let other = ledger.walked([], []);
    ledger.abandon(lost);
    assert_eq!(ledger.settle(behind), []);
    assert_eq!(ledger.settle(first), [(A, 10)]);
    assert_eq!(ledger.settle(other), [(B, 5)]);
    ledger.enter(A, vec![50]);
    let later = ledger.walked([], []);
    assert_eq!(ledger.settle(later), []);
    assert_eq!((ledger.unsettled(), ledger.owed()), (0, 4));
}

#[test]
fn an_abandoned_file_costs_no_memory_however_much_of_it_comes() {
    let mut ledger = Ledger::default();
    for end in 1..1000 {
        ledger.enter(A, vec![end]);
        let walk = ledger.walked([], []);
        if end == 1 {
            ledger.abandon(walk);
        } else {
            ledger.settle(walk);
        }
        assert!(ledger.tracks[&A].walks.is_empty() && ledger.walks.is_empty());
    }
    assert_eq!(ledger.owed(), 999);
}

/// What happens to a worker, at random.
#[derive(Clone, Debug)]
enum Event {
    /// Entries of a file come in; every entry in scope is held with this chance (by bits), the rest shipped.
    Read { file: u64, entries: usize, hold: u64 },
    /// A shipment, by place among those on their way, arrives.
    Settle(usize),
    /// The same one is given up.
    Abandon(usize),
}

fn events(abandons: bool) -> impl Strategy<Value = Vec<Event>> {
    let read = (0u64..3, 1usize..5, any::<u64>()).prop_map(|(file, entries, hold)| Event::Read {
        file,
        entries,
        hold,
    });
    let abandon = (0usize..6).prop_map(move |place| {
        if abandons {
            Event::Abandon(place)
        } else {
            Event::Settle(place)
        }
    });
    let event = prop_oneof![6 => read, 5 => (0usize..6).prop_map(Event::Settle), 1 => abandon];
    proptest::collection::vec(event, 0..60)
}

/// An entry as the model knows it.
struct Entry {
    file: u64,
    /// The position before it.
    before: u64,
    /// The walk that shipped it; `None` while it is held.
    walk: Option<u64>,
}

/// The ledger, and what it should know.
#[derive(Default)]
struct Bench {
    ledger: Ledger,
    entries: Vec<Entry>,
    /// Every parcel's file and the walk it came with.
    parcels: Vec<(u64, u64)>,
    ends: HashMap<u64, u64>,
    given: HashMap<u64, u64>,
    under_way: Vec<u64>,
    settled: Vec<u64>,
    abandoned: Vec<u64>,
}

impl Bench {
    fn read(&mut self, file: u64, entries: usize, hold: u64) {
        let start = *self.ends.get(&file).unwrap_or(&0);
        let positions: Vec<u64> = (1..=entries as u64).map(|i| start + i * 10).collect();
        self.ends.insert(file, start + entries as u64 * 10);
        self.ledger.enter(
            Origin {
                source: 0,
                origin: file,
            },
            positions,
        );
        self.entries.extend((0..entries as u64).map(|i| Entry {
            file,
            before: start + i * 10,
            walk: None,
        }));
        let mut owed = Vec::new();
        let walk = self.ledger.next_walk;
        for (seq, entry) in self.entries.iter_mut().enumerate() {
            match entry.walk {
                None if hold >> (seq % 64) & 1 == 1 => owed.push(seq as u64),
                None => entry.walk = Some(walk),
                Some(_) => {}
            }
        }
        self.parcels.push((file, walk));
        self.under_way.push(self.ledger.walked(owed, []));
    }

    /// One on its way has ended.
    fn end(&mut self, place: usize, settles: bool) -> Result<(), TestCaseError> {
        if self.under_way.is_empty() {
            return Ok(());
        }
        let walk = self.under_way.remove(place % self.under_way.len());
        if !settles {
            self.abandoned.push(walk);
            self.ledger.abandon(walk);
            return Ok(());
        }
        self.settled.push(walk);
        for (origin, position) in self.ledger.settle(walk) {
            let before = self.given.insert(origin.origin, position);
            prop_assert!(before.is_none_or(|before| before < position));
            for entry in self.entries.iter().filter(|entry| entry.file == origin.origin) {
                let arrived = entry.walk.is_some_and(|walk| self.settled.contains(&walk));
                prop_assert!(arrived || position <= entry.before);
            }
        }
        Ok(())
    }

    /// Carries the events out, then lets everything go and arrive.
    fn act(&mut self, events: Vec<Event>) -> Result<(), TestCaseError> {
        for event in events {
            match event {
                Event::Read { file, entries, hold } => self.read(file, entries, hold),
                Event::Settle(place) => self.end(place, true)?,
                Event::Abandon(place) => self.end(place, false)?,
            }
        }
        // Everything is let go, and what is on its way arrives.
        self.read(9, 1, 0);
        while !self.under_way.is_empty() {
            self.end(0, true)?;
        }
        Ok(())
    }
}

proptest! {
    /// A position given out never passes an entry that is neither delivered nor dropped, and when all is let go
    /// and has arrived, every file is at its end.
    #[test]
    fn positions_never_pass_what_is_owed(events in events(false)) {
        let mut bench = Bench::default();
        bench.act(events)?;
        prop_assert_eq!(bench.given, bench.ends);
        prop_assert_eq!((bench.ledger.unsettled(), bench.ledger.owed()), (0, 0));
    }

    /// The same when walks are abandoned; a file without an abandoned walk is at its end all the same. Nobody waits,
    /// nothing is kept, and what will be read again is counted.
    #[test]
    fn positions_stay_before_what_was_abandoned(events in events(true)) {
        let mut bench = Bench::default();
        bench.act(events)?;
        prop_assert_eq!(bench.ledger.unsettled(), 0);
        prop_assert!(bench.ledger.tracks.values().all(|track| track.walks.is_empty()));
        let mut owed = 0;
        for (file, end) in &bench.ends {
            let of_file = || bench.entries.iter().filter(|entry| entry.file == *file);
            let given = bench.given.get(file).copied().unwrap_or(0);
            owed += of_file().filter(|entry| entry.before >= given).count() as u64;
            let shipped = of_file().filter_map(|entry| entry.walk);
            let came = bench.parcels.iter().filter(|(from, _)| from == file).map(|(_, walk)| *walk);
            let lost = shipped.chain(came).any(|walk| bench.abandoned.contains(&walk));
            prop_assert!(lost || given == *end);
        }
        prop_assert_eq!(bench.ledger.owed(), owed);
    }
}
