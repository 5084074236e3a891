//! The benchmark: what a CPU-second buys, where it goes, and how cost grows.
//!
//! Figures of one run are compared with each other only: machines are noisy. What is printed begins with the commit, the date and the
//! machine, so that it can go into `tests/bench/RESULTS.md` as it is.

pub mod bodies;
pub mod ceiling;
pub mod cores;
pub mod count;
pub mod crossing;
pub mod curves;
pub mod exposition;
pub mod hops;
pub mod kernels;
pub mod languages;
pub mod logs;
pub mod platform;
pub mod plot;
pub mod quiet;
pub mod redact;
pub mod road;
pub mod run;
pub mod soak;
pub mod spring;
pub mod twin;

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::bail;

use run::{Cost, Job};

/// The reference log's size in 10^6 bytes.
const REFERENCE: u64 = 300;

/// The other logs'.
const OTHERS: u64 = 100;

/// A part of the benchmark, which prints what it found.
type Section = fn(&mut dyn Write) -> anyhow::Result<()>;

/// All of them, by the names of the command line.
const SECTIONS: [(&str, Section); 11] = [
    ("logs", of_logs),
    ("quiet", of_quiet),
    ("cores", of_cores),
    ("hops", of_hops),
    ("crossing", of_crossing),
    ("platform", of_platform),
    ("redact", of_redact),
    ("exposition", of_exposition),
    ("languages", of_languages),
    ("kernels", of_kernels),
    ("curves", of_curves),
];

/// Runs every section, or the one named by the first argument.
///
/// # Errors
/// When something does not run, an entry is missing at the receiver, or there is no such section.
pub fn run() -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let wanted = std::env::args().nth(1);
    if wanted.as_deref() == Some("count") {
        writeln!(out, "{} entries", count::run()?)?;
        return Ok(());
    }
    if wanted.as_deref() == Some("soak") {
        head(&mut out)?;
        return of_soak(&mut out);
    }
    let wanted = |name: &str| wanted.as_deref().is_none_or(|wanted| wanted == name);
    if !SECTIONS.iter().any(|(name, _)| wanted(name)) {
        let names: Vec<&str> = SECTIONS.iter().map(|(name, _)| *name).collect();
        bail!("there is no such section; there are {}", names.join(", "));
    }
    head(&mut out)?;
    for (_, section) in SECTIONS.iter().filter(|(name, _)| wanted(name)) {
        section(&mut out)?;
    }
    Ok(())
}

/// What was measured, when and where.
fn head(out: &mut dyn Write) -> io::Result<()> {
    let told = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        output.map_or_else(
            |_| "unknown".to_owned(),
            |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        )
    };
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown", |(_, name)| name);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    writeln!(
        out,
        "## {}, commit {}\n\n{cores} cores of {cpu}; {}; guests with simd128.",
        told("date", &["-u", "+%F %H:%M UTC"]),
        told("git", &["describe", "--always", "--dirty"]),
        told("rustc", &["--version"])
    )
}

/// The head of a table of runs, and a row of it.
const RUNS: &str = "MB per CPU-second, start and end included | MB per CPU-second, steady | MB per second, steady | seconds to the last full request | resident, highest";
const RULE: &str = "---|---|---|---|---";

fn row(cost: &Cost) -> String {
    format!(
        "{:.0} | {:.0} | {:.0} | {:.2} | {:.0} MB",
        cost.megabytes / cost.cpu,
        cost.per_cpu,
        cost.rate,
        cost.wall,
        cost.peak / 1e6
    )
}

fn of_logs(out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(
        out,
        "\n### Logs, tail to acknowledged push, every entry once\n\n| log | size, entries | start | {RUNS} |\n|---|---|---|{RULE}|"
    )?;
    for kind in &logs::KINDS {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("logs");
        fs::create_dir(&path)?;
        let size = if kind.holds { REFERENCE } else { OTHERS };
        let written = kind.write(&path.join("a.log"), size)?;
        for (start, cold) in [("cold", true), ("warm", false)] {
            let cost = run::run(&Job {
                folder: folder.path(),
                manifest: &kind.manifest(),
                bytes: written.bytes,
                entries: written.entries,
                copies: 1,
                held: usize::from(kind.holds),
                repeats: false,
                cores: None,
                cold,
            })?;
            writeln!(
                out,
                "| {} | {:.0} MB, {} | {start} | {} |",
                kind.name,
                cost.megabytes,
                written.entries,
                row(&cost)
            )?;
        }
    }
    Ok(())
}

fn of_quiet(out: &mut dyn Write) -> anyhow::Result<()> {
    let figure = quiet::measure()?;
    let (half, most) = figure.latency;
    writeln!(
        out,
        "\n### When little happens, the user's stages\n\n| what | value |\n|---|---|"
    )?;
    writeln!(
        out,
        "| a line, from its write to its request at the receiver: p50, p99 of 200 | {:.1} ms, {:.1} ms |\n\
         | start to first line read, nothing compiled / compiled, medians of 5 | {:.0} ms / {:.0} ms |\n\
         | resident and idle, after the same starts | {:.0} MB / {:.0} MB |\n| binary | {:.0} MB |",
        half * 1e3,
        most * 1e3,
        figure.starts.0 * 1e3,
        figure.starts.1 * 1e3,
        figure.idle.0 / 1e6,
        figure.idle.1 / 1e6,
        figure.binary / 1e6
    )?;
    Ok(())
}

fn of_cores(out: &mut dyn Write) -> anyhow::Result<()> {
    let pairs = cores::measure()?;
    let (ones, twos): (Vec<Cost>, Vec<Cost>) = pairs.iter().copied().unzip();
    let (one, two) = (Cost::median(&ones), Cost::median(&twos));
    let (ratio, error) = cores::ratio(&pairs);
    let shares: Vec<f64> = twos.iter().map(|two| two.rate / two.per_cpu).collect();
    writeln!(
        out,
        "\n### Cores, eight files of the Spring log, {:.0} MB, medians of {} runs in turns\n\n| cores, workers | {RUNS} |\n|---|{RULE}|\n\
         | 1, 1 | {} |\n| 2, 2 | {} |\n\nTwo cores carry {ratio:.2} ± {error:.2} times what one does: the agent has {:.2} of them, the receiver {:.2}.",
        one.megabytes,
        pairs.len(),
        row(&one),
        row(&two),
        run::median(&shares),
        two.receiver
    )?;
    Ok(())
}

fn of_curves(out: &mut dyn Write) -> anyhow::Result<()> {
    let only = std::env::args().nth(2);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/curves");
    for axis in curves::AXES
        .iter()
        .filter(|axis| only.as_deref().is_none_or(|only| only == axis.name))
    {
        let points = curves::measure(axis)?;
        writeln!(
            out,
            "\n### Cost against the number of {} ([plot](curves/{}.svg))\n\n| {} | {RUNS} |\n|---|{RULE}|",
            axis.counts, axis.name, axis.counts
        )?;
        for point in &points {
            writeln!(out, "| {} | {} |", point.at, row(&point.cost))?;
        }
        curves::draw(axis, &points, &folder)?;
    }
    Ok(())
}

fn of_crossing(out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(
        out,
        "\n### Crossing\n\n| stage | rows | ns per row | µs per batch |\n|---|---|---|---|"
    )?;
    for figure in crossing::measure()? {
        writeln!(
            out,
            "| {} | {} | {:.1} | {:.2} |",
            figure.stage, figure.rows, figure.per_row, figure.per_batch
        )?;
    }
    Ok(())
}

fn of_redact(out: &mut dyn Write) -> anyhow::Result<()> {
    let redact = redact::measure()?;
    writeln!(
        out,
        "\n### `redact` in Rust, inside and natively, lines of {:.0} bytes\n\n| where | ns per line | MB/s |\n|---|---|---|",
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
    Ok(())
}

fn of_hops(out: &mut dyn Write) -> anyhow::Result<()> {
    let figure = hops::measure()?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let entries = figure.entries as f64;
    writeln!(
        out,
        "\n### Hops, in one thread, {:.0} MB, ns per entry\n\n| hop | in the sandbox | of it crossing | native twin |\n|---|---|---|---|",
        figure.megabytes
    )?;
    let per_entry = |time: Duration| time.as_secs_f64() * 1e9 / entries;
    let told =
        |time: Option<Duration>| time.map_or_else(String::new, |time| format!("{:.0}", per_entry(time)));
    let (mut inside, mut stages, mut twins) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for line in &figure.hops {
        inside += line.took;
        writeln!(
            out,
            "| {} | {:.0} | {} | {} |",
            line.name,
            per_entry(line.took),
            told(line.cross),
            told(line.native)
        )?;
        if let Some(twin) = line.native {
            stages += line.took;
            twins += twin;
        }
    }
    let natively = inside - stages + twins;
    writeln!(
        out,
        "| all | {:.0} | | {:.0} |\n\nOf the fastest round {:.1} % were in no hop. Stages in the sandbox cost {:.2} times their twins; the whole \
         road {:.2} times: {:.0} and {:.0} MB/s.",
        per_entry(inside),
        per_entry(natively),
        figure.untold * 100.0,
        stages.as_secs_f64() / twins.as_secs_f64(),
        inside.as_secs_f64() / natively.as_secs_f64(),
        figure.megabytes / inside.as_secs_f64(),
        figure.megabytes / natively.as_secs_f64()
    )?;
    writeln!(
        out,
        "\nA loop written for this one job, without labels, sandbox and network: {:.0} MB/s, {:.0} ns per entry.",
        figure.megabytes / figure.ceiling.as_secs_f64(),
        per_entry(figure.ceiling)
    )?;
    Ok(())
}

fn of_languages(out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(
        out,
        "\n### Languages\n\n| language | a stage that does nothing, ns per line | `redact` | MB/s | component | compiled in |\n\
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

fn of_soak(out: &mut dyn Write) -> anyhow::Result<()> {
    let minutes = std::env::var("MINUTES").map_or(Ok(60), |minutes| minutes.parse())?;
    writeln!(
        out,
        "\n### Memory over time\n\n| minute | entries sent | resident | of it stages' memories |\n|---|---|---|---|"
    )?;
    for sample in soak::measure(minutes)? {
        writeln!(
            out,
            "| {:.0} | {:.1} M | {:.1} MB | {:.1} MB |",
            sample.minute,
            sample.sent / 1e6,
            sample.resident / 1e6,
            sample.guests / 1e6
        )?;
    }
    Ok(())
}

fn of_kernels(out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(
        out,
        "\n### Kernels\n\n| job | language | by itself, ns per line | by the host | the bundled stage | times faster |\n\
         |---|---|---|---|---|---|"
    )?;
    for figure in kernels::measure()? {
        let [own, host, bundled] = figure.costs;
        writeln!(
            out,
            "| {} | {} | {own:.0} | {host:.0} | {bundled:.0} | {:.0} |",
            figure.job,
            figure.language,
            own / host
        )?;
    }
    Ok(())
}

fn of_exposition(out: &mut dyn Write) -> anyhow::Result<()> {
    let figure = exposition::measure()?;
    writeln!(
        out,
        "\n### A scraped page of metrics is read at {:.0} MB/s, {:.0} ns a sample",
        figure.rate, figure.sample
    )?;
    Ok(())
}

fn of_platform(out: &mut dyn Write) -> anyhow::Result<()> {
    let figure = platform::measure()?;
    writeln!(out, "\n### The plugin platform\n\n| what | value |\n|---|---|")?;
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
