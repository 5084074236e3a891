//! Torture: the built agent under kills, rotations, bad answers, dead sinks, thousands of files and storage that fails.
//!
//! Each scenario has a short version in a suite of its name, and a long one that `make torture` runs. Everything random
//! comes from one seed, printed first and with every failure; the moments at which a kill meets the agent are the
//! machine's all the same, so a seed repeats the schedule and not the race.

pub mod answers;
pub mod backlog;
pub mod kills;
pub mod many_files;
pub mod rotations;
pub mod storage;

use std::io::{self, Write};
use std::time::Duration;

use anyhow::{Context, bail, ensure};

/// The scenarios and their rounds: kills, rotations, requests, megabytes, files, repetitions.
const SCENARIOS: [(&str, u64); 6] = [
    ("kills", 200),
    ("rotations", 10),
    ("answers", 10_000),
    ("backlog", 10_000),
    ("many_files", 10_000),
    ("storage", 1),
];

/// What copytruncate may cost while the sink keeps up, in percent of the entries: Alloy loses about 1.
const MOST_CUT_OFF: f64 = 0.1;

/// What the command line asks for.
struct Wish {
    scenario: Option<String>,
    seed: u64,
    rounds: Option<u64>,
}

/// A seed of the moment, or what `TORTURE_SEED` says.
#[must_use]
pub fn seed() -> u64 {
    let given = std::env::var("TORTURE_SEED")
        .ok()
        .and_then(|text| text.parse().ok());
    given.unwrap_or_else(|| fastrand::u64(..1_000_000))
}

fn wish(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Wish> {
    let mut wish = Wish {
        scenario: None,
        seed: seed(),
        rounds: None,
    };
    while let Some(argument) = arguments.next() {
        let mut number = || -> anyhow::Result<u64> {
            let value = arguments
                .next()
                .with_context(|| format!("{argument} wants a number"))?;
            value
                .parse()
                .with_context(|| format!("{argument} wants a number, not {value:?}"))
        };
        match argument.as_str() {
            "--seed" => wish.seed = number()?,
            "--rounds" => wish.rounds = Some(number()?),
            name if SCENARIOS.iter().any(|(known, _)| *known == name) => wish.scenario = Some(argument),
            _ => bail!(
                "{argument:?} is no scenario; there are: {}",
                SCENARIOS.map(|(name, _)| name).join(", ")
            ),
        }
    }
    Ok(wish)
}

/// Runs what the command line asks for and prints figures.
///
/// # Errors
/// When a promise is broken; the seed is in the message.
pub fn run() -> anyhow::Result<()> {
    let wish = wish(std::env::args().skip(1))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut out = io::stdout();
    for (name, rounds) in SCENARIOS {
        if wish.scenario.as_deref().is_some_and(|wished| wished != name) {
            continue;
        }
        let (seed, rounds) = (wish.seed, wish.rounds.unwrap_or(rounds));
        writeln!(out, "{name}: seed {seed}, {rounds} rounds")?;
        let mut figures = Vec::new();
        let ended = runtime.block_on(one(name, seed, rounds, &mut figures));
        for figure in figures {
            writeln!(out, "- {figure}")?;
        }
        ended.with_context(|| format!("{name} --seed {seed} --rounds {rounds}"))?;
    }
    Ok(())
}

/// Runs a scenario. The figures of what went well are there even when a later part breaks a promise.
async fn one(name: &str, seed: u64, rounds: u64, figures: &mut Vec<String>) -> anyhow::Result<()> {
    match name {
        "kills" => {
            figures.extend(Box::pin(kills::receiver(&kills::Kills::new(seed, rounds))).await?);
            figures.extend(Box::pin(kills::loki(&kills::Kills::new(seed, rounds.div_ceil(5)))).await?);
            figures.push(Box::pin(kills::rotated_at_start(seed, rounds.div_ceil(10))).await?);
        }
        "rotations" => Box::pin(all_rotations(seed, rounds, figures)).await?,
        "answers" => {
            figures.push(Box::pin(answers::random(seed, rounds)).await?);
            figures.push(Box::pin(answers::one_down(100_000)).await?);
        }
        "backlog" => {
            let watch = Duration::from_secs(60);
            figures.push(Box::pin(backlog::run(backlog::Dead::Refuses, rounds, watch)).await?);
            figures.push(Box::pin(backlog::run(backlog::Dead::Silent, rounds / 10, watch)).await?);
        }
        "many_files" => {
            let files = u32::try_from(rounds)?;
            figures.push(Box::pin(many_files::at_once(1100, 200, None)).await?);
            figures.push(Box::pin(many_files::quiet(files, Duration::from_secs(60))).await?);
            figures.push(Box::pin(many_files::at_once(1100, 20, Some((1024, 20_000)))).await?);
            figures.push(Box::pin(many_files::too_many(1500, 1024)).await?);
        }
        "storage" => {
            for _ in 0..rounds {
                for fault in [
                    storage::Fault::Full,
                    storage::Fault::ReadOnly,
                    storage::Fault::Permission,
                ] {
                    figures.push(Box::pin(storage::run(fault, "batch_wait: 100ms, batch_size: 64KB")).await?);
                }
            }
        }
        _ => bail!("no scenario {name}"),
    }
    Ok(())
}

/// Every mode at 50,000 lines a second, so many rotations each, with a slow sink; copytruncate with a quick one too.
async fn all_rotations(seed: u64, rounds: u64, figures: &mut Vec<String>) -> anyhow::Result<()> {
    use rotations::{Downtime, Mode, Rotations, has_logrotate, run, while_down};
    let times = u32::try_from(rounds)?;
    let slow = |mode| Rotations {
        seed,
        mode,
        rate: 50_000,
        every: Duration::from_secs(2),
        times,
        delay: Duration::from_millis(600),
    };
    let quick = |mode| Rotations {
        every: Duration::from_secs(15),
        times: times.div_ceil(3),
        delay: Duration::ZERO,
        ..slow(mode)
    };
    let (mut renames, mut copies) = (
        vec![Mode::Create, Mode::Late, Mode::Gzip],
        vec![Mode::CopyTruncate],
    );
    if has_logrotate() {
        renames.push(Mode::LogrotateCreate);
        copies.push(Mode::LogrotateCopy);
    } else {
        figures.push("SKIPPED: the program logrotate is not here".to_owned());
    }
    for mode in renames {
        figures.push(Box::pin(run(&slow(mode))).await?.0);
    }
    for mode in copies {
        figures.push(Box::pin(run(&slow(mode))).await?.0);
        let (figure, lost) = Box::pin(run(&quick(mode))).await?;
        ensure!(lost < MOST_CUT_OFF, "more than {MOST_CUT_OFF} %: {figure}");
        figures.push(format!("with a sink that keeps up, {figure}"));
    }
    for downtime in [Downtime::Renamed, Downtime::Compressed, Downtime::Twice] {
        figures.push(Box::pin(while_down(seed, downtime)).await?);
    }
    Ok(())
}

/// Says what went wrong, on stderr.
pub fn complain(error: &anyhow::Error) {
    // Nothing is left to be done when stderr is gone.
    let _ = writeln!(io::stderr().lock(), "torture: {error:#}");
}
