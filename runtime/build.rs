//! Builds the bundled plugins and writes the tables that embed them, the empty stage, and the SDKs with their templates.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

#[path = "src/manifest/bundled.rs"]
mod bundled;

use bundled::BUNDLED;
use millstream_guest_build::{Request, Sdk, SdkFile, build, rerun_paths};

/// The stage that does nothing, which `plugin bench` compares with; no plugin of a manifest.
const EMPTY: &str = "millstream-plugin-empty";

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .ok_or("the crate has no parent folder")?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for path in rerun_paths(root) {
        println!("cargo:rerun-if-changed={}", path.display());
    }
    // The symbol table is a fifth of the binary and serves profilers alone: MILLSTREAM_SYMBOLS=1 keeps it. Not by the profile's
    // `strip`, because a change of that rebuilds every dependency.
    println!("cargo:rerun-if-env-changed=MILLSTREAM_SYMBOLS");
    if env::var_os("MILLSTREAM_SYMBOLS").is_none() {
        println!("cargo:rustc-link-arg-bins=-Wl,--strip-all");
    }
    let mut packages: Vec<String> = BUNDLED
        .iter()
        .map(|name| format!("millstream-plugin-{name}"))
        .collect();
    packages.push(EMPTY.to_owned());
    let packages: Vec<&str> = packages.iter().map(String::as_str).collect();
    let built = build(&Request {
        workspace_root: root,
        packages: &packages,
        out_dir: &out.join("plugins"),
        wasi: false,
    })?;
    let (empty, bundled) = built.split_last().ok_or("nothing was built")?;
    let mut table = String::from("/// Name and component of every bundled plugin.\n");
    table.push_str("pub static BUNDLED: &[(&str, &[u8])] = &[\n");
    for plugin in bundled {
        writeln!(
            table,
            "    ({:?}, include_bytes!({:?})),",
            plugin.name, plugin.path
        )?;
    }
    table.push_str("];\n");
    fs::write(out.join("bundled.rs"), table)?;
    let table = format!(
        "/// The component of the stage that does nothing.\npub static EMPTY: &[u8] = include_bytes!({:?});\n",
        empty.path
    );
    fs::write(out.join("empty.rs"), table)?;
    println!("cargo:rerun-if-changed={}", root.join("guest-sdk").display());
    fs::write(out.join("sdks.rs"), sdks(root, &out.join("sdks"))?)?;
    Ok(())
}

/// Copies the SDKs and templates to `out` and answers the table of them.
fn sdks(root: &Path, out: &Path) -> Result<String, Box<dyn Error>> {
    let mut table = String::from("/// Every language: its name, its template, its SDK.\n");
    table.push_str("pub static SDKS: &[EmbeddedSdk] = &[\n");
    for sdk in Sdk::all(root)? {
        writeln!(table, "    EmbeddedSdk {{\n        language: {:?},", sdk.language)?;
        for (kind, files) in [("template", &sdk.template), ("sdk", &sdk.sdk)] {
            writeln!(table, "        {kind}: &[")?;
            for SdkFile { path, content } in files {
                let copy = out.join(&sdk.language).join(kind).join(path);
                fs::create_dir_all(copy.parent().unwrap_or(out))?;
                fs::write(&copy, content)?;
                writeln!(table, "            ({path:?}, include_bytes!({copy:?})),")?;
            }
            table.push_str("        ],\n");
        }
        table.push_str("    },\n");
    }
    table.push_str("];\n");
    Ok(table)
}
