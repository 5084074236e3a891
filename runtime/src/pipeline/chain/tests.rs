use std::sync::Arc;

use millstream_batch::Labels;
use millstream_plugin_host::{Host, Limits, LogStage, STACK_SIZE};
use prometheus::Registry;
use serde_json::{Value, json};

use super::*;
use crate::disk::memory::MemoryDisk;
use crate::stages::{DeadLetters, Events, GuestMetrics, Place, StageMetrics, bundled};

/// What every stage but the first has of memory: [`HUGE`] does not fit.
const MEMORY: usize = 8 << 20;

/// Bytes of a line that no stage but the first survives.
const HUGE: usize = MEMORY;

/// A chain of bundled stages, on a thread with the stack they need.
fn with_chain(stages: &[(&str, Value)], test: impl FnOnce(Chain) + Send) {
    std::thread::scope(|scope| {
        let work = || {
            let (host, registry) = (Host::new(None).unwrap(), Registry::new());
            let guests = Arc::new(GuestMetrics::register_in(&registry).unwrap());
            let metrics = Arc::new(StageMetrics::register(&registry).unwrap());
            let letters = DeadLetters::new(Arc::new(MemoryDisk::default()), "dead_letters".into());
            let stages = stages.iter().enumerate().map(|(index, (name, settings))| {
                let events = Arc::new(Events::new("p", name, guests.clone()));
                let plugin = host.load(name, bundled::component(name).unwrap()).unwrap();
                let mut limits = Limits::default();
                if index > 0 {
                    limits.memory = MEMORY;
                }
                let inner = LogStage::new(plugin, settings, limits, events.clone()).unwrap();
                let place = Place {
                    on_error: OnError::Pass,
                    metrics: metrics.clone(),
                    letters: letters.of("p", name),
                };
                Stage::new(&events, inner, place)
            });
            test(Chain::new(stages.collect()));
        };
        std::thread::Builder::new()
            .stack_size(STACK_SIZE)
            .spawn_scoped(scope, work)
            .unwrap()
            .join()
            .unwrap();
    });
}

fn batch(first_seq: u64, lines: &[&str]) -> LogBatch {
    batch_of("/a.log", first_seq, lines)
}

fn batch_of(file: &str, first_seq: u64, lines: &[&str]) -> LogBatch {
    LogBatch {
        timestamps: vec![0; lines.len()],
        lines: lines.iter().copied().collect(),
        streams: vec![0; lines.len()],
        labels: vec![Labels::from_pairs([("filename", file)])],
        seqs: (first_seq..first_seq + lines.len() as u64).collect(),
        ..LogBatch::default()
    }
}

fn lines(out: &[LogBatch]) -> Vec<&str> {
    out.iter().flat_map(|batch| batch.lines.iter()).collect()
}

fn owed(chain: &Chain) -> Vec<u64> {
    let mut owed: Vec<u64> = chain.owed().collect();
    owed.sort_unstable();
    owed.dedup();
    owed
}

fn multiline() -> (&'static str, Value) {
    ("multiline", json!({ "firstline": "^A", "max_wait_time": "1s" }))
}

#[test]
fn what_a_stage_holds_is_owed_until_it_is_let_go() {
    with_chain(&[multiline()], |mut chain| {
        assert_eq!(
            lines(&chain.walk(batch(0, &["A1", " b", "A2"]), 0).unwrap()),
            ["A1\n b"]
        );
        assert_eq!(owed(&chain), [2]);
        assert_eq!(chain.wake_at(), Some(1_000_000_000));
        assert!(chain.tick(999_999_999).unwrap().is_empty());
        assert_eq!(lines(&chain.tick(1_000_000_000).unwrap()), ["A2"]);
        assert_eq!((owed(&chain), chain.wake_at()), (vec![], None));
    });
}

#[test]
fn a_row_merged_into_one_that_is_held_further_down_is_owed_too() {
    with_chain(&[multiline(), multiline()], |mut chain| {
        // The first joins 0 and 1 and holds 2; the second holds the joined row, whose own number is 0.
        assert!(chain.walk(batch(0, &["A1", " b", "A2"]), 0).unwrap().is_empty());
        assert_eq!(owed(&chain), [0, 1, 2]);
        assert_eq!(lines(&chain.flush(0).unwrap()), ["A1\n b", "A2"]);
        assert_eq!(owed(&chain), [] as [u64; 0]);
    });
}

#[test]
fn what_was_merged_is_owed_as_long_as_the_row_it_went_into() {
    with_chain(&[multiline(), multiline()], |mut chain| {
        // The second holds a row of each file; that of the second file goes on while that of the first stays.
        assert!(
            chain
                .walk(batch_of("/b.log", 0, &["A1", "A2"]), 0)
                .unwrap()
                .is_empty()
        );
        assert!(
            chain
                .walk(batch_of("/a.log", 2, &["A3", " b", "A4"]), 0)
                .unwrap()
                .is_empty()
        );
        let out = chain.walk(batch_of("/a.log", 5, &["A5"]), 0).unwrap();
        assert_eq!(lines(&out), ["A3\n b"]);
        let owed = owed(&chain);
        assert_eq!(owed.contains(&2), owed.contains(&3), "{owed:?}");
    });
}

#[test]
fn a_source_may_name_a_label_as_in_alloy() {
    with_chain(&[("output", json!({ "source": "filename" }))], |mut chain| {
        assert_eq!(lines(&chain.walk(batch(0, &["x"]), 0).unwrap()), ["/a.log"]);
    });
}

#[test]
fn dropped_rows_vanish_and_are_not_owed() {
    with_chain(
        &[("drop", json!({ "expression": "debug" })), multiline()],
        |mut chain| {
            assert!(chain.walk(batch(0, &["debug", "debug"]), 0).unwrap().is_empty());
            assert_eq!(owed(&chain), [] as [u64; 0]);
        },
    );
}

#[test]
fn a_failing_stage_still_owes_what_was_merged_into_the_rows_it_holds() {
    with_chain(&[multiline(), multiline()], |mut chain| {
        assert!(chain.walk(batch(0, &["A1", " b", "A2"]), 0).unwrap().is_empty());
        let huge = "A".repeat(HUGE);
        let out = chain.walk(batch_of("/b.log", 3, &[&huge, "A4"]), 0).unwrap();
        assert_eq!(lines(&out), [&huge]);
        assert_eq!(out[0].metadata.len(), 1, "it passed the second stage by");
        assert_eq!(owed(&chain), [0, 1, 2, 4]);
        assert_eq!(lines(&chain.flush(0).unwrap()), ["A1\n b", "A2", "A4"]);
    });
}

#[test]
fn rows_that_pass_a_failing_stage_by_do_not_overtake_what_it_holds() {
    let first = ("static_labels", json!({ "values": { "job": "j" } }));
    with_chain(&[first, multiline()], |mut chain| {
        assert!(chain.walk(batch(0, &["A1", " b"]), 0).unwrap().is_empty());
        assert!(chain.walk(batch_of("/b.log", 2, &["A2"]), 0).unwrap().is_empty());
        let huge = "x".repeat(HUGE);
        let out = chain.walk(batch_of("/c.log", 3, &[&huge]), 0).unwrap();
        assert_eq!(lines(&out), [&huge], "no row of its stream is held");
        let out = chain.walk(batch(4, &[" c", &huge]), 0).unwrap();
        assert_eq!(
            lines(&out),
            ["A1\n b\n c", "A2", &huge],
            "the row at fault alone passes by"
        );
        assert_eq!(owed(&chain), [] as [u64; 0]);
    });
}
