//! The benchmark: what a batch costs to cross into a stage, and what a CPU-second buys on the user's log.
//!
//! Figures of one run are compared with each other only: this machine is noisy. CPU seconds are the agent process' own,
//! from its start to its end; the receiver runs in this process and is not counted.

pub mod crossing;
pub mod hops;
pub mod languages;
pub mod platform;
pub mod redact;
pub mod road;
pub mod spring;
pub mod twin;
pub mod whole;

use std::io::{self, Write};
use std::time::Duration;

use anyhow::Context;

/// Runs every benchmark, or one of them when told `hops` or `languages`, and prints what it finds.
///
/// # Errors
/// When something does not run, or an entry is missing at the receiver.
pub fn run() -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let megabytes: u64 = match std::env::args().nth(1) {
        Some(text) if text == "hops" => return hops(&mut out),
        Some(text) if text == "languages" => return languages(&mut out),
        Some(text) => text
            .parse()
            .context("the first argument is the log's size in megabytes")?,
        None => 300,
    };
    writeln!(
        out,
        "## Crossing\n\n| stage | rows | ns per row | µs per batch |\n|---|---|---|---|"
    )?;
    for figure in crossing::measure()? {
        writeln!(
            out,
            "| {} | {} | {:.1} | {:.2} |",
            figure.stage, figure.rows, figure.per_row, figure.per_batch
        )?;
    }
    hops(&mut out)?;
    platform(&mut out)?;
    let redact = redact::measure()?;
    writeln!(
        out,
        "\n## `redact` in Rust, inside and natively, lines of {:.0} bytes\n\n| where | ns per line | MB/s |\n|---|---|---|",
        redact.line
    )?;
    for (name, cost) in [
        ("in the sandbox", redact.inside),
        ("natively", redact.native),
        ("a stage that does nothing, in the sandbox", redact.empty),
    ] {
        writeln!(out, "| {name} | {cost:.1} | {:.0} |", redact.line / cost * 1e3)?;
    }
    writeln!(
        out,
        "\nspeed inside: {:.0} % of native",
        redact.native / redact.inside * 100.0
    )?;
    languages(&mut out)?;
    writeln!(
        out,
        "\n## The user's four stages, tail to acknowledged push, {megabytes} MB\n"
    )?;
    let figure = whole::measure(megabytes)?;
    writeln!(out, "| what | value |\n|---|---|")?;
    writeln!(
        out,
        "| entries expected / arrived | {} / {} |",
        figure.expected, figure.arrived
    )?;
    writeln!(out, "| wall, start to last push | {:.2} s |", figure.wall)?;
    writeln!(out, "| CPU of the agent, start to end | {:.2} s |", figure.cpu)?;
    writeln!(
        out,
        "| MB per CPU-second | {:.0} |",
        figure.megabytes / figure.cpu
    )?;
    writeln!(
        out,
        "| resident memory, highest | {:.0} MB |",
        figure.resident / 1e6
    )?;
    writeln!(out, "| binary | {:.0} MB |", figure.binary / 1e6)?;
    writeln!(
        out,
        "| warm start to first line read | {:.0} ms |",
        figure.warm_start * 1e3
    )?;
    anyhow::ensure!(figure.arrived == figure.expected, "entries are missing");
    Ok(())
}

fn hops(out: &mut impl Write) -> anyhow::Result<()> {
    let figure = hops::measure()?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let entries = figure.entries as f64;
    writeln!(
        out,
        "\n## Hops, in one thread, {:.0} MB, ns per entry\n\n| hop | in the sandbox | native twin |\n|---|---|---|",
        figure.megabytes
    )?;
    let per_entry = |time: Duration| time.as_secs_f64() * 1e9 / entries;
    let (mut inside, mut stages, mut twins) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for (name, time, twin) in &figure.hops {
        inside += *time;
        let told = twin.map_or_else(String::new, |twin| format!("{:.0}", per_entry(twin)));
        writeln!(out, "| {name} | {:.0} | {told} |", per_entry(*time))?;
        if let Some(twin) = twin {
            stages += *time;
            twins += *twin;
        }
    }
    writeln!(out, "| all | {:.0} | |", per_entry(inside))?;
    writeln!(
        out,
        "\nstages in the sandbox cost {:.2} times their twins; the whole road {:.2} times: {:.0} and {:.0} MB/s",
        stages.as_secs_f64() / twins.as_secs_f64(),
        inside.as_secs_f64() / (inside - stages + twins).as_secs_f64(),
        figure.megabytes / inside.as_secs_f64(),
        figure.megabytes / (inside - stages + twins).as_secs_f64()
    )?;
    Ok(())
}

fn languages(out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(
        out,
        "\n## Languages\n\n| language | a stage that does nothing, ns per line | `redact` | MB/s | component | compiled in |\n\
         |---|---|---|---|---|---|"
    )?;
    for figure in languages::measure()? {
        let (empty, redact) = figure.costs;
        writeln!(
            out,
            "| {} | {empty:.0} | {redact:.0} | {:.0} | {:.1} MB | {:.1} s |",
            figure.language,
            figure.line / redact * 1e3,
            figure.size / 1e6,
            figure.compile
        )?;
    }
    Ok(())
}

fn platform(out: &mut impl Write) -> anyhow::Result<()> {
    let figure = platform::measure()?;
    writeln!(out, "\n## The plugin platform\n\n| what | value |\n|---|---|")?;
    let (half, most) = figure.pauses;
    writeln!(
        out,
        "| pause of {} reloads at {:.0} lines/s: p50, p99 below | {} ms, {} ms |",
        figure.reloads,
        figure.load,
        half * 1e3,
        most * 1e3
    )?;
    writeln!(
        out,
        "| longest reload, plan and all | {:.0} ms |",
        figure.longest * 1e3
    )?;
    writeln!(
        out,
        "| resident memory of one more instance | {:.2} MB |",
        figure.instance / 1e6
    )?;
    writeln!(
        out,
        "| start with ten plugins, nothing compiled / compiled | {:.0} ms / {:.0} ms |",
        figure.cold * 1e3,
        figure.warm * 1e3
    )?;
    Ok(())
}

/// Says what went wrong, on stderr.
pub fn complain(error: &anyhow::Error) {
    // Nothing is left to be done when stderr is gone.
    let _ = writeln!(io::stderr().lock(), "bench: {error:#}");
}
