//! What a stage costs that has the host find things, beside one that finds them itself and beside the bundled stage.

use std::path::Path;

use anyhow::Context;
use millstream::stages::bundled;

use super::languages::{bench, built, number, ready};
use super::logs::KINDS;

/// The logs' size: little, because half of what is measured is slow.
const MEGABYTES: u64 = 4;

/// The languages that have kernels in their SDK, with the file of their stage in a new plugin's folder.
const LANGUAGES: [(&str, &str, &str); 3] = [
    ("go", "stage.go", include_str!("kernels/stage.go")),
    ("js", "stage.js", include_str!("kernels/stage.js")),
    ("python", "stage.py", include_str!("kernels/stage.py")),
];

/// A job: its name in the settings of the stages, the log it is done on, and the bundled stage that does it.
const JOBS: [(&str, &str, &str, &str); 2] = [
    (
        "level",
        "Spring",
        "regex",
        r#"{"expression": ".*(?P<level>INFO|WARN|ERROR|DEBUG|TRACE).*"}"#,
    ),
    (
        "json",
        "JSON",
        "json",
        r#"{"expressions": {"level": "level", "message": "message"}}"#,
    ),
];

/// What came out for a job and a language, in nanoseconds per line.
pub struct Figure {
    /// The job.
    pub job: &'static str,
    /// The language.
    pub language: &'static str,
    /// By the language's own means; by the host; by the bundled stage.
    pub costs: [f64; 3],
}

/// Builds the stages and measures. A language whose tool chain is missing is left out.
///
/// # Errors
/// When something does not build or run.
pub fn measure() -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    let mut figures = Vec::new();
    for (job, kind, stage, settings) in JOBS {
        let log = folder.path().join(kind);
        let kind = KINDS.iter().find(|known| known.name == kind);
        kind.context("no such log")?.write(&log, MEGABYTES)?;
        let component = folder.path().join(format!("{stage}.wasm"));
        std::fs::write(&component, bundled::component(stage).context("not bundled")?)?;
        let cost = |what: &Path, settings: &str| {
            let file = folder.path().join("settings.json");
            std::fs::write(&file, settings)?;
            number(&bench(what, &log, Some(&file))?, "ns_per_line")
        };
        let of_bundled = cost(&component, settings)?;
        for (language, file, source) in LANGUAGES.into_iter().filter(|(language, ..)| ready(language)) {
            let plugin = folder.path().join(language);
            if !plugin.exists() {
                built(&plugin, language, file, source)?;
            }
            let by = |whom: &str| cost(&plugin, &format!(r#"{{"act": "{whom}-{job}"}}"#));
            figures.push(Figure {
                job,
                language,
                costs: [by("own")?, by("host")?, of_bundled],
            });
        }
    }
    Ok(figures)
}
