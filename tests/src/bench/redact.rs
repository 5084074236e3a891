//! What the sandbox takes of a plugin's speed: `redact` in Rust, inside and compiled natively.
//!
//! Both run the same code over the same log in batches of 1,000 lines: natively `examples/native_cost.rs` of the plugin, inside
//! `millstream plugin bench`. One after the other and several times, so that a busy minute hits both.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::Value;

use super::run::median;
use super::spring;
use crate::binary;

/// Measurements of each kind; odd, so that one is in the middle.
const TURNS: usize = 3;

/// The log's size: far more than the processor's caches hold.
const MEGABYTES: u64 = 20;

/// What a line costs.
pub struct Figure {
    /// Nanoseconds through the stage in the sandbox, crossing included.
    pub inside: f64,
    /// Of them, what a stage costs that does nothing.
    pub empty: f64,
    /// Nanoseconds through the same code natively.
    pub native: f64,
    /// Mean bytes of a line.
    pub line: f64,
}

/// Builds both and measures.
///
/// # Errors
/// When something does not build or run.
pub fn measure() -> anyhow::Result<Figure> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/redact/rust");
    run(Command::new(binary()?).arg("plugin").arg("build").arg(&folder))?;
    let build = [
        "build",
        "--release",
        "--example",
        "native_cost",
        "--target-dir",
        "target",
    ];
    run(Command::new("cargo").args(build).current_dir(&folder))?;
    let scratch = tempfile::tempdir()?;
    let log = scratch.path().join("spring.log");
    spring::write(&log, MEGABYTES)?;
    let (mut inside, mut empty, mut native, mut line) = (Vec::new(), Vec::new(), Vec::new(), 0.0);
    for _ in 0..TURNS {
        let told = run(Command::new(folder.join("target/release/examples/native_cost")).arg(&log))?;
        native.push(told.trim().parse().context("no figure")?);
        let bench = ["plugin", "bench", "--json", "--log"];
        let told = run(Command::new(binary()?)
            .args(bench)
            .arg(&log)
            .arg(component(&folder)))?;
        let figures: Value = serde_json::from_str(&told)?;
        let figure = |name: &str| figures[name].as_f64().with_context(|| format!("no {name}"));
        inside.push(figure("ns_per_line")?);
        empty.push(figure("empty_ns_per_line")?);
        line = figure("line_bytes")?;
    }
    Ok(Figure {
        inside: median(&inside),
        empty: median(&empty),
        native: median(&native),
        line,
    })
}

fn component(folder: &Path) -> PathBuf {
    folder.join("redact.wasm")
}

fn run(command: &mut Command) -> anyhow::Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot run {command:?}"))?;
    let err = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {}\n{err}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}
