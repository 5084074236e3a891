//! How cargo builds a plugin for wasm32 on this machine, for plugins outside of the workspace.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Result;

pub use crate::toolchain::TARGET;
use crate::toolchain::{Toolchain, find as find_toolchain};

/// What to run instead of a bare `cargo build --target wasm32-unknown-unknown`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CargoRoute {
    /// The cargo.
    pub cargo: PathBuf,
    /// What its environment must hold.
    pub variables: Vec<(&'static str, OsString)>,
    /// What comes behind its other arguments.
    pub arguments: Vec<&'static str>,
}

/// The tool chain that a build in `folder` takes: one with the target, or Debian's, which builds the target from source.
///
/// # Errors
/// What to install.
pub fn find(folder: &Path) -> Result<CargoRoute> {
    Ok(route(find_toolchain(folder)?))
}

fn route(toolchain: Toolchain) -> CargoRoute {
    match toolchain {
        Toolchain::Installed { sysroot } => CargoRoute {
            cargo: sysroot.join("bin/cargo"),
            variables: vec![("RUSTC", sysroot.join("bin/rustc").into())],
            arguments: Vec::new(),
        },
        Toolchain::FromSource { rustc, cargo, linker } => CargoRoute {
            cargo,
            variables: vec![
                ("RUSTC", rustc.into()),
                ("RUSTC_BOOTSTRAP", "1".into()),
                ("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker.into()),
            ],
            arguments: vec!["-Z", "build-std=std,panic_abort"],
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_from_source_needs_more_than_a_compiler() {
        let there = route(Toolchain::Installed { sysroot: "/s".into() });
        assert_eq!((there.cargo, there.arguments.len()), ("/s/bin/cargo".into(), 0));
        let source = route(Toolchain::FromSource {
            rustc: "/r".into(),
            cargo: "/c".into(),
            linker: "/l".into(),
        });
        assert_eq!(source.arguments, ["-Z", "build-std=std,panic_abort"]);
        let names: Vec<&str> = source.variables.iter().map(|(name, _)| *name).collect();
        assert_eq!(
            names,
            [
                "RUSTC",
                "RUSTC_BOOTSTRAP",
                "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER"
            ]
        );
    }
}
