//! How cost grows: throughput and memory against one number at a time, with a table and a plot per axis.

use std::fs;
use std::path::Path;

use anyhow::Context;
use fastrand::Rng;

use super::logs::{KINDS, manifest, write_lines};
use super::plot;
use super::run::{Cost, Job, run};
use super::spring::Written;

/// Bytes of log at every point, unless the axis says otherwise.
const BYTES: u64 = 40_000_000;

/// A number that is varied.
pub struct Axis {
    /// What it is called on the command line, and the plot's file.
    pub name: &'static str,
    /// What it counts.
    pub counts: &'static str,
    points: &'static [u64],
}

/// All of them.
pub const AXES: [Axis; 5] = [
    Axis {
        name: "files",
        counts: "files",
        points: &[1, 10, 100, 1000, 10_000],
    },
    Axis {
        name: "stages",
        counts: "stages that each search the whole line",
        points: &[1, 2, 5, 10, 20],
    },
    Axis {
        name: "label_sets",
        counts: "label sets",
        points: &[1, 10, 100, 1000, 10_000, 100_000],
    },
    Axis {
        name: "line_length",
        counts: "bytes per line",
        points: &[20, 100, 1024, 8192, 65_536],
    },
    Axis {
        name: "sinks",
        counts: "sinks",
        points: &[1, 2, 4, 8],
    },
];

/// A point of a curve.
pub struct Point {
    /// The number.
    pub at: u64,
    /// What the run cost.
    pub cost: Cost,
}

/// Measures an axis.
///
/// # Errors
/// When something does not run.
pub fn measure(axis: &Axis) -> anyhow::Result<Vec<Point>> {
    let mut points = Vec::new();
    for at in axis.points {
        let cost = point(axis.name, *at).with_context(|| format!("{} at {at}", axis.name))?;
        points.push(Point { at: *at, cost });
    }
    Ok(points)
}

/// Draws an axis into `folder`.
///
/// # Errors
/// When the file cannot be written.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub fn draw(axis: &Axis, points: &[Point], folder: &Path) -> anyhow::Result<()> {
    let line = |value: fn(&Cost) -> f64| {
        points
            .iter()
            .map(move |point| (point.at as f64, value(&point.cost)))
    };
    let plot = plot::svg(
        axis.counts,
        &[
            ("MB per CPU-second", line(|cost| cost.per_cpu).collect()),
            (
                "resident memory, highest, MB",
                line(|cost| cost.peak / 1e6).collect(),
            ),
        ],
    );
    fs::create_dir_all(folder)?;
    fs::write(folder.join(format!("{}.svg", axis.name)), plot)?;
    Ok(())
}

/// The user's stages but for `multiline`, which holds the last entry of every file.
const STAGES: &[&str] = KINDS[0].stages.split_at(1).1;

fn point(axis: &str, at: u64) -> anyhow::Result<Cost> {
    let folder = tempfile::tempdir()?;
    let logs = folder.path().join("logs");
    fs::create_dir(&logs)?;
    let one = logs.join("0.log");
    let mut sinks = 1;
    let mut stages: Vec<String> = STAGES.iter().map(|stage| (*stage).to_owned()).collect();
    let written = match axis {
        "files" => {
            let mut all = Written { bytes: 0, entries: 0 };
            for file in 0..at {
                let path = logs.join(format!("{file}.log"));
                let written = write_lines(&path, BYTES / at, |number, random| {
                    line(&format!("file {file} line {number}"), 100, random)
                })?;
                all.bytes += written.bytes;
                all.entries += written.entries;
            }
            all
        }
        "stages" => {
            stages = (0..at)
                .map(|stage| {
                    format!("regex: {{ expression: '.*(?P<level{stage}>INFO|WARN|ERROR|DEBUG|TRACE).*' }}")
                })
                .collect();
            write_lines(&one, BYTES, |number, random| {
                line(&number.to_string(), 100, random)
            })?
        }
        "label_sets" => {
            stages = vec![
                r"regex: { expression: 'key=(?P<key>\d+)' }".to_owned(),
                "labels: { values: { key: key } }".to_owned(),
            ];
            write_lines(&one, BYTES, |number, random| {
                let key = random.u64(0..at);
                line(&format!("{number} key={key}"), 100, random)
            })?
        }
        "line_length" => write_lines(&one, BYTES, |number, random| {
            line(&number.to_string(), usize::try_from(at).unwrap_or(100), random)
        })?,
        "sinks" => {
            sinks = usize::try_from(at)?;
            write_lines(&one, BYTES, |number, random| {
                line(&number.to_string(), 100, random)
            })?
        }
        other => anyhow::bail!("there is no axis `{other}`"),
    };
    let stages: Vec<&str> = stages.iter().map(String::as_str).collect();
    run(&Job {
        folder: folder.path(),
        manifest: &manifest(&stages, "", sinks),
        bytes: written.bytes,
        entries: written.entries,
        copies: sinks,
        repeats: false,
        held: 0,
        cores: None,
        cold: false,
    })
}

/// A line that says `what`, of this many bytes and not fewer than it takes to say it.
fn line(what: &str, bytes: usize, random: &mut Rng) -> String {
    let level = ["INFO", "WARN", "DEBUG"][random.usize(0..3)];
    let mut text = format!("{level} {what}");
    while text.len() < bytes {
        text.push(if text.len() % 9 == 0 {
            ' '
        } else {
            char::from(random.u8(b'a'..=b'z'))
        });
    }
    text
}
