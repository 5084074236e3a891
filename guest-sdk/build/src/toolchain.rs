//! Finds a tool chain that can build for wasm32-unknown-unknown.
//!
//! Two routes: a rustup (or any other) tool chain that has the target installed, or Debian's `rustc-web` with
//! the standard library's source, which builds the target's library itself. The first is what most people
//! have; the second is what is left where static.rust-lang.org cannot be reached.

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

#[cfg(test)]
mod tests;

/// The target guests are built for.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// The oldest compiler that builds the workspace: `rust-version` in Cargo.toml.
const OLDEST: (u32, u32) = (1, 95);

/// A way to build guests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Toolchain {
    /// The target is installed in this sysroot.
    Installed { sysroot: PathBuf },
    /// The target's library is built from source.
    FromSource {
        rustc: PathBuf,
        cargo: PathBuf,
        linker: PathBuf,
    },
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Installed { sysroot } => write!(f, "built by the tool chain in {}", sysroot.display()),
            Self::FromSource { rustc, linker, .. } => {
                write!(
                    f,
                    "built by {} with its own std, linked by {}",
                    rustc.display(),
                    linker.display()
                )
            }
        }
    }
}

/// The first tool chain that will do.
pub(crate) fn find(workspace_root: &Path) -> Result<Toolchain> {
    let chains = rustup_toolchains();
    let mut sysroots: Vec<PathBuf> = sysroot(Path::new("rustc"), workspace_root).into_iter().collect();
    sysroots.extend(chains.iter().cloned());
    for sysroot in sysroots {
        let there = sysroot.join("lib/rustlib").join(TARGET).join("lib").is_dir();
        if there && sysroot.join("bin/cargo").is_file() && is_new_enough(&sysroot.join("bin/rustc")) {
            return Ok(Toolchain::Installed { sysroot });
        }
    }
    from_source(&chains).map_or_else(|missing| bail!(advice(&missing)), Ok)
}

fn from_source(chains: &[PathBuf]) -> Result<Toolchain, String> {
    let (rustc, cargo) = (PathBuf::from("/usr/bin/rustc"), PathBuf::from("/usr/bin/cargo"));
    if !rustc.is_file() || !cargo.is_file() {
        return Err("/usr/bin/rustc or /usr/bin/cargo is missing".to_owned());
    }
    if !is_new_enough(&rustc) {
        return Err(format!("/usr/bin/rustc is older than {}.{}", OLDEST.0, OLDEST.1));
    }
    let library = sysroot(&rustc, Path::new("/")).map(|root| root.join("lib/rustlib/src/rust/library/std"));
    if !library.is_some_and(|library| library.is_dir()) {
        return Err("the source of std (rust-web-src) is missing".to_owned());
    }
    match linker(chains) {
        Some(linker) => Ok(Toolchain::FromSource { rustc, cargo, linker }),
        None => Err("no linker was found: neither rust-lld in a rustup tool chain nor wasm-ld".to_owned()),
    }
}

fn linker(chains: &[PathBuf]) -> Option<PathBuf> {
    let host = format!("lib/rustlib/{}-unknown-linux-gnu/bin/rust-lld", env::consts::ARCH);
    let of_rustup = chains.iter().map(|chain| chain.join(&host));
    let of_debian = ["rust-lld", "wasm-ld", "wasm-ld-22", "wasm-ld-19"]
        .into_iter()
        .map(|name| Path::new("/usr/bin").join(name));
    of_rustup.chain(of_debian).find(|path| path.is_file())
}

/// What to install, for each route.
fn advice(missing: &str) -> String {
    format!(
        "no tool chain here can build the stages for {TARGET}. Either\n  \
         - install the target: `rustup target add {TARGET}`, or\n  \
         - on Debian, let it be built from source: `apt-get install rustc-web cargo-web rust-web-src` and, \
         without rustup, `apt-get install lld-22` (or lld-19) (that route failed because {missing})."
    )
}

/// The tool chains of rustup, newest name last so that pinned versions come first.
fn rustup_toolchains() -> Vec<PathBuf> {
    let home = env::var_os("RUSTUP_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".rustup")));
    let Some(entries) = home.and_then(|home| home.join("toolchains").read_dir().ok()) else {
        return Vec::new();
    };
    let mut chains: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    chains.sort();
    chains
}

fn sysroot(rustc: &Path, directory: &Path) -> Option<PathBuf> {
    let output = Command::new(rustc)
        .args(["--print", "sysroot"])
        .current_dir(directory)
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| PathBuf::from(text.trim()))
}

fn is_new_enough(rustc: &Path) -> bool {
    let Ok(output) = Command::new(rustc).arg("--version").output() else {
        return false;
    };
    version(&String::from_utf8_lossy(&output.stdout)).is_some_and(|version| version >= OLDEST)
}

/// `rustc 1.96.0 (ac68faa20 2026-05-25)` → (1, 96).
fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.strip_prefix("rustc ")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}
