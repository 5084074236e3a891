//! Makes components: of any language's module ([`componentize`]), and of this workspace's Rust guests ([`build`]).
//!
//! Used by build scripts, so that `cargo build` alone gives an agent with its stages inside, by `millstream plugin
//! build`, and by hand: `millstream-guest-build --module IN --out OUT`, `millstream-guest-build millstream-plugin-labels`.
//!
//! Invariants:
//! - One nested cargo builds all packages, in a target directory of its own: the outer cargo holds the lock of
//!   its own directory while build scripts run, and sharing it would wait for ever.
//! - The nested cargo sees none of the outer one's environment ([`cargo`]), which names another target,
//!   another compiler and other flags.
//! - A component imports the functions of `millstream:stage/host@1.0.0`, a plugin of others also WASI; anything more is an
//!   error here rather than at a user's start.
//! - A component's file is rewritten only when its bytes changed, and its bytes do not depend on where the
//!   workspace lies: the agent caches compiled code by their hash.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

mod cargo;
mod component;
mod identity;
mod module;
mod products;
pub mod rust_target;
mod sdks;
mod slim;
mod standalone;
mod surface;
mod toolchain;

pub use component::componentize;
pub use identity::Identity;
pub use products::is_product;
pub use sdks::{Sdk, SdkFile};

/// What is taken off a package's name to get the plugin's.
const PREFIX: &str = "millstream-plugin-";

/// What to build.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The directory of the workspace's Cargo.toml.
    pub workspace_root: &'a Path,
    /// The packages, each a `cdylib` that exports a stage.
    pub packages: &'a [&'a str],
    /// Where `<name>.wasm` goes.
    pub out_dir: &'a Path,
    /// Whether they may import WASI too, of which the agent says at a start what it gives.
    pub wasi: bool,
}

/// One component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The plugin's name: the package's without `millstream-plugin-`.
    pub name: String,
    /// The component's file.
    pub path: PathBuf,
}

/// Builds the packages and wraps them. Says on standard error which tool chain it took.
pub fn build(request: &Request<'_>) -> Result<Vec<Built>> {
    let toolchain = toolchain::find(request.workspace_root)?;
    // Nobody reads this in a passing build; cargo shows it with -vv or when the build script fails.
    let _ = writeln!(std::io::stderr(), "guests: {toolchain}");
    let modules = cargo::build(&toolchain, request.workspace_root, request.packages)?;
    fs::create_dir_all(request.out_dir)
        .with_context(|| format!("cannot create {}", request.out_dir.display()))?;
    let mut built = Vec::new();
    for (package, module) in request.packages.iter().zip(modules) {
        let name = package.strip_prefix(PREFIX).unwrap_or(package).to_owned();
        let bytes = fs::read(&module).with_context(|| format!("cannot read {}", module.display()))?;
        let component = if request.wasi {
            componentize(&bytes, &ours(&name))
        } else {
            component::wrap(&bytes, &ours(&name))
        }
        .with_context(|| format!("cannot wrap {package}"))?;
        let path = request.out_dir.join(format!("{name}.wasm"));
        if fs::read(&path).ok().as_deref() != Some(component.as_slice()) {
            fs::write(&path, component).with_context(|| format!("cannot write {}", path.display()))?;
        }
        built.push(Built { name, path });
    }
    Ok(built)
}

/// Who a plugin of this workspace is: all have the workspace's version and licence.
fn ours(name: &str) -> Identity {
    Identity {
        name: Some(name.to_owned()),
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        licence: Some(env!("CARGO_PKG_LICENSE").to_owned()),
    }
}

/// What a build script that builds bundled plugins depends on, for `cargo:rerun-if-changed`.
pub fn rerun_paths(workspace_root: &Path) -> Vec<PathBuf> {
    [
        "plugins",
        "guest-sdk/rust",
        "guest-sdk/pattern",
        "guest-sdk/empty",
        "guest-sdk/wit",
        "Cargo.lock",
        "Cargo.toml",
    ]
    .iter()
    .map(|path| workspace_root.join(path))
    .collect()
}
