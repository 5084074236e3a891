//! Builds the bundled plugins and writes the table that embeds them.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

#[path = "src/manifest/bundled.rs"]
mod bundled;

use bundled::BUNDLED;
use millstream_guest_build::{Request, build, rerun_paths};

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .ok_or("the crate has no parent folder")?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for path in rerun_paths(root) {
        println!("cargo:rerun-if-changed={}", path.display());
    }
    let packages: Vec<String> = BUNDLED
        .iter()
        .map(|name| format!("millstream-plugin-{name}"))
        .collect();
    let packages: Vec<&str> = packages.iter().map(String::as_str).collect();
    let built = build(&Request {
        workspace_root: root,
        packages: &packages,
        out_dir: &out.join("plugins"),
        wasi: false,
    })?;
    let mut table = String::from("/// Name and component of every bundled plugin.\n");
    table.push_str("pub static BUNDLED: &[(&str, &[u8])] = &[\n");
    for plugin in &built {
        writeln!(
            table,
            "    ({:?}, include_bytes!({:?})),",
            plugin.name,
            plugin.path.display().to_string()
        )?;
    }
    table.push_str("];\n");
    fs::write(out.join("bundled.rs"), table)?;
    Ok(())
}
