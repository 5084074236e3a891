//! The store against a model, over faults and crashes, and the rules by which it drops.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::delivery::spool::Shelf;
use crate::disk::memory::MemoryDisk;

fn place(disk: &MemoryDisk) -> Place {
    Shelf::new(Arc::new(disk.clone()), PathBuf::from("/spool")).place("loki")
}

fn block() -> SpoolSettings {
    SpoolSettings::new(WhenFull::Block)
}

fn open(disk: &MemoryDisk, settings: &SpoolSettings) -> Store {
    Store::open(&place(disk), settings.clone()).unwrap()
}

/// A record that says which one it is; its rows are the same number.
fn record(id: u32, size: usize) -> Record {
    let mut payload = id.to_le_bytes().to_vec();
    payload.resize(size.max(4), 7);
    Record {
        payload: Bytes::from(payload),
        rows: id,
        bytes: u64::from(id) * 10,
        stored: 1000,
    }
}

fn id(record: &Record) -> u32 {
    u32::from_le_bytes(record.payload[..4].try_into().unwrap())
}

/// Everything that can be handed out now.
fn rest(store: &mut Store) -> Vec<u32> {
    std::iter::from_fn(|| store.next(1000).unwrap().map(|(_, record)| id(&record))).collect()
}

#[test]
fn what_goes_in_comes_out_in_order_and_once() {
    let disk = MemoryDisk::default();
    let mut store = open(&disk, &block());
    for id in 0..5 {
        store.append(&record(id, 10)).unwrap();
    }
    assert_eq!((store.rows(), store.is_exhausted()), (10, false));
    assert_eq!(rest(&mut store), [0, 1, 2, 3, 4]);
    assert!(store.is_exhausted());
    assert_eq!(store.rows(), 10, "handed out is not delivered");
    for number in [1, 0, 2, 4] {
        store.settle(number);
    }
    assert_eq!(store.rows(), 3);
    store.save_cursor().unwrap();
    let mut again = open(&disk, &block());
    assert_eq!(rest(&mut again), [3, 4], "4 was settled out of turn");
    again.append(&record(9, 10)).unwrap();
    assert_eq!(rest(&mut again), [9]);
}

#[test]
fn what_is_settled_gives_its_space_back() {
    let disk = MemoryDisk::default();
    let mut store = open(&disk, &block());
    let mut most = 0;
    for id in 0..200 {
        store.append(&record(id, 100_000)).unwrap();
        let (number, _) = store.next(1000).unwrap().unwrap();
        store.settle(number);
        most = most.max(disk.used());
    }
    assert!(most < 17 << 20, "{most}");
    assert_eq!(store.rows(), 0);
}

#[test]
fn a_full_spool_blocks_until_something_is_settled() {
    let disk = MemoryDisk::default();
    let settings = SpoolSettings {
        max_size: 1 << 20,
        ..block()
    };
    let mut store = open(&disk, &settings);
    let mut stored = 0;
    while store.append(&record(stored, 100_000)).is_ok() {
        stored += 1;
    }
    assert_eq!(stored, 10);
    assert!(disk.used() <= 1 << 20);
    assert!(matches!(store.append(&record(99, 100_000)), Err(Refused::Full)));
    store.append(&record(stored, 10_000)).unwrap();
    for _ in 0..5 {
        let (number, _) = store.next(1000).unwrap().unwrap();
        store.settle(number);
    }
    store.append(&record(stored + 1, 100_000)).unwrap();
    assert_eq!(rest(&mut store), [5, 6, 7, 8, 9, 10, 11]);
    assert!(store.take_losses().is_empty());
}

#[test]
fn a_full_spool_drops_its_oldest_and_says_how_many() {
    let disk = MemoryDisk::default();
    let settings = SpoolSettings {
        max_size: 1 << 20,
        ..SpoolSettings::new(WhenFull::DropOldest)
    };
    let mut store = open(&disk, &settings);
    store.append(&record(1, 100_000)).unwrap();
    let (first, _) = store.next(1000).unwrap().unwrap();
    for id in 2..=40 {
        store.append(&record(id, 100_000)).unwrap();
        assert!(disk.used() <= 1 << 20);
    }
    let lost = store.take_losses();
    assert!(lost.iter().all(|loss| loss.reason == FULL));
    let left = rest(&mut store);
    assert_eq!(left.last(), Some(&40));
    assert!(left.is_sorted() && left.len() >= 7, "{left:?}");
    let rows: u64 = lost.iter().map(|loss| loss.rows).sum();
    let expected = (2..left[0]).map(u64::from).sum::<u64>();
    assert_eq!(rows, expected, "what was handed out before is not lost");
    assert_eq!(lost.iter().map(|loss| loss.bytes).sum::<u64>(), expected * 10);
    store.settle(first);
    assert_eq!(store.rows(), left.iter().map(|&id| u64::from(id)).sum::<u64>());
}

#[test]
fn a_record_larger_than_the_spool_goes_alone() {
    let settings = SpoolSettings {
        max_size: 1000,
        ..block()
    };
    let mut store = open(&MemoryDisk::default(), &settings);
    store.append(&record(1, 5000)).unwrap();
    assert!(matches!(store.append(&record(2, 10)), Err(Refused::Full)));
    let (number, _) = store.next(1000).unwrap().unwrap();
    store.settle(number);
    store.append(&record(2, 10)).unwrap();
    assert_eq!(rest(&mut store), [2]);
}

#[test]
fn what_has_waited_too_long_is_dropped_and_counted() {
    let disk = MemoryDisk::default();
    let settings = SpoolSettings {
        max_age: Some(Duration::from_secs(60)),
        ..block()
    };
    let mut store = open(&disk, &settings);
    for (id, stored) in [(1, 0), (2, 50_000), (3, 100_000)] {
        let record = Record {
            stored,
            ..record(id, 10)
        };
        store.append(&record).unwrap();
    }
    let (number, found) = store.next(110_000).unwrap().unwrap();
    assert_eq!((id(&found), number), (2, 1));
    let expired = Loss {
        reason: EXPIRED,
        rows: 1,
        bytes: 10,
    };
    assert_eq!(store.take_losses(), [expired]);
    store.settle(1);
    store.save_cursor().unwrap();
    assert_eq!(rest(&mut open(&disk, &block())), [3]);
}

/// The bytes of the one segment of a store with the records 1, 2 and 3.
fn three(disk: &MemoryDisk) -> (PathBuf, Vec<u8>) {
    let mut store = open(disk, &block());
    for id in 1..=3 {
        store.append(&record(id, 10)).unwrap();
    }
    let path = Segment::new(0).path(&place(disk).folder);
    (path.clone(), disk.read(&path).unwrap())
}

#[test]
fn a_damaged_record_costs_itself_and_a_damaged_header_what_follows() {
    let size = record(1, 10).size() as usize;
    let lost = |rows| Loss {
        reason: UNREADABLE,
        rows,
        bytes: rows * 10,
    };
    for (at, left, losses) in [
        (size - 1, vec![2, 3], lost(1)),
        (2 * size - 1, vec![1, 3], lost(2)),
        (size + 5, vec![1], lost(5)),
        (3, vec![], lost(6)),
    ] {
        let disk = MemoryDisk::default();
        let (path, mut bytes) = three(&disk);
        // Not the last segment, of which the end is looked at more closely.
        let mut store = open(&disk, &block());
        store.append(&record(4, 10)).unwrap();
        let mut store = open(&disk, &block());
        bytes[at] ^= 1;
        disk.put(&path, &bytes);
        let expected: Vec<u32> = left.into_iter().chain([4]).collect();
        assert_eq!(rest(&mut store), expected, "byte {at}");
        assert_eq!(store.take_losses(), [losses], "byte {at}");
    }
}

#[test]
fn a_torn_end_is_passed_over() {
    let whole = three(&MemoryDisk::default()).1;
    let size = whole.len() / 3;
    for length in 0..=whole.len() {
        let disk = MemoryDisk::default();
        let (path, _) = three(&disk);
        disk.put(&path, &whole[..length]);
        let mut store = open(&disk, &block());
        store.append(&record(9, 10)).unwrap();
        let expected: Vec<u32> = (1..=3).take(length / size).chain([9]).collect();
        assert_eq!(rest(&mut store), expected, "{length} bytes");
        assert!(store.take_losses().is_empty());
    }
}

#[test]
fn without_a_whole_cursor_everything_is_sent_again() {
    for cursor in [
        &b""[..],
        b"\0\0\0\0\0\0\0\0",
        b"garbage that is no number at all",
        &[0; 16],
    ] {
        let disk = MemoryDisk::default();
        three(&disk);
        disk.put(&place(&disk).folder.join(CURSOR), cursor);
        assert_eq!(rest(&mut open(&disk, &block())), [1, 2, 3], "{cursor:?}");
    }
}

#[test]
fn a_disk_that_refuses_costs_nothing_and_is_used_again() {
    for kind in [
        ErrorKind::StorageFull,
        ErrorKind::ReadOnlyFilesystem,
        ErrorKind::PermissionDenied,
        ErrorKind::Other,
    ] {
        let disk = MemoryDisk::default();
        let mut store = open(&disk, &block());
        store.append(&record(1, 10)).unwrap();
        disk.fail(Some(kind));
        assert!(matches!(store.append(&record(2, 10)), Err(Refused::Disk(_))));
        assert!(store.save_cursor().is_ok(), "nothing is settled");
        let (number, _) = store.next(1000).unwrap().unwrap();
        store.settle(number);
        assert!(store.save_cursor().is_err());
        disk.fail(None);
        store.append(&record(2, 10)).unwrap();
        store.save_cursor().unwrap();
        assert_eq!(rest(&mut open(&disk, &block())), [2]);
    }
}

#[test]
fn a_bad_sector_holds_nothing_up_for_ever() {
    let disk = MemoryDisk::default();
    three(&disk);
    let mut store = open(&disk, &block());
    disk.fail_reading(Some(ErrorKind::Other));
    for _ in 1..READ_ATTEMPTS {
        assert!(store.next(1000).is_err());
    }
    assert_eq!(store.next(1000).unwrap(), None);
    assert_eq!(store.take_losses().iter().map(|loss| loss.rows).sum::<u64>(), 6);
    disk.fail_reading(None);
    store.append(&record(4, 10)).unwrap();
    assert_eq!(rest(&mut store), [4]);
}

#[test]
fn whatever_step_the_power_goes_off_at_what_was_stored_is_there() {
    // Appends over several segments, taking out, saving.
    let run = |disk: &MemoryDisk, stored: &mut Vec<u32>, settled: &mut u32| -> Option<()> {
        let settings = SpoolSettings {
            max_size: 4 << 20,
            ..block()
        };
        let mut store = Store::open(&place(disk), settings).ok()?;
        for id in 0..12 {
            store.append(&record(id, 100_000)).ok()?;
            stored.push(id);
            if id % 3 == 2 {
                let (number, record) = store.next(1000).ok()??;
                store.settle(number);
                *settled = (*settled).max(self::id(&record) + 1);
                store.save_cursor().ok()?;
            }
        }
        Some(())
    };
    let whole = MemoryDisk::default();
    run(&whole, &mut Vec::new(), &mut 0).unwrap();
    for step in 0..=whole.steps() {
        for seed in 0..8 {
            let (disk, mut stored, mut settled) = (MemoryDisk::default(), Vec::new(), 0);
            disk.cut_power_after(step);
            let _ = run(&disk, &mut stored, &mut settled);
            disk.crash(seed);
            let found = rest(&mut open(&disk, &block()));
            assert!(found.is_sorted(), "step {step} seed {seed}: {found:?}");
            let missing = stored.iter().find(|id| **id >= settled && !found.contains(id));
            assert_eq!(missing, None, "step {step} seed {seed}: {found:?} of {stored:?}");
        }
    }
}

/// What is done to a store in the model test.
#[derive(Clone, Debug)]
enum Act {
    Append(usize),
    Next,
    Settle,
    Save,
    Reopen,
    Crash(u64),
    Fail(bool),
    Resize(Option<usize>),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => (4usize..200_000).prop_map(Act::Append),
        6 => Just(Act::Next),
        5 => Just(Act::Settle),
        2 => Just(Act::Save),
        1 => Just(Act::Reopen),
        1 => any::<u64>().prop_map(Act::Crash),
        1 => any::<bool>().prop_map(Act::Fail),
        1 => proptest::option::of(100_000usize..600_000).prop_map(Act::Resize),
    ]
}

/// What must be true of a store, in the simplest words.
#[derive(Default)]
struct Model {
    /// Records that were stored, in order.
    stored: Vec<u32>,
    /// Of those, which were settled at some time: they may come again after a restart, or not.
    settled: BTreeSet<u32>,
    /// The last record settled in this run, and what that was when the cursor was saved: none before may come again.
    front: Option<u32>,
    saved: Option<u32>,
    /// Handed out in this run and not settled: number and id.
    handed: VecDeque<(u64, u32)>,
    /// The last one handed out in this run.
    last: Option<u32>,
    next: u32,
}

impl Model {
    fn carry_out(&mut self, act: &Act, store: &mut Store, disk: &MemoryDisk, settings: &SpoolSettings) {
        match act {
            Act::Append(size) => {
                if store.append(&record(self.next, *size)).is_ok() {
                    self.stored.push(self.next);
                    assert!(store.size() <= settings.max_size);
                }
                self.next += 1;
            }
            Act::Next => {
                if let Ok(Some((number, record))) = store.next(1000) {
                    self.hand_out(number, id(&record));
                }
            }
            Act::Settle => {
                if let Some((number, id)) = self.handed.pop_front() {
                    store.settle(number);
                    self.settled.insert(id);
                    self.front = Some(id);
                }
            }
            Act::Save => {
                if store.save_cursor().is_ok() {
                    self.saved = self.saved.max(self.front);
                }
            }
            Act::Reopen => self.reopen(store, disk, settings),
            Act::Crash(seed) => {
                disk.crash(*seed);
                self.reopen(store, disk, settings);
            }
            Act::Fail(on) => disk.fail(on.then_some(ErrorKind::Other)),
            Act::Resize(capacity) => disk.resize(*capacity),
        }
    }

    fn hand_out(&mut self, number: u64, id: u32) {
        assert!(self.last < Some(id), "{id} after {:?}", self.last);
        assert!(self.saved < Some(id), "{id} was settled and saved");
        let between = self
            .stored
            .iter()
            .filter(|stored| self.last < Some(**stored) && **stored < id);
        let skipped: Vec<&u32> = between.filter(|stored| !self.settled.contains(stored)).collect();
        assert!(skipped.is_empty(), "{skipped:?} were skipped before {id}");
        self.last = Some(id);
        self.handed.push_back((number, id));
    }

    fn reopen(&mut self, store: &mut Store, disk: &MemoryDisk, settings: &SpoolSettings) {
        disk.fail(None);
        disk.resize(None);
        *store = open(disk, settings);
        self.handed.clear();
        (self.last, self.front) = (None, None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn behaves_like_a_list_over_faults_and_crashes(acts in proptest::collection::vec(act(), 1..120)) {
        let settings = SpoolSettings { max_size: 2 << 20, ..block() };
        let disk = MemoryDisk::default();
        let (mut store, mut model) = (open(&disk, &settings), Model::default());
        for act in &acts {
            model.carry_out(act, &mut store, &disk, &settings);
        }
        model.carry_out(&Act::Crash(7), &mut store, &disk, &settings);
        while let Some((number, record)) = store.next(1000).unwrap() {
            model.hand_out(number, id(&record));
        }
        let last = model.stored.iter().rfind(|id| !model.settled.contains(id)).copied();
        prop_assert!(last <= model.last, "{:?} is missing", last);
        prop_assert!(store.take_losses().is_empty());
    }
}
