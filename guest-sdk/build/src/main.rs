//! Builds guests by hand: `millstream-guest-build [--out DIR] PACKAGE…`, in the workspace's directory.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use millstream_guest_build::{Request, build};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut out_dir = PathBuf::from("target/guests/components");
    let mut packages = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--out" => out_dir = arguments.next().context("--out needs a directory")?.into(),
            package if !package.starts_with('-') => packages.push(package.to_owned()),
            other => bail!("unknown option {other}; usage: millstream-guest-build [--out DIR] PACKAGE…"),
        }
    }
    if packages.is_empty() {
        bail!("name at least one package; usage: millstream-guest-build [--out DIR] PACKAGE…");
    }
    let packages: Vec<&str> = packages.iter().map(String::as_str).collect();
    let workspace_root = std::env::current_dir()?;
    for built in build(&Request {
        workspace_root: &workspace_root,
        packages: &packages,
        out_dir: &out_dir,
        wasi: false,
    })? {
        let size = std::fs::metadata(&built.path)?.len();
        writeln!(
            std::io::stdout(),
            "{}\t{size} bytes\t{}",
            built.name,
            built.path.display()
        )?;
    }
    Ok(())
}
