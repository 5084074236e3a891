//! The nested cargo.
//!
//! Its environment is rebuilt from a short list instead of being cleaned: a build script inherits dozens of
//! variables from cargo and rustup, and one forgotten (`RUSTFLAGS`, `CARGO_TARGET_DIR`, `LD_LIBRARY_PATH`) builds
//! the wrong thing or waits on a lock that its own parent holds.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::toolchain::{TARGET, Toolchain};

#[cfg(test)]
mod tests;

/// The profile in the workspace's Cargo.toml.
const PROFILE: &str = "guest";

/// How much of a failed cargo's output is shown: enough for the first errors of rustc.
const SHOWN_BYTES: usize = 8 * 1024;

/// Builds the packages and answers their modules, in order.
pub(crate) fn build(toolchain: &Toolchain, root: &Path, packages: &[&str]) -> Result<Vec<PathBuf>> {
    let target_dir = root.join("target/guests");
    let mut command = match toolchain {
        Toolchain::Installed { sysroot } => {
            let mut command = Command::new(sysroot.join("bin/cargo"));
            command.env_clear().env("RUSTC", sysroot.join("bin/rustc"));
            command
        }
        Toolchain::FromSource { rustc, cargo, linker } => {
            let mut command = Command::new(cargo);
            command
                .env_clear()
                .env("RUSTC", rustc)
                .env("RUSTC_BOOTSTRAP", "1");
            command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
            command
        }
    };
    command.envs(env::vars_os().filter(|(name, _)| passes(&name.to_string_lossy())));
    command.env("CARGO_ENCODED_RUSTFLAGS", flags(root));
    // ahash, in the stage `script`, otherwise draws a number per build, and the component's bytes change with it.
    command.env("CONST_RANDOM_SEED", "millstream");
    command
        .current_dir(root)
        .args(["build", "--locked", "--profile", PROFILE, "--target", TARGET]);
    command.arg("--target-dir").arg(&target_dir);
    if matches!(toolchain, Toolchain::FromSource { .. }) {
        command.args(["-Z", "build-std=std,panic_abort"]);
    }
    for package in packages {
        command.args(["-p", package]);
    }
    let output = command.output().context("cannot start cargo for the guests")?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        bail!("cannot build the guests ({toolchain}):\n{}", shown(&text));
    }
    let modules = target_dir.join(TARGET).join(PROFILE);
    Ok(packages
        .iter()
        .map(|package| modules.join(format!("{}.wasm", package.replace('-', "_"))))
        .collect())
}

/// What a build may depend on: where things lie, and how to reach the registry.
fn passes(name: &str) -> bool {
    const NAMES: [&str; 7] = [
        "PATH",
        "HOME",
        "USER",
        "TMPDIR",
        "CARGO_HOME",
        "RUSTUP_HOME",
        "LANG",
    ];
    const PREFIXES: [&str; 5] = [
        "CARGO_NET_",
        "CARGO_HTTP_",
        "CARGO_REGISTR",
        "CARGO_SOURCE_",
        "SSL_CERT_",
    ];
    NAMES.contains(&name)
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || name.to_ascii_lowercase().ends_with("_proxy")
}

/// SIMD is in every engine that runs components; paths are cut so that the same source gives the same bytes
/// on any machine.
fn flags(root: &Path) -> OsString {
    let mut flags = OsString::from("-Ctarget-feature=+simd128");
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    let mut remap = |from: &Path, to: &str| {
        flags.push("\x1f--remap-path-prefix=");
        flags.push(from);
        flags.push(to);
    };
    if let Some(home) = home {
        remap(&home.join("registry/src"), "=registry");
    }
    remap(root, "=millstream");
    flags
}

/// The part of cargo's output that begins with the first error.
fn shown(text: &str) -> &str {
    let start = text.find("error").unwrap_or_default();
    let rest = &text[start..];
    match rest.char_indices().find(|(index, _)| *index >= SHOWN_BYTES) {
        Some((end, _)) => &rest[..end],
        None => rest,
    }
}
