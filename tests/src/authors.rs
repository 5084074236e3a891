//! `millstream plugin`, as the suites call it.

use std::path::Path;
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
