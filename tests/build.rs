//! Builds the guest of the suite `sandbox`.

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};

use millstream_guest_build::{Request, build, rerun_paths};

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .ok_or("the crate has no parent folder")?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let own = root.join("tests/guests");
    for path in rerun_paths(root).iter().chain([&own]) {
        println!("cargo:rerun-if-changed={}", path.display());
    }
    // The nested cargo may run beside the one of the agent's build script: its lock on target/guests puts them in turn.
    let built = build(&Request {
        workspace_root: root,
        packages: &["millstream-plugin-rogue"],
        out_dir: &out,
    })?;
    let rogue = built.first().ok_or("no guest was built")?;
    println!("cargo:rustc-env=ROGUE_WASM={}", rogue.path.display());
    Ok(())
}
