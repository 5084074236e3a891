//! Promise: settled ⇒ delivered or counted; delivered ⇒ read; order kept per stream; a group of lines arrives whole. In
//! thousands of schedules of what can happen to an agent, each from one seed.
//!
//! Real: the workers with their chains of compiled components, receipts, ledgers, the outlet, the checkpoint book and
//! its folder. Simulated, and so under the schedule's control: the files, the reader, the sinks, time. Everything runs on
//! one thread with tokio's clock stopped, so a seed tells the same story every time.
//!
//! `MILLSTREAM_SEED=7` runs the schedule of that seed alone, `MILLSTREAM_SCHEDULES=100000` so many from seed 0 on.
//!
//! What it does not prove: the real reader and the real sinks (they have suites of their own), threads, the order in which a
//! disk keeps writes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod disk;
mod life;
mod logs;
mod mill;
mod random;
mod reader;
mod schedule;
mod sink;
mod witness;
mod world;

use std::env;
use std::thread;

use millstream_plugin_host::STACK_SIZE;

use mill::Mill;
use schedule::Tally;

/// How many schedules run unless told otherwise: about 20 s of one core.
const SCHEDULES: u64 = 4000;

#[test]
fn nothing_is_lost_reordered_or_torn_apart_in_any_schedule() {
    let number = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seeds = match number("MILLSTREAM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("MILLSTREAM_SCHEDULES").unwrap_or(SCHEDULES),
    };
    // Guests are called on this thread.
    let simulation = thread::Builder::new().stack_size(STACK_SIZE);
    let total = simulation.spawn(move || all(seeds)).unwrap().join().unwrap();
    println!("{total:?}");
    assert!(total.entries > 0);
}

/// Runs the schedules of these seeds; panics at the first that breaks an invariant.
fn all(seeds: std::ops::Range<u64>) -> Tally {
    let mill = Mill::new();
    let mut total = Tally::default();
    for seed in seeds {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        match runtime.block_on(schedule::run(seed, &mill)) {
            Ok(tally) => {
                total.lines += tally.lines;
                total.entries += tally.entries;
                total.lives += tally.lives;
                total.swaps += tally.swaps;
            }
            Err(story) => panic!("MILLSTREAM_SEED={seed}: {story}"),
        }
    }
    total
}
