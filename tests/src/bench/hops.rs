//! Where the time goes: each hop of the road, with the stages in the sandbox and with their native twins.
//!
//! The best of several rounds counts for each hop: whatever else the machine did, it cannot have made a hop faster. The hops of a
//! round must add up to the round, or something is on the road that no hop accounts for. What crossing costs is measured in rounds of
//! their own, by a stage that does nothing with the same columns; it is a part of its stage's figure, whose answer's way back is the
//! stage's own.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use tokio::time::Instant;

use super::bodies::Bodies;
use super::ceiling;
use super::road::{self, Arrived, Hop, Step, Watch};
use super::spring;

/// Rounds over the log.
const ROUNDS: usize = 5;

/// The most requests of a round.
const REQUESTS: usize = 200;

/// The log's size: far more than the processor's caches hold.
const MEGABYTES: u64 = 60;

/// Stages of the user.
const STAGES: usize = 4;

/// Hops of the road, stages counted singly, and probes.
const HOPS: usize = 6 + STAGES * 2;

/// The part of a round that its hops may leave out.
const UNTOLD: f64 = 0.05;

/// What came out.
pub struct Figure {
    /// Megabytes (10^6 bytes) of the log.
    pub megabytes: f64,
    /// Entries that came out.
    pub entries: usize,
    /// The hops, in order.
    pub hops: Vec<Line>,
    /// The part of the fastest round that no hop accounts for.
    pub untold: f64,
    /// How long the loop takes that can do nothing else.
    pub ceiling: Duration,
}

/// A hop.
pub struct Line {
    /// What happens.
    pub name: String,
    /// How long it took in the sandbox, or where there is none.
    pub took: Duration,
    /// How long its native twin took, for a stage.
    pub native: Option<Duration>,
    /// How much of it was crossing, for a stage.
    pub cross: Option<Duration>,
}

/// Measures on a thread as deep as a pipeline's.
///
/// # Errors
/// When something does not run, both ways do not bring the same, or the hops do not add up.
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
    let (mut sandboxed, mut native, mut probed) = (road::sandboxed()?, road::native()?, road::probed()?);
    let mut best: [Best; 3] = Default::default();
    let mut ceiling = Duration::MAX;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let (entries, _) = ceiling::run(&log)?;
        ceiling = ceiling.min(began.elapsed());
        ensure!(entries == written.entries, "the loop found {entries} entries");
        let one = round(&log, &mut sandboxed, &mut best[0])?;
        let other = round(&log, &mut native, &mut best[1])?;
        round(&log, &mut probed, &mut best[2])?;
        // What the first round holds at its end comes out in the next, so only the first is one short.
        ensure!(one == other, "sandboxed {one:?}, native {other:?}");
    }
    let [inside, outside, crossing] = best;
    ensure!(
        inside.untold <= UNTOLD,
        "{:.0} % of the fastest round are in no hop",
        inside.untold * 100.0
    );
    let plain = |name: &str, hop| Line {
        name: name.to_owned(),
        took: inside.hops[place(hop)],
        native: None,
        cross: None,
    };
    let mut hops = vec![plain("read", Hop::Read), plain("split", Hop::Split)];
    for (number, (name, _)) in road::users_stages().into_iter().enumerate() {
        hops.push(Line {
            native: Some(outside.hops[place(Hop::Stage(number))]),
            cross: Some(crossing.hops[place(Hop::Cross(number))]),
            ..plain(name, Hop::Stage(number))
        });
    }
    hops.push(plain("group", Hop::Group));
    hops.push(plain("encode", Hop::Encode));
    hops.push(plain("compress", Hop::Compress));
    hops.push(plain("send", Hop::Send));
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let megabytes = written.bytes as f64 / 1e6;
    Ok(Figure {
        megabytes,
        entries: written.entries,
        hops,
        untold: inside.untold,
        ceiling,
    })
}

/// Where a hop's time stands.
fn place(hop: Hop) -> usize {
    match hop {
        Hop::Read => 0,
        Hop::Split => 1,
        Hop::Group => 2,
        Hop::Encode => 3,
        Hop::Compress => 4,
        Hop::Send => 5,
        Hop::Stage(number) => 6 + number,
        Hop::Cross(number) => 6 + STAGES + number,
    }
}

/// The least time of each hop in any round, and what the fastest round left untold.
#[derive(Default)]
struct Best {
    hops: [Duration; HOPS],
    total: Duration,
    untold: f64,
}

/// The times of one round.
#[derive(Default)]
struct Stopwatch([Duration; HOPS]);

impl Watch for Stopwatch {
    fn over<T>(&mut self, hop: Hop, run: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let value = run();
        if let Some(sum) = self.0.get_mut(place(hop)) {
            *sum += began.elapsed();
        }
        value
    }
}

fn round(log: &Path, steps: &mut [Step], best: &mut Best) -> anyhow::Result<Arrived> {
    let receiver = Bodies::start(REQUESTS)?;
    let mut sender = Sender::to(receiver.push_url())?;
    let mut watch = Stopwatch::default();
    let began = Instant::now();
    let arrived = road::travel(log, steps, &mut watch, &mut |body| sender.post(body))?;
    let total = began.elapsed();
    if best.total.is_zero() || total < best.total {
        best.total = total;
        let told: Duration = watch.0.iter().sum();
        best.untold = 1.0 - told.as_secs_f64() / total.as_secs_f64();
    }
    for (best, now) in best.hops.iter_mut().zip(watch.0) {
        *best = if best.is_zero() { now } else { now.min(*best) };
    }
    Ok(arrived)
}

/// Sends requests with the client that a sink has.
struct Sender {
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
    url: String,
}

impl Sender {
    fn to(url: String) -> anyhow::Result<Self> {
        Ok(Self {
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
            client: crate::agent::http_client()?,
            url,
        })
    }

    fn post(&mut self, body: &Bytes) -> anyhow::Result<()> {
        let request = self.client.post(&self.url).body(body.clone());
        // Made within the runtime, whose clock it starts.
        let answer = self.runtime.block_on(async { request.send().await });
        let answer = answer.context("no answer")?;
        ensure!(
            answer.status().is_success(),
            "the receiver answered {}",
            answer.status()
        );
        Ok(())
    }
}
