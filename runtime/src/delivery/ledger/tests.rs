use proptest::prelude::*;

use super::*;

const A: Origin = Origin { source: 0, origin: 1 };
const B: Origin = Origin { source: 0, origin: 2 };

#[test]
fn a_settled_walk_moves_to_the_end_of_what_was_read() {
    let mut ledger = Ledger::default();
    assert_eq!(ledger.enter(A, vec![10, 20]), 0);
    let walk = ledger.walked([]);
    assert_eq!(ledger.settle(walk), [(A, 20)]);
    assert_eq!(ledger.unsettled(), 0);
}

#[test]
fn a_held_entry_keeps_the_position_before_it() {
    let mut ledger = Ledger::default();
    ledger.enter(A, vec![10, 20, 30]);
    let first = ledger.walked([2]);
    assert_eq!(ledger.settle(first), [(A, 20)]);
    ledger.enter(A, vec![40]);
    let second = ledger.walked([3]);
    assert_eq!(ledger.settle(second), [(A, 30)]);
    let tick = ledger.walked([]);
    assert_eq!(ledger.settle(tick), [(A, 40)]);
}

#[test]
fn walks_of_one_file_wait_for_each_other_those_of_two_do_not() {
    let mut ledger = Ledger::default();
    ledger.enter(A, vec![10]);
    let slow = ledger.walked([]);
    ledger.enter(A, vec![20]);
    let behind = ledger.walked([]);
    ledger.enter(B, vec![5]);
    let other = ledger.walked([]);
    assert_eq!(ledger.settle(behind), []);
    assert_eq!(ledger.settle(other), [(B, 5)]);
    assert_eq!(ledger.settle(slow), [(A, 20)]);
}

#[test]
fn an_entry_let_go_in_the_walk_of_another_file_settles_with_it() {
    let mut ledger = Ledger::default();
    ledger.enter(A, vec![10]);
    let first = ledger.walked([0]);
    assert_eq!(
        ledger.settle(first),
        [],
        "the first entry of the run is held: nothing is known before it"
    );
    ledger.enter(B, vec![5]);
    let second = ledger.walked([]);
    assert_eq!(ledger.settle(second), [(A, 10), (B, 5)]);
}

/// What happens to a worker, at random.
#[derive(Clone, Debug)]
enum Event {
    /// Entries of a file come in; every entry in scope is held with this chance (by bits), the rest shipped.
    Read { file: u64, entries: usize, hold: u64 },
    /// A shipment, by place among those on their way, arrives.
    Settle(usize),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let read = (0u64..3, 1usize..5, any::<u64>()).prop_map(|(file, entries, hold)| Event::Read {
        file,
        entries,
        hold,
    });
    proptest::collection::vec(prop_oneof![read, (0usize..6).prop_map(Event::Settle)], 0..60)
}

proptest! {
    /// A position given out never passes an entry that is neither delivered nor dropped, and when all is let go
    /// and has arrived, every file is at its end.
    #[test]
    fn positions_never_pass_what_is_owed(events in events()) {
        let mut ledger = Ledger::default();
        // Per entry: its file, the position before it, whether it is held, the walk that shipped it.
        let mut entries: Vec<(u64, u64, bool, Option<u64>)> = Vec::new();
        let mut ends: HashMap<u64, u64> = HashMap::new();
        let mut under_way: Vec<u64> = Vec::new();
        let mut given: HashMap<u64, u64> = HashMap::new();
        let mut settled: Vec<u64> = Vec::new();
        for event in events.into_iter().chain([Event::Read { file: 9, entries: 1, hold: 0 }]) {
            let moved = match event {
                Event::Read { file, entries: n, hold } => {
                    let start = *ends.get(&file).unwrap_or(&0);
                    let positions: Vec<u64> = (1..=n as u64).map(|i| start + i * 10).collect();
                    ends.insert(file, start + n as u64 * 10);
                    ledger.enter(Origin { source: 0, origin: file }, positions);
                    entries.extend((0..n as u64).map(|i| (file, start + i * 10, true, None)));
                    let mut owed = Vec::new();
                    let walk = ledger.next_walk;
                    for (seq, entry) in entries.iter_mut().enumerate().filter(|(_, entry)| entry.2) {
                        if hold >> (seq % 64) & 1 == 1 {
                            owed.push(seq as u64);
                        } else {
                            *entry = (entry.0, entry.1, false, Some(walk));
                        }
                    }
                    under_way.push(ledger.walked(owed));
                    Vec::new()
                }
                Event::Settle(_) if under_way.is_empty() => Vec::new(),
                Event::Settle(place) => {
                    let walk = under_way.remove(place % under_way.len());
                    settled.push(walk);
                    ledger.settle(walk)
                }
            };
            for (origin, position) in moved {
                prop_assert!(given.insert(origin.origin, position).is_none_or(|before| before < position));
                for (file, before, held, walk) in &entries {
                    let owed = *held || walk.is_some_and(|walk| !settled.contains(&walk));
                    prop_assert!(*file != origin.origin || !owed || position <= *before);
                }
            }
        }
        let last = ledger.walked([]);
        for walk in under_way.into_iter().chain([last]) {
            for (origin, position) in ledger.settle(walk) {
                given.insert(origin.origin, position);
            }
        }
        prop_assert_eq!(given, ends);
        prop_assert_eq!(ledger.unsettled(), 0);
    }
}
