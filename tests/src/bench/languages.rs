//! What a stage costs in each language: one that does nothing, which is the crossing, and `redact`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::Value;

use super::spring;
use crate::authors;

/// The log's size: far more than the processor's caches hold.
const MEGABYTES: u64 = 20;

/// The languages with the file of their stage in a new plugin's folder, and a stage that does nothing.
const LANGUAGES: [(&str, &str, &str); 5] = [
    ("c", "stage.c", include_str!("idle/stage.c")),
    ("zig", "src/stage.zig", include_str!("idle/stage.zig")),
    ("go", "stage.go", include_str!("idle/stage.go")),
    ("js", "stage.js", include_str!("idle/stage.js")),
    ("python", "stage.py", include_str!("idle/stage.py")),
];

/// What came out for a language.
pub struct Figure {
    /// The language.
    pub language: &'static str,
    /// Nanoseconds per line: the stage that does nothing, and `redact`.
    pub costs: (f64, f64),
    /// Bytes of a line.
    pub line: f64,
    /// Bytes of the component of `redact`.
    pub size: f64,
    /// Seconds to compile it.
    pub compile: f64,
}

/// Builds the stages and measures. A language whose tool chain is missing is left out.
///
/// # Errors
/// When something does not build or run.
pub fn measure() -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("spring.log");
    spring::write(&log, MEGABYTES)?;
    let redact = |language: &str| root().join("examples/redact").join(language);
    let rust = bench(&redact("rust"), &log)?;
    let mut figures = vec![figure(
        "rust",
        number(&rust, "empty_ns_per_line")?,
        &rust,
        &redact("rust"),
    )?];
    for (language, file, idle) in LANGUAGES {
        if !root().join("target/tools/guests").join(language).exists() {
            continue;
        }
        let path = folder.path().join(language);
        let told = path.to_str().context("a path that is no text")?;
        run(authors::plugin()?.args(["new", "--lang", language, "idle", "--dir", told]))?;
        std::fs::write(path.join(file), idle)?;
        let empty = number(&bench(&path, &log)?, "ns_per_line")?;
        let whole = bench(&redact(language), &log)?;
        figures.push(figure(language, empty, &whole, &redact(language))?);
    }
    Ok(figures)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn figure(language: &'static str, empty: f64, told: &Value, folder: &Path) -> anyhow::Result<Figure> {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let size = std::fs::metadata(folder.join("redact.wasm"))?.len() as f64;
    Ok(Figure {
        language,
        costs: (empty, number(told, "ns_per_line")?),
        line: number(told, "line_bytes")?,
        size,
        compile: number(told, "compile_ms")? / 1e3,
    })
}

/// Builds the plugin in a folder and measures it.
fn bench(folder: &Path, log: &Path) -> anyhow::Result<Value> {
    run(authors::plugin()?.arg("build").arg(folder))?;
    let told = run(authors::plugin()?
        .args(["bench", "--json", "--log"])
        .arg(log)
        .arg(folder))?;
    serde_json::from_str(&told).context("no JSON")
}

fn number(told: &Value, name: &str) -> anyhow::Result<f64> {
    told[name].as_f64().with_context(|| format!("no {name}"))
}

fn run(command: &mut Command) -> anyhow::Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot run {command:?}"))?;
    let err = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {}\n{err}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}
