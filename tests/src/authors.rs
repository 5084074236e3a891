//! `millstream plugin`, as the suites call it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::binary;

/// `millstream plugin`, with the tool chains of `.ci/guests.sh`. Rust plugins share one folder for what they are built of: their
/// dependencies are most of a build, and are then built once for all suites and runs.
///
/// # Errors
/// When the binary was not built.
pub fn plugin() -> anyhow::Result<Command> {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    let target = target.canonicalize().context("there is no folder `target`")?;
    let mut command = Command::new(binary()?);
    command
        .arg("plugin")
        .env("NO_COLOR", "1")
        .env("MILLSTREAM_TOOLS", target.join("tools"))
        .env("CARGO_TARGET_DIR", target.join("authors"));
    Ok(command)
}

/// Runs a `millstream plugin` command and answers what it printed.
///
/// # Panics
/// When it does not run or does not end well.
#[expect(clippy::unwrap_used, reason = "for tests, which may fail")]
pub fn printed(arguments: &[&str]) -> String {
    let output = plugin().unwrap().args(arguments).output().unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success(),
        "{arguments:?}: {}\n{out}{err}",
        output.status
    );
    out.into_owned()
}

/// Whether the tool chain of a language is here. Rust's is, or nothing would have been built.
///
/// # Panics
/// Where CI is set and it is not: a language that is not tested there is not supported.
#[must_use]
pub fn is_ready(language: &str) -> bool {
    let root: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let needed = root.join(format!(".ci/guests/{language}.sh")).exists();
    if !needed || root.join("target/tools/guests").join(language).exists() {
        return true;
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "no tool chain for {language}: `make guests` says why"
    );
    // Past the capture of a test's output, so that it is seen in a run that passes.
    let _ = writeln!(
        std::io::stderr(),
        "SKIPPED: no tool chain for {language}; `make guests` gets one"
    );
    false
}
