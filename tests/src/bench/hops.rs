//! Where the time goes: each hop of the road, with the stages in the sandbox and with their native twins.
//!
//! The best of several rounds counts for each hop: whatever else the machine did, it cannot have made a hop faster.

use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use super::road::{self, Arrived, Hop, Step, Watch};
use super::spring;

/// Rounds over the log.
const ROUNDS: usize = 5;

/// The log's size: far more than the processor's caches hold.
const MEGABYTES: u64 = 60;

/// Hops of the road, stages counted singly.
const HOPS: usize = 8;

/// What came out.
pub struct Figure {
    /// Megabytes (10^6 bytes) of the log.
    pub megabytes: f64,
    /// Entries that came out.
    pub entries: usize,
    /// The hops by name, with seconds: in the sandbox, and native where there is a twin.
    pub hops: Vec<(String, Duration, Option<Duration>)>,
}

/// Measures on a thread as deep as a pipeline's.
///
/// # Errors
/// When something does not run, or both ways do not bring the same.
pub fn measure() -> anyhow::Result<Figure> {
    std::thread::Builder::new()
        .stack_size(millstream_plugin_host::STACK_SIZE)
        .spawn(on_this_thread)?
        .join()
        .map_err(|_| anyhow::anyhow!("the measuring thread panicked"))?
}

fn on_this_thread() -> anyhow::Result<Figure> {
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("spring.log");
    let written = spring::write(&log, MEGABYTES)?;
    let (mut sandboxed, mut native) = (road::sandboxed()?, road::native()?);
    let (mut inside, mut outside) = (Best::default(), Best::default());
    for _ in 0..ROUNDS {
        let one = round(&log, &mut sandboxed, &mut inside)?;
        let other = round(&log, &mut native, &mut outside)?;
        // What the first round holds at its end comes out in the next, so only the first is one short.
        anyhow::ensure!(one == other, "sandboxed {one:?}, native {other:?}");
    }
    let mut hops = vec![
        ("read".to_owned(), inside.0[0], None),
        ("split".to_owned(), inside.0[1], None),
    ];
    for (place, (name, _)) in road::users_stages().into_iter().enumerate() {
        hops.push((name.to_owned(), inside.0[2 + place], Some(outside.0[2 + place])));
    }
    hops.push(("group and encode".to_owned(), inside.0[6], None));
    hops.push(("compress".to_owned(), inside.0[7], None));
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let megabytes = written.bytes as f64 / 1e6;
    Ok(Figure {
        megabytes,
        entries: written.entries,
        hops,
    })
}

/// The least time of each hop in any round.
#[derive(Default)]
struct Best([Duration; HOPS]);

/// The times of one round.
#[derive(Default)]
struct Stopwatch([Duration; HOPS]);

impl Watch for Stopwatch {
    fn over<T>(&mut self, hop: Hop, run: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let value = run();
        let place = match hop {
            Hop::Read => 0,
            Hop::Split => 1,
            Hop::Stage(place) => 2 + place,
            Hop::Group => 6,
            Hop::Compress => 7,
        };
        if let Some(sum) = self.0.get_mut(place) {
            *sum += began.elapsed();
        }
        value
    }
}

fn round(log: &Path, steps: &mut [Step], best: &mut Best) -> anyhow::Result<Arrived> {
    let mut watch = Stopwatch::default();
    let arrived = road::travel(log, steps, &mut watch)?;
    for (best, now) in best.0.iter_mut().zip(watch.0) {
        *best = if best.is_zero() { now } else { now.min(*best) };
    }
    Ok(arrived)
}
