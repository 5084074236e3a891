//! Receivers that answer badly, or not at all, thousands of times.
//!
//! Asked for: nothing lost but what a 400 named, and that counted; per stream the order of what comes for the first
//! time is kept; `Retry-After` is waited for. A sink that is down does not stop a pipeline of its own beside it.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use fastrand::Rng;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::agent::Launch;
use crate::arrivals::{Arrivals, Order, stretches};
use crate::misbehaver::{Misbehaver, Move, Push, push_url};
use crate::writer::Log;
use crate::{numbered, users};

/// How long nothing new may come at the end; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long the agent waits for an answer here: a busy machine must not make every answer late.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Draws what is done with each request, most of them badly.
struct Chance {
    dice: Rng,
    /// Not before then may the next request come.
    not_before: Option<Instant>,
    hasty: Arc<AtomicU64>,
}

impl Chance {
    fn draw(&mut self, push: Push) -> Move {
        let hasty = self.not_before.take().is_some_and(|at| Instant::now() < at);
        self.hasty.fetch_add(u64::from(hasty), Ordering::Relaxed);
        let dice = &mut self.dice;
        match dice.u32(..1000) {
            0..350 => Move::Accept,
            350..400 => Move::Late(Duration::from_millis(dice.u64(1..100))),
            400..500 => Move::Refuse(429, None),
            500..503 => {
                self.not_before = Some(Instant::now() + Duration::from_secs(1));
                Move::Refuse(429, Some(1))
            }
            503..640 => Move::Refuse([500, 502, 503, 504][dice.usize(..4)], None),
            640..740 if push.entries > 1 => Move::Refuse(413, None),
            740..800 if push.first_stream > 0 => Move::Partial(dice.usize(1..=push.first_stream)),
            800..860 => Move::BreakOff,
            860..910 => Move::Reset { after_body: true },
            910..940 => Move::Reset { after_body: false },
            940..990 => Move::Garbage,
            990..995 => Move::Hang {
                keeps: false,
                after: TIMEOUT * 2,
            },
            995..1000 => Move::Hang {
                keeps: true,
                after: TIMEOUT * 2,
            },
            _ => Move::Accept,
        }
    }
}

/// At least so many requests with answers drawn from the seed.
///
/// # Errors
/// When a promise is broken.
pub async fn random(seed: u64, requests: u64) -> anyhow::Result<String> {
    let folder = tempfile::tempdir()?;
    let logs = folder.path().join("logs");
    fs::create_dir(&logs)?;
    let arrivals = Arc::new(Arrivals::new(Order::First));
    let hasty = Arc::new(AtomicU64::new(0));
    let mut chance = Chance {
        dice: Rng::with_seed(seed),
        not_before: None,
        hasty: hasty.clone(),
    };
    let receiver = Misbehaver::start(&arrivals, move |push| chance.draw(push)).await?;
    let sink = format!(
        "batch_wait: 10ms, batch_size: 4KB, min_backoff_period: 2ms, max_backoff_period: 20ms, remote_timeout: {}s",
        TIMEOUT.as_secs()
    );
    let manifest = users::manifest_with(&logs, &receiver.push_url(), "", &sink);
    let launch = Launch::new(folder.path());
    launch.warm_up().await?;
    let agent = launch.start(&manifest).await?;
    let mut written = vec![Log::create(&logs, 0)?, Log::create(&logs, 1)?];
    write(&mut written, requests, &receiver, &arrivals)
        .await
        .with_context(|| agent.log().join("\n"))?;
    receiver.behave(|_| Move::Accept);
    let total: u64 = written.iter().map(Log::written).sum();
    // An answer on its way may still name some.
    let begun = Instant::now();
    while arrivals.distinct() + lost(&receiver, &arrivals) < total && begun.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let gone = lost(&receiver, &arrivals);
    agent
        .wait_for_metric("loki_write_dropped_entries_total", gone as f64)
        .await?;
    let dropped = agent.metric("loki_write_dropped_entries_total").await? as u64;
    let retries = agent.metric("loki_write_batch_retries_total").await?;
    ensure!(agent.stop().await?.success(), "the agent failed");
    let names = named(&receiver);
    for log in &written {
        let mut missing = arrivals.missing(log.index(), log.written());
        missing.retain(|number| !names.contains(&(log.index(), *number)));
        ensure!(
            missing.is_empty(),
            "log {}: lost though no answer named them: {}",
            log.index(),
            stretches(&missing)
        );
    }
    arrivals.check()?;
    let ignored = receiver.ignored().len() as u64;
    // Named in an answer that came too late, an entry comes again; named after it had come, it is not lost.
    ensure!(
        dropped <= ignored,
        "{ignored} entries were named, {dropped} are counted as dropped"
    );
    ensure!(
        hasty.load(Ordering::Relaxed) == 0,
        "Retry-After was not waited for"
    );
    let moves = receiver.moves();
    let moves: Vec<String> = moves
        .iter()
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    Ok(format!(
        "{} requests ({}), {retries} repeated: {total} entries written, {gone} lost, all named by a 400 ({ignored} named, {dropped} \
         counted as dropped), 0 out of order, {} stored twice",
        receiver.requests(),
        moves.join(", "),
        arrivals.entries() - arrivals.distinct(),
    ))
}

/// Writes until so many requests have come: far enough ahead that they are full, not so far that the rest takes long.
async fn write(
    logs: &mut [Log],
    requests: u64,
    receiver: &Misbehaver,
    arrivals: &Arrivals,
) -> anyhow::Result<()> {
    let mut reached = (0, Instant::now());
    while receiver.requests() < requests {
        let total: u64 = logs.iter().map(Log::written).sum();
        if total < arrivals.distinct() + receiver.ignored().len() as u64 + 400 {
            for log in logs.iter_mut() {
                for _ in 0..20 {
                    log.write()?;
                }
            }
        }
        if receiver.requests() > reached.0 {
            reached = (receiver.requests(), Instant::now());
        }
        ensure!(reached.1.elapsed() < PATIENCE, "no request for {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}

/// What answers named as ignored: log and number.
fn named(receiver: &Misbehaver) -> BTreeSet<(u32, u64)> {
    let ignored = receiver.ignored();
    ignored.iter().filter_map(|line| numbered::parse(line)).collect()
}

/// How many of these never came otherwise.
fn lost(receiver: &Misbehaver, arrivals: &Arrivals) -> u64 {
    let names = named(receiver);
    names
        .iter()
        .filter(|(log, number)| !arrivals.has(*log, *number))
        .count() as u64
}

/// Two pipelines with a source and a sink each, on the same files; one sink is down until the other has everything.
///
/// # Errors
/// When a promise is broken.
pub async fn one_down(entries: u64) -> anyhow::Result<String> {
    let folder = tempfile::tempdir()?;
    let logs = folder.path().join("logs");
    fs::create_dir(&logs)?;
    let (up, down) = (
        Arc::new(Arrivals::new(Order::First)),
        Arc::new(Arrivals::new(Order::First)),
    );
    let receiver = Misbehaver::start(&up, |_| Move::Accept).await?;
    let nobody = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let glob = format!("{}/*.log", logs.display());
    let sink = "batch_wait: 50ms, min_backoff_period: 50ms, max_backoff_period: 500ms";
    let stage = r"multiline: { firstline: '^\d{4}-' }";
    let manifest = format!(
        "sources:\n  one: {{ file: {{ include: ['{glob}'] }} }}\n  two: {{ file: {{ include: ['{glob}'] }} }}\n\
         pipelines:\n  a: {{ from: [one], stages: [{stage}], to: [up] }}\n  b: {{ from: [two], stages: [{stage}], to: [down] }}\n\
         sinks:\n  up: {{ loki: {{ url: '{}', {sink} }} }}\n  down: {{ loki: {{ url: '{}', {sink} }} }}\n",
        receiver.push_url(),
        push_url(nobody)
    );
    let launch = Launch::new(folder.path());
    launch.warm_up().await?;
    let agent = launch.start(&manifest).await?;
    let mut log = Log::create(&logs, 0)?;
    while log.written() < entries {
        for _ in 0..500 {
            log.write()?;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    up.wait_for(log.written(), PATIENCE).await?;
    ensure!(down.distinct() == 0, "nobody listened");
    let _back = Misbehaver::at(nobody, &down, |_| Move::Accept).await?;
    down.wait_for(log.written(), PATIENCE).await?;
    ensure!(agent.stop().await?.success(), "the agent failed");
    up.check()?;
    down.check()?;
    Ok(format!(
        "one of two sinks down until the other had all {} entries, on pipelines of their own: 0 missing at either",
        log.written()
    ))
}
