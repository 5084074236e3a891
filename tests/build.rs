//! Builds the guests, each for the suite that tests it; a guest that no suite tests fails the build.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use millstream_guest_build::{Request, build, rerun_paths};

include!("guests/list.rs");

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .ok_or("the crate has no parent folder")?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let (own, wasi) = (root.join("tests/guests"), root.join("runtime/plugin-host/wit"));
    for path in rerun_paths(root).iter().chain([&own, &wasi]) {
        println!("cargo:rerun-if-changed={}", path.display());
    }
    every_guest_is_tested(root)?;
    let packages: Vec<String> = GUESTS
        .iter()
        .map(|(name, _)| format!("millstream-plugin-{name}"))
        .collect();
    let packages: Vec<&str> = packages.iter().map(String::as_str).collect();
    // The nested cargo may run beside the one of the agent's build script: its lock on target/guests puts them in turn.
    let built = build(&Request {
        workspace_root: root,
        packages: &packages,
        out_dir: &out,
        wasi: true,
    })?;
    for guest in built {
        println!(
            "cargo:rustc-env={}={}",
            variable(&guest.name),
            guest.path.display()
        );
    }
    Ok(())
}

/// What holds the path of a guest's component.
fn variable(name: &str) -> String {
    format!("{}_WASM", name.to_uppercase())
}

fn every_guest_is_tested(root: &Path) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(root.join("tests/guests"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() && !GUESTS.iter().any(|(guest, _)| *guest == name) {
            return Err(format!("tests/guests/{name} is not in tests/guests/list.rs").into());
        }
    }
    for (name, suite) in GUESTS {
        let suite = root.join(format!("tests/tests/{suite}.rs"));
        println!("cargo:rerun-if-changed={}", suite.display());
        if !fs::read_to_string(&suite)?.contains(&variable(name)) {
            return Err(format!(
                "{} does not load the guest {name}: {}",
                suite.display(),
                variable(name)
            )
            .into());
        }
    }
    Ok(())
}
