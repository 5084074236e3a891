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
    run(authors::plugin()?.arg("build").arg(redact("rust")))?;
    let rust = bench(&redact("rust"), &log, None)?;
    let mut figures = vec![figure(
        "rust",
        number(&rust, "empty_ns_per_line")?,
        &rust,
        &redact("rust"),
    )?];
    for (language, file, idle) in LANGUAGES {
        if !ready(language) {
            continue;
        }
        let path = folder.path().join(language);
        built(&path, language, file, idle)?;
        let empty = number(&bench(&path, &log, None)?, "ns_per_line")?;
        run(authors::plugin()?.arg("build").arg(redact(language)))?;
        let whole = bench(&redact(language), &log, None)?;
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

/// Whether a language's tool chain is here.
pub(super) fn ready(language: &str) -> bool {
    root().join("target/tools/guests").join(language).exists()
}

/// Makes a plugin of a stage's source, in a new folder.
pub(super) fn built(folder: &Path, language: &str, file: &str, source: &str) -> anyhow::Result<()> {
    let told = folder.to_str().context("a path that is no text")?;
    run(authors::plugin()?.args(["new", "--lang", language, "stage", "--dir", told]))?;
    std::fs::write(folder.join(file), source)?;
    run(authors::plugin()?.arg("build").arg(folder)).map(drop)
}

/// Measures a plugin's folder, or a component.
pub(super) fn bench(what: &Path, log: &Path, settings: Option<&Path>) -> anyhow::Result<Value> {
    let mut command = authors::plugin()?;
    command.args(["bench", "--json", "--log"]).arg(log);
    if let Some(settings) = settings {
        command.arg("--settings").arg(settings);
    }
    serde_json::from_str(&run(command.arg(what))?).context("no JSON")
}

pub(super) fn number(told: &Value, name: &str) -> anyhow::Result<f64> {
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
